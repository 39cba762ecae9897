import Scheduling

/// Tells holders that will never come back, so that their leases need not expire first.
package protocol OwnerLiveness: Sendable {
    /// - Returns: true only with proof; false when nothing can be known, as of a process on another machine.
    func isKnownDead(_ owner: LeaseOwner) -> Bool
}

/// Asks this machine's kernel. Proof is: an owner of this boot, host and process namespace, and no process of that
/// number which started at that moment.
package struct LocalOwnerLiveness: OwnerLiveness {
    private let here: ProcessIdentity?

    package init() {
        here = ProcessIdentity.current
    }

    package func isKnownDead(_ owner: LeaseOwner) -> Bool {
        guard let here, let identity = ProcessIdentity(ownerID: owner.id), identity.sharesKernelView(with: here) else {
            return false
        }
        return identity.hasEnded
    }
}

extension LeaseOwner {
    /// An owner for this process, with a random part: call it once.
    package static func thisProcess() -> LeaseOwner {
        let random = UInt64.random(in: .min ... .max)
        let identity = ProcessIdentity.current ?? ProcessIdentity.unknown
        return LeaseOwner(
            id: identity.ownerID(random: String(random, radix: 16)), host: identity.host, processID: identity.processID)
    }

    /// The owner behind an id in the store; host and number are empty for an id of another making.
    init(storedID: String) {
        let identity = ProcessIdentity(ownerID: storedID)
        self.init(id: storedID, host: identity?.host ?? "", processID: identity?.processID ?? 0)
    }

    /// For people.
    var label: String { host.isEmpty ? id : "process \(processID) on \(host)" }
}
