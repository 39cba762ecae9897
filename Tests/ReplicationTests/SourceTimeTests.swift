import Foundation
import Replication
import TestServers
import Testing

struct SourceTimeTests {
    @Test(
        arguments: [
            ("1970-01-01", 0), ("1970-01-01 00:00:00", 0), ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31 23:59:59.999999", -1), ("1970-01-01 00:00:00.1", 100_000), ("1970-01-01 00:00:00.000001", 1),
            ("1970-01-01 00:01", 60_000_000), ("1970-01-01 02:00:00+02", 0), ("1970-01-01 02:30:00+0230", 0),
            ("1970-01-01T02:30:00+02:30", 0), ("1969-12-31 12:00:00-12", 0), ("1969-12-31 20:30:00-03:30", 0),
            ("2000-02-29 00:00:00", 951_782_400_000_000), ("2026-11-22 17:40:02.123456", 1_795_369_202_123_456),
            ("1900-03-01", -2_203_891_200_000_000), ("2100-03-01", 4_107_542_400_000_000),
            ("9999-12-31 23:59:59.999999", 253_402_300_799_999_999), ("0001-01-01", -62_135_596_800_000_000),
            ("0000-03-01", -62_162_035_200_000_000),
        ] as [(String, Int64)])
    func `a point in time is read from text`(text: String, microseconds: Int64) {
        #expect(SourceTime(parsing: text)?.microseconds == microseconds)
    }

    @Test(arguments: [
        "", "now", "infinity", "2026", "2026-11", "2026-13-01", "2026-00-10", "2026-11-00", "2026-11-32",
        "2026-11-22 24:00:00", "2026-11-22 10:60:00", "2026-11-22 10:00:60", "2026-11-22 10:00:00.1234567",
        "2026-11-22 10", "2026-11-22x10:00:00", " 2026-11-22", "2026-11-22 ", "12026-11-22", "0044-03-15 BC",
        "22.11.2026", "2026-11-22 10:00:00 UTC", "2026-11-22+2",
    ])
    func `what is no point in time is refused`(text: String) {
        #expect(SourceTime(parsing: text) == nil)
    }

    @Test(arguments: ["2026-02-29", "2026-02-31", "2026-04-31", "1900-02-29"])
    func `a day that its month does not have is refused`(text: String) {
        #expect(SourceTime(parsing: text) == nil)
    }

    @Test func `random times go to text and back`() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            let time = SourceTime(
                microseconds: Int64.random(in: -62_135_596_800_000_000...253_402_300_799_999_999, using: &generator))
            try #require(SourceTime(parsing: time.text) == time, "seed \(seed): \(time.microseconds), \(time.text)")
            try #require(SourceTime(parsing: time.iso8601) == time, "seed \(seed): \(time.iso8601)")
        }
    }

    @Test func `random times read with any offset are the same point`() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<1000 {
            let time = SourceTime(microseconds: Int64.random(in: 0...4_000_000_000_000_000, using: &generator))
            let minutes = Int64.random(in: 0...840, using: &generator)
            let isEast = Bool.random(using: &generator)
            let local = isEast ? time + minutes * 60 * SourceTime.second : time - minutes * 60 * SourceTime.second
            let digits = String(10_000 + minutes / 60 * 100 + minutes % 60).dropFirst()
            let text = local.text + (isEast ? "+" : "-") + digits
            try #require(SourceTime(parsing: text) == time, "seed \(seed): \(text)")
        }
    }

    /// Foundation's calendar as a second opinion; it counts the Gregorian calendar from 1582 on.
    @Test func `the calendar is that of Foundation`() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        for _ in 0..<2000 {
            let seconds = Int64.random(in: -12_000_000_000...250_000_000_000, using: &generator)
            let parts = calendar.dateComponents(
                [.year, .month, .day, .hour, .minute, .second], from: Date(timeIntervalSince1970: Double(seconds)))
            let text = String(
                format: "%04d-%02d-%02d %02d:%02d:%02d.000000", parts.year ?? 0, parts.month ?? 0, parts.day ?? 0,
                parts.hour ?? 0, parts.minute ?? 0, parts.second ?? 0)
            try #require(SourceTime(microseconds: seconds * SourceTime.second).text == text, "seed \(seed), \(seconds)")
        }
    }

    @Test func `a time is stored as a bare number`() throws {
        let time = SourceTime(microseconds: -5)
        #expect(String(decoding: try JSONEncoder().encode([time]), as: UTF8.self) == "[-5]")
        #expect(try JSONDecoder().decode([SourceTime].self, from: Data("[-5]".utf8)) == [time])
    }

    @Test func `a checkpoint's state survives its encoding`() throws {
        let state = CheckpointState(
            definition: "d", source: PassPlanTests.identity, horizon: .max, floor: SourceTime(microseconds: .min),
            sweepDue: true, completeUpTo: SourceTime(microseconds: 1), caughtUpAsOf: nil, maxUpdatedKey: "x\"'\\",
            maxPrimaryKey: ["", "ü"], replicaRows: 3,
            pass: UnfinishedPass(
                kind: .sweep, startedAt: SourceTime(microseconds: 2), nextHorizon: 1 << 63, nextFloor: nil,
                stretch: .unstamped, position: CursorPosition(updated: nil, key: ["a", "b"]), appends: true))
        #expect(try JSONDecoder().decode(CheckpointState.self, from: JSONEncoder().encode(state)) == state)
    }
}
