import Foundation
import Replication
import Scheduling

/// The text of what runs leave behind.
enum RunStatements {
    /// Opens a run's record if the lease is still the claim's.
    static func begin(_ claimed: ClaimedTable, now: Int64) -> MetadataStatement {
        LeaseStatements.held(
            """
            INSERT INTO table_copies (table_id, owner, result, started_at)
            SELECT id, lease_owner, 'running', :now FROM tables WHERE \(LeaseStatements.isHeld)
            RETURNING id
            """, by: claimed, ["now": now])
    }

    /// - Parameter checkpoint: As JSON.
    static func mirror(
        _ state: CheckpointState, checkpoint: String, sourceAhead: Duration?, of claimed: ClaimedTable, now: Int64
    ) -> MetadataStatement {
        LeaseStatements.held(
            """
            UPDATE tables SET checkpoint = :checkpoint, max_primary_key = :maxPrimaryKey,
                max_updated_key = :maxUpdatedKey, rows = :rows,
                source_ahead = coalesce(:sourceAhead, source_ahead), updated_at = :now
            WHERE \(LeaseStatements.isHeld)
            """, by: claimed,
            [
                "checkpoint": checkpoint, "maxPrimaryKey": state.maxPrimaryKey?.joined(separator: ","),
                "maxUpdatedKey": state.maxUpdatedKey, "rows": state.replicaRows,
                "sourceAhead": sourceAhead?.microseconds, "now": now,
            ])
    }

    /// Figures of a run that goes on.
    static func progress(_ copy: TableCopyRecord) throws -> MetadataStatement {
        MetadataStatement(
            """
            UPDATE table_copies SET rows = :rows, batches = :batches, bytes = :bytes, stage_seconds = :stage,
                load_seconds = :load, repaired = :repaired, notices = :notices
            WHERE id = :copy AND result = 'running'
            """, try figures(copy))
    }

    /// The record of a run that ended; one that was given up as lost stays so.
    static func finish(_ copy: TableCopyRecord, now: Int64) throws -> MetadataStatement {
        let ending: StatementValues = [
            "result": copy.result.rawValue, "finished": copy.finishedAt?.storedMicroseconds ?? now,
        ]
        return MetadataStatement(
            """
            UPDATE table_copies SET rows = :rows, batches = :batches, bytes = :bytes, stage_seconds = :stage,
                load_seconds = :load, repaired = :repaired, notices = :notices, result = :result,
                finished_at = :finished, error_code = :error_code, error_what = :error_what, error_why = :error_why,
                error_fix = :error_fix, error_at = :error_at
            WHERE id = :copy AND result = 'running'
            """, try figures(copy) + ending + copy.failure.storedColumns)
    }

    /// A run that moved nothing leaves no row, unless it is the first to end well after one that did not.
    static func forget(_ copy: TableCopyRecord) -> MetadataStatement {
        MetadataStatement(
            """
            DELETE FROM table_copies WHERE id = :copy AND result = 'running' AND coalesce((
                SELECT older.result FROM table_copies older WHERE older.table_id = :table AND older.id < :copy
                ORDER BY older.id DESC LIMIT 1), 'ok') NOT IN ('failed', 'lost')
            """, ["copy": copy.id, "table": copy.tableID])
    }

    /// Keeps the newest copies: walks that many index entries.
    static func pruneMany(table: Int64, keeping runs: Int) -> MetadataStatement {
        MetadataStatement(
            """
            DELETE FROM table_copies WHERE table_id = :table AND id <= (
                SELECT id FROM table_copies WHERE table_id = :table ORDER BY id DESC LIMIT 1 OFFSET :kept)
            """, ["table": table, "kept": runs])
    }

    /// Drops old copies, up to 50 at a time: more than one a run, so that the history shrinks to what is kept.
    static func pruneOld(table: Int64, before: Int64) -> MetadataStatement {
        MetadataStatement(
            """
            DELETE FROM table_copies WHERE started_at < :before AND id IN (
                SELECT id FROM table_copies WHERE table_id = :table ORDER BY id LIMIT 50)
            """, ["table": table, "before": before])
    }

    /// Newest first.
    static func copies(table: Int64, limit: Int) -> MetadataStatement {
        MetadataStatement(
            """
            SELECT \(TableStatements.copyColumns) FROM table_copies c WHERE c.table_id = :table
            ORDER BY c.id DESC LIMIT :limit
            """, ["table": table, "limit": limit])
    }

    /// True while the lease is the claim's.
    static func isHeld(_ claimed: ClaimedTable) -> MetadataStatement {
        LeaseStatements.held("SELECT id FROM tables WHERE \(LeaseStatements.isHeld)", by: claimed, [:])
    }

    private static func figures(_ copy: TableCopyRecord) throws -> StatementValues {
        [
            "copy": copy.id, "rows": copy.rows, "batches": copy.batches, "bytes": copy.bytes,
            "stage": copy.stageSeconds, "load": copy.loadSeconds, "repaired": copy.repaired,
            "notices": try StoredJSON.text(copy.notices),
        ]
    }
}
