import Foundation
import GRDB
import Scheduling

/// The text of what people edit about jobs.
enum JobStatements {
    static let all = SQLiteStatement("SELECT * FROM jobs ORDER BY name")

    static func one(_ id: Int64) -> SQLiteStatement {
        SQLiteStatement("SELECT * FROM jobs WHERE id = :id", ["id": id])
    }

    static func insert(_ job: JobRecord, now: Int64) -> SQLiteStatement {
        SQLiteStatement(
            """
            INSERT INTO jobs (name, source_url_env, source_url_sealed, destination_url_env, destination_url_sealed,
                source_schema, destination_schema, active, interval_seconds, created_at, updated_at)
            VALUES (:name, :sourceEnv, :sourceSealed, :destinationEnv, :destinationSealed, :sourceSchema,
                :destinationSchema, :active, :interval, :now, :now)
            """, columns(job, now: now))
    }

    static func update(_ job: JobRecord, now: Int64) -> SQLiteStatement {
        SQLiteStatement(
            """
            UPDATE jobs SET name = :name, source_url_env = :sourceEnv, source_url_sealed = :sourceSealed,
                destination_url_env = :destinationEnv, destination_url_sealed = :destinationSealed,
                source_schema = :sourceSchema, destination_schema = :destinationSchema, active = :active,
                interval_seconds = :interval, updated_at = :now
            WHERE id = :id
            """, columns(job, now: now) &+ ["id": job.id])
    }

    /// Tables and their copies go with it.
    static func delete(_ id: Int64) -> SQLiteStatement {
        SQLiteStatement("DELETE FROM jobs WHERE id = :id", ["id": id])
    }

    private static func columns(_ job: JobRecord, now: Int64) -> StatementArguments {
        [
            "name": job.name, "sourceEnv": job.source.variable, "sourceSealed": job.source.sealedBytes,
            "destinationEnv": job.destination.variable, "destinationSealed": job.destination.sealedBytes,
            "sourceSchema": job.sourceSchema, "destinationSchema": job.destinationSchema, "active": job.active,
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
