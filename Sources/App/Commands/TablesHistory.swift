import ArgumentParser
import Foundation
import Operations
import Replication
import Scheduling

extension Tables {
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

    struct Repaired: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Values that were changed because Redshift cannot hold them, the latest first; never what they say.",
            discussion: """
                A value is listed once, however often it was read. One that is corrected at the source stays listed, with the \
                time at which it was last seen.
                Example: redshift-loader tables repaired shop/orders --limit 20
                Exit status: 0; 64 for an unknown table.
                """)
        @OptionGroup var common: CommonOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "JOB/TABLE") var selector: String
        @Option(help: "At most this many.") var limit = 100

        func validate() throws {
            guard limit > 0 else { throw ValidationError("--limit takes 1 or more.") }
        }

        func execute(_ app: Composition) async throws {
            let (_, table) = try await Catalog(store: app.store).table(selector)
            let repairs = try await app.store.repairs(ofTable: table.id, limit: limit)
            let count = try await app.store.countRepairs(ofTable: table.id)
            if output.json {
                Terminal.answer(RepairOutput.json(repairs, of: table, count: count).text)
            } else if repairs.isEmpty {
                Terminal.message("No value of \(table.mapping.label) had to be changed.")
            } else {
                Terminal.answer(RepairOutput.table(repairs, of: table))
                for sentence in RepairOutput.notes(repairs, count: count) { Terminal.message(sentence) }
            }
        }
    }
}
