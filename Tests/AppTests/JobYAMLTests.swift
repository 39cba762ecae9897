import Operations
import Testing

@testable import App

@Suite struct JobYAMLTests {
    private static let texts = [
        "", " ", "null", "~", "true", "No", "123", "1.5", "0x1f", "2026-11-22", "a: b", "- a", "# no comment", "it's",
        "\"q\"",
        "two\nlines", "trailing \n", "tab\there", "Größe €", "emoji 🙂", "{a}", "[b]", "*c", "&d", "!e", "%f", "@g",
        "`h`",
        "a\\b", "null  # x", String(repeating: "long ", count: 60), "id > 5 AND note <> 'a: #b'",
    ]

    @Test(arguments: texts) func `any text comes back as it was, in every place`(_ text: String) throws {
        let document = DocumentValue.map([
            DocumentField("alone", .text(text)), DocumentField("listed", .list([.text(text), .text("x")])),
            DocumentField("rows", .list([.map([DocumentField("name", .text(text))], isCompact: true)])),
            DocumentField(text + "key", .text("x")),
        ])
        let yaml = try JobYAML.text(document)
        #expect(Self.plain(try JobYAML.document(yaml)) == Self.plain(document), "\(yaml)")
    }

    @Test func `a note is a comment beside its empty value`() throws {
        let document = DocumentValue.map([
            DocumentField("first", .null, note: "fill it in"), DocumentField("second", .null, note: "this too"),
            DocumentField("third", .text("redshift")),
        ])
        let yaml = try JobYAML.text(document)
        #expect(yaml == "first: null  # fill it in\nsecond: null  # this too\nthird: redshift\n")
        #expect(
            try JobYAML.document(yaml)
                == .map([
                    DocumentField("first", .null), DocumentField("second", .null),
                    DocumentField("third", .text("redshift")),
                ]))
    }

    @Test(arguments: ["a: [1", "a: b: c", "\t- x", "a: 1\na: 2", "\"open", "a: *nobody"])
    func `what is no YAML is refused with the place`(_ text: String) {
        let error = #expect(throws: OperationError.self) { try JobYAML.document(text) }
        #expect(error?.code == .badInput && error?.what == "The file is no YAML")
        #expect(error?.why.contains("\n") == false)
    }

    @Test func `an empty file is nothing`() throws {
        #expect(try JobYAML.document("") == .null)
        #expect(try JobYAML.document("# nothing\n") == .null)
    }

    /// Without what a file does not tell: how it was written.
    private static func plain(_ value: DocumentValue) -> DocumentValue {
        switch value {
        case .plain(let text): .text(text)
        case .list(let values): .list(values.map(plain))
        case .map(let fields, _): .map(fields.map { DocumentField($0.name, plain($0.value)) })
        default: value
        }
    }
}
