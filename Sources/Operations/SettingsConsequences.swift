import Replication
import Scheduling

/// What a change of settings means for rows and replica, in sentences. Pure.
struct SettingsConsequences {
    private let before: TableRecord
    private let after: TableRecord
    /// A position is set along with the settings, and the next run goes on from that.
    private let setsPosition: Bool
    /// false: there is no replica yet that would have to be changed.
    var hasReplica = true

    init(from before: TableRecord, to after: TableRecord, setsPosition: Bool = false) {
        self.before = before
        self.after = after
        self.setsPosition = setsPosition
    }

    private var old: TableMapping { before.mapping }
    private var new: TableMapping { after.mapping }

    var sentences: [String] {
        var sentences = ["\(new.label): settings changed."] + retyped
        if let rows = rereading { sentences.append(rows) }
        if !newlyExcluded.isEmpty, isLoaded, !isBack { sentences.append(leftBehind) }
        if new.destination != old.destination {
            sentences.append(
                "It is loaded into \(new.destination); \(old.destination) stays as it is and is no longer kept up.")
        } else if hasReplica, !madeAnew.isEmpty {
            sentences.append(
                "\(madeAnew.joined(separator: "; ")). The replica must be made anew for that: redshift-loader tables resync "
                    + "\(new.label) --recreate.")
        }
        if hasReplica, isLaidOutAnew, new.destination == old.destination {
            sentences.append(
                "Distribution and sorting are chosen when a table is made. Where the replica has others, it must be made anew: "
                    + "redshift-loader tables resync \(new.label) --recreate.")
        }
        if hasReplica, !included.isEmpty, new.destination == old.destination {
            sentences.append(
                "Where the replica lacks \(included.joined(separator: ", ")), it must be added there, or the replica made anew: "
                    + "redshift-loader tables resync \(new.label) --recreate.")
        }
        return sentences
    }

    /// Whether the replica, if there is one, may have to be changed by hand.
    var concernsReplica: Bool {
        new.destination == old.destination && (!madeAnew.isEmpty || isLaidOutAnew || !included.isEmpty)
    }

    private var retyped: [String] {
        new.columns.compactMap { column in
            guard let former = old.column(column.source.name)?.source, former.typeName != column.source.typeName else {
                return nil
            }
            return "\(column.source.name) is \(column.source.typeName) at the source now; it was \(former.typeName)."
        }
    }

    private var isLoaded: Bool { before.mirror != nil }

    /// Whether this undoes changes that no run has met: what is loaded was loaded by this very definition.
    private var isBack: Bool {
        new.definition != old.definition && new.definition == before.mirror?.state.definition
    }

    private var isLaidOutAnew: Bool { new.layout != old.layout && (new.mode != .fullSync || new.refresh != .swap) }

    private var rereading: String? {
        let isRedefined = new.definition != old.definition && !isBack
        guard isLoaded, !setsPosition, isRedefined || new.destination != old.destination else { return nil }
        let rows = before.mirror?.state.replicaRows ?? 0
        return "All rows are read again with the next run (about \(Counted.grouped(rows)) rows)."
    }

    private var newlyExcluded: [String] {
        new.scope.excludedColumns.filter { !old.scope.excludedColumns.contains($0) }
    }

    private var included: [String] {
        isBack ? [] : new.columns.map(\.source.name).filter { old.column($0) == nil }
    }

    private var leftBehind: String {
        let names = newlyExcluded.joined(separator: ", ")
        if new.mode == .fullSync, new.refresh == .swap { return "The replica loses \(names) with the next run." }
        return "The replica keeps \(names) with what was loaded, and it becomes NULL in each row as that comes again."
    }

    /// What an existing replica cannot take over, in clauses.
    private var madeAnew: [String] {
        guard !isBack else { return [] }
        return new.columns.compactMap { column in
            old.column(column.source.name).flatMap { Self.clause(from: $0, to: column) }
        }
    }

    private static func clause(from old: ColumnMapping, to new: ColumnMapping) -> String? {
        switch (old.destinationType, new.destinationType) {
        case (let former, let wanted) where former == wanted: nil
        // Wider: the column is widened when a value needs it. Hashes fit into any text column, or widen it.
        case (.varchar(let former), .varchar(let wanted)) where wanted > former || new.treatment != old.treatment: nil
        case (.varchar(let former), .varchar(let wanted)):
            "\(new.source.name) stays VARCHAR(\(former)) as it is, not VARCHAR(\(wanted))"
        default:
            "\(new.source.name) is to be \(new.destinationType.sql), it is \(old.destinationType.sql)"
        }
    }
}
