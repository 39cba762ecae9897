import Testing

@testable import Replication

/// Which tables may be read whole with each pass, unasked.
struct ScanRuleTests {
    private static let limit = ScanRule.limitBytes

    static let cases: [(mode: SyncMode, bytes: Int64?, isIndexed: Bool, limit: Int64?, needsPermission: Bool)] = [
        (.updateAndInsert, limit + 1, false, limit, true),
        (.updateAndInsert, limit, false, limit, false),
        (.updateAndInsert, limit + 1, true, limit, false),
        (.insertOnly, limit + 1, false, limit, true),
        (.insertOnly, limit + 1, true, limit, false),
        (.insertOnly, 0, false, limit, false),
        (.fullSync, limit + 1, false, limit, true),
        (.fullSync, limit + 1, true, limit, true),
        (.fullSync, limit, false, limit, false),
        // A view, or a foreign table.
        (.fullSync, nil, false, limit, false),
        (.updateAndInsert, nil, false, limit, false),
        // Any size is allowed.
        (.fullSync, .max, false, nil, false),
        (.updateAndInsert, 8_193, false, 8_192, true),
    ]

    @Test(arguments: cases)
    func `a table over the limit needs permission where each pass reads it whole`(
        mode: SyncMode, bytes: Int64?, isIndexed: Bool, limit: Int64?, needsPermission: Bool
    ) {
        let storage = bytes.map { TableStorage(bytes: $0, isCursorIndexed: isIndexed) }
        #expect(ScanRule.needsPermission(mode, storage, over: limit) == needsPermission)
    }

    static let sweeps: [(rows: Int, storage: TableStorage?, isCheap: Bool)] = [
        (99_999, nil, true), (100_000, nil, false),
        (99_999, TableStorage(bytes: limit, isCursorIndexed: true), true),
        (100_000, TableStorage(bytes: 1, isCursorIndexed: true), false),
        (10, TableStorage(bytes: limit + 1, isCursorIndexed: true), false),
        // A look for changes costs as much.
        (10, TableStorage(bytes: limit + 1, isCursorIndexed: false), true),
    ]

    @Test(arguments: sweeps)
    func `few rows are swept with each pass, unless they are long and an index saves reading them`(
        rows: Int, storage: TableStorage?, isCheap: Bool
    ) {
        let settings = RunSettings(installation: "i")
        #expect(ScanRule.isCheapToSweep(rows: rows, storage, settings: settings) == isCheap)
    }

    @Test(
        arguments: [
            (0, "0 bytes"), (999, "999 bytes"), (1_000, "1 KB"), (8_192, "8.1 KB"), (999_999, "999.9 KB"),
            (1_000_000_000, "1 GB"), (3_250_000_000, "3.2 GB"), (.max, "9223372 TB"),
        ] as [(Int64, String)])
    func `a size is told in the largest unit that it fills`(bytes: Int64, text: String) {
        #expect(ScanRule.text(bytes) == text)
    }

    @Test func `a refusal says which index is missing, and how to make it`() {
        let storage = TableStorage(
            bytes: 3_200_000_000, isCursorIndexed: false,
            indexStatement: #"CREATE INDEX CONCURRENTLY ON "public"."users" ("updated_at")"#)
        let error = ScanRule.refusal(of: World.mapping(), storage)
        #expect(error.code == .sourceScan && !error.isRetryable)
        #expect(error.what == "public.users would be read whole with each pass (3.2 GB)")
        #expect(error.why == "it has no index that begins with updated_at")
        #expect(
            error.fix == """
                Run at the source: CREATE INDEX CONCURRENTLY ON "public"."users" ("updated_at"); \
                or allow it, at most a tenth of the time: redshift-loader tables set shop/users --allow-scan.
                """)
    }

    @Test func `a refused full copy says that a mode which follows changes reads less`() {
        let error = ScanRule.refusal(
            of: World.mapping(.fullSync), TableStorage(bytes: 1_500_000_000, isCursorIndexed: false))
        #expect(error.what == "public.users would be read whole with each pass (1.5 GB)")
        #expect(error.why == "a FullSyncTable has no column that leads to what is new")
        #expect(error.fix.contains("(--mode)") && error.fix.contains("tables set shop/users --allow-scan"))
    }
}
