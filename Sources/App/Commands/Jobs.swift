import ArgumentParser
import Foundation
import Operations
import Scheduling

struct Jobs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Jobs: a source, a destination and their tables.",
        subcommands: [
            Add.self, Edit.self, List.self, Show.self, Test.self, Setup.self, Activate.self, Pause.self, Export.self,
            Import.self, Remove.self,
        ])

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

    struct Activate: JobSwitch {
        static let configuration = CommandConfiguration(
            abstract: "Let workers run a job's tables at its interval.",
            discussion: "Example: redshift-loader jobs activate shop\nExit status: 0; 64 for an unknown job.")
        static let activates = true
        @OptionGroup var common: CommonOptions
        @Argument(help: "The job's name.") var name: String
    }

    struct Pause: JobSwitch {
        static let configuration = CommandConfiguration(
            abstract: "Stop running a job's tables; a run under way ends by itself.",
            discussion: "Example: redshift-loader jobs pause shop\nExit status: 0; 64 for an unknown job.")
        static let activates = false
        @OptionGroup var common: CommonOptions
        @Argument(help: "The job's name.") var name: String
    }

    struct Remove: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget a job and its tables; replicas stay in the destination, and any job may take them.",
            discussion: """
                Example: redshift-loader jobs remove shop
                Exit status: 0; 64 for an unknown job; 69 when Redshift cannot be reached; 75 while a table is being synced.
                """)
        @OptionGroup var common: CommonOptions
        @Flag(help: "Also where Redshift cannot be reached; the checkpoints then stay there.") var force = false
        @Argument(help: "The job's name.") var name: String

        func execute(_ app: Composition) async throws {
            let (job, tables, leftBehind) = try await app.tables.removeJob(name, force: force)
            Terminal.answer(
                "Job \(job.name) and its \(Counted.tables(tables)) are forgotten; replicas stay as they are.")
            guard leftBehind > 0 else { return }
            Terminal.message(
                "Redshift could not be asked: the checkpoints of \(Counted.tables(leftBehind)) stay there, and refuse "
                    + "others until redshift-loader tables adopt.")
        }
    }

    struct Setup: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Discover and create all tables of a job: tables discover NAME --create --all.",
            discussion: """
                Tables that the job has already stay as they are.
                Example: redshift-loader jobs setup shop
                Exit status: as tables discover.
                """)
        @OptionGroup var common: CommonOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "The job's name.") var name: String

        func execute(_ app: Composition) async throws {
            let job = try await Catalog(store: app.store).job(name)
            let survey = try await app.discovery.create(job, .all)
            DiscoveryOutput(survey, job: job, isCreated: true).tell(json: output.json, columns: false)
        }
    }
}

/// `jobs activate` and `jobs pause`.
protocol JobSwitch: LoaderCommand {
    static var activates: Bool { get }
    var name: String { get }
}

extension JobSwitch {
    func execute(_ app: Composition) async throws {
        let job = try await JobOperations(store: app.store).setActive(name, Self.activates)
        guard job.active else {
            Terminal.answer("Job \(job.name) is paused.")
            return
        }
        Terminal.answer("Job \(job.name) is active: its tables are due every \(DurationText.text(job.interval)).")
        Terminal.message("They run where redshift-loader serve runs.")
    }
}
