/// Transactions whose rows have all been read although they lie above the horizon.
///
/// An open transaction anywhere at the source holds the horizon back, and every pass would read again whatever was
/// committed since. A pass that read all there was to read in one batch has read these transactions' rows completely:
/// a row version that is in sight belongs to a transaction that has ended. Passes after it leave them out.
package struct SettledTransactions: Sendable, Hashable, Codable {
    /// Full numbers, ascending.
    package var numbers: [UInt64]
    /// They were read without a floor, so that sweeps may leave them out as well.
    package var isWhole: Bool

    /// More are forgotten altogether: statement and checkpoint stay small, and rows are read again at worst.
    package static let limit = 500

    package init(numbers: [UInt64], isWhole: Bool) {
        self.numbers = numbers
        self.isWhole = isWhole
    }

    /// What is known after a pass.
    /// - Parameters:
    ///   - old: What the pass left out; nil for nothing.
    ///   - read: What it read completely; nil where it took more than one batch.
    ///   - isWhole: It had no floor.
    ///   - horizon: Of the next pass: lower numbers are left out by it.
    static func after(
        _ old: SettledTransactions?, read: [UInt64]?, isWhole: Bool, horizon: UInt64?
    ) -> SettledTransactions? {
        guard let horizon else { return nil }
        let read = read ?? []
        let wasWhole = old?.isWhole ?? true
        // A whole pass has read again what was only known above a floor.
        let kept = isWhole && !wasWhole ? [] : old?.numbers ?? []
        let numbers = Set(kept + read).filter { $0 >= horizon }
        guard !numbers.isEmpty, numbers.count <= limit else { return nil }
        return SettledTransactions(numbers: numbers.sorted(), isWhole: isWhole || (wasWhole && read.isEmpty))
    }

    /// What a read may leave out.
    func leftOut(byWhole isWhole: Bool) -> [UInt64] { self.isWhole || !isWhole ? numbers : [] }
}
