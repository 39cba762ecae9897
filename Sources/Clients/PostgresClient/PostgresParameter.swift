/// A bound value, in the type that it is declared with to the server; nil is NULL.
package enum PostgresParameter: Sendable, Hashable {
    /// `int8`.
    case integer(Int64?)
    /// `float8`.
    case real(Double?)
    /// `text`; the server refuses U+0000.
    case text(String?)
    /// `bytea`.
    case bytes([UInt8]?)

    /// From `pg_type.dat`; the same in every PostgreSQL.
    var typeOID: UInt32 {
        switch self {
        case .integer: 20
        case .real: 701
        case .text: 25
        case .bytes: 17
        }
    }

    /// The type's binary format, as its `…send` function writes it: unlike C strings it has no end mark that a value
    /// could contain, and no digits to round.
    var binary: [UInt8]? {
        switch self {
        case .integer(let value): value.map { Self.bigEndian($0) }
        case .real(let value): value.map { Self.bigEndian($0.bitPattern) }
        case .text(let value): value.map { Array($0.utf8) }
        case .bytes(let value): value
        }
    }

    private static func bigEndian(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}

/// The values of one statement, laid out as the parallel arrays that libpq takes.
struct BoundParameters {
    let types: [UInt32]
    let lengths: [Int32]
    /// 1 for binary, at every value.
    let formats: [Int32]
    /// Where each value starts in `storage`; nil for NULL.
    private let offsets: [Int?]
    private let storage: [UInt8]

    var count: Int32 { Int32(types.count) }

    init(_ parameters: [PostgresParameter]) {
        // The first byte is nobody's: an empty value, too, needs an address, since libpq reads none as NULL.
        var storage: [UInt8] = [0]
        var offsets: [Int?] = []
        var lengths: [Int32] = []
        for parameter in parameters {
            let binary = parameter.binary
            offsets.append(binary == nil ? nil : storage.count)
            lengths.append(Int32(binary?.count ?? 0))
            storage += binary ?? []
        }
        types = parameters.map(\.typeOID)
        formats = [Int32](repeating: 1, count: parameters.count)
        self.lengths = lengths
        self.offsets = offsets
        self.storage = storage
    }

    /// - Parameter body: Gets the values' addresses, valid while it runs.
    func withValues<Result>(_ body: ([UnsafePointer<CChar>?]) -> Result) -> Result {
        storage.withUnsafeBytes { buffer in
            let start = buffer.bindMemory(to: CChar.self).baseAddress
            let values = offsets.map { offset -> UnsafePointer<CChar>? in
                guard let start, let offset else { return nil }
                return start + offset
            }
            return body(values)
        }
    }
}
