import Replication

/// What people should know of a table before it is set up, in as few lines as that takes.
extension DiscoveredTable {
    /// Of the mode, then of the columns that are copied: those with the same note share one.
    package var warnings: [String] {
        let excluded = Set(exclusions.map(\.column))
        var order: [String] = []
        var columns: [String: [String]] = [:]
        for column in table.columns where !excluded.contains(column.name) {
            for warning in column.warnings {
                if columns[warning] == nil { order.append(warning) }
                columns[warning, default: []].append(column.name)
            }
        }
        return suggestion.warnings + order.map { "\(Self.listed(columns[$0] ?? [])): \($0)" }
    }

    /// Which columns are left out, why, and how each is copied after all.
    /// - Parameter label: `job/table` as commands take it.
    package func exclusionNotes(label: String) -> [String] {
        exclusions.map { exclusion in
            let include = "tables set \(label) --include \(exclusion.column)"
            let remedy =
                exclusion.isReadable
                ? "\(include) copies it"
                : "\(Self.grant(on: exclusion.column, of: table.name)) at the source, then \(include)"
            return "\(exclusion.column) is left out: \(exclusion.reason); \(remedy)"
        }
    }

    /// How a replica of another installation is taken over.
    /// - Parameter label: `job/table` as commands take it.
    package func ownershipNote(label: String) -> String? {
        isAdoptable
            ? "its replica belongs to another installation of the loader, or to a removed job; tables adopt \(label) takes "
                + "it over" : nil
    }

    /// The right that lets the loader's user read one column.
    static func grant(on column: String, of table: TableName) -> String {
        func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }
        return "GRANT SELECT (\(quoted(column))) ON \(quoted(table.schema)).\(quoted(table.name)) TO the loader's user"
    }

    /// More names than these are counted only.
    private static let namesShown = 10

    private static func listed(_ names: [String]) -> String {
        guard names.count > 1 else { return names.joined() }
        let more = names.count - namesShown
        let shown = names.prefix(namesShown).joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
        return "\(names.count) columns (\(shown))"
    }
}

/// The sentence at the end of a discovery: what was made, or how to make it.
package struct DiscoverySummary: Sendable {
    private let survey: [DiscoveredTable]
    private let job: String
    private let only: String?

    /// - Parameter only: The globs that tables were chosen by, as they were given.
    package init(_ survey: [DiscoveredTable], job: String, only: String? = nil) {
        self.survey = survey
        self.job = job
        self.only = only
    }

    /// Before anything was made.
    package var proposal: String {
        let count = count
        guard count > 0 else { return nothing }
        let choice = only.map { "--only '\($0.replacing("'", with: "'\\''"))'" } ?? "--all"
        return
            "Nothing was created. To create \(Counted.tables(count)): redshift-loader tables discover \(job) --create "
            + choice
    }

    package var result: String {
        let count = count
        guard count > 0 else { return nothing }
        if survey.contains(where: \.isAdoptable) {
            return "\(Counted.tables(count)) created. Next: redshift-loader tables adopt \(job)"
        }
        return "\(Counted.tables(count)) created. Next: redshift-loader sync \(job) --wait"
    }

    private var count: Int { survey.filter { $0.decision == .create }.count }

    private var nothing: String {
        "Nothing is left to create: each table is replicated already, or skipped for the reason shown."
    }
}

/// Numbers of things, in words.
package enum Counted {
    /// `1234567` as `1,234,567`.
    package static func grouped(_ number: Int) -> String {
        var digits = Array(String(abs(number)))
        var index = digits.count - 3
        while index > 0 {
            digits.insert(",", at: index)
            index -= 3
        }
        return (number < 0 ? "-" : "") + String(digits)
    }

    /// `1 table`, `2 tables`.
    package static func tables(_ count: Int) -> String { "\(count) \(count == 1 ? "table" : "tables")" }

    /// `about 1 row`, `about 1,234 rows`.
    static func roughRows(_ count: Int) -> String {
        "about \(grouped(count)) \(count == 1 ? "row" : "rows")"
    }
}
