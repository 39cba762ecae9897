extension CatalogStatements {
    /// Users, groups and roles are all roles to PostgreSQL; here is which is which, and who may do what.
    /// https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_RELATION_PRIVILEGES.html, …/r_SVV_COLUMN_PRIVILEGES.html
    static let people = #"""
        CREATE TABLE IF NOT EXISTS pg_catalog.standin_identities (roleid oid PRIMARY KEY, kind text NOT NULL);
        GRANT SELECT ON pg_catalog.standin_identities TO PUBLIC;
        CREATE OR REPLACE FUNCTION pg_catalog.standin_identity_kind(role oid) RETURNS varchar LANGUAGE sql STABLE AS $f$
            SELECT (CASE WHEN role = 0 THEN 'public' ELSE coalesce(
                (SELECT kind FROM pg_catalog.standin_identities WHERE roleid = role), 'user') END)::varchar $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.standin_note_identity(called text, new_kind text) RETURNS void
        LANGUAGE sql SECURITY DEFINER AS $f$
            INSERT INTO pg_catalog.standin_identities SELECT oid, new_kind FROM pg_catalog.pg_roles WHERE rolname = called
            ON CONFLICT (roleid) DO NOTHING $f$;
        CREATE OR REPLACE FUNCTION pg_catalog.standin_check_identity(called text, wanted text) RETURNS void
        LANGUAGE plpgsql AS $f$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = called
                AND pg_catalog.standin_identity_kind(oid) = wanted) THEN
                RAISE EXCEPTION USING ERRCODE = '42704', MESSAGE = format('%s "%s" does not exist', wanted, called);
            END IF;
        END $f$;

        CREATE OR REPLACE FUNCTION pg_catalog.standin_sees_rights(owner oid, grantee oid) RETURNS boolean
        LANGUAGE sql STABLE AS $f$
            SELECT (SELECT usesuper FROM pg_catalog.pg_user WHERE usename = current_user) OR pg_has_role(owner, 'USAGE')
                OR grantee = 0 OR pg_has_role(grantee, 'USAGE') $f$;
        CREATE OR REPLACE VIEW pg_catalog.svv_relation_privileges AS
        SELECT n.nspname::varchar AS namespace_name, c.relname::varchar AS relation_name,
            x.privilege_type::varchar AS privilege_type, x.grantee::integer AS identity_id,
            (CASE x.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(x.grantee)::text END)::varchar AS identity_name,
            standin_identity_kind(x.grantee) AS identity_type, x.is_grantable AS admin_option
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(c.relacl) x
        WHERE c.relkind IN ('r', 'v') AND n.nspname !~ '^(pg_|information_schema$)'
            AND x.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'REFERENCES', 'TRUNCATE')
            AND standin_sees_rights(c.relowner, x.grantee);
        CREATE OR REPLACE VIEW pg_catalog.svv_column_privileges AS
        SELECT n.nspname::varchar AS namespace_name, c.relname::varchar AS relation_name,
            a.attname::varchar AS column_name, x.privilege_type::varchar AS privilege_type,
            x.grantee::integer AS identity_id,
            (CASE x.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(x.grantee)::text END)::varchar AS identity_name,
            standin_identity_kind(x.grantee) AS identity_type
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
        CROSS JOIN LATERAL aclexplode(a.attacl) x
        WHERE c.relkind IN ('r', 'v') AND NOT a.attisdropped AND n.nspname !~ '^(pg_|information_schema$)'
            AND x.privilege_type IN ('SELECT', 'UPDATE') AND standin_sees_rights(c.relowner, x.grantee);
        CREATE OR REPLACE VIEW pg_catalog.svv_schema_privileges AS
        SELECT n.nspname::varchar AS namespace_name, x.privilege_type::varchar AS privilege_type,
            x.grantee::integer AS identity_id,
            (CASE x.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(x.grantee)::text END)::varchar AS identity_name,
            standin_identity_kind(x.grantee) AS identity_type, x.is_grantable AS admin_option
        FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) x
        WHERE n.nspname !~ '^pg_(toast|temp)' AND standin_sees_rights(n.nspowner, x.grantee);

        CREATE OR REPLACE VIEW pg_catalog.svv_roles AS
        SELECT r.oid::integer AS role_id, r.rolname::varchar AS role_name, 'standin'::varchar AS role_owner,
            NULL::varchar AS external_id
        FROM pg_roles r JOIN standin_identities i ON i.roleid = r.oid WHERE i.kind = 'role';
        CREATE OR REPLACE VIEW pg_catalog.svv_user_grants AS
        SELECT u.oid::integer AS user_id, u.rolname::varchar AS user_name, r.oid::integer AS role_id,
            r.rolname::varchar AS role_name, m.admin_option
        FROM pg_auth_members m JOIN pg_roles u ON u.oid = m.member JOIN pg_roles r ON r.oid = m.roleid
        JOIN standin_identities i ON i.roleid = r.oid WHERE i.kind = 'role';
        -- PostgreSQL's own counts every role that cannot sign in.
        CREATE OR REPLACE VIEW pg_catalog.pg_group AS
        SELECT r.rolname AS groname, r.oid AS grosysid,
            ARRAY(SELECT m.member FROM pg_auth_members m WHERE m.roleid = r.oid) AS grolist
        FROM pg_authid r JOIN standin_identities i ON i.roleid = r.oid WHERE i.kind = 'group';
        GRANT SELECT ON pg_catalog.svv_relation_privileges, pg_catalog.svv_column_privileges,
            pg_catalog.svv_schema_privileges, pg_catalog.svv_roles, pg_catalog.svv_user_grants, pg_catalog.pg_group
            TO PUBLIC;
        """#

    /// One writer a table: a second one waits until the first has ended its transaction; readers go on. The caller's
    /// rights are looked at first, so that nobody waits for a table that he may not write.
    /// https://docs.aws.amazon.com/redshift/latest/dg/r_LOCK.html
    static let writers = #"""
        CREATE OR REPLACE FUNCTION pg_catalog.standin_write_lock(target text) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER AS $f$
        DECLARE relation regclass := to_regclass(target);
        BEGIN
            IF has_table_privilege(session_user, relation, 'INSERT, UPDATE, DELETE') AND EXISTS (
                SELECT FROM pg_catalog.pg_class WHERE oid = relation AND relkind = 'r' AND relpersistence = 'p') THEN
                EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', relation);
            END IF;
        END $f$;
        """#
}
