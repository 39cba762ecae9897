import ArgumentParser
import Foundation
import Operations

extension Jobs {
    struct Export: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write jobs and their tables as YAML: all settings, no positions and no secrets.",
            discussion: """
                Example: redshift-loader jobs export shop > shop.yml
                Exit status: 0; 64 for an unknown job.
                """)
        @OptionGroup var common: CommonOptions
        @Argument(help: "The job's name; all jobs without.") var name: String?

        func execute(_ app: Composition) async throws {
            let document = try await app.transfer.export(name)
            FileHandle.standardOutput.write(Data(try JobYAML.text(document).utf8))
        }
    }

    struct Import: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create or change jobs and tables from YAML, as jobs export writes it.",
            discussion: """
                Everything is checked first; with one problem nothing is changed. What the file does not name stays. Replicas \
                are made by the first run, or by tables discover --create.
                Example: redshift-loader jobs import shop.yml --dry-run
                Exit status: 0; 65 when the file cannot be used; 75 while a table is being synced whose destination changes.
                """)
        @OptionGroup var common: CommonOptions
        @Argument(help: "The file; - for standard input.") var file: String
        @Flag(help: "Only say what would happen.") var dryRun = false

        func execute(_ app: Composition) async throws {
            let document = try JobYAML.document(try Self.contents(file))
            let sentences = try await app.transfer.import(document, isDryRun: dryRun)
            for sentence in sentences { Terminal.answer(sentence) }
            if dryRun { Terminal.message("Nothing was changed.") }
        }

        private static func contents(_ file: String) throws -> String {
            do {
                let handle =
                    file == "-"
                    ? FileHandle.standardInput : try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
                let data = try handle.readToEnd() ?? Data()
                if let text = String(data: data, encoding: .utf8) { return text }
            } catch {
                throw OperationError(
                    .badInput, what: "\(file) cannot be read", why: "it does not exist, or this user may not read it",
                    fix: "Give a file that jobs export wrote, or - for standard input.", underlying: error)
            }
            throw OperationError(
                .badInput, what: "\(file) cannot be read", why: "it is not UTF-8 text",
                fix: "Give a file that jobs export wrote, or - for standard input.")
        }
    }
}

extension Composition {
    var transfer: JobTransfer { JobTransfer(store: store, leases: store, owner: owner) }
}
