# shellcheck shell=bash
# A PostgreSQL server of our own on a loopback port, for as long as the script runs. Sourced after requirements.sh.

POSTGRES_ADMIN=loader_admin

# as_postgres COMMAND…: PostgreSQL refuses to run as root, so root runs it as the user that its package made.
as_postgres() {
    if ((EUID == 0)); then
        setpriv --reuid postgres --regid postgres --clear-groups -- env HOME=/nonexistent "$@"
    else
        "$@"
    fi
}

# Whether the server's user can reach a folder (a checkout below a home of mode 0700 is out of its reach).
postgres_reaches() { (cd / && as_postgres test -x "$1"); }

# make_postgres FOLDER PASSWORD: a cluster in FOLDER/data, unless there is one.
make_postgres() {
    local folder=$1 programs
    [[ ! -s $folder/data/PG_VERSION ]] || return 0
    programs=$(postgres_programs)
    mkdir -p "$folder"
    printf '%s\n' "$2" >"$folder/password"
    if ((EUID == 0)); then
        getent passwd postgres >/dev/null || fail "run as root, this needs a user 'postgres' for the server" 69
        chown -R postgres: "$folder"
    fi
    postgres_reaches "$folder" || fail "the user 'postgres' cannot reach $folder; set TMPDIR or DEMO_DIR to a folder it can" 69
    (cd "$folder" && as_postgres "$programs/initdb" --pgdata=data --username="$POSTGRES_ADMIN" --pwfile=password \
        --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-sync --no-instructions) >"$folder/initdb.log" 2>&1 ||
        { cat "$folder/initdb.log" >&2; fail "initdb failed" 69; }
    rm "$folder/password"
    # Data that lives for a test needs no fsync. No Unix socket: its path would be too long in some folders.
    # Parallel queries take shared memory, of which a container has little.
    as_postgres tee -a "$folder/data/postgresql.conf" >/dev/null <<'CONF'
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 500
max_prepared_transactions = 10
max_parallel_workers_per_gather = 0
wal_level = replica
max_wal_size = '4GB'
track_commit_timestamp = off
fsync = off
synchronous_commit = off
full_page_writes = off
timezone = 'UTC'
log_timezone = 'UTC'
CONF
}

# encrypt_postgres FOLDER: TLS with a certificate that nobody trusts, for tests of exactly that.
encrypt_postgres() {
    local folder=$1
    [[ ! -e $folder/data/server.key ]] || return 0
    (cd "$folder" && as_postgres openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj '/O=Loader tests/CN=nobody.example' \
        -keyout data/server.key -out data/server.crt) >"$folder/openssl.log" 2>&1 ||
        { cat "$folder/openssl.log" >&2; fail "openssl made no certificate" 69; }
    echo 'ssl = on' | as_postgres tee -a "$folder/data/postgresql.conf" >/dev/null
}

# start_postgres FOLDER PORT PASSWORD: ready when it returns.
start_postgres() {
    local folder=$1 port=$2 programs switch=()
    programs=$(postgres_programs)
    make_postgres "$folder" "$3"
    [[ -z ${POSTGRES_TLS:-} ]] || encrypt_postgres "$folder"
    # After a killed run; the server itself refuses to start when the one that wrote it is alive.
    : >"$folder/server.log"
    ((EUID != 0)) || switch=(--reuid postgres --regid postgres --clear-groups)
    start_process PostgreSQL INT "$folder/server.log" \
        ${switch[@]+"${switch[@]}"} "$programs/postgres" -D "$folder/data" -p "$port"
    wait_ready PostgreSQL "$LAST_PID" "$folder/server.log" 60 \
        "$programs/pg_isready" --quiet --host=127.0.0.1 --port="$port" --username="$POSTGRES_ADMIN" --dbname=postgres
}
