# shellcheck shell=bash
# Two Python environments: one for the S3 server, one for comparisons and writers. Neither is ever put on PATH:
# OpenStack's client is called `swift`, as the compiler is. Sourced after common.sh.

# use_venvs FOLDER: sets S3_VENV and TOOLS_PYTHON, TPCHGEN; makes what is not there. The tests' folder in the checkout
# serves every script once it is complete.
use_venvs() {
    local folder=$1
    if venv_current "$CHECKOUT/.test/venv-s3" s3 && venv_current "$CHECKOUT/.test/venv-tools" tools; then
        folder=$CHECKOUT/.test
    fi
    mkdir -p "$folder"
    make_venv "$folder/venv-s3" s3
    make_venv "$folder/venv-tools" tools
    # shellcheck disable=SC2034  # read by the scripts that source this file
    {
        S3_VENV=$folder/venv-s3
        TOOLS_PYTHON=$folder/venv-tools/bin/python
        TPCHGEN=$folder/venv-tools/bin/tpchgen-cli
    }
}

# What an environment was made of; it is made anew when this changes.
venv_stamp() { { python3 --version && cat "$LIB/requirements-$1.txt"; } | cksum; }

venv_current() { [[ -x $1/bin/python && $(cat "$1/stamp" 2>/dev/null) == "$(venv_stamp "$2")" ]]; }

make_venv() {
    local folder=$1 kind=$2
    venv_current "$folder" "$kind" && return
    say "making the Python environment $folder"
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check --no-input -r "$LIB/requirements-$kind.txt" >&2 ||
        fail "pip could not install $LIB/requirements-$kind.txt" 69
    venv_stamp "$kind" >"$folder/stamp"
}
