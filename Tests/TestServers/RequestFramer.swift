/// Cuts what a client sends into messages.
struct RequestFramer {
    struct Piece {
        var bytes: ArraySlice<UInt8>
        /// What counts as a message and begins with these bytes; nil for bytes that only pass.
        var message: String?
    }

    private let wire: FaultProxy.Wire
    private var waiting: ArraySlice<UInt8> = []
    private var hasStarted = false
    /// Bytes of an HTTP body that only pass.
    private var bodyLeft = 0

    private static let headEnd = Array("\r\n\r\n".utf8)

    init(wire: FaultProxy.Wire) {
        self.wire = wire
    }

    mutating func add(_ bytes: ArraySlice<UInt8>) -> [Piece] {
        waiting += bytes
        var pieces: [Piece] = []
        while let piece = next() { pieces.append(piece) }
        return pieces
    }

    private mutating func next() -> Piece? {
        switch wire {
        case .postgres: nextMessage()
        case .mysql: nextPacket()
        case .http: nextRequest()
        }
    }

    /// A packet numbered 0 is a command; others belong to signing in
    /// (https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html).
    private mutating func nextPacket() -> Piece? {
        guard waiting.count >= 4 else { return nil }
        let head = Array(waiting.prefix(4))
        let length = Int(head[0]) | Int(head[1]) << 8 | Int(head[2]) << 16
        guard waiting.count >= length + 4 else { return nil }
        let bytes = take(length + 4)
        let payload = bytes.dropFirst(4)
        guard head[3] == 0 else {
            defer { hasStarted = true }
            return Piece(bytes: bytes, message: hasStarted ? "password" : "startup")
        }
        switch payload.first {
        case 1: return Piece(bytes: bytes, message: "goodbye")
        case 3: return Piece(bytes: bytes, message: Self.text(payload.dropFirst()))
        default: return Piece(bytes: bytes, message: nil)
        }
    }

    private mutating func take(_ count: Int) -> ArraySlice<UInt8> {
        defer { waiting = ArraySlice(waiting.dropFirst(count)) }
        return waiting.prefix(count)
    }

    /// https://www.postgresql.org/docs/current/protocol-message-formats.html
    private mutating func nextMessage() -> Piece? {
        let header = hasStarted ? 5 : 8
        guard waiting.count >= header else { return nil }
        let typeBytes = hasStarted ? 1 : 0
        let length = Self.integer(waiting.dropFirst(typeBytes)) + typeBytes
        guard length >= header, waiting.count >= length else { return nil }
        let bytes = take(length)
        guard hasStarted else {
            let code = Self.integer(bytes.dropFirst(4))
            hasStarted = code == 196_608
            // Questions about encryption and requests to cancel come when they like; they only pass.
            return Piece(bytes: bytes, message: hasStarted ? "startup" : nil)
        }
        switch bytes.first {
        case UInt8(ascii: "Q"): return Piece(bytes: bytes, message: Self.text(bytes.dropFirst(5).dropLast()))
        case UInt8(ascii: "P"):
            // A statement that is prepared, named or not, for values to be bound: its name, then its text.
            let text = bytes.dropFirst(5).drop { $0 != 0 }.dropFirst().prefix { $0 != 0 }
            return Piece(bytes: bytes, message: Self.text(text))
        case UInt8(ascii: "p"): return Piece(bytes: bytes, message: "password")
        case UInt8(ascii: "X"): return Piece(bytes: bytes, message: "goodbye")
        default: return Piece(bytes: bytes, message: nil)
        }
    }

    private mutating func nextRequest() -> Piece? {
        guard bodyLeft == 0 else {
            guard !waiting.isEmpty else { return nil }
            let body = take(min(bodyLeft, waiting.count))
            bodyLeft -= body.count
            return Piece(bytes: body, message: nil)
        }
        guard let end = waiting.indices.first(where: { waiting[$0...].starts(with: Self.headEnd) }) else { return nil }
        let head = take(end + 4 - waiting.startIndex)
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        let length = lines.first { $0.lowercased().hasPrefix("content-length:") }
        bodyLeft = length.flatMap { Int($0.dropFirst(15).filter { $0 != " " }) } ?? 0
        return Piece(bytes: head, message: lines.first.map(String.init) ?? "")
    }

    private static func integer(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
    }

    /// The beginning of a statement: enough to tell it from others.
    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.prefix(2000), as: UTF8.self)
    }
}

/// Finds where a server's answer to one message is complete.
struct AnswerEnd {
    private let wire: FaultProxy.Wire
    /// Sign-in goes back and forth: any word of the server is an answer.
    private let isAnyWord: Bool
    private var waiting: [UInt8] = []
    /// Packets of the answer so far, and how many of the kind that ends columns, then rows.
    private var packets = 0
    private var ends = 0

    init(wire: FaultProxy.Wire, message: String) {
        self.wire = wire
        isAnyWord = wire == .http || message == "startup" || message == "password"
    }

    /// - Returns: Whether the server has done what it was asked for and said so.
    mutating func add(_ bytes: ArraySlice<UInt8>) -> Bool {
        if isAnyWord { return true }
        waiting += bytes
        return wire == .mysql ? findLastPacket() : findReadyForQuery()
    }

    private mutating func findReadyForQuery() -> Bool {
        var at = 0
        defer { waiting.removeFirst(min(at, waiting.count)) }
        while waiting.count >= at + 5 {
            let length = waiting[(at + 1)..<(at + 5)].reduce(0) { $0 << 8 | Int($1) }
            guard waiting.count > at + length else { return false }
            if waiting[at] == UInt8(ascii: "Z") { return true }
            at += length + 1
        }
        return false
    }

    /// A single OK or ERR; or a number of columns, the columns, EOF, the rows, EOF.
    private mutating func findLastPacket() -> Bool {
        var at = 0
        defer { waiting.removeFirst(min(at, waiting.count)) }
        while waiting.count >= at + 5 {
            let length = Int(waiting[at]) | Int(waiting[at + 1]) << 8 | Int(waiting[at + 2]) << 16
            guard waiting.count >= at + 4 + length else { return false }
            let kind = waiting[at + 4]
            packets += 1
            if kind == 0xFF || (packets == 1 && kind == 0) { return true }
            if kind == 0xFE, length < 9 { ends += 1 }
            if ends == 2 { return true }
            at += 4 + length
        }
        return false
    }
}
