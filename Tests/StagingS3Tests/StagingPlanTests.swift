import Replication
import Testing

@Suite struct StagingPlanTests {
    static let mebibyte = 1 << 20

    @Test(arguments: [
        (0, 1, 1 * mebibyte), (100, 8, 1 * mebibyte), (4 * mebibyte, 1, 1 * mebibyte),
        (4 * mebibyte + 4, 1, 1 * mebibyte + 1), (64 * mebibyte, 4, 4 * mebibyte), (32 * mebibyte, 1, 8 * mebibyte),
        (64 * mebibyte, 8, 2 * mebibyte), (1 << 40, 2, 8 * mebibyte), (1 << 40, 1_000_000, 1 * mebibyte),
    ])
    func `files are cut so that all slices have one, between 1 and 8 MiB`(bytes: Int, slices: Int, target: Int) {
        #expect(StagingPlan(estimatedBytes: bytes, slices: slices).targetFileBytes == target)
    }

    @Test(arguments: [0, -3]) func `no slices count as one`(slices: Int) {
        let plan = StagingPlan(estimatedBytes: 16 * Self.mebibyte, slices: slices)
        #expect(plan == StagingPlan(estimatedBytes: 16 * Self.mebibyte, slices: 1))
    }
}
