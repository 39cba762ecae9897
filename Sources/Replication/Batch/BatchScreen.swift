/// Looks at a batch's rows on their way to staging, and tells the journal what it had to change.
actor BatchScreen {
    private var screen: RowScreen
    private let mapping: TableMapping
    private let journal: any RunJournal
    /// Whether every value is looked at.
    let checksAll: Bool
    private(set) var rowsRead = 0
    private(set) var repaired = 0

    init(
        mapping: TableMapping, narrowColumns: [String: Int], format: BatchFormat, cutsLongText: Bool, checksUTF8: Bool,
        checksAll: Bool, journal: any RunJournal
    ) {
        self.mapping = mapping
        self.journal = journal
        self.checksAll = checksAll
        screen = RowScreen(
            mapping: mapping,
            narrowColumns: mapping.mode == .fullSync && mapping.refresh == .swap ? [:] : narrowColumns,
            format: format, cutsLongText: cutsLongText, checksUTF8: checksUTF8, parsesAll: checksAll)
    }

    /// Bytes that columns of the replica must be widened to, by destination name: to what the mapping asks for where
    /// that is enough.
    var widths: [String: Int] {
        let needed = screen.neededWidths
        var widths: [String: Int] = [:]
        for column in mapping.columns {
            guard let bytes = needed[column.source.name] else { continue }
            widths[column.destinationName] = max(bytes, column.destinationType.textBytes ?? bytes)
        }
        return widths
    }

    /// The next chunk, fit for the replica; nil at the end.
    func next(of rows: RowStream) async throws -> RowChunk? {
        var iterator = rows.makeAsyncIterator()
        guard let chunk = try await iterator.next() else { return nil }
        rowsRead += chunk.rows
        do {
            let screened = try screen.screen(chunk)
            guard !screened.repairs.isEmpty else { return screened.chunk }
            repaired += screened.repairs.count
            try await journal.recordRepairs(screened.repairs)
            return screened.chunk
        } catch is SentinelCollision {
            throw ReplicationError(
                .interrupted, what: "A value of \(mapping.source) equals this batch's stand-in for NULL",
                why: "the stand-in is random letters, anew for each batch",
                fix: "Nothing was loaded; the next run takes another one by itself.")
        }
    }
}
