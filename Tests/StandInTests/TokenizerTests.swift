import Testing

@testable import StandIn

@Suite struct TokenizerTests {
    private func kinds(_ text: String) throws -> [TokenKind] { try Tokenizer.read(text).tokens.map(\.kind) }
    private func texts(_ text: String) throws -> [String] {
        let sql = try Tokenizer.read(text)
        return sql.tokens.indices.map { sql.text($0) }
    }

    @Test(arguments: [
        (#"select 'a\'b;' , "x""y"; -- c"#, ["select", #"'a\'b;'"#, ",", #""x""y""#, ";"]),
        ("a::int/*x/*y*/;*/b", ["a", "::", "int", "b"]),
        ("1.5e-3+.5||'x''y'", ["1.5e-3", "+", ".5", "|", "|", "'x''y'"]),
        ("from #stage_1 where a#b", ["from", "#stage_1", "where", "a", "#", "b"]),
        ("préfix$1 $1", ["préfix$1", "$1"]),
    ])
    func `text is cut into tokens and keeps its bytes`(_ text: String, _ expected: [String]) throws {
        #expect(try texts(text) == expected)
    }

    @Test(arguments: ["E'x'", "b'1'", "X'ff'", "U&'x'", "n'x'"])
    func `prefixed strings are told apart from Redshift's`(_ text: String) throws {
        #expect(try kinds(text) == [.prefixedString])
    }

    @Test(arguments: ["select 'a", "select \"a", "/* x", "select 'a\\'", "$x$ abc"])
    func `text that ends inside something is a syntax error`(_ text: String) {
        #expect(throws: StandInError.self) { try Tokenizer.read(text) }
    }

    @Test func `statements split at semicolons outside strings and comments`() throws {
        let sql = try Tokenizer.read("select ';'; ; /*;*/ begin;")
        #expect(sql.statements().map { sql.text($0.lowerBound) } == ["select", "begin"])
    }

    @Test(arguments: [
        (#"'a\'b'"#, "a'b"), (#"'a\\b'"#, #"a\b"#), (#"'x\ny'"#, "x\ny"), ("'it''s'", "it's"), (#"'\101'"#, "A"),
    ])
    func `a literal's value has its escapes resolved`(_ text: String, _ value: String) {
        #expect(Literal.value(of: text) == value)
    }

    @Test func `secrets in a statement are masked for the log`() throws {
        let text = """
            copy t from 's3://b/k' access_key_id 'A1' secret_access_key as 'S2' session_token 'T3'; \
            create user u password 'P4'; copy t from 's3://b/k' with credentials as 'aws_access_key_id=A5' csv
            """
        let sql = try Tokenizer.read(text)
        let masked = sql.statements().map { SecretMask.mask(sql, $0) }.joined(separator: ";")
        for secret in ["A1", "S2", "T3", "P4", "A5"] { #expect(!masked.contains(secret)) }
        #expect(masked.contains("'s3://b/k'"))
    }
}
