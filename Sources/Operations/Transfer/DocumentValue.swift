/// A value of a job file, apart from its notation.
package indirect enum DocumentValue: Sendable, Hashable {
    case null
    /// Text; a file that was read has numbers and truth values as text, too.
    case text(String)
    /// A number or a truth value, written without quotes.
    case plain(String)
    case list([DocumentValue])
    /// - isCompact: Written on one line.
    case map([DocumentField], isCompact: Bool = false)

    static func texts(_ texts: [String]) -> DocumentValue { .list(texts.map { .text($0) }) }
}

/// A named value, at its place.
package struct DocumentField: Sendable, Hashable {
    package var name: String
    package var value: DocumentValue
    /// A comment for people.
    package var note: String?

    package init(_ name: String, _ value: DocumentValue, note: String? = nil) {
        self.name = name
        self.value = value
        self.note = note
    }
}
