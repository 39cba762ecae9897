import PostgresClient

/// Where armed faults meet statements.
extension Session {
    /// Carries a statement out, or lets it meet the fault that waits for it.
    func underFaults(
        _ plan: StatementPlan, _ sql: SQLText, _ range: Range<Int>, _ body: () async throws -> Void
    ) async throws {
        if case .control = plan.action { return try await body() }
        guard await !server.faults.isQuiet else { return try await body() }
        statementNames = Self.names(in: sql, range)
        let kind = StatementKind.name(of: sql, range)
        // A COMMIT outside of a transaction commits nothing.
        if kind == "COMMIT", await connection.transactionStatus != .inTransaction { return try await body() }
        let moment = FaultBoard.Moment(session: pid, kind: kind, names: statementNames)
        guard let taken = await server.faults.take(at: moment) else { return try await body() }
        switch taken.effect.effect {
        case .drop: try await drop(taken.effect.moment, taken.id, plan, body)
        case .hold:
            if taken.effect.moment == .after { try await body() }
            hold()
            await server.faults.hit(taken.id)
        case .stall(let duration):
            if taken.effect.moment == .after { try await body() }
            await server.faults.hit(taken.id)
            try await stall(duration)
            if taken.effect.moment == .before { try await body() }
        case .raise(let error):
            await server.faults.hit(taken.id)
            throw error
        }
    }

    private static func names(in sql: SQLText, _ range: Range<Int>) -> Set<String> {
        Set(
            range.compactMap { index in
                switch sql.tokens[index].kind {
                case .word: sql.word(index).map(Identifier.backing)
                case .quoted: Identifier.backing(ASCII.fold(Identifier.unquote(sql.text(index))))
                default: nil
                }
            })
    }

    private func drop(
        _ moment: StatementFault.Moment, _ id: Int, _ plan: StatementPlan, _ body: () async throws -> Void
    ) async throws {
        switch moment {
        case .before: break
        case .after: try await body()
        case .during: try await begin(plan, body)
        }
        messages = BackendMessages(appearance)
        await connection.close()
        await server.faults.hit(id)
        throw Dropped()
    }

    /// Begins a statement such that nothing of it remains once the connection is closed; a query's first row is sent.
    private func begin(_ plan: StatementPlan, _ body: () async throws -> Void) async throws {
        if case .rows(let sql) = plan.action {
            try await connection.beginQuery(sql)
            while let event = try await connection.nextQueryEvent(maximumBytes: 1) {
                if case .columns(let columns) = event, reply.describes { messages.rowDescription(columns) }
                if case .rows = event { break }
            }
            return try await flush()
        }
        guard plan.refusedInTransaction == nil, !plan.commitsAfter else { return }
        if await connection.transactionStatus == .idle { try await connection.execute("BEGIN") }
        try await body()
    }

    /// Waits until the time is over, faults are cleared, the client has left or the statement is cancelled.
    private func stall(_ duration: Duration?) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        let clearings = await server.faults.clearings
        let limit = try await statementTimeout()
        while await server.faults.clearings == clearings, !hasLeft {
            let isCancelled = await server.registry.isCancelled(pid: pid)
            if isCancelled || (limit.map { clock.now >= start + $0 } ?? false) {
                throw StandInError("57014", "Query (150) canceled on user's request")
            }
            if let duration, clock.now >= start + duration { return }
            try await clock.sleep(for: .milliseconds(5))
        }
    }

    /// SHOW takes no snapshot, so that a LOCK behind it is still the transaction's first statement.
    private func statementTimeout() async throws -> Duration? {
        guard await connection.transactionStatus != .inFailedTransaction else { return nil }
        guard let shown = try await connection.execute("SHOW statement_timeout").firstValue else { return nil }
        let number = Int(shown.prefix(while: \.isNumber)) ?? 0
        let units = ["ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000]
        return number == 0 ? nil : .milliseconds(number * (units[shown.drop(while: \.isNumber).description] ?? 1))
    }

    /// Ends a COPY that a fault waits for.
    /// - Parameter rows: Read so far.
    func meetCopyFault(_ statement: CopyStatement, rows: Int, isAtEnd: Bool) async throws {
        let taken = await server.faults.takeCopy(in: pid, names: statementNames, rows: rows, isAtEnd: isAtEnd)
        guard let taken else { return }
        await server.faults.hit(taken.id)
        switch taken.effect {
        case .failure: throw StandInError.loadFailed(statement.table)
        case .unreadable: throw StandInError.unreadable
        case .drop:
            messages = BackendMessages(appearance)
            await connection.close()
            throw Dropped()
        }
    }
}
