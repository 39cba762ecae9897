/// The SQL that makes a PostgreSQL database look like Redshift: types, functions, shadow catalog, system views.
///
/// All of it lives in `pg_catalog`, which every search path begins with, and may be run again at each start.
enum CatalogStatements {
    /// In order; each is one string of statements run by the internal superuser.
    static let all = [
        settings, dropViews, superType, types, limits, casts, comparison, shadow, shadowFunctions, alterations,
        superFunctions,
        functions,
        views, moreFunctions, lateViews, people, writers, names, loadErrors,
    ]

    static let settings = """
        SET allow_system_table_mods = on;
        SET client_min_messages = warning;
        GRANT CREATE, USAGE ON SCHEMA public TO PUBLIC;
        """

    /// The views of an earlier version may have other columns, which CREATE OR REPLACE refuses to change. One that a
    /// user's view stands on is left as it is; newer ones go first, because they stand on older ones.
    static let dropViews = """
        DO $$
        DECLARE old record;
        BEGIN
            FOR old IN SELECT oid::regclass AS name FROM pg_class WHERE relkind = 'v' AND oid >= 16384
                AND relnamespace = 'pg_catalog'::regnamespace ORDER BY oid DESC
            LOOP
                BEGIN
                    EXECUTE 'DROP VIEW ' || old.name;
                EXCEPTION WHEN dependent_objects_still_exist THEN NULL;
                END;
            END LOOP;
        END $$;
        """

    static let types = """
        DO $$ BEGIN
            IF to_regtype('pg_catalog.varbyte') IS NULL THEN CREATE DOMAIN pg_catalog.varbyte AS bytea; END IF;
            IF to_regtype('pg_catalog.standin_column_note') IS NULL THEN
                CREATE TYPE pg_catalog.standin_column_note AS
                    (name text, encoding text, distkey boolean, sortkey integer, varbyte_bytes integer);
            END IF;
        END $$;
        """

    /// VARCHAR(n) and CHAR(n) count bytes: the casts that apply a length are replaced by these functions. PostgreSQL
    /// calls them only where lengths differ, so moving rows between equal columns costs nothing.
    static let casts = #"""
        CREATE OR REPLACE FUNCTION pg_catalog.standin_varchar(value varchar, typmod integer, explicit boolean)
        RETURNS varchar LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $f$
        DECLARE allowed integer := typmod - 4; cut text;
        BEGIN
            IF typmod < 4 OR octet_length(value) <= allowed THEN RETURN value; END IF;
            cut := left(value, allowed);
            WHILE octet_length(cut) > allowed LOOP cut := left(cut, -1); END LOOP;
            IF explicit OR rtrim(substr(value, length(cut) + 1), ' ') = '' THEN RETURN cut; END IF;
            PERFORM standin_too_long(octet_length(value), allowed);
        END $f$;

        CREATE OR REPLACE FUNCTION pg_catalog.standin_bpchar(value bpchar, typmod integer, explicit boolean)
        RETURNS bpchar LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $f$
        DECLARE allowed integer := typmod - 4; plain text := value::text;
        BEGIN
            IF typmod < 4 THEN RETURN value; END IF;
            IF octet_length(plain) <> length(plain) THEN
                RAISE EXCEPTION USING ERRCODE = 'XX000',
                    MESSAGE = 'Multibyte character not supported for CHAR (Hint: Try using VARCHAR).';
            END IF;
            IF length(plain) > allowed AND NOT explicit THEN PERFORM standin_too_long(length(plain), allowed); END IF;
            RETURN rpad(left(plain, allowed), allowed)::bpchar;
        END $f$;

        UPDATE pg_catalog.pg_cast SET castfunc = 'pg_catalog.standin_varchar(varchar,integer,boolean)'::regprocedure
        WHERE castsource = 'varchar'::regtype AND casttarget = 'varchar'::regtype;
        UPDATE pg_catalog.pg_cast SET castfunc = 'pg_catalog.standin_bpchar(bpchar,integer,boolean)'::regprocedure
        WHERE castsource = 'bpchar'::regtype AND casttarget = 'bpchar'::regtype;
        """#

    /// What CREATE TABLE said and PostgreSQL has no place for.
    static let shadow = """
        CREATE TABLE IF NOT EXISTS pg_catalog.standin_table_notes (
            relid oid PRIMARY KEY, diststyle text NOT NULL, primary_key text[] NOT NULL);
        ALTER TABLE pg_catalog.standin_table_notes ADD COLUMN IF NOT EXISTS other_keys text[] NOT NULL DEFAULT '{}';
        DROP FUNCTION IF EXISTS pg_catalog.standin_remember(regclass, text, text[], standin_column_note[]);
        DROP FUNCTION IF EXISTS pg_catalog.standin_check_widen(regclass, text);
        CREATE TABLE IF NOT EXISTS pg_catalog.standin_column_notes (
            relid oid, attnum smallint, encoding text, distkey boolean NOT NULL, sortkey integer NOT NULL,
            varbyte_bytes integer, PRIMARY KEY (relid, attnum));
        CREATE SEQUENCE IF NOT EXISTS pg_catalog.standin_query_id;
        GRANT SELECT ON pg_catalog.standin_table_notes, pg_catalog.standin_column_notes TO PUBLIC;
        """

    static let shadowFunctions = #"""
        CREATE OR REPLACE FUNCTION pg_catalog.standin_remember(
            target regclass, style text, keys text[], others text[], notes standin_column_note[] DEFAULT '{}') RETURNS void
        LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $f$
            INSERT INTO standin_table_notes VALUES (target, style, keys, others)
            ON CONFLICT (relid) DO UPDATE SET primary_key = CASE WHEN cardinality(excluded.primary_key) > 0
                THEN excluded.primary_key ELSE standin_table_notes.primary_key END,
                other_keys = standin_table_notes.other_keys || excluded.other_keys;
            INSERT INTO standin_column_notes
            SELECT target, a.attnum, n.encoding, n.distkey, n.sortkey, n.varbyte_bytes
            FROM unnest(notes) n JOIN pg_attribute a ON a.attrelid = target AND a.attname = n.name
            ON CONFLICT DO NOTHING;
        $f$;

        CREATE OR REPLACE FUNCTION pg_catalog.standin_inherit(parent regclass, child regclass) RETURNS void
        LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $f$
            INSERT INTO standin_table_notes SELECT child, diststyle, '{}' FROM standin_table_notes WHERE relid = parent
            ON CONFLICT DO NOTHING;
            INSERT INTO standin_column_notes
            SELECT child, c.attnum, n.encoding, n.distkey, n.sortkey, n.varbyte_bytes
            FROM standin_column_notes n JOIN pg_attribute p ON p.attrelid = n.relid AND p.attnum = n.attnum
            JOIN pg_attribute c ON c.attrelid = child AND c.attname = p.attname WHERE n.relid = parent
            ON CONFLICT DO NOTHING;
        $f$;

        CREATE OR REPLACE FUNCTION pg_catalog.standin_forget_key(target regclass) RETURNS void
        LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $f$
            UPDATE standin_table_notes SET primary_key = '{}', other_keys = '{}' WHERE relid = target;
        $f$;

        CREATE OR REPLACE FUNCTION pg_catalog.standin_check_drop(target regclass, col text) RETURNS void
        LANGUAGE plpgsql AS $f$ BEGIN
            IF EXISTS (SELECT FROM pg_catalog.standin_column_notes n JOIN pg_catalog.pg_attribute a
                ON a.attrelid = n.relid AND a.attnum = n.attnum
                WHERE n.relid = target AND a.attname = col AND (n.distkey OR n.sortkey <> 0)) THEN
                RAISE EXCEPTION USING ERRCODE = '0A000',
                    MESSAGE = format('cannot drop column "%s": it is a distribution or sort key', col);
            END IF;
            IF (SELECT count(*) FROM pg_catalog.pg_attribute
                WHERE attrelid = target AND attnum > 0 AND NOT attisdropped) = 1 THEN
                RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = 'cannot drop the last column of a table';
            END IF;
        END $f$;

        -- CREATE TABLE AS leaves PostgreSQL's types without a length; Redshift has none of those.
        CREATE OR REPLACE FUNCTION pg_catalog.standin_settle_types(target regclass) RETURNS void
        LANGUAGE plpgsql AS $f$
        DECLARE col record;
        BEGIN
            FOR col IN SELECT attname, atttypid FROM pg_catalog.pg_attribute WHERE attrelid = target AND attnum > 0
                AND ((atttypid IN ('text'::regtype, 'varchar'::regtype) AND atttypmod = -1) OR atttypid = 'name'::regtype
                    OR atttypid = 'bytea'::regtype)
            LOOP
                EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE %s', target, col.attname,
                    CASE col.atttypid WHEN 'bytea'::regtype THEN 'varbyte' ELSE 'varchar(65535)' END);
            END LOOP;
        END $f$;
        """#
}
