import DestinationRedshift
import Logging
import Replication
import StagingLocal
import TestServers

/// Runs of one table against real servers: claimed, killed and taken over as by workers.
actor ModelRuns {
    private let plan: ModelPlan
    private let mapping: TableMapping
    private let server: SourceServer
    private let replica: TestReplica
    private var generation: Int64 = 0
    private var mirror: Checkpoint?
    private var memory: SourceMemory?
    private var endedCleanly = true
    /// Also what the figures at the end say.
    private(set) var runs = 0
    private(set) var kills = 0
    private(set) var rows = 0

    init(_ plan: ModelPlan, _ mapping: TableMapping, _ server: SourceServer, _ replica: TestReplica) {
        self.plan = plan
        self.mapping = mapping
        self.server = server
        self.replica = replica
    }

    /// Claims the table and runs it once.
    /// - Parameters:
    ///   - killAt: The step that ends the process; nil for none.
    ///   - sweeps: The table counts as small.
    ///   - meanwhile: Done between the steps.
    /// - Returns: Whether the table was caught up.
    @discardableResult
    func run(
        killAt: Int? = nil, sweeps: Bool, meanwhile: @escaping @Sendable () async throws -> Void = {}
    ) async throws -> Bool {
        generation += 1
        runs += 1
        let fault = FaultPlan(killAt: killAt)
        var settings = RunSettings(installation: "model")
        settings.rowLimit = plan.rowLimit
        settings.lookback = plan.lookback
        settings.sweepSmallRows = sweeps ? 1_000_000 : 0
        settings.sweepInterval = .max
        if sweeps, !server.kind.showsTransactions { settings.sweepInterval = 0 }
        let source = ModelSource(try await server.source(), fault: fault, meanwhile: meanwhile)
        let destination = ModelDestination(redshift(), fault: fault)
        let journal = ModelJournal(fault: fault, generation: generation, mirror: mirror, memory: memory)
        let run = TableRun(
            mapping: mapping, settings: settings,
            lease: RunLease(
                generation: generation, mirror: mirror, previousEndedCleanly: endedCleanly, isFirstInProcess: runs == 1),
            source: source, staging: LocalStagingArea(), destination: destination, journal: journal,
            logger: Logger(label: "model") { _ in SwiftLogNoOpLogHandler() })
        var isCaughtUp = false
        do {
            let progress = try await run.run()
            rows += progress.rows
            isCaughtUp = progress.caughtUp
            endedCleanly = true
        } catch is Killed {
            kills += 1
            endedCleanly = false
        }
        await source.close()
        await destination.close()
        mirror = await journal.mirrored
        memory = await journal.memory
        generation = await journal.generation
        return isCaughtUp
    }

    private func redshift() -> RedshiftDestination {
        let settings = RedshiftSettings(
            endpoint: replica.endpoint, authorization: { .iamRole("default") }, checkpointSchema: replica.schema)
        return RedshiftDestination(
            settings: settings, logger: Logger(label: "model") { _ in SwiftLogNoOpLogHandler() })
    }
}

/// Lets others work between two steps, and fails at the one that kills.
private struct ModelSource: RecallingSource {
    let source: any TableSource
    let fault: FaultPlan
    let meanwhile: @Sendable () async throws -> Void

    init(_ source: any TableSource, fault: FaultPlan, meanwhile: @escaping @Sendable () async throws -> Void) {
        self.source = source
        self.fault = fault
        self.meanwhile = meanwhile
    }

    func describe(_ table: TableName) async throws -> SourceTable { try await source.describe(table) }

    func startPass(_ mapping: TableMapping, scanLimit: Int64?) async throws -> PassStart {
        try fault.reach("startPass")
        let start = try await source.startPass(mapping, scanLimit: scanLimit)
        try await meanwhile()
        return start
    }

    func openBatch(_ query: BatchQuery) async throws -> BatchExtent {
        try fault.reach("openBatch")
        let extent = try await source.openBatch(query)
        try await meanwhile()
        return extent
    }

    func rows(_ query: BatchQuery, extent: BatchExtent, format: BatchFormat) async throws -> RowStream {
        try fault.reach("rows")
        return try await source.rows(query, extent: extent, format: format)
    }

    func closeBatch() async throws {
        try await source.closeBatch()
        try await meanwhile()
    }

    func relations(
        of mapping: TableMapping, among relations: [UInt32], withRowsBelow horizon: UInt64
    ) async throws -> Set<UInt32> {
        try await source.relations(of: mapping, among: relations, withRowsBelow: horizon)
    }

    func recall(_ memory: [UInt8]?) async { await (source as? any RecallingSource)?.recall(memory) }
    func memory() async throws -> [UInt8] { try await (source as? any RecallingSource)?.memory() ?? [] }
    func close() async { await source.close() }
}

private struct ModelDestination: ReplicaDestination {
    let destination: RedshiftDestination
    let fault: FaultPlan

    init(_ destination: RedshiftDestination, fault: FaultPlan) {
        self.destination = destination
        self.fault = fault
    }

    func prepare(_ mapping: TableMapping) async throws -> PreparedReplica {
        try fault.reach("prepare")
        return try await destination.prepare(mapping)
    }

    func readCheckpoint(_ mapping: TableMapping, installation: String) async throws -> Checkpoint? {
        try await destination.readCheckpoint(mapping, installation: installation)
    }

    func writeCheckpoint(_ next: Checkpoint, expected: CheckpointStamp?, mapping: TableMapping) async throws {
        try fault.reach("writeCheckpoint, before")
        try await destination.writeCheckpoint(next, expected: expected, mapping: mapping)
        try fault.reach("writeCheckpoint, after")
    }

    func load(_ load: ReplicaLoad) async throws -> Checkpoint {
        try fault.reach("load, before")
        let committed = try await destination.load(load)
        try fault.reach("load, after")
        return committed
    }

    func inspect(_ mapping: TableMapping) async throws -> ReplicaInspection {
        try fault.reach("inspect")
        return try await destination.inspect(mapping)
    }

    func releaseCheckpoint(_ mapping: TableMapping, expected: CheckpointStamp) async throws {
        try await destination.releaseCheckpoint(mapping, expected: expected)
    }

    func drop(_ mapping: TableMapping) async throws { try await destination.drop(mapping) }
    func sliceCount() async throws -> Int { 2 }
    func close() async { await destination.close() }
}

private actor ModelJournal: RunJournal {
    private let fault: FaultPlan
    private(set) var mirrored: Checkpoint?
    private(set) var generation: Int64
    private(set) var memory: SourceMemory?

    init(fault: FaultPlan, generation: Int64, mirror: Checkpoint?, memory: SourceMemory? = nil) {
        self.fault = fault
        self.generation = generation
        mirrored = mirror
        self.memory = memory
    }

    func mirror(_ checkpoint: Checkpoint, progress: RunProgress) async throws {
        try fault.reach("mirror, before")
        mirrored = checkpoint
        try fault.reach("mirror, after")
    }

    func sourceMemory() async throws -> SourceMemory? { memory }
    func keep(_ memory: SourceMemory) async throws {
        try fault.reach("keep")
        self.memory = memory
    }
    func raiseGeneration(to generation: Int64) async throws { self.generation = max(self.generation, generation) }
    func recordRepairs(_ repairs: [RepairedValue]) async throws {}
    func noteSourceClock(_ clock: SourceTime) async {}
    func shouldStop() async -> Bool { false }
}
