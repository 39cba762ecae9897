import Foundation
import Replication
import StagingLocal
import Testing

@Suite struct LocalStagingAreaTests {
    private static func chunk(_ text: String, rows: Int) -> RowChunk {
        RowChunk(bytes: Array(text.utf8), rows: rows, longestRowBytes: text.utf8.count)
    }

    private static func read(_ batch: StagedBatch) async throws -> [String] {
        guard case .rows(let open) = batch.content else { return [] }
        var texts: [String] = []
        for try await chunk in try open() { texts.append(String(decoding: chunk.bytes, as: UTF8.self)) }
        return texts
    }

    @Test func `a batch can be read again from its first row, chunk by chunk`() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let area = LocalStagingArea(folder: folder)
        let rows = RowStream([Self.chunk("1,a\n2,b\n", rows: 2), Self.chunk("3,c\n", rows: 1)])
        let batch = try await area.stage(rows, folder: "job", plan: StagingPlan(estimatedBytes: 1, slices: 1))
        #expect(batch.rows == 3)
        #expect(batch.bytes == 12)
        #expect(try await Self.read(batch) == ["1,a\n2,b\n", "3,c\n"])
        #expect(try await Self.read(batch) == ["1,a\n2,b\n", "3,c\n"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [], "a kill must leave nothing behind")
    }

    @Test func `a batch without rows has nothing to read`() async throws {
        let batch = try await LocalStagingArea().stage(
            RowStream([]), folder: "job", plan: StagingPlan(estimatedBytes: 1, slices: 1))
        #expect(batch.rows == 0)
        #expect(try await Self.read(batch) == [])
    }

    @Test func `a folder that takes no file is told`() async throws {
        let area = LocalStagingArea(folder: "/nowhere/at/all")
        await #expect {
            _ = try await area.stage(
                RowStream([]), folder: "job", plan: StagingPlan(estimatedBytes: 1, slices: 1))
        } throws: { error in
            (error as? ReplicationError)?.code == .config
        }
    }
}
