/// Replacements of token ranges in a statement; everything between them keeps its bytes.
struct SQLEdits {
    private var edits: [(start: Int, end: Int, text: String)] = []
    private let sql: SQLText

    init(_ sql: SQLText) { self.sql = sql }

    mutating func replace(_ range: Range<Int>, with text: String) {
        guard !range.isEmpty else { return }
        edits.append((Int(sql.tokens[range.lowerBound].start), Int(sql.tokens[range.upperBound - 1].end), text))
    }

    mutating func insert(_ text: String, before index: Int) {
        let place =
            index < sql.tokens.count ? Int(sql.tokens[index].start) : Int(sql.tokens.last?.end ?? 0)
        edits.append((place, place, text))
    }

    mutating func insert(_ text: String, after index: Int) {
        edits.append((Int(sql.tokens[index].end), Int(sql.tokens[index].end), text))
    }

    /// The text of `range` with all edits inside it applied.
    func apply(to range: Range<Int>) -> String {
        guard !range.isEmpty else { return "" }
        var place = Int(sql.tokens[range.lowerBound].start)
        let end = Int(sql.tokens[range.upperBound - 1].end)
        let inside = edits.enumerated().filter { $0.element.start >= place && $0.element.end <= end }
            .sorted { ($0.element.start, $0.offset) < ($1.element.start, $1.offset) }.map(\.element)
        if inside.isEmpty { return String(decoding: sql.bytes[place..<end], as: UTF8.self) }
        var out: [UInt8] = []
        out.reserveCapacity(end - place + 64)
        for edit in inside where edit.start >= place {
            out.append(contentsOf: sql.bytes[place..<edit.start])
            out.append(contentsOf: edit.text.utf8)
            place = edit.end
        }
        out.append(contentsOf: sql.bytes[place..<end])
        return String(decoding: out, as: UTF8.self)
    }
}
