import Replication

/// Columns that discovery leaves out unless told otherwise: secrets by their names, and what cannot be read.
package struct ExclusionSuggestion: Sendable, Hashable {
    package var column: String
    /// Why, as part of a sentence.
    package var reason: String
    /// false: including the column needs a right at the source first.
    package var isReadable = true

    /// - Returns: Columns of the table to leave out, in its order; never of its key, nor the one that changes are found by.
    static func all(for table: SourceTable, keeping kept: Set<String>) -> [ExclusionSuggestion] {
        table.columns.compactMap { column in
            guard !kept.contains(column.name) else { return nil }
            if !column.isReadable {
                return ExclusionSuggestion(
                    column: column.name, reason: "the loader's user has no SELECT on it", isReadable: false)
            }
            guard isSecret(column) else { return nil }
            return ExclusionSuggestion(column: column.name, reason: "it looks like a secret")
        }
    }

    /// Ends of names that say secret, in words.
    private static let endings: [[String]] = [
        ["password"], ["passwords"], ["passwd"], ["pwd"], ["passphrase"], ["passcode"], ["token"], ["tokens"],
        ["secret"], ["secrets"], ["otp"], ["salt"], ["credential"], ["credentials"], ["apikey"], ["api", "key"],
        ["api", "keys"], ["access", "key"], ["private", "key"], ["secret", "key"], ["encryption", "key"],
        ["signing", "key"], ["backup", "codes"], ["recovery", "codes"],
    ]

    /// Words that follow a secret's name and leave it one.
    private static let wrappings: Set<String> = [
        "digest", "hash", "hashed", "encrypted", "crypted", "cipher", "ciphertext", "bidx", "iv", "salt", "plain",
    ]

    /// What Rails and its kin keep digests of.
    private static let digested: Set<String> = [
        "remember", "activation", "reset", "confirmation", "recovery", "session",
    ]

    private static func isSecret(_ column: SourceColumn) -> Bool {
        var words = Self.words(of: column.name)
        switch column.replicaType {
        // Times of a password's change, whether there is one, and the like.
        case .date, .timestamp, .timestamptz, .time, .boolean, .real, .doublePrecision: return false
        // Numbers of tokens are no tokens.
        case .smallint, .integer, .bigint, .decimal: return ["otp", "pwd", "password", "passcode"].contains(words.last)
        default: break
        }
        if words.first == "encrypted" || words.first == "crypted" { return true }
        if ends(words) { return true }
        var isWrapped = false
        while let last = words.last, wrappings.contains(last) {
            words.removeLast()
            isWrapped = true
        }
        guard isWrapped, let last = words.last else { return false }
        return ends(words) || digested.contains(last)
    }

    private static func ends(_ words: [String]) -> Bool {
        endings.contains { words.count >= $0.count && Array(words.suffix($0.count)) == $0 }
    }

    /// `apiKey`, `API_KEY` and `api key` are the words api and key.
    static func words(of name: String) -> [String] {
        var words: [String] = []
        var word = ""
        var previousIsLower = false
        for character in name {
            let isNew = character.isUppercase && previousIsLower
            if isNew || !(character.isLetter || character.isNumber) {
                if !word.isEmpty { words.append(word) }
                word = ""
            }
            if character.isLetter || character.isNumber { word += character.lowercased() }
            previousIsLower = character.isLowercase || character.isNumber
        }
        if !word.isEmpty { words.append(word) }
        return words
    }
}
