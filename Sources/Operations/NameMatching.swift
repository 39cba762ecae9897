/// Finds what a person meant.
package enum NameMatching {
    /// The known name nearest to a misspelled one, if any is near: at most a third of its characters differ.
    package static func nearest(to name: String, among known: [String]) -> String? {
        let best = known.map { ($0, distance(name.lowercased(), $0.lowercased())) }.min { $0.1 < $1.1 }
        guard let best, best.1 <= max(1, best.0.count / 3) else { return nil }
        return best.0
    }

    /// Whether `name` fits a pattern in which `*` stands for any text and `?` for one character.
    package static func matches(_ name: String, glob: String) -> Bool {
        var states: Set<Int> = [0]
        let pattern = Array(glob)
        func closed(_ states: Set<Int>) -> Set<Int> {
            var all = states
            for state in states {
                var next = state
                while next < pattern.count, pattern[next] == "*" {
                    next += 1
                    all.insert(next)
                }
            }
            return all
        }
        states = closed(states)
        for character in name {
            var next: Set<Int> = []
            for state in states where state < pattern.count {
                if pattern[state] == "*" { next.insert(state) }
                if pattern[state] == "?" || pattern[state] == character { next.insert(state + 1) }
            }
            states = closed(next)
        }
        return states.contains(pattern.count)
    }

    /// Edits between two texts, by Levenshtein's table, one row at a time.
    static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right)
        var row = Array(0...right.count)
        for (index, character) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let substituted = diagonal + (right[column] == character ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(substituted, row[column] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
