extension CatalogStatements {
    /// Functions that Redshift has and PostgreSQL has not, with their labels: a call's column is named like it.
    static let functions = #"""
        CREATE OR REPLACE FUNCTION pg_catalog.version(text) RETURNS text LANGUAGE sql IMMUTABLE AS $f$
            SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 '
                || '(Red Hat 3.4.2-6.fc3), Redshift 1.0.51304' $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.pg_last_copy_count(bigint) RETURNS bigint
            LANGUAGE sql STABLE AS 'SELECT $1';
        CREATE OR REPLACE FUNCTION pg_catalog.pg_last_copy_id(bigint) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT $1';
        CREATE OR REPLACE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE AS
            $f$ SELECT date_trunc('second', now() AT TIME ZONE 'UTC') $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.sysdate() RETURNS timestamp LANGUAGE sql STABLE AS
            $f$ SELECT now() AT TIME ZONE 'UTC' $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.is_valid_json(text) RETURNS boolean
            LANGUAGE plpgsql IMMUTABLE STRICT AS $f$
            BEGIN PERFORM $1::json; RETURN true; EXCEPTION WHEN others THEN RETURN false; END $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.to_hex(bytea) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT AS
            $f$ SELECT encode($1, 'hex')::varchar $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.from_hex(text) RETURNS varbyte LANGUAGE sql IMMUTABLE STRICT AS
            $f$ SELECT decode($1, 'hex')::varbyte $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.to_varbyte(text, text) RETURNS varbyte
            LANGUAGE sql IMMUTABLE STRICT AS $f$
            SELECT (CASE lower($2) WHEN 'hex' THEN decode($1, 'hex') WHEN 'base64' THEN decode($1, 'base64')
                ELSE convert_to($1, 'UTF8') END)::varbyte $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.from_varbyte(bytea, text) RETURNS varchar
            LANGUAGE sql IMMUTABLE STRICT AS $f$
            SELECT (CASE lower($2) WHEN 'hex' THEN encode($1, 'hex') WHEN 'base64' THEN encode($1, 'base64')
                ELSE convert_from($1, 'UTF8') END)::varchar $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.len(text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS
            'SELECT length($1)';
        CREATE OR REPLACE FUNCTION pg_catalog.len(bpchar) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS
            'SELECT length($1)';
        CREATE OR REPLACE FUNCTION pg_catalog.strtol(text, integer) RETURNS bigint
            LANGUAGE plpgsql IMMUTABLE STRICT AS $f$
            DECLARE total numeric := 0; digit integer; sign integer := 1; body text := lower($1);
            BEGIN
                IF left(body, 1) = '-' THEN sign := -1; body := substr(body, 2); END IF;
                IF $2 = 16 AND left(body, 2) = '0x' THEN body := substr(body, 3); END IF;
                FOR i IN 1..length(body) LOOP
                    digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', substr(body, i, 1)) - 1;
                    IF digit < 0 OR digit >= $2 THEN
                        RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'The input is not a valid number for STRTOL';
                    END IF;
                    total := total * $2 + digit;
                END LOOP;
                RETURN sign * total;
            END $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.sha2(text, integer) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT AS
            $f$ SELECT encode(CASE $2 WHEN 0 THEN sha256(convert_to($1, 'UTF8'))
                WHEN 224 THEN sha224(convert_to($1, 'UTF8')) WHEN 256 THEN sha256(convert_to($1, 'UTF8'))
                WHEN 384 THEN sha384(convert_to($1, 'UTF8')) WHEN 512 THEN sha512(convert_to($1, 'UTF8')) END,
                'hex')::varchar $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.dateadd(part text, number bigint, at timestamp) RETURNS timestamp
            LANGUAGE sql IMMUTABLE STRICT AS
            $f$ SELECT at + (number::text || ' ' || part)::interval $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.datediff(part text, early timestamp, late timestamp) RETURNS bigint
            LANGUAGE sql IMMUTABLE STRICT AS $f$
            SELECT CASE rtrim(lower(part), 's')
                WHEN 'year' THEN (extract(year FROM late) - extract(year FROM early))::bigint
                WHEN 'month' THEN ((extract(year FROM late) - extract(year FROM early)) * 12
                    + extract(month FROM late) - extract(month FROM early))::bigint
                WHEN 'day' THEN (late::date - early::date)::bigint
                WHEN 'hour' THEN (extract(epoch FROM date_trunc('hour', late) - date_trunc('hour', early)) / 3600)::bigint
                WHEN 'minute' THEN
                    (extract(epoch FROM date_trunc('minute', late) - date_trunc('minute', early)) / 60)::bigint
                WHEN 'second' THEN
                    extract(epoch FROM date_trunc('second', late) - date_trunc('second', early))::bigint
                WHEN 'millisecond' THEN (extract(epoch FROM late - early) * 1000)::bigint
                WHEN 'microsecond' THEN (extract(epoch FROM late - early) * 1000000)::bigint END $f$;
        """#

    /// Redshift's catalog views, under Redshift's type names and with lengths in bytes.
    static let views = #"""
        CREATE OR REPLACE VIEW pg_catalog.standin_columns AS
        SELECT current_database()::varchar AS table_catalog, n.nspname::varchar AS table_schema,
            c.relname::varchar AS table_name, a.attname::varchar AS column_name, a.attnum::integer AS ordinal_position,
            pg_get_expr(d.adbin, d.adrelid)::varchar AS column_default,
            (CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END)::varchar AS is_nullable,
            (CASE t.typname WHEN 'super' THEN 'super' WHEN 'varbyte' THEN 'binary varying' WHEN 'name' THEN 'name'
                ELSE format_type(a.atttypid, NULL) END)::varchar AS data_type,
            CASE WHEN t.typname IN ('varchar', 'bpchar') AND a.atttypmod > 0 THEN a.atttypmod - 4
                WHEN t.typname = 'varbyte' THEN coalesce(s.varbyte_bytes, 64000) END AS character_maximum_length,
            NULL::integer AS character_octet_length,
            CASE t.typname WHEN 'numeric' THEN CASE WHEN a.atttypmod > 0 THEN ((a.atttypmod - 4) >> 16) & 65535 END
                WHEN 'int2' THEN 16 WHEN 'int4' THEN 32 WHEN 'int8' THEN 64 WHEN 'float4' THEN 24
                WHEN 'float8' THEN 53 END AS numeric_precision,
            CASE WHEN t.typname IN ('int2', 'int4', 'int8', 'float4', 'float8') THEN 2
                WHEN t.typname = 'numeric' THEN 10 END AS numeric_precision_radix,
            CASE WHEN t.typname = 'numeric' AND a.atttypmod > 0 THEN (a.atttypmod - 4) & 65535
                WHEN t.typname IN ('int2', 'int4', 'int8') THEN 0 END AS numeric_scale,
            CASE WHEN t.typname IN ('time', 'timetz', 'timestamp', 'timestamptz') THEN 6
                WHEN t.typname = 'date' THEN 0 END AS datetime_precision,
            current_database()::varchar AS udt_catalog, 'pg_catalog'::varchar AS udt_schema,
            t.typname::varchar AS udt_name, s.encoding::varchar AS encoding, coalesce(s.distkey, false) AS distkey,
            coalesce(s.sortkey, 0) AS sortkey, a.attrelid AS standin_relid, a.attnotnull AS standin_notnull,
            format_type(a.atttypid, a.atttypmod)::varchar AS standin_type
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        LEFT JOIN standin_column_notes s ON s.relid = a.attrelid AND s.attnum = a.attnum
        WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND a.attnum > 0 AND NOT a.attisdropped
            AND (n.nspname !~ '^pg_(toast|temp)' OR n.oid = pg_my_temp_schema())
            AND c.relname !~ '^standin_'
            AND (pg_has_role(c.relowner, 'USAGE')
                OR has_column_privilege(c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES'));

        CREATE OR REPLACE VIEW pg_catalog.standin_tables AS
        SELECT current_database()::varchar AS table_catalog, n.nspname::varchar AS table_schema,
            c.relname::varchar AS table_name,
            (CASE WHEN n.oid = pg_my_temp_schema() THEN 'LOCAL TEMPORARY' WHEN c.relkind = 'v' THEN 'VIEW'
                ELSE 'BASE TABLE' END)::varchar AS table_type
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'v', 'p') AND c.relname !~ '^standin_'
            AND (n.nspname !~ '^pg_(toast|temp)' OR n.oid = pg_my_temp_schema())
            AND (pg_has_role(c.relowner, 'USAGE')
                OR has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, REFERENCES'));

        CREATE OR REPLACE VIEW pg_catalog.standin_schemata AS
        SELECT current_database()::varchar AS catalog_name, n.nspname::varchar AS schema_name,
            pg_get_userbyid(n.nspowner)::varchar AS schema_owner
        FROM pg_namespace n WHERE n.nspname !~ '^pg_(toast|temp)'
            AND (pg_has_role(n.nspowner, 'USAGE') OR has_schema_privilege(n.oid, 'CREATE, USAGE'));

        CREATE OR REPLACE VIEW pg_catalog.svv_columns AS SELECT table_catalog, table_schema, table_name, column_name,
            ordinal_position, column_default, is_nullable, data_type, character_maximum_length, numeric_precision,
            numeric_precision_radix, numeric_scale, datetime_precision FROM standin_columns;
        CREATE OR REPLACE VIEW pg_catalog.svv_redshift_columns AS SELECT table_catalog AS database_name,
            table_schema AS schema_name, table_name, column_name, ordinal_position, standin_type AS data_type,
            column_default, is_nullable, coalesce(encoding, 'none')::varchar AS encoding, distkey, sortkey
            FROM standin_columns;
        CREATE OR REPLACE VIEW pg_catalog.svv_tables AS SELECT * FROM standin_tables;
        CREATE OR REPLACE VIEW pg_catalog.svv_redshift_schemas AS SELECT catalog_name AS database_name, schema_name,
            schema_owner, 'local'::varchar AS schema_type FROM standin_schemata;
        CREATE OR REPLACE VIEW pg_catalog.pg_table_def AS SELECT table_schema AS schemaname, table_name AS tablename,
            column_name AS "column", standin_type AS type, coalesce(encoding, 'none')::varchar AS encoding, distkey,
            sortkey, standin_notnull AS "notnull" FROM standin_columns
            WHERE table_schema::name = ANY (current_schemas(false)) OR table_schema ~ '^pg_temp';

        CREATE OR REPLACE FUNCTION pg_catalog.standin_row_count(oid) RETURNS bigint LANGUAGE plpgsql AS $f$
        DECLARE total bigint;
        BEGIN EXECUTE format('SELECT count(*) FROM %s', $1::regclass) INTO total; RETURN total; END $f$;
        CREATE OR REPLACE VIEW pg_catalog.svv_table_info AS
        SELECT current_database()::varchar AS "database", n.nspname::varchar AS "schema", c.oid AS table_id,
            c.relname::varchar AS "table", coalesce(upper(s.diststyle), 'AUTO')::varchar AS diststyle,
            (pg_total_relation_size(c.oid) / 1048576 + 1)::bigint AS size, standin_row_count(c.oid) AS tbl_rows,
            0::numeric AS unsorted, 0::numeric AS stats_off
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN standin_table_notes s ON s.relid = c.oid
        WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|information_schema)' AND standin_row_count(c.oid) > 0;

        GRANT SELECT ON pg_catalog.standin_columns, pg_catalog.standin_tables, pg_catalog.standin_schemata,
            pg_catalog.svv_columns, pg_catalog.svv_redshift_columns, pg_catalog.svv_tables,
            pg_catalog.svv_redshift_schemas, pg_catalog.pg_table_def TO PUBLIC;
        """#

    /// Slices of the imitated cluster; a table, so that `--slices` can change between starts.
    static func slices(_ count: Int) -> String {
        """
        CREATE OR REPLACE VIEW pg_catalog.stv_slices AS
        SELECT 0 AS node, s::integer AS slice, s::integer AS localslice, 'D'::varchar AS type
        FROM generate_series(0, \(count - 1)) s;
        GRANT SELECT ON pg_catalog.stv_slices TO PUBLIC;
        """
    }

    /// https://docs.aws.amazon.com/redshift/latest/dg/r_STV_DB_ISOLATION_LEVEL.html
    static func isolation(isSerializable: Bool) -> String {
        """
        CREATE OR REPLACE VIEW pg_catalog.stv_db_isolation_level AS
        SELECT datname::varchar AS db_name,
            '\(isSerializable ? "Serializable" : "Snapshot Isolation")'::varchar AS isolation_level
        FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres';
        GRANT SELECT ON pg_catalog.stv_db_isolation_level TO PUBLIC;
        """
    }

    /// Rows of failed loads; users see their own, the owner sees all.
    static let loadErrors = #"""
        CREATE TABLE IF NOT EXISTS pg_catalog.standin_load_errors (
            username name, slice integer, tbl integer, starttime timestamp, session integer, query integer,
            filename text, line_number bigint, colname text, type text, col_length text, position integer,
            raw_line text, raw_field_value text, err_code integer, err_reason text);
        CREATE OR REPLACE VIEW pg_catalog.stl_load_errors AS
        SELECT coalesce(u.usesysid, 0)::integer AS userid, e.slice, e.tbl, e.starttime, e.session, e.query,
            rpad(left(e.filename, 256), 256) AS filename, e.line_number,
            rpad(left(e.colname, 127), 127) AS colname, rpad(left(e.type, 10), 10) AS type,
            rpad(left(e.col_length, 10), 10) AS col_length, e.position, e.raw_line::varchar(1024) AS raw_line,
            e.raw_field_value::varchar(1024) AS raw_field_value, e.err_code,
            rpad(left(e.err_reason, 100), 100) AS err_reason, 0 AS is_partial, 0::bigint AS start_offset
        FROM standin_load_errors e LEFT JOIN pg_user u ON u.usename = e.username
        WHERE e.username = current_user OR (SELECT usesuper FROM pg_user WHERE usename = current_user);
        CREATE OR REPLACE VIEW pg_catalog.sys_load_error_detail AS
        SELECT coalesce(u.usesysid, 0)::integer AS user_id, e.query::bigint AS query_id, 0::bigint AS transaction_id,
            e.session AS session_id, current_database()::char(64) AS database_name, e.tbl AS table_id,
            e.starttime AS start_time, rpad(left(e.filename, 256), 256) AS file_name, e.line_number,
            rpad(left(e.colname, 127), 127) AS column_name, rpad(left(e.type, 10), 10) AS column_type,
            rpad(left(e.col_length, 10), 10) AS column_length, e.position, e.err_code AS error_code,
            rpad(left(e.err_reason, 512), 512) AS error_message
        FROM standin_load_errors e LEFT JOIN pg_user u ON u.usename = e.username
        WHERE e.username = current_user OR (SELECT usesuper FROM pg_user WHERE usename = current_user);
        GRANT SELECT ON pg_catalog.stl_load_errors, pg_catalog.sys_load_error_detail TO PUBLIC;
        """#
}
