import ArgumentParser
import Foundation
import Operations
import Replication
import Scheduling

extension Tables {
    struct Set: LoaderCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change a table's settings or its position.",
            discussion: """
                Where it takes a setting's value away, none and default mean the same. What a change means for rows that are \
                loaded already is told; rows are read again with the next run.
                Example: redshift-loader tables set shop/orders --updated-key modified_at
                Example: redshift-loader tables set shop/customers --exclude notes --hash email --where "country = 'DE'"
                Exit status: 0; 64 for a setting that the table cannot have; 75 while it is being synced.
                """)
        @OptionGroup var common: CommonOptions
        @Argument(help: "JOB/TABLE") var selector: String
        @OptionGroup(title: "How changes are found") var keys: KeyOptions
        @OptionGroup(title: "From where on") var position: PositionOptions
        @OptionGroup(title: "What is copied") var scope: ScopeOptions
        @OptionGroup(title: "The replica") var replica: ReplicaOptions
        @OptionGroup(title: "When, and how much") var schedule: ScheduleOptions

        func execute(_ app: Composition) async throws {
            var change = TableSettingsChange()
            try keys.apply(to: &change)
            position.apply(to: &change)
            scope.apply(to: &change)
            try replica.apply(to: &change)
            try schedule.apply(to: &change)
            guard !change.isEmpty else {
                throw OperationError(
                    .usage, what: "Nothing to set", why: "no setting was given",
                    fix: "See: redshift-loader help tables set.")
            }
            let sentences = try await app.tables.set(change, on: selector)
            for sentence in sentences.isEmpty ? ["\(selector): no change."] : sentences { Terminal.answer(sentence) }
        }
    }
}

/// How changes are found.
struct KeyOptions: ParsableArguments {
    @Option(help: "InsertOnlyTable, UpdateAndInsertTable or FullSyncTable.") var mode: String?
    @Option(help: "Key columns, separated by commas.") var primaryKey: String?
    @Option(help: "Column that orders changes, of an UpdateAndInsertTable.") var updatedKey: String?
    @Option(help: "The sequential column of an InsertOnlyTable.") var cursorKey: String?

    func apply(to change: inout TableSettingsChange) throws {
        change.mode = try mode.map(Self.mode)
        change.primaryKey = primaryKey.map(SettingText.list)
        change.updatedKey = updatedKey
        change.cursorKey = cursorKey
    }

    private static func mode(_ text: String) throws -> SyncMode {
        if let mode = SyncMode(spelled: text) { return mode }
        throw OperationError(
            .usage, what: "\(text) is no mode", why: "there are three",
            fix: "Give one of: \(SyncMode.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
}

/// From where on changes are read.
struct PositionOptions: ParsableArguments {
    @Option(help: "Go on after this key, of an InsertOnlyTable.") var maxPrimaryKey: String?
    @Option(help: "Go on from this time, in UTC, of an UpdateAndInsertTable.") var maxUpdatedKey: String?

    func apply(to change: inout TableSettingsChange) {
        change.maxPrimaryKey = maxPrimaryKey
        change.maxUpdatedKey = maxUpdatedKey
    }
}

/// What of the table leaves the source.
struct ScopeOptions: ParsableArguments {
    @Option(help: "Columns to leave out, separated by commas: they are not read.") var exclude: String?
    @Option(help: "Columns to copy again.") var include: String?
    @Option(help: "Columns to copy as salted SHA-256, made at the source.") var hash: String?
    @Option(help: "Columns to copy as they are again.") var unhash: String?
    @Option(name: .customLong("where"), help: "Copy only rows for which this holds, in the source's SQL.")
    var filter: String?
    @Flag(name: .customLong("no-where"), help: "Copy all rows.") var clearsFilter = false

    func validate() throws {
        if filter != nil, clearsFilter { throw ValidationError("Give either --where or --no-where.") }
        if let filter, filter.allSatisfy(\.isWhitespace) { throw ValidationError("--where needs a condition.") }
    }

    func apply(to change: inout TableSettingsChange) {
        change.exclude = SettingText.list(exclude)
        change.include = SettingText.list(include)
        change.hash = SettingText.list(hash)
        change.unhash = SettingText.list(unhash)
        change.filter = clearsFilter ? .standard : filter.map { .value($0) }
    }
}

/// What the table in Redshift looks like.
struct ReplicaOptions: ParsableArguments {
    @Option(help: "The replica's name.") var destinationName: String?
    @Option(help: "A column whose --type is set.") var column: String?
    @Option(help: "Its type in Redshift, for example 'VARCHAR(64)'; default for the source's.") var type: String?
    @Option(name: .customLong("distkey"), help: "Column that rows are distributed by, auto or default.")
    var distributionKey: String?
    @Option(name: .customLong("sortkey"), help: "Columns that rows are sorted by, none or default.")
    var sortKey: String?
    @Option(
        name: .customLong("on-bad-value"), help: "What becomes of values that Redshift cannot hold: repair or fail.")
    var badValues: String?
    @Option(help: "How a FullSyncTable takes its replica's place: swap or replace.") var refresh: String?

    func validate() throws {
        guard (column == nil) == (type == nil) else { throw ValidationError("--column and --type go together.") }
    }

    func apply(to change: inout TableSettingsChange) throws {
        change.destinationName = destinationName
        if let column, let type { change.types = [column: try Self.type(type)] }
        switch distributionKey?.lowercased() {
        case nil: break
        case "default": change.distributionKey = .standard
        case "auto": change.distributionKey = .value("")
        default: change.distributionKey = distributionKey.map { .value($0) }
        }
        switch sortKey?.lowercased() {
        case nil: break
        case "default": change.sortKey = .standard
        case "none": change.sortKey = .value([])
        default: change.sortKey = .value(SettingText.list(sortKey))
        }
        change.badValues = try SettingText.choice(badValues, "--on-bad-value")
        change.refresh = try SettingText.choice(refresh, "--refresh")
    }

    private static func type(_ text: String) throws -> SettingChange<ReplicaType> {
        if text.lowercased() == "default" { return .standard }
        if let type = ReplicaType(sql: text) { return .value(type) }
        throw OperationError(
            .usage, what: "A replica cannot have a column of type \(text)",
            why: "Redshift has no such type, or its values could not be loaded into it",
            fix:
                "Give one of: SMALLINT, INTEGER, BIGINT, DECIMAL(p,s), REAL, DOUBLE PRECISION, BOOLEAN, VARCHAR(n) up to "
                + "65535, DATE, TIME, TIMESTAMP, TIMESTAMPTZ, SUPER, VARBYTE(n); or default.")
    }
}

/// When the table is due, and how much of it moves at once.
struct ScheduleOptions: ParsableArguments {
    @Option(help: "How often it is due, for example 10m; none: as its job.") var interval: String?
    @Option(help: "Hours of the day, in UTC, in which it is due by itself, for example 22:00-06:00; none: all.")
    var window: String?
    @Option(help: "How far behind it may be before it counts as late; none: five intervals, at least 5m.")
    var freshnessTarget: String?
    @Option(help: "Rows in a batch; none: IMPORT_ROW_LIMIT.") var rowLimit: String?
    @Option(help: "Rows in an INSERT, without S3; none: IMPORT_CHUNK_SIZE.") var chunkSize: String?
    @Option(help: "Seconds that changes are looked for below what was open; none: 600.") var scanBack: String?
    @Flag(
        inversion: .prefixedNo,
        help: "Over 1 GB, read it whole where no index leads to its changes, at most a tenth of the time.")
    var allowScan: Bool?

    func apply(to change: inout TableSettingsChange) throws {
        let duration = DurationText.parse
        change.interval = try SettingText.setting(interval, "--interval", example: "10m", duration)
        change.window = try SettingText.setting(window, "--window", example: "22:00-06:00") { DailyWindow($0) }
        change.freshnessTarget = try SettingText.setting(
            freshnessTarget, "--freshness-target", example: "15m", duration)
        change.rowLimit = try SettingText.setting(rowLimit, "--row-limit", example: "50000") { Int($0) }
        change.chunkSize = try SettingText.setting(chunkSize, "--chunk-size", example: "5000") { Int($0) }
        change.scanBack = try SettingText.setting(scanBack, "--scan-back", example: "3600", duration)
        change.allowsScan = allowScan
    }
}
