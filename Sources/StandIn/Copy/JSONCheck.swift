/// Whether bytes are one JSON value that SUPER takes: RFC 8259, nesting up to 1000, strings up to 65,535 bytes.
/// Limits: https://docs.aws.amazon.com/redshift/latest/dg/limitations-super.html
struct JSONCheck {
    static let depthLimit = 1_000
    static let stringLimitBytes = 65_535

    let bytes: UnsafePointer<UInt8>
    let count: Int
    private var index = 0
    /// Closing bytes of the open containers.
    private var open: [UInt8] = []

    init(bytes: UnsafePointer<UInt8>, count: Int) {
        self.bytes = bytes
        self.count = count
    }

    /// - Returns: nil for good JSON, else the reason.
    mutating func run() -> String? {
        let invalid = "Invalid JSON value for SUPER"
        while true {
            // A value starts here.
            skipBlanks()
            guard index < count else { return invalid }
            var isComplete = true
            switch bytes[index] {
            case UInt8(ascii: "{"):
                guard push(UInt8(ascii: "}")) else { return "SUPER nesting is deeper than \(Self.depthLimit)" }
                if !takeClosing() {
                    if let reason = key() { return reason }
                    isComplete = false
                }
            case UInt8(ascii: "["):
                guard push(UInt8(ascii: "]")) else { return "SUPER nesting is deeper than \(Self.depthLimit)" }
                isComplete = takeClosing()
            case UInt8(ascii: "\""): if let reason = string() { return reason }
            case UInt8(ascii: "t"): guard word("true") else { return invalid }
            case UInt8(ascii: "f"): guard word("false") else { return invalid }
            case UInt8(ascii: "n"): guard word("null") else { return invalid }
            default: guard number() else { return invalid }
            }
            if !isComplete { continue }
            // Behind a value: close containers until a comma asks for another value.
            afterValue: while true {
                skipBlanks()
                guard let closing = open.last else { return index == count ? nil : invalid }
                guard index < count else { return invalid }
                if bytes[index] == closing {
                    index += 1
                    open.removeLast()
                    continue
                }
                guard bytes[index] == UInt8(ascii: ",") else { return invalid }
                index += 1
                if closing == UInt8(ascii: "}"), let reason = key() { return reason }
                break afterValue
            }
        }
    }

    private mutating func push(_ closing: UInt8) -> Bool {
        index += 1
        open.append(closing)
        return open.count <= Self.depthLimit
    }

    private mutating func takeClosing() -> Bool {
        skipBlanks()
        guard index < count, bytes[index] == open.last else { return false }
        index += 1
        open.removeLast()
        return true
    }

    private mutating func key() -> String? {
        skipBlanks()
        guard index < count, bytes[index] == UInt8(ascii: "\"") else { return "Invalid JSON object key for SUPER" }
        if let reason = string() { return reason }
        skipBlanks()
        guard index < count, bytes[index] == UInt8(ascii: ":") else { return "Invalid JSON object for SUPER" }
        index += 1
        return nil
    }

    private mutating func skipBlanks() {
        while index < count, [9, 10, 13, 32].contains(bytes[index]) { index += 1 }
    }

    private mutating func string() -> String? {
        let start = index
        index += 1
        while index < count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                index += 1
                return index - start - 2 <= Self.stringLimitBytes ? nil : "A string in SUPER is over 65535 bytes"
            }
            guard byte >= 32 else { return "Invalid JSON string for SUPER" }
            if byte == UInt8(ascii: "\\") {
                index += 1
                guard index < count else { break }
                if bytes[index] == UInt8(ascii: "u") {
                    for offset in 1...4 {
                        guard index + offset < count, Self.isHex(bytes[index + offset]) else {
                            return "Invalid JSON escape for SUPER"
                        }
                    }
                    index += 4
                } else if !"\"\\/bfnrt".utf8.contains(bytes[index]) {
                    return "Invalid JSON escape for SUPER"
                }
            }
            index += 1
        }
        return "Unterminated JSON string for SUPER"
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        ASCII.isDigit(byte) || (byte | 32 >= 97 && byte | 32 <= 102)
    }

    private mutating func word(_ text: StaticString) -> Bool {
        guard index + text.utf8CodeUnitCount <= count else { return false }
        for offset in 0..<text.utf8CodeUnitCount where bytes[index + offset] != text.utf8Start[offset] { return false }
        index += text.utf8CodeUnitCount
        return true
    }

    private mutating func number() -> Bool {
        if index < count, bytes[index] == UInt8(ascii: "-") { index += 1 }
        guard index < count, ASCII.isDigit(bytes[index]) else { return false }
        if bytes[index] == 48 { index += 1 } else { skipDigits() }
        if index < count, bytes[index] == UInt8(ascii: ".") {
            index += 1
            guard skipDigits() else { return false }
        }
        if index < count, bytes[index] | 32 == UInt8(ascii: "e") {
            index += 1
            if index < count, bytes[index] == 43 || bytes[index] == 45 { index += 1 }
            guard skipDigits() else { return false }
        }
        return true
    }

    @discardableResult
    private mutating func skipDigits() -> Bool {
        let start = index
        while index < count, ASCII.isDigit(bytes[index]) { index += 1 }
        return index > start
    }
}
