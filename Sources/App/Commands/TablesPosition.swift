import ArgumentParser
import Foundation
import Operations
import Replication
import Scheduling

/// `--yes`, for commands that ask first.
struct YesOption: ParsableArguments {
    @Flag(name: [.short, .long], help: "Do not ask.")
    var yes = false
}

extension Tables {
    struct Rewind: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read rows again from a time or a key on; rows in Redshift stay and are updated.",
            discussion: """
                Shows first about how many rows are read again.
                Example: redshift-loader tables rewind shop/orders --to '24h ago'
                Example: redshift-loader tables rewind shop/page_views --to 100000
                Exit status: 0; 64 for a position that the table cannot have, or without a yes; 75 while it is being synced.
                """)
        @OptionGroup var common: CommonOptions
        @OptionGroup var confirmation: YesOption
        @Argument(help: "JOB/TABLE") var selector: String
        @Option(help: "A time in UTC, '24h ago', or a key of an InsertOnlyTable.") var to: String

        func execute(_ app: Composition) async throws {
            let plan = try await app.tables.planRewind(selector, to: to)
            try Confirmation.ask(plan.sentence, typedName: nil, isGiven: confirmation.yes)
            Terminal.answer(try await app.tables.rewind(plan))
        }
    }

    struct Resync: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read all rows of a table again; with --recreate, into a replica made anew.",
            discussion: """
                Shows first about how many rows that are. Without --recreate no row leaves Redshift.
                Example: redshift-loader tables resync shop/orders --recreate
                Exit status: 0; 64 without a yes; 75 while it is being synced.
                """)
        @OptionGroup var common: CommonOptions
        @OptionGroup var confirmation: YesOption
        @Argument(help: "JOB/TABLE") var selector: String
        @Flag(help: "Drop the replica and make it anew.") var recreate = false

        func execute(_ app: Composition) async throws {
            try await Self.carryOut(selector, recreate ? .recreating : .rereading, confirmation, app)
        }

        static func carryOut(
            _ selector: String, _ kind: ResyncPlan.Kind, _ confirmation: YesOption, _ app: Composition,
            force: Bool = false
        ) async throws {
            let plan = try await app.tables.planResync(selector, kind)
            try Confirmation.ask(
                plan.sentence, typedName: plan.deletes ? plan.tableName : nil, isGiven: confirmation.yes)
            Terminal.answer(try await app.tables.carryOut(plan, force: force))
        }
    }

    struct Remove: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget a table; its replica stays in the destination unless --drop-replica is given.",
            discussion: """
                Says first what will happen, and asks. Any job may take the replica then.
                Example: redshift-loader tables remove shop/old_orders
                Exit status: 0; 64 for an unknown table, or without a yes; 69 when Redshift cannot be reached; 75 while \
                it is being synced.
                """)
        @OptionGroup var common: CommonOptions
        @OptionGroup var confirmation: YesOption
        @Argument(help: "JOB/TABLE") var selector: String
        @Flag(help: "Drop the replica and its checkpoint, too.") var dropReplica = false
        @Flag(help: "Also where Redshift cannot be reached; the checkpoint then stays there.") var force = false

        func execute(_ app: Composition) async throws {
            try await Resync.carryOut(
                selector, .removing(dropsReplica: dropReplica), confirmation, app, force: force)
        }
    }

    struct Compare: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Count the rows of both sides.",
            discussion: """
                Each side is counted for 5 s at most. Rows that came after the last sync, and rows deleted at the source, \
                explain a difference.
                Example: redshift-loader tables compare shop/orders
                Exit status: 0; 1 when counts differ; 64 for an unknown name.
                """)
        @OptionGroup var common: CommonOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "JOB or JOB/TABLE; * and ? are understood.") var selector: String

        func execute(_ app: Composition) async throws {
            let comparisons = try await TableComparison.make(
                store: app.store, connections: app.connections, selector: selector)
            if output.json {
                Terminal.answer(ComparisonOutput.json(comparisons).text)
            } else {
                Terminal.answer(ComparisonOutput.table(comparisons))
                for note in ComparisonOutput.notes(comparisons) { Terminal.message(note) }
            }
            if comparisons.contains(where: { $0.outcome == .different }) { throw ExitCode(1) }
        }
    }
}
