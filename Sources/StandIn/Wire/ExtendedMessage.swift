import NIOCore

/// What a client says in the extended query protocol, between two Syncs.
enum ExtendedMessage: Sendable, Equatable {
    /// - `types`: Type numbers of the parameters, as far as the client fixes them; 0 leaves one to the server.
    case parse(statement: String, sql: [UInt8], types: [UInt32])
    case bind(Binding)
    case describeStatement(String)
    case describePortal(String)
    /// - `limit`: Rows after which the portal is suspended; 0 for none.
    case execute(portal: String, limit: Int)
    case closeStatement(String)
    case closePortal(String)

    /// Values for a prepared statement's parameters.
    struct Binding: Sendable, Equatable {
        var portal: String
        var statement: String
        /// None means text, one stands for all.
        var formats: [Int16]
        /// nil for NULL.
        var values: [[UInt8]?]
        /// None means text, one stands for all columns.
        var resultFormats: [Int16]

        /// Whether the value at `index` came in binary form.
        func isBinary(_ index: Int) -> Bool {
            (formats.count == 1 ? formats[0] : index < formats.count ? formats[index] : 0) == 1
        }
    }

    /// Reads a message's body; nil when it is cut short or makes no sense.
    init?(type: UInt8, frame: inout ByteBuffer) {
        guard let message = Self.read(type, &frame) else { return nil }
        self = message
    }

    private static func read(_ type: UInt8, _ frame: inout ByteBuffer) -> ExtendedMessage? {
        switch type {
        case UInt8(ascii: "P"): return parse(&frame)
        case UInt8(ascii: "B"): return bind(&frame)
        case UInt8(ascii: "E"):
            guard let portal = frame.readNullTerminatedString(), let limit = frame.readInteger(as: Int32.self) else {
                return nil
            }
            return .execute(portal: portal, limit: max(0, Int(limit)))
        default:
            guard let kind = frame.readInteger(as: UInt8.self), let name = frame.readNullTerminatedString() else {
                return nil
            }
            let isStatement = kind == UInt8(ascii: "S")
            guard isStatement || kind == UInt8(ascii: "P") else { return nil }
            if type == UInt8(ascii: "D") { return isStatement ? .describeStatement(name) : .describePortal(name) }
            return isStatement ? .closeStatement(name) : .closePortal(name)
        }
    }

    private static func parse(_ frame: inout ByteBuffer) -> ExtendedMessage? {
        guard let name = frame.readNullTerminatedString(),
            let length = frame.readableBytesView.firstIndex(of: 0).map({ $0 - frame.readerIndex }),
            let sql = frame.readBytes(length: length)
        else { return nil }
        frame.moveReaderIndex(forwardBy: 1)
        guard let count = frame.readInteger(as: UInt16.self) else { return nil }
        var types: [UInt32] = []
        for _ in 0..<count {
            guard let type = frame.readInteger(as: UInt32.self) else { return nil }
            types.append(type)
        }
        return .parse(statement: name, sql: sql, types: types)
    }

    private static func bind(_ frame: inout ByteBuffer) -> ExtendedMessage? {
        guard let portal = frame.readNullTerminatedString(), let statement = frame.readNullTerminatedString(),
            let formats = readFormats(&frame), let count = frame.readInteger(as: UInt16.self)
        else { return nil }
        var values: [[UInt8]?] = []
        for _ in 0..<count {
            guard let length = frame.readInteger(as: Int32.self) else { return nil }
            if length < 0 {
                values.append(nil)
            } else {
                guard let value = frame.readBytes(length: Int(length)) else { return nil }
                values.append(value)
            }
        }
        guard let resultFormats = readFormats(&frame) else { return nil }
        return .bind(
            Binding(
                portal: portal, statement: statement, formats: formats, values: values, resultFormats: resultFormats))
    }

    private static func readFormats(_ frame: inout ByteBuffer) -> [Int16]? {
        guard let count = frame.readInteger(as: UInt16.self) else { return nil }
        var formats: [Int16] = []
        for _ in 0..<count {
            guard let format = frame.readInteger(as: Int16.self), format == 0 || format == 1 else { return nil }
            formats.append(format)
        }
        return formats
    }
}
