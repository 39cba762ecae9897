import ArgumentParser
import Foundation
import Operations
import Replication
import Scheduling

struct Tables: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The tables of jobs.",
        subcommands: [
            Discover.self, List.self, Show.self, Set.self, Enable.self, Disable.self, Runs.self,
        ])

    struct Discover: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the source's tables, with a mode for each; with --create, set replicas up.",
            discussion: """
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

        func validate() throws {
            if all, only != nil { throw ValidationError("Give either --all or --only.") }
            if create, !all, only == nil { throw ValidationError("--create needs --all or --only 'glob,glob'.") }
        }

        func execute(_ app: Composition) async throws {
            let job = try await Catalog(store: app.store).job(name)
            for notice in try app.connections.notices(job) { Terminal.message("Note: \(notice).") }
            let patterns = only?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } ?? []
            let survey =
                create
                ? try await app.discovery.create(job, only: patterns)
                : try await app.discovery.survey(job, only: patterns)
            let names = survey.map(\.table.name.name)
            let isFound = names.contains { name in patterns.contains { NameMatching.matches(name, glob: $0) } }
            if let only, !isFound {
                let hint = NameMatching.nearest(to: only, among: names).map { "Did you mean \($0)? " } ?? ""
                throw OperationError(
                    .usage, what: "No table of the source fits \(only)", why: "it has \(names.count) tables",
                    fix: "\(hint)List them: redshift-loader tables discover \(job.name).")
            }
            DiscoveryOutput.tell(survey, job: job, created: create, json: output.json)
        }
    }

    struct List: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "List tables.",
            discussion: "Example: redshift-loader tables list shop\nExit status: 0; 64 for an unknown job.")
        @OptionGroup var common: CommonOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "JOB or JOB/TABLE; all without.") var selector: String?

        func execute(_ app: Composition) async throws {
            let report = try await StatusReport.make(store: app.store, selector: selector, clock: app.clock)
            Terminal.answer(output.json ? StatusOutput.json(report).text : StatusOutput.tables(report.tables))
        }
    }

    struct Show: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one table: settings, position and columns.",
            discussion: "Example: redshift-loader tables show shop/orders\nExit status: 0; 64 for an unknown table.")
        @OptionGroup var common: CommonOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "JOB/TABLE") var selector: String

        func execute(_ app: Composition) async throws {
            let (job, table) = try await Catalog(store: app.store).table(selector)
            let status = TableStatus(job: job, table: table, now: app.clock.now)
            if output.json {
                Terminal.answer(StatusOutput.detail(status).text)
            } else {
                Terminal.answer(StatusOutput.page(status))
            }
        }
    }

    struct Set: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change a table's settings or its position.",
            discussion: """
                Example: redshift-loader tables set shop/orders --updated-key modified_at
                Exit status: 0; 64 for a setting that the table cannot have; 75 while it is being synced.
                """)
        @OptionGroup var common: CommonOptions
        @Argument(help: "JOB/TABLE") var selector: String
        @Option(help: "InsertOnlyTable, UpdateAndInsertTable or FullSyncTable.") var mode: String?
        @Option(help: "Key columns, separated by commas.") var primaryKey: String?
        @Option(help: "Column that orders changes.") var updatedKey: String?
        @Option(help: "The sequential column of an InsertOnlyTable.") var cursorKey: String?
        @Option(help: "Go on after this key.") var maxPrimaryKey: String?
        @Option(help: "Go on from this time, in UTC.") var maxUpdatedKey: String?

        func execute(_ app: Composition) async throws {
            var change = TableSettingsChange()
            change.mode = try mode.map { text in
                guard let mode = SyncMode(spelled: text) else {
                    throw OperationError(
                        .usage, what: "\(text) is no mode", why: "there are three",
                        fix: "Give one of: \(SyncMode.allCases.map(\.rawValue).joined(separator: ", ")).")
                }
                return mode
            }
            change.primaryKey = primaryKey?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            change.updatedKey = updatedKey
            change.cursorKey = cursorKey
            change.maxPrimaryKey = maxPrimaryKey
            change.maxUpdatedKey = maxUpdatedKey
            guard !change.isEmpty else {
                throw OperationError(
                    .usage, what: "Nothing to set", why: "no setting was given",
                    fix: "See: redshift-loader help tables set.")
            }
            let sentences = try await app.tables.set(change, on: selector)
            for sentence in sentences.isEmpty ? ["\(selector): no change."] : sentences { Terminal.answer(sentence) }
        }
    }

    struct Enable: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run tables again that were disabled.",
            discussion: "Example: redshift-loader tables enable shop/orders\nExit status: 0; 64 for an unknown table.")
        @OptionGroup var common: CommonOptions
        @Argument(help: "JOB/TABLE, or JOB for all.") var selector: String

        func execute(_ app: Composition) async throws {
            let (_, tables) = try await Catalog(store: app.store).tables(selector)
            try await app.tables.setDisabled(tables, false)
            Terminal.answer("Enabled: \(tables.map(\.mapping.label).joined(separator: ", ")).")
        }
    }

    struct Disable: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Leave tables alone until they are enabled; their position stays.",
            discussion: "Example: redshift-loader tables disable shop/orders\nExit status: 0; 64 for an unknown table.")
        @OptionGroup var common: CommonOptions
        @Argument(help: "JOB/TABLE, or JOB for all.") var selector: String

        func execute(_ app: Composition) async throws {
            let (_, tables) = try await Catalog(store: app.store).tables(selector)
            try await app.tables.setDisabled(tables, true)
            Terminal.answer("Disabled: \(tables.map(\.mapping.label).joined(separator: ", ")).")
        }
    }

    struct Runs: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "The runs of a table, newest first; runs that found nothing are left out.",
            discussion: "Example: redshift-loader tables runs shop/orders\nExit status: 0; 64 for an unknown table.")
        @OptionGroup var common: CommonOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "JOB/TABLE") var selector: String
        @Option(help: "At most this many.") var limit = 20

        func execute(_ app: Composition) async throws {
            let (_, table) = try await Catalog(store: app.store).table(selector)
            let copies = try await app.store.copies(ofTable: table.id, limit: limit)
            if output.json {
                let runs = JSONValue.array(copies.map(StatusOutput.copy))
                Terminal.answer(JSONValue.object([("schema_version", .integer(1)), ("table_copies", runs)]).text)
            } else {
                Terminal.answer(StatusOutput.runs(copies))
            }
        }
    }
}
