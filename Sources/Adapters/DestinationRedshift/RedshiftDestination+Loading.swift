import PostgresClient
import Replication

extension RedshiftDestination {
    package func load(_ load: ReplicaLoad) async throws -> Checkpoint {
        let replica = load.mapping.destination
        do {
            return try await commit(load)
        } catch let error as ReplicationError where error.code == .schemaMismatch {
            guard try await run(ReplicaStatements.columns(of: replica), replica).rows.isEmpty else { throw error }
            // Dropped meanwhile: it passes by itself, since the next run makes it anew.
            throw ReplicationError(.locked, what: error.what, why: error.why, fix: error.fix, underlying: error)
        }
    }

    private func commit(_ load: ReplicaLoad) async throws -> Checkpoint {
        let replica = load.mapping.destination
        try await widen(load)
        var committed = load.next
        try await transaction(replica) { table in
            try await self.expect(load.expected, in: table, load.mapping, writer: load.next.stamp)
            switch load.method {
            case .append: committed.state.replicaRows += try await self.append(load)
            case .merge: committed.state.replicaRows += try await self.merge(load)
            case .replace: committed.state.replicaRows = try await self.replace(load)
            case .swap: committed.state.replicaRows = try await self.swap(load)
            }
            let write = try table.write(
                committed, sourceName: load.mapping.source.description, isFirst: load.expected == nil)
            try await self.run(write, replica)
        }
        return committed
    }

    // MARK: Methods, within the transaction at hand

    /// - Returns: By how many rows the replica grew; likewise in `merge`.
    private func append(_ load: ReplicaLoad) async throws -> Int {
        try await fillDirectly(load.mapping.destination, load)
        return load.staged.rows
    }

    /// Brings the staged rows into a table whose rows they are from then on; through a staging table only where it must
    /// be told which values are empty.
    func fillDirectly(_ table: TableName, _ load: ReplicaLoad) async throws {
        if load.hasMarkers {
            _ = try await withStaging(load, like: table) { try await insert(from: $0, load, into: table) }
        } else {
            try Self.check(try await fill(RedshiftText.table(table), load), load)
        }
    }

    private func merge(_ load: ReplicaLoad) async throws -> Int {
        let replica = load.mapping.destination
        return try await withStaging(load, like: replica) { staging in
            let statement = ReplicaStatements.deleteOlder(staging, load.mapping, hasMarkers: load.hasMarkers)
            let deleted = try await run(statement, replica).affectedRows
            return try await insert(from: staging, load) - deleted
        }
    }

    /// - Returns: The rows of the replica; likewise in `swap`.
    private func replace(_ load: ReplicaLoad) async throws -> Int {
        try await withStaging(load, like: load.mapping.destination) { staging in
            try await run(ReplicaStatements.deleteAll(load.mapping.destination), load.mapping.destination)
            return try await insert(from: staging, load)
        }
    }

    /// Fills a temporary table, hands its name on, and drops it.
    private func withStaging(
        _ load: ReplicaLoad, like table: TableName, _ body: (String) async throws -> Int
    ) async throws -> Int {
        let replica = load.mapping.destination
        let staging = "loader_stage_" + StableDigest.hex(replica.description)
        try await run(ReplicaStatements.createStaging(staging, like: table, load.mapping), replica)
        if load.hasMarkers {
            for statement in ReplicaStatements.addMarkers(staging, load.mapping) { try await run(statement, replica) }
        }
        try Self.check(try await fill(RedshiftText.identifier(staging), load), load)
        let result = try await body(staging)
        try await run(ReplicaStatements.dropStaging(staging), replica)
        return result
    }

    /// - Parameter table: nil for the replica.
    private func insert(from staging: String, _ load: ReplicaLoad, into table: TableName? = nil) async throws -> Int {
        let statement = ReplicaStatements.insertStaged(staging, load.mapping, hasMarkers: load.hasMarkers, into: table)
        return try await run(statement, load.mapping.destination).affectedRows
    }

    /// Brings the staged rows into an empty or growing table.
    /// - Parameter target: Quoted.
    /// - Returns: Rows that it says it took.
    func fill(_ target: String, _ load: ReplicaLoad) async throws -> Int {
        let replica = load.mapping.destination
        // An empty table: there is no file to name in a COPY.
        guard load.staged.rows > 0 else { return 0 }
        switch load.staged.content {
        case .objects(let objects):
            try await copy(into: target, load, objects)
            return try await number(ReplicaStatements.lastCopyCount, replica)
        case .rows(let open):
            var statements = InsertStatements(
                into: target, load.mapping, format: load.format, rowLimit: settings.insertRows)
            var inserted = 0
            for try await chunk in try open() {
                for statement in try statements.add(chunk) {
                    inserted += try await run(statement, replica).affectedRows
                }
            }
            for statement in statements.finish() { inserted += try await run(statement, replica).affectedRows }
            return inserted
        }
    }

    // MARK: Width

    /// Outside of the transaction, as Redshift demands; a wider column harms nobody where the load fails afterwards.
    private func widen(_ load: ReplicaLoad) async throws {
        let table = load.mapping.destination
        guard !load.widenedColumns.isEmpty else { return }
        // It waits for whoever reads the table, and all others wait behind it.
        try await run(SessionStatements.statementTimeout(settings.swapTimeout), table)
        do {
            try await widenColumns(load, table)
        } catch {
            try await run(SessionStatements.statementTimeout(settings.sessionTimeout), table)
            throw error
        }
        try await run(SessionStatements.statementTimeout(settings.sessionTimeout), table)
    }

    private func widenColumns(_ load: ReplicaLoad, _ table: TableName) async throws {
        for (column, bytes) in load.widenedColumns.sorted(by: { $0.key < $1.key }) {
            do {
                try await run(ReplicaStatements.widen(column, of: table, to: bytes), table)
            } catch let error as ReplicationError where !error.isRetryable {
                throw ReplicationError(
                    .valueLong, what: "Column \(column) of \(table) is too narrow and cannot be widened",
                    why: error.why,
                    fix: "Make the replica anew (redshift-loader tables resync \(load.mapping.label) --recreate), or "
                        + "let text be cut: AUTO_TRUNCATE_COLUMNS=true.", underlying: error)
            }
        }
    }

    // MARK: COPY

    private func copy(into target: String, _ load: ReplicaLoad, _ objects: StagedObjects) async throws {
        let authorization = try await settings.authorization()
        let statement = ReplicaStatements.copy(
            into: target, load, objects, authorization: authorization, region: settings.region)
        do {
            try await connection().execute(statement)
        } catch let error as PostgresError {
            let plain = ReplicationError(
                destination: error, table: load.mapping.destination, secrets: authorization.secrets)
            guard plain.code == .copyRejected, let detail = await loadErrorDetail() else { throw plain }
            throw ReplicationError.rejected(detail, table: load.mapping.destination)
        }
    }

    /// What the load-error tables say of the COPY that just failed; they outlive the rollback that comes first.
    private func loadErrorDetail() async -> LoadErrorDetail? {
        do {
            try await run("ROLLBACK", nil)
            guard let id = try await run(ReplicaStatements.lastCopyID, nil).firstValue, let number = Int64(id) else {
                return nil
            }
            for query in [ReplicaStatements.loadErrors, ReplicaStatements.oldLoadErrors] {
                if let detail = await firstDetail(query("\(number)")) { return detail }
            }
        } catch {
            logger.debug("the load-error tables cannot be read: \(error)")
        }
        return nil
    }

    private func firstDetail(_ query: String) async -> LoadErrorDetail? {
        do {
            guard let row = try await run(query, nil).rows.first, row.count == 6 else { return nil }
            return LoadErrorDetail(
                column: row[0] ?? "", type: row[1] ?? "", length: row[2] ?? "", code: row[3].flatMap { Int($0) } ?? 0,
                reason: row[4] ?? "", line: row[5] ?? "")
        } catch {
            return nil
        }
    }
}

extension ReplicaLoad {
    /// The rows have fields that say which values are empty; INSERTs say it in their literals.
    fileprivate var hasMarkers: Bool {
        guard case .objects = staged.content else { return false }
        return !mapping.markedColumns.isEmpty
    }
}
