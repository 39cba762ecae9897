# shellcheck shell=bash
# TLS for servers that live for one run. Sourced after postgres.sh.

# make_certificate FOLDER: an authority of its own (FOLDER/ca.crt, which anyone may read), and a certificate and key for
# localhost and 127.0.0.1 that it signed (FOLDER/server.crt, FOLDER/server.key), of the servers' user.
make_certificate() {
    local folder=$1
    [[ ! -e $folder/server.crt ]] || return 0
    (
        cd "$folder"
        as_postgres openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj '/O=Loader tests/CN=Loader tests CA' \
            -keyout ca.key -out ca.crt &&
            as_postgres openssl req -newkey rsa:2048 -nodes -subj '/O=Loader tests/CN=localhost' \
                -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -keyout server.key -out server.csr &&
            as_postgres openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 \
                -copy_extensions copy -out server.crt
    ) >"$folder/openssl.log" 2>&1 || { cat "$folder/openssl.log" >&2; fail "openssl made no certificate" 69; }
    chmod 644 "$folder/ca.crt"
}
