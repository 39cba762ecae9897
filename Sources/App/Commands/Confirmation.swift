import Foundation
import Operations

/// Asks a person before something is done that cannot be undone.
enum Confirmation {
    /// Shows what will happen and asks: for the name where rows are deleted, else for a yes.
    ///
    /// - Parameters:
    ///   - typedName: What must be typed; nil for a plain yes.
    ///   - isGiven: `--yes`: nothing is asked.
    /// - Throws: `OperationError` `usage` where nobody can be asked, or the answer is no.
    static func ask(_ sentence: String, typedName: String?, isGiven: Bool) throws {
        Terminal.message(sentence)
        guard !isGiven else { return }
        guard Terminal.isInteractive else {
            throw OperationError(
                .usage, what: "This needs a yes", why: "nobody can be asked: standard input is no terminal",
                fix: "If that is what you want, repeat it with --yes.")
        }
        let question = typedName.map { "Type \($0) to go on: " } ?? "Go on? [y/N] "
        let answer = Terminal.ask(question).trimmingCharacters(in: .whitespaces)
        let agrees = typedName.map { $0 == answer } ?? ["y", "yes"].contains(answer.lowercased())
        guard agrees else {
            throw OperationError(
                .usage, what: "Nothing was changed", why: "the answer was not \(typedName ?? "yes")",
                fix: "Repeat it if that was a mistake.")
        }
    }
}
