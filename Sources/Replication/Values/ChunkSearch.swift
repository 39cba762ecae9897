/// Looks through chunks for anything that Redshift could not hold, without telling rows or fields apart.
///
/// It may suspect what turns out to be fine, and then the fields are looked at. Sixteen bytes at a time, several passes:
/// a chunk lies in the processor's cache.
struct ChunkSearch: Sendable {
    /// A row up to this many bytes holds no value over its limit.
    let harmlessRowBytes: Int
    private let quotedSentinel: [UInt8]
    private let seeksInfinity: Bool
    private let seeksNotANumber: Bool
    private let seeksYears: Bool
    private let seeksNesting: Bool
    private let seeksNUL: Bool
    private let seeksInvalidUTF8: Bool

    init(rules: [ColumnRule], format: BatchFormat, checksUTF8: Bool) {
        let forms = Set(rules.map(\.form))
        harmlessRowBytes = rules.map(Self.harmlessRowBytes).min() ?? RowLimits.rowBytes
        quotedSentinel = [CSVByte.quote] + Array(format.nullSentinel.utf8) + [CSVByte.quote]
        seeksInfinity = !forms.isDisjoint(with: [.decimal, .float, .date, .timestamp])
        seeksNotANumber = !forms.isDisjoint(with: [.decimal, .float])
        seeksYears = forms.contains(.date)
        seeksNesting = forms.contains(.json)
        seeksNUL = !forms.isDisjoint(with: [.text, .json])
        seeksInvalidUTF8 = checksUTF8 && seeksNUL
    }

    private static func harmlessRowBytes(_ rule: ColumnRule) -> Int {
        switch rule.form {
        case .text: rule.isBounded ? RowLimits.rowBytes : min(rule.limitBytes ?? rule.widestBytes, RowLimits.rowBytes)
        case .json: JSONLimits.stringBytes
        case .binary: RowLimits.binaryBytes * 2
        case .decimal, .float, .date, .timestamp, .exact: RowLimits.rowBytes
        }
    }

    /// Whether a value equals the sentinel. Inside of quotes every quote is doubled, so behind a comma or at a row's
    /// start a quote and then a letter is a field's beginning.
    func holdsQuotedSentinel(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let first = Probe(offset: 0, byte: CSVByte.quote)
        let second = Probe(offset: 1, byte: quotedSentinel[1])
        return Self.search(bytes, first, second, span: quotedSentinel.count) { place in
            let end = place + quotedSentinel.count
            return bytes[place..<end].elementsEqual(quotedSentinel) && Self.isBoundary(bytes, place - 1)
                && Self.isBoundary(bytes, end)
        }
    }

    /// Whether the fields must be looked at.
    func suspects(_ bytes: UnsafeRawBufferPointer, longestRowBytes: Int) -> Bool {
        if longestRowBytes > harmlessRowBytes { return true }
        if seeksInfinity, Self.holdsInfinity(bytes) { return true }
        if seeksNotANumber, Self.holdsNotANumber(bytes) { return true }
        if seeksYears, Self.holdsLateYear(bytes) || Self.holdsPartialDate(bytes) { return true }
        if seeksNUL, Self.holdsNUL(bytes) { return true }
        if seeksNesting, longestRowBytes > JSONLimits.harmlessBytes, Self.mayNestDeeply(bytes) { return true }
        return seeksInvalidUTF8 && !UTF8Text.isValid(bytes)
    }

    /// `infinity` of dates and timestamps, `Infinity` of numbers, each also with a minus: alone in a field.
    static func holdsInfinity(_ bytes: UnsafeRawBufferPointer) -> Bool {
        // Found by the letters that capitals do not touch.
        let (first, second) = (Probe(offset: 0, byte: UInt8(ascii: "f")), Probe(offset: 5, byte: UInt8(ascii: "y")))
        return search(bytes, first, second, span: 6) { place in
            guard place >= 2, isBoundary(bytes, place + 6), bytes[place..<(place + 6)].elementsEqual("finity".utf8),
                bytes[place - 1] == UInt8(ascii: "n"), bytes[place - 2] | 0x20 == UInt8(ascii: "i")
            else { return false }
            return isBoundary(bytes, place - 3)
                || (bytes[place - 3] == UInt8(ascii: "-") && isBoundary(bytes, place - 4))
        }
    }

    static func holdsNotANumber(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let (first, second) = (Probe(offset: 0, byte: UInt8(ascii: "N")), Probe(offset: 2, byte: UInt8(ascii: "N")))
        return search(bytes, first, second, span: 3) { place in
            bytes[place + 1] == UInt8(ascii: "a") && isBoundary(bytes, place - 1) && isBoundary(bytes, place + 3)
                && bytes[place] == UInt8(ascii: "N") && bytes[place + 2] == UInt8(ascii: "N")
        }
    }

    /// Whether a place lies outside of a field: a separator, or neither end of the bytes.
    @inline(__always)
    private static func isBoundary(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> Bool {
        guard place >= 0, place < bytes.count else { return true }
        return bytes[place] == CSVByte.comma || bytes[place] == CSVByte.newline
    }
}

extension ChunkSearch {
    private typealias Block = SIMD16<UInt8>
    private typealias Mask = SIMDMask<SIMD16<Int8>>

    /// One byte that must lie this far behind a place.
    struct Probe {
        let offset: Int
        let byte: UInt8
    }

    /// Whether `confirm` holds at a place where both probes meet their byte. Near the end of the bytes it is asked at
    /// every place.
    /// - Parameter span: Bytes that `confirm` reads from its place on at least.
    @inline(__always)
    private static func search(
        _ bytes: UnsafeRawBufferPointer, _ first: Probe, _ second: Probe, span: Int, confirm: (Int) -> Bool
    ) -> Bool {
        let (wanted, other) = (Block(repeating: first.byte), Block(repeating: second.byte))
        return searchBlocks(bytes, span: span, confirm: confirm) { base in
            (base.loadUnaligned(fromByteOffset: first.offset, as: Block.self) .== wanted)
                .& (base.loadUnaligned(fromByteOffset: second.offset, as: Block.self) .== other)
        }
    }

    /// - Parameter match: Sixteen places at a time, of which those that may be confirmed; reads up to `span` bytes behind
    ///   the first of them, and fifteen more.
    @inline(__always)
    private static func searchBlocks(
        _ bytes: UnsafeRawBufferPointer, span: Int, confirm: (Int) -> Bool, match: (UnsafeRawPointer) -> Mask
    ) -> Bool {
        guard let base = bytes.baseAddress else { return false }
        var place = 0
        let end = bytes.count - span + 1
        while place + 64 <= end {
            let here = base + place
            let matches = (match(here), match(here + 16), match(here + 32), match(here + 48))
            if isSet(matches.0 .| matches.1 .| matches.2 .| matches.3) {
                if confirmAny(matches.0, place, confirm) || confirmAny(matches.1, place + 16, confirm)
                    || confirmAny(matches.2, place + 32, confirm) || confirmAny(matches.3, place + 48, confirm)
                {
                    return true
                }
            }
            place += 64
        }
        while place < end {
            if confirm(place) { return true }
            place += 1
        }
        return false
    }

    @inline(__always)
    private static func isSet(_ mask: Mask) -> Bool {
        let halves = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
        return halves[0] | halves[1] != 0
    }

    @inline(__always)
    private static func confirmAny(_ mask: Mask, _ place: Int, _ confirm: (Int) -> Bool) -> Bool {
        let halves = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
        for half in 0..<2 {
            var bits = halves[half].littleEndian
            while bits != 0 {
                let lane = bits.trailingZeroBitCount / 8
                if confirm(place + half * 8 + lane) { return true }
                bits &= ~(0xFF << UInt64(lane * 8))
            }
        }
        return false
    }

    /// Whether a date may lie after Redshift's last year: six digits or more at a field's start, then month and day.
    static func holdsLateYear(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let (zero, ten) = (Block(repeating: UInt8(ascii: "0")), Block(repeating: 10))
        let dash = Block(repeating: UInt8(ascii: "-"))
        // Looks at the places of a year's last six digits; three of them tell dates of four digits and most UUIDs apart.
        return searchBlocks(
            bytes, span: 10,
            confirm: { isLateYear(bytes, dash: $0 + 6) },
            match: { base in
                let last = base.loadUnaligned(fromByteOffset: 5, as: Block.self) &- zero
                let middle = base.loadUnaligned(fromByteOffset: 3, as: Block.self) &- zero
                let first = base.loadUnaligned(fromByteOffset: 0, as: Block.self) &- zero
                let isDash = base.loadUnaligned(fromByteOffset: 6, as: Block.self) .== dash
                return isDash .& (last .< ten) .& (middle .< ten) .& (first .< ten)
            })
    }

    private static func isLateYear(_ bytes: UnsafeRawBufferPointer, dash: Int) -> Bool {
        guard bytes[dash] == UInt8(ascii: "-"), isDigit(bytes[dash + 1]), isDigit(bytes[dash + 2]),
            bytes[dash + 3] == UInt8(ascii: "-")
        else { return false }
        var start = dash
        while start > 0, isDigit(bytes[start - 1]) { start -= 1 }
        return isBoundary(bytes, start - 1)
            && RowLimits.isLateYear(UnsafeRawBufferPointer(rebasing: bytes[start..<dash]))
    }

    /// Whether something looks like a date without a year, a month or a day.
    static func holdsPartialDate(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let (first, second) = (Probe(offset: 0, byte: UInt8(ascii: "-")), Probe(offset: 3, byte: UInt8(ascii: "-")))
        // The dashes around the month.
        return search(bytes, first, second, span: 6) { place in
            guard place >= 4, bytes[place] == UInt8(ascii: "-"), bytes[place + 3] == UInt8(ascii: "-") else {
                return false
            }
            return RowLimits.isPartialDate(UnsafeRawBufferPointer(rebasing: bytes[(place - 4)..<(place + 6)]))
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    static func holdsNUL(_ bytes: UnsafeRawBufferPointer) -> Bool {
        searchBlocks(
            bytes, span: 1, confirm: { bytes[$0] == 0 },
            match: { $0.loadUnaligned(as: Block.self) .== Block(repeating: 0) })
    }

    /// Whether more than 999 brackets may be open at once: opening less closing ones, in steps of 64 bytes.
    ///
    /// Brackets in strings count as well. A deep document whose own strings are full of closing ones stays hidden, and
    /// Redshift refuses it.
    static func mayNestDeeply(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return false }
        // The sixth bit tells square from curly ones.
        let (sixth, opening, closing) = (Block(repeating: 0x20), Block(repeating: 0x7B), Block(repeating: 0x7D))
        var (open, place) = (0, 0)
        while place + 64 <= bytes.count {
            var (opened, closed) = (Block(repeating: 0), Block(repeating: 0))
            for step in 0..<4 {
                let block = base.loadUnaligned(fromByteOffset: place + step * 16, as: Block.self) | sixth
                opened &-= unsafeBitCast(block .== opening, to: Block.self)
                closed &-= unsafeBitCast(block .== closing, to: Block.self)
            }
            let added = sum(opened)
            if open + added >= JSONLimits.levels { return true }
            // As if the closing ones came first: those of the value before must not count against this one.
            open = max(0, open - sum(closed)) + added
            place += 64
        }
        // Below 64 bytes: as if all were opening.
        return open + (bytes.count - place) >= JSONLimits.levels
    }

    /// The sum of lanes that are 4 at most, so that no sum of sixteen overflows a byte.
    @inline(__always)
    private static func sum(_ block: Block) -> Int {
        let halves = unsafeBitCast(block, to: SIMD2<UInt64>.self)
        return Int(truncatingIfNeeded: ((halves[0] &+ halves[1]) &* 0x0101_0101_0101_0101) >> 56)
    }
}
