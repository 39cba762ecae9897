import Foundation

/// The tables, in the predecessor's words.
///
/// Points in time are integers, microseconds since 1970 UTC, in columns that end in `_at`: they compare and index as
/// numbers, do not round, and PostgreSQL holds the same in a `bigint`.
enum SQLiteSchemaStatements {
    /// "RsLd": how a file is told from another program's database (`PRAGMA application_id`).
    static let applicationID: Int64 = 0x5273_4C64

    static let steps = [
        SchemaStep(name: "jobs, tables, table copies and workers", sql: firstStep),
        SchemaStep(name: "schedules of tables, repaired values, more of jobs", sql: secondStep),
        SchemaStep(name: "what sources keep in mind", sql: thirdStep),
        SchemaStep(name: "slots of sources, sessions of jobs, lengths of runs", sql: fourthStep),
    ]

    static let readVersion = MetadataStatement("PRAGMA user_version")
    static let readApplicationID = MetadataStatement("PRAGMA application_id")
    static let countObjects = MetadataStatement("SELECT count(*) FROM sqlite_master")

    /// A PRAGMA takes no bound values.
    static func writeVersion(_ version: Int) -> MetadataStatement {
        MetadataStatement("PRAGMA user_version = \(version)")
    }

    static let writeApplicationID = MetadataStatement("PRAGMA application_id = \(applicationID)")

    private static let firstStep = """
        CREATE TABLE installation (id TEXT NOT NULL PRIMARY KEY) STRICT;

        CREATE TABLE jobs (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            source_url_env TEXT,
            source_url_sealed BLOB,
            destination_url_env TEXT,
            destination_url_sealed BLOB,
            source_schema TEXT NOT NULL,
            destination_schema TEXT NOT NULL,
            active INTEGER NOT NULL DEFAULT 0,
            interval_seconds REAL NOT NULL,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            CHECK ((source_url_env IS NULL) <> (source_url_sealed IS NULL)),
            CHECK ((destination_url_env IS NULL) <> (destination_url_sealed IS NULL))
        ) STRICT;

        CREATE TABLE tables (
            id INTEGER PRIMARY KEY,
            job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
            source_schema TEXT NOT NULL,
            source_name TEXT NOT NULL,
            destination_schema TEXT NOT NULL,
            destination_name TEXT NOT NULL,
            table_copy_type TEXT NOT NULL,
            primary_key TEXT NOT NULL,
            updated_key TEXT,
            mapping TEXT NOT NULL,
            max_primary_key TEXT,
            max_updated_key TEXT,
            disabled INTEGER NOT NULL DEFAULT 0,
            next_run_at INTEGER NOT NULL,
            requested_at INTEGER,
            lease_owner TEXT,
            lease_generation INTEGER NOT NULL DEFAULT 0,
            -- The generation as of the claim: any between it and lease_generation is the present holder's.
            lease_claimed_generation INTEGER NOT NULL DEFAULT 0,
            lease_expires_at INTEGER,
            lease_heartbeat_at INTEGER,
            ended_cleanly INTEGER NOT NULL DEFAULT 0,
            checkpoint TEXT,
            rows INTEGER,
            consecutive_failures INTEGER NOT NULL DEFAULT 0,
            error_code TEXT,
            error_what TEXT,
            error_why TEXT,
            error_fix TEXT,
            error_at INTEGER,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            UNIQUE (job_id, source_schema, source_name)
        ) STRICT;

        CREATE INDEX tables_due ON tables (next_run_at) WHERE disabled = 0;
        CREATE INDEX tables_requested ON tables (requested_at) WHERE requested_at IS NOT NULL;
        CREATE INDEX tables_leased ON tables (lease_owner) WHERE lease_owner IS NOT NULL;

        -- AUTOINCREMENT: a number never comes back, so that a late write cannot hit another run's row.
        CREATE TABLE table_copies (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            table_id INTEGER NOT NULL REFERENCES tables (id) ON DELETE CASCADE,
            owner TEXT NOT NULL,
            result TEXT NOT NULL,
            started_at INTEGER NOT NULL,
            finished_at INTEGER,
            rows INTEGER NOT NULL DEFAULT 0,
            batches INTEGER NOT NULL DEFAULT 0,
            bytes INTEGER NOT NULL DEFAULT 0,
            stage_seconds REAL NOT NULL DEFAULT 0,
            load_seconds REAL NOT NULL DEFAULT 0,
            error_code TEXT,
            error_what TEXT,
            error_why TEXT,
            error_fix TEXT,
            error_at INTEGER
        ) STRICT;

        CREATE INDEX table_copies_history ON table_copies (table_id);
        CREATE INDEX table_copies_running ON table_copies (table_id) WHERE result = 'running';

        CREATE TABLE workers (
            id TEXT NOT NULL PRIMARY KEY,
            host TEXT NOT NULL,
            pid INTEGER NOT NULL,
            version TEXT NOT NULL,
            started_at INTEGER NOT NULL,
            heartbeat_at INTEGER NOT NULL
        ) STRICT;
        """

    /// The window's minutes stand beside the schedule so that a claim can compare them.
    private static let secondStep = """
        ALTER TABLE jobs ADD COLUMN more_source_schemas TEXT NOT NULL DEFAULT '[]';
        ALTER TABLE jobs ADD COLUMN destination_prefix TEXT NOT NULL DEFAULT '';

        ALTER TABLE tables ADD COLUMN schedule TEXT NOT NULL DEFAULT '{}';
        ALTER TABLE tables ADD COLUMN window_opens INTEGER;
        ALTER TABLE tables ADD COLUMN window_closes INTEGER;

        ALTER TABLE table_copies ADD COLUMN repaired INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE table_copies ADD COLUMN notices TEXT NOT NULL DEFAULT '[]';

        -- One row a value, however often it is read again; the key is a JSON array of texts.
        CREATE TABLE repaired_values (
            table_id INTEGER NOT NULL REFERENCES tables (id) ON DELETE CASCADE,
            key TEXT NOT NULL,
            column_name TEXT NOT NULL,
            reason TEXT NOT NULL,
            original_bytes INTEGER NOT NULL,
            first_seen_at INTEGER NOT NULL,
            last_seen_at INTEGER NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (table_id, key, column_name)
        ) STRICT, WITHOUT ROWID;

        CREATE INDEX repaired_values_latest ON repaired_values (table_id, last_seen_at);

        -- What an installation makes up once and keeps, encrypted.
        CREATE TABLE kept_secrets (name TEXT NOT NULL PRIMARY KEY, sealed BLOB NOT NULL) STRICT;
        """

    /// Some hundred KiB a table at most, written only when it changes: beside the tables, which are read all the time.
    private static let thirdStep = """
        CREATE TABLE source_memories (
            table_id INTEGER NOT NULL PRIMARY KEY REFERENCES tables (id) ON DELETE CASCADE,
            stamp TEXT NOT NULL,
            content BLOB NOT NULL
        ) STRICT;
        """

    /// Free tables are found by job and time, without a look at their wide rows.
    private static let fourthStep = """
        ALTER TABLE jobs ADD COLUMN query_group TEXT;
        ALTER TABLE jobs ADD COLUMN statement_timeout_seconds REAL;
        ALTER TABLE jobs ADD COLUMN wlm_query_slot_count INTEGER;

        ALTER TABLE tables ADD COLUMN interval_seconds REAL;
        ALTER TABLE tables ADD COLUMN run_seconds REAL;
        ALTER TABLE tables ADD COLUMN source_ahead INTEGER;
        ALTER TABLE tables ADD COLUMN request_begun INTEGER NOT NULL DEFAULT 0;
        UPDATE tables SET interval_seconds = json_extract(schedule, '$.intervalSeconds');

        DROP INDEX tables_due;
        DROP INDEX tables_requested;
        CREATE INDEX tables_due ON tables (job_id, next_run_at, id) WHERE disabled = 0 AND lease_owner IS NULL;
        CREATE INDEX tables_requested ON tables (job_id, requested_at) WHERE requested_at IS NOT NULL;

        -- Runs of one job at once: a slot is free once its time is over.
        CREATE TABLE source_slots (
            job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            table_id INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            PRIMARY KEY (job_id, number)
        ) STRICT, WITHOUT ROWID;

        CREATE INDEX source_slots_of_table ON source_slots (table_id);
        """
}
