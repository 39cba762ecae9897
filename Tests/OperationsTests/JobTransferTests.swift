import Foundation
import Replication
import Scheduling
import Testing

@testable import Operations

@Suite struct JobTransferTests {
    private let store = MemoryCatalog()

    private func transfer(_ store: MemoryCatalog) -> JobTransfer {
        JobTransfer(store: store, leases: store, owner: Sample.owner)
    }

    /// A job with a table that has every setting, and one that has none.
    private func fill() async {
        _ = await store.fill(job: "shop", tables: ["orders", "Übung"])
        await store.edit(1) { table in
            table.disabled = true
            table.mirror = Sample.mirror(caughtUp: 5)
            table.schedule = TableSchedule(
                interval: .milliseconds(1_500), window: DailyWindow("22:00-06:00"), freshnessTarget: .seconds(900),
                rowLimit: 5, chunkSize: 6, scanBack: .seconds(7), allowsScan: true)
            table.mapping.columns[1].treatment = .hashed
            table.mapping.columns[1].destinationType = .varchar(bytes: 64)
            table.mapping.columns[1].source.warnings = ["It says \"so\"."]
            table.mapping.scope = CopyScope(excludedColumns: ["secret", "null"], filter: "note <> 'a: #b'\n AND true")
            table.mapping.badValues = .fail
            table.mapping.refresh = .replace
            table.mapping.layout = ReplicaLayout(distributionKey: "", sortKey: ["id"])
            table.mapping.destination.name = "orders_2"
        }
        await store.edit(2) { table in
            table.mapping.mode = .insertOnly
            table.mapping.cursorKey = "Größe €"
            table.mapping.updatedKey = nil
            table.mapping.primaryKey = ["id", "Größe €"]
        }
    }

    @Test func `what is exported makes the same jobs elsewhere`() async throws {
        await fill()
        let document = try await transfer(store).export(nil)
        let elsewhere = MemoryCatalog()
        let told = try await transfer(elsewhere).import(document, isDryRun: false)
        #expect(told == ["Job shop: added, active; 2 tables added, 0 changed, 0 unchanged."])
        #expect(try await transfer(elsewhere).export("shop") == document)
        for (here, there) in zip(await store.tables(ofJob: nil), await elsewhere.tables(ofJob: nil)) {
            var expected = here.mapping
            for index in expected.columns.indices { expected.columns[index].source.warnings = [] }
            #expect(there.mapping == expected)
            #expect(there.schedule == here.schedule && there.disabled == here.disabled)
            #expect(there.mirror == nil && there.nextRunAt == Sample.now)
        }
    }

    @Test func `importing what is there changes nothing, and a dry run never does`() async throws {
        await fill()
        let document = try await transfer(store).export(nil)
        let before = await store.tables(ofJob: nil)
        let told = try await transfer(store).import(document, isDryRun: false)
        #expect(told == ["Job shop: unchanged, active; 0 tables added, 0 changed, 2 unchanged."])
        #expect(await store.tables(ofJob: nil) == before)
        #expect(await store.saves == 0)
        let elsewhere = MemoryCatalog()
        _ = try await transfer(elsewhere).import(document, isDryRun: true)
        #expect(await elsewhere.jobs().isEmpty)
    }

    @Test func `a changed file changes the table, keeps its position, and says what it means`() async throws {
        await fill()
        let document = Self.edited(try await transfer(store).export(nil)) { name, value in
            switch name {
            case "where": .text("id > 7")
            case "interval_seconds": .plain("120")
            default: value
            }
        }
        _ = await store.save(TableRecord(jobID: 1, mapping: Sample.mapping("kept"), nextRunAt: Sample.now))
        let told = try await transfer(store).import(document, isDryRun: false)
        #expect(
            told == [
                "Job shop: changed, active; 0 tables added, 1 changed, 1 unchanged.", "shop/orders: settings changed.",
                "All rows are read again with the next run (about 0 rows).",
                "Not in the file, and left as they are: shop/kept.",
            ])
        let table = try #require(await store.table(1))
        #expect(table.mapping.scope.filter == "id > 7" && table.schedule.interval == .seconds(120))
        #expect(table.mirror != nil && table.mapping.columns[1].source.warnings == ["It says \"so\"."])
        #expect(await store.jobs().first?.interval == .seconds(120))
        #expect(await store.jobs().first?.active == true)
        #expect(await store.tables(ofJob: nil).count == 3)
    }

    @Test func `a destination that changes needs the table's lease`() async throws {
        await fill()
        let document = Self.edited(try await transfer(store).export(nil)) { name, value in
            name == "destination_name" && value == .text("orders_2") ? .text("orders_3") : value
        }
        await store.hold(1)
        let error = await #expect(throws: OperationError.self) {
            try await transfer(store).import(document, isDryRun: false)
        }
        #expect(error?.code == .busy)
        #expect(await store.table(1)?.mapping.destination.name == "orders_2")
        await store.hold(1, claims: 0)
        _ = try await transfer(store).import(document, isDryRun: false)
        #expect(await store.table(1)?.mapping.destination.name == "orders_3")
        #expect(await store.endings.map(\.ending.voidsMirror) == [true])
    }

    // MARK: Sessions

    static let sessions = [
        DestinationSession(), DestinationSession(queryGroup: "null: #\"x\""),
        DestinationSession(queryGroup: "123", statementTimeout: .seconds(300), slotCount: 50),
        DestinationSession(statementTimeout: .milliseconds(1_500)), DestinationSession(slotCount: 1),
    ]

    @Test(arguments: sessions)
    func `session settings come back as they were, and go where the file has none`(
        _ session: DestinationSession
    ) async throws {
        var (job, _) = await store.fill(job: "shop")
        job.destinationSession = session
        await store.update(job)
        let document = try await transfer(store).export(nil)
        let elsewhere = MemoryCatalog()
        _ = try await transfer(elsewhere).import(document, isDryRun: false)
        #expect(await elsewhere.jobs().first?.destinationSession == session)
        _ = try await transfer(store).import(Self.file([Self.job([])]), isDryRun: false)
        #expect(await store.jobs().first?.destinationSession == DestinationSession())
        _ = try await transfer(store).import(document, isDryRun: false)
        #expect(await store.jobs().first?.destinationSession == session)
    }

    @Test(arguments: ["5m", "300s", "300000ms"])
    func `a timeout has its unit`(text: String) async throws {
        _ = try await transfer(store).import(
            Self.file([Self.job([("statement_timeout", .text(text))])]), isDryRun: false)
        #expect(await store.jobs().first?.destinationSession.statementTimeout == .seconds(300))
    }

    // MARK: Secrets

    @Test func `a stored connection string does not travel, and must be named elsewhere`() async throws {
        var (job, _) = await store.fill(job: "shop")
        job.source = .sealed(Data("s3cret".utf8))
        await store.update(job)
        let document = try await transfer(store).export(nil)
        #expect(!"\(document)".contains("s3cret"))
        let elsewhere = MemoryCatalog()
        let error = await #expect(throws: OperationError.self) {
            try await transfer(elsewhere).import(document, isDryRun: false)
        }
        #expect(error?.code == .badInput && error?.code.exitStatus == 65)
        #expect(error?.why.hasPrefix("job shop: source_url_env is empty") == true)
        #expect(await elsewhere.jobs().isEmpty)
        // Where it is stored, it goes on being used.
        _ = try await transfer(store).import(document, isDryRun: false)
        #expect(await store.jobs().first?.source == job.source)
    }

    // MARK: Problems

    @Test func `every problem is told at once, with its place, and nothing is changed`() async throws {
        await fill()
        let document = Self.edited(try await transfer(store).export(nil)) { name, value in
            switch name {
            case "window": .text("noon")
            case "row_limit": .plain("0")
            case "table_copy_type": value == .text("InsertOnlyTable") ? .text("Sometimes") : value
            case "active": .text("perhaps")
            default: value
            }
        }
        let elsewhere = MemoryCatalog()
        let error = await #expect(throws: OperationError.self) {
            try await transfer(elsewhere).import(document, isDryRun: false)
        }
        let why = try #require(error?.why)
        #expect(error?.what == "The file has 4 problems", "\(why)")
        for words in [
            "shop/orders: window is to be hours such as 22:00-06:00, not noon", "shop/orders: row_limit is to be",
            "shop/Übung: table_copy_type is to be one of", "job shop: active is to be true or false, not perhaps",
        ] { #expect(why.contains(words), "\(why)") }
        #expect(await elsewhere.jobs().isEmpty)
    }

    static let broken: [(name: String, document: DocumentValue, words: String)] = [
        ("nothing", .null, "fields are expected"), ("a list", .list([]), "fields are expected"),
        ("no jobs", .map([DocumentField("version", .plain("1"))]), "jobs is missing or empty"),
        ("another version", file([], version: "2"), "version 2 is not known"),
        ("a misspelled field", file([job([("intervall_seconds", .plain("5"))])]), "did you mean interval_seconds?"),
        ("a job twice", file([job([]), job([])]), "job shop: it is named twice"),
        ("a name that no selector holds", file([job([("name", .text("a/b"))])]), "a/b cannot name a job"),
        (
            "a short interval", file([job([("interval_seconds", .plain("0.5"))])]),
            "interval_seconds is to be seconds, 1 or more"
        ),
        (
            "a timeout without a unit", file([job([("statement_timeout", .plain("300"))])]),
            "statement_timeout is to be a time with its unit"
        ),
        ("a long timeout", file([job([("statement_timeout", .text("25h"))])]), "it is to be 1s to 24h"),
        ("no query group", file([job([("query_group", .text(""))])]), "The query group cannot be used"),
        (
            "too many slots", file([job([("wlm_query_slot_count", .plain("51"))])]),
            "wlm_query_slot_count is to be a whole number from 1 to 50"
        ),
        ("no variable", file([job([("source_url_env", .null)])]), "source_url_env is empty"),
        (
            "schemas that are no list", file([job([("source_schemas", .text("public"))])]),
            "source_schemas is to be a list"
        ),
        (
            "a table without columns",
            file([job([("tables", .list([.map([DocumentField("source_name", .text("t"))])]))])]),
            "shop/t: columns is missing or empty"
        ),
        (
            "a table that is no map", file([job([("tables", .list([.text("orders")]))])]),
            "shop, table 1: fields are expected"
        ),
        (
            "a type that Redshift does not have",
            file([job([("tables", .list([table([("redshift_type", .text("MONEY"))])]))])]),
            "redshift_type is to be a type of Redshift, not MONEY"
        ),
        (
            "a type that could lose digits",
            file([
                job([
                    (
                        "tables",
                        .list([
                            table([("redshift_type", .text("SMALLINT")), ("default_redshift_type", .text("BIGINT"))])
                        ])
                    )
                ])
            ]), "id cannot arrive as SMALLINT"
        ),
        (
            "a mode that the table cannot have",
            file([job([("tables", .list([table([], mode: "UpdateAndInsertTable")]))])]), "it has no key"
        ),
        (
            "a table twice", file([job([("tables", .list([table([]), table([])]))])]), "shop/t: it is named twice"
        ),
    ]

    @Test(arguments: broken)
    func `a file that cannot be used is refused`(_ name: String, _ document: DocumentValue, _ words: String) async {
        let error = await #expect(throws: OperationError.self) {
            try await transfer(store).import(document, isDryRun: false)
        }
        #expect(error?.code == .badInput && error?.why.contains(words) == true, "\(String(describing: error))")
        #expect(await store.jobs().isEmpty)
    }

    @Test func `two tables that would share a replica are refused`() async throws {
        _ = await store.fill(job: "shop", tables: ["orders"])
        var other = Sample.mapping("other")
        other.destination.name = "orders"
        let document = JobDocument.document([
            (Sample.job(), [TableRecord(jobID: 1, mapping: other, nextRunAt: Sample.now)])
        ])
        let error = await #expect(throws: OperationError.self) {
            try await transfer(store).import(document, isDryRun: false)
        }
        #expect(error?.why.contains("would share one name") == true, "\(String(describing: error))")
    }

    // MARK: Documents

    private static func file(_ jobs: [DocumentValue], version: String = "1") -> DocumentValue {
        .map([DocumentField("version", .plain(version)), DocumentField("jobs", .list(jobs))])
    }

    private static func job(_ changes: [(String, DocumentValue)]) -> DocumentValue {
        var fields = [
            DocumentField("name", .text("shop")), DocumentField("source_url_env", .text("S")),
            DocumentField("destination_url_env", .text("D")),
        ]
        fields.removeAll { field in changes.contains { $0.0 == field.name } }
        return .map(fields + changes.map { DocumentField($0.0, $0.1) })
    }

    private static func table(_ column: [(String, DocumentValue)], mode: String = "FullSyncTable") -> DocumentValue {
        var fields = [
            DocumentField("name", .text("id")), DocumentField("type", .text("bigint")),
            DocumentField("redshift_type", .text("BIGINT")),
        ]
        fields.removeAll { field in column.contains { $0.0 == field.name } }
        return .map([
            DocumentField("source_name", .text("t")), DocumentField("table_copy_type", .text(mode)),
            DocumentField("columns", .list([.map(fields + column.map { DocumentField($0.0, $0.1) })])),
        ])
    }

    /// The document with other values by field name.
    private static func edited(
        _ value: DocumentValue, _ edit: (String, DocumentValue) -> DocumentValue
    ) -> DocumentValue {
        switch value {
        case .list(let values): .list(values.map { edited($0, edit) })
        case .map(let fields, let isCompact):
            .map(
                fields.map { DocumentField($0.name, edited(edit($0.name, $0.value), edit), note: $0.note) },
                isCompact: isCompact)
        default: value
        }
    }
}
