# shellcheck shell=bash
# redshift-standin, the local Redshift, for as long as the script runs. Sourced after common.sh.

# start_standin BINARY FOLDER PORT PASSWORD S3_PORT: its data in FOLDER; ready when it returns.
start_standin() {
    local binary=$1 folder=$2 port=$3 password=$4 s3_port=$5
    local log=$folder.log
    [[ -x $binary ]] || fail "$binary is missing; was it built?" 69
    mkdir -p "$folder"
    : >"$log"
    STANDIN_PASSWORD=$password AWS_ENDPOINT_URL_S3=http://127.0.0.1:$s3_port AWS_REGION=$S3_REGION \
        STANDIN_S3_ACCESS_KEY_ID=$S3_KEY STANDIN_S3_SECRET_ACCESS_KEY=$S3_SECRET \
        start_process redshift-standin TERM "$log" "$binary" --data "$folder" --port "$port"
    wait_ready redshift-standin "$LAST_PID" "$log" 90 \
        grep -qF "redshift-standin ready on 127.0.0.1:$port" "$log"
}
