import Foundation
import PostgresClient
import Replication
import SourcePostgres
import Testing
import TestServers

extension TestDatabase {
    /// A source as the product opens it.
    func source(as user: String? = nil, password: String = "", hashSalt: String = "") async throws -> PostgresSource {
        var endpoint = endpoint
        if let user {
            endpoint.user = user
            endpoint.password = PostgresPassword(password)
        }
        return try await PostgresSource.connect(to: endpoint, hashSalt: hashSalt)
    }

    /// Waits, at most 20 seconds, until no transaction is open in the whole cluster that began before now: such ones, of
    /// other tests, keep the horizon back, and what lies behind it is read again.
    func settle() async throws {
        let now = try await run("SELECT pg_current_xact_id()").firstValue ?? "0"
        let deadline = ContinuousClock.now + .seconds(20)
        let isBehind = "SELECT pg_snapshot_xmin(pg_current_snapshot()) <= '\(now)'::xid8"
        while try await run(isBehind).firstValue == "t" {
            guard ContinuousClock.now < deadline else {
                Issue.record("a transaction older than \(now) is still open in this cluster")
                return
            }
        }
    }

    /// A table of schema public as discovery sees it, mapped column by column.
    func mapping(
        _ table: String, key: [String] = ["id"], updated: String? = "updated_at", source: PostgresSource,
        mode: SyncMode = .updateAndInsert, cursor: String? = nil
    ) async throws -> TableMapping {
        try await source.mapping(table, key: key, updated: updated, mode: mode, cursor: cursor)
    }
}

extension PostgresSource {
    /// A table of schema public as discovery sees it, mapped column by column.
    func mapping(
        _ table: String, key: [String] = ["id"], updated: String? = "updated_at", mode: SyncMode = .updateAndInsert,
        cursor: String? = nil
    ) async throws -> TableMapping {
        let found = try await describe(TableName(schema: "public", name: table))
        return TableMapping(
            jobName: "job", source: found.name, destination: found.name, mode: mode, primaryKey: key,
            updatedKey: mode == .updateAndInsert ? updated : nil, cursorKey: cursor,
            columns: found.columns.map {
                ColumnMapping(source: $0, destinationName: $0.name, destinationType: $0.replicaType)
            })
    }
}

/// Follows a table as runs do, and keeps the replica's rows by key in memory.
actor TableFollower {
    private(set) var source: PostgresSource
    let mapping: TableMapping
    let rowLimit: Int
    /// Microseconds.
    private var settings = RunSettings(installation: "tests")
    private(set) var state: CheckpointState?
    /// Rows by key, values in the mapping's order.
    private(set) var replica: [[String?]: [String?]] = [:]
    private(set) var lastStart: PassStart?
    /// Called after each batch: others work meanwhile.
    private var afterBatch: () async throws -> Void = {}

    /// - Parameter sweeps: Small tables are swept with each pass, as by default.
    init(
        source: PostgresSource, mapping: TableMapping, rowLimit: Int = 1000, lookback: Int64 = SourceTime.second * 600,
        sweeps: Bool = false
    ) {
        self.source = source
        self.mapping = mapping
        self.rowLimit = rowLimit
        settings.lookback = lookback
        if !sweeps { settings.sweepSmallRows = 0 }
    }

    /// From now on another server answers behind the same name, or the same one after a restart.
    func turn(to other: PostgresSource) {
        source = other
    }

    func afterEachBatch(_ work: @escaping @Sendable () async throws -> Void) {
        afterBatch = work
    }

    /// One pass to its end, and the sweep after a first load.
    /// - Parameter batches: Stops after as many, in the middle of the pass.
    /// - Returns: The rows read, in order.
    @discardableResult
    func follow(batches: Int = .max) async throws -> [[String?]] {
        var read: [[String?]] = []
        var left = batches
        repeat {
            let start = try await source.startPass(mapping)
            lastStart = start
            state =
                PassPlan.begin(
                    from: state, at: start, mapping: mapping, settings: settings,
                    replica: PreparedReplica(rows: replica.count)
                ).state
            while let known = state, let query = PassPlan.nextBatch(of: known, mapping: mapping, rowLimit: rowLimit) {
                let (extent, rows) = try await source.batch(query)
                #expect(extent.rows == rows.count)
                read += rows
                state = PassPlan.advance(known, past: extent, of: query)
                for row in rows { replica[mapping.primaryKey.map { row[index(of: $0)] }] = row }
                try await afterBatch()
                left -= 1
                if left == 0 { return read }
            }
        } while state?.sweepDue == true
        return read
    }

    /// Follows, and returns the first column of the rows read.
    func followKeys() async throws -> [String] {
        try await follow().compactMap { $0.first ?? nil }
    }

    private func index(of column: String) -> Int {
        mapping.columns.firstIndex { $0.source.name == column } ?? 0
    }
}

extension PostgresSource {
    /// One batch: what was measured, and the rows.
    func batch(_ query: BatchQuery, null: String = "nilSentinel") async throws -> (BatchExtent, [[String?]]) {
        let (extent, bytes) = try await batchBytes(query, null: null)
        return (extent, CSV.rows(bytes, null: null))
    }

    func batchBytes(_ query: BatchQuery, null: String = "nilSentinel") async throws -> (BatchExtent, [UInt8]) {
        let extent = try await openBatch(query)
        var bytes: [UInt8] = []
        if extent.rows > 0 || query.scan == .whole {
            var count = 0
            for try await chunk in try await rows(query, extent: extent, format: BatchFormat(nullSentinel: null)) {
                bytes += chunk.bytes
                count += chunk.rows
            }
            #expect(count == extent.rows || query.scan == .whole)
        }
        try await closeBatch()
        return (extent, bytes)
    }
}

/// CSV as PostgreSQL writes it.
enum CSV {
    /// Fields unquoted; nil where the unquoted sentinel stands.
    static func rows(_ bytes: [UInt8], null: String) -> [[String?]] {
        var (rows, row, field): ([[String?]], [String?], [UInt8]) = ([], [], [])
        var (isInside, wasQuoted) = (false, false)
        func value() -> String? {
            let text = String(decoding: field, as: UTF8.self)
            return !wasQuoted && text == null ? nil : text
        }
        var place = 0
        while place < bytes.count {
            let byte = bytes[place]
            place += 1
            switch (byte, isInside) {
            case (UInt8(ascii: "\""), true) where place < bytes.count && bytes[place] == byte:
                field.append(byte)
                place += 1
            case (UInt8(ascii: "\""), _):
                isInside.toggle()
                wasQuoted = true
            case (UInt8(ascii: ","), false), (UInt8(ascii: "\n"), false):
                row.append(value())
                (field, wasQuoted) = ([], false)
                if byte == UInt8(ascii: "\n") {
                    rows.append(row)
                    row = []
                }
            default: field.append(byte)
            }
        }
        return rows
    }
}

/// The error of `body`, which must be a source's.
func failure(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async -> ReplicationError? {
    await #expect(throws: ReplicationError.self, sourceLocation: sourceLocation) { try await body() }
}

/// Runs `body` with a source, and closes it however `body` ends.
func withSource<Result>(
    _ database: TestDatabase, hashSalt: String = "", isolation: isolated (any Actor)? = #isolation,
    _ body: (PostgresSource) async throws -> Result
) async throws -> Result {
    let source = try await database.source(hashSalt: hashSalt)
    do {
        let result = try await body(source)
        await source.close()
        return result
    } catch {
        await source.close()
        throw error
    }
}
