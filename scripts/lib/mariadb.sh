# shellcheck shell=bash
# A MariaDB server of our own on a loopback port, for as long as the script runs. Sourced after postgres.sh, whose user
# runs it, and certificates.sh.

MARIADB_ADMIN=loader_admin
# Not UTC: the product must not care.
MARIADB_ZONE=Asia/Kathmandu
# Nor must users' settings reach servers and clients of ours.
unset MYSQL_HOST MYSQL_PWD MYSQL_TCP_PORT MYSQL_UNIX_PORT MYSQL_HOME MYSQL_GROUP_SUFFIX MARIADB_HOME

# admin_statements PASSWORD: one a line, as servers take them when they make their data folder.
admin_statements() {
    printf '%s\n' "FLUSH PRIVILEGES;" "CREATE USER '$MARIADB_ADMIN'@'%' IDENTIFIED BY '$1';" \
        "GRANT ALL ON *.* TO '$MARIADB_ADMIN'@'%' WITH GRANT OPTION;"
}

# hand_to_postgres FOLDER: makes it, with a folder for temporary files, where the servers' user can reach and own it.
hand_to_postgres() {
    mkdir -p "$1/tmp"
    ((EUID != 0)) || chown -R postgres: "$1"
    postgres_reaches "$1" || fail "the user 'postgres' cannot reach $1; set TMPDIR or DEMO_DIR to a folder it can" 69
}

# shared_settings FOLDER: of MariaDB and MySQL alike. Data that lives for a test needs no fsync. The socket's path is
# relative to the data folder: a full one would be too long in some folders. A server that starts removes what others
# keep in a folder of temporary files, so each has its own.
shared_settings() {
    cat <<CONF
[server]
tmpdir = $1/tmp
bind-address = 127.0.0.1
socket = server.sock
pid-file = server.pid
skip-name-resolve
skip-log-bin
max-connections = 300
max-allowed-packet = 64M
performance-schema = OFF
innodb-buffer-pool-size = 128M
innodb-flush-log-at-trx-commit = 0
innodb-flush-method = nosync
innodb-doublewrite = OFF
innodb-lock-wait-timeout = 20
CONF
}

# make_mariadb FOLDER PASSWORD: a data folder in FOLDER/data, unless there is one.
make_mariadb() {
    local folder=$1
    [[ ! -e $folder/data/complete ]] || return 0
    hand_to_postgres "$folder"
    { shared_settings "$folder" && echo 'innodb-log-file-size = 64M'; } | as_postgres tee "$folder/my.cnf" >/dev/null
    (umask 077 && admin_statements "$2" | as_postgres tee "$folder/admin.sql" >/dev/null)
    as_postgres rm -rf "$folder/data"
    (cd "$folder" && as_postgres env PATH="$PATH:/usr/sbin" mariadb-install-db --defaults-file="$folder/my.cnf" \
        --datadir="$folder/data" --skip-test-db --skip-name-resolve --extra-file="$folder/admin.sql") \
        >"$folder/install.log" 2>&1 || { cat "$folder/install.log" >&2; fail "mariadb-install-db failed" 69; }
    as_postgres rm "$folder/admin.sql"
    as_postgres touch "$folder/data/complete"
}

# mariadb_answers PORT PASSWORD
mariadb_answers() {
    MYSQL_PWD=$2 mariadb --no-defaults --protocol=tcp --host=127.0.0.1 --port="$1" --user="$MARIADB_ADMIN" --execute='DO 0'
}

# tls_options FOLDER: what servers need to offer TLS, one a line; nothing where no certificate was made.
tls_options() {
    [[ -e $1/server.crt ]] || return 0
    printf '%s\n' "--ssl-ca=$1/ca.crt" "--ssl-cert=$1/server.crt" "--ssl-key=$1/server.key"
}

# start_mariadb FOLDER PORT PASSWORD: ready when it returns. With MARIADB_TLS it offers TLS by make_certificate.
start_mariadb() {
    local folder=$1 port=$2 switch=() tls=()
    make_mariadb "$folder" "$3"
    [[ -z ${MARIADB_TLS:-} ]] || make_certificate "$folder"
    mapfile -t tls < <(tls_options "$folder")
    : >"$folder/server.log"
    ((EUID != 0)) || switch=(--reuid postgres --regid postgres --clear-groups)
    start_process MariaDB TERM "$folder/server.log" ${switch[@]+"${switch[@]}"} env TZ="$MARIADB_ZONE" \
        "$(mariadb_program)" --defaults-file="$folder/my.cnf" --datadir="$folder/data" --port="$port" ${tls[@]+"${tls[@]}"}
    wait_ready MariaDB "$LAST_PID" "$folder/server.log" 60 mariadb_answers "$port" "$3"
}
