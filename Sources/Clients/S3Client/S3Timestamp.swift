import Foundation

/// The three spellings of an instant on S3's wire, all in UTC and read without regard to the machine's locale.
enum S3Timestamp {
    private static let calendar: Calendar = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar
    }()
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// `20130524T000000Z`, as signatures want it.
    static func basicISO8601(_ date: Date) -> String {
        let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date)
        func digits(_ value: Int?, _ width: Int) -> String {
            let text = String(value ?? 0)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        return digits(parts.year, 4) + digits(parts.month, 2) + digits(parts.day, 2) + "T"
            + digits(parts.hour, 2) + digits(parts.minute, 2) + digits(parts.second, 2) + "Z"
    }

    /// `2009-10-12T17:50:30.000Z`, as listings and error documents write it; fractions are kept to the millisecond.
    static func parseISO8601(_ text: String) -> Date? {
        let numbers = text.split(whereSeparator: { !$0.isASCII || !$0.isNumber })
        guard text.hasSuffix("Z"), numbers.count == 6 || numbers.count == 7 else { return nil }
        let values = numbers.prefix(6).compactMap { Int($0) }
        guard values.count == 6, let whole = date(values) else { return nil }
        let fraction = numbers.count == 7 ? Double("0.\(numbers[6])") ?? 0 : 0
        return whole.addingTimeInterval((fraction * 1000).rounded() / 1000)
    }

    /// `Mon, 12 Oct 2009 17:50:30 GMT`, as headers write it (RFC 9110, 5.6.7).
    static func parseHTTPDate(_ text: String) -> Date? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT",
            let month = months.firstIndex(of: String(words[2])),
            let day = Int(words[1]), let year = Int(words[3])
        else { return nil }
        let time = words[4].split(separator: ":").compactMap { Int($0) }
        guard time.count == 3 else { return nil }
        return date([year, month + 1, day] + time)
    }

    private static func date(_ values: [Int]) -> Date? {
        calendar.date(
            from: DateComponents(
                year: values[0], month: values[1], day: values[2], hour: values[3], minute: values[4],
                second: values[5]))
    }
}
