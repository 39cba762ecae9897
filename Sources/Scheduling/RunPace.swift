import Logging

/// Asks whether a run has to make way.
package struct RunPace: Sendable {
    private let due: any DueStore
    private let terms: ClaimTerms
    private let logger: Logger

    package init(due: any DueStore, terms: ClaimTerms, logger: Logger) {
        self.due = due
        self.terms = terms
        self.logger = logger
    }

    /// A store that does not answer is no reason to give way.
    func makesWay(_ claimed: ClaimedTable) async -> Bool {
        do {
            return try await due.makesWay(claimed, terms)
        } catch {
            logger.debug("\(claimed.table.mapping.label): the store did not say whether to make way: \(error)")
            return false
        }
    }
}
