import Operations
import Synchronization

/// What an installation never changes, asked of the store once a process: on another continent each question costs as
/// much as a run.
final class InstallationFacts: Sendable {
    private struct Known {
        var id: String?
        var hashSalt: String?
    }

    private let store: any RequestStore
    private let secrets: any SecretSealing
    private let configuredSalt: String?
    private let known = Mutex(Known())

    init(store: any RequestStore, secrets: any SecretSealing, configuredSalt: String?) {
        self.store = store
        self.secrets = secrets
        self.configuredSalt = configuredSalt
    }

    /// See `RequestStore.installationID`.
    func id() async throws -> String {
        if let id = known.withLock({ $0.id }) { return id }
        let id = try await store.installationID()
        known.withLock { $0.id = id }
        return id
    }

    /// See `InstallationSecret.hashSalt`.
    func hashSalt() async throws -> String {
        if let salt = known.withLock({ $0.hashSalt }) { return salt }
        let salt = try await InstallationSecret.hashSalt(configured: configuredSalt, store: store, secrets: secrets)
        known.withLock { $0.hashSalt = salt }
        return salt
    }
}
