import GRDB

/// One statement with its values bound by name; its text is constant, so that SQLite compiles it once a connection.
struct SQLiteStatement: Sendable {
    let sql: String
    let arguments: StatementArguments

    init(_ sql: String, _ arguments: StatementArguments = [:]) {
        self.sql = sql
        self.arguments = arguments
    }

    /// - Returns: Rows changed.
    @discardableResult
    func run(_ database: Database) throws -> Int {
        try database.cachedStatement(sql: sql).execute(arguments: arguments)
        return database.changesCount
    }

    func rows(_ database: Database) throws -> [Row] {
        try Row.fetchAll(database.cachedStatement(sql: sql), arguments: arguments)
    }

    func row(_ database: Database) throws -> Row? {
        try Row.fetchOne(database.cachedStatement(sql: sql), arguments: arguments)
    }

    func number(_ database: Database) throws -> Int64? {
        try Int64.fetchOne(database.cachedStatement(sql: sql), arguments: arguments)
    }

    func texts(_ database: Database) throws -> [String] {
        try String.fetchAll(database.cachedStatement(sql: sql), arguments: arguments)
    }
}
