import Foundation
import GRDB
import Replication
import Scheduling

/// The text of what sources keep in mind between runs.
enum SourceMemoryStatements {
    static func read(table: Int64) -> SQLiteStatement {
        SQLiteStatement("SELECT stamp, content FROM source_memories WHERE table_id = :table", ["table": table])
    }

    /// Kept only while the lease is the claim's.
    static func keep(_ memory: SourceMemory, of claimed: ClaimedTable) throws -> SQLiteStatement {
        LeaseStatements.held(
            """
            INSERT INTO source_memories (table_id, stamp, content)
            SELECT id, :stamp, :content FROM tables WHERE \(LeaseStatements.isHeld)
            ON CONFLICT (table_id) DO UPDATE SET stamp = excluded.stamp, content = excluded.content
            """, by: claimed, ["stamp": try StoredJSON.text(memory.stamp), "content": Data(memory.content)])
    }
}

extension SQLiteMetadata {
    package func sourceMemory(of claimed: ClaimedTable) async throws -> SourceMemory? {
        try await read { database in
            guard let row = try SourceMemoryStatements.read(table: claimed.table.id).row(database) else { return nil }
            let (stamp, content): (String, Data) = (row["stamp"], row["content"])
            return SourceMemory(
                stamp: try StoredJSON.value(CheckpointStamp.self, from: stamp), content: Array(content))
        }
    }

    package func keep(_ memory: SourceMemory, of claimed: ClaimedTable) async throws {
        let isHeld = try await finish { database in
            try SourceMemoryStatements.keep(memory, of: claimed).run(database) > 0
        }
        if !isHeld { noteLoss(of: claimed) }
    }
}
