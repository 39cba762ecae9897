import MySQLClient
import Replication

/// Writes rows as CSV from the bytes that the server sent: NULL as the batch's sentinel, values quoted only where CSV needs
/// it. A row whose digest is known is left out.
struct MySQLRowWriter: MySQLRowEncoder {
    /// What is done to a value's bytes.
    enum Encoding: Sendable, Hashable {
        /// Digits and punctuation without commas, quotes and line ends.
        case plain
        case text
        /// `1` and `0` as `t` and `f`.
        case boolean
        /// A zone is added, which Redshift would take from its session otherwise.
        case utcTimestamp
        case hex
    }

    private let encodings: [Encoding]
    /// Columns behind which, at the row's end, a field says whether they are empty.
    private let marked: [Int]
    private let sentinel: [UInt8]
    /// Digests of rows that are left out.
    private let known: Set<UInt64>
    /// Of the rows written; nil where nobody asks.
    private(set) var digests: [UInt64]?
    /// There were more than are kept.
    private(set) var isOverfull = false
    /// Of the rows written.
    private(set) var keys: WrittenKeys
    /// The first key column's place in the row.
    private let keyColumn: Int?
    private let hasIntegerKeys: Bool

    /// The first key column's values.
    enum WrittenKeys: Sendable, Hashable {
        case none
        case integers([Int64])
        /// Others than integers.
        case any
    }

    /// - Parameters:
    ///   - known: Digests of rows to leave out.
    ///   - collectsDigests: Of the rows written.
    ///   - collectsKeys: Of the rows written.
    init(
        _ mapping: TableMapping, format: BatchFormat, known: Set<UInt64> = [], collectsDigests: Bool = false,
        collectsKeys: Bool = false
    ) {
        encodings = mapping.columns.map { MySQLColumnExpression($0.source).encoding(of: $0) }
        let markedNames = Set(mapping.markedColumns.map(\.source.name))
        marked = mapping.columns.indices.filter { markedNames.contains(mapping.columns[$0].source.name) }
        sentinel = Array(format.nullSentinel.utf8)
        self.known = known
        digests = collectsDigests ? [] : nil
        keys = .none
        let place = mapping.columns.firstIndex { $0.source.name == mapping.primaryKey.first }
        keyColumn = collectsKeys ? place : nil
        // Of others the order is not that of the numbers they may look like: text, labels by their places.
        hasIntegerKeys = place.map { MySQLColumnExpression(mapping.columns[$0].source).isInteger } ?? false
    }

    mutating func encode(_ row: MySQLRow, into bytes: inout [UInt8]) -> Bool {
        if digests != nil || !known.isEmpty {
            let digest = RowDigest.of(row, columns: encodings.count)
            if known.contains(digest) { return false }
            collect(digest)
        }
        if let keyColumn { collectKey(row.value(keyColumn)) }
        for column in 0..<encodings.count {
            if column > 0 { bytes.append(Self.comma) }
            guard let value = row.value(column) else {
                bytes.append(contentsOf: sentinel)
                continue
            }
            append(value, encodings[column], to: &bytes)
        }
        for column in marked {
            bytes.append(Self.comma)
            bytes.append(row.value(column)?.isEmpty == true ? Self.t : Self.f)
        }
        bytes.append(Self.newline)
        return true
    }

    private mutating func collect(_ digest: UInt64) {
        guard digests != nil else { return }
        if digests?.count ?? 0 < WindowDigests.limit { digests?.append(digest) } else { isOverfull = true }
    }

    private mutating func collectKey(_ value: UnsafeRawBufferPointer?) {
        guard hasIntegerKeys, let number = value.flatMap({ Int64(String(decoding: $0, as: UTF8.self)) }) else {
            keys = .any
            return
        }
        switch keys {
        case .none: keys = .integers([number])
        case .integers(var numbers):
            keys = .none
            numbers.append(number)
            keys = .integers(numbers)
        case .any: break
        }
    }

    @inline(__always)
    private func append(_ value: UnsafeRawBufferPointer, _ encoding: Encoding, to bytes: inout [UInt8]) {
        switch encoding {
        case .plain: bytes.append(contentsOf: value)
        case .text: appendText(value, to: &bytes)
        case .boolean: bytes.append(value.first == UInt8(ascii: "0") ? Self.f : Self.t)
        case .utcTimestamp:
            bytes.append(contentsOf: value)
            bytes.append(contentsOf: Self.utc)
        case .hex:
            for byte in value {
                bytes.append(Self.digits[Int(byte >> 4)])
                bytes.append(Self.digits[Int(byte & 15)])
            }
        }
    }

    /// Quoted as PostgreSQL's COPY would: where a separator, a quote or a line end is in it, where it stands for NULL, and
    /// where it is the mark that ends data.
    @inline(__always)
    private func appendText(_ value: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        var needsQuotes = false
        for byte in value where byte <= Self.comma {
            if byte == Self.comma || byte == Self.quote || byte == Self.newline || byte == Self.carriageReturn {
                needsQuotes = true
                break
            }
        }
        if !needsQuotes {
            needsQuotes =
                (value.count == sentinel.count && value.elementsEqual(sentinel)) || value.elementsEqual(Self.endOfData)
        }
        guard needsQuotes else {
            bytes.append(contentsOf: value)
            return
        }
        bytes.append(Self.quote)
        var start = 0
        for place in 0..<value.count where value[place] == Self.quote {
            bytes.append(contentsOf: value[start...place])
            bytes.append(Self.quote)
            start = place + 1
        }
        bytes.append(contentsOf: value[start...])
        bytes.append(Self.quote)
    }

    private static let comma = UInt8(ascii: ",")
    private static let quote = UInt8(ascii: "\"")
    private static let newline = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")
    private static let t = UInt8(ascii: "t")
    private static let f = UInt8(ascii: "f")
    private static let utc = Array("+00".utf8)
    private static let endOfData = Array("\\.".utf8)
    private static let digits = Array("0123456789abcdef".utf8)
}

/// Tells rows apart by 64 bits of all their values: with 20,000 of them known, a changed row looks like one of them once in
/// 10^15 times.
enum RowDigest {
    /// FNV-1a over the values with their lengths, mixed at the end (http://www.isthe.com/chongo/tech/comp/fnv/).
    static func of(_ row: MySQLRow, columns: Int) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for column in 0..<columns {
            guard let value = row.value(column) else {
                mix(&hash, .max)
                continue
            }
            mix(&hash, UInt64(value.count))
            var place = 0
            while place + 8 <= value.count {
                mix(&hash, value.loadUnaligned(fromByteOffset: place, as: UInt64.self))
                place += 8
            }
            var rest: UInt64 = 0
            while place < value.count {
                rest = rest << 8 | UInt64(value[place])
                place += 1
            }
            mix(&hash, rest)
        }
        return hash
    }

    /// FNV's step for eight bytes at once; the shift brings high bits down, which a multiplication never does.
    @inline(__always)
    private static func mix(_ hash: inout UInt64, _ word: UInt64) {
        hash = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
        hash ^= hash >> 32
    }
}

/// Reads rows for their digests alone.
struct DigestReader: MySQLRowEncoder {
    private let columns: Int
    private let known: Set<UInt64>
    private(set) var digests: [UInt64] = []
    /// Rows that are known.
    private(set) var familiar = 0
    /// Beyond it digests are only counted.
    private let limit: Int
    private(set) var isOverfull = false

    init(columns: Int, known: Set<UInt64>, limit: Int) {
        self.columns = columns
        self.known = known
        self.limit = limit
    }

    mutating func encode(_ row: MySQLRow, into bytes: inout [UInt8]) -> Bool {
        let digest = RowDigest.of(row, columns: columns)
        if known.contains(digest) { familiar += 1 }
        if digests.count < limit { digests.append(digest) } else { isOverfull = true }
        return false
    }
}
