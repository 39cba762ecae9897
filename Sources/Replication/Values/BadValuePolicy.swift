/// What becomes of a value that Redshift cannot hold.
package enum BadValuePolicy: String, Sendable, Codable, CaseIterable {
    /// It is changed by documented rules, and the change is recorded.
    case `repair`
    /// The table stops, with key and column named.
    case fail
}
