import Operations
import Yams

/// Job files as YAML.
enum JobYAML {
    /// Equal documents are equal texts.
    static func text(_ document: DocumentValue) throws -> String {
        var notes: [String] = []
        let node = node(document, &notes)
        var text = try Yams.serialize(node: node, width: -1, allowUnicode: true)
        // Comments are no part of YAML's data: each stands in for its value until now.
        for (index, note) in notes.enumerated().reversed() {
            text = text.replacing(placeholder(index), with: "null  # \(note)")
        }
        return text
    }

    /// - Throws: `OperationError` `badInput` where it is no YAML.
    static func document(_ text: String) throws -> DocumentValue {
        do {
            return try Yams.compose(yaml: text).map(value) ?? .null
        } catch let error as YamlError {
            let reason = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
            throw OperationError(
                .badInput, what: "The file is no YAML", why: reason, fix: "Mend it and import it again.",
                underlying: error)
        }
    }

    private static func placeholder(_ index: Int) -> String { "redshift_loader_note_\(index)_" }

    private static func node(_ value: DocumentValue, _ notes: inout [String]) -> Node {
        switch value {
        case .null: return Node("null", Tag(.null))
        case .text(let text): return .scalar(text.represented())
        case .plain(let text): return Node(text)
        case .list(let values):
            var nodes: [Node] = []
            for value in values { nodes.append(node(value, &notes)) }
            let isFlat = values.allSatisfy { if case .text = $0 { true } else { false } }
            return .sequence(Node.Sequence(nodes, Tag(.seq), isFlat ? .flow : .block))
        case .map(let fields, let isCompact):
            var pairs: [(Node, Node)] = []
            for field in fields {
                var node = node(field.value, &notes)
                if let note = field.note, field.value == .null {
                    node = Node(placeholder(notes.count))
                    notes.append(note)
                }
                pairs.append((.scalar(field.name.represented()), node))
            }
            return .mapping(Node.Mapping(pairs, Tag(.map), isCompact ? .flow : .block))
        }
    }

    private static func value(_ node: Node) -> DocumentValue {
        switch node {
        case .scalar(let scalar): node.null != nil ? .null : .text(scalar.string)
        case .sequence(let sequence): .list(sequence.map(value))
        case .mapping(let mapping):
            .map(mapping.map { DocumentField($0.key.string ?? "", value($0.value)) })
        case .alias: .null
        }
    }
}
