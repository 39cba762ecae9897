/// Which rows of the window, those above the floor, were handed out by the last pass and are known to be in the replica as
/// they were.
struct WindowDigests: Sendable {
    /// Of the last pass.
    private(set) var known: Set<UInt64> = []
    /// Of the pass under way; nil before its first batch.
    private var seen: Set<UInt64>?
    /// The pass under way has seen more than are kept, or not all of its rows.
    private var isIncomplete = false

    /// Digests kept: 160 KiB a table. A larger window is handed out again with each pass.
    static let limit = 20_000

    init(known: Set<UInt64> = []) {
        self.known = known
    }

    /// Whether it is of use to collect those of further rows.
    var keepsMore: Bool { !isIncomplete }

    /// A batch of changes, or of a load, begins.
    /// - Parameter resumes: It goes on behind the row of an earlier run, whose digests were not kept.
    mutating func open(resuming resumes: Bool) {
        if seen == nil { isIncomplete = resumes }
        seen = seen ?? []
    }

    /// Rows that a batch of changes had in sight.
    mutating func see(_ digests: [UInt64], isWhole: Bool) {
        guard isWhole, !isIncomplete, (seen?.count ?? 0) + digests.count <= Self.limit else {
            isIncomplete = true
            return
        }
        seen?.formUnion(digests)
    }

    /// Rows were handed out by another way, maybe newer versions of known ones.
    mutating func forget() {
        known = []
        isIncomplete = isIncomplete || seen != nil
    }

    /// The pass is over: what it saw is what is known.
    mutating func finishPass() {
        guard let seen else { return }
        known = isIncomplete ? [] : seen
        self.seen = nil
        isIncomplete = false
    }
}
