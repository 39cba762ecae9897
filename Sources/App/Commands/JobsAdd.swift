import ArgumentParser
import Foundation
import Operations
import Replication
import Scheduling

/// Where a job's connection strings come from.
struct ConnectionOptions: ParsableArguments {
    @Option(help: "Environment variable that holds the source's connection string.") var sourceURLEnv: String?
    @Option(help: "Environment variable that holds the destination's connection string.")
    var destinationURLEnv: String?
    @Flag(name: .customLong("source-url-stdin"), help: "Read the source's connection string from standard input.")
    var sourceFromInput = false
    @Flag(
        name: .customLong("destination-url-stdin"),
        help: "Read the destination's connection string from standard input.")
    var destinationFromInput = false

    func validate() throws {
        if sourceURLEnv != nil, sourceFromInput {
            throw ValidationError("Give either --source-url-env VAR or --source-url-stdin.")
        }
        if destinationURLEnv != nil, destinationFromInput {
            throw ValidationError("Give either --destination-url-env VAR or --destination-url-stdin.")
        }
    }

    var namesSource: Bool { sourceURLEnv != nil || sourceFromInput }
    var namesDestination: Bool { destinationURLEnv != nil || destinationFromInput }

    /// The source comes on the first line of standard input where both come from there.
    /// - Returns: nil for a side that is not named.
    func references(
        ofJob name: String, _ app: Composition
    ) throws -> (source: ConnectionReference?, destination: ConnectionReference?) {
        (
            try namesSource ? reference(sourceURLEnv, .source, ofJob: name, app) : nil,
            try namesDestination ? reference(destinationURLEnv, .destination, ofJob: name, app) : nil
        )
    }

    /// Says which variables are not set here.
    func tellMissing() {
        for variable in [sourceURLEnv, destinationURLEnv].compactMap({ $0 })
        where Environment.variable(named: variable) == nil {
            Terminal.message("Note: \(variable) is not set here; it must be where the job runs.")
        }
    }

    private func reference(
        _ variable: String?, _ side: Connections.Side, ofJob name: String, _ app: Composition
    ) throws -> ConnectionReference {
        if let variable { return .environment(variable: variable) }
        guard let line = readLine()?.trimmingCharacters(in: .whitespaces), !line.isEmpty else {
            throw OperationError(
                .badInput, what: "No \(side.rawValue) connection string came on standard input",
                why: "the input ended before it", fix: "Pipe it in, one line for each.")
        }
        let context = Connections.sealingContext(job: name, side: side)
        return .sealed(try app.secrets.seal(line, context: context))
    }
}

/// What a job's tables have in common.
struct JobOptions: ParsableArguments {
    @Option(
        help: """
            Schemas of the source's tables, separated by commas or given several times; unless given, public, or the \
            database that a MySQL connection string names.
            """)
    var sourceSchema: [String] = []
    @Option(help: "Schema of the replicas; public unless given.") var destinationSchema: String?
    @Option(help: "Put before every replica's name, for example crm_.") var destinationPrefix: String?
    @Option(help: "How often tables are due, for example 60s.") var interval: String?

    func validate() throws {
        if let interval, DurationText.parse(interval) == nil {
            throw ValidationError("--interval takes a duration such as 30s, 5m or 2h.")
        }
    }

    /// nil where none is given.
    var schemas: [String]? { sourceSchema.isEmpty ? nil : sourceSchema.flatMap { SettingText.list($0) } }
    var duration: Duration? { interval.flatMap(DurationText.parse) }
}

/// What the job's sessions at the destination are told.
struct SessionOptions: ParsableArguments {
    @Option(help: "Query group that Redshift's queues route by; none: redshift-loader.") var queryGroup: String?
    @Option(help: "Longest statement in Redshift, for example 5m; none: STATEMENT_TIMEOUT.")
    var statementTimeout: String?
    @Option(help: "Slots of a queue of manual WLM for each statement, 1 to 50; none: one.")
    var wlmQuerySlotCount: String?

    func apply(to change: inout JobChange) throws {
        change.queryGroup = try SettingText.setting(queryGroup, "--query-group", example: "loads") { $0 }
        change.statementTimeout = try SettingText.setting(
            statementTimeout, "--statement-timeout", example: "5m", DurationText.parse)
        change.slotCount = try SettingText.setting(wlmQuerySlotCount, "--wlm-query-slot-count", example: "2") {
            Int($0)
        }
    }
}

extension Jobs {
    struct Add: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a job; it starts inactive.",
            discussion: """
                Connection strings are given as the name of an environment variable, or on standard input and then \
                stored encrypted; with both from standard input the source comes on the first line.
                Example: redshift-loader jobs add shop --source-url-env SHOP_URL --destination-url-env REDSHIFT_URL
                Exit status: 0; 64 when the name is taken or wrong; 78 configuration.
                """)
        @OptionGroup var common: CommonOptions
        @Argument(help: "The job's name.") var name: String
        @OptionGroup var connections: ConnectionOptions
        @OptionGroup var options: JobOptions
        @OptionGroup(title: "Sessions in Redshift") var session: SessionOptions

        func validate() throws {
            guard connections.namesSource else {
                throw ValidationError("Give either --source-url-env VAR or --source-url-stdin.")
            }
            guard connections.namesDestination else {
                throw ValidationError("Give either --destination-url-env VAR or --destination-url-stdin.")
            }
        }

        func execute(_ app: Composition) async throws {
            var change = JobChange()
            try session.apply(to: &change)
            let (source, destination) = try connections.references(ofJob: name, app)
            guard let source, let destination else { return }
            let job = JobRecord(
                name: name, source: source, destination: destination, sourceSchemas: options.schemas ?? ["public"],
                destinationSchema: options.destinationSchema ?? "public",
                destinationPrefix: options.destinationPrefix ?? "",
                interval: options.duration ?? app.configuration.defaultInterval,
                destinationSession: change.changed(DestinationSession()))
            let added = try await JobOperations(store: app.store).add(job)
            Terminal.answer("Job \(added.name) added, inactive, every \(DurationText.text(added.interval)).")
            connections.tellMissing()
            Terminal.message("Next: redshift-loader jobs test \(added.name)")
        }
    }

    struct Edit: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change a job; what is not given stays.",
            discussion: """
                Schema and prefix of the destination hold for tables that are added from now on. A job keeps its name: \
                checkpoints know it by that.
                Example: redshift-loader jobs edit shop --interval 5m --source-schema public,audit
                Exit status: 0; 64 for an unknown job or a wrong setting; 75 while a table is being synced whose destination \
                changes.
                """)
        @OptionGroup var common: CommonOptions
        @Argument(help: "The job's name.") var name: String
        @OptionGroup var connections: ConnectionOptions
        @OptionGroup var options: JobOptions
        @OptionGroup(title: "Sessions in Redshift") var session: SessionOptions

        func execute(_ app: Composition) async throws {
            // Before standard input is read: a misspelled name must not cost a typed secret.
            _ = try await Catalog(store: app.store).job(name)
            var change = JobChange()
            try session.apply(to: &change)
            (change.source, change.destination) = try connections.references(ofJob: name, app)
            change.sourceSchemas = options.schemas
            change.destinationSchema = options.destinationSchema
            change.destinationPrefix = options.destinationPrefix
            change.interval = options.duration
            guard !change.isEmpty else {
                throw OperationError(
                    .usage, what: "Nothing to change", why: "no setting was given",
                    fix: "See: redshift-loader help jobs edit.")
            }
            let editing = JobEditing(store: app.store)
            let (job, sentences) = try await editing.edit(name, change)
            Terminal.answer("Job \(job.name) changed.")
            for sentence in sentences { Terminal.message(sentence) }
            connections.tellMissing()
        }
    }
}
