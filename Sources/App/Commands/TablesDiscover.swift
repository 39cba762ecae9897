import ArgumentParser
import Foundation
import Operations
import Replication
import Scheduling

extension Tables {
    struct Discover: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the source's tables, with a mode for each; with --create, set replicas up.",
            discussion: """
                Columns whose names look like secrets are left out: tables set --include copies them. So are those that the \
                loader's user may not read, until it may.
                Example: redshift-loader tables discover shop --create --only 'orders,order_*'
                Exit status: 0; 64 unknown job; 69 or 77 when the source cannot be read; 78 configuration.
                """)
        @OptionGroup var common: CommonOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "The job's name.") var name: String
        @Flag(help: "Create the replicas.") var create = false
        @Flag(help: "All tables but the framework's own.") var all = false
        @Option(help: "Only these, separated by commas; * and ? stand for any text and any character.")
        var only: String?
        @Flag(help: "Show what becomes of each column.") var columns = false

        func validate() throws {
            if all, only != nil { throw ValidationError("Give either --all or --only.") }
            if create, !all, only == nil { throw ValidationError("--create needs --all or --only 'glob,glob'.") }
        }

        func execute(_ app: Composition) async throws {
            let job = try await Catalog(store: app.store).job(name)
            for notice in try app.connections.notices(job) { Terminal.message("Note: \(notice).") }
            let selection = only.map { TableSelection.patterns(SettingText.list($0)) } ?? .all
            let survey =
                create
                ? try await app.discovery.create(job, selection)
                : try await app.discovery.survey(job, selection)
            if let only, !survey.contains(where: { selection.includes($0.table.name) }) {
                let names = survey.map(\.table.name.name)
                let hint = NameMatching.nearest(to: only, among: names).map { "Did you mean \($0)? " } ?? ""
                throw OperationError(
                    .usage, what: "No table of the source fits \(only)", why: "it has \(Counted.tables(names.count))",
                    fix: "\(hint)List them: redshift-loader tables discover \(job.name).")
            }
            DiscoveryOutput(survey, job: job, selection: selection, only: only, isCreated: create)
                .tell(json: output.json, columns: columns)
        }
    }

    struct Add: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set up replicas of single tables, by their exact names.",
            discussion: """
                Example: redshift-loader tables add shop orders audit.events --mode InsertOnlyTable --primary-key id
                A table that the job has already stays as it is.
                Exit status: 0; 1 when one was not made; 64 for an unknown job or table, a mode that it cannot have, or \
                another one than it has.
                """)
        @OptionGroup var common: CommonOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "The job's name.") var name: String
        @Argument(help: "Tables, alone or as schema.table.") var tables: [String]
        @OptionGroup(title: "Instead of what is suggested") var keys: KeyOptions

        func execute(_ app: Composition) async throws {
            let job = try await Catalog(store: app.store).job(name)
            let selection = TableSelection.names(tables)
            var wishes = TableSettingsChange()
            try keys.apply(to: &wishes)
            let survey = try await app.discovery.create(job, selection, wishes: wishes)
            let named = survey.filter { selection.includes($0.table.name) }
            DiscoveryOutput(named, job: job, isCreated: true).tell(json: output.json, columns: false)
            let refused = named.contains { if case .skip = $0.decision { true } else { false } }
            if refused { throw ExitCode(1) }
        }
    }
}
