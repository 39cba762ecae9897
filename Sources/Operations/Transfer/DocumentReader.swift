import Replication

/// Reads the values of one map of a job file and collects what is wrong with them, each with its place.
struct DocumentReader {
    private var fields: [String: DocumentValue] = [:]
    /// Where the map stands, for people.
    let place: String
    private(set) var problems: [String] = []
    private var read: Set<String> = []

    init(_ value: DocumentValue, at place: String) {
        self.place = place
        guard case .map(let pairs, _) = value else {
            problems.append("\(place): fields are expected, such as name: value")
            return
        }
        for pair in pairs { fields[pair.name] = pair.value }
    }

    mutating func problem(_ text: String) { problems.append("\(place): \(text)") }

    /// Names that nothing asked for are misspelled.
    mutating func refuseOthers() {
        for name in fields.keys.sorted() where !read.contains(name) {
            let hint = NameMatching.nearest(to: name, among: Array(read)).map { "; did you mean \($0)?" } ?? ""
            problem("\(name) is no field here\(hint)")
        }
    }

    private mutating func value(_ name: String) -> DocumentValue? {
        read.insert(name)
        guard let value = fields[name], value != .null else { return nil }
        return value
    }

    mutating func text(_ name: String) -> String? {
        switch value(name) {
        case nil: return nil
        case .text(let text), .plain(let text): return text
        default:
            problem("\(name) is to be a text")
            return nil
        }
    }

    mutating func required(_ name: String) -> String {
        if let text = text(name) { return text }
        if !problems.contains(where: { $0.hasPrefix("\(place): \(name) ") }) { problem("\(name) is missing") }
        return ""
    }

    /// - Returns: nil where it is missing or `parse` gives nil, which is a problem.
    mutating func parsed<Value>(_ name: String, _ kind: String, _ parse: (String) -> Value?) -> Value? {
        guard let text = text(name) else { return nil }
        guard let value = parse(text) else {
            problem("\(name) is to be \(kind), not \(text)")
            return nil
        }
        return value
    }

    mutating func boolean(_ name: String) -> Bool? {
        parsed(name, "true or false") { ["true": true, "yes": true, "false": false, "no": false][$0.lowercased()] }
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
        parsed(name, "a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    mutating func seconds(_ name: String, atLeast least: Double) -> Duration? {
        parsed(name, "seconds, \(Int(least)) or more") { text in
            Double(text).flatMap { $0 >= least && $0 < 1e10 ? .seconds($0) : nil }
        }
    }

    mutating func choice<Value: RawRepresentable & CaseIterable>(
        _ name: String, _ type: Value.Type
    ) -> Value? where Value.RawValue == String {
        parsed(name, "one of \(Value.allCases.map(\.rawValue).joined(separator: ", "))") { Value(rawValue: $0) }
    }

    mutating func list(_ name: String) -> [DocumentValue]? {
        switch value(name) {
        case nil: return nil
        case .list(let values): return values
        default:
            problem("\(name) is to be a list")
            return nil
        }
    }

    mutating func texts(_ name: String) -> [String]? {
        guard let values = list(name) else { return nil }
        let texts = values.compactMap { value -> String? in
            switch value {
            case .text(let text), .plain(let text): text
            default: nil
            }
        }
        if texts.count != values.count { problem("\(name) is to be a list of texts") }
        return texts
    }
}
