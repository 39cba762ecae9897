import Foundation
import Replication

/// A repaired value as the store remembers it: one a table, key and column, however often it is read.
package struct RepairRecord: Sendable, Hashable {
    package var value: RepairedValue
    package var firstSeenAt: Date
    package var lastSeenAt: Date
    /// How many times it was repaired.
    package var count: Int

    package init(value: RepairedValue, firstSeenAt: Date, lastSeenAt: Date, count: Int) {
        self.value = value
        self.firstSeenAt = firstSeenAt
        self.lastSeenAt = lastSeenAt
        self.count = count
    }
}
