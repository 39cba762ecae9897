import Foundation
import GRDB
import Operations
import Scheduling

extension SQLiteMetadata: CatalogStore {
    package func add(_ job: JobRecord) async throws -> JobRecord {
        try await write { database in
            try Self.refusingTakenName(job.name) {
                try JobStatements.insert(job, now: self.clock.now.storedMicroseconds).run(database)
            }
            var added = job
            added.id = database.lastInsertedRowID
            return added
        }
    }

    package func jobs() async throws -> [JobRecord] {
        try await read { try JobStatements.all.rows($0).map(JobRecord.init(row:)) }
    }

    package func update(_ job: JobRecord) async throws {
        try await write { database in
            let now = self.clock.now.storedMicroseconds
            let changed = try Self.refusingTakenName(job.name) {
                try JobStatements.update(job, now: now).run(database)
            }
            guard changed > 0 else { throw MetadataFailure.jobGone }
            try JobStatements.hastenTables(of: job, now: now).run(database)
        }
    }

    package func remove(jobID: Int64) async throws {
        try await write { database in
            guard try JobStatements.delete(jobID).run(database) > 0 else { throw MetadataFailure.jobGone }
        }
    }

    package func tables(ofJob jobID: Int64?) async throws -> [Scheduling.TableRecord] {
        try await read { try TableStatements.all(ofJob: jobID).rows($0).map(Scheduling.TableRecord.init(row:)) }
    }

    package func save(_ table: Scheduling.TableRecord) async throws -> Scheduling.TableRecord {
        try await write { database in
            let now = self.clock.now.storedMicroseconds
            let isNew = table.id == 0
            let statement =
                try isNew
                ? TableStatements.insert(table, now: now) : TableStatements.update(table, now: now)
            do {
                guard try statement.run(database) > 0 else { throw MetadataFailure.tableGone }
            } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE {
                throw OperationError(
                    .badInput, what: "\(table.mapping.source) is a table of job \(table.mapping.jobName) already",
                    why: "a job replicates a source table once", fix: "Change it with: redshift-loader tables set",
                    underlying: error)
            } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_FOREIGNKEY {
                throw MetadataFailure.jobGone
            }
            return try Self.table(isNew ? database.lastInsertedRowID : table.id, database)
        }
    }

    package func remove(tableID: Int64) async throws {
        try await write { database in
            guard try TableStatements.delete(tableID).run(database) > 0 else { throw MetadataFailure.tableGone }
        }
    }

    @discardableResult
    private static func refusingTakenName<Value>(_ name: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE {
            throw OperationError(
                .usage, what: "There is a job named \(name) already", why: "names of jobs are unique",
                fix: "Choose another name; `redshift-loader jobs list` shows those taken.", underlying: error)
        }
    }
}

extension SQLiteMetadata: HistoryStore {
    package func copies(ofTable tableID: Int64, limit: Int) async throws -> [TableCopyRecord] {
        try await read { database in
            try RunStatements.copies(table: tableID, limit: limit).rows(database)
                .compactMap(TableCopyRecord.init(row:))
        }
    }

    package func repairs(ofTable tableID: Int64, limit: Int) async throws -> [RepairRecord] {
        try await read { database in
            try RepairStatements.latest(table: tableID, limit: limit).rows(database).map(RepairRecord.init(row:))
        }
    }

    package func countRepairs(ofTable tableID: Int64) async throws -> Int {
        try await read { Int(try RepairStatements.count(table: tableID).number($0) ?? 0) }
    }
}

extension SQLiteMetadata: RequestStore {
    package func request(tableID: Int64) async throws {
        try await write { database in
            let now = self.clock.now.storedMicroseconds
            guard try TableStatements.request(tableID, now: now).run(database) > 0 else {
                throw MetadataFailure.tableGone
            }
        }
    }

    package func secret(named name: String, orKeep made: Data) async throws -> Data {
        if let kept: Data = try await read({ try SQLiteSchemaStatements.secret(name).row($0)?["sealed"] }) {
            return kept
        }
        return try await write { database in
            try SQLiteSchemaStatements.keepSecret(name, sealed: made).run(database)
            return try SQLiteSchemaStatements.secret(name).row(database)?["sealed"] ?? made
        }
    }

    package func installationID() async throws -> String {
        try await read { database in
            guard let id = try SQLiteSchemaStatements.readInstallation.texts(database).first else {
                throw OperationError(
                    .configuration, what: "The metadata store has no name of its own",
                    why: "its table `installation` is empty", fix: "Restore it from a backup.")
            }
            return id
        }
    }
}
