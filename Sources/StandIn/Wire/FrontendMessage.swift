import NIOCore

/// What a client may say, of protocol 3.0. Frames other than these are `unknown` and answered with an error.
enum FrontendMessage: Sendable, Equatable {
    case sslRequest
    case gssRequest
    case cancelRequest(pid: Int32, secret: Int32)
    /// User, database and other start parameters.
    case startup([String: String])
    case password(String)
    /// Raw bytes: the text may hold any encoding until the tokenizer has seen it.
    case query([UInt8])
    /// A message of the extended query protocol.
    case extended(ExtendedMessage)
    case sync
    case flush
    case terminate
    case unknown(UInt8)
    /// A frame that is longer than Redshift takes; its bytes were dropped. After one of the extended protocol
    /// everything up to Sync is skipped.
    case tooLong(Int, isExtended: Bool)
}

/// Cuts a byte stream into frontend messages; the first messages of a connection have no type byte.
struct FrontendDecoder: ByteToMessageDecoder {
    typealias InboundOut = FrontendMessage

    /// Redshift's limit for one statement: 16 MB. https://docs.aws.amazon.com/redshift/latest/dg/c_SQL_commands.html
    static let statementLimitBytes = 16 * 1024 * 1024

    private var started = false
    private var skipping = 0
    /// Told once its last byte is dropped: a client need not read while it writes.
    private var dropped: FrontendMessage?

    mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        guard let message = try next(&buffer) else { return .needMoreData }
        context.fireChannelRead(wrapInboundOut(message))
        return .continue
    }

    mutating func decodeLast(context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool) throws
        -> DecodingState
    {
        try decode(context: context, buffer: &buffer)
    }

    /// The next message, nil while its frame is incomplete.
    mutating func next(_ buffer: inout ByteBuffer) throws -> FrontendMessage? {
        if skipping > 0 {
            let count = min(skipping, buffer.readableBytes)
            buffer.moveReaderIndex(forwardBy: count)
            skipping -= count
            return skipping == 0 ? dropped : nil
        }
        return started ? try nextTyped(&buffer) : try nextUntyped(&buffer)
    }

    private mutating func nextUntyped(_ buffer: inout ByteBuffer) throws -> FrontendMessage? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: Int32.self) else { return nil }
        guard (8...10_000).contains(length) else {
            throw StandInError("08P01", "invalid length of startup packet", endsSession: true)
        }
        guard var frame = buffer.readSlice(length: Int(length)) else { return nil }
        frame.moveReaderIndex(forwardBy: 4)
        switch frame.readInteger(as: Int32.self) {
        case 80_877_103: return .sslRequest
        case 80_877_104: return .gssRequest
        case 80_877_102:
            guard let pid = frame.readInteger(as: Int32.self), let secret = frame.readInteger(as: Int32.self) else {
                throw StandInError("08P01", "invalid cancel request", endsSession: true)
            }
            return .cancelRequest(pid: pid, secret: secret)
        case 196_608:
            started = true
            var parameters: [String: String] = [:]
            while let name = frame.readNullTerminatedString(), !name.isEmpty {
                parameters[name] = frame.readNullTerminatedString() ?? ""
            }
            return .startup(parameters)
        default:
            throw StandInError("0A000", "unsupported frontend protocol", endsSession: true)
        }
    }

    private mutating func nextTyped(_ buffer: inout ByteBuffer) throws -> FrontendMessage? {
        guard let type = buffer.getInteger(at: buffer.readerIndex, as: UInt8.self),
            let length = buffer.getInteger(at: buffer.readerIndex + 1, as: Int32.self)
        else { return nil }
        guard length >= 4 else { throw StandInError("08P01", "invalid message length", endsSession: true) }
        if Int(length) > Self.statementLimitBytes + 64 {
            skipping = Int(length) + 1
            dropped = .tooLong(Int(length), isExtended: type != UInt8(ascii: "Q"))
            return try next(&buffer)
        }
        guard buffer.readableBytes >= Int(length) + 1 else { return nil }
        buffer.moveReaderIndex(forwardBy: 5)
        guard var frame = buffer.readSlice(length: Int(length) - 4) else { return nil }
        switch type {
        case UInt8(ascii: "Q"):
            var bytes = frame.readBytes(length: frame.readableBytes) ?? []
            if bytes.last == 0 { bytes.removeLast() }
            return .query(bytes)
        case UInt8(ascii: "p"): return .password(frame.readNullTerminatedString() ?? "")
        case UInt8(ascii: "P"), UInt8(ascii: "B"), UInt8(ascii: "D"), UInt8(ascii: "E"), UInt8(ascii: "C"):
            guard let message = ExtendedMessage(type: type, frame: &frame) else {
                throw StandInError("08P01", "invalid message format", endsSession: true)
            }
            return .extended(message)
        case UInt8(ascii: "S"): return .sync
        case UInt8(ascii: "H"): return .flush
        case UInt8(ascii: "X"): return .terminate
        default: return .unknown(type)
        }
    }
}
