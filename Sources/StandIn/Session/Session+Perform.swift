import PostgresClient

/// Carrying out plans.
extension Session {
    func perform(_ plan: StatementPlan, isSeveral: Bool, isLast: Bool) async throws {
        let status = await connection.transactionStatus
        isInTransactionBlock = status == .inTransaction
        try await refuseInFailedTransaction(plan)
        if let name = plan.refusedInTransaction {
            guard status == .idle, !isSeveral else {
                throw StandInError("25001", "\(name) cannot run inside a transaction block")
            }
        } else if status == .idle, isSeveral, !isLast, plan.belongsIntoTransaction {
            try await connection.execute("BEGIN")
            isImplicit = true
        }
        try await beginSerial(plan)
        switch plan.action {
        case .rows(let sql):
            _ = try await stream(sql)
        case .command(let texts, let tag): try await command(texts, tag: tag, plan: plan)
        case .begin: try await begin()
        case .commit: try await commit()
        case .rollback:
            isImplicit = false
            await endSerial(committed: false)
            try await simple("ROLLBACK")
        case .keepParameter(let name, let value):
            kept[name] = value
            messages.commandComplete(value == nil ? "RESET" : "SET")
        case .showKeptParameter(let name): showKept(name)
        case .copy(let statement): try await copy(statement)
        case .control(let control): try await perform(control)
        }
        try await forwardNotices()
    }

    func refuseInFailedTransaction(_ plan: StatementPlan) async throws {
        guard await connection.transactionStatus == .inFailedTransaction, !plan.runsInFailedTransaction else { return }
        throw StandInError("25P02", "current transaction is aborted, commands ignored until end of transaction block")
    }

    private func simple(_ sql: String, tag: String? = nil) async throws {
        let result = try await connection.execute(sql)
        messages.commandComplete(tag ?? result.commandTag)
    }

    private func command(_ texts: [String], tag: String?, plan: StatementPlan) async throws {
        var texts = plan.writes.map { [WriteLock.take($0)] + texts } ?? texts
        let isIdle = await connection.transactionStatus == .idle
        if plan.wrapsItself, isIdle { texts = ["BEGIN"] + texts + ["COMMIT"] }
        do {
            let result = try await connection.execute(texts.joined(separator: ";\n"))
            try await noteSerial(plan)
            if plan.commitsAfter, !isIdle {
                isImplicit = false
                try await connection.execute("COMMIT")
                await endSerial(committed: true)
            }
            if let name = plan.lateView { await server.lateViews.add(name) }
            try await forwardNotices()
            messages.commandComplete(tag ?? result.commandTag)
        } catch let error as PostgresError {
            if plan.wrapsItself, isIdle, await connection.isUsable { try await connection.execute("ROLLBACK") }
            throw error
        }
    }

    private func begin() async throws {
        if isImplicit {
            isImplicit = false
            messages.commandComplete("BEGIN")
        } else {
            try await simple("BEGIN")
        }
    }

    private func commit() async throws {
        isImplicit = false
        let isDone = await connection.transactionStatus == .inTransaction
        try await simple("COMMIT")
        await endSerial(committed: isDone)
    }

    /// Rows flow to the client as they come; a slow client slows the PostgreSQL behind.
    /// - Parameter completes: Whether the command tag is sent at the end.
    /// - Returns: The number of rows sent.
    func stream(_ sql: String, completes: Bool = true) async throws -> Int {
        try await connection.beginQuery(sql)
        do {
            return try await forwardRows(completes: completes)
        } catch let error as StandInError {
            while try await connection.nextQueryEvent(maximumBytes: Self.flushBytes) != nil {}
            throw error
        }
    }

    private func forwardRows(completes: Bool) async throws -> Int {
        var columns: [PostgresColumn] = []
        var count = 0
        while let event = try await connection.nextQueryEvent(maximumBytes: Self.flushBytes) {
            switch event {
            case .columns(let described):
                columns = described
                if reply.describes { messages.rowDescription(described) }
            case .rows(let rows):
                count += rows.count
                for row in rows { try messages.dataRow(row, columns: columns, formats: reply.formats) }
                if messages.buffer.readableBytes >= Self.flushBytes { try await flush() }
            case .completed(let tag):
                try await forwardNotices()
                guard completes else { continue }
                try await noteSerial()
                messages.commandComplete(tag.hasPrefix("SELECT") ? "SELECT" : tag)
            }
        }
        return count
    }

    func forwardNotices() async throws {
        for notice in await connection.takeNotices() {
            messages.notice(
                severity: notice.severity == "NOTICE" ? "INFO" : notice.severity, sqlState: notice.sqlState ?? "00000",
                notice.message, detail: notice.detail, hint: notice.hint)
        }
    }

    private func showKept(_ name: String) {
        let fixed = ["server_version": "8.0.2", "is_superuser": user == StandInSettings.owner ? "on" : "off"]
        answer([name], [[kept[name] ?? Rewriter.kept[name] ?? fixed[name] ?? ""]], tag: "SHOW")
    }

    /// A small answer made here.
    func answer(_ names: [String], _ rows: [[String]], tag: String) {
        let columns = names.map { PostgresColumn(name: $0, typeOID: BackendMessages.TypeOID.varchar) }
        if reply.describes { messages.rowDescription(columns) }
        for row in rows { messages.dataRow(row.map { Array($0.utf8) }, columns: columns) }
        messages.commandComplete(tag)
    }

    private func perform(_ control: ControlStatement) async throws {
        switch control {
        case .armFault(let fault, let text): await server.faults.arm(fault, text: text, by: pid)
        case .clearFaults: await server.faults.clear()
        case .awaitFault: try await server.faults.wait()
        case .clearLog: await server.log.clear()
        case .showFaults:
            return answer(["number", "fault", "state"], await server.faults.list, tag: "SELECT")
        case .showLog:
            let entries = await server.log.entries
            return answer(
                ["session", "statement"], entries.map { [String($0.session), $0.statement] }, tag: "SELECT")
        }
        messages.commandComplete("STANDIN")
    }
}

/// Makes a writer wait for the one before it.
enum WriteLock {
    static func take(_ table: RelationName) -> String {
        "SELECT pg_catalog.standin_write_lock(\(Literal.quote(table.sql)))"
    }
}

extension StatementPlan {
    /// What a failed transaction still takes.
    var runsInFailedTransaction: Bool {
        switch action {
        case .commit, .rollback, .control: true
        default: false
        }
    }

    /// Statements of one message form one transaction; these stay outside of it.
    var belongsIntoTransaction: Bool {
        switch action {
        case .rows, .command, .copy: true
        default: false
        }
    }
}
