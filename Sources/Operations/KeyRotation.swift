import Foundation

/// What each secret is bound to: moved to another place, it does not open.
package enum SealingContext {
    package static func source(ofJob name: String) -> String { "job:\(name):source" }
    package static func destination(ofJob name: String) -> String { "job:\(name):destination" }
    package static func kept(_ name: String) -> String {
        "installation:\(name.replacing("_", with: "-"))"
    }
}

extension SealedSecret {
    /// See `SealingContext`.
    package var context: String {
        switch place {
        case .source(_, let name): SealingContext.source(ofJob: name)
        case .destination(_, let name): SealingContext.destination(ofJob: name)
        case .kept(let name): SealingContext.kept(name)
        }
    }

    /// For people.
    var label: String {
        switch place {
        case .source(_, let name): "the source of job \(name)"
        case .destination(_, let name): "the destination of job \(name)"
        case .kept(let name): "the installation's \(name)"
        }
    }
}

/// Brings every stored secret under the newest key, so that older ones can be taken out of `ENCRYPTION_KEY`.
package struct KeyRotation: Sendable {
    private let store: any SealedStore
    private let secrets: any SecretSealing

    package init(store: any SealedStore, secrets: any SecretSealing) {
        self.store = store
        self.secrets = secrets
    }

    package struct Outcome: Sendable, Hashable {
        /// Secrets that were encrypted anew.
        package var resealed = 0
        /// Those that were under the newest key before.
        package var current = 0
        /// Those that none of the keys opens, with the reason: they stay as they are.
        package var unreadable: [String] = []
    }

    /// Looks again until nothing is left: an edit that began before may have put a secret back under its former key.
    private static let rounds = 5

    /// Runs beside everything else: a secret that is changed meanwhile stays as it was changed.
    package func run() async throws -> Outcome {
        var outcome = Outcome()
        for round in 0..<Self.rounds {
            let secrets = try await store.sealedSecrets()
            let left = secrets.filter { !self.secrets.isUnderNewestKey($0.bytes) }
            if round == 0 { outcome.current = secrets.count - left.count }
            outcome.unreadable = []
            for secret in left { try await reseal(secret, &outcome) }
            if left.count == outcome.unreadable.count { return outcome }
        }
        let left = try await store.sealedSecrets().filter { !secrets.isUnderNewestKey($0.bytes) }
        outcome.unreadable = left.map { "\($0.label): it was changed meanwhile; run this again" }
        return outcome
    }

    private func reseal(_ secret: SealedSecret, _ outcome: inout Outcome) async throws {
        do {
            let text = try secrets.open(secret.bytes, context: secret.context)
            let resealed = try secrets.seal(text, context: secret.context)
            if try await store.replace(secret, with: resealed) { outcome.resealed += 1 }
        } catch let error as OperationError where error.code == .secretKey {
            outcome.unreadable.append("\(secret.label): \(error.why)")
        }
    }
}
