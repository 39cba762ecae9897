import Foundation
import Replication

/// The checkpoint's table: one for each replicated table, because a shared one would make all loads wait for each
/// other, or fail with error 1023.
struct CheckpointTable: Sendable, Hashable {
    /// The schema for checkpoint tables where it can be made.
    static let preferredSchema = "redshift_loader"
    static let prefix = "checkpoint_"
    private static let shownNameBytes = 30

    let table: TableName

    /// A name of at most 60 bytes: the digest tells tables apart, the rest is for people.
    static func name(for replica: TableName) -> String {
        var shown = ""
        for character in replica.name where shown.utf8.count + String(character).utf8.count <= shownNameBytes {
            shown.append(character)
        }
        return prefix + StableDigest.hex(replica.description) + "_" + shown
    }

    private var quoted: String { RedshiftText.table(table) }

    /// `state` is JSON; the other columns are the stamp that a writer must find.
    var create: String {
        """
        CREATE TABLE IF NOT EXISTS \(quoted) (installation VARCHAR(64) NOT NULL, job VARCHAR(512) NOT NULL, \
        source_name VARCHAR(1024) NOT NULL, generation BIGINT NOT NULL, batch BIGINT NOT NULL, \
        state VARCHAR(65535) NOT NULL, updated_at TIMESTAMP) DISTSTYLE ALL
        """
    }

    /// First statement of each transaction: a LOCK taken after the snapshot does not prevent error 1023.
    var lock: String { "LOCK \(quoted)" }

    var read: String { "SELECT installation, job, generation, batch, state FROM \(quoted)" }

    /// Rows of the replica and checkpoint in one statement, and so as of one moment.
    func readWithCount(of replica: TableName) -> String {
        "SELECT installation, job, generation, batch, state, (SELECT COUNT(*) FROM \(RedshiftText.table(replica))) "
            + "FROM \(quoted)"
    }

    /// Forgets the position: the next run loads from the start, and an owner that still believes in it is refused.
    var void: String { "DELETE FROM \(quoted)" }

    func write(_ checkpoint: Checkpoint, sourceName: String, isFirst: Bool) throws -> String {
        let state = RedshiftText.literal(try Self.encode(checkpoint.state))
        let stamp = checkpoint.stamp
        let installation = RedshiftText.literal(stamp.installation)
        let job = RedshiftText.literal(stamp.job)
        let name = RedshiftText.literal(sourceName)
        if isFirst {
            return """
                INSERT INTO \(quoted) (installation, job, source_name, generation, batch, state, updated_at) \
                VALUES (\(installation), \(job), \(name), \(stamp.generation), \(stamp.batch), \(state), SYSDATE)
                """
        }
        return """
            UPDATE \(quoted) SET installation = \(installation), job = \(job), source_name = \(name), \
            generation = \(stamp.generation), batch = \(stamp.batch), state = \(state), updated_at = SYSDATE
            """
    }

    /// Which of the schemas hold this checkpoint table.
    static func find(_ name: String, in schemas: [String]) -> String {
        """
        SELECT table_schema FROM information_schema.tables WHERE table_name = \(RedshiftText.literal(name)) \
        AND table_schema IN (\(schemas.map(RedshiftText.literal).joined(separator: ", ")))
        """
    }

    static func encode(_ state: CheckpointState) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(state), as: UTF8.self)
    }

    /// - Throws: `ReplicationError` when the row was not written by a release that this one understands.
    static func decode(_ row: [String?], of table: TableName) throws -> Checkpoint {
        guard row.count == 5, let installation = row[0], let job = row[1],
            let generation = row[2].flatMap({ Int64($0) }),
            let batch = row[3].flatMap({ Int64($0) }), let text = row[4]
        else { throw unreadable(table, nil) }
        do {
            let state = try JSONDecoder().decode(CheckpointState.self, from: Data(text.utf8))
            let stamp = CheckpointStamp(installation: installation, job: job, generation: generation, batch: batch)
            return Checkpoint(stamp: stamp, state: state)
        } catch {
            throw unreadable(table, error)
        }
    }

    private static func unreadable(_ table: TableName, _ error: (any Error)?) -> ReplicationError {
        ReplicationError(
            .schemaMismatch, what: "The checkpoint \(table) cannot be read", why: "another release may have written it",
            fix: "Run the newest release on all machines.", underlying: error)
    }
}
