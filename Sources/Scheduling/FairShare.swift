import Foundation

/// Who is next, where more is due than can run: jobs with fewer runs under way first, then what has been due longest.
/// Long runs never take the last place that short ones could have.
package enum FairShare {
    /// A table whose last run took longer than this counts as long: with an interval of a minute, others would be a
    /// beat late behind it.
    package static let longSeconds = 60.0
    /// A run that others wait for ends its turn after this, at the next batch's end.
    package static let turn = Duration.seconds(20)
    /// How often a run that has had its turn asks whether others wait.
    package static let turnCheck = Duration.seconds(5)

    /// A job with something that is due, or was asked for.
    package struct Candidate: Sendable, Hashable {
        package var jobID: Int64
        /// When its first table was due, or asked for: microseconds since 1970.
        package var since: Int64
        /// Asked for, and not begun yet: first of all.
        package var isAsked: Bool

        package init(jobID: Int64, since: Int64, isAsked: Bool = false) {
            self.jobID = jobID
            self.since = since
            self.isAsked = isAsked
        }
    }

    /// The order in which candidates are tried; those of jobs without a free slot are left out.
    /// - Parameter busy: Numbers of the slots that are taken, by job.
    package static func order(
        _ candidates: [Candidate], busy: [Int64: Set<Int>], slots: Int
    ) -> [Candidate] {
        candidates.filter { (busy[$0.jobID] ?? []).count { $0 < slots } < slots }
            .sorted { one, other in
                if one.isAsked != other.isAsked { return one.isAsked }
                let (left, right) = (busy[one.jobID]?.count ?? 0, busy[other.jobID]?.count ?? 0)
                if !one.isAsked, left != right { return left < right }
                if one.since != other.since { return one.since < other.since }
                return one.jobID < other.jobID
            }
    }

    /// Slots that a table may take, by number.
    package static func slots(of count: Int, busy: Set<Int>, isLong: Bool) -> [Int] {
        (firstSlot(of: count, isLong: isLong)..<max(count, 1)).filter { !busy.contains($0) }
    }

    /// Where a job has several slots, the first is for short runs only.
    package static func firstSlot(of count: Int, isLong: Bool) -> Int { isLong && count > 1 ? 1 : 0 }

    /// What a run says about how long the table's runs are; nil where it says nothing: one that found nothing new, or
    /// could not begin. A run that made way has more to do than a turn has room for.
    package static func length(of copy: TableCopyRecord, took length: Duration) -> Double? {
        let seconds = length / .seconds(1)
        switch copy.result {
        case .ok: return copy.rows > 0 || seconds > longSeconds ? seconds : nil
        case .stopped where copy.rows > 0: return max(seconds, longSeconds + 1)
        default: return seconds > longSeconds ? seconds : nil
        }
    }

    /// Whether a worker with so many places may begin another long run.
    package static func allowsLong(longRuns: Int, places: Int) -> Bool { longRuns < max(1, places - 1) }
}
