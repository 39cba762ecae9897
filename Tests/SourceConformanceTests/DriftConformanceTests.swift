import Replication
import SourceTesting
import Testing

/// A table that is no longer what its mapping was made for.
struct Drift: Sendable, CustomTestStringConvertible {
    var name: String
    var statement: @Sendable (Dialect) -> String
    var code: ErrorCode
    var why: String
    var fix: String

    var testDescription: String { name }

    static let all: [Drift] = [
        Drift(
            name: "column gone", statement: { _ in "ALTER TABLE t DROP COLUMN v" }, code: .schemaMismatch,
            why: "column v is gone", fix: "tables set job/t --exclude v."),
        Drift(
            name: "column renamed", statement: { _ in "ALTER TABLE t RENAME COLUMN v TO x" }, code: .schemaMismatch,
            why: "column v is gone", fix: "--exclude v."),
        Drift(
            name: "cursor gone", statement: { _ in "ALTER TABLE t DROP COLUMN updated_at" }, code: .schemaMismatch,
            why: "column updated_at is gone", fix: "tables remove job/t --drop-replica"),
        Drift(
            name: "retyped", statement: { "ALTER TABLE t \($0.retype("w", "bigint"))" }, code: .schemaMismatch,
            why: "column w is now bigint", fix: "tables set job/t --column w --type default"),
        Drift(
            name: "widened", statement: { "ALTER TABLE t \($0.retype("v", "varchar(200)"))" }, code: .schemaMismatch,
            why: "column v is now ", fix: "--column v --type default"),
        Drift(
            name: "stamp may be NULL",
            statement: {
                "ALTER TABLE t "
                    + ($0.isPostgres ? "ALTER updated_at DROP NOT NULL" : "MODIFY updated_at timestamp(6) NULL")
            },
            code: .schemaMismatch, why: "column updated_at may be NULL now", fix: "--column updated_at --type default"),
        Drift(
            name: "key may be NULL",
            statement: {
                $0.isPostgres
                    ? "ALTER TABLE t DROP CONSTRAINT t_pkey, ALTER id DROP NOT NULL"
                    : "ALTER TABLE t DROP PRIMARY KEY, MODIFY id int NULL"
            },
            code: .schemaMismatch, why: "column id may be NULL now", fix: "tables set job/t --primary-key"),
        Drift(
            name: "table dropped", statement: { _ in "DROP TABLE t" }, code: .sourceTableGone,
            why: "dropped or renamed", fix: "disable"),
        Drift(
            name: "table renamed", statement: { _ in "ALTER TABLE t RENAME TO u" }, code: .sourceTableGone,
            why: "dropped or renamed", fix: "disable"),
    ]
}

@Suite struct DriftConformanceTests {
    @Test(arguments: SourceKind.tested, Drift.all)
    func `a changed table is told with what helps`(_ kind: SourceKind, _ drift: Drift) async throws {
        try await withDatabase(kind) { database in
            try await database.run(tableStatement(database.dialect), "INSERT INTO t (id) VALUES (1)")
            let mapping = try await database.mapping()
            try await database.run(drift.statement(database.dialect))
            try await database.withSource { source in
                let error = await failure { _ = try await source.startPass(mapping) }
                #expect(error?.code == drift.code && error?.isRetryable == false)
                #expect(error?.why.contains(drift.why) == true, "\(error?.why ?? "")")
                #expect(error?.fix.contains(drift.fix) == true, "\(error?.fix ?? "")")
            }
        }
    }

    @Test(arguments: SourceKind.tested)
    func `what does not matter is no error`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            try await database.run(tableStatement(database.dialect), "INSERT INTO t (id, w) VALUES (1, 1)")
            let mapping = try await database.mapping()
            try await database.run(
                "ALTER TABLE t ADD COLUMN extra varchar(10) DEFAULT 'x'", "CREATE INDEX of_w ON t (w)",
                "ALTER TABLE t " + (database.dialect.isPostgres ? "ALTER w SET NOT NULL" : "ALTER w SET DEFAULT 5"))
            let rows = try await database.follower(mapping).follow()
            #expect(!rows.isEmpty && rows.allSatisfy { $0.count == 4 })
        }
    }

    @Test(arguments: SourceKind.tested)
    func `a table that changes between the pass's start and its batch fails by name`(_ kind: SourceKind) async throws {
        try await withDatabase(kind) { database in
            for (change, code) in [
                ("ALTER TABLE t DROP COLUMN v", ErrorCode.schemaMismatch), ("DROP TABLE t", .sourceTableGone),
            ] {
                try await database.run(tableStatement(database.dialect), "INSERT INTO t (id) VALUES (1)")
                let mapping = try await database.mapping()
                try await database.withSource { source in
                    _ = try await source.startPass(mapping)
                    try await database.run(change)
                    let error = await failure {
                        _ = try await source.batch(
                            BatchQuery(
                                mapping: mapping, scan: .byKey(after: nil), floor: nil, horizon: nil, rowLimit: 5))
                    }
                    #expect(error?.code == code, "\(error?.description ?? "")")
                }
                if code == .schemaMismatch { try await database.run("DROP TABLE t") }
            }
        }
    }
}
