/// Statement text for the log: literals behind words that announce a secret become `'***'`.
enum SecretMask {
    private static let announcing: Set<String> = [
        "access_key_id", "secret_access_key", "session_token", "credentials", "password", "master_symmetric_key",
    ]

    /// - Parameter limitBytes: The text is cut there; the log is for looking, not for replay.
    static func mask(_ sql: SQLText, _ range: Range<Int>, limitBytes: Int = 4_096) -> String {
        var edits = SQLEdits(sql)
        for index in range where sql.tokens[index].kind == .string {
            let before = sql.isWord(index - 1, "as") ? index - 2 : index - 1
            if let word = sql.word(before), announcing.contains(word) {
                edits.replace(index..<index + 1, with: "'***'")
            }
        }
        let text = edits.apply(to: range)
        return text.utf8.count <= limitBytes
            ? text : String(decoding: text.utf8.prefix(limitBytes), as: UTF8.self) + "…"
    }
}
