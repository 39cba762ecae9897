import Foundation
import GRDB
import Scheduling

/// The text of claims and of what only a lease's holder may write.
enum LeaseStatements {
    /// Free, expired, or held by a process known to be dead.
    private static let isFree = """
        (t.lease_owner IS NULL OR t.lease_expires_at <= :now OR t.lease_owner IN (SELECT value FROM json_each(:dead)))
        """

    /// True for the claim that a statement names: by owner, and by any generation that the lease has had since.
    static let isHeld = """
        id = :table AND lease_owner = :owner AND :generation BETWEEN lease_claimed_generation AND lease_generation
        """

    static let owners = SQLiteStatement("SELECT DISTINCT lease_owner FROM tables WHERE lease_owner IS NOT NULL")

    /// The table asked for first. Parameters: `now`, `dead` as a JSON array of owners.
    static func requested(now: Int64, dead: String) -> SQLiteStatement {
        SQLiteStatement(
            """
            SELECT t.id FROM tables t
            WHERE t.requested_at IS NOT NULL AND t.disabled = 0 AND \(isFree)
            ORDER BY t.requested_at, t.id LIMIT 1
            """, ["now": now, "dead": dead])
    }

    /// True while the table's window is open, or where it has none; a window may reach over midnight.
    private static let isOpen = """
        (t.window_opens IS NULL OR CASE WHEN t.window_opens < t.window_closes
            THEN :minute >= t.window_opens AND :minute < t.window_closes
            ELSE :minute >= t.window_opens OR :minute < t.window_closes END)
        """

    /// The table that has been due longest. CROSS JOIN keeps SQLite on the index of due times; it stops at the first
    /// hit, after passing over those that are leased or whose job is paused.
    static func due(now: Int64, dead: String) -> SQLiteStatement {
        SQLiteStatement(
            """
            SELECT t.id FROM tables t CROSS JOIN jobs j ON j.id = t.job_id
            WHERE t.next_run_at <= :now AND t.disabled = 0 AND j.active = 1 AND \(isOpen) AND \(isFree)
            ORDER BY t.next_run_at, t.id LIMIT 1
            """,
            ["now": now, "dead": dead, "minute": DailyWindow.minute(of: Date(storedMicroseconds: now))])
    }

    /// One table if it is free. Parameters as above.
    static func free(table: Int64, now: Int64, dead: String) -> SQLiteStatement {
        SQLiteStatement(
            "SELECT t.id FROM tables t WHERE t.id = :table AND \(isFree)", ["table": table, "now": now, "dead": dead])
    }

    static func take(table: Int64, owner: LeaseOwner, now: Int64, until: Int64) -> SQLiteStatement {
        SQLiteStatement(
            """
            UPDATE tables SET lease_owner = :owner, lease_generation = lease_generation + 1,
                lease_claimed_generation = lease_generation + 1, lease_expires_at = :until, lease_heartbeat_at = :now,
                ended_cleanly = 0
            WHERE id = :table
            """, ["table": table, "owner": owner.id, "now": now, "until": until])
    }

    /// Whatever still counts as running when a table is claimed has lost its process.
    static func loseCopies(table: Int64, now: Int64) -> SQLiteStatement {
        SQLiteStatement(
            "UPDATE table_copies SET result = 'lost', finished_at = :now WHERE table_id = :table AND result = 'running'",
            ["table": table, "now": now])
    }

    static func renew(_ claimed: ClaimedTable, now: Int64, until: Int64) -> SQLiteStatement {
        held(
            "UPDATE tables SET lease_expires_at = :until, lease_heartbeat_at = :now WHERE \(isHeld)", by: claimed,
            ["now": now, "until": until])
    }

    static func raiseGeneration(_ claimed: ClaimedTable, to raised: Int64) -> SQLiteStatement {
        held(
            "UPDATE tables SET lease_generation = max(lease_generation, :raised) WHERE \(isHeld)", by: claimed,
            ["raised": raised])
    }

    /// Clears the request that the claim saw; one that came later stays.
    static func release(_ claimed: ClaimedTable, _ ending: RunEnding, now: Int64) -> SQLiteStatement {
        let endedWell = ending.result == .ok || ending.result == .stopped
        var arguments: StatementArguments = [
            "now": now, "clean": ending.isClean, "next": ending.nextRunAt.storedMicroseconds,
            "requested": claimed.table.requestedAt?.storedMicroseconds, "endedWell": endedWell,
            "voids": ending.voidsMirror,
        ]
        arguments += ending.failure.storedColumns
        return held(
            """
            UPDATE tables SET lease_owner = NULL, lease_expires_at = NULL, lease_heartbeat_at = NULL,
                ended_cleanly = :clean, next_run_at = :next,
                requested_at = CASE WHEN requested_at = :requested THEN NULL ELSE requested_at END,
                consecutive_failures = CASE WHEN :endedWell THEN 0 ELSE consecutive_failures + 1 END,
                error_code = :error_code, error_what = :error_what, error_why = :error_why, error_fix = :error_fix,
                error_at = :error_at, updated_at = :now,
                checkpoint = CASE WHEN :voids THEN NULL ELSE checkpoint END,
                max_primary_key = CASE WHEN :voids THEN NULL ELSE max_primary_key END,
                max_updated_key = CASE WHEN :voids THEN NULL ELSE max_updated_key END,
                rows = CASE WHEN :voids THEN NULL ELSE rows END
            WHERE \(isHeld)
            """, by: claimed, arguments)
    }

    /// Adds what `isHeld` needs. A claim without an owner matches nothing.
    static func held(
        _ sql: String, by claimed: ClaimedTable, _ arguments: StatementArguments
    ) -> SQLiteStatement {
        let lease: StatementArguments = [
            "table": claimed.table.id, "owner": claimed.table.lease.owner, "generation": claimed.table.lease.generation,
        ]
        return SQLiteStatement(sql, arguments &+ lease)
    }
}
