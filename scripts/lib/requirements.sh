# shellcheck shell=bash
# What a machine needs before anything is built: a Swift toolchain, C libraries, servers of PostgreSQL and MariaDB, Python.
# Installs with apt what is missing, and nothing else. Sourced after common.sh.

SWIFT_OLDEST_MAJOR=6 SWIFT_OLDEST_MINOR=2
POSTGRES_OLDEST=14

# The programs of the newest PostgreSQL server of this machine that is new enough, or nothing.
postgres_programs() {
    local folder best='' version newest=0
    for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/bin /usr/local/bin /usr/local/pgsql/bin; do
        [[ -x $folder/initdb && -x $folder/postgres ]] || continue
        version=$("$folder/postgres" --version | sed -nE 's/.* ([0-9]+)([.a-z].*)?$/\1/p')
        if ((${version:-0} >= POSTGRES_OLDEST && version > newest)); then
            best=$folder newest=$version
        fi
    done
    echo "$best"
}

# MariaDB's server, which is not on everyone's PATH, or nothing.
mariadb_program() { PATH=$PATH:/usr/sbin:/usr/libexec:/usr/local/sbin command -v mariadbd || true; }

SWIFT_ADVICE="Install the official one: https://www.swift.org/install/linux/ (swiftly, its installer, or an archive), \
then run this again."

# Stops where there is no Swift, or one that is too old; false when it does not say.
check_swift() {
    command -v swift >/dev/null ||
        fail "there is no Swift toolchain on PATH; $SWIFT_OLDEST_MAJOR.$SWIFT_OLDEST_MINOR or newer is needed. $SWIFT_ADVICE" 69
    [[ $(swift --version 2>/dev/null || true) =~ Swift\ version\ ([0-9]+)\.([0-9]+) ]] || return 1
    ((BASH_REMATCH[1] > SWIFT_OLDEST_MAJOR ||
        BASH_REMATCH[1] == SWIFT_OLDEST_MAJOR && BASH_REMATCH[2] >= SWIFT_OLDEST_MINOR)) ||
        fail "Swift ${BASH_REMATCH[1]}.${BASH_REMATCH[2]} is too old; \
$SWIFT_OLDEST_MAJOR.$SWIFT_OLDEST_MINOR or newer is needed. $SWIFT_ADVICE" 69
}

package_installed() {
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# The missing packages by Debian's names, one a line.
missing_packages() {
    local entry loadable
    # Programs and headers: by the program where there is one, since it may come from elsewhere.
    for entry in git:git curl:curl pkg-config:pkg-config gcc:gcc g++:g++ ld:binutils psql:postgresql-client \
        python3:python3 setpriv:util-linux; do
        command -v "${entry%%:*}" >/dev/null || echo "${entry#*:}"
    done
    for entry in libpq:libpq-dev libmariadb:libmariadb-dev libzstd:libzstd-dev zlib:zlib1g-dev sqlite3:libsqlite3-dev; do
        if ! command -v pkg-config >/dev/null || ! pkg-config --exists "${entry%%:*}"; then echo "${entry#*:}"; fi
    done
    # Libraries that the toolchain itself loads.
    loadable=$(/sbin/ldconfig -p)
    for entry in libcurl.so.4:libcurl4-openssl-dev libxml2.so.2:libxml2-dev libncurses.so.6:libncurses-dev; do
        [[ $loadable == *"${entry%%:*} "* ]] || echo "${entry#*:}"
    done
    [[ -e /usr/share/zoneinfo/UTC ]] || echo tzdata
    [[ -e /usr/include/stdlib.h ]] || echo libc6-dev
    [[ -n $(postgres_programs) ]] || echo postgresql
    # Without the package `mariadb-server`, which would make a data folder and start a service: the programs are enough.
    [[ -n $(mariadb_program) ]] || echo mariadb-server-core
    for entry in mariadb my_print_defaults; do command -v "$entry" >/dev/null || echo mariadb-client-core; done | uniq
    python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
}

# find_root NAME…: sets AS_ROOT, what goes before a command of root's; without apt or sudo it says what to install.
find_root() {
    AS_ROOT=()
    command -v apt-get >/dev/null ||
        fail "this machine has no apt. Install what these Debian packages hold, then run this again: $*" 69
    ((EUID != 0)) || return 0
    command -v sudo >/dev/null ||
        fail "neither root nor sudo. Ask for this, then run this again: apt-get install --no-install-recommends $*" 69
    AS_ROOT=(sudo)
}

as_root() { ${AS_ROOT[@]+"${AS_ROOT[@]}"} "$@"; }

install_packages() {
    # --no-remove: MariaDB's packages exclude MySQL's, which someone may be using.
    local apt=(apt-get -o DPkg::Lock::Timeout=300 --no-remove)
    say "installing with apt: $*"
    as_root "${apt[@]}" -qq update >&2 &&
        as_root env DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y -qq --no-install-recommends "$@" </dev/null >&2
}

# The server package makes a cluster of its own on port 5432 and starts it, unless this setting of
# createcluster.conf(5) says otherwise. It is laid down for the installation alone; clusters that exist stay as they are.
install_without_cluster() {
    local folder=/etc/postgresql-common/createcluster.d status=0
    as_root mkdir -p "$folder"
    echo 'create_main_cluster = false' | as_root tee "$folder/redshift-loader.conf" >/dev/null
    install_packages "$@" || status=$?
    as_root rm -f "$folder/redshift-loader.conf"
    as_root rmdir --ignore-fail-on-non-empty "$folder"
    return "$status"
}

install_missing() {
    local missing status=0
    find_root "$@"
    if [[ " $* " == *" postgresql "* ]]; then
        install_without_cluster "$@" || status=$?
    else
        install_packages "$@" || status=$?
    fi
    ((status == 0)) || fail "apt could not install $*" 69
    mapfile -t missing < <(missing_packages)
    ((${#missing[@]} == 0)) || fail "still missing after the installation: ${missing[*]}" 69
}

# ensure_requirements [PACKAGE…]: all of the above, and further packages by name.
ensure_requirements() {
    local missing package swift_answers=1
    check_swift || swift_answers=0 # a toolchain that lacks a library cannot tell its version before it has it
    mapfile -t missing < <(missing_packages)
    for package in "$@"; do
        package_installed "$package" || missing+=("$package")
    done
    if ((${#missing[@]} > 0)); then install_missing "${missing[@]}"; fi
    ((swift_answers)) || check_swift || fail "$(command -v swift) does not answer as a Swift compiler. $SWIFT_ADVICE" 69
}
