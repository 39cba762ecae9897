extension CatalogStatements {
    /// Views WITH NO SCHEMA BINDING: the text is kept here, and the backing view reads it through a function with the
    /// rights of the view's owner, so that it depends on no table. A view depends on its columns' types all the same:
    /// before a statement that names the view, the session has `standin_late_resolve` compare them with what the text
    /// yields now, and make the backing view anew where they differ.
    static let lateViews = #"""
        CREATE TABLE IF NOT EXISTS pg_catalog.standin_late_views (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, relid oid NOT NULL, names text NOT NULL,
            query text NOT NULL, shown text NOT NULL);
        GRANT SELECT ON pg_catalog.standin_late_views TO PUBLIC;

        CREATE OR REPLACE FUNCTION pg_catalog.standin_columns_of(relation oid) RETURNS text LANGUAGE sql AS $f$
            SELECT coalesce(string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum), '')
            FROM pg_catalog.pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped $f$;

        CREATE OR REPLACE FUNCTION pg_catalog.standin_late_remake(target oid, columns text) RETURNS void
        LANGUAGE plpgsql AS $f$
        DECLARE place text; owner text; rights aclitem[]; key bigint;
        BEGIN
            SELECT id INTO key FROM pg_catalog.standin_late_views WHERE relid = target;
            SELECT format('%I.%I', n.nspname, c.relname), pg_get_userbyid(c.relowner), c.relacl INTO place, owner, rights
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = target;
            EXECUTE 'DROP VIEW ' || place;
            EXECUTE format('CREATE OR REPLACE FUNCTION pg_catalog.standin_late_%s() RETURNS SETOF record LANGUAGE plpgsql '
                'STABLE SECURITY DEFINER AS $b$ BEGIN RETURN QUERY EXECUTE '
                '(SELECT query FROM pg_catalog.standin_late_views WHERE id = %s); END $b$', key, key);
            EXECUTE format('ALTER FUNCTION pg_catalog.standin_late_%s() OWNER TO %I', key, owner);
            EXECUTE CASE columns WHEN '' THEN 'CREATE VIEW ' || place || ' AS SELECT' ELSE format(
                'CREATE VIEW %s AS SELECT * FROM pg_catalog.standin_late_%s() AS late(%s)', place, key, columns) END;
            EXECUTE format('ALTER VIEW %s OWNER TO %I', place, owner);
            UPDATE pg_catalog.pg_class SET relacl = rights WHERE oid = place::regclass;
            UPDATE pg_catalog.standin_late_views SET relid = place::regclass WHERE id = key;
        END $f$;

        CREATE OR REPLACE FUNCTION pg_catalog.standin_late_resolve(target regclass) RETURNS void
        LANGUAGE plpgsql STRICT SECURITY DEFINER AS $f$
        DECLARE late record; wanted text;
        BEGIN
            SELECT * INTO late FROM pg_catalog.standin_late_views WHERE relid = target;
            IF NOT FOUND THEN RETURN; END IF;
            EXECUTE 'CREATE TEMP VIEW standin_probe' || late.names || ' AS ' || late.query;
            wanted := pg_catalog.standin_columns_of('pg_temp.standin_probe'::regclass);
            DROP VIEW pg_temp.standin_probe;
            IF wanted = pg_catalog.standin_columns_of(target) THEN RETURN; END IF;
            BEGIN
                PERFORM pg_catalog.standin_late_remake(target, wanted);
            EXCEPTION WHEN dependent_objects_still_exist THEN NULL;
            END;
        END $f$;

        CREATE OR REPLACE FUNCTION pg_catalog.standin_late_create(
            place text, called text, new_names text, new_query text, new_shown text, replaces boolean) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER AS $f$
        DECLARE namespace text := coalesce(place, current_schema()); old record; target oid;
        BEGIN
            IF NOT has_schema_privilege(session_user, namespace, 'CREATE') THEN
                RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('permission denied for schema %s', namespace);
            END IF;
            SELECT c.oid, c.relkind, c.relowner INTO old FROM pg_catalog.pg_class c
            WHERE c.relname = called AND c.relnamespace = namespace::regnamespace;
            IF FOUND AND NOT replaces THEN
                RAISE EXCEPTION USING ERRCODE = '42P07', MESSAGE = format('relation "%s" already exists', called);
            ELSIF FOUND AND old.relkind <> 'v' THEN
                RAISE EXCEPTION USING ERRCODE = '42809', MESSAGE = format('"%s" is not a view', called);
            ELSIF FOUND AND NOT pg_has_role(session_user, old.relowner, 'USAGE') THEN
                RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('must be owner of view %s', called);
            ELSIF NOT FOUND THEN
                EXECUTE format('CREATE VIEW %I.%I AS SELECT', namespace, called);
                EXECUTE format('ALTER VIEW %I.%I OWNER TO %I', namespace, called, session_user);
            END IF;
            target := format('%I.%I', namespace, called)::regclass;
            UPDATE pg_catalog.standin_late_views SET names = new_names, query = new_query, shown = new_shown
            WHERE relid = target;
            IF NOT FOUND THEN
                INSERT INTO pg_catalog.standin_late_views (relid, names, query, shown)
                VALUES (target, new_names, new_query, new_shown);
                PERFORM pg_catalog.standin_late_remake(target, '');
            END IF;
            -- Its tables may well be made later.
            BEGIN
                PERFORM pg_catalog.standin_late_resolve(format('%I.%I', namespace, called)::regclass);
            EXCEPTION WHEN OTHERS THEN NULL;
            END;
        END $f$;

        -- An ordinary view takes the place of a late-binding one.
        CREATE OR REPLACE FUNCTION pg_catalog.standin_late_forget(target regclass) RETURNS void
        LANGUAGE sql STRICT SECURITY DEFINER AS $f$
            DELETE FROM pg_catalog.standin_late_views v USING pg_catalog.pg_class c
            WHERE v.relid = target AND c.oid = target AND pg_has_role(session_user, c.relowner, 'USAGE') $f$;

        -- PostgreSQL calls its own functions by number, past any replacement: so these have an argument more, which the
        -- rewriter adds.
        CREATE OR REPLACE FUNCTION pg_catalog.pg_get_viewdef("char", oid, boolean DEFAULT false) RETURNS text
        LANGUAGE sql STABLE STRICT AS $f$
            SELECT coalesce((SELECT shown FROM pg_catalog.standin_late_views WHERE relid = $2),
                pg_catalog.pg_get_viewdef($2, $3)) $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.pg_get_viewdef("char", text, boolean DEFAULT false) RETURNS text
        LANGUAGE sql STABLE STRICT AS $f$ SELECT pg_catalog.pg_get_viewdef($1, $2::regclass::oid, $3) $f$;
        CREATE OR REPLACE VIEW pg_catalog.pg_views AS
        SELECT n.nspname AS schemaname, c.relname AS viewname, pg_get_userbyid(c.relowner) AS viewowner,
            pg_get_viewdef(' '::"char", c.oid) AS definition
        FROM pg_class c LEFT JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'v';

        CREATE OR REPLACE FUNCTION pg_catalog.pg_get_late_binding_view_cols() RETURNS SETOF record
        LANGUAGE plpgsql STABLE AS $f$ BEGIN
            RETURN QUERY SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod)::varchar,
                a.attnum::integer FROM pg_catalog.standin_late_views v JOIN pg_catalog.pg_class c ON c.oid = v.relid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0;
        END $f$;
        """#
}
