import ArgumentParser
import Foundation
import Logging
import Operations
import Replication
import Scheduling
import UnixSignals

struct Status: LoaderCommand {
    static let configuration = CommandConfiguration(
        abstract: "The state of jobs and tables: is the data up to date?",
        discussion: """
            Example: redshift-loader status shop
            Exit status: 0 when all is well; 1 when a table failed, is retrying or is late; 64 for an unknown name.
            """)
    @OptionGroup var common: CommonOptions
    @OptionGroup var output: JSONOption
    @Argument(help: "JOB or JOB/TABLE; all jobs without.") var selector: String?

    func execute(_ app: Composition) async throws {
        let report = try await StatusReport.make(store: app.store, selector: selector)
        if output.json {
            Terminal.answer(StatusOutput.json(report).text)
        } else if report.tables.isEmpty {
            Terminal.message("No tables yet. See what a source has: redshift-loader tables discover NAME")
        } else {
            Terminal.answer(selector == nil ? StatusOutput.jobs(report) : StatusOutput.tables(report.tables))
            for problem in StatusOutput.problems(report.tables) { Terminal.answer("\n" + problem) }
        }
        if report.isBad { throw ExitCode(1) }
    }
}

struct Sync: LoaderCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make tables due at once; with --wait, follow one pass of each.",
        discussion: """
            With --wait and no live worker the tables run in this process, also those of an inactive job.
            Example: redshift-loader sync shop/orders --wait
            Exit status: 0; 1 when a table failed; 64 for an unknown name; 130 when interrupted.
            """)
    @OptionGroup var common: CommonOptions
    @OptionGroup var output: JSONOption
    @Argument(help: "JOB or JOB/TABLE; * and ? are understood.") var selectors: [String]
    @Flag(help: "Wait until each table has had one pass.") var wait = false

    func execute(_ app: Composition) async throws {
        var jobs: [JobRecord] = []
        var tables: [TableRecord] = []
        for selector in selectors {
            let (job, found) = try await Catalog(store: app.store).tables(selector)
            if !jobs.contains(job) { jobs.append(job) }
            for table in found where !tables.contains(where: { $0.id == table.id }) { tables.append(table) }
        }
        guard wait else {
            try await app.sync.request(tables)
            let follow = jobs.count == 1 ? " \(jobs[0].name)" : ""
            Terminal.answer(
                "\(Counted.tables(tables.count)) \(tables.count == 1 ? "is" : "are") due. Follow: redshift-loader status\(follow)"
            )
            return
        }
        // A connection string that cannot be read fails the runs below, and is recorded with them.
        for notice in jobs.flatMap({ (try? app.connections.notices($0)) ?? [] }) {
            Terminal.message("Note: \(notice).")
        }
        let wanted = tables
        let tally = SyncTally(json: output.json)
        try await InterruptibleTask.run { try await app.sync.wait(for: wanted) { await tally.note($0) } }
        await tally.finish()
        if await tally.failed > 0 { throw ExitCode(1) }
    }
}

/// Prints what `sync --wait` does, and counts it.
actor SyncTally {
    private let json: Bool
    private let started = Date()
    private(set) var failed = 0
    private var ok = 0
    private var skipped = 0
    private var rows = 0

    init(json: Bool) {
        self.json = json
    }

    func note(_ event: SyncEvent) {
        switch event {
        case .started(let table): if json { tell("started", table, []) }
        case .finished(let table, let copy): finished(table, copy)
        case .skipped(let table, let reason):
            skipped += 1
            if json {
                tell("skipped", table, [("reason", .string(reason))])
            } else {
                Terminal.answer("○ \(table.mapping.source.name)  skipped: \(reason)")
            }
        }
    }

    func finish() {
        let seconds = Self.seconds(since: started)
        if !json {
            Terminal.answer(
                "Done in \(seconds).  ok=\(ok) failed=\(failed) skipped=\(skipped) rows=\(Terminal.grouped(rows))")
        }
    }

    private func finished(_ table: TableRecord, _ copy: TableCopyRecord) {
        rows += copy.rows
        if copy.failure == nil { ok += 1 } else { failed += 1 }
        if json {
            tell("finished", table, [("last_copy", StatusOutput.copy(copy))])
        } else if let failure = copy.failure {
            Terminal.answer("✖ \(table.mapping.source.name)  \(failure.message) (\(failure.code.rawValue))")
            Terminal.message("  \(failure.fix)")
        } else {
            let seconds = copy.finishedAt.map { $0.timeIntervalSince(copy.startedAt) } ?? 0
            Terminal.answer(
                "✔ \(table.mapping.source.name)  \(Terminal.grouped(copy.rows)) rows  \((seconds * 10).rounded() / 10)s"
            )
        }
    }

    private func tell(_ event: String, _ table: TableRecord, _ more: [(String, JSONValue)]) {
        let fields: [(String, JSONValue)] = [
            ("schema_version", .integer(1)), ("event", .string(event)), ("at", .time(Date())),
            ("job", .string(table.mapping.jobName)), ("source_name", .string(table.mapping.source.name)),
        ]
        Terminal.answer(JSONValue.object(fields + more).text)
    }

    private static func seconds(since start: Date) -> String {
        "\((Date().timeIntervalSince(start) * 10).rounded() / 10)s"
    }
}

/// Ctrl-C and SIGTERM cancel the work: the batch under way is rolled back, and its lease given back.
enum InterruptibleTask {
    static func run(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask {
                for await _ in signals { throw CancellationError() }
            }
            defer { group.cancelAll() }
            // Whichever ends first decides: the work, or a signal.
            try await group.next()
        }
    }
}
