import Foundation
import Replication
import Testing

struct ReplicaNamingTests {
    private static let table = TableName(schema: "public", name: "t")

    @Test(arguments: [
        ("id", "id"), ("CreatedAt", "createdat"), ("ÄRGER", "Ärger"), ("İstanbul", "İstanbul"), ("ΣΑΣ", "ΣΑΣ"),
        ("with space", "with space"), ("a.b", "a.b"), ("quo\"te", "quo\"te"), ("SELECT", "select"), ("日本", "日本"),
        ("", ""), ("[A]@`Z{", "[a]@`z{"),
    ])
    func `only ASCII letters are folded`(name: String, folded: String) {
        #expect(ReplicaNaming.replicaName(name) == folded)
    }

    @Test func `a name of 127 bytes stays, a longer one is cut at a character and told apart by a digest`() {
        let longest = String(repeating: "a", count: 127)
        #expect(ReplicaNaming.replicaName(longest) == longest)
        for piece in ["a", "é", "語", "🚀", "e\u{301}"] {
            let name = String(repeating: piece, count: 128)
            let replica = ReplicaNaming.replicaName(name)
            #expect(replica.utf8.count <= 127 && replica.utf8.count > 127 - piece.utf8.count)
            #expect(replica == replica.prefix { $0 == Character(piece) } + "_" + StableDigest.hex(name))
        }
        let left = ReplicaNaming.replicaName(String(repeating: "a", count: 200) + "left")
        #expect(left != ReplicaNaming.replicaName(String(repeating: "a", count: 200) + "right"))
    }

    @Test func `a character longer than a name gives a digest alone`() {
        let name = "a" + String(repeating: "\u{301}", count: 80)
        #expect(ReplicaNaming.replicaName(name) == "_" + StableDigest.hex(name))
    }

    @Test func `names of columns keep their order`() throws {
        #expect(try ReplicaNaming.columnNames(["B", "a", "C d"], of: Self.table) == ["b", "a", "c d"])
    }

    @Test(arguments: [["Id", "ID"], ["a", "b", "A"], ["xmin"], ["CTID"], ["oid"], ["tableoid"], ["back\\slash"]])
    func `names that Redshift cannot hold or tell apart are refused`(names: [String]) {
        let error = #expect(throws: ReplicationError.self) { try ReplicaNaming.columnNames(names, of: Self.table) }
        #expect(error?.code == .schemaMismatch)
        #expect(error?.what.contains(names[0]) == true || error?.what.contains("a and A") == true)
    }
}

struct ReplicaTypeTests {
    @Test(
        arguments: [
            (.smallint, "SMALLINT"), (.integer, "INTEGER"), (.bigint, "BIGINT"), (.real, "REAL"),
            (.doublePrecision, "DOUBLE PRECISION"), (.boolean, "BOOLEAN"),
            (.decimal(precision: 10, scale: 2), "DECIMAL(10,2)"),
            (.varchar(bytes: 36), "VARCHAR(36)"), (.date, "DATE"), (.timestamp, "TIMESTAMP"),
            (.timestamptz, "TIMESTAMPTZ"),
            (.time, "TIME"), (.semistructured, "SUPER"), (.varbyte(bytes: 16), "VARBYTE(16)"),
            (.widestText, "VARCHAR(65535)"),
        ] as [(ReplicaType, String)])
    func `a type is written as Redshift reads it`(type: ReplicaType, sql: String) {
        #expect(type.sql == sql)
    }

    @Test(arguments: [(0, 1), (1, 4), (255, 1020), (16_383, 65_532), (16_384, 65_535), (10_485_760, 65_535)])
    func `text takes four bytes a character up to the limit`(characters: Int, bytes: Int) {
        #expect(ReplicaType.text(characters: characters) == .varchar(bytes: bytes))
    }

    @Test func `precision 19 is never used`() {
        #expect(ReplicaType.exactDecimal(precision: 18, scale: 4) == .decimal(precision: 18, scale: 4))
        #expect(ReplicaType.exactDecimal(precision: 19, scale: 4) == .decimal(precision: 20, scale: 4))
        #expect(ReplicaType.exactDecimal(precision: 38, scale: 37) == .decimal(precision: 38, scale: 37))
    }

    @Test func `only scalar types can be sort keys, and only text joins by length`() {
        #expect(!ReplicaType.semistructured.canBeSortKey && !ReplicaType.varbyte(bytes: 9).canBeSortKey)
        #expect(!ReplicaType.semistructured.isComparable && ReplicaType.varbyte(bytes: 9).isComparable)
        #expect(ReplicaType.timestamptz.canBeSortKey && ReplicaType.widestText.canBeSortKey)
        #expect(ReplicaType.widestText.isText && !ReplicaType.date.isText && !ReplicaType.semistructured.isText)
    }
}

struct StableDigestTests {
    /// The published test vectors of 64-bit FNV-1a.
    @Test(arguments: [("", "cbf29ce484222325"), ("a", "af63dc4c8601ec8c"), ("foobar", "85944171f73967e8")])
    func `the digest is that of FNV-1a`(text: String, digest: String) {
        #expect(StableDigest.hex(text) == digest)
    }

    @Test func `a digest always has 16 digits`() {
        #expect((0..<5000).allSatisfy { StableDigest.hex(String($0)).count == 16 })
    }
}

struct StagingPlanTests {
    @Test(arguments: [
        (0, 4, 1), (1 << 20, 4, 1), (16 << 20, 4, 1), (32 << 20, 4, 2), (64 << 20, 4, 4), (64 << 20, 2, 8),
        (64 << 20, 1, 8), (64 << 20, 0, 8), (64 << 20, -3, 8), (1 << 40, 16, 8),
    ])
    func `files are such that every slice has one, from 1 to 8 MiB`(bytes: Int, slices: Int, mebibytes: Int) {
        #expect(StagingPlan(estimatedBytes: bytes, slices: slices).targetFileBytes == mebibytes << 20)
    }
}

struct BatchFormatTests {
    @Test func `a sentinel is 20 letters, and never the same`() {
        var generator = SystemRandomNumberGenerator()
        let sentinels = (0..<500).map { _ in BatchFormat.random(using: &generator).nullSentinel }
        #expect(Set(sentinels).count == 500)
        #expect(sentinels.allSatisfy { $0.wholeMatch(of: /[a-zA-Z]{20}/) != nil })
    }
}

struct SyncModeTests {
    @Test(
        arguments: [
            ("InsertOnlyTable", .insertOnly), ("insert_only", .insertOnly), ("INSERT_ONLY", .insertOnly),
            ("insert-only-table", .insertOnly), ("UpdateAndInsertTable", .updateAndInsert),
            ("update and insert", .updateAndInsert), ("full_sync", .fullSync), ("FullSyncTable", .fullSync),
            ("full", nil), ("", nil), ("table", nil), ("insert", nil),
        ] as [(String, SyncMode?)])
    func `a mode is read in every spelling that users know`(text: String, mode: SyncMode?) {
        #expect(SyncMode(spelled: text) == mode)
    }
}

struct ReplicationErrorTests {
    @Test func `only causes outside of the table are tried again`() {
        let transient = ErrorCode.allCases.filter(\.isTransient).map(\.rawValue).sorted()
        #expect(
            transient == [
                "E_DST_LOCKED", "E_DST_UNREACHABLE", "E_INTERRUPTED", "E_LOCKED", "E_S3_UNREACHABLE", "E_SRC_CONFLICT",
                "E_SRC_TIMEOUT", "E_SRC_UNREACHABLE",
            ])
    }
}
