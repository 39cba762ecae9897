import Foundation
import Scheduling
import Testing

@testable import Metadata

@Suite struct OwnerLivenessTests {
    private let liveness = LocalOwnerLiveness()

    private func owner(_ identity: ProcessIdentity) -> LeaseOwner {
        LeaseOwner(storedID: identity.ownerID(random: "0"))
    }

    /// Runs `body` beside a process that lives until `kill` is called, which returns once it is gone.
    private func withChild(
        _ body: (_ processID: Int32, _ kill: () async -> Void) async throws -> Void
    ) async throws {
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/bin/cat")
        // Holds the child: it ends when this pipe does.
        let input = Pipe()
        child.standardInput = input
        let (ended, signal) = AsyncStream.makeStream(of: Void.self)
        child.terminationHandler = { _ in signal.finish() }
        try child.run()
        try await body(child.processIdentifier) {
            kill(child.processIdentifier, SIGKILL)
            for await _ in ended {}
        }
        try input.fileHandleForWriting.close()
    }

    @Test func `this process is an owner of its own each time, and alive`() {
        let one = LeaseOwner.thisProcess()
        #expect(one.processID == getpid())
        #expect(!one.host.isEmpty)
        #expect(one.id != LeaseOwner.thisProcess().id)
        #expect(LeaseOwner(storedID: one.id) == one)
        #expect(!liveness.isKnownDead(one))
    }

    @Test func `a killed process is known to be dead, a running one is not`() async throws {
        try await withChild { processID, kill in
            let identity = try #require(ProcessIdentity(of: processID))
            #expect(!liveness.isKnownDead(owner(identity)))
            await kill()
            #expect(liveness.isKnownDead(owner(identity)))
        }
    }

    @Test func `a reused process number does not keep the dead alive`() throws {
        let here = try #require(ProcessIdentity.current)
        let earlier = here.ownerID(random: "0").replacing(":\(here.startTicks):", with: ":1:")
        #expect(liveness.isKnownDead(LeaseOwner(storedID: earlier)))
    }

    @Test func `of other boots, namespaces, hosts and makings nothing is known`() throws {
        let here = try #require(ProcessIdentity.current)
        let dead = here.ownerID(random: "0").replacing(":\(here.startTicks):", with: ":1:")
        for id in [
            dead.replacing(here.boot, with: "00000000-0000-0000-0000-000000000000"),
            dead.replacing(":\(here.namespace):", with: ":1:"), dead + ".elsewhere",
            ProcessIdentity.unknown.ownerID(random: "0"), "ann", "", "p1:a:b:c:d:e:f",
        ] {
            #expect(!liveness.isKnownDead(LeaseOwner(storedID: id)), "\(id)")
        }
    }

    @Test func `a zombie has ended unless threads of it go on, whatever its command is called`() {
        func line(state: String, threads: Int) -> String {
            "42 (a) b (c) \(state) 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 \(threads) 0 777 18 19"
        }
        #expect(ProcessStatus(text: line(state: "S", threads: 1))?.startTicks == 777)
        #expect(ProcessStatus(text: line(state: "S", threads: 1))?.isZombie == false)
        #expect(ProcessStatus(text: line(state: "Z", threads: 1))?.isZombie == true)
        #expect(ProcessStatus(text: line(state: "Z", threads: 3))?.isZombie == false)
        #expect(ProcessStatus(text: "42 (cut") == nil)
    }

    @Test func `the lease of a killed process is free at once`() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let clock = SettableClock()
        let store = try await MetadataStore.open(
            .sqlite(folder.path + "/loader.db"), clock: clock, liveness: liveness)
        try await store.addShop(tables: ["a"], dueAt: clock.now)
        try await withChild { processID, kill in
            let identity = try #require(ProcessIdentity(of: processID))
            #expect(try await store.claimDue(by: owner(identity), for: .seconds(60)) != nil)
            #expect(try await store.claimDue(by: .thisProcess(), for: .seconds(60)) == nil)
            await kill()
            #expect(try await store.claimDue(by: .thisProcess(), for: .seconds(60))?.previousEndedCleanly == false)
        }
    }
}
