import Logging
import Replication
import TestServers

/// What metadata keeps of a table between runs.
actor FakeJournal: RunJournal {
    private let fault: FaultPlan
    private let stopAfterBatches: Int?
    private(set) var mirrored: Checkpoint?
    private(set) var generation: Int64
    private(set) var progress: [RunProgress] = []
    private(set) var repairs: [RepairedValue] = []
    private(set) var memory: SourceMemory?
    private(set) var clocks: [SourceTime] = []

    init(fault: FaultPlan, generation: Int64, mirror: Checkpoint?, stopAfterBatches: Int?) {
        self.fault = fault
        self.generation = generation
        self.stopAfterBatches = stopAfterBatches
        mirrored = mirror
    }

    func mirror(_ checkpoint: Checkpoint, progress: RunProgress) async throws {
        try fault.reach("journal.mirror, before")
        mirrored = checkpoint
        self.progress.append(progress)
        try fault.reach("journal.mirror, after")
    }

    func raiseGeneration(to generation: Int64) async throws {
        try fault.reach("journal.raiseGeneration")
        self.generation = max(self.generation, generation)
    }

    func sourceMemory() async throws -> SourceMemory? { memory }

    func keep(_ memory: SourceMemory) async throws {
        try fault.reach("journal.keep")
        self.memory = memory
    }

    func recordRepairs(_ repairs: [RepairedValue]) async throws {
        try fault.reach("journal.recordRepairs")
        self.repairs += repairs
    }

    func noteSourceClock(_ clock: SourceTime) async { clocks.append(clock) }

    func shouldStop() async -> Bool {
        guard let stopAfterBatches else { return false }
        return (progress.last?.batches ?? 0) >= stopAfterBatches
    }
}

/// Source, bucket, replica and metadata of one table; each run is a process that claims it anew.
final class World {
    let database = FakeDatabase()
    let bucket = FakeBucket()
    let replica = FakeReplica()
    var mapping = World.mapping()
    var rowLimit = 3
    /// Microseconds.
    var lookback = SourceTime.second * 600
    var generation: Int64 = 0
    var mirror: Checkpoint?
    var endedCleanly = true
    var isFirstInProcess = false
    /// The destination does not answer when it is looked at.
    var isUnreachable = false
    /// CSV bytes up to which batches stay with the run; nil stages all.
    var threshold: Int?
    /// Whether the source can tell that nothing was written.
    var knowsChanges = true
    var storage: TableStorage?
    var allowsScan = false
    var cutsLongText = false
    var sweepSmallRows = 0
    /// Microseconds.
    var sweepInterval = Int64.max
    var sweepBudget = Duration.seconds(60)
    /// The steps of the last run.
    private(set) var steps: [String] = []
    private(set) var lastProgress: [RunProgress] = []
    /// Of the last run.
    private(set) var repairs: [RepairedValue] = []
    /// Of the source, as the last run read them.
    private(set) var clocks: [SourceTime] = []

    /// What one run meets.
    struct Circumstances {
        var killAt: Int?
        var stopAfterBatches: Int?
        var lie: FakeSource.Lie?
        var meanwhile: @Sendable () -> Void = {}
        var whenStaged: @Sendable () async throws -> Void = {}
        /// Errors of its first loads.
        var refusals: [ErrorCode] = []
    }

    /// - Parameters:
    ///   - isNullable: Whether the cursor column may be NULL.
    ///   - width: Bytes of the text column in the replica, whose source has no bound.
    static func mapping(
        _ mode: SyncMode = .updateAndInsert, isNullable: Bool = true, width: Int = ColumnRule.widestText
    ) -> TableMapping {
        func column(_ name: String, _ type: String, _ replicaType: ReplicaType, _ isNullable: Bool) -> ColumnMapping {
            let source = SourceColumn(name: name, typeName: type, isNullable: isNullable, replicaType: replicaType)
            return ColumnMapping(source: source, destinationName: name, destinationType: replicaType)
        }
        var mapping = TableMapping(
            jobName: "shop", source: TableName(schema: "public", name: "users"),
            destination: TableName(schema: "public", name: "users"), mode: mode, primaryKey: ["id"],
            updatedKey: mode == .updateAndInsert ? "updated_at" : nil,
            columns: [
                column("id", "bigint", .bigint, false),
                column("updated_at", "bigint", .bigint, isNullable),
                column("name", "text", .widestText, true),
            ])
        mapping.columns[2].destinationType = .varchar(bytes: width)
        return mapping
    }

    /// Rows that only one side has, or has twice; empty when both hold the same.
    var difference: String {
        let changes = replica.rows.difference(from: database.rows)
        let extra = changes.insertions.map { "replica: \($0)" }
        return (extra + changes.removals.map { "source: \($0)" }).joined(separator: "\n")
    }

    /// Claims the table, runs it once and gives it back, as a worker does.
    @discardableResult
    func run(_ circumstances: Circumstances = Circumstances()) async throws -> RunProgress {
        generation += 1
        let fault = FaultPlan(killAt: circumstances.killAt)
        let journal = FakeJournal(
            fault: fault, generation: generation, mirror: mirror, stopAfterBatches: circumstances.stopAfterBatches)
        var settings = RunSettings(installation: "i-1")
        settings.rowLimit = rowLimit
        settings.lookback = lookback
        settings.cutsLongText = cutsLongText
        settings.sweepSmallRows = sweepSmallRows
        settings.sweepInterval = sweepInterval
        settings.sweepBudget = sweepBudget
        settings.allowsScan = allowsScan
        let objects = FakeStaging(bucket: bucket, fault: fault, whenStaged: circumstances.whenStaged)
        let run = TableRun(
            mapping: mapping, settings: settings,
            lease: RunLease(
                generation: generation, mirror: mirror, previousEndedCleanly: endedCleanly,
                isFirstInProcess: isFirstInProcess),
            source: FakeSource(
                database: database, fault: fault, lie: circumstances.lie, knowsChanges: knowsChanges, storage: storage,
                meanwhile: circumstances.meanwhile),
            staging: threshold.map { ThresholdStagingArea(large: objects, thresholdBytes: $0) } ?? objects,
            destination: FakeDestination(
                replica: replica, bucket: bucket, fault: fault, refusals: Refusals(circumstances.refusals),
                isUnreachable: isUnreachable),
            journal: journal, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        do {
            let progress = try await run.run()
            await end(journal, fault, cleanly: true)
            return progress
        } catch {
            await end(journal, fault, cleanly: false)
            throw error
        }
    }

    private func end(_ journal: FakeJournal, _ fault: FaultPlan, cleanly: Bool) async {
        mirror = await journal.mirrored
        generation = await journal.generation
        lastProgress = await journal.progress
        repairs = await journal.repairs
        clocks = await journal.clocks
        endedCleanly = cleanly
        steps = fault.steps
    }
}
