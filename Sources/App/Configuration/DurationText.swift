/// Durations as people write them: `30s`, `5m`, `2h`, `7d`, `250ms`.
enum DurationText {
    static func parse(_ text: String) -> Duration? {
        guard let match = text.wholeMatch(of: /(\d{1,9})(ms|s|m|h|d)?/), let number = Int64(match.1) else { return nil }
        switch match.2 {
        case "ms": return .milliseconds(number)
        case "m": return .seconds(number * 60)
        case "h": return .seconds(number * 3600)
        case "d": return .seconds(number * 86_400)
        default: return .seconds(number)
        }
    }

    /// The shortest exact form of whole seconds.
    static func text(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        if seconds >= 86_400, seconds % 86_400 == 0 { return "\(seconds / 86_400)d" }
        if seconds >= 3600, seconds % 3600 == 0 { return "\(seconds / 3600)h" }
        if seconds >= 120, seconds % 60 == 0 { return "\(seconds / 60)m" }
        return "\(seconds)s"
    }

    /// For people: `6s`, `41m`, `3h`, `2d`.
    static func rough(seconds: Double) -> String {
        switch seconds {
        case ..<120: "\(Int(seconds))s"
        case ..<7200: "\(Int(seconds / 60))m"
        case ..<172_800: "\(Int(seconds / 3600))h"
        default: "\(Int(seconds / 86_400))d"
        }
    }
}
