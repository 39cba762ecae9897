import Foundation
import Scheduling

/// The text of claims and of what only a lease's holder may write.
enum LeaseStatements {
    /// True for the claim that a statement names: by owner, and by any generation that the lease has had since.
    static let isHeld = """
        id = :table AND lease_owner = :owner AND :generation BETWEEN lease_claimed_generation AND lease_generation
        """

    /// May run now: asked for, or of an active job and within its window, which may reach over midnight.
    private static let isWanted = """
        t.disabled = 0 AND (t.requested_at IS NOT NULL OR (j.active = 1 AND (t.window_opens IS NULL
            OR CASE WHEN t.window_opens < t.window_closes
                THEN :minute >= t.window_opens AND :minute < t.window_closes
                ELSE :minute >= t.window_opens OR :minute < t.window_closes END)))
        """

    /// Wanted, free, and its time has come.
    private static let isDue = "\(isWanted) AND t.lease_owner IS NULL AND t.next_run_at <= :now"

    private static let isAsked = """
        t.disabled = 0 AND t.lease_owner IS NULL AND t.requested_at IS NOT NULL AND t.request_begun = 0
        """

    // MARK: Who is next

    /// All that a claim decides by, a row a fact: slots, holders, and of each job what was asked for and what has
    /// been due longest. Each is found by an index.
    static func outlook(now: Int64) -> MetadataStatement {
        MetadataStatement(
            """
            SELECT 'slot' AS kind, s.job_id AS job_id, s.number AS value, s.expires_at AS until,
                CAST(NULL AS text) AS owner
            FROM source_slots s
            UNION ALL SELECT 'holder', t.id, 0, t.lease_expires_at, t.lease_owner
            FROM tables t WHERE t.lease_owner IS NOT NULL
            UNION ALL SELECT 'asked', j.id, (
                SELECT t.requested_at FROM tables t WHERE t.job_id = j.id AND \(isAsked)
                ORDER BY t.requested_at, t.id LIMIT 1), 0, CAST(NULL AS text)
            FROM jobs j
            UNION ALL SELECT 'due', j.id, (
                SELECT t.next_run_at FROM tables t WHERE t.job_id = j.id AND \(isDue)
                ORDER BY t.next_run_at, t.id LIMIT 1), 0, CAST(NULL AS text)
            FROM jobs j WHERE j.active = 1
                OR EXISTS (SELECT 1 FROM tables t WHERE t.job_id = j.id AND t.requested_at IS NOT NULL)
            """, moment(now))
    }

    private static let isOfAllowedLength = "(:allowsLong = 1 OR t.run_seconds IS NULL OR t.run_seconds <= :long)"

    /// The job's table that was asked for first, with all that a claim tells.
    static func asked(ofJob job: Int64, allowsLong: Bool, dialect: MetadataDialect) -> MetadataStatement {
        MetadataStatement(
            """
            \(TableStatements.selection) WHERE t.job_id = :job AND \(isAsked) AND \(isOfAllowedLength)
            ORDER BY t.requested_at, t.id LIMIT 1 \(dialect.lockingTable)
            """, ["job": job, "allowsLong": allowsLong, "long": FairShare.longSeconds])
    }

    /// The job's table that has been due longest.
    static func due(
        ofJob job: Int64, allowsLong: Bool, now: Int64, dialect: MetadataDialect
    ) -> MetadataStatement {
        MetadataStatement(
            """
            \(TableStatements.selection) WHERE t.job_id = :job AND \(isDue)
                AND \(isOfAllowedLength)
            ORDER BY t.next_run_at, t.id LIMIT 1 \(dialect.lockingTable)
            """, moment(now) + ["job": job, "allowsLong": allowsLong, "long": FairShare.longSeconds])
    }

    /// One table, locked; waits for a claim that looks at it.
    static func one(_ table: Int64, dialect: MetadataDialect) -> MetadataStatement {
        MetadataStatement(
            "\(TableStatements.selection) WHERE t.id = :table \(dialect.waitingForTable)", ["table": table])
    }

    /// When something may be due: the earliest of each job, what was asked for, and the ends of leases.
    /// What is due while its window is closed does not count.
    static func nextMoment(now: Int64) -> MetadataStatement {
        MetadataStatement(
            """
            SELECT min(moment) FROM (
                SELECT (SELECT t.next_run_at FROM tables t
                    WHERE t.job_id = j.id AND t.disabled = 0 AND t.lease_owner IS NULL
                        AND (t.next_run_at > :now OR \(isWanted))
                    ORDER BY t.next_run_at LIMIT 1) AS moment FROM jobs j WHERE j.active = 1
                UNION ALL SELECT CASE WHEN t.request_begun = 0 THEN 0 ELSE t.next_run_at END FROM tables t
                    WHERE t.requested_at IS NOT NULL AND t.disabled = 0 AND t.lease_owner IS NULL
                UNION ALL SELECT t.lease_expires_at FROM tables t WHERE t.lease_owner IS NOT NULL) moments
            """, moment(now))
    }

    /// A row where a table has been due since `before` that could run if this one's turn ended, or where this one is no
    /// longer wanted.
    static func reasonToMakeWay(for claimed: ClaimedTable, slots: Int, before: Int64, now: Int64) -> MetadataStatement {
        MetadataStatement(
            """
            SELECT t.id FROM tables t JOIN jobs j ON j.id = t.job_id
            WHERE t.id <> :table AND ((\(isAsked) AND t.requested_at <= :before)
                    OR (\(isDue) AND t.next_run_at <= :before))
                AND (t.job_id = :job OR (
                    SELECT count(*) FROM source_slots s WHERE s.job_id = t.job_id AND s.expires_at > :now) < :slots)
            UNION ALL SELECT t.id FROM tables t JOIN jobs j ON j.id = t.job_id
            WHERE t.id = :table AND NOT (\(isWanted))
            LIMIT 1
            """,
            moment(now) + [
                "table": claimed.table.id, "job": claimed.job.id, "before": before, "slots": slots,
            ])
    }

    private static func moment(_ now: Int64) -> StatementValues {
        ["now": now, "minute": DailyWindow.minute(of: Date(storedMicroseconds: now))]
    }

    // MARK: Taking and losing

    static func take(table: Int64, owner: LeaseOwner, now: Int64, until: Int64) -> MetadataStatement {
        MetadataStatement(
            """
            UPDATE tables SET lease_owner = :owner, lease_generation = lease_generation + 1,
                lease_claimed_generation = lease_generation + 1, lease_expires_at = :until, lease_heartbeat_at = :now,
                ended_cleanly = 0
            WHERE id = :table
            """, ["table": table, "owner": owner.id, "now": now, "until": until])
    }

    /// A lease that is over, or whose holder is dead, is nobody's; the table is due at once, and its end was not clean.
    /// - Parameter seen: When it was to end, as it was read: one that was renewed since stays. So does one whose row
    ///   another transaction holds, that of a worker which was cut off in the middle, for example: no claim waits for it.
    static func free(
        table: Int64, from owner: String, seen: Int64, now: Int64, dialect: MetadataDialect
    ) -> MetadataStatement {
        MetadataStatement(
            """
            UPDATE tables SET lease_owner = NULL, lease_expires_at = NULL, lease_heartbeat_at = NULL, ended_cleanly = 0,
                next_run_at = CASE WHEN next_run_at > :now THEN :now ELSE next_run_at END
            WHERE id = (
                SELECT t.id FROM tables t WHERE t.id = :table AND t.lease_owner = :owner AND t.lease_expires_at = :seen
                \(dialect.lockingTable))
            """, ["table": table, "owner": owner, "seen": seen, "now": now])
    }

    /// Whatever still counts as running when a table is claimed has lost its process.
    static func loseCopies(table: Int64, now: Int64) -> MetadataStatement {
        MetadataStatement(
            "UPDATE table_copies SET result = 'lost', finished_at = :now WHERE table_id = :table AND result = 'running'",
            ["table": table, "now": now])
    }

    /// A table that cannot be claimed because its record cannot be read waits for a person.
    static func setAside(table: Int64, until: Int64, failure: RunFailure) -> MetadataStatement {
        MetadataStatement(
            """
            UPDATE tables SET next_run_at = :until, requested_at = NULL, request_begun = 0, error_code = :error_code,
                error_what = :error_what, error_why = :error_why, error_fix = :error_fix, error_at = :error_at
            WHERE id = :table
            """, ["table": table, "until": until] + Optional(failure).storedColumns)
    }

    /// What the mirrors of a job's free tables say is in doubt, and they are due.
    static func doubtFree(ofJob job: Int64) -> MetadataStatement {
        MetadataStatement(
            """
            UPDATE tables SET ended_cleanly = 0, next_run_at = 0 WHERE job_id = :job AND lease_owner IS NULL
            """, ["job": job])
    }

    /// A row where one of a job's tables is held; of a lease that is over, its table asks the destination anyway.
    static func held(ofJob job: Int64, now: Int64) -> MetadataStatement {
        MetadataStatement(
            """
            SELECT j.name AS job_name, t.source_name AS source_name FROM tables t JOIN jobs j ON j.id = t.job_id
            WHERE t.job_id = :job AND t.lease_owner IS NOT NULL AND t.lease_expires_at > :now
            ORDER BY t.source_name LIMIT 1
            """, ["job": job, "now": now])
    }

    // MARK: Slots

    /// Takes the first free slot from a number on; a row where there was one. Claims of one job do not wait for each
    /// other: slots that another transaction is taking are passed over.
    static func takeSlot(
        from first: Int, to slots: Int, for table: TableRecord, now: Int64, until: Int64, dialect: MetadataDialect
    ) -> MetadataStatement {
        MetadataStatement(
            """
            UPDATE source_slots SET table_id = :table, expires_at = :until
            WHERE job_id = :job AND number = (
                SELECT s.number FROM source_slots s
                WHERE s.job_id = :job AND s.number >= :first AND s.number < :slots AND s.expires_at <= :now
                ORDER BY s.number LIMIT 1 \(dialect.lockingSlot))
            RETURNING number
            """,
            ["job": table.jobID, "table": table.id, "first": first, "slots": slots, "now": now, "until": until])
    }

    /// All slots of a job with the ends of their time.
    static func slots(ofJob job: Int64) -> MetadataStatement {
        MetadataStatement(
            "SELECT number AS value, expires_at AS until FROM source_slots WHERE job_id = :job", ["job": job])
    }

    /// A slot that nobody has, unless it is there.
    static func addSlot(_ number: Int, ofJob job: Int64) -> MetadataStatement {
        MetadataStatement(
            """
            INSERT INTO source_slots (job_id, number, table_id, expires_at) VALUES (:job, :number, 0, 0)
            ON CONFLICT (job_id, number) DO NOTHING
            """, ["job": job, "number": number])
    }

    static func keepSlot(ofTable table: Int64, now: Int64, until: Int64) -> MetadataStatement {
        MetadataStatement(
            "UPDATE source_slots SET expires_at = :until WHERE table_id = :table AND expires_at > :now",
            ["table": table, "now": now, "until": until])
    }

    static func freeSlot(ofTable table: Int64) -> MetadataStatement {
        MetadataStatement(
            "UPDATE source_slots SET expires_at = 0 WHERE table_id = :table AND expires_at > 0", ["table": table])
    }

    // MARK: What holders write

    static func renew(_ claimed: ClaimedTable, now: Int64, until: Int64) -> MetadataStatement {
        held(
            """
            UPDATE tables SET lease_expires_at = :until, lease_heartbeat_at = :now
            WHERE \(isHeld) AND lease_expires_at > :now
            """, by: claimed, ["now": now, "until": until])
    }

    static func raiseGeneration(_ claimed: ClaimedTable, to raised: Int64) -> MetadataStatement {
        held(
            """
            UPDATE tables SET lease_generation = CASE WHEN lease_generation < :raised THEN :raised
                ELSE lease_generation END
            WHERE \(isHeld)
            """, by: claimed, ["raised": raised])
    }

    /// Clears the request that the claim saw, unless the run stopped before its end: one that came later stays.
    static func release(_ claimed: ClaimedTable, _ ending: RunEnding, now: Int64) -> MetadataStatement {
        let endedWell = ending.result == .ok || ending.result == .stopped
        let values: StatementValues = [
            "now": now, "clean": ending.isClean,
            "next": ending.next.date(from: Date(storedMicroseconds: now)).storedMicroseconds,
            "requested": claimed.table.requestedAt?.storedMicroseconds, "stopped": ending.isUnfinished,
            "endedWell": endedWell, "ran": ending.hasRun, "voids": ending.voidsMirror, "seconds": ending.seconds,
        ]
        return held(
            """
            UPDATE tables SET lease_owner = NULL, lease_expires_at = NULL, lease_heartbeat_at = NULL,
                ended_cleanly = :clean, next_run_at = :next,
                requested_at = CASE WHEN requested_at = :requested AND :stopped = 0 THEN NULL ELSE requested_at END,
                request_begun = CASE WHEN requested_at = :requested AND :ran = 1 THEN :stopped ELSE request_begun END,
                run_seconds = CASE WHEN :seconds IS NULL THEN run_seconds
                    WHEN run_seconds IS NULL OR :seconds > run_seconds THEN :seconds
                    ELSE (run_seconds + :seconds) / 2 END,
                consecutive_failures = CASE WHEN :ran = 0 THEN consecutive_failures WHEN :endedWell = 1 THEN 0
                    ELSE consecutive_failures + 1 END,
                error_code = CASE WHEN :ran = 0 THEN error_code ELSE :error_code END,
                error_what = CASE WHEN :ran = 0 THEN error_what ELSE :error_what END,
                error_why = CASE WHEN :ran = 0 THEN error_why ELSE :error_why END,
                error_fix = CASE WHEN :ran = 0 THEN error_fix ELSE :error_fix END,
                error_at = CASE WHEN :ran = 0 THEN error_at ELSE :error_at END, updated_at = :now,
                checkpoint = CASE WHEN :voids = 1 THEN NULL ELSE checkpoint END,
                max_primary_key = CASE WHEN :voids = 1 THEN NULL ELSE max_primary_key END,
                max_updated_key = CASE WHEN :voids = 1 THEN NULL ELSE max_updated_key END,
                rows = CASE WHEN :voids = 1 THEN NULL ELSE rows END
            WHERE \(isHeld)
            """, by: claimed, values + ending.failure.storedColumns)
    }

    /// Adds what `isHeld` needs. A claim without an owner matches nothing.
    static func held(
        _ sql: String, by claimed: ClaimedTable, _ values: StatementValues
    ) -> MetadataStatement {
        let lease: StatementValues = [
            "table": claimed.table.id, "owner": claimed.table.lease.owner, "generation": claimed.table.lease.generation,
        ]
        return MetadataStatement(sql, values + lease)
    }
}
