import Replication
import Testing

@testable import DestinationRedshift

@Suite struct CheckpointStatementTests {
    static let table = CheckpointTable(table: TableName(schema: "redshift_loader", name: "checkpoint_1_t"))
    static let quoted = #""redshift_loader"."checkpoint_1_t""#

    @Test func `the checkpoint's table is one row on every node`() {
        #expect(
            Self.table.create
                == """
                CREATE TABLE IF NOT EXISTS \(Self.quoted) (installation VARCHAR(64) NOT NULL, job VARCHAR(512) NOT NULL, \
                source_name VARCHAR(1024) NOT NULL, generation BIGINT NOT NULL, batch BIGINT NOT NULL, \
                state VARCHAR(65535) NOT NULL, updated_at TIMESTAMP) DISTSTYLE ALL
                """)
        #expect(Self.table.void == "DELETE FROM \(Self.quoted)")
        #expect(Self.table.lock == "LOCK \(Self.quoted)")
        #expect(Self.table.read == "SELECT installation, job, generation, batch, state FROM \(Self.quoted)")
        #expect(
            Self.table.readWithCount(of: TableName(schema: "app", name: "t"))
                == "SELECT installation, job, generation, batch, state, (SELECT COUNT(*) FROM \"app\".\"t\") "
                + "FROM \(Self.quoted)")
        #expect(
            CheckpointTable.find("checkpoint_1_t", in: ["redshift_loader", "o'app"])
                == """
                SELECT table_schema FROM information_schema.tables WHERE table_name = 'checkpoint_1_t' \
                AND table_schema IN ('redshift_loader', 'o''app')
                """)
    }

    @Test func `the first checkpoint is inserted, later ones replace it`() throws {
        var checkpoint = Fixture.checkpoint(after: nil)
        checkpoint.stamp = CheckpointStamp(installation: "i", job: "o'job", generation: 3, batch: 8)
        let state =
            #"{"definition":"d","replicaRows":0,"source":{"database":"db","system":"1","timeline":"1"},"sweepDue":false}"#
        #expect(
            try Self.table.write(checkpoint, sourceName: #"a.b\c"#, isFirst: true)
                == """
                INSERT INTO \(Self.quoted) (installation, job, source_name, generation, batch, state, updated_at) \
                VALUES ('i', 'o''job', 'a.b\\\\c', 3, 8, '\(state)', SYSDATE)
                """)
        #expect(
            try Self.table.write(checkpoint, sourceName: "a.b", isFirst: false)
                == """
                UPDATE \(Self.quoted) SET installation = 'i', job = 'o''job', source_name = 'a.b', generation = 3, \
                batch = 8, state = '\(state)', updated_at = SYSDATE
                """)
    }

    @Test func `names tell tables apart and fit into Redshift`() {
        let long = String(repeating: "ü", count: 60)
        let tables = [
            TableName(schema: "a", name: "items"), TableName(schema: "b", name: "items"),
            TableName(schema: "a", name: long),
            TableName(schema: "a", name: long + "x"), TableName(schema: "a", name: "items\""),
        ]
        let names = tables.map(CheckpointTable.name)
        #expect(Set(names).count == tables.count)
        for name in names { #expect(name.utf8.count <= 60 && name.hasPrefix("checkpoint_")) }
        #expect(names[0] == "checkpoint_" + StableDigest.hex("a.items") + "_items")
    }

    @Test func `a state comes back as it was`() throws {
        let state = Self.fullState
        let text = try CheckpointTable.encode(state)
        let row: [String?] = ["i", "job", "9223372036854775807", "12", text]
        let found = try CheckpointTable.decode(row, of: Self.table.table)
        #expect(found.state == state)
        #expect(found.stamp == CheckpointStamp(installation: "i", job: "job", generation: .max, batch: 12))
    }

    @Test(
        arguments: [
            ["i", "job", "1", "2", "{}"], ["i", "job", "1", "2", nil], ["i", "job", "x", "2", "{}"], ["i", "job", "1"],
            [],
        ] as [[String?]])
    func `a row of another release is refused, naming the table`(_ row: [String?]) {
        let error = #expect(throws: ReplicationError.self) { try CheckpointTable.decode(row, of: Self.table.table) }
        #expect(error?.code == .schemaMismatch)
        #expect(error?.description.contains("redshift_loader.checkpoint_1_t") == true)
    }

    /// Everything a state can hold, with the characters that SQL and JSON treat specially.
    static let fullState = CheckpointState(
        definition: "d\"'\\", source: SourceIdentity(system: "7401", timeline: "0000000A", database: "o'db\\\n\""),
        horizon: .max, floor: SourceTime(microseconds: -1), sweepDue: true,
        completeUpTo: SourceTime(microseconds: 1_800_000_000_000_001),
        caughtUpAsOf: SourceTime(microseconds: .max), maxUpdatedKey: "2026-11-22 10:00:00.123456+00",
        maxPrimaryKey: ["a ", "", "'\\\"\n\t", "🚀 日本語", "/"], replicaRows: 12,
        pass: UnfinishedPass(
            kind: .sweep, startedAt: SourceTime(microseconds: 5), nextHorizon: 0, nextFloor: nil, stretch: .unstamped,
            position: CursorPosition(updated: nil, key: ["x\\'"]), appends: true))
}
