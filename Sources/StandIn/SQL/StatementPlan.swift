/// What the session does for one statement.
struct StatementPlan: Sendable, Equatable {
    enum Action: Sendable, Equatable {
        /// Rows of one backing statement, streamed to the client; the tag is the backing's unless given.
        case rows(String)
        /// Backing statements that succeed or fail together and show no rows; the tag is the last one's unless given.
        case command([String], tag: String?)
        case begin
        case commit
        case rollback
        /// A parameter that only Redshift has: kept in the session, without effect. nil resets it.
        case keepParameter(name: String, value: String?)
        case showKeptParameter(String)
        case copy(CopyStatement)
        case control(ControlStatement)
    }

    var action: Action
    /// Refused inside BEGIN … COMMIT, under this name.
    var refusedInTransaction: String?
    /// Commits the transaction at hand after it has run (TRUNCATE).
    var commitsAfter = false
    /// Needs a transaction of its own where none is open (LOCK).
    var wrapsItself = false

    /// The table whose rows it writes: one writer at a time.
    var writes: RelationName?
    /// It reads that table as well: UPDATE, DELETE, MERGE.
    var readsTarget = false
    /// The view WITH NO SCHEMA BINDING that it makes.
    var lateView: String?
    /// SELECT … INTO: a command that cannot be prepared.
    var isSelectInto = false

    static func rows(_ sql: String) -> StatementPlan { StatementPlan(action: .rows(sql)) }
    static func writing(_ table: RelationName, reads: Bool = true, _ sql: String...) -> StatementPlan {
        StatementPlan(action: .command(sql, tag: sql.count > 1 ? "MERGE" : nil), writes: table, readsTarget: reads)
    }
    static func copying(_ statement: CopyStatement) -> StatementPlan {
        StatementPlan(action: .copy(statement), writes: statement.table)
    }
    static func command(_ sql: String..., tag: String? = nil) -> StatementPlan {
        StatementPlan(action: .command(sql, tag: tag))
    }
}

/// The stand-in's own statements; docs/standin.md describes them.
enum ControlStatement: Sendable, Equatable {
    case armFault(Fault, text: String)
    case awaitFault
    case clearFaults
    case showFaults
    case showLog
    case clearLog
}
