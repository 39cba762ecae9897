import ArgumentParser
import Foundation
import Operations
import Replication
import Scheduling

struct Tables: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The tables of jobs.",
        subcommands: [
            Discover.self, Add.self, List.self, Show.self, Set.self, Enable.self, Disable.self, Rewind.self,
            Resync.self, Compare.self, Runs.self, Repaired.self, Adopt.self, Remove.self,
        ])

    struct List: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "List tables.",
            discussion: "Example: redshift-loader tables list shop\nExit status: 0; 64 for an unknown job.")
        @OptionGroup var common: CommonOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "JOB or JOB/TABLE; all without.") var selector: String?

        func execute(_ app: Composition) async throws {
            let report = try await StatusReport.make(store: app.store, selector: selector)
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
            let status = TableStatus(job: job, table: table, now: try await app.store.storeTime())
            Terminal.answer(output.json ? TableOutput.json(status).text : TableOutput.page(status))
        }
    }

    struct Enable: TableSwitch {
        static let configuration = CommandConfiguration(
            abstract: "Run tables again that were disabled.",
            discussion: "Example: redshift-loader tables enable shop/orders\nExit status: 0; 64 for an unknown table.")
        static let disables = false
        @OptionGroup var common: CommonOptions
        @Argument(help: "JOB/TABLE, or JOB for all.") var selector: String
    }

    struct Disable: TableSwitch {
        static let configuration = CommandConfiguration(
            abstract: "Leave tables alone until they are enabled; their position stays.",
            discussion: "Example: redshift-loader tables disable shop/orders\nExit status: 0; 64 for an unknown table.")
        static let disables = true
        @OptionGroup var common: CommonOptions
        @Argument(help: "JOB/TABLE, or JOB for all.") var selector: String
    }
}

/// `tables enable` and `tables disable`.
protocol TableSwitch: LoaderCommand {
    static var disables: Bool { get }
    var selector: String { get }
}

extension TableSwitch {
    func execute(_ app: Composition) async throws {
        let (_, tables) = try await Catalog(store: app.store).tables(selector)
        try await app.tables.setDisabled(tables, Self.disables)
        let names = tables.map(\.mapping.label).joined(separator: ", ")
        Terminal.answer("\(Self.disables ? "Disabled" : "Enabled"): \(names).")
    }
}
