import Foundation
import PostgresClient
import TestServers
import Testing

/// The stand-in drops, refuses and aborts by chance while a table is loaded; the loader is run again as long as it asks
/// for that by its exit status.
@Suite struct RandomFaultTests {
    @Test(arguments: [11, 12, 13])
    func `under random faults every run ends in a sentence, and the last one in equal rows`(seed: Int) async throws {
        try await TestDatabase.with { source in
            try await TestBucket.with { bucket in
                try await withTemporaryFolder { folder in
                    try await OwnStandIn.with(folder: folder) { standIn in
                        try await source.run(
                            """
                            CREATE TABLE t (id int PRIMARY KEY, note text, updated_at timestamptz DEFAULT now());
                            INSERT INTO t (id, note) SELECT i, 'note ' || i FROM generate_series(1, 500) i
                            """)
                        let loader = try LoaderSetup(
                            folder: folder, bucket: bucket, source: source.url, destination: standIn.url,
                            more: ["IMPORT_ROW_LIMIT": "100"])
                        _ = try await loader.addJob(schema: "replica")
                        #expect(try await loader.run("jobs", "setup", "job").status == 0)
                        let control = try await standIn.session()
                        try await control.execute("STANDIN FAULT RANDOM SEED \(seed) PROBABILITY 0.04")
                        var runs = 0
                        repeat {
                            let run = try await loader.run("sync", "job", "--wait")
                            runs += 1
                            #expect(run.status == 0 || run.everything.contains("(E_DST_"), "\(run.everything)")
                            if run.status == 0 { break }
                        } while runs < 60
                        let faults = try await control.execute("STANDIN FAULTS").rows.map { $0.compactMap(\.self) }
                        print("seed \(seed): \(runs) runs, fault \(faults)")
                        try await control.execute("STANDIN CLEAR FAULTS")
                        #expect(try await loader.run("sync", "job", "--wait").status == 0, "seed \(seed)")
                        let query = "SELECT id, note FROM t ORDER BY id"
                        let found = try await control.execute(query.replacing(" t ", with: " replica.t "))
                        #expect(try await source.run(query).rows == found.rows, "seed \(seed)")
                        #expect(try await bucket.client.list(prefix: "").isEmpty, "seed \(seed)")
                        await control.close()
                    }
                }
            }
        }
    }
}
