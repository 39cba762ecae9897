/// A parsed `COPY … FROM 's3://…'`; the statement's secrets print as `***`.
struct CopyStatement: Sendable, Equatable {
    enum Authorization: Sendable, Equatable, CustomStringConvertible {
        /// An ARN, a chain of them, or `default`.
        case role(String)
        case keys(id: String, secret: String, token: String?)

        var description: String { "***" }
    }

    var table: RelationName
    var columns: [String] = []
    var bucket: String
    /// A key prefix, or the manifest's key.
    var key: String
    var authorization: Authorization
    var options = CopyOptions()
}

/// How COPY reads its files.
struct CopyOptions: Sendable, Equatable {
    enum Compression: String, Sendable { case none, gzip, zstd }
    enum ClockFormat: Sendable, Equatable {
        case standard, auto, epochSeconds, epochMilliseconds

        /// Years to seconds, not a count since 1970.
        var isText: Bool { self == .standard || self == .auto }
    }

    var isCSV = false
    var isManifest = false
    var compression = Compression.none
    /// Nil until given: `,` for CSV, `|` otherwise.
    var delimiter: UInt8?
    var quote = UInt8(ascii: "\"")
    /// Bytes of the null string; Redshift's default is `\N`.
    var nullString: [UInt8] = [UInt8(ascii: "\\"), UInt8(ascii: "N")]
    var region: String?
    var maxErrors = 0
    var headerLines = 0
    var dateFormat = ClockFormat.standard
    var timeFormat = ClockFormat.standard
    var truncatesColumns = false
    var emptyAsNull = false
    var blanksAsNull = false
    var trimsBlanks = false
    var fillsRecord = false
    var roundsDecimals = false
    var acceptsAnyDate = false
    var ignoresBlankLines = false
    var noLoad = false
    /// Replaces each invalid byte of a VARCHAR; nil makes such bytes an error.
    var invalidCharacter: UInt8?

    var effectiveDelimiter: UInt8 { delimiter ?? UInt8(ascii: isCSV ? "," : "|") }
}

extension CopyStatement {
    /// Reads what follows COPY. https://docs.aws.amazon.com/redshift/latest/dg/r_COPY.html
    static func read(_ reader: inout StatementReader) throws(StandInError) -> CopyStatement {
        if reader.isNextSymbol("(") { throw reader.unexpected() }
        let table = try reader.relation()
        let columns = reader.isNextSymbol("(") ? try reader.nameList() : []
        if reader.isNext("to") { throw .unsupported("COPY TO") }
        try reader.expect("from")
        if reader.isNext("stdin") { throw .unsupported("COPY FROM STDIN") }
        if reader.isNext("program") { throw reader.unexpected() }
        let source = try reader.string()
        guard source.hasPrefix("s3://") else {
            throw .notImitated("COPY from anything but s3://")
        }
        let path = source.dropFirst(5)
        guard let slash = path.firstIndex(of: "/"), slash > path.startIndex, path.index(after: slash) < path.endIndex
        else {
            throw StandInError("XX000", "The S3 path needs a bucket and a key prefix, as in s3://bucket/prefix")
        }
        var parser = CopyOptionsParser(reader: reader)
        try parser.read()
        reader = parser.reader
        return CopyStatement(
            table: table, columns: columns, bucket: String(path[..<slash]),
            key: String(path[path.index(after: slash)...]), authorization: try parser.authorization(),
            options: parser.options)
    }
}

/// Reads COPY's parameters, which may stand in any order.
struct CopyOptionsParser {
    var reader: StatementReader
    var options = CopyOptions()
    private var seen: Set<String> = []
    private var role: String?
    private var keyID: String?
    private var secret: String?
    private var token: String?
    private var credentials: String?

    init(reader: StatementReader) { self.reader = reader }

    mutating func read() throws(StandInError) {
        while !reader.isAtEnd {
            guard let word = reader.word() else { throw reader.unexpected() }
            let start = reader
            reader.advance()
            var isKnown = try readAuthorization(word)
            if !isKnown { isKnown = try readFormat(word) }
            if !isKnown { isKnown = try readFlag(word) }
            if !isKnown { isKnown = try readConversion(word) }
            guard isKnown else { throw start.unexpected() }
            if word != "as", word != "format", !seen.insert(word).inserted {
                throw StandInError("42601", "conflicting or redundant options: \(word.uppercased())")
            }
        }
        try check()
    }

    private mutating func text() throws(StandInError) -> String {
        _ = reader.take("as")
        return try reader.string()
    }

    private mutating func readAuthorization(_ word: String) throws(StandInError) -> Bool {
        switch word {
        case "iam_role": role = reader.take("default") ? "default" : try reader.string()
        case "access_key_id": keyID = try text()
        case "secret_access_key": secret = try text()
        case "session_token": token = try text()
        case "with":
            guard reader.isNext("credentials") else { return false }
            reader.advance()
            credentials = try text()
        case "credentials": credentials = try text()
        default: return false
        }
        return true
    }

    private mutating func readFormat(_ word: String) throws(StandInError) -> Bool {
        switch word {
        case "format", "as": return reader.isNext("csv") || reader.isNext("as") || reader.isNext("json")
        case "csv": options.isCSV = true
        case "quote":
            guard options.isCSV else { throw StandInError("42601", "QUOTE is only valid with CSV") }
            options.quote = try single(try text(), "QUOTE")
        case "delimiter": options.delimiter = try delimiter(try text())
        case "gzip": try compress(.gzip)
        case "zstd": try compress(.zstd)
        case "manifest": options.isManifest = true
        case "region": options.region = try text()
        case "encoding":
            _ = reader.take("as")
            let name = reader.kind() == .string ? try reader.string().lowercased() : try reader.name()
            guard name == "utf8" || name == "utf-8" else { throw .notImitated("ENCODING \(name.uppercased())") }
        case "json", "avro", "parquet", "orc", "fixedwidth", "shapefile", "bzip2", "lzop", "encrypted",
            "master_symmetric_key", "escape", "removequotes", "explicit_ids", "ssh", "readratio":
            throw .notImitated("COPY … \(word.uppercased())")
        default: return false
        }
        return true
    }

    private mutating func readFlag(_ word: String) throws(StandInError) -> Bool {
        switch word {
        case "compupdate", "statupdate":
            _ =
                reader.take("on") || reader.take("off") || reader.take("true") || reader.take("false")
                || (word == "compupdate" && reader.take("preset"))
        case "comprows":
            guard (1_000...2_147_483_647).contains(try reader.integer()) else {
                throw StandInError("22023", "COMPROWS must be between 1000 and 2147483647")
            }
        case "maxerror":
            _ = reader.take("as")
            options.maxErrors = try reader.integer()
            guard (0...100_000).contains(options.maxErrors) else {
                throw StandInError("22023", "MAXERROR must be between 0 and 100000")
            }
        case "ignoreallerrors": throw .notImitated("COPY … IGNOREALLERRORS")
        case "ignoreheader":
            _ = reader.take("as")
            options.headerLines = try reader.integer()
        case "noload": options.noLoad = true
        case "truncatecolumns": options.truncatesColumns = true
        case "emptyasnull": options.emptyAsNull = true
        case "blanksasnull": options.blanksAsNull = true
        case "trimblanks": options.trimsBlanks = true
        case "fillrecord": options.fillsRecord = true
        case "roundec": options.roundsDecimals = true
        case "acceptanydate": options.acceptsAnyDate = true
        case "ignoreblanklines": options.ignoresBlankLines = true
        default: return false
        }
        return true
    }

    private mutating func readConversion(_ word: String) throws(StandInError) -> Bool {
        switch word {
        case "null":
            options.nullString = Array(try text().utf8)
            guard options.nullString != [10] else { throw StandInError("22023", "NULL AS '\\n' is not allowed") }
            if options.nullString.isEmpty { options.emptyAsNull = true }
        case "dateformat":
            guard try text() == "auto" else { throw .notImitated("DATEFORMAT other than 'auto'") }
            options.dateFormat = .auto
        case "timeformat":
            switch try text() {
            case "auto": options.timeFormat = .auto
            case "epochsecs": options.timeFormat = .epochSeconds
            case "epochmillisecs": options.timeFormat = .epochMilliseconds
            default: throw .notImitated("TIMEFORMAT other than 'auto', 'epochsecs' and 'epochmillisecs'")
            }
        case "acceptinvchars":
            _ = reader.take("as")
            options.invalidCharacter = reader.kind() == .string ? try single(try reader.string(), "ACCEPTINVCHARS") : 63
        default: return false
        }
        return true
    }

    private mutating func compress(_ kind: CopyOptions.Compression) throws(StandInError) {
        guard options.compression == .none else { throw StandInError("42601", "only one compression can be given") }
        options.compression = kind
    }

    private func single(_ text: String, _ option: String) throws(StandInError) -> UInt8 {
        let bytes = Array(text.utf8)
        guard bytes.count == 1, bytes[0] < 128 else {
            throw StandInError("22023", "COPY \(option) must be a single ASCII character")
        }
        return bytes[0]
    }

    /// One character; `\t` and octal `\ddd` may reach us unresolved.
    private func delimiter(_ text: String) throws(StandInError) -> UInt8 {
        if text == "\\t" { return 9 }
        if text.hasPrefix("\\"), let value = UInt8(text.dropFirst(), radix: 8) { return value }
        return try single(text, "DELIMITER")
    }

    private func check() throws(StandInError) {
        guard options.effectiveDelimiter != options.quote || !options.isCSV else {
            throw StandInError("22023", "DELIMITER and QUOTE must differ")
        }
    }

    /// Exactly one kind of authorization.
    func authorization() throws(StandInError) -> CopyStatement.Authorization {
        let hasKeys = keyID != nil || secret != nil || token != nil
        guard [role != nil, hasKeys, credentials != nil].filter({ $0 }).count <= 1 else {
            throw StandInError("42601", "COPY takes one kind of authorization: IAM_ROLE, keys or CREDENTIALS")
        }
        if let role {
            guard role == "default" || role.hasPrefix("arn:aws") else {
                throw StandInError("XX000", "The IAM role is not an ARN")
            }
            return .role(role)
        }
        if hasKeys {
            guard let keyID, let secret else {
                throw StandInError("42601", "ACCESS_KEY_ID and SECRET_ACCESS_KEY must be given together")
            }
            return .keys(id: keyID, secret: secret, token: token)
        }
        guard let credentials else {
            throw StandInError("42601", "COPY needs an authorization: IAM_ROLE, keys or CREDENTIALS")
        }
        return try Self.split(credentials)
    }

    /// `aws_iam_role=…` or `aws_access_key_id=…;aws_secret_access_key=…[;token=…]`, without blanks.
    static func split(_ text: String) throws(StandInError) -> CopyStatement.Authorization {
        var parts: [String: String] = [:]
        for part in text.split(separator: ";") {
            guard let equals = part.firstIndex(of: "="), !part.contains(" ") else {
                throw StandInError(
                    "XX000", "Invalid credentials. Must be of the format: credentials 'aws_iam_role=...'")
            }
            parts[String(part[..<equals])] = String(part[part.index(after: equals)...])
        }
        let known: Set<String> = [
            "aws_iam_role", "aws_access_key_id", "aws_secret_access_key", "token", "master_symmetric_key",
        ]
        guard Set(parts.keys).isSubset(of: known) else {
            throw StandInError("XX000", "Invalid credentials. Must be of the format: credentials 'aws_iam_role=...'")
        }
        if let role = parts["aws_iam_role"], parts.count == 1 { return .role(role) }
        guard let id = parts["aws_access_key_id"], let secret = parts["aws_secret_access_key"],
            parts["aws_iam_role"] == nil
        else {
            throw StandInError("XX000", "Invalid credentials. Must be of the format: credentials 'aws_iam_role=...'")
        }
        return .keys(id: id, secret: secret, token: parts["token"])
    }
}
