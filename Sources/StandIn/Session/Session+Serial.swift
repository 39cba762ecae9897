import PostgresClient

/// SERIALIZABLE, where the stand-in was started so.
extension Session {
    /// Before a statement that takes a snapshot: from here on others' commits are not seen.
    func beginSerial(_ plan: StatementPlan) async throws {
        guard server.settings.isSerializable, serialID == nil, plan.takesSnapshot else { return }
        guard await connection.transactionStatus == .inTransaction else { return }
        serialID = await server.serial.begin()
    }

    /// After a statement has run and before it is answered.
    /// - Throws: 1023 when this transaction closes a circle.
    func noteSerial(_ plan: StatementPlan? = nil) async throws {
        guard let serialID else { return }
        var (reads, writes) = try await lockedTables()
        // UPDATE, DELETE and MERGE read what they write; their locks do not show it.
        if let plan, let table = plan.writes, plan.readsTarget {
            let found = try await connection.execute("SELECT to_regclass(\(Literal.quote(table.sql)))::oid::bigint")
            if let oid = found.firstValue.flatMap({ Int($0) }), writes.contains(oid) { reads.insert(oid) }
        }
        guard let cycle = await server.serial.note(serialID, reads: reads, writes: writes) else { return }
        throw StandInError.serializationCycle(table: cycle.table, transactions: cycle.transactions, pid: pid)
    }

    /// Tables of users that the transaction at hand has read and written: PostgreSQL keeps the locks to its end.
    private func lockedTables() async throws -> (reads: Set<Int>, writes: Set<Int>) {
        let locks = try await server.admin.execute(
            """
            SELECT l.relation::bigint, l.mode FROM pg_catalog.pg_locks l
            JOIN pg_catalog.pg_class c ON c.oid = l.relation
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE l.pid = \(pid) AND l.granted AND l.locktype = 'relation' AND c.relkind = 'r'
                AND c.relpersistence = 'p' AND n.nspname <> 'pg_catalog'
                AND l.mode IN ('AccessShareLock', 'RowExclusiveLock')
            """)
        var (reads, writes): (Set<Int>, Set<Int>) = ([], [])
        for row in locks.rows {
            guard let table = row[0].flatMap({ Int($0) }) else { continue }
            if row[1] == "AccessShareLock" { reads.insert(table) } else { writes.insert(table) }
        }
        return (reads, writes)
    }

    /// When the transaction is over, however.
    func endSerial(committed: Bool) async {
        guard let ended = serialID else { return }
        serialID = nil
        if committed { await server.serial.commit(ended) } else { await server.serial.rollBack(ended) }
    }

    /// Under SERIALIZABLE a conflict on a row is a circle of two.
    func serialError(_ error: StandInError) -> StandInError {
        server.settings.isSerializable && error.sqlState == "40001" ? .serializationCycle(pid: pid) : error
    }
}

extension StatementPlan {
    /// LOCK, SET, transaction statements and the stand-in's own leave the snapshot to the next one.
    var takesSnapshot: Bool {
        switch action {
        case .rows, .copy: true
        case .command: !wrapsItself
        default: false
        }
    }
}
