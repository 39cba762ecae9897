import DestinationRedshift
import Operations
import Replication
import Scheduling

extension Connections {
    /// The longest that people wait for a count.
    private static let countTimeout = Duration.seconds(5)

    func checkFilter(_ job: JobRecord, _ mapping: TableMapping) async throws {
        do {
            try await withSource(of: job) { try await $0.checkFilter(of: mapping) }
        } catch let error as ReplicationError where error.code == .config {
            throw OperationError(.usage, what: error.what, why: error.why, fix: error.fix, underlying: error)
        }
    }

    func sourceRows(of job: JobRecord, _ mapping: TableMapping, from floor: CursorFloor?) async throws -> Int? {
        try await withSource(of: job) { try await $0.count(mapping, from: floor, within: Self.countTimeout) }
    }

    func replicaRows(of job: JobRecord, _ mapping: TableMapping) async throws -> ReplicaCount {
        let destination = try redshift(of: job)
        do {
            let count = try await destination.count(mapping, within: Self.countTimeout)
            await destination.close()
            switch count {
            case .rows(let rows): return .rows(rows)
            case .tooMany: return .tooMany
            case .missing: return .missing
            }
        } catch {
            await destination.close()
            throw error
        }
    }

    /// Opens the job's source for `body` and closes it however that ends.
    func withSource<Value: Sendable>(
        of job: JobRecord, _ body: @Sendable (any JobSource) async throws -> Value
    ) async throws -> Value {
        let source = try await openSource(of: job)
        do {
            let value = try await body(source)
            await source.close()
            return value
        } catch {
            await source.close()
            throw error
        }
    }
}
