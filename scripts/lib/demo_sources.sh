# shellcheck shell=bash
# The demo's two sources: a shop in PostgreSQL and a warehouse in MariaDB. Sourced after mariadb.sh and loader.sh.

SHOP_TABLES=(customers products orders order_lines events)
WAREHOUSE_TABLES=(carriers items stock deliveries scans)

# One database, filled by one transaction, so what there is of it is whole.
make_shop() {
    if [[ -z $(admin_sql "$SHOP_PORT" postgres "$ADMIN_PASSWORD" -c "SELECT 1 FROM pg_database WHERE datname = 'shop'") ]]; then
        admin_sql "$SHOP_PORT" postgres "$ADMIN_PASSWORD" -c 'CREATE DATABASE shop'
    fi
    if [[ -z $(admin_sql "$SHOP_PORT" shop "$ADMIN_PASSWORD" -c "SELECT to_regclass('public.events')") ]]; then
        tell "filling the shop"
        admin_sql "$SHOP_PORT" shop "$ADMIN_PASSWORD" --set="loader_password=$SOURCE_PASSWORD" \
            --file="$CHECKOUT/scripts/demo-shop.sql"
    fi
}

# warehouse_sql: what comes on stdin, as the administrator of MariaDB.
warehouse_sql() {
    MYSQL_PWD=$ADMIN_PASSWORD mariadb --no-defaults --protocol=tcp --host=127.0.0.1 --port="$WAREHOUSE_PORT" \
        --user="$MARIADB_ADMIN" --default-character-set=utf8mb4 --batch --skip-column-names "$@"
}

# MariaDB commits each table as it is made: the loader's user, made last, says that all is there.
make_warehouse() {
    if [[ -n $(warehouse_sql <<<"SELECT 1 FROM mysql.user WHERE user = 'loader'") ]]; then return; fi
    tell "filling the warehouse"
    warehouse_sql <<<"DROP DATABASE IF EXISTS warehouse; CREATE DATABASE warehouse"
    warehouse_sql warehouse <"$CHECKOUT/scripts/demo-warehouse.sql" >/dev/null
    # What the loader needs of a source, and no more. PROCESS shows it the age of others' transactions.
    warehouse_sql <<<"CREATE USER loader@'%' IDENTIFIED BY '$SOURCE_PASSWORD'; GRANT PROCESS ON *.* TO loader@'%';
        GRANT SELECT ON warehouse.* TO loader@'%'"
}
