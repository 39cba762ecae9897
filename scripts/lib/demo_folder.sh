# shellcheck shell=bash
# The one folder in which the demo keeps everything, and its removal. Sourced after postgres.sh.

# use_demo_folder: sets DEMO, makes it, and holds its lock on descriptor 9 until the script ends.
use_demo_folder() {
    local place=${DEMO_DIR:-$CHECKOUT/.demo} elsewhere
    mkdir -p "$place"
    if [[ -z ${DEMO_DIR:-} && ! -L $place ]] && ! postgres_reaches "$place"; then
        # Run as root in a private folder: the servers' user could not reach their data. A link stands for the folder.
        elsewhere=$(mktemp -d /tmp/redshift-loader-demo.XXXXXX)
        chmod 711 "$elsewhere"
        rmdir "$place" || fail "$place is out of reach for the user 'postgres'; set DEMO_DIR to another folder" 69
        ln -s "$elsewhere" "$place"
    fi
    DEMO=$(cd "$place" && pwd -P)
    # `--clean` removes the folder, so it must hold nothing of anyone else's.
    [[ -e $DEMO/lock || -z $(ls -A "$DEMO") ]] || fail "$place is not empty and not the demo's; choose another DEMO_DIR" 64
    chmod go-rw "$DEMO"
    exec 9>>"$DEMO/lock"
    flock --nonblock 9 ||
        fail "a demo already runs from $place; end it with Ctrl-C there, or with scripts/demo --clean" 75
    echo $$ >"$DEMO/pid"
}

# clean_demo: ends the demo that runs from the folder, whatever it left running, and removes the folder.
clean_demo() {
    local place=${DEMO_DIR:-$CHECKOUT/.demo} folder pid
    if [[ ! -d $place ]]; then
        [[ ! -L $place ]] || rm "$place"
        say "nothing to remove: $place does not exist"
        return
    fi
    folder=$(cd "$place" && pwd -P)
    [[ -e $folder/lock && -e $folder/pid ]] || fail "$place was not made by scripts/demo; nothing is removed"
    exec 9>>"$folder/lock"
    if ! flock --nonblock 9; then
        pid=$(<"$folder/pid")
        say "stopping the demo (pid $pid)"
        kill -TERM "$pid" 2>/dev/null || true
        flock --timeout 60 9 || fail "the demo (pid $pid) still runs; end it, then run this again" 75
    fi
    stop_left_servers "$folder"
    rm -rf "$folder"
    [[ ! -L $place ]] || rm "$place"
    say "removed $place"
}

# Databases that outlived a killed run: their pids lie in their data folders, which are their working folders too.
stop_left_servers() {
    local file pid signal
    while IFS= read -r file; do
        pid=$(sed -n 1p "$file")
        [[ $(readlink "/proc/$pid/cwd" 2>/dev/null || true) == "$(dirname "$file")" ]] || continue
        signal=TERM
        [[ $file != */postmaster.pid ]] || signal=INT
        say "stopping what serves $(dirname "$file") (pid $pid)"
        kill -"$signal" "$pid" 2>/dev/null || continue
        wait_for_end "$pid" 30 || fail "the server in $(dirname "$file") (pid $pid) does not stop"
    done < <(find "$1" -name postmaster.pid -o -name server.pid)
}
