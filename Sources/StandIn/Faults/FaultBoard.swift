/// The faults that are armed, those under way and what became of each.
actor FaultBoard {
    /// A statement that is about to run.
    struct Moment: Sendable {
        var session: Int32
        var kind: String
        /// Every identifier in it, folded.
        var names: Set<String>
    }

    /// What a statement meets, with the number to report it by.
    struct Taken<Effect: Sendable>: Sendable {
        var id: Int
        var effect: Effect
    }

    fileprivate enum State: Sendable, Equatable {
        case armed
        /// Taken; its effect is not complete.
        case underWay
        case hit(Int)
        case cleared
    }

    fileprivate struct Entry {
        let id: Int
        let fault: Fault
        let text: String
        let by: Int32
        var state = State.armed
        /// Statements that matched, for each session.
        var counts: [Int32: Int] = [:]
        /// The sessions' numbers, for random faults.
        var sessions: [Int32: Int] = [:]
        let armedAt = ContinuousClock.now
    }

    private var entries: [Entry] = []
    private var lastID = 0
    /// Grows when faults are cleared, which ends stalls.
    private(set) var clearings = 0

    /// - Parameter by: The session that its own faults do not touch; 0 for nobody.
    func arm(_ fault: Fault, text: String, by pid: Int32) {
        lastID += 1
        entries.append(Entry(id: lastID, fault: fault, text: text, by: pid))
    }

    func clear() {
        for index in entries.indices where entries[index].isPending { entries[index].state = .cleared }
        clearings += 1
    }

    /// Whether any statement could meet a fault: looked at before each.
    var isQuiet: Bool { !entries.contains { $0.state == .armed || $0.isRandom } }

    /// The first fault that is due at a statement, taken away.
    func take(at moment: Moment) -> Taken<StatementFault>? {
        var taken: Taken<StatementFault>?
        for index in entries.indices where entries[index].by != moment.session {
            // Every armed fault counts the statement, whether or not another one hits it.
            guard let fault = entries[index].due(at: moment), taken == nil else { continue }
            taken = Taken(id: entries[index].id, effect: fault)
            if !entries[index].isRandom { entries[index].state = .underWay }
        }
        return taken
    }

    /// The fault of a COPY that has read `rows` so far, taken away.
    func takeCopy(in session: Int32, names: Set<String>, rows: Int, isAtEnd: Bool) -> Taken<CopyFault.Ending>? {
        for index in entries.indices where entries[index].by != session && entries[index].state == .armed {
            guard case .copy(let fault) = entries[index].fault, fault.name.map(names.contains) ?? true,
                fault.afterRows.map({ rows >= $0 }) ?? isAtEnd
            else { continue }
            entries[index].state = .underWay
            return Taken(id: entries[index].id, effect: fault.ending)
        }
        return nil
    }

    /// Whether a new connection is to be closed at once.
    func refusesConnection() -> Bool {
        var refuses = false
        for index in entries.indices {
            guard case .refuse(let duration) = entries[index].fault, entries[index].state != .cleared,
                ContinuousClock.now < entries[index].armedAt + duration
            else { continue }
            hit(entries[index].id)
            refuses = true
        }
        return refuses
    }

    /// Says that a taken fault's effect is complete.
    func hit(_ id: Int) {
        guard let index = entries.firstIndex(where: { $0.id == id }) else { return }
        if case .hit(let times) = entries[index].state {
            entries[index].state = .hit(times + 1)
        } else if entries[index].state != .cleared {
            entries[index].state = .hit(1)
        }
    }

    /// Returns when every fault that is not left to chance has been hit or cleared.
    /// - Throws: `StandInError` after `limit`.
    func wait(limit: Duration = .seconds(60)) async throws {
        let clock = ContinuousClock()
        let end = clock.now + limit
        while entries.contains(where: { $0.fault.isAwaited && [.armed, .underWay].contains($0.state) }) {
            guard clock.now < end else { throw StandInError("57014", "The fault was not hit within \(limit)") }
            try await clock.sleep(for: .milliseconds(10))
        }
    }

    /// Number, text and what became of it, oldest first.
    var list: [[String]] {
        entries.map { entry in
            let state =
                switch entry.state {
                case .armed: "armed"
                case .underWay: "under way"
                case .hit(let times): times == 1 ? "hit" : "hit \(times) times"
                case .cleared: "cleared"
                }
            return [String(entry.id), entry.text, state]
        }
    }
}

extension FaultBoard.Entry {
    /// It may still do something.
    fileprivate var isPending: Bool {
        switch fault {
        case .random, .refuse: true
        case .statement, .copy: state == .armed || state == .underWay
        }
    }

    fileprivate var isRandom: Bool {
        if case .random = fault { state != .cleared } else { false }
    }

    /// Counts the statement; the fault if it is this one's.
    fileprivate mutating func due(at moment: FaultBoard.Moment) -> StatementFault? {
        switch fault {
        case .statement(let fault):
            guard state == .armed, fault.place.kind.map({ $0 == moment.kind }) ?? true,
                fault.place.name.map(moment.names.contains) ?? true
            else { return nil }
            counts[moment.session, default: 0] += 1
            return counts[moment.session] == fault.place.number ? fault : nil
        case .random(let faults):
            guard state != .cleared else { return nil }
            if case .hit(let times) = state, let limit = faults.limit, times >= limit { return nil }
            counts[moment.session, default: 0] += 1
            let number = sessions[moment.session] ?? sessions.count + 1
            sessions[moment.session] = number
            return faults.draw(session: number, statement: counts[moment.session] ?? 0, kind: moment.kind)
        case .copy, .refuse: return nil
        }
    }
}
