import Foundation
import Scheduling
import Testing

@Suite struct DailyWindowTests {
    /// 2027-01-15 00:00 UTC.
    private static let midnight = Date(timeIntervalSince1970: 1_799_971_200)

    private static func moment(_ hour: Double) -> Date { midnight + hour * 3600 }

    @Test(
        arguments: [
            ("22:00-06:00", "22:00-06:00"), ("8:05-9:30", "08:05-09:30"), ("00:00-24:00x", nil),
            ("22:00-24:00", "22:00-00:00"),
            (" 22:00 - 06:00 ", "22:00-06:00"), ("22:00–06:00", "22:00-06:00"), ("00:00-00:00", nil),
            ("00:00-24:00", nil),
            ("24:00-06:00", nil), ("22:60-06:00", nil), ("22:00", nil), ("", nil), ("22-6", nil), ("25:00-06:00", nil),
            ("22:00-24:30", nil),
        ] as [(String, String?)])
    func `a window is read from two hours of a day`(text: String, expected: String?) {
        #expect(DailyWindow(text)?.text == expected)
    }

    @Test(arguments: [
        ("22:00-06:00", 21.99, false), ("22:00-06:00", 22, true), ("22:00-06:00", 23.99, true),
        ("22:00-06:00", 0, true),
        ("22:00-06:00", 5.98, true), ("22:00-06:00", 6, false), ("22:00-06:00", 12, false),
        ("09:00-17:00", 8.99, false),
        ("09:00-17:00", 9, true), ("09:00-17:00", 16.98, true), ("09:00-17:00", 17, false), ("22:00-24:00", 23.9, true),
        ("22:00-24:00", 0, false),
    ])
    func `it is open from its first minute up to its last, over midnight too`(
        text: String, hour: Double, isOpen: Bool
    ) throws {
        let window = try #require(DailyWindow(text))
        #expect(window.contains(minute: DailyWindow.minute(of: Self.moment(hour))) == isOpen)
        let next = window.earliest(from: Self.moment(hour))
        #expect((next == Self.moment(hour)) == isOpen)
        #expect(window.contains(minute: DailyWindow.minute(of: next)))
    }

    @Test(arguments: [
        ("22:00-06:00", 12.0, 22.0), ("22:00-06:00", 6, 22), ("09:00-17:00", 17, 33), ("09:00-17:00", 3, 9),
        ("09:00-17:00", 23.5, 33), ("00:30-01:00", 1, 24.5),
    ])
    func `outside of it the next opening is the same or the next day's`(text: String, hour: Double, next: Double) throws
    {
        #expect(try #require(DailyWindow(text)).earliest(from: Self.moment(hour)) == Self.moment(next))
    }

    @Test func `before 1970 a day has its minutes, too`() {
        #expect(DailyWindow.minute(of: Date(timeIntervalSince1970: -60)) == 1_439)
    }
}

@Suite struct TableScheduleTests {
    @Test func `what is stored comes back, and nothing is stored of what is not set`() throws {
        let full = TableSchedule(
            interval: .milliseconds(1_500), window: DailyWindow("22:00-06:00"), freshnessTarget: .seconds(900),
            rowLimit: 5, chunkSize: 6, scanBack: .seconds(7), allowsScan: true)
        for schedule in [full, TableSchedule()] {
            let data = try JSONEncoder().encode(schedule)
            #expect(try JSONDecoder().decode(TableSchedule.self, from: data) == schedule)
        }
        #expect(String(decoding: try JSONEncoder().encode(TableSchedule()), as: UTF8.self) == "{}")
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(TableSchedule.self, from: Data(#"{"window":"noon"}"#.utf8))
        }
    }

    static let targets: [(TableSchedule, Double)] = [
        (TableSchedule(), 300),
        (TableSchedule(interval: .seconds(3600)), 18_000),
        (TableSchedule(interval: .seconds(3600), freshnessTarget: .seconds(60)), 60),
        // Closed for 16 hours, in which nobody expects it to move.
        (TableSchedule(window: DailyWindow("22:00-06:00")), 57_900),
        (TableSchedule(window: DailyWindow("22:00-06:00"), freshnessTarget: .seconds(60)), 60),
    ]

    @Test(arguments: targets)
    func `a table is late by its own target, or by its interval and window`(schedule: TableSchedule, seconds: Double) {
        #expect(schedule.freshnessSeconds(jobInterval: .seconds(60)) == seconds)
    }

    /// `ManualClock.start` is at 08:00 UTC.
    static let nextRuns: [(TableSchedule, Bool, Double)] = [
        (TableSchedule(), true, 60),
        (TableSchedule(interval: .seconds(600)), true, 600),
        (TableSchedule(interval: .seconds(1)), true, 1),
        (TableSchedule(interval: .seconds(600)), false, 0),
        (TableSchedule(window: DailyWindow("07:00-09:00")), true, 60),
        (TableSchedule(window: DailyWindow("07:00-08:00")), true, 82_800),
        (TableSchedule(window: DailyWindow("22:00-06:00")), true, 50_400),
        (TableSchedule(interval: .seconds(7200), window: DailyWindow("07:00-09:00")), true, 82_800),
        (TableSchedule(window: DailyWindow("22:00-06:00")), false, 50_400),
    ]

    @Test(arguments: nextRuns)
    func `a table is due by its own interval, and while its window is open`(
        schedule: TableSchedule, caughtUp: Bool, seconds: Double
    ) {
        let next = RetryPolicy.nextRun(
            of: Sample.claimed(schedule: schedule), after: nil, caughtUp: caughtUp, jitter: 0)
        // A beat comes within the interval; an opening of a window is exact.
        let wait = next.date(from: ManualClock.start).timeIntervalSince(ManualClock.start)
        let interval = (schedule.interval ?? .seconds(60)) / .seconds(1)
        #expect(seconds == interval && caughtUp ? wait > 0 && wait <= seconds * 1.05 : wait == seconds)
    }
}
