/// Durations of job files whose number alone would not say what it counts.
enum SpelledDuration {
    /// - Returns: nil without a unit.
    static func parse(_ text: String) -> Duration? {
        guard let match = text.wholeMatch(of: /(\d{1,9})(ms|s|m|h)/), let number = Int64(match.1) else { return nil }
        return switch match.2 {
        case "ms": .milliseconds(number)
        case "m": .seconds(number * 60)
        case "h": .seconds(number * 3600)
        default: .seconds(number)
        }
    }

    /// In seconds where they are whole ones, in milliseconds otherwise.
    static func text(_ duration: Duration) -> String {
        let (seconds, rest) = duration.components
        return rest == 0 ? "\(seconds)s" : "\(Int64(duration / .milliseconds(1)))ms"
    }
}
