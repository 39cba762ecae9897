import Foundation

/// Cuts a decompressed stream into records and fields and writes good records into `output`. One value per COPY, used by
/// one task; nothing is allocated per field.
///
/// A record that is not complete yet is parsed again when more bytes have come: records are small beside a chunk.
final class RecordParser {
    /// Redshift's limit for one input row: 4 MB. https://docs.aws.amazon.com/redshift/latest/dg/r_COPY.html
    static let recordLimitBytes = 4 * 1024 * 1024

    /// The load must end: too many bad records, or one that has no end.
    struct Stop: Error {}

    let rules: [FieldRule]
    let names: [String]
    let options: CopyOptions
    let output: CopyTextBuffer
    private(set) var rows = 0
    private(set) var errors: [LoadError] = []

    private let writer: FieldWriter
    private let input = InputBuffer()
    private var scratch: [UInt8] = []
    private var file = ""
    private var line: Int64 = 0
    private var headerLines = 0

    init(rules: [FieldRule], names: [String], options: CopyOptions, output: CopyTextBuffer = CopyTextBuffer()) {
        self.rules = rules
        self.names = names
        self.options = options
        self.output = output
        writer = FieldWriter(options: options, out: output)
    }

    func beginFile(_ name: String) {
        file = name
        line = 0
        headerLines = options.headerLines
        input.clear()
    }

    /// Free space for at least `minimum` bytes; `parse(added:)` says how many were filled in.
    func space(_ minimum: Int) -> UnsafeMutableRawBufferPointer { input.space(minimum) }

    /// Parses every record that is complete now; with `isLast` also one without a line end.
    /// - Throws: `Stop`.
    func parse(added: Int, isLast: Bool) throws(Stop) {
        input.fill(added)
        let base = UnsafePointer(input.bytes)
        let end = input.end
        while input.start < end {
            guard let next = try record(base, input.start, end, isLast) else { break }
            input.start = next
        }
        if end - input.start > Self.recordLimitBytes { try tooLong(base, input.start, end) }
    }

    // MARK: One record

    /// - Returns: The place behind the record; nil while its end is missing.
    private func record(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ isLast: Bool) throws(Stop) -> Int? {
        if headerLines > 0 {
            guard let found = memchr(base + start, 10, end - start) else { return isLast ? end : nil }
            headerLines -= 1
            line += 1
            return UnsafeRawPointer(found) - UnsafeRawPointer(base) + 1
        }
        let mark = output.count
        let delimiter = options.effectiveDelimiter
        let quote = options.quote
        var failure: (column: Int, place: Int, count: Int, what: FieldFailure)?
        var extraLines: Int64 = 0
        var place = start
        var column = 0
        while true {
            var value = base + place
            var count = 0
            let isQuoted: Bool
            if options.isCSV, let opening = openingQuote(base, place, end, quote, delimiter) {
                guard let field = quoted(base, opening, end, isLast, failure: &failure, column: column) else {
                    output.truncate(to: mark)
                    return nil
                }
                (value, count, place) = (field.value, field.count, field.next)
                extraLines += field.lines
                isQuoted = true
            } else {
                var at = place
                while at < end, base[at] != delimiter, base[at] != 10 { at += 1 }
                if at == end, !isLast {
                    output.truncate(to: mark)
                    return nil
                }
                count = at - place
                place = at
                isQuoted = false
            }
            let endsRecord = place >= end || base[place] == 10
            if endsRecord, !isQuoted, count > 0, value[count - 1] == 13 { count -= 1 }
            if endsRecord, column == 0, count == 0, !isQuoted, rules.count > 1, failure == nil {
                output.truncate(to: mark)
                return try emptyLine(base, place, end)
            }
            if failure == nil {
                if column >= rules.count {
                    failure = (column, place, 0, FieldFailure(1202, "Extra column(s) found"))
                } else {
                    if column > 0 { output.append(9) }
                    if let what = writer.write(rules[column], value, count) {
                        failure = (column, value - base, count, what)
                    }
                }
            }
            column += 1
            if endsRecord { break }
            place += 1
        }
        let next = min(place + 1, end)
        line += 1
        if failure == nil, column < rules.count, !fill(from: column) {
            failure = (column, place, 0, FieldFailure(1203, "Delimiter not found"))
        }
        if next - start > Self.recordLimitBytes {
            failure = (0, start, 0, FieldFailure(1216, "Input line is over 4 MB"))
        }
        if let failure {
            output.truncate(to: mark)
            let inBuffer = failure.place >= start && failure.place + failure.count <= end
            try refuse(
                failure.what, column: failure.column, position: inBuffer ? failure.place - start : 0,
                raw: UnsafeBufferPointer(start: base + start, count: place - start),
                field: UnsafeBufferPointer(
                    start: base + (inBuffer ? failure.place : start), count: inBuffer ? failure.count : 0))
        } else {
            output.append(10)
            rows += 1
        }
        line += extraLines
        return next
    }

    /// The place of a quote that opens the field; white space before it is ignored.
    @inline(__always)
    private func openingQuote(
        _ base: UnsafePointer<UInt8>, _ place: Int, _ end: Int, _ quote: UInt8, _ delimiter: UInt8
    ) -> Int? {
        guard place < end else { return nil }
        if base[place] == quote { return place }
        guard base[place] == 32 || base[place] == 9, base[place] != delimiter else { return nil }
        var at = place
        while at < end, base[at] == 32 || base[at] == 9, base[at] != delimiter { at += 1 }
        return at < end && base[at] == quote ? at : nil
    }

    /// A quoted field; nil while its end is missing.
    private func quoted(
        _ base: UnsafePointer<UInt8>, _ opening: Int, _ end: Int, _ isLast: Bool,
        failure: inout (column: Int, place: Int, count: Int, what: FieldFailure)?, column: Int
    ) -> (value: UnsafePointer<UInt8>, count: Int, next: Int, lines: Int64)? {
        let quote = options.quote
        let start = opening + 1
        var at = start
        var doubled = 0
        while true {
            guard let found = memchr(base + at, Int32(quote), end - at) else {
                guard isLast else { return nil }
                failure = failure ?? (column, start, 0, FieldFailure(1214, "Delimited value missing end quote"))
                return (base + start, 0, end, 0)
            }
            at = UnsafeRawPointer(found) - UnsafeRawPointer(base)
            if at + 1 >= end {
                guard isLast else { return nil }
                break
            }
            guard base[at + 1] == quote else { break }
            doubled += 1
            at += 2
        }
        var lines: Int64 = 0
        for index in start..<at where base[index] == 10 { lines += 1 }
        var next = at + 1
        while next < end, base[next] == 32 || base[next] == 13, base[next] != options.effectiveDelimiter { next += 1 }
        if next >= end, !isLast { return nil }
        if next < end, base[next] != options.effectiveDelimiter, base[next] != 10 {
            failure = failure ?? (column, next, 0, FieldFailure(1214, "Invalid quote formatting for CSV"))
            while next < end, base[next] != options.effectiveDelimiter, base[next] != 10 { next += 1 }
            if next >= end, !isLast { return nil }
        }
        guard doubled > 0 else { return (base + start, at - start, next, lines) }
        return undouble(base, start, at, quote, doubled).map { ($0.value, $0.count, next, lines) }
    }

    /// The field with doubled quotes made single, in a buffer that lives as long as the parser.
    private func undouble(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ quote: UInt8, _ doubled: Int)
        -> (value: UnsafePointer<UInt8>, count: Int)?
    {
        let target = input.scratch(end - start)
        var written = 0
        var at = start
        while at < end {
            target[written] = base[at]
            written += 1
            at += base[at] == quote ? 2 : 1
        }
        return (UnsafePointer(target), written)
    }

    private func emptyLine(_ base: UnsafePointer<UInt8>, _ place: Int, _ end: Int) throws(Stop) -> Int {
        line += 1
        if !options.ignoresBlankLines {
            try refuse(
                FieldFailure(1211, "Empty line"), column: 0, position: 0,
                raw: UnsafeBufferPointer(start: base, count: 0),
                field: UnsafeBufferPointer(start: base, count: 0))
        }
        return min(place + 1, end)
    }

    /// FILLRECORD: missing text columns become empty, others NULL.
    private func fill(from column: Int) -> Bool {
        guard options.fillsRecord else { return false }
        for index in column..<rules.count {
            if index > 0 { output.append(9) }
            if rules[index].isText, !options.emptyAsNull { continue }
            if rules[index].notNull { return false }
            output.appendNull()
        }
        return true
    }

    // MARK: Bad records

    private func tooLong(_ base: UnsafePointer<UInt8>, _ start: Int, _ end: Int) throws(Stop) {
        record(
            FieldFailure(1216, "Input line is over 4 MB"), column: 0, position: 0,
            raw: UnsafeBufferPointer(start: base + start, count: 1_024),
            field: UnsafeBufferPointer(start: base, count: 0))
        throw Stop()
    }

    private func refuse(
        _ failure: FieldFailure, column: Int, position: Int, raw: UnsafeBufferPointer<UInt8>,
        field: UnsafeBufferPointer<UInt8>
    ) throws(Stop) {
        record(failure, column: column, position: position, raw: raw, field: field)
        if errors.count >= max(options.maxErrors, 1) { throw Stop() }
    }

    private func record(
        _ failure: FieldFailure, column: Int, position: Int, raw: UnsafeBufferPointer<UInt8>,
        field: UnsafeBufferPointer<UInt8>
    ) {
        errors.append(
            LoadError(
                file: file, line: line, column: column < names.count ? names[column] : "",
                rule: column < rules.count ? rules[column] : nil, position: position,
                rawLine: String(decoding: raw.prefix(1_000), as: UTF8.self),
                rawField: String(decoding: field.prefix(1_000), as: UTF8.self), failure: failure))
    }
}

/// Bytes waiting to be parsed: filled at the end, consumed at the start, moved together when space runs out.
final class InputBuffer {
    private(set) var bytes: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    var start = 0
    private(set) var end = 0
    private var scratchBytes: UnsafeMutablePointer<UInt8>
    private var scratchCapacity: Int

    init(capacity: Int = 1 << 20) {
        self.capacity = capacity
        bytes = .allocate(capacity: capacity)
        scratchCapacity = 1 << 16
        scratchBytes = .allocate(capacity: scratchCapacity)
    }

    deinit {
        bytes.deallocate()
        scratchBytes.deallocate()
    }

    func clear() { (start, end) = (0, 0) }

    func space(_ minimum: Int) -> UnsafeMutableRawBufferPointer {
        if capacity - end < minimum {
            let waiting = end - start
            if waiting + minimum > capacity {
                let larger = max(capacity * 2, waiting + minimum)
                let fresh = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
                fresh.update(from: bytes + start, count: waiting)
                bytes.deallocate()
                (bytes, capacity) = (fresh, larger)
            } else {
                memmove(bytes, bytes + start, waiting)
            }
            (start, end) = (0, waiting)
        }
        return UnsafeMutableRawBufferPointer(start: bytes + end, count: capacity - end)
    }

    func fill(_ added: Int) { end += added }

    /// A place for one unescaped field, overwritten by the next.
    func scratch(_ minimum: Int) -> UnsafeMutablePointer<UInt8> {
        if scratchCapacity < minimum {
            scratchBytes.deallocate()
            scratchCapacity = minimum * 2
            scratchBytes = .allocate(capacity: scratchCapacity)
        }
        return scratchBytes
    }
}
