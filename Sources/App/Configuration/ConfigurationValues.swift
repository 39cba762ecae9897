import Foundation
import Operations

/// Reads values and collects what is wrong with them.
struct ConfigurationValues {
    private let environment: Environment
    private(set) var problems: [String] = []

    init(environment: Environment) {
        self.environment = environment
    }

    func throwProblems() throws {
        guard !problems.isEmpty else { return }
        throw OperationError(
            .configuration,
            what: "The configuration has \(problems.count == 1 ? "a problem" : "\(problems.count) problems")",
            why: problems.joined(separator: "; "), fix: "See what is set: redshift-loader config show.")
    }

    func text(_ name: String) -> String? {
        environment[name] ?? ConfigurationVariable.named(name).flatMap { $0.fallback.isEmpty ? nil : $0.fallback }
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
        guard let text = text(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            problems.append("\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number
    }

    mutating func duration(_ name: String) -> Duration? {
        guard let text = text(name) else { return nil }
        guard let duration = DurationText.parse(text), duration > .zero else {
            problems.append("\(name) must be a duration such as 30s, 5m or 2h")
            return nil
        }
        return duration
    }

    mutating func boolean(_ name: String) -> Bool? {
        switch text(name)?.lowercased() {
        case nil: return nil
        case "true", "1", "yes", "on": return true
        case "false", "0", "no", "off": return false
        default:
            problems.append("\(name) must be true or false")
            return nil
        }
    }

    mutating func problem(_ text: String) {
        problems.append(text)
    }
}
