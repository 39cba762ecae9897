import Foundation
import Operations
import Scheduling

extension MetadataStore: CatalogStore {
    package func add(_ job: JobRecord) async throws -> JobRecord {
        try await write { session in
            var added = job
            added.id = try Self.refusingTakenName(job.name) {
                try JobStatements.insert(job, now: session.now).number(session) ?? 0
            }
            return added
        }
    }

    package func jobs() async throws -> [JobRecord] {
        try await read { try JobStatements.all.rows($0).map(JobRecord.init(row:)) }
    }

    package func update(_ job: JobRecord) async throws {
        try await write { try Self.update(job, $0) }
    }

    /// The rows of its tables are locked from the first statement on, so that no claim comes between.
    package func updateWhereNothingRuns(_ job: JobRecord) async throws {
        try await write { session in
            try LeaseStatements.doubtFree(ofJob: job.id).run(session)
            if let row = try LeaseStatements.held(ofJob: job.id, now: session.now).row(session) {
                let (name, table): (String, String) = (try row["job_name"], try row["source_name"])
                throw OperationError(
                    .busy, what: "\(name)/\(table) is being synced", why: "another process holds its lease",
                    fix: "Pause the job (redshift-loader jobs pause \(name)) and try again.")
            }
            try Self.update(job, session)
        }
    }

    private static func update(_ job: JobRecord, _ session: any MetadataSession) throws {
        guard let before = try JobStatements.one(job.id).row(session).map(JobRecord.init(row:)) else {
            throw MetadataFailure.jobGone
        }
        _ = try Self.refusingTakenName(job.name) {
            try JobStatements.update(job, now: session.now).run(session)
        }
        if job.interval != before.interval {
            try JobStatements.hastenTables(of: job, now: session.now).run(session)
        }
        try session.wakeWorkers()
    }

    package func remove(jobID: Int64) async throws {
        try await write(limit: MetadataPatience.long) { session in
            guard try JobStatements.delete(jobID).run(session) > 0 else { throw MetadataFailure.jobGone }
        }
    }

    package func tables(ofJob jobID: Int64?) async throws -> [TableRecord] {
        try await read { try TableStatements.all(ofJob: jobID).rows($0).map(TableRecord.init(row:)) }
    }

    package func table(id: Int64) async throws -> TableRecord? {
        try await read { try TableStatements.one(id).row($0).map(TableRecord.init(row:)) }
    }

    package func save(_ table: TableRecord) async throws -> TableRecord {
        try await write { session in
            do {
                let id = try Self.write(table, session)
                try session.wakeWorkers()
                return try Self.table(id, session)
            } catch StoreConflict.notUnique(let error) {
                throw OperationError(
                    .badInput, what: "\(table.mapping.source) is a table of job \(table.mapping.jobName) already",
                    why: "a job replicates a source table once", fix: "Change it with: redshift-loader tables set",
                    underlying: error)
            } catch StoreConflict.noSuchParent {
                throw MetadataFailure.jobGone
            }
        }
    }

    /// - Returns: The table's number.
    private static func write(_ table: TableRecord, _ session: any MetadataSession) throws -> Int64 {
        if table.id == 0 { return try TableStatements.insert(table, now: session.now).number(session) ?? 0 }
        guard try TableStatements.update(table, now: session.now).run(session) > 0 else {
            throw MetadataFailure.tableGone
        }
        return table.id
    }

    package func remove(tableID: Int64) async throws {
        try await write(limit: MetadataPatience.long) { session in
            guard try TableStatements.delete(tableID).run(session) > 0 else { throw MetadataFailure.tableGone }
        }
    }

    private static func refusingTakenName<Value>(_ name: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch StoreConflict.notUnique(let error) {
            throw OperationError(
                .usage, what: "There is a job named \(name) already", why: "names of jobs are unique",
                fix: "Choose another name; `redshift-loader jobs list` shows those taken.", underlying: error)
        }
    }
}

extension MetadataStore: HistoryStore {
    package func copies(ofTable tableID: Int64, limit: Int) async throws -> [TableCopyRecord] {
        try await read { session in
            try RunStatements.copies(table: tableID, limit: limit).rows(session)
                .compactMap(TableCopyRecord.init(row:))
        }
    }

    package func repairs(ofTable tableID: Int64, limit: Int) async throws -> [RepairRecord] {
        try await read { session in
            try RepairStatements.latest(table: tableID, limit: limit).rows(session).map(RepairRecord.init(row:))
        }
    }

    package func countRepairs(ofTable tableID: Int64) async throws -> Int {
        try await read { Int(try RepairStatements.count(table: tableID).number($0) ?? 0) }
    }
}

extension MetadataStore: RequestStore {
    package func request(tableID: Int64) async throws {
        try await write { session in
            guard try TableStatements.request(tableID, now: session.now).run(session) > 0 else {
                throw MetadataFailure.tableGone
            }
            try session.wakeWorkers()
        }
    }

    package func secret(named name: String, orKeep made: Data) async throws -> Data {
        let kept: Data? = try await read { try InstallationStatements.secret(name).row($0)?["sealed"] }
        if let kept { return kept }
        return try await write { session in
            try InstallationStatements.keepSecret(name, sealed: made).run(session)
            return try InstallationStatements.secret(name).row(session)?["sealed"] ?? made
        }
    }

    package func storeTime() async throws -> Date {
        try await read { Date(storedMicroseconds: $0.now) }
    }

    package func installationID() async throws -> String {
        try await read { session in
            guard let id = try InstallationStatements.readInstallation.texts(session).first else {
                throw OperationError(
                    .configuration, what: "The metadata store has no name of its own",
                    why: "its table `installation` is empty", fix: "Restore it from a backup.")
            }
            return id
        }
    }
}

extension MetadataStore: SealedStore {
    package func sealedSecrets() async throws -> [SealedSecret] {
        try await read { session in
            var secrets: [SealedSecret] = []
            for job in try JobStatements.all.rows(session).map(JobRecord.init(row:)) {
                if case .sealed(let bytes) = job.source {
                    secrets.append(SealedSecret(place: .source(jobID: job.id, name: job.name), bytes: bytes))
                }
                if case .sealed(let bytes) = job.destination {
                    secrets.append(SealedSecret(place: .destination(jobID: job.id, name: job.name), bytes: bytes))
                }
            }
            for row in try InstallationStatements.allSecrets.rows(session) {
                secrets.append(SealedSecret(place: .kept(try row["name"]), bytes: try row["sealed"]))
            }
            return secrets
        }
    }

    package func replace(_ secret: SealedSecret, with bytes: Data) async throws -> Bool {
        let statement =
            switch secret.place {
            case .source(let id, _): JobStatements.resealSource(id, from: secret.bytes, to: bytes)
            case .destination(let id, _): JobStatements.resealDestination(id, from: secret.bytes, to: bytes)
            case .kept(let name): InstallationStatements.resealSecret(name, from: secret.bytes, to: bytes)
            }
        return try await write { try statement.run($0) > 0 }
    }
}
