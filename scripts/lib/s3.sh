# shellcheck shell=bash
# An S3 server that judges requests as Amazon's does: OpenStack Swift with its S3 API, four processes on loopback ports.
# It checks signature, body hash, clock and region. Sourced after common.sh.

# shellcheck disable=SC2034  # these four are read by the scripts that source this file
S3_KEY=test:tester S3_SECRET=testing S3_REGION=us-east-1 S3_PORT=

# Objects keep their metadata in extended attributes, which some file systems lack.
check_attributes() {
    python3 - "$1" <<'PYTHON' || fail "the file system of $1 has no extended attributes; set TMPDIR or DEMO_DIR to a folder on another" 69
import os, sys, tempfile
with tempfile.NamedTemporaryFile(dir=sys.argv[1]) as file:
    try:
        os.setxattr(file.name, "user.probe", b"1")
    except OSError:
        sys.exit(1)
PYTHON
}

write_s3_backend() {
    local folder=$1 kind=$2 port=$3
    cat >"$folder/$kind-server.conf" <<CONF
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $port
swift_dir = $folder
devices = $folder/devices
mount_check = false
user = $(id -un)
workers = 0
recon_cache_path = $folder/cache
log_level = WARNING
fallocate_reserve = 0
disable_fallocate = true
[pipeline:main]
pipeline = $kind-server
[app:$kind-server]
use = egg:swift#$kind
CONF
}

write_s3_proxy() {
    local folder=$1 port=$2 filter
    local filters=(catch_errors gatekeeper healthcheck listing_formats s3api tempauth copy bulk slo dlo
        versioned_writes symlink)
    cat >"$folder/proxy-server.conf" <<CONF
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $port
swift_dir = $folder
user = $(id -un)
workers = 0
log_level = WARNING
[pipeline:main]
pipeline = ${filters[*]} proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
CONF
    for filter in "${filters[@]}"; do
        printf '[filter:%s]\nuse = egg:swift#%s\n' "$filter" "$filter"
        case $filter in
        s3api) printf 'location = %s\nstorage_domain = localhost\ndns_compliant_bucket_names = true\n' "$S3_REGION" ;;
        tempauth) printf 'user_%s = %s .admin\n' "${S3_KEY/:/_}" "$S3_SECRET" ;;
        versioned_writes) echo 'allow_versioned_writes = true' ;;
        esac
    done >>"$folder/proxy-server.conf"
}

s3_answers() {
    local port
    for port in "$@"; do port_answers "$port" || return 1; done
    curl --silent --fail --max-time 5 --noproxy '*' --output /dev/null "http://127.0.0.1:$1/healthcheck"
}

# start_s3 FOLDER: sets S3_PORT; ready when it returns. What an earlier run stored in FOLDER is still there.
start_s3() {
    local folder=$1 kinds=(proxy account container object) ports i
    mkdir -p "$folder/devices/disk" "$folder/cache"
    check_attributes "$folder"
    mapfile -t ports < <(free_ports 4)
    cat >"$folder/swift.conf" <<'CONF'
[swift-hash]
swift_hash_path_prefix = redshift
swift_hash_path_suffix = loader
[storage-policy:0]
name = single
default = yes
CONF
    for i in 1 2 3; do
        write_s3_backend "$folder" "${kinds[i]}" "${ports[i]}"
    done
    write_s3_proxy "$folder" "${ports[0]}"
    "$S3_VENV/bin/python" "$LIB/s3_rings.py" "$folder" "${ports[@]:1}"
    for i in 1 2 3 0; do
        : >"$folder/${kinds[i]}.log"
        start_process "S3 server (${kinds[i]})" TERM "$folder/${kinds[i]}.log" \
            "$S3_VENV/bin/swift-${kinds[i]}-server" "$folder/${kinds[i]}-server.conf"
    done
    wait_ready "S3 server" "$LAST_PID" "$folder/proxy.log" 60 s3_answers "${ports[@]}"
    # shellcheck disable=SC2034
    S3_PORT=${ports[0]}
}
