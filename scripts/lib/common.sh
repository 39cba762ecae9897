# shellcheck shell=bash
# What every script here shares: words to the user, the checkout's folder, and processes that end with the script.
# Sourced, never run. The caller has set -euo pipefail.

CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034  # read by the files that source this one
LIB=$CHECKOUT/scripts/lib
SCRIPT_NAME=$(basename "$0")

# Settings of the user's own databases and accounts must not leak into servers and clients that live for one run only.
unset "${!PG@}" AWS_PROFILE AWS_SESSION_TOKEN AWS_SECURITY_TOKEN

say() { printf '%s\n' "$*" >&2; }

# fail MESSAGE [EXIT CODE]: 69 means that something this machine needs is missing, as in sysexits(3).
fail() {
    printf '%s: %s\n' "$SCRIPT_NAME" "$1" >&2
    exit "${2:-1}"
}

# A password of 32 hexadecimal digits, safe in a URL.
random_secret() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# N free loopback ports, one a line; all are held at once while they are chosen, so they differ. Below those that Linux
# gives to the near end of connections (32768 to 60999), one of which could take a port before its server does.
free_ports() {
    python3 - "$1" <<'PYTHON'
import random, socket, sys
held = []
for port in random.sample(range(10000, 20000), 10000):
    if len(held) == int(sys.argv[1]):
        break
    one = socket.socket()
    try:
        one.bind(("127.0.0.1", port))
    except OSError:
        continue
    held.append(one)
    print(port)
else:
    sys.exit("there is no free port left between 10000 and 20000")
PYTHON
}

# port_answers PORT: something accepts connections there.
port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# duration_seconds 90 | 60s | 2m | 1h: the number of seconds, or a failure that names the flag.
duration_seconds() {
    local text=$1 flag=$2
    [[ $text =~ ^([0-9]{1,6})(s|m|h)?$ ]] || fail "$flag wants a duration such as 60s, 2m or 1h, not '$text'" 64
    case ${BASH_REMATCH[2]} in
    m) echo $((BASH_REMATCH[1] * 60)) ;;
    h) echo $((BASH_REMATCH[1] * 3600)) ;;
    *) echo "${BASH_REMATCH[1]}" ;;
    esac
}

# ---- Processes: each is stopped by its own pid, newest first; none is ever looked for by name. ----

STARTED_PIDS=()
STARTED_SIGNALS=()
STARTED_NAMES=()

# start_process NAME SIGNAL LOG [setpriv's OPTIONS] COMMAND…: runs it away from the terminal (a Ctrl-C must not reach
# the servers before the script has finished with them), and lets the kernel send SIGNAL should this script be killed.
# Sets LAST_PID.
start_process() {
    local name=$1 signal=$2 log=$3
    shift 3
    setsid setpriv --pdeathsig "$signal" "$@" </dev/null >>"$log" 2>&1 3>&- 9>&- &
    LAST_PID=$!
    STARTED_PIDS+=("$LAST_PID")
    STARTED_SIGNALS+=("$signal")
    STARTED_NAMES+=("$name")
}

process_alive() { kill -0 "$1" 2>/dev/null; }

# wait_for_end PID SECONDS: true once it has ended; false when it still runs after that time.
wait_for_end() {
    local tries=$(($2 * 10))
    while process_alive "$1"; do
        ((tries-- > 0)) || return 1
        sleep 0.1
    done
}

# forget_process PID: it has ended, and stop_started has nothing to do for it.
forget_process() {
    local i
    for i in "${!STARTED_PIDS[@]}"; do
        [[ ${STARTED_PIDS[i]} != "$1" ]] || unset "STARTED_PIDS[$i]" "STARTED_SIGNALS[$i]" "STARTED_NAMES[$i]"
    done
}

stop_started() {
    local order i pid
    mapfile -t order < <(printf '%s\n' "${!STARTED_PIDS[@]}" | sort -rn)
    for i in "${order[@]}"; do
        [[ -n $i ]] || continue
        pid=${STARTED_PIDS[i]}
        kill -"${STARTED_SIGNALS[i]}" "$pid" 2>/dev/null || continue
        if ! wait_for_end "$pid" 30; then
            say "${STARTED_NAMES[i]} (pid $pid) did not stop within 30 s and is killed"
            kill -KILL "$pid" 2>/dev/null || true
        fi
    done
    STARTED_PIDS=() STARTED_SIGNALS=() STARTED_NAMES=()
}

# wait_ready NAME PID LOG SECONDS CHECK…: until CHECK succeeds; shows the log when the process ends or the time is over.
wait_ready() {
    local name=$1 pid=$2 log=$3 seconds=$4 tries=$(($4 * 10))
    shift 4
    until "$@" >/dev/null 2>&1; do
        if ! process_alive "$pid" || ((tries-- <= 0)); then
            say "the end of $log:"
            tail -n 20 "$log" >&2 || true
            process_alive "$pid" && fail "$name was not ready within $seconds s" 69
            fail "$name ended before it was ready" 69
        fi
        sleep 0.1
    done
}
