import Foundation

/// Rules beyond imports that hold for every file in Sources; each gives its violations in sentences.
enum SourceRules {
    static let lineLimit = 400

    static func violations(in source: SourceFile) -> [String] {
        forcedTries(source) + uncheckedSendables(source) + unstructuredTasks(source) + length(source)
            + environmentReads(source)
    }

    static func forcedTries(_ source: SourceFile) -> [String] {
        matches(in: source) { $0.contains("try!") }.map { "\($0) forces a try" }
    }

    /// A promise to the compiler needs its reason in the doc comment above it.
    static func uncheckedSendables(_ source: SourceFile) -> [String] {
        source.code.indices
            .filter {
                source.code[$0].contains("@unchecked Sendable")
                    && !docComment(above: $0, of: source).contains("safe because")
            }
            .map {
                "\(source.path):\($0 + 1) says @unchecked Sendable without a doc comment saying why it is \"safe because\""
            }
    }

    /// Work is child tasks of a service or a request. The exception is cleanup that must survive cancellation: called
    /// `cleanup`, awaited, under a comment that speaks of being cancelled.
    static func unstructuredTasks(_ source: SourceFile) -> [String] {
        source.code.indices.filter { index in
            let line = source.code[index]
            guard line.contains("Task") else { return false }
            let isTask = line.contains(/\bTask(?:\s*<[^>]*>)?(?:\s*\([^)]*\))?\s*\{/)
            let isDetached = line.contains(/\bTask\s*\.\s*(?:detached|immediate)\b/)
            return isDetached || (isTask && !isCleanup(at: index, of: source))
        }.map { "\(source.path):\($0 + 1) starts an unstructured task" }
    }

    private static func isCleanup(at index: Int, of source: SourceFile) -> Bool {
        let above = source.lines[max(0, index - 8)..<index].filter { $0.contains("//") }
        return source.code[index].contains("let cleanup = Task {")
            && above.contains { $0.contains("cancelled") }
            && source.code[index...].contains { $0.contains("await cleanup.") }
    }

    static func length(_ source: SourceFile) -> [String] {
        let count = source.lines.last == "" ? source.lines.count - 1 : source.lines.count
        return count > lineLimit ? ["\(source.path) has \(count) lines; \(lineLimit) are the limit"] : []
    }

    static func environmentReads(_ source: SourceFile) -> [String] {
        if source.path.hasPrefix("App/Configuration/") || source.path.hasPrefix("StandIn/") { return [] }
        return matches(in: source) { line in
            guard line.contains("ProcessInfo") || line.contains("getenv") else { return false }
            return line.contains(/\bProcessInfo\s*\.\s*processInfo\s*\.\s*environment\b/) || line.contains(/\bgetenv\b/)
        }.map { "\($0) reads the environment; only App/Configuration does" }
    }

    /// - Returns: `path:line` of the lines of code that match.
    private static func matches(in source: SourceFile, _ isMatch: (String) -> Bool) -> [String] {
        source.code.indices.filter { isMatch(source.code[$0]) }.map { "\(source.path):\($0 + 1)" }
    }

    /// The `///` lines right above a declaration, joined; attributes in between are passed over.
    private static func docComment(above index: Int, of source: SourceFile) -> String {
        var comment: [String] = []
        for line in source.lines[..<index].reversed() {
            let text = line.trimmingCharacters(in: .whitespaces)
            if text.hasPrefix("///") {
                comment.insert(text.dropFirst(3).trimmingCharacters(in: .whitespaces), at: 0)
            } else if !(comment.isEmpty && text.hasPrefix("@")) {
                break
            }
        }
        return comment.joined(separator: " ")
    }
}
