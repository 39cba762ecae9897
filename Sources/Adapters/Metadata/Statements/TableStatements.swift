import Foundation
import Replication
import Scheduling

/// The text of what people edit about tables, and of the requests they make.
enum TableStatements {
    /// Prefixed, because a table's row carries its newest copy along.
    static let copyColumns = """
        c.id AS copy_id, c.table_id AS copy_table_id, c.owner AS copy_owner, c.result AS copy_result,
        c.started_at AS copy_started_at, c.finished_at AS copy_finished_at, c.rows AS copy_rows,
        c.batches AS copy_batches, c.bytes AS copy_bytes, c.stage_seconds AS copy_stage_seconds,
        c.load_seconds AS copy_load_seconds, c.repaired AS copy_repaired, c.notices AS copy_notices,
        c.error_code AS copy_error_code, c.error_what AS copy_error_what, c.error_why AS copy_error_why, c.error_fix AS copy_error_fix, c.error_at AS copy_error_at
        """

    static let selection = """
        SELECT t.*, j.name AS job_name, \(copyColumns)
        FROM tables t JOIN jobs j ON j.id = t.job_id
        LEFT JOIN table_copies c
            ON c.id = (SELECT id FROM table_copies WHERE table_id = t.id ORDER BY id DESC LIMIT 1)
        """

    static func one(_ id: Int64) -> MetadataStatement {
        MetadataStatement("\(selection) WHERE t.id = :id", ["id": id])
    }

    /// By job and name.
    static func all(ofJob job: Int64?) -> MetadataStatement {
        MetadataStatement(
            """
            \(selection) WHERE :job IS NULL OR t.job_id = :job
            ORDER BY j.name, t.source_name, t.source_schema
            """, ["job": job])
    }

    static func insert(_ table: Scheduling.TableRecord, now: Int64) throws -> MetadataStatement {
        MetadataStatement(
            """
            INSERT INTO tables (job_id, source_schema, source_name, destination_schema, destination_name,
                table_copy_type, primary_key, updated_key, mapping, schedule, interval_seconds, window_opens, window_closes,
                disabled, next_run_at, requested_at, created_at, updated_at)
            VALUES (:job, :sourceSchema, :sourceName, :destinationSchema, :destinationName, :mode, :primaryKey,
                :updatedKey, :mapping, :schedule, :interval, :opens, :closes, :disabled, :next, :requested, :now, :now)
            RETURNING id
            """,
            try columns(table, now: now) + [
                "job": table.jobID, "requested": table.requestedAt?.storedMicroseconds,
            ])
    }

    /// Leaves alone what runs write, but for the next run, which another schedule may bring forward.
    static func update(_ table: Scheduling.TableRecord, now: Int64) throws -> MetadataStatement {
        MetadataStatement(
            """
            UPDATE tables SET source_schema = :sourceSchema, source_name = :sourceName,
                destination_schema = :destinationSchema, destination_name = :destinationName, table_copy_type = :mode,
                primary_key = :primaryKey, updated_key = :updatedKey, mapping = :mapping, disabled = :disabled,
                next_run_at = CASE WHEN schedule = :schedule OR next_run_at < :next THEN next_run_at ELSE :next END,
                schedule = :schedule, interval_seconds = :interval, window_opens = :opens, window_closes = :closes, updated_at = :now
            WHERE id = :id
            """, try columns(table, now: now) + ["id": table.id])
    }

    /// Its copies and repaired values go with it.
    static func delete(_ id: Int64) -> MetadataStatement {
        MetadataStatement("DELETE FROM tables WHERE id = :id", ["id": id])
    }

    /// Each request is later than the one before, even where the clock stands or goes back: a run clears only the
    /// one that it has seen.
    static func request(_ id: Int64, now: Int64) -> MetadataStatement {
        MetadataStatement(
            """
            UPDATE tables SET request_begun = 0, requested_at = CASE WHEN coalesce(requested_at, 0) >= :now
                THEN requested_at + 1 ELSE :now END
            WHERE id = :id
            """, ["id": id, "now": now])
    }

    private static func columns(_ table: Scheduling.TableRecord, now: Int64) throws -> StatementValues {
        let mapping = table.mapping
        return [
            "sourceSchema": mapping.source.schema, "sourceName": mapping.source.name,
            "destinationSchema": mapping.destination.schema, "destinationName": mapping.destination.name,
            "mode": mapping.mode.rawValue, "primaryKey": try StoredJSON.text(mapping.primaryKey),
            "updatedKey": mapping.updatedKey, "mapping": try StoredJSON.text(mapping),
            "schedule": try StoredJSON.text(table.schedule), "interval": table.schedule.interval?.seconds,
            "opens": table.schedule.window?.opens,
            "closes": table.schedule.window?.closes, "disabled": table.disabled,
            "next": table.nextRunAt.storedMicroseconds, "now": now,
        ]
    }
}

/// The text of who is alive.
enum WorkerStatements {
    static func heartbeat(_ owner: LeaseOwner, version: String, now: Int64) -> MetadataStatement {
        MetadataStatement(
            """
            INSERT INTO workers (id, host, pid, version, started_at, heartbeat_at)
            VALUES (:id, :host, :pid, :version, :now, :now)
            ON CONFLICT (id) DO UPDATE SET heartbeat_at = :now, version = :version
            """,
            ["id": owner.id, "host": owner.host, "pid": owner.processID, "version": version, "now": now])
    }

    static func delete(_ id: String) -> MetadataStatement {
        MetadataStatement("DELETE FROM workers WHERE id = :id", ["id": id])
    }

    /// Drops workers that nobody has heard of for a day.
    static func prune(now: Int64) -> MetadataStatement {
        MetadataStatement("DELETE FROM workers WHERE heartbeat_at < :before", ["before": now - 86_400_000_000])
    }

    static func heardSince(_ moment: Int64) -> MetadataStatement {
        MetadataStatement("SELECT id FROM workers WHERE heartbeat_at >= :moment", ["moment": moment])
    }
}
