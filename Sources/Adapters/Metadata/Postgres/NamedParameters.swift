import PostgresClient
import Synchronization

/// A statement's text with PostgreSQL's numbered parameters in place of names.
struct NumberedStatement: Sendable {
    let sql: String
    /// Names in the order of their numbers, each once.
    let names: [String]

    /// Leaves literals, quoted names and `::` casts alone.
    init(_ named: String) {
        var sql = ""
        var names: [String] = []
        var rest = Substring(named)
        while let character = rest.first {
            switch character {
            case "'", "\"":
                let end = rest.dropFirst().firstIndex(of: character).map { rest.index(after: $0) } ?? rest.endIndex
                sql += rest[..<end]
                rest = rest[end...]
            case ":":
                let name = rest.dropFirst().prefix { $0.isLetter || $0.isNumber || $0 == "_" }
                if rest.hasPrefix("::") || name.isEmpty {
                    let colons = rest.prefix { $0 == ":" }
                    sql += colons
                    rest = rest.dropFirst(colons.count)
                } else {
                    let number = names.firstIndex(of: String(name)) ?? names.count
                    if number == names.count { names.append(String(name)) }
                    sql += "$\(number + 1)"
                    rest = rest.dropFirst(name.count + 1)
                }
            default:
                sql.append(character)
                rest = rest.dropFirst()
            }
        }
        self.sql = sql
        self.names = names
    }

    func parameters(_ values: StatementValues) throws -> [PostgresParameter] {
        try names.map { name in
            switch values.byName[name] {
            case .integer(let number): .integer(number)
            case .real(let number): .real(number)
            case .text(let text): .text(text)
            case .bytes(let bytes): .bytes(bytes.map { Array($0) })
            case nil: throw UnexpectedColumn(name: ":\(name)")
            }
        }
    }
}

/// Numbered forms of the statements whose text is constant, worked out once a process.
final class NumberedStatements: Sendable {
    private let known = Mutex<[String: NumberedStatement]>([:])

    func numbered(_ statement: MetadataStatement) -> NumberedStatement {
        guard statement.isKept else { return NumberedStatement(statement.sql) }
        if let found = known.withLock({ $0[statement.sql] }) { return found }
        let made = NumberedStatement(statement.sql)
        known.withLock { $0[statement.sql] = made }
        return made
    }
}
