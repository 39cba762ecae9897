import Replication
import TestServers
import Testing

struct ThresholdStagingAreaTests {
    private static let plan = StagingPlan(estimatedBytes: 1, slices: 1)

    /// Chunks of ten bytes and one row each.
    private static func rows(_ count: Int) -> RowStream {
        RowStream(
            (0..<count).map { number in
                RowChunk(bytes: Array("\(number),23456\nx".utf8).prefix(9) + [0x0A], rows: 1, longestRowBytes: 10)
            })
    }

    private static func bytes(_ stream: RowStream) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await chunk in stream { bytes += chunk.bytes }
        return bytes
    }

    private let bucket = FakeBucket()

    private func stage(_ count: Int, threshold: Int) async throws -> StagedBatch {
        let area = ThresholdStagingArea(
            large: FakeStaging(bucket: bucket, fault: FaultPlan()), thresholdBytes: threshold)
        return try await area.stage(Self.rows(count), folder: "f", plan: Self.plan)
    }

    @Test(arguments: [(0, 30), (1, 30), (2, 30), (3, 30), (0, 0)])
    func `a batch up to the threshold stays with the run, to be read as often as needed`(
        chunks: Int, threshold: Int
    ) async throws {
        let batch = try await stage(chunks, threshold: threshold)
        guard case .rows(let open) = batch.content else {
            Issue.record("it was staged elsewhere")
            return
        }
        let expected = try await Self.bytes(Self.rows(chunks))
        #expect(expected.count == chunks * 10)
        for _ in 0..<2 { #expect(try await Self.bytes(open()) == expected) }
        #expect(batch.rows == chunks && batch.bytes == chunks * 10 && batch.compressedBytes == batch.bytes)
        #expect(batch.objectKeys.isEmpty && bucket.keys.isEmpty)
    }

    @Test(arguments: [(4, 30), (3, 29), (3, 15), (40, 30), (1, 0), (1, 9)])
    func `a batch over the threshold is staged with all of its rows`(chunks: Int, threshold: Int) async throws {
        let batch = try await stage(chunks, threshold: threshold)
        guard case .objects(let objects) = batch.content else {
            Issue.record("it stayed")
            return
        }
        let expected = try await Self.bytes(Self.rows(chunks))
        #expect(bucket.get(objects.copyFrom) == expected)
        #expect(batch.rows == chunks && batch.bytes == chunks * 10 && batch.objectKeys == objects.keys)
    }

    @Test func `what was staged elsewhere is discarded there, what stayed nowhere`() async throws {
        let fault = FaultPlan()
        let area = ThresholdStagingArea(large: FakeStaging(bucket: bucket, fault: fault), thresholdBytes: 15)
        let large = try await area.stage(Self.rows(2), folder: "f", plan: Self.plan)
        let small = try await area.stage(Self.rows(1), folder: "f", plan: Self.plan)
        let steps = fault.steps.count
        try await area.discard(small)
        #expect(fault.steps.count == steps && bucket.keys.count == 1)
        try await area.discard(large)
        #expect(bucket.keys.isEmpty)
    }

    @Test func `a source that fails in the midst fails the batch`() async throws {
        let chunks = FaultPlan(killAt: 2)
        let rows = RowStream {
            try chunks.reach("chunk")
            return RowChunk(bytes: [0x31, 0x0A], rows: 1, longestRowBytes: 2)
        }
        for threshold in [2, 100] {
            let area = ThresholdStagingArea(
                large: FakeStaging(bucket: bucket, fault: FaultPlan()), thresholdBytes: threshold)
            await #expect(throws: Killed.self) { try await area.stage(rows, folder: "f", plan: Self.plan) }
        }
        #expect(bucket.keys.isEmpty)
    }

    @Test func `small batches of a run are sent by it, and large ones are staged`() async throws {
        let world = World()
        world.threshold = 25
        world.database.put([FakeRow(1, 999_000, "a")])
        try await world.run()
        world.database.put((2...4).map { FakeRow($0, 999_900, "a long value \($0)") })
        try await world.run()
        #expect(world.replica.rows == world.database.rows)
        #expect(world.replica.loads.map(\.keepsRows) == [true, false])
        #expect(world.bucket.keys.isEmpty)
    }
}
