import Foundation
import Operations
import Replication
import Scheduling

extension Connections {
    func check(_ job: JobRecord) async -> [NamedCheck] {
        var checks: [NamedCheck] = []
        do {
            checks += try notices(job).map { NamedCheck("Connection strings", .warn, $0 + ".") }
        } catch {
            // The same problem shows below, under the side that it belongs to.
        }
        checks.append(await checked("Source") { try await sourceSentence(job) })
        checks.append(await checked("Destination") { try await destinationSentence(job) })
        checks.append(await checked("Staging") { try await stagingSentence() })
        return checks
    }

    private func checked(_ name: String, _ body: () async throws -> String) async -> NamedCheck {
        do {
            return NamedCheck(name, .pass, try await body())
        } catch {
            return NamedCheck(name, .fail, "\(error)")
        }
    }

    private func sourceSentence(_ job: JobRecord) async throws -> String {
        let (version, isStandby, clock) = try await withSource(of: job) { try await $0.probe() }
        let tables = try await discover(job)
        let skew = abs(Date().timeIntervalSince1970 - clock.seconds)
        let unreadable = tables.filter { !$0.isReadable }.count
        let rights = unreadable == 0 ? "all readable" : "\(unreadable) without SELECT"
        return "\(version)\(isStandby ? ", a standby" : ""), clock within "
            + "\((skew * 10).rounded() / 10) s of ours, \(Counted.tables(tables.count)) in "
            + "\(try sourceSchemas(of: job).joined(separator: ", ")), \(rights)."
    }

    private func destinationSentence(_ job: JobRecord) async throws -> String {
        let destination = try redshift(of: job)
        do {
            let version = try await destination.probe()
            await destination.close()
            guard version.lowercased().contains("redshift") else {
                return "It answers, but does not call itself Redshift: \(version.prefix(40))."
            }
            return "Redshift \(version.split(separator: " ").last ?? "")."
        } catch {
            await destination.close()
            throw error
        }
    }

    /// Puts, reads and removes a small object.
    private func stagingSentence() async throws -> String {
        guard configuration.loadPath != .insert else { return "None: rows go by INSERT (COPY_VIA_S3=false)." }
        let staging = try staging()
        let probe = RowStreamProbe()
        let batch = try await staging.stage(
            probe.stream, folder: "probe-\(UUID().uuidString)", plan: StagingPlan(estimatedBytes: 1, slices: 1))
        try await staging.discard(batch)
        return "Bucket \(configuration.s3?.bucket ?? "") takes and removes objects."
    }
}

/// One row, once.
private actor RowStreamProbe {
    private var isSpent = false

    nonisolated var stream: RowStream { RowStream { await self.next() } }

    private func next() -> RowChunk? {
        guard !isSpent else { return nil }
        isSpent = true
        return RowChunk(bytes: Array("probe\n".utf8), rows: 1, longestRowBytes: 6)
    }
}
