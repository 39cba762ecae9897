import ArgumentParser
import Operations

extension Tables {
    struct Adopt: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take replicas over from another installation of the loader, with their checkpoints.",
            discussion: """
                For a metadata database that was lost or replaced: add the job under its former name, jobs setup, then \
                adopt. Tables go on from their checkpoints, without a reload; where the settings differ from those that \
                they were loaded with, it says so first. The other installation cannot write to them any more.
                Example: redshift-loader tables adopt shop
                Example: redshift-loader tables adopt shop/orders
                Exit status: 0; 64 for an unknown name, or without a yes; 75 while a table is being synced; 78 where a \
                replica belongs to a job of another name.
                """)
        @OptionGroup var common: CommonOptions
        @OptionGroup var confirmation: YesOption
        @Argument(help: "JOB or JOB/TABLE; * and ? are understood.") var selector: String

        func execute(_ app: Composition) async throws {
            let plan = try await app.tables.planAdoption(selector)
            if plan.changes {
                try Confirmation.ask(plan.sentence, typedName: nil, isGiven: confirmation.yes)
            } else {
                Terminal.message(plan.sentence)
            }
            Terminal.answer(try await app.tables.adopt(plan))
        }
    }
}
