import Operations

/// Options as people write them: a value, or `none` or `default` for what holds without one.
enum SettingText {
    static func list(_ text: String?) -> [String] {
        text?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty } ?? []
    }

    /// - Throws: `OperationError` `usage` where `parse` gives nil.
    static func setting<Value>(
        _ text: String?, _ option: String, example: String, _ parse: (String) -> Value?
    ) throws -> SettingChange<Value>? {
        guard let text else { return nil }
        if ["none", "default"].contains(text.lowercased()) { return .standard }
        return .value(try value(text, option, example: example, parse))
    }

    /// - Throws: `OperationError` `usage` where `parse` gives nil.
    static func value<Value>(
        _ text: String, _ option: String, example: String, _ parse: (String) -> Value?
    ) throws -> Value {
        if let value = parse(text) { return value }
        throw OperationError(
            .usage, what: "\(option) cannot be read", why: "\"\(text)\" is not one of its values",
            fix: "For example: \(option) \(example).")
    }

    /// One of an enumeration's names, in any spelling of case.
    static func choice<Value: RawRepresentable & CaseIterable>(
        _ text: String?, _ option: String
    ) throws -> Value? where Value.RawValue == String {
        guard let text else { return nil }
        if let value = Value(rawValue: text.lowercased()) { return value }
        throw OperationError(
            .usage, what: "\(option) cannot be \(text)", why: "it takes one of few words",
            fix: "Give one of: \(Value.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
}
