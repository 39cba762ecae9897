# shellcheck shell=bash
# A real MySQL server of our own. Debian's stable release has none, its unstable one has: `mysql-server-core` and the
# libraries that it needs, libc included, are unpacked into a folder and run from there with their own loader. Nothing is
# installed, and no rights of root are needed. Sourced after mariadb.sh.

MYSQL_SUITE=${MYSQL_SUITE:-sid}
# What maintainer scripts need and the server does not.
MYSQL_LEAVE_OUT='^(perl|libperl|debconf|dpkg|tar|libgdbm|base-files|adduser|passwd)'

# ensure_mysql FOLDER: unpacks the server into FOLDER/root, unless that was done before; sets MYSQL_ROOT. False, with a
# message, where it cannot be had.
ensure_mysql() {
    local folder=$1 MYSQLD
    MYSQL_ROOT=$folder/root
    mysqld_command
    if [[ -s $folder/version ]] && "${MYSQLD[@]}" --version >/dev/null 2>&1; then return; fi
    if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
        say "MySQL is unpacked from Debian packages, and this machine has no apt"
        return 1
    fi
    rm -rf "$folder"
    mkdir -p "$folder/apt/lists/partial" "$folder/debs"
    say "downloading MySQL from Debian $MYSQL_SUITE into $folder"
    write_mysql_apt "$folder" && download_mysql "$folder" && unpack_mysql "$folder" || return 1
    mysqld_command
    "${MYSQLD[@]}" --version >"$folder/version" || { say "the unpacked mysqld does not run"; return 1; }
    rm -rf "$folder/apt" "$folder/debs"
    say "unpacked $(<"$folder/version")"
}

# An apt that knows one suite and no installed package, so that it resolves the libraries too, and that writes nowhere else.
write_mysql_apt() {
    local folder=$1 mirror=${MYSQL_MIRROR:-}
    # shellcheck disable=SC2016  # apt's own variable
    [[ -n $mirror ]] || mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        awk '/\/debian\/?$/ && !found { found = 1; print }')
    [[ -n $mirror ]] || { say "apt knows no Debian mirror; set MYSQL_MIRROR to one"; return 1; }
    : >"$folder/apt/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $MYSQL_SUITE main" >"$folder/apt/sources.list"
    cat >"$folder/apt/apt.conf" <<CONF
Dir::State "$folder/apt";
Dir::State::status "$folder/apt/status";
Dir::Cache "$folder/apt";
Dir::Etc::sourcelist "$folder/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Install-Recommends "false";
APT::Sandbox::User "$(id -un)";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
CONF
}

download_mysql() {
    local folder=$1 names
    export APT_CONFIG=$folder/apt/apt.conf
    if timeout 300 apt-get -qq update >&2 &&
        names=$(apt-get -s -o Debug::NoLocking=true install mysql-server-core | awk '/^Inst / { print $2 }'); then
        mapfile -t names < <(grep -vE "$MYSQL_LEAVE_OUT" <<<"$names")
        (cd "$folder/debs" && timeout 600 apt-get -qq download "${names[@]}" >&2) && unset APT_CONFIG && return
    fi
    unset APT_CONFIG
    say "mysql-server-core could not be downloaded from Debian $MYSQL_SUITE"
    return 1
}

unpack_mysql() {
    local root=$1/root part deb
    # Packages of today put all below /usr and leave these links to the base system.
    for part in bin sbin lib lib64; do
        mkdir -p "$root/usr/$part"
        ln -s "usr/$part" "$root/$part"
    done
    for deb in "$1"/debs/*.deb; do
        dpkg-deb --extract "$deb" "$root" || { say "$deb cannot be unpacked"; return 1; }
    done
    rm -rf "$root"/usr/share/{doc,man,locale,info,lintian}
}

# mysqld_command: sets MYSQLD to the command that runs the unpacked server: its loader, its libraries, its own folders
# in place of those that were compiled in, and no OpenSSL settings of this machine's.
mysqld_command() {
    local libraries loader
    libraries=$(echo "$MYSQL_ROOT"/usr/lib/*-linux-gnu*)
    for loader in "$libraries"/ld-linux-*.so.*; do :; done
    MYSQLD=(env TZ="$MARIADB_ZONE" OPENSSL_CONF=/dev/null OPENSSL_MODULES="$libraries/ossl-modules"
        "$loader" --library-path "$libraries:$MYSQL_ROOT/usr/lib" --argv0 "$MYSQL_ROOT/usr/sbin/mysqld"
        "$MYSQL_ROOT/usr/sbin/mysqld")
}

# run_mysqld ARGUMENT…: as the servers' user, to whom root's private folders are closed.
run_mysqld() {
    local MYSQLD
    mysqld_command
    as_postgres "${MYSQLD[@]}" "$@"
}

# bring_mysql_within_reach FOLDER: a copy in FOLDER takes the place of an unpacked server that lies where the servers'
# user cannot go.
bring_mysql_within_reach() {
    ! postgres_reaches "$MYSQL_ROOT" || return 0
    cp -a "$MYSQL_ROOT" "$1/mysql-programs"
    MYSQL_ROOT=$1/mysql-programs
}

# make_mysql FOLDER PASSWORD: a data folder in FOLDER/data, unless there is one.
make_mysql() {
    local folder=$1
    [[ ! -e $folder/data/complete ]] || return 0
    hand_to_postgres "$folder"
    {
        shared_settings "$folder"
        printf '%s\n' 'mysqlx = OFF' 'secure-file-priv = NULL' 'innodb-redo-log-capacity = 64M' \
            "lc-messages-dir = $MYSQL_ROOT/usr/share/mysql" "plugin-dir = $MYSQL_ROOT/usr/lib/mysql/plugin" \
            "character-sets-dir = $MYSQL_ROOT/usr/share/mysql/charsets"
    } | as_postgres tee "$folder/my.cnf" >/dev/null
    (umask 077 && { admin_statements "$2" && echo 'ALTER USER root@localhost ACCOUNT LOCK;'; } |
        as_postgres tee "$folder/admin.sql" >/dev/null)
    as_postgres rm -rf "$folder/data"
    (cd "$folder" && run_mysqld --defaults-file="$folder/my.cnf" --initialize-insecure --datadir="$folder/data" \
        --init-file="$folder/admin.sql") >"$folder/install.log" 2>&1 ||
        { cat "$folder/install.log" >&2; fail "mysqld --initialize failed" 69; }
    as_postgres rm "$folder/admin.sql"
    as_postgres touch "$folder/data/complete"
}

# start_mysql FOLDER PORT PASSWORD: ready when it returns. With MARIADB_TLS it offers TLS by make_certificate; without,
# by a certificate that it makes itself.
start_mysql() {
    local folder=$1 port=$2 switch=() tls=() MYSQLD
    make_mysql "$folder" "$3"
    [[ -z ${MARIADB_TLS:-} ]] || make_certificate "$folder"
    mapfile -t tls < <(tls_options "$folder")
    mysqld_command
    : >"$folder/server.log"
    ((EUID != 0)) || switch=(--reuid postgres --regid postgres --clear-groups)
    start_process MySQL TERM "$folder/server.log" ${switch[@]+"${switch[@]}"} "${MYSQLD[@]}" \
        --defaults-file="$folder/my.cnf" --datadir="$folder/data" --port="$port" ${tls[@]+"${tls[@]}"}
    wait_ready MySQL "$LAST_PID" "$folder/server.log" 60 mariadb_answers "$port" "$3"
}
