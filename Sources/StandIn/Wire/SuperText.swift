/// How a SUPER value lies in the PostgreSQL behind: a mark and a JSON document, or a string's own bytes.
enum SuperText {
    static let documentMark: UInt8 = 1

    /// A string as JSON.
    static func quoted(_ text: [UInt8]) -> [UInt8] {
        var out: [UInt8] = [UInt8(ascii: "\"")]
        out.reserveCapacity(text.count + 2)
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): out += [UInt8(ascii: "\\"), byte]
            case 10: out += Array("\\n".utf8)
            case 13: out += Array("\\r".utf8)
            case 9: out += Array("\\t".utf8)
            case 0..<32: out += Array("\\u00".utf8) + [UInt8(ascii: "0") + byte / 16, Self.hex[Int(byte % 16)]]
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
        return out
    }

    private static let hex = Array("0123456789abcdef".utf8)
}
