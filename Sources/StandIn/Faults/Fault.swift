/// Something that goes wrong on purpose; docs/standin.md describes the statements that arm it.
enum Fault: Sendable, Equatable {
    /// At one statement, once.
    case statement(StatementFault)
    /// Inside of one COPY, once.
    case copy(CopyFault)
    /// New connections are closed without a word for so long.
    case refuse(Duration)
    /// Any statement, by chance, until cleared.
    case random(RandomFaults)

    /// Whether `STANDIN AWAIT FAULT` waits for it: what chance decides need never happen.
    var isAwaited: Bool {
        if case .random = self { false } else { true }
    }
}

/// A fault at one statement.
struct StatementFault: Sendable, Equatable {
    enum Moment: String, Sendable, Equatable {
        /// The statement is not carried out.
        case before = "BEFORE"
        /// It is begun and comes to nothing: some rows of a query are sent, some of a COPY are read.
        case during = "DURING"
        /// It is carried out, its answer not sent.
        case after = "AFTER"
    }

    enum Effect: Sendable, Equatable {
        /// The connection is closed.
        case drop
        /// The client waits in vain until it goes away.
        case hold
        /// The statement waits for so long; nil: until faults are cleared.
        case stall(Duration?)
        case raise(StandInError)
    }

    var effect: Effect
    var moment: Moment
    var place: FaultPlace
}

/// Which statement a fault waits for. Each session counts for itself, from the arming on.
struct FaultPlace: Sendable, Equatable {
    /// The first word in capital letters, COMMIT and BEGIN whatever they are called; nil for any statement.
    var kind: String?
    /// A name that the statement must contain: of a schema, a table or a column, folded.
    var name: String?
    /// One-based.
    var number = 1
}

/// A COPY that ends badly after some rows.
struct CopyFault: Sendable, Equatable {
    enum Ending: Sendable, Equatable {
        /// As over MAXERROR, with no line in the load error tables.
        case failure
        /// S3 has refused to be read.
        case unreadable
        /// The connection is closed.
        case drop
    }

    var ending: Ending
    /// nil: at its end, however many rows there are. A COPY of fewer rows is none of this fault's.
    var afterRows: Int?
    /// A name that the statement must contain, folded.
    var name: String?
}

/// Faults by chance: drawn from the seed and the numbers of session and statement, so that the same clients meet the
/// same faults.
struct RandomFaults: Sendable, Equatable {
    var seed: UInt64
    /// Of each statement, 0...1.
    var probability: Double
    /// At most so many; nil: no end.
    var limit: Int?

    /// What happens at a statement, if anything.
    /// - Parameters:
    ///   - session: Its number since the arming, in the order of first statements; one-based, as is `statement`.
    func draw(session: Int, statement: Int, kind: String) -> StatementFault? {
        // Odd factors, so that neighbouring seeds, sessions and statements share nothing.
        let place = UInt64(session) &* 0xd6e8_feb8_6659_fd93 &+ UInt64(statement) &* 0xa076_1d64_78bd_642f
        var generator = SplitMix64(state: seed &* 0xe703_7ed1_a0b4_28db &+ place)
        guard Double(generator.next() >> 11) * 0x1p-53 < probability else { return nil }
        let drop = { StatementFault(effect: .drop, moment: $0, place: FaultPlace()) }
        let raise = { StatementFault(effect: .raise($0), moment: .before, place: FaultPlace()) }
        var possible = [drop(.before), drop(.after)]
        if !["BEGIN", "ROLLBACK", "SET", "SHOW", "RESET"].contains(kind) {
            possible += [raise(.serializationCycle()), raise(.ddlConflict), raise(.deadlock)]
            if kind != "COMMIT" { possible.append(drop(.during)) }
        }
        return possible[Int(generator.next() % UInt64(possible.count))]
    }
}

/// Steele, Lea and Flood's generator: small, and the same everywhere.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

/// The errors that Redshift tells its clients to try again after; texts from its users' reports.
extension StandInError {
    /// https://github.com/snowplow/snowplow-rdb-loader/issues/557
    static func serializationCycle(
        table: Int = 100_167, transactions: [Int] = [55_705_701, 55_705_754], pid: Int32 = 0
    )
        -> StandInError
    {
        let cycle = transactions.map(String.init).joined(separator: ", ")
        return StandInError(
            "XX000", "1023",
            why: "Serializable isolation violation on table - \(table), transactions forming the cycle are: "
                + "\(cycle) (pid:\(pid))")
    }

    /// https://github.com/aws/amazon-redshift-jdbc-driver/issues/147
    static let ddlConflict = StandInError(
        "XX000", "could not complete because of conflict with concurrent transaction")

    static let deadlock = StandInError("40P01", "deadlock detected")

    /// What this stand-in says of two writers of one row under SNAPSHOT.
    static let snapshotConflict = StandInError("40001", "could not serialize access due to concurrent update")

    /// S3's throttling as COPY reports it.
    static let unreadable = StandInError.compute(
        "S3ServiceException:Please reduce your request rate.,Status 503,Error SlowDown", code: 8001,
        context: "Failed to read a staged file")
}
