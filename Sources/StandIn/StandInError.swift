import PostgresClient

/// An answer of refusal in Redshift's words: what goes into an ErrorResponse.
///
/// `what` is the message, `why` the DETAIL and `fix` the HINT of the wire protocol. Neither carries a secret.
struct StandInError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Five characters; see redshift's and PostgreSQL's error code tables.
    var sqlState: String
    var what: String
    var why: String?
    var fix: String?
    /// The session is over after this error.
    var endsSession = false

    init(_ sqlState: String, _ what: String, why: String? = nil, fix: String? = nil, endsSession: Bool = false) {
        self.sqlState = sqlState
        self.what = what
        self.why = why
        self.fix = fix
        self.endsSession = endsSession
    }

    /// Redshift gives no statement a second try by itself; clients decide by text and state.
    var isRetryable: Bool { false }

    var description: String { "\(sqlState): \(what)" + (why.map { " (\($0))" } ?? "") }

    /// 42601 at a word, as an 8.0-era parser says it.
    static func syntax(near text: String) -> StandInError {
        StandInError(
            "42601", text.isEmpty ? "syntax error at end of input" : "syntax error at or near \"\(text)\"")
    }

    /// 42P02, counted in 16 bits as Redshift counts.
    static func noParameter(_ number: Int) -> StandInError {
        StandInError("42P02", "there is no parameter $\(Int16(truncatingIfNeeded: number))")
    }

    /// 54000: over the 16 MB of one statement.
    static func tooLarge(_ bytes: Int) -> StandInError {
        StandInError(
            "54000",
            "Statement is too large. Statement Size: \(bytes) bytes. "
                + "Maximum Allowed: \(FrontendDecoder.statementLimitBytes) bytes")
    }

    /// 0A000: compute nodes lack what the leader node has.
    static let leaderOnly = StandInError(
        "0A000", "Specified types or functions (one per INFO message) not supported on Amazon Redshift tables.")

    /// 0A000: Redshift has no such thing.
    static func unsupported(_ thing: String) -> StandInError {
        StandInError("0A000", "\(thing) is not supported")
    }

    /// 0A000: Redshift has it, this stand-in does not.
    static func notImitated(_ thing: String) -> StandInError {
        StandInError(
            "0A000", "\(thing) is not imitated by the stand-in", fix: "docs/standin.md lists what is imitated.")
    }

    /// The shape in which Redshift's compute nodes report an error: message, then a dashed DETAIL block.
    static func compute(_ what: String, code: Int = 8001, context: String = "", sqlState: String = "XX000")
        -> StandInError
    {
        StandInError(sqlState, what, why: detailBlock(what, code: code, context: context))
    }

    /// DETAIL text with the lines that clients look for.
    static func detailBlock(_ error: String, code: Int, context: String) -> String {
        let dashes = String(repeating: "-", count: 47)
        return """

              \(dashes)
              error:  \(error)
              code:      \(code)
              context:   \(context)
              query:     0
              location:  standin
              process:   standin [pid=0]
              \(dashes)
            """
    }

    /// The words of Redshift for an error of the PostgreSQL behind.
    init(backing error: PostgresError) {
        let message = error.serverMessage ?? error.why
        switch error.sqlState {
        case "23502":
            let column = message.split(separator: "\"").dropFirst().first.map(String.init) ?? "?"
            self = .compute("Cannot insert a NULL value into column \(column)")
        case "22003":
            self = .compute("Numeric data overflow (result precision)", code: 1058, context: message)
        case "22P02" where message.hasSuffix("type json"), "22P05" where message.contains("Unicode"):
            self = .compute("JSON parsing error", context: "invalid JSON")
        case "21000" where message.hasPrefix("MERGE"):
            self = .compute("Found multiple matches to update the same tuple.")
        case "57014":
            self.init("57014", "Query (150) canceled on user's request")
        case nil:
            self.init("58000", "The PostgreSQL behind the stand-in is gone", why: error.why, endsSession: true)
        case let state?:
            self.init(state, message, why: error.detail, fix: error.hint, endsSession: state.hasPrefix("57P"))
        }
    }
}
