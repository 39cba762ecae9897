import Foundation

/// Reads what stands behind `STANDIN FAULT` and in `--fault`.
enum FaultReader {
    static func read(_ text: String) throws(StandInError) -> Fault {
        let sql = try Tokenizer.read(text)
        var reader = StatementReader(sql, 0..<sql.tokens.count)
        return try read(&reader)
    }

    /// Takes everything to the end.
    static func read(_ reader: inout StatementReader) throws(StandInError) -> Fault {
        let fault: Fault
        if reader.take("fail", "copy") {
            fault = .copy(try copy(&reader))
        } else if reader.take("refuse", "connections", "for") {
            fault = .refuse(.seconds(try number(&reader)))
            _ = reader.take("seconds")
        } else if reader.take("random", "seed") {
            fault = .random(try random(&reader))
        } else {
            fault = try statement(&reader)
        }
        try reader.expectEnd()
        return fault
    }

    private static func copy(_ reader: inout StatementReader) throws(StandInError) -> CopyFault {
        var fault = CopyFault(ending: reader.take("read") ? .unreadable : .failure)
        if reader.take("after") {
            fault.afterRows = try reader.integer()
            try reader.expect("rows")
        }
        fault.name = try name(&reader)
        return fault
    }

    private static func random(_ reader: inout StatementReader) throws(StandInError) -> RandomFaults {
        let seed = UInt64(try reader.integer())
        try reader.expect("probability")
        var faults = RandomFaults(seed: seed, probability: try number(&reader))
        if reader.take("times") { faults.limit = try reader.integer() }
        return faults
    }

    private static func statement(_ reader: inout StatementReader) throws(StandInError) -> Fault {
        let effect = try effect(&reader)
        let moment: StatementFault.Moment
        if reader.take("before") {
            moment = .before
        } else if effect == .drop, reader.take("during") {
            moment = .during
        } else {
            // An error says that the statement was not carried out.
            if case .raise = effect { throw reader.unexpected() }
            try reader.expect("after")
            moment = .after
        }
        let place = try place(&reader)
        if moment == .during {
            if place.kind == "COPY", place.number == 1 {
                return .copy(CopyFault(ending: .drop, afterRows: 1, name: place.name))
            }
            // It would be carried out or not, and nobody could say which.
            guard place.kind != "COMMIT" else { throw .unsupported("DURING COMMIT") }
        }
        return .statement(StatementFault(effect: effect, moment: moment, place: place))
    }

    private static func effect(_ reader: inout StatementReader) throws(StandInError) -> StatementFault.Effect {
        if reader.take("drop") { return .drop }
        if reader.take("hold") { return .hold }
        if reader.take("stall") {
            guard reader.kind() == .number else { return .stall(nil) }
            let seconds = try number(&reader)
            _ = reader.take("seconds")
            return .stall(.seconds(seconds))
        }
        try reader.expect("raise")
        if reader.take("deadlock") { return .raise(.deadlock) }
        if reader.take("conflict") { return .raise(.ddlConflict) }
        if reader.take("snapshot", "conflict") { return .raise(.snapshotConflict) }
        if reader.kind() == .string {
            let state = try reader.string()
            return .raise(StandInError(state, try reader.string()))
        }
        guard try reader.integer() == 1023 else { throw reader.unexpected() }
        return .raise(.serializationCycle())
    }

    private static func place(_ reader: inout StatementReader) throws(StandInError) -> FaultPlace {
        guard let word = reader.word() else { throw reader.unexpected() }
        reader.advance()
        var place = FaultPlace(kind: word == "statement" ? nil : StatementKind.name(of: word))
        if reader.kind() == .number { place.number = max(1, try reader.integer()) }
        place.name = try name(&reader)
        return place
    }

    private static func name(_ reader: inout StatementReader) throws(StandInError) -> String? {
        reader.take("on") ? try reader.name() : nil
    }

    private static func number(_ reader: inout StatementReader) throws(StandInError) -> Double {
        guard reader.kind() == .number, let value = Double(reader.source(reader.index..<reader.index + 1)) else {
            throw reader.unexpected()
        }
        reader.advance()
        return value
    }
}

/// How faults name statements.
enum StatementKind {
    /// - Parameter word: The statement's first, in small letters.
    static func name(of word: String) -> String {
        switch word {
        case "end": "COMMIT"
        case "start": "BEGIN"
        case "abort": "ROLLBACK"
        default: word.uppercased()
        }
    }

    static func name(of sql: SQLText, _ range: Range<Int>) -> String {
        name(of: sql.word(range.lowerBound) ?? "select")
    }
}
