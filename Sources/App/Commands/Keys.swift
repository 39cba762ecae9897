import ArgumentParser
import Operations

struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Keys that stored secrets are encrypted with.", subcommands: [Rotate.self])

    struct Rotate: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Encrypt every stored secret with the newest key.",
            discussion: """
                Put the new key behind the old one, ENCRYPTION_KEY=old,new, on every machine and restart them, so that all can \
                read what it encrypts; then before it, ENCRYPTION_KEY=new,old, and restart them again; run this; then take \
                the old one out.
                Example: redshift-loader keys rotate
                Exit status: 0; 1 when a secret could not be read with any of the keys.
                """)
        @OptionGroup var common: CommonOptions

        func execute(_ app: Composition) async throws {
            let outcome = try await KeyRotation(store: app.store, secrets: app.secrets).run()
            Terminal.answer(
                "\(outcome.resealed) encrypted anew, \(outcome.current) under the newest key before.")
            for reason in outcome.unreadable { Terminal.message("Left as it is: \(reason).") }
            guard outcome.unreadable.isEmpty else { throw ExitCode(1) }
        }
    }
}
