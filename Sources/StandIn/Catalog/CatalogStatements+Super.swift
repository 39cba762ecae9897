extension CatalogStatements {
    /// SUPER, of which PostgreSQL has no like. A plain text that arrives in such a column is a string, whatever it looks
    /// like; only JSON_PARSE and COPY make a document of it. So a stored value is either a byte 1 and JSON, or a string's
    /// own bytes; the stand-in shows both as JSON. An earlier version kept JSON alone, in a domain: its columns are
    /// converted.
    static let superType = #"""
        DO $$
        DECLARE col record;
        BEGIN
            IF EXISTS (SELECT FROM pg_type WHERE oid = to_regtype('pg_catalog.super') AND typtype = 'd') THEN
                ALTER DOMAIN pg_catalog.super RENAME TO standin_old_super;
            END IF;
            IF to_regtype('pg_catalog.super') IS NOT NULL THEN RETURN; END IF;
            CREATE TYPE pg_catalog.super;
            CREATE FUNCTION pg_catalog.standin_super_in(cstring) RETURNS super
                LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textin';
            CREATE FUNCTION pg_catalog.standin_super_out(super) RETURNS cstring
                LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textout';
            CREATE TYPE pg_catalog.super (INPUT = standin_super_in, OUTPUT = standin_super_out, LIKE = text);
            CREATE CAST (text AS super) WITHOUT FUNCTION AS ASSIGNMENT;
            CREATE CAST (varchar AS super) WITHOUT FUNCTION AS ASSIGNMENT;
            IF to_regtype('pg_catalog.standin_old_super') IS NULL THEN RETURN; END IF;
            FOR col IN SELECT attrelid::regclass AS tab, attname FROM pg_attribute
                WHERE atttypid = 'pg_catalog.standin_old_super'::regtype AND NOT attisdropped
            LOOP
                EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE super USING (chr(1) || %I::text)::super',
                    col.tab, col.attname, col.attname);
            END LOOP;
            DROP DOMAIN pg_catalog.standin_old_super CASCADE;
        END $$;
        """#

    /// What makes and reads SUPER values.
    /// Limits: https://docs.aws.amazon.com/redshift/latest/dg/limitations-super.html
    static let superFunctions = #"""
        CREATE OR REPLACE FUNCTION pg_catalog.standin_super_text(super) RETURNS varchar
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $f$
            SELECT (CASE WHEN ascii(textin(standin_super_out($1))) <> 1 THEN textin(standin_super_out($1))
                WHEN substr(textin(standin_super_out($1)), 2, 1) = '"'
                    THEN substr(textin(standin_super_out($1)), 2)::json #>> '{}'
                ELSE substr(textin(standin_super_out($1)), 2) END)::varchar $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.json_serialize(super) RETURNS varchar
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $f$
            SELECT (CASE WHEN ascii(textin(standin_super_out($1))) = 1 THEN substr(textin(standin_super_out($1)), 2)
                ELSE to_json(textin(standin_super_out($1)))::text END)::varchar $f$;

        -- Only long documents are looked through: a short one can break no limit.
        CREATE OR REPLACE FUNCTION pg_catalog.standin_check_document(document text) RETURNS void
        LANGUAGE plpgsql IMMUTABLE STRICT SET standard_conforming_strings = on AS $f$
        DECLARE brackets text; depth integer := 0;
        BEGIN
            IF octet_length(document) > 16777216 THEN
                PERFORM standin_fail('The SUPER value is larger than 16 MB', '');
            END IF;
            IF octet_length(document) > 65535 AND (SELECT max(octet_length(m[1])) > 65535
                FROM regexp_matches(document, '"((?:[^"\\]|\\.)*)"', 'g') m) THEN
                PERFORM standin_fail('String value exceeds the max size of 65535 bytes', '');
            END IF;
            brackets := regexp_replace(document, '"(?:[^"\\]|\\.)*"|[^][{}]', '', 'g');
            IF length(brackets) < 2000 THEN RETURN; END IF;
            FOR at IN 1..length(brackets) LOOP
                depth := depth + CASE WHEN substr(brackets, at, 1) IN ('[', '{') THEN 1 ELSE -1 END;
                IF depth > 1000 THEN PERFORM standin_fail('SUPER nesting is deeper than 1000', ''); END IF;
            END LOOP;
        END $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.json_parse(text) RETURNS super
        LANGUAGE plpgsql IMMUTABLE STRICT AS $f$
        BEGIN
            IF octet_length($1) > 1000 THEN PERFORM standin_check_document($1); END IF;
            RETURN (chr(1) || ($1::json)::text)::super;
        END $f$;

        CREATE OR REPLACE FUNCTION pg_catalog.standin_number_to_super(numeric) RETURNS super
            LANGUAGE sql IMMUTABLE STRICT AS 'SELECT (chr(1) || $1::text)::super';
        CREATE OR REPLACE FUNCTION pg_catalog.standin_number_to_super(bigint) RETURNS super
            LANGUAGE sql IMMUTABLE STRICT AS 'SELECT (chr(1) || $1::text)::super';
        CREATE OR REPLACE FUNCTION pg_catalog.standin_number_to_super(integer) RETURNS super
            LANGUAGE sql IMMUTABLE STRICT AS 'SELECT (chr(1) || $1::text)::super';
        CREATE OR REPLACE FUNCTION pg_catalog.standin_number_to_super(smallint) RETURNS super
            LANGUAGE sql IMMUTABLE STRICT AS 'SELECT (chr(1) || $1::text)::super';
        CREATE OR REPLACE FUNCTION pg_catalog.standin_number_to_super(double precision) RETURNS super
            LANGUAGE sql IMMUTABLE STRICT AS 'SELECT (chr(1) || $1::text)::super';
        CREATE OR REPLACE FUNCTION pg_catalog.standin_number_to_super(boolean) RETURNS super
            LANGUAGE sql IMMUTABLE STRICT AS 'SELECT (chr(1) || $1::text)::super';
        DO $$
        DECLARE type text;
        BEGIN
            IF EXISTS (SELECT FROM pg_cast WHERE castsource = 'super'::regtype AND casttarget = 'text'::regtype) THEN
                RETURN;
            END IF;
            CREATE CAST (super AS varchar) WITH FUNCTION pg_catalog.standin_super_text(super) AS ASSIGNMENT;
            CREATE CAST (super AS text) WITH FUNCTION pg_catalog.standin_super_text(super) AS ASSIGNMENT;
            FOREACH type IN ARRAY ARRAY['numeric', 'bigint', 'integer', 'smallint', 'double precision', 'boolean'] LOOP
                EXECUTE format('CREATE CAST (%s AS super) WITH FUNCTION pg_catalog.standin_number_to_super(%s) AS ASSIGNMENT',
                    type, type);
            END LOOP;
        END $$;
        """#

    /// Limits of columns that PostgreSQL's types do not keep; CREATE TABLE puts them into constraints.
    static let limits = #"""
        CREATE OR REPLACE FUNCTION pg_catalog.standin_fail(message text, context text, code integer DEFAULT 8001)
        RETURNS void LANGUAGE plpgsql AS $f$ BEGIN
            RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = message, DETAIL = format(
                E'\n  %s\n  error:  %s\n  code:      %s\n  context:   %s\n  query:     0\n'
                '  location:  standin\n  process:   standin [pid=%s]\n  %s',
                repeat('-', 47), message, code, context, pg_backend_pid(), repeat('-', 47));
        END $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.standin_too_long(given integer, allowed integer) RETURNS void
        LANGUAGE plpgsql AS $f$ BEGIN
            PERFORM standin_fail('Value too long for character type',
                format('Value too long for type character varying(%s)', allowed));
        END $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.standin_over_int64(numeric) RETURNS boolean
        LANGUAGE plpgsql STRICT AS $f$ BEGIN
            PERFORM standin_fail('Numeric data overflow (result precision)', 'DECIMAL(19) holds 64 bits', 1058);
            RETURN false;
        END $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.standin_too_wide(bytea, integer) RETURNS boolean
        LANGUAGE plpgsql STRICT AS $f$ BEGIN
            PERFORM standin_fail('Value too long for type varbyte',
                format('Value too long for type binary varying(%s)', $2));
            RETURN false;
        END $f$;
        """#
}
