import ArgumentParser
import Foundation
import Operations
import Scheduling

struct Jobs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Jobs: a source, a destination and their tables.",
        subcommands: [
            Add.self, List.self, Show.self, Test.self, Activate.self, Pause.self, Remove.self, Setup.self,
        ])

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
        @Option(help: "Environment variable that holds the source's connection string.") var sourceURLEnv: String?
        @Option(help: "Environment variable that holds the destination's connection string.")
        var destinationURLEnv: String?
        @Flag(name: .customLong("source-url-stdin"), help: "Read the source's connection string from standard input.")
        var sourceFromInput = false
        @Flag(
            name: .customLong("destination-url-stdin"),
            help: "Read the destination's connection string from standard input.")
        var destinationFromInput = false
        @Option(help: "Schema of the source's tables.") var sourceSchema = "public"
        @Option(help: "Schema of the replica's tables.") var destinationSchema = "public"
        @Option(help: "How often tables are due, for example 60s.") var interval: String?

        func validate() throws {
            guard (sourceURLEnv != nil) != sourceFromInput else {
                throw ValidationError("Give either --source-url-env VAR or --source-url-stdin.")
            }
            guard (destinationURLEnv != nil) != destinationFromInput else {
                throw ValidationError("Give either --destination-url-env VAR or --destination-url-stdin.")
            }
            if let interval, DurationText.parse(interval) == nil {
                throw ValidationError("--interval takes a duration such as 30s, 5m or 2h.")
            }
        }

        func execute(_ app: Composition) async throws {
            let job = JobRecord(
                name: name, source: try reference(sourceURLEnv, .source, app),
                destination: try reference(destinationURLEnv, .destination, app), sourceSchema: sourceSchema,
                destinationSchema: destinationSchema,
                interval: interval.flatMap(DurationText.parse) ?? app.configuration.defaultInterval)
            let added = try await JobOperations(store: app.store).add(job)
            Terminal.answer("Job \(added.name) added, inactive, every \(DurationText.text(added.interval)).")
            for variable in [sourceURLEnv, destinationURLEnv].compactMap({ $0 })
            where Environment.variable(named: variable) == nil {
                Terminal.message("Note: \(variable) is not set here; it must be where the job runs.")
            }
            Terminal.message("Next: redshift-loader jobs test \(added.name)")
        }

        private func reference(
            _ variable: String?, _ side: Connections.Side, _ app: Composition
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

    struct List: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "List jobs.", discussion: "Example: redshift-loader jobs list --json\nExit status: 0.")
        @OptionGroup var common: CommonOptions
        @OptionGroup var output: JSONOption

        func execute(_ app: Composition) async throws {
            let jobs = try await app.store.jobs()
            if output.json {
                Terminal.answer(JobOutput.json(jobs).text)
            } else if jobs.isEmpty {
                Terminal.message("No jobs yet. Add one: redshift-loader jobs add NAME --source-url-env VAR …")
            } else {
                Terminal.answer(
                    Terminal.table(["JOB", "ACTIVE", "INTERVAL", "SOURCE", "DESTINATION"], jobs.map(JobOutput.row)))
            }
        }
    }

    struct Show: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one job.",
            discussion: "Example: redshift-loader jobs show shop\nExit status: 0; 64 for an unknown job.")
        @OptionGroup var common: CommonOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "The job's name.") var name: String

        func execute(_ app: Composition) async throws {
            let job = try await Catalog(store: app.store).job(name)
            if output.json {
                Terminal.answer(JobOutput.json([job]).text)
                return
            }
            let tables = try await app.store.tables(ofJob: job.id)
            for (label, value) in JobOutput.facts(job, tables: tables.count) {
                Terminal.answer(label.padding(toLength: 13, withPad: " ", startingAt: 0) + value)
            }
        }
    }

    struct Test: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Try source, destination and staging of a job.",
            discussion: "Example: redshift-loader jobs test shop\nExit status: 0; 1 when a check fails; 64 unknown job."
        )
        @OptionGroup var common: CommonOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "The job's name.") var name: String

        func execute(_ app: Composition) async throws {
            let job = try await Catalog(store: app.store).job(name)
            let checks = await app.connections.check(job)
            if output.json {
                Terminal.answer(JobOutput.json(checks).text)
            } else {
                for check in checks {
                    Terminal.answer("\(JobOutput.glyph(check.outcome)) \(check.name): \(check.message)")
                }
            }
            if checks.contains(where: { $0.outcome == .fail }) { throw ExitCode(1) }
        }
    }

    struct Activate: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let workers run a job's tables at its interval.",
            discussion: "Example: redshift-loader jobs activate shop\nExit status: 0; 64 for an unknown job.")
        @OptionGroup var common: CommonOptions
        @Argument(help: "The job's name.") var name: String

        func execute(_ app: Composition) async throws {
            let job = try await JobOperations(store: app.store).setActive(name, true)
            Terminal.answer("Job \(job.name) is active: its tables are due every \(DurationText.text(job.interval)).")
            Terminal.message("They run where redshift-loader serve runs.")
        }
    }

    struct Pause: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stop running a job's tables; a run under way ends by itself.",
            discussion: "Example: redshift-loader jobs pause shop\nExit status: 0; 64 for an unknown job.")
        @OptionGroup var common: CommonOptions
        @Argument(help: "The job's name.") var name: String

        func execute(_ app: Composition) async throws {
            let job = try await JobOperations(store: app.store).setActive(name, false)
            Terminal.answer("Job \(job.name) is paused.")
        }
    }

    struct Remove: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget a job and its tables; replicas and their checkpoints stay in the destination.",
            discussion: "Example: redshift-loader jobs remove shop\nExit status: 0; 64 for an unknown job.")
        @OptionGroup var common: CommonOptions
        @Argument(help: "The job's name.") var name: String

        func execute(_ app: Composition) async throws {
            let (job, tables) = try await JobOperations(store: app.store).remove(name)
            Terminal.answer("Job \(job.name) and its \(tables) tables are forgotten; the replicas stay as they are.")
        }
    }

    struct Setup: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Discover and create all tables of a job: tables discover NAME --create --all.",
            discussion: "Example: redshift-loader jobs setup shop\nExit status: as tables discover.")
        @OptionGroup var common: CommonOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "The job's name.") var name: String

        func execute(_ app: Composition) async throws {
            let job = try await Catalog(store: app.store).job(name)
            let survey = try await app.discovery.create(job, only: [])
            DiscoveryOutput.tell(survey, job: job, created: true, json: output.json)
        }
    }
}
