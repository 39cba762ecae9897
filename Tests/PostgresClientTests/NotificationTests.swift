import PostgresClient
import Testing
import TestServers

@Suite(.serialized) struct NotificationTests {
    @Test func `a notification of another session ends the wait, with its payload`() async throws {
        try await TestDatabase.with { database in
            let listener = try await database.session()
            try await listener.execute("LISTEN work")
            let sender = try #require(
                try await database.run("SELECT pg_backend_pid()").firstValue.flatMap { Int32($0) })
            async let received = listener.nextNotification(within: .seconds(60))
            try await database.run("NOTIFY work, 'Größe ''x'' 🚀'")
            let expected = PostgresNotification(channel: "work", payload: "Größe 'x' 🚀", processID: sender)
            let notification = try await received
            #expect(notification == expected)
            await listener.close()
        }
    }

    @Test func `notifications come in order, on the channels that are listened to`() async throws {
        try await TestDatabase.with { database in
            let listener = try await database.session()
            try await listener.withSession { session in try session.executeScript("LISTEN a; LISTEN \"B c\"") }
            try await database.run("NOTIFY a, '1'; NOTIFY nobody, '2'; NOTIFY \"B c\", '3'; NOTIFY a")
            // This answer brings them along.
            try await listener.execute("SELECT 1")
            var received: [[String]] = []
            while let next = try await listener.nextNotification(within: .zero) {
                received.append([next.channel, next.payload])
            }
            #expect(received == [["a", "1"], ["B c", "3"], ["a", ""]])
            await listener.close()
        }
    }

    @Test func `a wait in vain gives nil, and the connection goes on`() async throws {
        try await TestDatabase.with { database in
            let listener = try await database.session()
            try await listener.execute("LISTEN work")
            let started = ContinuousClock.now
            let received = try await listener.nextNotification(within: .milliseconds(300))
            #expect(received == nil)
            #expect(ContinuousClock.now - started >= .milliseconds(300))
            #expect(try await listener.execute("SELECT 1").firstValue == "1")
            await listener.close()
        }
    }

    @Test func `a cancelled task ends the wait`() async throws {
        try await TestDatabase.with { database in
            let listener = try await database.session()
            try await listener.execute("LISTEN work")
            let (waits, first) = AsyncStream<Void>.makeStream()
            let started = ContinuousClock.now
            await #expect(throws: CancellationError.self) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        defer { first.finish() }
                        _ = try await listener.nextNotification(within: .seconds(60))
                        first.finish()
                        _ = try await listener.nextNotification(within: .seconds(600))
                    }
                    try await database.run("NOTIFY work")
                    for await _ in waits {}
                    group.cancelAll()
                    try await group.waitForAll()
                }
            }
            #expect(ContinuousClock.now - started < .seconds(30))
            #expect(await !listener.isUsable)
            await listener.close()
        }
    }

    @Test func `a killed backend ends the wait as a lost connection`() async throws {
        try await TestDatabase.with { database in
            let listener = try await database.session()
            try await listener.execute("LISTEN work")
            let pid = try #require(try await listener.execute("SELECT pg_backend_pid()").firstValue)
            async let waiting = failure { _ = try await listener.nextNotification(within: .seconds(60)) }
            try await database.run("SELECT pg_terminate_backend(\(pid))")
            let error = await waiting
            #expect(error?.code == .connectionLost)
            await listener.close()
        }
    }
}
