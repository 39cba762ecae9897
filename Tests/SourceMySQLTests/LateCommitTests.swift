import MySQLClient
import Replication
import SourceTesting
import Testing
import TestServers

@testable import SourceMySQL

/// Commits below the cursor, and what the window hands out, with and without the right to see other sessions.
@Suite struct LateCommitTests {
    private static let old = "SYSDATE(6) - INTERVAL 1 DAY"

    enum User: String, Sendable, CaseIterable, CustomTestStringConvertible {
        case all, withProcess, blind

        var testDescription: String { rawValue }

        func endpoint(in schema: TestSchema) async throws -> MySQLEndpoint? {
            switch self {
            case .all: nil
            case .withProcess: try await schema.user(grants: ["SELECT ON \(schema.name).*", "PROCESS ON *.*"]).endpoint
            case .blind: try await schema.user(grants: ["SELECT ON \(schema.name).*"]).endpoint
            }
        }
    }

    /// A loaded table of rows 1 to 5.
    private func withFollower(
        _ kind: MySQLServerKind, _ key: KeyKind = KeyKind.all[0], as user: User = .all, rowLimit: Int = 1000,
        _ body: (TestSchema, TableFollower) async throws -> Void
    ) async throws {
        try await withSchema(kind) { schema in
            try await schema.run(key.table, key.insert(1...5, stamp: Self.old, "old"))
            let mapping = try await schema.mapping(key: key.names)
            let follower = schema.follower(mapping, as: try await user.endpoint(in: schema), rowLimit: rowLimit)
            try await follower.follow()
            try await body(schema, follower)
        }
    }

    @Test(arguments: MySQLServerKind.tested, User.allCases)
    func `rights decide what bounds the floor`(_ kind: MySQLServerKind, _ user: User) async throws {
        try await withFollower(kind, as: user) { schema, follower in
            let long = try await schema.session()
            try await long.execute("SET SESSION time_zone = '+00:00'")
            try await long.execute("START TRANSACTION")
            try await long.execute("SELECT COUNT(*) FROM t FOR UPDATE")
            let begun = try #require(
                try await long.execute("SELECT UTC_TIMESTAMP(6)").firstValue.flatMap(SourceTime.init(parsing:)))
            // Starts are told in whole seconds, so the floor is told apart a second later only by what it must not pass.
            try await follower.follow()
            let start = try #require(await follower.lastStart)
            let floor = try #require(await follower.state?.floor)
            #expect(start.activity.hasHiddenSessions == (user == .blind) && !start.activity.isStandby)
            if user == .blind {
                #expect(start.activity.oldestTransaction == nil && floor == start.activity.clock - SourceTime.hour)
                #expect(start.moment == nil)
            } else {
                let oldest = try #require(start.activity.oldestTransaction)
                #expect(oldest <= begun)
                #expect(floor == min(oldest, start.activity.clock) - 600 * SourceTime.second)
                #expect(start.moment != nil && start.moment?.startedAt != nil)
            }
            try await long.execute("ROLLBACK")
            await long.close()
        }
    }

    @Test(arguments: MySQLServerKind.tested, KeyKind.all)
    func `a transaction that stamps early and commits late is found by the next pass`(
        _ kind: MySQLServerKind, _ key: KeyKind
    ) async throws {
        for user in [User.withProcess, .blind] {
            try await withFollower(kind, key, as: user, rowLimit: 2) { schema, follower in
                let late = try await schema.session()
                try await late.execute("SET SESSION time_zone = '+00:00'")
                try await late.execute("START TRANSACTION")
                try await late.execute(key.insert([6], "late"))
                // By its key: otherwise the statement locks all rows.
                let place = zip(key.names, key.value(2)).map { "\($0) = \($1)" }.joined(separator: " AND ")
                try await late.execute("UPDATE t SET v = 'late', updated_at = SYSDATE(6) WHERE \(place)")
                try await schema.run(key.insert(7...9, "early"))
                #expect(try await numbers(follower.follow()) == [7, 8, 9])
                // Two passes later the floor still lies below its stamps.
                #expect(try await follower.follow().isEmpty)
                try await late.execute("COMMIT")
                #expect(try await numbers(follower.follow()) == [2, 6])
                #expect(try await follower.follow().isEmpty)
                #expect(try await content(follower) == content(schema))
                await late.close()
            }
        }
    }

    /// The lookback alone would not reach back that far: the open transaction itself must hold the floor.
    @Test(arguments: MySQLServerKind.tested)
    func `an open transaction holds the floor without any lookback`(_ kind: MySQLServerKind) async throws {
        let key = KeyKind.all[0]
        try await withSchema(kind) { schema in
            try await schema.run(key.table, key.insert(1...5, stamp: Self.old, "old"))
            let endpoint = schema.endpoint
            let follower = TableFollower(try await schema.mapping(), lookback: 0) {
                try await MySQLSource.connect(to: endpoint)
            }
            let late = try await schema.session()
            try await late.execute("SET SESSION time_zone = '+00:00'")
            try await late.execute("START TRANSACTION")
            try await late.execute(key.insert([6], "late"))
            let stamp = try #require(
                try await late.execute("SELECT updated_at FROM t WHERE n = 6").firstValue.flatMap(
                    SourceTime.init(parsing:)))
            // Clocks must have gone on by more than the second that readings are rounded by.
            let isLater = "SELECT SYSDATE(6) > '\(stamp.text)' + INTERVAL 2500000 MICROSECOND"
            while try await schema.run(isLater).firstValue == "0" {}
            try await follower.follow()
            let floor = try #require(await follower.state?.floor)
            #expect(floor <= stamp)
            try await schema.run(key.insert([7], "early"))
            #expect(try await numbers(follower.follow()) == [7])
            try await late.execute("COMMIT")
            #expect(try await numbers(follower.follow()) == [6])
            await late.close()
        }
    }

    /// The server makes its list of transactions anew only after a tenth of a second in which nobody has read it.
    @Test(arguments: MySQLServerKind.tested)
    func `a transaction is seen although others read the list all the time`(_ kind: MySQLServerKind) async throws {
        try await OwnMySQLServers.with { servers in
            let server = try await servers.start(kind)
            try await server.run(
                "CREATE DATABASE d", "CREATE TABLE d.t (id int PRIMARY KEY, updated_at timestamp NOT NULL)")
            let mapping = try await withSource(server.endpoint) {
                try await $0.mapping(of: TableName(schema: "d", name: "t"))
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let poller = try await server.session()
                    while !Task.isCancelled {
                        try await poller.execute("SELECT COUNT(*) FROM information_schema.INNODB_TRX")
                        try await poller.execute("DO SLEEP(0.01)")
                    }
                }
                let open = try await server.session()
                // The poller has begun.
                while try await open.execute(
                    "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'DO SLEEP%'"
                ).firstValue == "0" {}
                try await open.execute("START TRANSACTION")
                try await open.execute("INSERT INTO d.t VALUES (1, NOW())")
                let begun = try #require(
                    try await open.execute("SELECT UTC_TIMESTAMP(6)").firstValue.flatMap(SourceTime.init(parsing:)))
                let isLater = "SELECT UTC_TIMESTAMP(6) > '\(begun.text)' + INTERVAL 2500000 MICROSECOND"
                while try await open.execute(isLater).firstValue == "0" {}
                let activity = try await withSource(server.endpoint) { try await $0.startPass(mapping).activity }
                #expect(!activity.hasHiddenSessions)
                let oldest = try #require(activity.oldestTransaction)
                #expect(oldest <= begun)
                await open.close()
                group.cancelAll()
                do { try await group.waitForAll() } catch is CancellationError {}
            }
        }
    }

    /// On a server of its own: while one is prepared, the floor of no table there moves.
    @Test(arguments: MySQLServerKind.tested)
    func `a prepared transaction keeps the floor, and arrives when it commits`(_ kind: MySQLServerKind) async throws {
        let key = KeyKind.all[0]
        try await OwnMySQLServers.with { servers in
            let server = try await servers.start(kind)
            try await server.run("CREATE DATABASE d")
            try await server.run(key.table, key.insert(1...5, stamp: Self.old, "old"), database: "d")
            let endpoint = server.endpoint
            let table = TableName(schema: "d", name: "t")
            let mapping = try await withSource(endpoint) { try await $0.mapping(of: table) }
            let follower = TableFollower(mapping) { try await MySQLSource.connect(to: endpoint) }
            try await follower.follow()
            let before = try #require(await follower.state?.floor)
            try await server.run(
                "XA START 'x'", key.insert([30], "prepared"), "XA END 'x'", "XA PREPARE 'x'", database: "d")
            // The session ends a moment after its closing, and the server's list is a tenth of a second old at most.
            let deadline = ContinuousClock.now + .seconds(30)
            var floor = before
            repeat {
                floor = try #require(await follower.state?.floor)
                #expect(try await follower.follow().isEmpty)
            } while await follower.lastStart?.activity.hasPreparedTransaction == false && ContinuousClock.now < deadline
            #expect(await follower.lastStart?.activity.hasPreparedTransaction == true)
            try await follower.follow()
            let held = try #require(await follower.state?.floor)
            // Ages are in whole seconds, so that it may even go back by one.
            #expect(held <= floor && floor >= before && floor.microseconds - held.microseconds <= 2 * SourceTime.second)
            try await server.run("XA COMMIT 'x'")
            #expect(try await numbers(follower.follow()) == [30])
            while await follower.lastStart?.activity.hasPreparedTransaction == true && ContinuousClock.now < deadline {
                try await follower.follow()
            }
            #expect(await follower.lastStart?.activity.hasPreparedTransaction == false)
            var after = try #require(await follower.state?.floor)
            while after <= floor, ContinuousClock.now < deadline {
                try await follower.follow()
                after = try #require(await follower.state?.floor)
            }
            #expect(after > floor)
        }
    }

    // MARK: The window

    @Test(arguments: MySQLServerKind.tested, KeyKind.all)
    func `the window hands out what has changed, and only that`(_ kind: MySQLServerKind, _ key: KeyKind) async throws {
        for rowLimit in [1000, 2, 3] {
            try await withFollower(kind, key, rowLimit: rowLimit) { schema, follower in
                try await schema.run(key.insert(10...14, "new"))
                #expect(try await numbers(follower.follow()) == [10, 11, 12, 13, 14])
                #expect(try await follower.follow().isEmpty)
                // The stamp may stay: the values tell.
                try await schema.run("UPDATE t SET v = 'changed', updated_at = updated_at WHERE n = 12")
                #expect(try await numbers(follower.follow()) == [12])
                try await schema.run("UPDATE t SET v = 'new', updated_at = updated_at WHERE n = 12")
                #expect(try await numbers(follower.follow()) == [12], "changed back")
                #expect(try await follower.follow().isEmpty)
                try await schema.run("DELETE FROM t WHERE n = 13", key.insert([15], "newer"))
                #expect(try await numbers(follower.follow()) == [15])
                #expect(try await content(follower).filter { $0.key != 13 } == content(schema))
                // Without memory the window is handed out again, which costs and loses nothing.
                await follower.forgetMemory()
                #expect(try await numbers(follower.follow()) == [10, 11, 12, 14, 15])
                #expect(try await follower.follow().isEmpty)
            }
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `a row that was changed and set back between passes is right in the end`(_ kind: MySQLServerKind) async throws
    {
        let key = KeyKind.all[0]
        try await withFollower(kind, key) { schema, follower in
            try await schema.run(key.insert(10...11, "new"))
            try await follower.follow()
            let stamp = try #require(try await schema.run("SELECT updated_at FROM t WHERE n = 10").firstValue)
            for _ in 1...3 {
                try await schema.run("UPDATE t SET v = 'changed', updated_at = SYSDATE(6) WHERE n = 10")
                try await follower.follow()
                #expect(await content(follower)[10] == "changed")
                try await schema.run("UPDATE t SET v = 'new', updated_at = '\(stamp)' WHERE n = 10")
                try await follower.follow()
                #expect(await content(follower)[10] == "new")
            }
        }
    }

    /// More rows than digests are kept of, above a window that is known.
    @Test(arguments: MySQLServerKind.tested)
    func `a window that outgrows the memory is handed out whole`(_ kind: MySQLServerKind) async throws {
        let key = KeyKind.all[0]
        try await withFollower(kind, key, rowLimit: 100_000) { schema, follower in
            try await schema.run(key.insert(10...12, "new"))
            #expect(try await follower.follow().count == 3)
            let rows = (1000..<26_000).map { key.row($0, stamp: "SYSDATE(6)", "bulk") }
            try await schema.run("INSERT INTO t VALUES " + rows.joined(separator: ", "))
            // Those that are known may come along.
            #expect(try await follower.follow().count >= 25_000)
            #expect(try await content(follower) == content(schema))
            try await schema.run("UPDATE t SET v = 'changed', updated_at = SYSDATE(6) WHERE n = 5000")
            #expect(try await numbers(follower.follow()).contains(5000))
            #expect(try await content(follower) == content(schema))
        }
    }

    @Test(arguments: MySQLServerKind.tested)
    func `rows of a first load are not handed out again by the pass after it`(_ kind: MySQLServerKind) async throws {
        let key = KeyKind.all[0]
        for rowLimit in [2, 1000] {
            try await withSchema(kind) { schema in
                // All of them lie in the window.
                try await schema.run(key.table, key.insert(1...7, "old"))
                let follower = schema.follower(try await schema.mapping(), rowLimit: rowLimit)
                #expect(try await numbers(follower.follow()) == Array(1...7), "\(rowLimit)")
                #expect(try await follower.follow().isEmpty)
            }
        }
    }

    /// Random writers, some of which commit late; every run's replica must come to equal the table.
    @Test(arguments: MySQLServerKind.tested, [1, 2, 3])
    func `no row of random writers is missed`(_ kind: MySQLServerKind, _ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let key = try #require(KeyKind.all.randomElement(using: &random))
        let user = try #require(User.allCases.randomElement(using: &random))
        try await withFollower(kind, key, as: user, rowLimit: Int.random(in: 1...6, using: &random)) {
            schema, follower in
            var writers: [MySQLConnection] = []
            for _ in 1...3 {
                writers.append(try await schema.session())
                try await writers.last?.execute("SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = 1")
            }
            var open = Set<Int>()
            var next = 6
            for step in 1...40 {
                let index = Int.random(in: 0..<writers.count, using: &random)
                if open.insert(index).inserted { try await writers[index].execute("START TRANSACTION") }
                do {
                    // Each writer has rows of its own: it never waits for another.
                    if Bool.random(using: &random) || next < 10 {
                        try await writers[index].execute(key.insert([next * 3 + index], "new \(step)"))
                        next += 1
                    } else {
                        let row = Int.random(in: 2..<next, using: &random) * 3 + index
                        let place = zip(key.names, key.value(row)).map { "\($0) = \($1)" }.joined(separator: " AND ")
                        try await writers[index].execute(
                            "UPDATE t SET v = 'changed \(step)', updated_at = SYSDATE(6) WHERE \(place)")
                    }
                }
                if Int.random(in: 0..<3, using: &random) == 0 {
                    try await writers[index].execute(Int.random(in: 0..<6, using: &random) == 0 ? "ROLLBACK" : "COMMIT")
                    open.remove(index)
                }
                if Int.random(in: 0..<3, using: &random) == 0 {
                    await follower.sweep(every: Bool.random(using: &random) ? 0 : .max)
                    try await follower.follow(batches: Int.random(in: 1...20, using: &random))
                }
            }
            for writer in writers {
                try await writer.execute("COMMIT")
                await writer.close()
            }
            await follower.sweep(every: .max)
            try await follower.follow()
            try await follower.follow()
            #expect(try await content(follower) == content(schema), "seed \(seed)")
        }
    }
}
