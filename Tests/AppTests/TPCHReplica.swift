import Foundation
import TestServers
import Testing

/// One job over the TPC-H tables, with destination names and a metadata store of its own, so that several run at once.
struct TPCHReplica: Sendable {
    enum Path: Sendable {
        case s3, insert
    }

    static let tables = ["region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem"]
    static let salt = "salt of the TPC-H test"

    let name: String
    let settings: [String]
    let path: Path
    let rowLimit: Int?
    /// Synced after every so many rounds.
    let everyRounds: Int

    init(_ name: String, settings: [String], path: Path, rowLimit: Int? = nil, everyRounds: Int = 1) {
        self.name = name
        self.settings = settings
        self.path = path
        self.rowLimit = rowLimit
        self.everyRounds = everyRounds
    }

    private func configured(_ loader: LoaderSetup) -> LoaderSetup {
        var loader = loader
        loader.environment["DATABASE_URL"] = "sqlite://\(loader.folder.path)/\(name).db"
        loader.environment["COPY_VIA_S3"] = path == .s3 ? "true" : "false"
        loader.environment["IMPORT_CHUNK_SIZE"] = "5000"
        loader.environment["HASH_SALT"] = Self.salt
        return loader
    }

    func setUp(_ loader: LoaderSetup, _ replica: TestReplica) async throws {
        let loader = configured(loader)
        try await expect(
            loader.run(
                "jobs", "add", name, "--source-url-env", "TEST_SOURCE", "--destination-url-env", "TEST_DESTINATION",
                "--destination-schema", replica.schema, "--destination-prefix", "\(name)_"))
        try await expect(loader.run("jobs", "setup", name))
        for table in Self.tables {
            var arguments = ["tables", "set", "\(name)/\(table)"] + settings
            if settings.contains("InsertOnlyTable") {
                if table == "partsupp" { arguments += ["--cursor-key", "ps_partkey"] }
                if table == "lineitem" { arguments += ["--cursor-key", "l_orderkey"] }
            }
            if table == "customer" { arguments += ["--exclude", "c_address"] }
            if table == "supplier" { arguments += ["--hash", "s_phone"] }
            if table == "orders" { arguments += ["--where", "o_orderstatus <> 'F'"] }
            try await expect(loader.start(arguments).finish())
        }
        // The hashed column is wider than what the first setup made of it.
        try await expect(loader.run("tables", "resync", "\(name)/supplier", "--recreate", "--yes"))
    }

    func sync(_ loader: LoaderSetup, firstLoad: Bool = false, _ context: String = "first load") async throws {
        var loader = configured(loader)
        if !firstLoad, let rowLimit { loader.environment["IMPORT_ROW_LIMIT"] = "\(rowLimit)" }
        try await expect(loader.run("sync", name, "--wait"), context)
    }

    func expectEqual(_ source: SourceServer, _ replica: TestReplica, _ loader: LoaderSetup) async throws {
        try await Judge.expectEqual(
            source.url, replica, tables: Self.tables.map { "\($0):\(name)_\($0)" }, loader.folder,
            options: [
                "--ignore", "customer.c_address", "--ignore", "supplier.s_phone", "--where",
                "orders:o_orderstatus <> 'F'",
            ])
        let expected = try await source.run(
            "SELECT s_suppkey, \(source.hash("s_phone", salt: Self.salt)) FROM supplier ORDER BY s_suppkey")
        let arrived = try await replica.rows(
            "SELECT s_suppkey, s_phone FROM \(replica.schema).\(name)_supplier ORDER BY s_suppkey")
        #expect(arrived == expected)
        let excluded = try await replica.rows(
            """
            SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = '\(replica.schema)' \
            AND table_name = '\(name)_customer' AND column_name = 'c_address'
            """)
        if excluded != [["0"]] {
            let values = try await replica.rows("SELECT COUNT(c_address) FROM \(replica.schema).\(name)_customer")
            #expect(values == [["0"]], "excluded values arrived")
        }
    }

    private func expect(_ result: ProgramResult, _ context: String = "") async throws {
        try #require(result.status == 0, "\(name) \(context): \(result.everything)")
    }
}
