/// Where every field is looked at.
extension RowScreen {
    /// Looks at all rows of a chunk; where none changes, the chunk itself comes back.
    mutating func parse(_ chunk: RowChunk) throws -> ScreenedChunk {
        var reader = CSVRows(chunk.bytes, columns: rules.count, format: format)
        let looksInside = chunk.bytes.withUnsafeBytes { bytes in
            ChunkSearch.holdsNUL(bytes) || (checksUTF8 && !UTF8Text.isValid(bytes))
        }
        let checks = rules.indices.compactMap { FieldCheck($0, rules[$0], looksInside: looksInside) }
        var output = RowOutput(source: chunk.bytes)
        var repairs: [RepairedValue] = []
        var rows = 0
        while try reader.next() {
            rows += 1
            var changes = RowChanges()
            for check in checks where check.suspects(reader) {
                if let change = try change(check.column, in: reader, row: rows) { changes[check.column] = change }
            }
            if !changes.isEmpty || reader.row.count > RowLimits.rowBytes {
                try fit(&changes, in: reader, row: rows)
            }
            if changes.isEmpty {
                output.keep(reader.row)
            } else {
                output.replace(reader, with: changes, writer: writer)
                repairs += record(changes, in: reader, row: rows)
            }
        }
        guard rows == chunk.rows else { throw Self.wrongCount(rows, chunk) }
        guard !repairs.isEmpty else { return ScreenedChunk(chunk: chunk) }
        return ScreenedChunk(chunk: output.finish(rows: rows), repairs: repairs)
    }

    var writer: CSVFieldWriter { CSVFieldWriter(format: format, columns: rules.count) }

    private func record(_ changes: RowChanges, in reader: CSVRows, row: Int) -> [RepairedValue] {
        let key = key(of: reader, row: row)
        return changes.columns.compactMap { column in
            changes[column].map {
                RepairedValue(
                    key: key, column: rules[column].name, reason: $0.reason, originalBytes: $0.originalBytes)
            }
        }
    }

    func key(of reader: CSVRows, row: Int) -> [String] {
        guard !keyColumns.isEmpty else { return ["#\(earlierRows + row)"] }
        return keyColumns.map { column in
            reader.value(column).map { String(decoding: $0, as: UTF8.self) } ?? "NULL"
        }
    }

    private static func wrongCount(_ rows: Int, _ chunk: RowChunk) -> ReplicationError {
        ReplicationError(
            .internal, what: "A chunk of \(chunk.rows) rows reads as \(rows)", why: "its bytes were not whole rows",
            fix: "Nothing was loaded. Report this as a bug.")
    }
}

/// The new values of one row.
struct RowChanges {
    struct Change {
        /// nil for NULL.
        var value: [UInt8]?
        /// The last thing that was done to it, which took most.
        var reason: RepairedValue.Reason
        var originalBytes: Int
    }

    private var changes: [Int: Change] = [:]

    var isEmpty: Bool { changes.isEmpty }
    /// The columns that change, in their order.
    var columns: [Int] { changes.keys.sorted() }

    subscript(column: Int) -> Change? {
        get { changes[column] }
        set { changes[column] = newValue }
    }
}

/// What tells at a glance, without the field's text, that a field cannot be unfit.
private struct FieldCheck {
    let column: Int
    private let form: ValueForm
    /// Bytes of the value up to which its length is no reason to look.
    private let harmlessBytes: Int
    private let looksInside: Bool

    /// - Parameter looksInside: The chunk holds NUL or invalid UTF-8 somewhere.
    /// - Returns: nil for a column whose values are always fine.
    init?(_ column: Int, _ rule: ColumnRule, looksInside: Bool) {
        self.column = column
        form = rule.form
        self.looksInside = looksInside && (rule.form == .text || rule.form == .json)
        switch rule.form {
        case .text: harmlessBytes = rule.limitBytes ?? rule.widestBytes
        case .json: harmlessBytes = JSONLimits.harmlessBytes
        case .binary: harmlessBytes = RowLimits.binaryBytes * 2
        case .decimal, .float, .date, .timestamp: harmlessBytes = 0
        case .exact: return nil
        }
    }

    @inline(__always)
    func suspects(_ reader: CSVRows) -> Bool {
        let field = reader.fields[column]
        switch form {
        case .text, .json, .binary: return looksInside || field.valueBytes > harmlessBytes
        case .decimal, .float: return endsInLetter(reader, field)
        case .date, .timestamp:
            // A year of four digits has its dash in the fifth place.
            guard field.end - field.start > 4 else { return false }
            if reader.bytes[field.start + 4] != UInt8(ascii: "-") { return true }
            return form == .date && field.end - field.start >= 10
                && reader.bytes[field.start..<(field.start + 10)].withUnsafeBytes(RowLimits.isPartialDate)
        case .exact: return false
        }
    }

    /// `NaN`, `Infinity` and the sentinel end in a letter, numbers never do.
    @inline(__always)
    private func endsInLetter(_ reader: CSVRows, _ field: CSVField) -> Bool {
        field.end > field.start && reader.bytes[field.end - 1] >= UInt8(ascii: "A")
    }
}

/// Rows written one behind the other, of which long runs come from the source as they are.
private struct RowOutput {
    private let source: [UInt8]
    private var bytes: [UInt8] = []
    /// The part of the source that is kept but not yet copied.
    private var run = 0..<0
    private var longestRowBytes = 0

    init(source: [UInt8]) {
        self.source = source
    }

    mutating func keep(_ row: Range<Int>) {
        run = run.lowerBound..<row.upperBound
        longestRowBytes = max(longestRowBytes, row.count)
    }

    mutating func replace(_ reader: CSVRows, with changes: RowChanges, writer: CSVFieldWriter) {
        copyRun(next: reader.row.upperBound)
        let start = bytes.count
        for (column, field) in reader.fields.enumerated() {
            if column > 0 { bytes.append(CSVByte.comma) }
            if let change = changes[column] {
                writer.append(change.value?[...], to: &bytes)
            } else {
                bytes.append(contentsOf: source[field.start..<field.end])
            }
        }
        bytes.append(CSVByte.newline)
        longestRowBytes = max(longestRowBytes, bytes.count - start)
    }

    consuming func finish(rows: Int) -> RowChunk {
        copyRun(next: source.count)
        return RowChunk(bytes: bytes, rows: rows, longestRowBytes: longestRowBytes)
    }

    private mutating func copyRun(next: Int) {
        if bytes.isEmpty { bytes.reserveCapacity(source.count) }
        bytes.append(contentsOf: source[run])
        run = next..<next
    }
}
