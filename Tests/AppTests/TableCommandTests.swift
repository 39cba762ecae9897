import Foundation
import TestServers
import Testing

/// Commands about single tables, as people type them, against real servers.
@Suite struct TableCommandTests {
    /// A job with tables for each mode, set up and loaded.
    private func withShop(
        _ body: (LoaderSetup, TestDatabase, TestReplica) async throws -> Void
    ) async throws {
        try await withLoader { loader, source, replica in
            try await source.run(
                """
                CREATE TABLE customers (id int PRIMARY KEY, email text, country text, api_token text,
                    updated_at timestamptz NOT NULL);
                CREATE TABLE views (id bigserial PRIMARY KEY, path text NOT NULL);
                CREATE TABLE colours (code text, name text);
                INSERT INTO customers SELECT n, 'c' || n || '@example.org', CASE n % 2 WHEN 0 THEN 'DE' ELSE 'FR' END, 't',
                    now() - interval '3 days' FROM generate_series(1, 20) n;
                INSERT INTO views (path) SELECT '/' || n FROM generate_series(1, 10) n;
                INSERT INTO colours VALUES ('r', 'red'), ('g', 'green');
                """)
            #expect(try await loader.addJob(schema: replica.schema).status == 0)
            let setup = try await loader.run("jobs", "setup", "job")
            #expect(setup.status == 0, "\(setup.everything)")
            #expect(setup.errors.contains("api_token is left out: it looks like a secret"), "\(setup.errors)")
            let sync = try await loader.run("sync", "job", "--wait")
            #expect(sync.status == 0, "\(sync.everything)")
            try await body(loader, source, replica)
        }
    }

    private func count(_ replica: TestReplica, _ table: String, where condition: String = "true") async throws
        -> String?
    {
        try await replica.rows("SELECT count(*) FROM \(replica.schema).\(table) WHERE \(condition)").first?.first ?? nil
    }

    @Test func `a table without a declared key is added with one that a person names`() async throws {
        try await withLoader { loader, source, replica in
            try await source.run(
                """
                CREATE TABLE readings (sensor int NOT NULL, at timestamptz NOT NULL, v int);
                INSERT INTO readings SELECT i % 3, '2026-01-01'::timestamptz + i * interval '1 s', i
                  FROM generate_series(1, 50) i
                """)
            _ = try await loader.addJob(schema: replica.schema)
            let refused = try await loader.run("tables", "add", "job", "readings", "--mode", "UpdateAndInsertTable")
            #expect(refused.status == 1 && refused.output.contains("--primary-key a,b"), "\(refused.everything)")
            let added = try await loader.run(
                "tables", "add", "job", "readings", "--mode", "UpdateAndInsertTable", "--primary-key", "sensor,at",
                "--updated-key", "at")
            #expect(added.status == 0, "\(added.everything)")
            #expect(try await loader.run("sync", "job", "--wait").status == 0)
            #expect(
                try await replica.rows("SELECT COUNT(*), SUM(v) FROM \(replica.schema).readings") == [["50", "1275"]])
            let nobody = try await loader.run("tables", "discover", "nobody")
            #expect(nobody.errors.contains("There is no job named nobody: there is job."), "\(nobody.everything)")
        }
    }

    @Test func `what is copied can be changed, and is told and read again`() async throws {
        try await withShop { loader, _, replica in
            let set = try await loader.run(
                "tables", "set", "job/customers", "--exclude", "country", "--hash", "email", "--where", "id <= 15")
            #expect(set.status == 0, "\(set.everything)")
            #expect(set.output.contains("All rows are read again with the next run (about 20 rows)."), "\(set.output)")
            #expect(try await loader.run("sync", "job/customers", "--wait").status == 0)
            #expect(try await count(replica, "customers", where: "length(email) = 64") == "15")
            let shown = try await loader.run("tables", "show", "job/customers", "--json")
            #expect(shown.output.contains("\"excluded_columns\":[\"api_token\",\"country\"]"), "\(shown.output)")
            #expect(shown.output.contains("\"where\":\"id <= 15\""))
        }
    }

    @Test func `a table's page lists every setting of its own`() async throws {
        try await withShop { loader, _, _ in
            let before = try await loader.run("tables", "show", "job/customers")
            #expect(!before.output.contains("Row limit") && !before.output.contains("Freshness"), "\(before.output)")
            let set = try await loader.run(
                "tables", "set", "job/customers", "--interval", "10m", "--window", "22:00-06:00", "--freshness-target",
                "12h", "--row-limit", "5000", "--chunk-size", "50", "--scan-back", "3600", "--allow-scan", "--distkey",
                "id",
                "--sortkey",
                "country,id", "--on-bad-value", "fail", "--where", "id <= 15", "--exclude", "email")
            #expect(set.status == 0, "\(set.everything)")
            _ = try await loader.run("tables", "set", "job/colours", "--refresh", "replace")
            let shown = try await loader.run("tables", "show", "job/customers")
            for (label, value) in [
                ("Interval", "10m"), ("Window (UTC)", "22:00-06:00"), ("Freshness target", "12h"),
                ("Row limit", "5,000"),
                ("Chunk size", "50"), ("Scan back", "1h"), ("Scan", "allowed"), ("Distkey", "id"),
                ("Sortkey", "country, id"),
                ("Bad values", "fail"), ("Where", "id <= 15"), ("Left out", "api_token, email"),
            ] {
                let line = label.padding(toLength: 18, withPad: " ", startingAt: 0) + value
                #expect(shown.output.split(separator: "\n").contains { $0 == line }, "\(line)\n\(shown.output)")
            }
            let json = try await loader.run("tables", "show", "job/customers", "--json").output
            for field in [
                "\"interval_seconds\":600", "\"window\":\"22:00-06:00\"", "\"freshness_target_seconds\":43200",
                "\"row_limit\":5000", "\"chunk_size\":50", "\"time_travel_scan_back_period\":3600",
                "\"allow_scan\":true",
                "\"distkey\":\"id\"", "\"sortkey\":[\"country\",\"id\"]", "\"on_bad_value\":\"fail\"",
            ] {
                #expect(json.contains(field), "\(field)\n\(json)")
            }
            let colours = try await loader.run("tables", "show", "job/colours")
            #expect(colours.output.contains("Refresh           replace"), "\(colours.output)")
        }
    }

    @Test(arguments: ["id >", "nothing = 1", "id = 1; DROP TABLE customers", "count(*) > 1"])
    func `a condition that does not parse is refused before it is stored`(_ condition: String) async throws {
        try await withShop { loader, source, _ in
            let refused = try await loader.run("tables", "set", "job/customers", "--where", condition)
            #expect(refused.status == 64, "\(refused.everything)")
            let shown = try await loader.run("tables", "show", "job/customers", "--json")
            #expect(shown.output.contains("\"where\":null"))
            #expect(try await source.run("SELECT count(*) FROM customers").firstValue == "20")
        }
    }

    @Test func `an insert-only table goes on after a key set by hand`() async throws {
        try await withShop { loader, source, replica in
            try await replica.connection.execute("DELETE FROM \(replica.schema).views")
            let set = try await loader.run("tables", "set", "job/views", "--max-primary-key", "8")
            #expect(set.status == 0, "\(set.everything)")
            try await source.run("INSERT INTO views (path) VALUES ('/new')")
            #expect(try await loader.run("sync", "job/views", "--wait").status == 0)
            #expect(
                try await replica.rows("SELECT id FROM \(replica.schema).views ORDER BY id") == [
                    ["8"], ["9"], ["10"], ["11"],
                ])
        }
    }

    @Test func `a rewind reads rows again, and asks first`() async throws {
        try await withShop { loader, _, replica in
            try await replica.connection.execute("DELETE FROM \(replica.schema).customers WHERE id <= 5")
            let asked = try await loader.run("tables", "rewind", "job/customers", "--to", "7d ago")
            #expect(asked.status == 64, "\(asked.everything)")
            #expect(asked.errors.contains("about 20 rows changed since"), "\(asked.errors)")
            #expect(asked.errors.contains("--yes"))
            #expect(try await loader.run("sync", "job/customers", "--wait").status == 0)
            #expect(try await count(replica, "customers") == "15", "nothing was rewound")
            #expect(try await loader.run("tables", "rewind", "job/customers", "--to", "7d ago", "--yes").status == 0)
            #expect(try await loader.run("sync", "job/customers", "--wait").status == 0)
            #expect(try await count(replica, "customers") == "20")
        }
    }

    @Test(arguments: [["job/customers"], ["job/customers", "--recreate"]])
    func `a resync reads all rows again, into the same replica or a new one`(_ arguments: [String]) async throws {
        try await withShop { loader, _, replica in
            try await replica.connection.execute("UPDATE \(replica.schema).customers SET country = 'XX'")
            try await replica.connection.execute(
                "INSERT INTO \(replica.schema).customers (id, updated_at) VALUES (99, '2026-01-01')")
            let command = ["tables", "resync"] + arguments
            #expect(try await loader.start(command).finish().status == 64, "nobody can be asked")
            let done = try await loader.start(command + ["--yes"]).finish()
            #expect(done.status == 0, "\(done.everything)")
            let isRecreated = arguments.contains("--recreate")
            if isRecreated { #expect(try await count(replica, "customers") == "0") }
            let sync = try await loader.run("sync", "job/customers", "--wait")
            #expect(sync.status == 0, "\(sync.everything)")
            #expect(try await count(replica, "customers", where: "country = 'XX'") == "0")
            #expect(try await count(replica, "customers") == (isRecreated ? "20" : "21"))
        }
    }

    @Test func `repaired values are counted and listed with key, column and reason, never with what they say`()
        async throws
    {
        try await withLoader { loader, source, replica in
            try await source.run(
                """
                CREATE TABLE t (id int PRIMARY KEY, amount float8, note text, updated_at timestamptz NOT NULL);
                INSERT INTO t VALUES (1, 'NaN', 'fine', now()), (2, 2, repeat('canary ', 20000), now());
                """)
            _ = try await loader.addJob(schema: replica.schema)
            _ = try await loader.run("jobs", "setup", "job")
            #expect(try await loader.run("sync", "job", "--wait").status == 0)
            let listed = try await loader.run("tables", "repaired", "job/t")
            #expect(listed.output.contains("notANumber") && listed.output.contains("140,000"), "\(listed.output)")
            #expect(!listed.everything.contains("canary"))
            #expect(try await loader.run("tables", "runs", "job/t").output.contains(/\b\d values repaired/))
            try await loader.expectRepaired(2, inRows: 2, of: "job/t")
            #expect(try await loader.run("tables", "set", "job/t", "--on-bad-value", "fail").status == 0)
            try await source.run("UPDATE t SET updated_at = now() WHERE id = 1")
            let failed = try await loader.run("sync", "job", "--wait")
            #expect(failed.status == 1 && failed.everything.contains("E_VALUE_BAD"), "\(failed.everything)")
        }
    }

    @Test func `compare counts both sides, and its exit status says whether they differ`() async throws {
        try await withShop { loader, source, replica in
            let equal = try await loader.run("tables", "compare", "job", "--json")
            #expect(equal.status == 0, "\(equal.everything)")
            try await source.run("INSERT INTO customers VALUES (21, 'x', 'DE', 't', now())")
            let different = try await loader.run("tables", "compare", "job")
            #expect(different.status == 1, "\(different.everything)")
            #expect(different.output.contains("-1") && different.errors.contains("Rows newer than that"))
            try await replica.connection.execute("DROP TABLE \(replica.schema).views")
            let missing = try await loader.run("tables", "compare", "job/views")
            #expect(missing.status == 1 && missing.output.contains("no table"), "\(missing.everything)")
        }
    }

    @Test func `tables are added by name and removed, with and without their replica`() async throws {
        try await withShop { loader, source, replica in
            try await source.run("CREATE TABLE late (id int PRIMARY KEY, note text); INSERT INTO late VALUES (1, 'a')")
            #expect(try await loader.run("tables", "add", "job", "lat").status == 64)
            let added = try await loader.run("tables", "add", "job", "late", "--mode", "full_sync")
            #expect(added.status == 0, "\(added.everything)")
            #expect(try await loader.run("sync", "job/late", "job/views", "--wait").output.contains("ok=2"))
            let asked = try await loader.run("tables", "remove", "job/late")
            #expect(asked.status == 64 && asked.errors.contains("will be forgotten"), "\(asked.everything)")
            #expect(asked.errors.contains("--yes"))
            let other = try await loader.run("tables", "add", "job", "late", "--mode", "insert_only")
            #expect(other.status == 64 && other.errors.contains("tables set job/late --mode"), "\(other.everything)")
            #expect(try await loader.run("tables", "remove", "job/late", "--yes").status == 0)
            #expect(try await count(replica, "late") == "1", "its replica stays")
            #expect(try await loader.run("tables", "remove", "job/views", "--drop-replica").status == 64)
            let dropped = try await loader.run("tables", "remove", "job/views", "--drop-replica", "--yes")
            #expect(dropped.status == 0, "\(dropped.everything)")
            await #expect(throws: (any Error).self) { try await count(replica, "views") }
            #expect(try await loader.run("tables", "show", "job/views").status == 64)
        }
    }

    @Test func `settings travel as YAML, and make the same job elsewhere`() async throws {
        try await withShop { loader, _, replica in
            _ = try await loader.run(
                "tables", "set", "job/customers", "--hash", "email", "--where", "country <> 'a: #b'", "--window",
                "22:00-06:00", "--column", "id", "--type", "BIGINT")
            let exported = try await loader.run("jobs", "export")
            #expect(exported.status == 0, "\(exported.everything)")
            #expect(!exported.output.contains(Self.password(of: loader)))
            var elsewhere = loader
            elsewhere.environment["DATABASE_URL"] = "sqlite://\(loader.folder.path)/elsewhere.db"
            let dry = try await elsewhere.run("jobs", "import", "-", "--dry-run", input: exported.output)
            #expect(dry.status == 0 && dry.output.contains("3 tables added"), "\(dry.everything)")
            #expect(try await elsewhere.run("jobs", "export").output.contains("jobs: []"))
            let imported = try await elsewhere.run("jobs", "import", "-", input: exported.output)
            #expect(imported.status == 0, "\(imported.everything)")
            #expect(try await elsewhere.run("jobs", "export").output == exported.output)
            let broken = try await elsewhere.run("jobs", "import", "-", input: "version: 1\njobs: [\n")
            #expect(broken.status == 65, "\(broken.everything)")
            #expect(try await elsewhere.run("jobs", "import", "/nowhere.yml").status == 65)
        }
    }

    @Test func `a job is edited, and its stored connection strings do not travel`() async throws {
        try await withLoader { loader, source, replica in
            _ = try await loader.run(
                "jobs", "add", "job", "--source-url-stdin", "--destination-url-env", "TEST_DESTINATION",
                input: source.url + "\n")
            let edited = try await loader.run(
                "jobs", "edit", "job", "--destination-schema", replica.schema, "--source-schema", "public,audit",
                "--destination-prefix", "crm_", "--interval", "5m")
            #expect(edited.status == 0, "\(edited.everything)")
            let shown = try await loader.run("jobs", "show", "job", "--json").output
            #expect(shown.contains("\"source_schemas\":[\"public\",\"audit\"]") && shown.contains("crm_"), "\(shown)")
            let exported = try await loader.run("jobs", "export").output
            #expect(exported.contains("source_url_env: null  # stored encrypted"), "\(exported)")
            var elsewhere = loader
            elsewhere.environment["DATABASE_URL"] = "sqlite://\(loader.folder.path)/elsewhere.db"
            let refused = try await elsewhere.run("jobs", "import", "-", input: exported)
            #expect(refused.status == 65 && refused.errors.contains("source_url_env is empty"), "\(refused.everything)")

            try await source.run(
                """
                CREATE SCHEMA audit;
                CREATE TABLE public.t (id int PRIMARY KEY, updated_at timestamptz NOT NULL);
                CREATE TABLE audit.t (id int PRIMARY KEY, updated_at timestamptz NOT NULL);
                """)
            let collision = try await loader.run("jobs", "setup", "job")
            #expect(
                collision.status == 65 && collision.errors.contains("--destination-name"), "\(collision.everything)")
            #expect(try await loader.run("tables", "add", "job", "public.t").status == 0)
            let renamed = try await loader.run("tables", "set", "job/t", "--destination-name", "t_public")
            #expect(renamed.status == 0, "\(renamed.everything)")
            #expect(try await loader.run("jobs", "setup", "job").status == 0, "it has tables already")
            let listed = try await loader.run("status", "job", "--json").output
            #expect(listed.contains("\"destination_name\":\"crm_t\"") && listed.contains("\"t_public\""), "\(listed)")
        }
    }

    @Test func `a job's sessions in Redshift get a group, a limit and slots, and lose them again`() async throws {
        try await withLoader { loader, _, _ in
            let add = [
                "jobs", "add", "job", "--source-url-env", "TEST_SOURCE", "--destination-url-env", "TEST_DESTINATION",
            ]
            let refused = try await loader.start(add + ["--wlm-query-slot-count", "51"]).finish()
            #expect(refused.status == 64 && refused.errors.contains("1 to 50"), "\(refused.everything)")
            let added = try await loader.start(add + ["--query-group", "it's loads", "--statement-timeout", "5m"])
                .finish()
            #expect(added.status == 0, "\(added.everything)")
            #expect(try await loader.run("jobs", "edit", "job", "--wlm-query-slot-count", "2").status == 0)
            let shown = try await loader.run("jobs", "show", "job").output
            for fact in ["Query group  it's loads", "Timeout      5m", "WLM slots    2"] {
                #expect(shown.contains(fact), "\(shown)")
            }
            let exported = try await loader.run("jobs", "export").output
            #expect(
                exported.contains("statement_timeout: 300s") && exported.contains("wlm_query_slot_count: 2"),
                "\(exported)")
            #expect(try await loader.run("jobs", "edit", "job", "--statement-timeout", "25h").status == 64)
            let cleared = try await loader.run(
                "jobs", "edit", "job", "--query-group", "none", "--statement-timeout", "none", "--wlm-query-slot-count",
                "default")
            #expect(cleared.status == 0, "\(cleared.everything)")
            let json = try await loader.run("jobs", "show", "job", "--json").output
            let nothing = "\"query_group\":null,\"statement_timeout_seconds\":null,\"wlm_query_slot_count\":null"
            #expect(json.contains(nothing), "\(json)")
        }
    }

    @Test func `every new read command answers with one JSON document`() async throws {
        try await withShop { loader, _, _ in
            for command in [
                ["tables", "repaired", "job/customers"], ["tables", "compare", "job"], ["tables", "discover", "job"],
                ["tables", "show", "job/colours"], ["tables", "runs", "job/colours"],
            ] {
                let result = try await loader.start(command + ["--json"]).finish()
                #expect(result.status == 0, "\(command): \(result.everything)")
                let document = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
                #expect(document?["schema_version"] as? Int == 1, "\(command)")
            }
            let columns = try await loader.run("tables", "discover", "job", "--columns")
            #expect(columns.output.contains("timestamp with time zone"), "\(columns.output)")
        }
    }

    private static func password(of loader: LoaderSetup) -> String {
        URL(string: loader.environment["TEST_SOURCE"] ?? "")?.password(percentEncoded: false) ?? "no password"
    }
}
