import Configuration
import Foundation

/// The process's environment: the only place where it is read.
struct Environment: Sendable {
    private let reader: ConfigReader

    init() {
        reader = ConfigReader(
            provider: EnvironmentVariablesProvider(
                secretsSpecifier: .dynamic { name, _ in ConfigurationVariable.named(name)?.isSecret ?? true }))
    }

    /// For tests.
    init(variables: [String: String]) {
        reader = ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: variables))
    }

    /// - Returns: nil for a variable that is unset or empty: platforms cannot always unset one.
    subscript(name: String) -> String? {
        let key = ConfigKey(name.lowercased().split(separator: "_").map(String.init))
        guard let value = reader.string(forKey: key), !value.isEmpty else { return nil }
        return value
    }

    /// A variable whose name a person chose: it may be spelled in any way.
    static func variable(named name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The user's data folder by the XDG base directory specification.
    static func dataFolder() -> String {
        if let folder = variable(named: "XDG_DATA_HOME") { return folder }
        let home = variable(named: "HOME") ?? FileManager.default.homeDirectoryForCurrentUser.path
        return home + "/.local/share"
    }
}
