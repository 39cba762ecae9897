import ArgumentParser

/// The command line: one binary for people, services and scripts.
@main
struct RedshiftLoader: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redshift-loader",
        abstract: "Keeps a near-real-time replica of PostgreSQL and MySQL tables in Amazon Redshift.",
        discussion: """
            Exit status: 0 done; 1 done and the answer is bad; 64 wrong usage; 65 bad data; 69 a service is \
            unavailable; 70 a bug; 75 busy; 77 not permitted; 78 configuration.
            """,
        version: Composition.version,
        subcommands: [
            Status.self, Sync.self, Serve.self, Work.self, Jobs.self, Tables.self, Keys.self, Migrate.self,
            Config.self, Version.self,
        ])
}

struct Version: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the version.", discussion: "Example: redshift-loader version\nExit status: 0.")

    func run() async throws {
        Terminal.answer("redshift-loader \(Composition.version)")
    }
}

struct Migrate: LoaderCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring the metadata store up to date.",
        discussion: "Example: redshift-loader migrate\nExit status: 0; 78 when the store cannot be used.")
    @OptionGroup var common: CommonOptions

    func execute(_ app: Composition) async throws {
        // Opening the store has brought it up to date.
        Terminal.answer("The metadata store \(app.configuration.metadata.displayName) is up to date.")
    }
}

struct Config: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "See the configuration.", subcommands: [Show.self], defaultSubcommand: Show.self)

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print every variable, its value and where it comes from; secrets are masked.",
            discussion: "Example: redshift-loader config show\nExit status: 0; 78 when a value is wrong.")
        @OptionGroup var common: CommonOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let environment = Environment()
            let rows = ConfigurationVariable.all.map { variable -> (ConfigurationVariable, String, String) in
                let set = environment[variable.name]
                let value = variable.isSecret ? (set == nil ? "" : "set") : Self.shown(set ?? variable.fallback)
                return (variable, value, set == nil ? "default" : "environment")
            }
            if output.json {
                let variables = rows.map { variable, value, origin in
                    JSONValue.object([
                        ("name", .string(variable.name)), ("value", .string(value)), ("origin", .string(origin)),
                        ("secret", .bool(variable.isSecret)),
                    ])
                }
                Terminal.answer(
                    JSONValue.object([("schema_version", .integer(1)), ("variables", .array(variables))]).text)
            } else {
                let cells = rows.map { [$0.0.name, $0.1.isEmpty ? "–" : $0.1, $0.2, $0.0.meaning] }
                Terminal.answer(Terminal.table(["VARIABLE", "VALUE", "FROM", "MEANING"], cells))
            }
            try await Failure.exiting { _ = try LoaderConfiguration(environment: environment) }
        }

        /// A value that looks like a URL with a password is not shown, whatever the variable is for.
        private static func shown(_ value: String) -> String {
            if value.contains("\n") { return "set" }
            return value.replacing(/:\/\/[^\/@\s]*@/, with: "://***@")
        }
    }
}
