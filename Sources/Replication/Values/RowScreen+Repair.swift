/// What becomes of single values, by form.
extension RowScreen {
    private typealias Reason = RepairedValue.Reason

    /// What must become of a field; nil when it is fine.
    /// - Throws: `ReplicationError` where it may not be changed.
    mutating func change(_ column: Int, in reader: CSVRows, row: Int) throws -> RowChanges.Change? {
        guard let value = reader.value(column) else { return nil }
        let rule = rules[column]
        var change = RowChanges.Change(value: nil, reason: .cut, originalBytes: value.count)
        switch rule.form {
        case .text:
            guard let (text, reason) = fittingText(value, rule) else { return nil }
            (change.value, change.reason) = (text, reason)
        case .json:
            guard let (text, reason) = fittingJSON(value) else { return nil }
            (change.value, change.reason) = (text, reason)
        case .binary:
            guard value.count > RowLimits.binaryBytes * 2 else { return nil }
            (change.reason, change.originalBytes) = (.binaryTooLarge, value.count / 2)
        case .decimal, .float, .date, .timestamp:
            guard let reason = Self.specialValue(value, rule.form) else { return nil }
            change.reason = reason
        case .exact:
            return nil
        }
        // What replaces a value must not read as NULL.
        if let text = change.value, writer.isSentinel(text[...]) { throw SentinelCollision() }
        try allow(change, column, in: reader, row: row)
        return change
    }

    /// Text without what a VARCHAR does not take, no longer than the column may become; nil when it is that already.
    private mutating func fittingText(_ value: ArraySlice<UInt8>, _ rule: ColumnRule) -> ([UInt8], Reason)? {
        let cleaned = cleaned(value)
        let text = cleaned?.0[...] ?? value
        let limit = rule.limitBytes ?? rule.widestBytes
        guard text.count > limit else { return cleaned }
        let mayBeCut = cutsLongText && !rule.isKey
        let target = mayBeCut ? limit : max(limit, rule.widestBytes)
        if !mayBeCut, limit < target {
            neededWidths[rule.name] = max(neededWidths[rule.name] ?? 0, min(text.count, target))
        }
        guard text.count > target else { return cleaned }
        let kept = text.prefix(UTF8Text.prefixLength(of: text, limit: target))
        return (Array(kept), target < rule.widestBytes ? .truncated : .cut)
    }

    /// JSON that SUPER takes, or NULL; nil when it is that already.
    private func fittingJSON(_ value: ArraySlice<UInt8>) -> ([UInt8]?, Reason)? {
        let cleaned = cleaned(value)
        if let reason = JSONLimits.violation(in: cleaned?.0[...] ?? value) { return (nil, reason) }
        return cleaned.map { ($0.0, $0.1) }
    }

    private func cleaned(_ value: ArraySlice<UInt8>) -> ([UInt8], Reason)? {
        var result: ([UInt8], Reason)?
        if value.withUnsafeBytes(ChunkSearch.holdsNUL) { result = (value.filter { $0 != 0 }, .nulRemoved) }
        if checksUTF8, let repaired = UTF8Text.repaired(result?.0[...] ?? value) { result = (repaired, .invalidUTF8) }
        return result
    }

    /// What keeps a number or a point in time out of Redshift; nil when nothing does.
    private static func specialValue(_ value: ArraySlice<UInt8>, _ form: ValueForm) -> Reason? {
        let isNumber = form == .decimal || form == .float
        if isNumber, value.elementsEqual("NaN".utf8) { return .notANumber }
        let unsigned = value.first == UInt8(ascii: "-") ? value.dropFirst() : value
        if unsigned.elementsEqual("infinity".utf8) || unsigned.elementsEqual("Infinity".utf8) { return .infinity }
        guard !isNumber else { return nil }
        if form == .date, value.count >= 10, value.prefix(10).withUnsafeBytes(RowLimits.isPartialDate) {
            return .dateIncomplete
        }
        let year = value.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return year.withUnsafeBytes(RowLimits.isLateYear) ? .dateOutOfRange : nil
    }

    /// - Throws: `ReplicationError` when the policy forbids changes, or this one would take a row's identity.
    func allow(_ change: RowChanges.Change, _ column: Int, in reader: CSVRows, row: Int) throws {
        let shortens = change.value == nil || [.cut, .truncated, .rowTooLarge].contains(change.reason)
        let takesKey = rules[column].isKey && shortens
        guard policy == .fail || takesKey else { return }
        let place = key(of: reader, row: row).joined(separator: ", ")
        throw ReplicationError(
            change.reason.code,
            what: "Column \(rules[column].name) of the row with the key \(Self.shortened(place)) does not fit",
            why: change.reason.cause,
            fix: takesKey
                ? "It is part of the key, which is never changed: correct the row at the source."
                : "Correct the row at the source, or let such values be repaired: redshift-loader tables set \(label) "
                    + "--on-bad-value repair."
        )
    }

    private static func shortened(_ key: String) -> String {
        let limit = 100
        let start = String(String.UnicodeScalarView(key.unicodeScalars.prefix(limit)))
        return key.unicodeScalars.count > limit ? start + "…" : start
    }
}

/// Rows over Redshift's limit.
extension RowScreen {
    /// Adds changes until the row fits: the largest JSON becomes NULL, again and again, then the largest binary value,
    /// then the longest text is cut. Keys are not touched.
    mutating func fit(_ changes: inout RowChanges, in reader: CSVRows, row: Int) throws {
        let writer = writer
        var sizes = reader.fields.map { $0.end - $0.start }
        for column in changes.columns {
            guard let change = changes[column] else { continue }
            sizes[column] = change.value.map { writer.bytes(of: $0[...]) } ?? writer.nullBytes
        }
        // A comma or the line end follows each.
        var total = sizes.reduce(sizes.count, +)
        for form in [ValueForm.json, .binary, .text] {
            var candidates = rules.indices.filter { rules[$0].form == form && !rules[$0].isKey }
            while total > RowLimits.rowBytes, let column = candidates.max(by: { sizes[$0] < sizes[$1] }) {
                candidates.removeAll { $0 == column }
                let room = max(0, sizes[column] - (total - RowLimits.rowBytes))
                guard let change = shorter(column, changes[column], in: reader, room: room, size: sizes[column])
                else { continue }
                try allow(change, column, in: reader, row: row)
                changes[column] = change
                total -= sizes[column]
                sizes[column] = change.value.map { writer.bytes(of: $0[...]) } ?? writer.nullBytes
                total += sizes[column]
            }
        }
        if total > RowLimits.rowBytes { throw tooLarge(reader, row: row) }
    }

    /// - Parameter room: Bytes that the field may take; text keeps as much as fits.
    /// - Returns: nil when the field would not get smaller.
    private func shorter(
        _ column: Int, _ former: RowChanges.Change?, in reader: CSVRows, room: Int, size: Int
    ) -> RowChanges.Change? {
        let isText = rules[column].form == .text
        guard let original = reader.value(column), former == nil || former?.value != nil,
            size > (isText ? 0 : writer.nullBytes)
        else { return nil }
        let isBinary = rules[column].form == .binary
        let originalBytes = former?.originalBytes ?? (isBinary ? original.count / 2 : original.count)
        guard isText else { return .init(value: nil, reason: .rowTooLarge, originalBytes: originalBytes) }
        let text = former?.value?[...] ?? original
        // As if quotes were needed.
        var (length, bytes) = (0, 2)
        for byte in text {
            bytes += byte == CSVByte.quote ? 2 : 1
            guard bytes <= room else { break }
            length += 1
        }
        let kept = Array(text.prefix(UTF8Text.prefixLength(of: text, limit: length)))
        return .init(value: kept, reason: .rowTooLarge, originalBytes: originalBytes)
    }

    private func tooLarge(_ reader: CSVRows, row: Int) -> ReplicationError {
        ReplicationError(
            .valueLong,
            what:
                "The row with the key \(Self.shortened(key(of: reader, row: row).joined(separator: ", "))) does not fit",
            why: "\(RepairedValue.Reason.rowTooLarge.cause), and no JSON, binary or text value is left to shorten",
            fix:
                "Shorten the row at the source, or leave large columns out: redshift-loader tables set \(label) --exclude "
                + "a,b.")
    }
}
