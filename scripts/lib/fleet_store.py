"""What the metadata store tells about a fleet: triggers write down every claim and every checkpoint as it is stored."""

from fleet_tables import connect

# In the store's own transactions, so that nothing is missed and nothing that was rolled back is seen. The lock on a
# table's row puts its lines in order. A holder that gives its lease back touches updated_at; one from whom it is taken
# cannot.
WATCH = """
    CREATE SCHEMA fleet_watch;
    CREATE TABLE fleet_watch.claims (n bigserial PRIMARY KEY, table_id bigint NOT NULL, owner text NOT NULL);
    CREATE TABLE fleet_watch.losses (n bigserial PRIMARY KEY, table_id bigint NOT NULL, owner text NOT NULL,
        is_early boolean NOT NULL);
    CREATE TABLE fleet_watch.checkpoints (n bigserial PRIMARY KEY, table_id bigint NOT NULL, generation bigint,
        batch bigint);
    CREATE FUNCTION fleet_watch.note() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        stamp jsonb;
    BEGIN
        IF OLD.lease_owner IS DISTINCT FROM NEW.lease_owner THEN
            IF OLD.lease_owner IS NOT NULL AND (NEW.lease_owner IS NOT NULL OR NEW.updated_at = OLD.updated_at) THEN
                INSERT INTO fleet_watch.losses (table_id, owner, is_early)
                VALUES (NEW.id, OLD.lease_owner,
                    OLD.lease_expires_at > extract(epoch FROM clock_timestamp()) * 1000000);
            END IF;
            IF NEW.lease_owner IS NOT NULL THEN
                INSERT INTO fleet_watch.claims (table_id, owner) VALUES (NEW.id, NEW.lease_owner);
            END IF;
        END IF;
        IF NEW.checkpoint IS NOT NULL AND NEW.checkpoint::text IS DISTINCT FROM OLD.checkpoint::text THEN
            stamp := NEW.checkpoint::text::jsonb -> 'stamp';
            INSERT INTO fleet_watch.checkpoints (table_id, generation, batch)
            VALUES (NEW.id, (stamp ->> 'generation')::bigint, (stamp ->> 'batch')::bigint);
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER fleet_watch AFTER UPDATE ON tables FOR EACH ROW EXECUTE FUNCTION fleet_watch.note()
    """

# A run begins when or after the one before it has ended. A lost one is ended by the claim that takes its table over.
OVERLAPS = """
    SELECT a.table_id, a.id, b.id, a.result, b.result
    FROM table_copies a JOIN table_copies b ON b.table_id = a.table_id AND b.id <> a.id
        AND (b.started_at, b.id) > (a.started_at, a.id)
        AND b.started_at < coalesce(a.finished_at, 9223372036854775807)
    ORDER BY 1, 2
    """

STEPS_BACK = """
    SELECT table_id, generation, batch, generation_before, batch_before FROM (
        SELECT *, lag(generation) OVER later AS generation_before, lag(batch) OVER later AS batch_before
        FROM fleet_watch.checkpoints WINDOW later AS (PARTITION BY table_id ORDER BY n)) steps
    WHERE generation < generation_before OR batch < batch_before
    """


def host_of(owner):
    """An owner is named `p1:boot:namespace:pid:start:random:host`."""
    parts = owner.split(":", 6)
    return parts[6] if len(parts) == 7 else owner


class Store:
    """As an administrator of its database, beside the loaders."""

    def __init__(self, url):
        self.connection = connect(url, application_name="fleet-watch")
        self.connection.autocommit = True
        self.rows("SET search_path TO redshift_loader, public")

    def rows(self, sql, *values):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else []

    def value(self, sql, *values):
        return self.rows(sql, *values)[0][0]

    def watch(self):
        self.rows(WATCH)

    def workers(self):
        """The hosts of registered workers."""
        return {host for (host,) in self.rows("SELECT host FROM workers")}

    def busy(self):
        """The hosts of workers with a run under way."""
        return {host_of(owner) for (owner,) in self.rows("SELECT DISTINCT owner FROM table_copies WHERE result = 'running'")}

    def holders(self):
        """The hosts of workers that hold a lease."""
        held = self.rows("SELECT DISTINCT lease_owner FROM tables WHERE lease_owner IS NOT NULL")
        return {host_of(owner) for (owner,) in held}

    def verdict(self):
        """What the log of runs, the claims and the checkpoints say, for JSON."""
        claims = self.rows("SELECT table_id, owner FROM fleet_watch.claims")
        losses = self.rows("SELECT owner, is_early FROM fleet_watch.losses")
        by_worker, by_table = {}, {}
        for table, owner in claims:
            by_worker[host_of(owner)] = by_worker.get(host_of(owner), 0) + 1
            by_table[table] = by_table.get(table, 0) + 1
        results = dict(self.rows("SELECT result, count(*) FROM table_copies GROUP BY 1"))
        overlaps = [dict(zip(("table_id", "run", "next_run", "result", "next_result"), row)) for row in self.rows(OVERLAPS)]
        return {
            "claims": len(claims),
            "claims_by_worker": dict(sorted(by_worker.items())),
            "claims_per_table": [min(by_table.values(), default=0), max(by_table.values(), default=0)],
            "tables_claimed": len(by_table),
            "taken_away": len(losses),
            "taken_from": sorted({host_of(owner) for owner, _ in losses}),
            "taken_early": sum(is_early for _, is_early in losses),
            "runs": results,
            "lost": results.get("lost", 0),
            "overlaps": [pair for pair in overlaps if pair["result"] != "lost"],
            "overlaps_with_lost": [pair for pair in overlaps if pair["result"] == "lost"],
            "checkpoints": self.value("SELECT count(*) FROM fleet_watch.checkpoints"),
            "steps_back": [list(row) for row in self.rows(STEPS_BACK)],
        }
