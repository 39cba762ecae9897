import Foundation
import TestServers

/// The table of docs/faithful.md: what was broken, and how the broken run ended.
struct CrashTable: Sendable {
    private struct Place: Hashable {
        var side: String
        var step: String
    }

    private struct Row {
        var letters: String
        /// In the order of `FaultProxy.Fault.allCases`.
        var endings: [String]
    }

    private var rows: [Place: Row] = [:]

    static func documented() throws -> CrashTable {
        let file = Repository.root.appendingPathComponent("docs/faithful.md")
        var table = CrashTable()
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 7, CrashSide(rawValue: cells[0]) != nil else { continue }
            table.rows[Place(side: cells[0], step: cells[1])] = Row(letters: cells[2], endings: Array(cells[3...]))
        }
        return table
    }

    /// Faults that a step of the source or the destination did not meet; what S3 is sent comes in changing order.
    private static func missing(in outcomes: [CrashOutcome]) -> [String] {
        let (places, met) = outcomes.reduce(into: (Set<Place>(), [FaultProxy.Fault: Set<Place>]())) { result, outcome in
            let side = outcome.scenario.side
            guard side != .s3 else { return }
            result.0.insert(Place(side: side.rawValue, step: outcome.scenario.step))
            if let step = outcome.step {
                result.1[outcome.scenario.fault, default: []].insert(Place(side: side.rawValue, step: step))
            }
        }
        return FaultProxy.Fault.allCases.flatMap { fault in
            places.subtracting(met[fault] ?? []).map { "\($0.side), \($0.step) did not meet \(fault.rawValue)" }
        }
    }

    /// Steps that only one of both knows, and endings that the table does not tell.
    func differences(from outcomes: [CrashOutcome], of journey: CrashJourney) -> [String] {
        var differences: Set<String> = []
        var met: Set<Place> = []
        for outcome in outcomes {
            guard let step = outcome.step, let fault = FaultProxy.Fault.allCases.firstIndex(of: outcome.scenario.fault)
            else { continue }
            let place = Place(side: outcome.scenario.side.rawValue, step: step)
            met.insert(place)
            guard let row = rows[place], row.letters.contains(journey.letter) else {
                differences.insert("no row of \(place.side), \(step) with \(journey.letter)")
                continue
            }
            if !row.endings[fault].contains(outcome.ending) {
                differences.insert(
                    "\(place.side), \(step), \(outcome.scenario.fault.rawValue): ended with \(outcome.ending)")
            }
        }
        differences.formUnion(Self.missing(in: outcomes))
        // Which of S3's requests a broken run still comes to differs from run to run.
        let ordered = rows.filter { $0.key.side != CrashSide.s3.rawValue }
        for (place, row) in ordered where row.letters.contains(journey.letter) && !met.contains(place) {
            differences.insert("\(place.side), \(place.step) was not met in \(journey.letter)")
        }
        return differences.sorted()
    }
}
