import Foundation
import PostgresClient
import Testing

@testable import StandIn

/// Faults of a stand-in of its own, one after another.
@Suite(.serialized) struct FaultTests {
    private static func with(
        _ options: [String] = [], _ body: (StandInProcess, PostgresConnection) async throws -> Void
    ) async throws {
        try await StandInProcess.withFolder { folder in
            let server = try await StandInProcess.start(folder, options)
            do {
                let control = try await server.connect()
                try await body(server, control)
                await control.close()
            } catch {
                await server.stop()
                throw error
            }
            await server.stop()
        }
    }

    /// The SQLSTATE of a statement's error, "lost" for a lost connection, nil where it passes.
    private static func outcome(_ sql: String, on connection: PostgresConnection) async throws -> String? {
        do {
            try await connection.execute(sql)
            return nil
        } catch let error as PostgresError {
            return error.sqlState ?? "lost"
        }
    }

    @Test func `a connection is dropped before, during and after any statement`() async throws {
        try await Self.with { server, control in
            try await control.execute("create table t (a int); insert into t values (1), (2)")
            let cases: [(fault: String, statement: String, rows: String)] = [
                ("DROP BEFORE INSERT ON t", "insert into t values (3)", "2"),
                ("DROP DURING INSERT", "insert into t values (3)", "2"),
                ("DROP AFTER INSERT", "insert into t values (3)", "3"),
                ("DROP DURING SELECT", "select a from t", "3"),
                ("DROP BEFORE STATEMENT 3", "select 1; select 2; insert into t values (9)", "3"),
            ]
            for (fault, statement, rows) in cases {
                try await control.execute("STANDIN FAULT \(fault)")
                let victim = try await server.connect()
                #expect(try await Self.outcome(statement, on: victim) == "lost", "\(fault)")
                try await control.execute("STANDIN AWAIT FAULT")
                await victim.close()
                #expect(try await control.execute("select count(*) from t").firstValue == rows, "\(fault)")
            }
            let states = try await control.execute("STANDIN FAULTS").rows
            #expect(states.map { $0[2] } == Array(repeating: "hit", count: cases.count))
        }
    }

    @Test func `several faults are armed at once, and errors are Redshift's`() async throws {
        try await Self.with { server, control in
            try await control.execute("create table t (a int)")
            try await control.execute("STANDIN FAULT RAISE 1023 BEFORE INSERT")
            try await control.execute("STANDIN FAULT RAISE DEADLOCK BEFORE DELETE")
            try await control.execute("STANDIN FAULT RAISE CONFLICT BEFORE COMMIT 2")
            let victim = try await server.connect()
            let error = await #expect(throws: PostgresError.self) {
                try await victim.execute("insert into t values (1)")
            }
            #expect(error?.serverMessage == "1023")
            #expect(error?.detail?.contains("Serializable isolation violation on table - ") == true)
            #expect(error?.code == .serialization)
            #expect(try await Self.outcome("delete from t", on: victim) == "40P01")
            try await victim.execute("begin; insert into t values (1); commit")
            try await victim.execute("begin; insert into t values (2)")
            #expect(try await Self.outcome("commit", on: victim) == "XX000")
            try await victim.execute("rollback")
            try await control.execute("STANDIN AWAIT FAULT")
            #expect(try await victim.execute("select count(*) from t").firstValue == "1")
            await victim.close()
        }
    }

    @Test func `a stalled statement ends with its time, its timeout or the clearing`() async throws {
        try await Self.with(["--fault", "STALL 0.2 BEFORE SELECT ON t"]) { server, control in
            try await control.execute("create table t (a int)")
            let start = ContinuousClock.now
            #expect(try await control.execute("select count(*) from t").firstValue == "0")
            #expect(ContinuousClock.now - start >= .milliseconds(200), "armed by the command line, for everybody")

            let victim = try await server.connect()
            try await control.execute("STANDIN FAULT STALL BEFORE DELETE")
            try await victim.execute("set statement_timeout to 100")
            #expect(try await Self.outcome("delete from t", on: victim) == "57014")
            try await victim.execute("set statement_timeout to 0")
            try await control.execute("STANDIN FAULT STALL BEFORE INSERT")
            async let stalled = Self.outcome("insert into t values (1)", on: victim)
            try await control.execute("STANDIN AWAIT FAULT")
            #expect(try await control.execute("select count(*) from t").firstValue == "0")
            try await control.execute("STANDIN CLEAR FAULTS")
            #expect(try await stalled == nil)
            await victim.close()
        }
    }

    @Test func `new connections are refused for a while`() async throws {
        try await Self.with { server, control in
            try await control.execute("STANDIN FAULT REFUSE CONNECTIONS FOR 60 SECONDS")
            await #expect(throws: PostgresError.self) { try await server.connect() }
            try await control.execute("STANDIN AWAIT FAULT")
            try await control.execute("STANDIN CLEAR FAULTS")
            await (try server.connect()).close()
        }
    }

    @Test func `a COPY fails after some rows, or by S3`() async throws {
        try await TestBucket.with { bucket in
            try await bucket.put("data", "1\n2\n3\n")
            try await Self.with { server, control in
                try await control.execute("create table t (a int)")
                let copy = "copy t from 's3://\(bucket.name)/data' \(TestBucket.keys) csv"
                let victim = try await server.connect()
                try await control.execute("STANDIN FAULT FAIL COPY AFTER 4 ROWS")
                #expect(try await Self.outcome(copy, on: victim) == nil, "it has three rows")
                try await control.execute("STANDIN CLEAR FAULTS")
                for fault in ["FAIL COPY AFTER 3 ROWS", "FAIL COPY", "FAIL COPY READ", "DROP DURING COPY"] {
                    try await control.execute("STANDIN FAULT \(fault)")
                    let other = try await server.connect()
                    let error = await #expect(throws: PostgresError.self) { try await other.execute(copy) }
                    #expect(error?.sqlState == (fault.hasPrefix("DROP") ? nil : "XX000"))
                    if fault.hasSuffix("READ") { #expect(error?.serverMessage?.contains("Status 503") == true) }
                    try await control.execute("STANDIN AWAIT FAULT")
                    await other.close()
                }
                #expect(try await control.execute("select count(*) from t").firstValue == "3")
                await victim.close()
            }
        }
    }

    @Test func `a random fault is met by the same statement again`() async throws {
        try await Self.with { server, control in
            try await control.execute("create table t (a int)")
            var runs: [[String?]] = []
            for _ in 0..<2 {
                try await control.execute("STANDIN FAULT RANDOM SEED 11 PROBABILITY 0.3 TIMES 2")
                var outcomes: [String?] = []
                for _ in 0..<12 {
                    let victim = try await server.connect()
                    outcomes.append(try await Self.outcome("insert into t values (1)", on: victim))
                    await victim.close()
                }
                try await control.execute("STANDIN CLEAR FAULTS")
                runs.append(outcomes)
            }
            #expect(runs[0] == runs[1])
            #expect(runs[0].compactMap(\.self).count == 2)
        }
    }

    @Test func `under SERIALIZABLE a circle of tables is 1023, and LOCK first prevents it`() async throws {
        try await Self.with(["--serializable"]) { server, control in
            try await control.execute("create table a (x int); create table b (x int); create table c (x int)")
            let level = try await control.execute("select db_name, isolation_level from stv_db_isolation_level").rows
            #expect(level == [["dev", "Serializable"]])
            let (first, second) = (try await server.connect(), try await server.connect())
            try await first.execute("begin; select * from a; insert into b values (1)")
            try await second.execute("begin; select * from b")
            let error = await #expect(throws: PostgresError.self) {
                try await second.execute("insert into a values (1)")
            }
            #expect(error?.serverMessage == "1023")
            try await second.execute("rollback")
            try await first.execute("commit")

            // The documented way: LOCK before anything that takes a snapshot.
            for (locks, expected) in [(true, String?.none), (false, "XX000")] {
                let lock = locks ? "lock c; " : ""
                try await first.execute("begin; \(lock)select * from c; insert into c values (1)")
                if !locks { try await second.execute("begin; select * from c") }
                async let waiting = Self.outcome(
                    locks ? "begin; lock c; select * from c; insert into c values (2)" : "insert into c values (2)",
                    on: second)
                try await first.execute("commit")
                #expect(try await waiting == expected)
                try await second.execute("rollback")
            }
            await first.close()
            await second.close()
        }
    }

    @Test func `under SNAPSHOT the same circle passes`() async throws {
        try await Self.with { server, control in
            try await control.execute("create table a (x int); create table b (x int)")
            let level = try await control.execute("select isolation_level from stv_db_isolation_level").firstValue
            #expect(level == "Snapshot Isolation")
            let (first, second) = (try await server.connect(), try await server.connect())
            try await first.execute("begin; select * from a; insert into b values (1)")
            try await second.execute("begin; select * from b; insert into a values (1); commit")
            try await first.execute("commit")
            await first.close()
            await second.close()
        }
    }
}
