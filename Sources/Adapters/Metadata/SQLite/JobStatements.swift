import Foundation
import GRDB
import Scheduling

/// The text of what people edit about jobs.
enum JobStatements {
    static let all = SQLiteStatement("SELECT * FROM jobs ORDER BY name")

    static func one(_ id: Int64) -> SQLiteStatement {
        SQLiteStatement("SELECT * FROM jobs WHERE id = :id", ["id": id])
    }

    static func insert(_ job: JobRecord, now: Int64) throws -> SQLiteStatement {
        SQLiteStatement(
            """
            INSERT INTO jobs (name, source_url_env, source_url_sealed, destination_url_env, destination_url_sealed,
                source_schema, more_source_schemas, destination_schema, destination_prefix, active, interval_seconds,
                created_at, updated_at)
            VALUES (:name, :sourceEnv, :sourceSealed, :destinationEnv, :destinationSealed, :sourceSchema,
                :moreSchemas, :destinationSchema, :prefix, :active, :interval, :now, :now)
            """, try columns(job, now: now))
    }

    static func update(_ job: JobRecord, now: Int64) throws -> SQLiteStatement {
        SQLiteStatement(
            """
            UPDATE jobs SET name = :name, source_url_env = :sourceEnv, source_url_sealed = :sourceSealed,
                destination_url_env = :destinationEnv, destination_url_sealed = :destinationSealed,
                source_schema = :sourceSchema, more_source_schemas = :moreSchemas,
                destination_schema = :destinationSchema, destination_prefix = :prefix, active = :active,
                interval_seconds = :interval, updated_at = :now
            WHERE id = :id
            """, try columns(job, now: now) &+ ["id": job.id])
    }

    /// A shorter interval counts from now, not from the end of the longer one.
    static func hastenTables(of job: JobRecord, now: Int64) -> SQLiteStatement {
        SQLiteStatement(
            """
            UPDATE tables SET next_run_at = min(next_run_at, :next)
            WHERE job_id = :id AND json_extract(schedule, '$.intervalSeconds') IS NULL
            """, ["id": job.id, "next": now + job.interval.microseconds])
    }

    /// Tables and their copies go with it.
    static func delete(_ id: Int64) -> SQLiteStatement {
        SQLiteStatement("DELETE FROM jobs WHERE id = :id", ["id": id])
    }

    private static func columns(_ job: JobRecord, now: Int64) throws -> StatementArguments {
        [
            "name": job.name, "sourceEnv": job.source.variable, "sourceSealed": job.source.sealedBytes,
            "destinationEnv": job.destination.variable, "destinationSealed": job.destination.sealedBytes,
            "sourceSchema": job.sourceSchemas.first ?? "public",
            "moreSchemas": try StoredJSON.text(Array(job.sourceSchemas.dropFirst())),
            "destinationSchema": job.destinationSchema, "prefix": job.destinationPrefix, "active": job.active,
            "interval": job.interval.seconds, "now": now,
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
