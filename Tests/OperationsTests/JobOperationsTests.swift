import Operations
import Replication
import Scheduling
import Testing

@Suite struct JobOperationsTests {
    private let store = MemoryCatalog()
    private var operations: JobOperations { JobOperations(store: store) }

    @Test(arguments: ["shop", "s", "9lives", "a.b-c_D", String(repeating: "x", count: 63)])
    func `a job is added under a plain name, inactive`(name: String) async throws {
        let added = try await operations.add(Sample.job(name, active: false))
        #expect(added.id == 1 && !added.active)
        #expect(await store.jobs().map(\.name) == [name])
    }

    @Test(arguments: ["", "a/b", "-a", ".a", "a b", "ü", "a\n", "*", String(repeating: "x", count: 64)])
    func `a name that selectors could not hold is refused`(name: String) async {
        let error = await #expect(throws: OperationError.self) { try await operations.add(Sample.job(name)) }
        #expect(error?.code == .usage && error?.what == "\(name) cannot name a job")
        #expect(await store.jobs().isEmpty)
    }

    @Test(arguments: [Duration.zero, .milliseconds(999), .seconds(-60)])
    func `an interval under a second is refused`(interval: Duration) async {
        var job = Sample.job()
        job.interval = interval
        let error = await #expect(throws: OperationError.self) { try await operations.add(job) }
        #expect(error?.code == .usage)
        #expect(await store.jobs().isEmpty)
    }

    static let sessions = [
        DestinationSession(queryGroup: "x"), DestinationSession(queryGroup: "it's \"a\" \\ Größe 🚀"),
        DestinationSession(queryGroup: String(repeating: "ü", count: 128)),
        DestinationSession(statementTimeout: .seconds(1)), DestinationSession(statementTimeout: .seconds(86_400)),
        DestinationSession(slotCount: 1), DestinationSession(slotCount: 50),
    ]

    @Test(arguments: sessions)
    func `a job keeps what its sessions are to be told`(_ session: DestinationSession) async throws {
        var job = Sample.job()
        job.destinationSession = session
        #expect(try await operations.add(job).destinationSession == session)
    }

    static let impossibleSessions = [
        DestinationSession(queryGroup: ""), DestinationSession(queryGroup: "  "),
        DestinationSession(queryGroup: "None"),
        DestinationSession(queryGroup: "default"), DestinationSession(queryGroup: "a\nb"),
        DestinationSession(queryGroup: "a\0"), DestinationSession(queryGroup: "a\u{2028}b"),
        DestinationSession(queryGroup: String(repeating: "x", count: 129)),
        DestinationSession(statementTimeout: .milliseconds(999)), DestinationSession(statementTimeout: .seconds(-60)),
        DestinationSession(statementTimeout: .milliseconds(86_400_001)), DestinationSession(slotCount: 0),
        DestinationSession(slotCount: 51),
    ]

    @Test(arguments: impossibleSessions)
    func `what Redshift's sessions cannot be told is refused`(_ session: DestinationSession) async {
        var job = Sample.job()
        job.destinationSession = session
        let error = await #expect(throws: OperationError.self) { try await operations.add(job) }
        #expect(error?.code == .usage)
        #expect(await store.jobs().isEmpty)
    }

    @Test func `a name is taken once`() async throws {
        _ = try await operations.add(Sample.job())
        await #expect(throws: OperationError.self) { try await operations.add(Sample.job()) }
        #expect(await store.jobs().count == 1)
    }

    @Test func `a job is activated and paused`() async throws {
        _ = await store.fill(job: "shop", active: false)
        _ = await store.fill(job: "other", active: false)
        #expect(try await operations.setActive("shop", true).active)
        #expect(await store.jobs().map(\.active) == [true, false])
        #expect(try await !operations.setActive("shop", false).active)
        #expect(await store.jobs().map(\.active) == [false, false])
        let error = await #expect(throws: OperationError.self) { try await operations.setActive("shup", true) }
        #expect(error?.fix.contains("Did you mean shop?") == true)
    }
}
