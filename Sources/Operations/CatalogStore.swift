import Foundation
import Replication
import Scheduling

/// Jobs and tables as people edit them.
package typealias CatalogStore = JobStore & TableStore

/// Jobs as people edit them.
package protocol JobStore: Sendable {
    /// - Throws: `OperationError` when the name is taken.
    func add(_ job: JobRecord) async throws -> JobRecord
    func jobs() async throws -> [JobRecord]
    func update(_ job: JobRecord) async throws
    /// As `update`, for a job whose destination is another one: no table of it is being synced at that moment, and their
    /// next runs ask the destination where they stand.
    /// - Throws: `OperationError` `busy` while one is being synced; nothing is changed then.
    func updateWhereNothingRuns(_ job: JobRecord) async throws
    /// Removes a job with its tables and their history. What lies in the destination stays.
    func remove(jobID: Int64) async throws
}

/// Tables as people edit them.
package protocol TableStore: Sendable {
    /// - Returns: nil where there is none.
    func table(id: Int64) async throws -> TableRecord?
    /// - Returns: All tables of a job, or of all jobs, by name.
    func tables(ofJob jobID: Int64?) async throws -> [TableRecord]
    /// Inserts a table (id 0) or changes mapping, schedule and `disabled` of one. Another schedule brings the next run
    /// forward to `nextRunAt`, never back.
    func save(_ table: TableRecord) async throws -> TableRecord
    /// Removes a table with its history. What lies in the destination stays.
    func remove(tableID: Int64) async throws
}

/// What runs have left behind.
package protocol HistoryStore: Sendable {
    /// Newest first.
    func copies(ofTable tableID: Int64, limit: Int) async throws -> [TableCopyRecord]
    /// The latest seen first.
    func repairs(ofTable tableID: Int64, limit: Int) async throws -> [RepairRecord]
    func countRepairs(ofTable tableID: Int64) async throws -> Int
}

/// More of the store that operations need.
package protocol RequestStore: Sendable {
    /// Makes a table due at once.
    func request(tableID: Int64) async throws
    /// The present on the clock that all machines share.
    func storeTime() async throws -> Date
    /// This metadata store's own name, made once, random.
    func installationID() async throws -> String
    /// A secret that this installation made up for itself: the one kept under `name`, or `made`, which is then kept.
    func secret(named name: String, orKeep made: Data) async throws -> Data
}

/// A secret as the store holds it, and what it is bound to.
package struct SealedSecret: Sendable, Hashable {
    package enum Place: Sendable, Hashable {
        case source(jobID: Int64, name: String)
        case destination(jobID: Int64, name: String)
        /// Made up by this installation, under a name.
        case kept(String)
    }

    package var place: Place
    package var bytes: Data

    package init(place: Place, bytes: Data) {
        self.place = place
        self.bytes = bytes
    }
}

/// The secrets of a store, for another key.
package protocol SealedStore: Sendable {
    func sealedSecrets() async throws -> [SealedSecret]
    /// - Returns: false where somebody has stored another one meanwhile, or removed it.
    func replace(_ secret: SealedSecret, with bytes: Data) async throws -> Bool
}

/// Encrypts connection strings for the store.
package protocol SecretSealing: Sendable {
    /// - Parameter context: Bound to the ciphertext: it opens only under the same one.
    func seal(_ secret: String, context: String) throws -> Data
    /// - Throws: `OperationError` `secretKey` when the key does not fit.
    func open(_ sealed: Data, context: String) throws -> String
    /// Whether `seal` would use the key that it was sealed with.
    func isUnderNewestKey(_ sealed: Data) -> Bool
}
