import Foundation
import Scheduling

/// The text of what people edit about jobs.
enum JobStatements {
    static let all = MetadataStatement("SELECT * FROM jobs ORDER BY name")

    static func one(_ id: Int64) -> MetadataStatement {
        MetadataStatement("SELECT * FROM jobs WHERE id = :id", ["id": id])
    }

    static func insert(_ job: JobRecord, now: Int64) throws -> MetadataStatement {
        MetadataStatement(
            """
            INSERT INTO jobs (name, source_url_env, source_url_sealed, destination_url_env, destination_url_sealed,
                source_schema, more_source_schemas, destination_schema, destination_prefix, active, interval_seconds,
                query_group, statement_timeout_seconds, wlm_query_slot_count, created_at, updated_at)
            VALUES (:name, :sourceEnv, :sourceSealed, :destinationEnv, :destinationSealed, :sourceSchema,
                :moreSchemas, :destinationSchema, :prefix, :active, :interval, :queryGroup, :statementTimeout, :slotCount,
                :now, :now)
            RETURNING id
            """, try columns(job, now: now))
    }

    static func update(_ job: JobRecord, now: Int64) throws -> MetadataStatement {
        MetadataStatement(
            """
            UPDATE jobs SET name = :name, source_url_env = :sourceEnv, source_url_sealed = :sourceSealed,
                destination_url_env = :destinationEnv, destination_url_sealed = :destinationSealed,
                source_schema = :sourceSchema, more_source_schemas = :moreSchemas,
                destination_schema = :destinationSchema, destination_prefix = :prefix, active = :active,
                interval_seconds = :interval, query_group = :queryGroup,
                statement_timeout_seconds = :statementTimeout, wlm_query_slot_count = :slotCount, updated_at = :now
            WHERE id = :id
            """, try columns(job, now: now) + ["id": job.id])
    }

    /// A shorter interval counts from now, not from the end of the longer one.
    static func hastenTables(of job: JobRecord, now: Int64) -> MetadataStatement {
        MetadataStatement(
            """
            UPDATE tables SET next_run_at = CASE WHEN next_run_at > :next THEN :next ELSE next_run_at END
            WHERE job_id = :id AND interval_seconds IS NULL
            """, ["id": job.id, "next": now + job.interval.microseconds])
    }

    /// Tables and their copies go with it.
    static func delete(_ id: Int64) -> MetadataStatement {
        MetadataStatement("DELETE FROM jobs WHERE id = :id", ["id": id])
    }

    static func resealSource(_ id: Int64, from old: Data, to new: Data) -> MetadataStatement {
        MetadataStatement(
            "UPDATE jobs SET source_url_sealed = :new WHERE id = :id AND source_url_sealed = :old",
            ["id": id, "old": old, "new": new])
    }

    static func resealDestination(_ id: Int64, from old: Data, to new: Data) -> MetadataStatement {
        MetadataStatement(
            "UPDATE jobs SET destination_url_sealed = :new WHERE id = :id AND destination_url_sealed = :old",
            ["id": id, "old": old, "new": new])
    }

    private static func columns(_ job: JobRecord, now: Int64) throws -> StatementValues {
        [
            "name": job.name, "sourceEnv": job.source.variable, "sourceSealed": job.source.sealedBytes,
            "destinationEnv": job.destination.variable, "destinationSealed": job.destination.sealedBytes,
            "sourceSchema": job.sourceSchemas.first ?? "public",
            "moreSchemas": try StoredJSON.text(Array(job.sourceSchemas.dropFirst())),
            "destinationSchema": job.destinationSchema, "prefix": job.destinationPrefix, "active": job.active,
            "interval": job.interval.seconds, "queryGroup": job.destinationSession.queryGroup,
            "statementTimeout": job.destinationSession.statementTimeout?.seconds,
            "slotCount": job.destinationSession.slotCount, "now": now,
        ]
    }
}

extension ConnectionReference {
    fileprivate var variable: String? {
        if case .environment(let variable) = self { variable } else { nil }
    }

    fileprivate var sealedBytes: Data? {
        if case .sealed(let bytes) = self { bytes } else { nil }
    }
}
