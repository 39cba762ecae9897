import Foundation

/// One statement for both engines, with its values bound by name (`:name`); its text is constant, so that an engine
/// compiles it once a connection.
struct MetadataStatement: Sendable, Hashable {
    let sql: String
    let values: StatementValues
    /// Worth compiling once a connection; not where its text varies.
    let isKept: Bool

    init(_ sql: String, _ values: StatementValues = [:], isKept: Bool = true) {
        self.sql = sql
        self.values = values
        self.isKept = isKept
    }

    /// - Returns: Rows changed.
    @discardableResult
    func run(_ session: any MetadataSession) throws -> Int { try session.run(self) }

    func rows(_ session: any MetadataSession) throws -> [StoredRow] { try session.rows(self) }

    func row(_ session: any MetadataSession) throws -> StoredRow? { try rows(session).first }

    /// The first column of the first row; nil where there is none, or NULL.
    func number(_ session: any MetadataSession) throws -> Int64? { try row(session)?.first() }

    /// The first column of all rows.
    func texts(_ session: any MetadataSession) throws -> [String] { try rows(session).map { try $0.first() } }
}

/// Values of a statement, by name.
struct StatementValues: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    private(set) var byName: [String: StoredValue] = [:]

    init(dictionaryLiteral elements: (String, any Storable)...) {
        for (name, value) in elements { byName[name] = value.stored }
    }

    /// Both together; no name may stand on both sides.
    static func + (left: StatementValues, right: StatementValues) -> StatementValues {
        var values = left
        values.byName.merge(right.byName) { _, new in new }
        return values
    }
}

/// A value in one of the four types that both engines keep. NULL has a type as well: PostgreSQL must know it.
enum StoredValue: Sendable, Hashable {
    case integer(Int64?)
    case real(Double?)
    case text(String?)
    case bytes(Data?)
}

/// What a column holds, as the engine gives it: PostgreSQL's answers are text.
enum StoredCell: Sendable, Hashable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case bytes(Data)
}

/// A type that values are bound from and read as.
protocol Storable: Sendable {
    static var null: StoredValue { get }
    var stored: StoredValue { get }
    /// - Returns: nil for what is not of this type.
    static func read(_ cell: StoredCell) -> Self?
}

extension Int64: Storable {
    static var null: StoredValue { .integer(nil) }
    var stored: StoredValue { .integer(self) }

    static func read(_ cell: StoredCell) -> Int64? {
        switch cell {
        case .integer(let number): number
        case .text(let text): Int64(text)
        default: nil
        }
    }
}

extension Int: Storable {
    static var null: StoredValue { .integer(nil) }
    var stored: StoredValue { .integer(Int64(self)) }
    static func read(_ cell: StoredCell) -> Int? { Int64.read(cell).map { Int($0) } }
}

extension Int32: Storable {
    static var null: StoredValue { .integer(nil) }
    var stored: StoredValue { .integer(Int64(self)) }
    static func read(_ cell: StoredCell) -> Int32? { Int64.read(cell).flatMap { Int32(exactly: $0) } }
}

/// 0 and 1 in both engines.
extension Bool: Storable {
    static var null: StoredValue { .integer(nil) }
    var stored: StoredValue { .integer(self ? 1 : 0) }
    static func read(_ cell: StoredCell) -> Bool? { Int64.read(cell).map { $0 != 0 } }
}

extension Double: Storable {
    static var null: StoredValue { .real(nil) }
    var stored: StoredValue { .real(self) }

    static func read(_ cell: StoredCell) -> Double? {
        switch cell {
        case .real(let number): number
        case .integer(let number): Double(number)
        case .text(let text): Double(text)
        default: nil
        }
    }
}

extension String: Storable {
    static var null: StoredValue { .text(nil) }
    var stored: StoredValue { .text(self) }
    static func read(_ cell: StoredCell) -> String? { if case .text(let text) = cell { text } else { nil } }
}

extension Data: Storable {
    static var null: StoredValue { .bytes(nil) }
    var stored: StoredValue { .bytes(self) }
    static func read(_ cell: StoredCell) -> Data? { if case .bytes(let bytes) = cell { bytes } else { nil } }
}

extension Optional: Storable where Wrapped: Storable {
    static var null: StoredValue { Wrapped.null }
    var stored: StoredValue { self?.stored ?? Wrapped.null }

    static func read(_ cell: StoredCell) -> Wrapped?? {
        if cell == .null { return .some(nil) }
        return Wrapped.read(cell).map { .some($0) }
    }
}

/// One row of an answer.
struct StoredRow: Sendable {
    private let columns: [String: Int]
    private let cells: [StoredCell]

    /// - Parameter columns: Positions by name, shared by all rows of an answer.
    init(columns: [String: Int], cells: [StoredCell]) {
        self.columns = columns
        self.cells = cells
    }

    subscript<Value: Storable>(name: String) -> Value {
        get throws {
            guard let index = columns[name], let value = Value.read(cells[index]) else {
                throw UnexpectedColumn(name: name)
            }
            return value
        }
    }

    func first<Value: Storable>() throws -> Value {
        guard let cell = cells.first, let value = Value.read(cell) else { throw UnexpectedColumn(name: "1") }
        return value
    }
}

/// A column is missing, or holds what this program did not write.
struct UnexpectedColumn: Error, CustomStringConvertible {
    let name: String
    var description: String { "column \(name) holds nothing that can be read" }
}
