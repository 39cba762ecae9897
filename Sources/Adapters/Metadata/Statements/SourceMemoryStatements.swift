import Foundation
import Replication
import Scheduling

/// The text of what sources keep in mind between runs.
enum SourceMemoryStatements {
    static func read(table: Int64) -> MetadataStatement {
        MetadataStatement("SELECT stamp, content FROM source_memories WHERE table_id = :table", ["table": table])
    }

    /// Kept only while the lease is the claim's.
    static func keep(_ memory: SourceMemory, of claimed: ClaimedTable) throws -> MetadataStatement {
        LeaseStatements.held(
            """
            INSERT INTO source_memories (table_id, stamp, content)
            SELECT id, :stamp, :content FROM tables WHERE \(LeaseStatements.isHeld)
            ON CONFLICT (table_id) DO UPDATE SET stamp = excluded.stamp, content = excluded.content
            """, by: claimed, ["stamp": try StoredJSON.text(memory.stamp), "content": Data(memory.content)])
    }
}
