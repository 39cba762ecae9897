/// The files that a table, its partitions and children lie in: TRUNCATE and rewrites give a relation another file,
/// and a table that takes another's name is another relation.
package struct SourceFiles: Sendable, Hashable {
    /// The named table itself.
    package var root: UInt32
    /// File by relation; 0 for relations without one, such as a partitioned table itself.
    package var files: [UInt32: UInt32]

    /// Relations that are kept track of; a table with more has no `SourceFiles`.
    package static let limit = 1_000

    package init(root: UInt32, files: [UInt32: UInt32]) {
        self.root = root
        self.files = files
    }

    /// What has changed since `former`.
    func changes(since former: SourceFiles) -> SourceFileChanges {
        SourceFileChanges(
            isReplaced: root != former.root,
            rewritten: files.filter {
                former.files[$0.key].map { $0 != 0 } ?? false && former.files[$0.key] != $0.value
            }
            .keys.sorted(),
            added: files.keys.filter { former.files[$0] == nil }.sorted(),
            hasLost: former.files.keys.contains { files[$0] == nil })
    }
}

extension SourceFiles: Codable {
    /// `16384:16390 16391:16395`, the root first: a thousand of them fit into a checkpoint.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let pairs = try container.decode(String.self).split(separator: " ").map { pair -> (UInt32, UInt32) in
            let numbers = pair.split(separator: ":").compactMap { UInt32($0) }
            guard numbers.count == 2 else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(pair) is no file")
            }
            return (numbers[0], numbers[1])
        }
        self.init(root: pairs.first?.0 ?? 0, files: Dictionary(pairs) { first, _ in first })
    }

    package func encode(to encoder: any Encoder) throws {
        let others = files.keys.filter { $0 != root }.sorted()
        let text = ([root] + others).map { "\($0):\(files[$0] ?? 0)" }.joined(separator: " ")
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// What has become of a table's files.
struct SourceFileChanges: Sendable, Hashable {
    /// Another relation has the table's name.
    var isReplaced: Bool
    /// Relations with another file than before.
    var rewritten: [UInt32]
    /// Relations that were not there before: new or attached partitions.
    var added: [UInt32]
    /// Some are gone.
    var hasLost: Bool
}

/// What follows from changed files. Pure.
///
/// VACUUM FULL and CLUSTER keep each row's transaction number, and so keep rows that are older than the last pass. After
/// a TRUNCATE none is left. A relation that came from elsewhere may hold rows that are older than the last pass and that
/// it has never seen.
struct SourceFileRule: Sendable, Hashable {
    var changes: SourceFileChanges
    /// Of the rewritten and added relations those that have rows older than the last pass; nil where that is not known.
    var withOlderRows: Set<UInt32>?

    var isTruncated: Bool { changes.rewritten.contains { withOlderRows?.contains($0) != true } }
    var bringsOldRows: Bool { changes.added.contains { withOlderRows?.contains($0) != false } }
    var needsSweep: Bool { isTruncated || !changes.added.isEmpty }

    /// - Returns: For people; nil where nothing is to be done.
    func apply(to state: inout CheckpointState, of mapping: TableMapping, relations: Int) -> RunNotice? {
        // Places mean nothing in another file, and further relations lie before places that were passed already.
        if !changes.rewritten.isEmpty || !changes.added.isEmpty { state.sweep?.underWay = nil }
        if needsSweep {
            state.sweepDue = true
            // A transaction whose rows were all read may have written others into what is attached now.
            state.settled = nil
            if bringsOldRows {
                state.horizon = nil
                state.sweep = SweepState(horizon: nil)
            }
            if state.pass?.kind == .firstLoad {
                if bringsOldRows { state.pass?.nextHorizon = nil }
            } else {
                state.pass = nil
            }
        }
        guard isTruncated || changes.isReplaced else {
            if bringsOldRows { return .relationsAttached }
            return changes.hasLost ? .relationsGone : nil
        }
        if mapping.mode == .insertOnly {
            // The sequence may have begun anew.
            state.keyFloor = KeyFloor()
            state.maxPrimaryKey = nil
        }
        let readsAll = state.pass == nil && (relations == 1 || state.horizon == nil)
        CompareRule.raise(changes.isReplaced ? .replaced : .truncated, in: &state, readsAll: readsAll)
        return changes.isReplaced ? .sourceReplaced : .sourceTruncated
    }
}
