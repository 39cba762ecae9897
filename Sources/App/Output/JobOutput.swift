import Operations
import Replication
import Scheduling

/// How jobs and checks are printed; connection strings never are.
enum JobOutput {
    static func json(_ jobs: [JobRecord]) -> JSONValue {
        let list = jobs.map { job in
            JSONValue.object([
                ("job", .string(job.name)), ("active", .bool(job.active)),
                ("interval_seconds", .number(job.interval / .seconds(1))),
                ("source", .string(reference(job.source))),
                ("source_schema", .optional(job.sourceSchemas.first)),
                ("source_schemas", .array(job.sourceSchemas.map { .string($0) })),
                ("destination", .string(reference(job.destination))),
                ("destination_schema", .string(job.destinationSchema)),
                ("destination_prefix", .string(job.destinationPrefix)),
                ("query_group", .optional(job.destinationSession.queryGroup)),
                ("statement_timeout_seconds", seconds(job.destinationSession.statementTimeout)),
                ("wlm_query_slot_count", .optional(job.destinationSession.slotCount)),
            ])
        }
        return .object([("schema_version", .integer(1)), ("jobs", .array(list))])
    }

    private static func seconds(_ duration: Duration?) -> JSONValue {
        guard let duration else { return .null }
        return .number(duration / .seconds(1))
    }

    static func json(_ checks: [NamedCheck]) -> JSONValue {
        let list = checks.map { check in
            JSONValue.object([
                ("name", .string(check.name)), ("outcome", .string(check.outcome.rawValue)),
                ("message", .string(check.message)),
            ])
        }
        return .object([("schema_version", .integer(1)), ("checks", .array(list))])
    }

    static func row(_ job: JobRecord) -> [String] {
        [
            job.name, job.active ? "yes" : "no", DurationText.text(job.interval),
            "\(reference(job.source)) (\(schemas(job)))", "\(reference(job.destination)) (\(target(job)))",
        ]
    }

    static func facts(_ job: JobRecord, tables: Int) -> [(String, String)] {
        [
            ("Job", job.name), ("Active", job.active ? "yes" : "no"), ("Interval", DurationText.text(job.interval)),
            ("Source", "\(reference(job.source)), schema \(schemas(job))"),
            ("Destination", "\(reference(job.destination)), schema \(target(job))"),
        ] + facts(job.destinationSession) + [("Tables", "\(tables)")]
    }

    /// Only what is set.
    private static func facts(_ session: DestinationSession) -> [(String, String)] {
        [
            session.queryGroup.map { ("Query group", $0) },
            session.statementTimeout.map { ("Timeout", "\(DurationText.text($0)) for a statement in Redshift") },
            session.slotCount.map { ("WLM slots", "\($0)") },
        ].compactMap { $0 }
    }

    private static func schemas(_ job: JobRecord) -> String { job.sourceSchemas.joined(separator: ", ") }

    /// Schema and, where there is one, the prefix.
    private static func target(_ job: JobRecord) -> String {
        job.destinationSchema + (job.destinationPrefix.isEmpty ? "" : ", names \(job.destinationPrefix)…")
    }

    static func glyph(_ outcome: NamedCheck.Outcome) -> String {
        switch outcome {
        case .pass: "✔"
        case .warn: "▲"
        case .fail: "✖"
        }
    }

    private static func reference(_ reference: ConnectionReference) -> String {
        switch reference {
        case .environment(let variable): "$\(variable)"
        case .sealed: "stored, encrypted"
        }
    }
}
