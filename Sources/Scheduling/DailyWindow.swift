import Foundation

/// Hours of each day, in UTC, in which a table is due by itself; they may reach over midnight.
package struct DailyWindow: Sendable, Hashable {
    /// Minutes after midnight, 0…1,439; the first that is inside.
    package let opens: Int
    /// Likewise; the first that is outside. Never equal to `opens`.
    package let closes: Int

    private static let day = 1_440

    /// - Returns: nil for minutes outside of a day, and for a window that would be empty or the whole day.
    package init?(opens: Int, closes: Int) {
        guard (0..<Self.day).contains(opens), (0..<Self.day).contains(closes), opens != closes else { return nil }
        self.opens = opens
        self.closes = closes
    }

    /// Reads `22:00-06:00`; `24:00` ends a window at midnight.
    package init?(_ text: String) {
        guard let match = text.wholeMatch(of: /\s*(\d{1,2}):(\d\d)\s*(?:-|–)\s*(\d{1,2}):(\d\d)\s*/),
            let fromHour = Int(match.1), let fromMinute = Int(match.2), let toHour = Int(match.3),
            let toMinute = Int(match.4), fromHour < 24, fromMinute < 60, toMinute < 60,
            toHour < 24 || (toHour == 24 && toMinute == 0)
        else { return nil }
        self.init(opens: fromHour * 60 + fromMinute, closes: (toHour * 60 + toMinute) % Self.day)
    }

    /// `22:00-06:00`
    package var text: String { Self.text(opens) + "-" + Self.text(closes) }

    /// Minutes of a day outside the window.
    package var closedMinutes: Int { (opens - closes + Self.day) % Self.day }

    /// Whether a minute after midnight lies inside.
    package func contains(minute: Int) -> Bool {
        opens < closes ? (opens..<closes).contains(minute) : minute >= opens || minute < closes
    }

    /// `moment` where it lies inside, else the next opening.
    package func earliest(from moment: Date) -> Date {
        let minute = Self.minute(of: moment)
        guard !contains(minute: minute) else { return moment }
        let seconds = moment.timeIntervalSince1970
        let midnight = (seconds / 86_400).rounded(.down) * 86_400
        let opening = midnight + Double(opens) * 60
        return Date(timeIntervalSince1970: opening > seconds ? opening : opening + 86_400)
    }

    /// Minutes after midnight, UTC.
    package static func minute(of moment: Date) -> Int {
        let seconds = moment.timeIntervalSince1970
        return Int(((seconds - (seconds / 86_400).rounded(.down) * 86_400) / 60).rounded(.down))
    }

    private static func text(_ minute: Int) -> String {
        let (hour, rest) = (minute / 60, minute % 60)
        return (hour < 10 ? "0" : "") + "\(hour):" + (rest < 10 ? "0" : "") + "\(rest)"
    }
}

extension DailyWindow: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let window = DailyWindow(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(text) is no window")
        }
        self = window
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
