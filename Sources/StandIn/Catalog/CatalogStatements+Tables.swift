extension CatalogStatements {
    /// Names of 64 to 127 bytes, by the short forms that stand for them.
    static let names = """
        CREATE TABLE IF NOT EXISTS pg_catalog.standin_names (short text PRIMARY KEY, long text NOT NULL);
        """

    /// ALTER TABLE as Redshift does it. https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_TABLE.html
    static let alterations = #"""
        CREATE OR REPLACE FUNCTION pg_catalog.standin_refuse(reason text) RETURNS void LANGUAGE plpgsql AS $f$ BEGIN
            RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = reason;
        END $f$;

        CREATE OR REPLACE FUNCTION pg_catalog.standin_check_widen(target regclass, col text, size integer) RETURNS void
        LANGUAGE plpgsql AS $f$
        DECLARE old record; keys text[]; longest integer;
        BEGIN
            SELECT a.atttypid, a.atttypmod - 4 AS size, a.atthasdef, n.encoding INTO old
            FROM pg_catalog.pg_attribute a
            LEFT JOIN pg_catalog.standin_column_notes n ON n.relid = a.attrelid AND n.attnum = a.attnum
            WHERE a.attrelid = target AND a.attname = col AND NOT a.attisdropped;
            IF NOT FOUND THEN RETURN; END IF;
            SELECT primary_key || other_keys INTO keys FROM pg_catalog.standin_table_notes WHERE relid = target;
            IF old.atttypid <> 'varchar'::regtype THEN
                PERFORM standin_refuse('ALTER COLUMN TYPE is supported for VARCHAR columns only');
            ELSIF old.encoding IN ('bytedict', 'runlength', 'text255', 'text32k') THEN
                PERFORM standin_refuse(format('cannot alter the type of column "%s" with encoding %s', col, old.encoding));
            ELSIF col = ANY (keys) THEN
                PERFORM standin_refuse(format('cannot alter the type of column "%s" with a key constraint', col));
            ELSIF old.atthasdef AND size < old.size THEN
                PERFORM standin_refuse('cannot decrease a VARCHAR column size with default value');
            ELSIF size < old.size THEN
                EXECUTE format('SELECT max(octet_length(%I)) FROM %s', col, target) INTO longest;
                IF longest > size THEN
                    PERFORM standin_refuse(format(
                        'target column size %s should be greater or equal to current maximum column size %s', size, longest));
                END IF;
            END IF;
        END $f$;

        CREATE OR REPLACE FUNCTION pg_catalog.standin_note_encoding(target regclass, col text, new_encoding text)
        RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $f$
        DECLARE number smallint;
        BEGIN
            SELECT a.attnum INTO number FROM pg_catalog.pg_attribute a
            WHERE a.attrelid = target AND a.attname = col AND NOT a.attisdropped AND a.attnum > 0;
            IF NOT FOUND THEN
                RAISE EXCEPTION USING ERRCODE = '42703',
                    MESSAGE = format('column "%s" of relation "%s" does not exist', col, target);
            END IF;
            IF NOT pg_has_role(session_user, (SELECT relowner FROM pg_catalog.pg_class WHERE oid = target), 'USAGE') THEN
                RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('must be owner of table %s', target);
            END IF;
            INSERT INTO pg_catalog.standin_column_notes VALUES (target, number, new_encoding, false, 0, NULL)
            ON CONFLICT (relid, attnum) DO UPDATE SET encoding = new_encoding;
        END $f$;

        -- ALTER TABLE target APPEND FROM source: moves all rows, by columns of the same name.
        CREATE OR REPLACE FUNCTION pg_catalog.standin_append(
            target regclass, source regclass, ignores_extra boolean, fills_target boolean) RETURNS void
        LANGUAGE plpgsql AS $f$
        DECLARE odd text; shared text;
        BEGIN
            IF target = source OR EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid IN (target, source)
                AND (relkind <> 'r' OR relpersistence <> 'p')) THEN
                PERFORM standin_refuse('ALTER TABLE APPEND needs two permanent tables');
            END IF;
            CREATE TEMP TABLE standin_moved AS
            SELECT coalesce(t.attname, s.attname) AS name, t.attname IS NULL AS extra, s.attname IS NULL AS lacking,
                (t.atttypid, t.atttypmod, t.attnotnull, coalesce(tn.encoding, ''), coalesce(tn.varbyte_bytes, 0))
                    IS DISTINCT FROM (s.atttypid, s.atttypmod, s.attnotnull, coalesce(sn.encoding, ''),
                    coalesce(sn.varbyte_bytes, 0)) AS differs, t.attidentity = 'a' AS generated
            FROM (SELECT * FROM pg_catalog.pg_attribute WHERE attrelid = target AND attnum > 0 AND NOT attisdropped) t
            FULL JOIN (SELECT * FROM pg_catalog.pg_attribute WHERE attrelid = source AND attnum > 0 AND NOT attisdropped) s
                ON s.attname = t.attname
            LEFT JOIN pg_catalog.standin_column_notes tn ON tn.relid = t.attrelid AND tn.attnum = t.attnum
            LEFT JOIN pg_catalog.standin_column_notes sn ON sn.relid = s.attrelid AND sn.attnum = s.attnum;
            SELECT name INTO odd FROM standin_moved WHERE CASE WHEN extra THEN NOT ignores_extra
                WHEN lacking THEN NOT fills_target ELSE differs OR generated END;
            SELECT string_agg(quote_ident(name), ', ') INTO shared FROM standin_moved WHERE NOT extra AND NOT lacking;
            DROP TABLE standin_moved;
            IF odd IS NOT NULL OR shared IS NULL THEN
                PERFORM standin_refuse(format('ALTER TABLE APPEND: column "%s" is not the same in both tables', odd));
            END IF;
            EXECUTE format('INSERT INTO %s (%s) SELECT %s FROM %s', target, shared, shared, source);
            EXECUTE format('TRUNCATE %s', source);
        END $f$;
        """#

    /// More functions of Redshift's. https://docs.aws.amazon.com/redshift/latest/dg/c_SQL_functions.html
    static let moreFunctions = #"""
        -- FNV-1a over the bytes of a value; 2^64 is 18446744073709551616.
        CREATE OR REPLACE FUNCTION pg_catalog.standin_fnv(value bytea, seed bigint) RETURNS bigint
        LANGUAGE plpgsql IMMUTABLE STRICT AS $f$
        DECLARE hash numeric := CASE WHEN seed < 0 THEN seed::numeric + 18446744073709551616 ELSE seed END; low bigint;
        BEGIN
            FOR at IN 0..length(value) - 1 LOOP
                low := mod(hash, 256)::bigint;
                hash := mod((hash - low + (low # get_byte(value, at))) * 1099511628211, 18446744073709551616);
            END LOOP;
            RETURN (CASE WHEN hash >= 9223372036854775808 THEN hash - 18446744073709551616 ELSE hash END)::bigint;
        END $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.standin_reversed(bytea) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS $f$
            SELECT string_agg(substr($1, at, 1), ''::bytea ORDER BY at DESC) FROM generate_series(1, length($1)) at $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.fnv_hash(text, bigint DEFAULT -3750763034362895579) RETURNS bigint
            LANGUAGE sql IMMUTABLE STRICT AS $f$ SELECT standin_fnv(convert_to($1, 'UTF8'), $2) $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.fnv_hash(smallint, bigint DEFAULT -3750763034362895579) RETURNS bigint
            LANGUAGE sql IMMUTABLE STRICT AS $f$ SELECT standin_fnv(standin_reversed(int2send($1)), $2) $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.fnv_hash(integer, bigint DEFAULT -3750763034362895579) RETURNS bigint
            LANGUAGE sql IMMUTABLE STRICT AS $f$ SELECT standin_fnv(standin_reversed(int4send($1)), $2) $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.fnv_hash(bigint, bigint DEFAULT -3750763034362895579) RETURNS bigint
            LANGUAGE sql IMMUTABLE STRICT AS $f$ SELECT standin_fnv(standin_reversed(int8send($1)), $2) $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.fnv_hash(varbyte, bigint DEFAULT -3750763034362895579) RETURNS bigint
            LANGUAGE sql IMMUTABLE STRICT AS $f$ SELECT standin_fnv($1, $2) $f$;

        CREATE OR REPLACE FUNCTION pg_catalog.nvl2(anyelement, anycompatible, anycompatible) RETURNS anycompatible
            LANGUAGE sql IMMUTABLE AS $f$ SELECT CASE WHEN $1 IS NOT NULL THEN $2 ELSE $3 END $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.listagg(text) RETURNS varchar LANGUAGE plpgsql IMMUTABLE STRICT AS $f$
        BEGIN
            IF octet_length($1) > 65535 THEN PERFORM standin_fail('Result size exceeds LISTAGG limit', ''); END IF;
            RETURN $1;
        END $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.dateadd(part text, number bigint, at timestamptz) RETURNS timestamptz
            LANGUAGE sql STABLE STRICT AS $f$ SELECT at + (number::text || ' ' || part)::interval $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.dateadd(part text, number bigint, at date) RETURNS timestamp
            LANGUAGE sql IMMUTABLE STRICT AS $f$ SELECT at + (number::text || ' ' || part)::interval $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.datediff(part text, early timestamptz, late timestamptz) RETURNS bigint
            LANGUAGE sql IMMUTABLE STRICT AS $f$ SELECT datediff(part, early AT TIME ZONE 'UTC', late AT TIME ZONE 'UTC') $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.datediff(part text, early date, late date) RETURNS bigint
            LANGUAGE sql IMMUTABLE STRICT AS $f$ SELECT datediff(part, early::timestamp, late::timestamp) $f$;
        """#
}
