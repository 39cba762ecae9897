import Replication

/// A column of an existing replica, as `information_schema.columns` tells it.
struct ReplicaColumn: Sendable, Hashable {
    var name: String
    var dataType: String
    /// Bytes, of text.
    var longest: Int?
    var precision: Int?
    var scale: Int?
    var isNullable: Bool
    var hasDefault: Bool

    /// - Parameter row: Name, type, longest, precision, scale, nullable, default.
    init?(row: [String?]) {
        guard row.count == 7, let name = row[0], let type = row[1] else { return nil }
        self.name = name
        dataType = type.lowercased()
        longest = row[2].flatMap { Int($0) }
        precision = row[3].flatMap { Int($0) }
        scale = row[4].flatMap { Int($0) }
        isNullable = row[5] != "NO"
        // Numbers that the column gives out by itself are no default that a staging table could take over.
        hasDefault = row[6].map { !$0.lowercased().contains("identity\"(") } ?? false
    }

    /// The type as people write it.
    var typeText: String {
        switch dataType {
        case "character varying", "character": "\(dataType)(\(longest ?? 0))"
        case "numeric": "numeric(\(precision ?? 18),\(scale ?? 0))"
        default: dataType
        }
    }

    /// Whether values of `wanted` fit, but for the width of text.
    func takes(_ wanted: ReplicaType) -> Bool {
        switch wanted {
        case .smallint: integerDigits >= 5
        case .integer: integerDigits >= 10
        case .bigint: integerDigits >= 19
        case .decimal(let digits, let fraction):
            dataType == "numeric" && (scale ?? 0) >= fraction && integerDigits >= digits - fraction
        case .real: ["real", "double precision"].contains(dataType)
        case .doublePrecision: dataType == "double precision"
        case .boolean: dataType == "boolean"
        case .varchar: dataType == "character varying"
        case .date: dataType == "date"
        case .timestamp: dataType == "timestamp without time zone"
        case .timestamptz: dataType == "timestamp with time zone"
        case .time: dataType == "time without time zone"
        case .semistructured: dataType == "super"
        case .varbyte: ["binary varying", "varbyte"].contains(dataType)
        }
    }

    /// Digits before the point that any value of the column may have, counting integers by their type's largest.
    private var integerDigits: Int {
        switch dataType {
        case "smallint": 5
        case "integer": 10
        case "bigint": 19
        case "numeric": (precision ?? 18) - (scale ?? 0)
        default: 0
        }
    }
}

/// Holds an existing replica against what the mapping asks for.
struct ReplicaComparison {
    let mapping: TableMapping
    let columns: [ReplicaColumn]

    /// VARCHAR columns of another width than the mapping asks for: bytes by name. Wider ones count as well, because no
    /// load may try to make them narrower.
    var narrowColumns: [String: Int] {
        var narrow: [String: Int] = [:]
        for wanted in mapping.columns {
            guard let bytes = wanted.destinationType.textBytes, let longest = found(wanted)?.longest, longest != bytes
            else { continue }
            narrow[wanted.destinationName] = longest
        }
        return narrow
    }

    /// - Parameter owner: The table's owner where it is not the present user; nil otherwise.
    /// - Throws: `ReplicationError` for the first kind of difference that cannot be lived with.
    func check(otherOwner owner: String?) throws {
        try checkMissing()
        try checkTypes()
        try checkExtra()
        guard mapping.mode == .fullSync, mapping.refresh == .swap else { return }
        if let owner {
            throw mismatch(
                "belongs to user \(owner)", "only its owner can swap a table",
                "ALTER TABLE \(RedshiftText.table(mapping.destination)) OWNER TO the loader's user, or replace its "
                    + "rows: redshift-loader tables set \(mapping.label) --refresh replace.")
        }
    }

    /// - Throws: `ReplicationError` for columns that the source does not have and that stand in a load's way.
    func checkExtra() throws {
        let wanted = Set(mapping.columns.map(\.destinationName))
        let extra = columns.filter { !wanted.contains($0.name) }
        let unfilled = extra.filter { !$0.isNullable && !$0.hasDefault }
        guard unfilled.isEmpty else {
            throw mismatch(
                "has columns that no row could fill", "NOT NULL without a default: \(list(unfilled.map(\.name)))",
                "Drop them there, or give them a default in a new table.")
        }
        guard mapping.mode == .fullSync, mapping.refresh == .swap else { return }
        // A column that is no longer copied is meant to go.
        let left = Set(mapping.scope.excludedColumns.map(ReplicaNaming.replicaName))
        let own = extra.map(\.name).filter { !left.contains($0) }
        guard own.isEmpty else {
            throw mismatch(
                "has columns of its own, which a swap would lose", list(own),
                "Keep the table and replace its rows: redshift-loader tables set \(mapping.label) --refresh replace.")
        }
    }

    private func checkMissing() throws {
        let missing = mapping.columns.filter { found($0) == nil }
        guard !missing.isEmpty else { return }
        let statements = missing.map { column in
            "ALTER TABLE \(RedshiftText.table(mapping.destination)) ADD COLUMN "
                + "\(RedshiftText.identifier(column.destinationName)) \(column.destinationType.sql);"
        }
        throw mismatch(
            "lacks columns that \(mapping.source) has", list(missing.map(\.destinationName)),
            "Add them there, or leave them out (tables set \(mapping.label) --exclude). "
                + statements.joined(separator: " "))
    }

    private func checkTypes() throws {
        let unfit = mapping.columns.compactMap { wanted -> String? in
            guard let found = found(wanted), !found.takes(wanted.destinationType) else { return nil }
            return "\(wanted.destinationName) is \(found.typeText), \(wanted.destinationType.sql) is needed"
        }
        guard !unfit.isEmpty else { return }
        throw mismatch(
            "has columns of other types", unfit.joined(separator: "; "),
            "Make the replica anew (redshift-loader tables resync \(mapping.label) --recreate), or have the column "
                + "arrive as its present type (tables set \(mapping.label) --column X --type T).")
    }

    private func found(_ wanted: ColumnMapping) -> ReplicaColumn? {
        columns.first { $0.name == wanted.destinationName }
    }

    private func list(_ names: [String]) -> String { names.joined(separator: ", ") }

    private func mismatch(_ what: String, _ why: String, _ fix: String) -> ReplicationError {
        ReplicationError(.schemaMismatch, what: "\(mapping.destination) in Redshift \(what)", why: why, fix: fix)
    }
}
