# shellcheck shell=bash
# redshift-loader as demo and measurement run it: its settings, its commands said aloud. Sourced after common.sh.

# loader_settings FOLDER BUCKET: everything from our own servers; nothing from the user's own installation.
loader_settings() {
    unset COPY_VIA_S3 REDSHIFT_IAM_ROLE ENCRYPTION_KEY CHECKPOINT_SCHEMA SOURCE_CA_PEM DESTINATION_CA_PEM "${!S3_SSE@}" \
        S3_PREFIX S3_KMS_KEY_ID
    export DATABASE_URL=sqlite://$1/loader.db
    export S3_BUCKET_NAME=$2 AWS_REGION=$S3_REGION AWS_ENDPOINT_URL_S3=http://127.0.0.1:$S3_PORT
    export AWS_ACCESS_KEY_ID=$S3_KEY AWS_SECRET_ACCESS_KEY=$S3_SECRET
    "$TOOLS_PYTHON" "$LIB/s3_bucket.py" "$AWS_ENDPOINT_URL_S3" "$AWS_REGION" "$S3_BUCKET_NAME"
}

# loader ARGUMENTS…: one command, shown as a user would type it. LOADER is the binary.
loader() {
    say "\$ redshift-loader $*"
    "$LOADER" "$@" </dev/null
}

# admin_sql PORT DATABASE PASSWORD [psql's ARGUMENTS…]: as the source's administrator.
admin_sql() {
    local port=$1 database=$2 password=$3
    shift 3
    PGPASSWORD=$password PGGSSENCMODE=disable psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 \
        --host=127.0.0.1 --port="$port" --username="$POSTGRES_ADMIN" --dbname="$database" "$@" </dev/null
}
