/// Growing bytes in PostgreSQL's COPY text format. A class with raw storage, because every value of a load goes through
/// it: no array checks, no copies, one hand-over per buffer. Used by one task at a time.
final class CopyTextBuffer {
    private(set) var count = 0
    private var capacity: Int
    private var storage: UnsafeMutablePointer<UInt8>

    init(capacity: Int = 1 << 21) {
        self.capacity = capacity
        storage = .allocate(capacity: capacity)
    }

    deinit { storage.deallocate() }

    /// Drops what was written behind `mark`: a row that turned out to be bad or incomplete.
    func truncate(to mark: Int) { count = mark }

    /// Room for `extra` bytes at the returned place; `advance` says how many were written.
    @inline(__always)
    func room(_ extra: Int) -> UnsafeMutablePointer<UInt8> {
        if count + extra > capacity { grow(extra) }
        return storage + count
    }

    @inline(__always)
    func advance(_ written: Int) { count += written }

    private func grow(_ extra: Int) {
        let larger = max(capacity * 2, count + extra)
        let fresh = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        fresh.update(from: storage, count: count)
        storage.deallocate()
        storage = fresh
        capacity = larger
    }

    @inline(__always)
    func append(_ byte: UInt8) {
        room(1).pointee = byte
        count += 1
    }

    @inline(__always)
    func append(_ bytes: UnsafePointer<UInt8>, _ length: Int) {
        room(length).update(from: bytes, count: length)
        count += length
    }

    /// `\N`
    @inline(__always)
    func appendNull() {
        let place = room(2)
        place[0] = UInt8(ascii: "\\")
        place[1] = UInt8(ascii: "N")
        count += 2
    }

    /// Text with backslash, tab, newline and carriage return escaped.
    func appendEscaped(_ bytes: UnsafePointer<UInt8>, _ length: Int) {
        let place = room(length * 2)
        var written = 0
        for index in 0..<length {
            let byte = bytes[index]
            if byte > 13, byte != UInt8(ascii: "\\") {
                place[written] = byte
                written += 1
                continue
            }
            let letter: UInt8 =
                switch byte {
                case 9: UInt8(ascii: "t")
                case 10: UInt8(ascii: "n")
                case 13: UInt8(ascii: "r")
                case UInt8(ascii: "\\"): byte
                default: 0
                }
            if letter == 0 {
                place[written] = byte
                written += 1
            } else {
                place[written] = UInt8(ascii: "\\")
                place[written + 1] = letter
                written += 2
            }
        }
        count += written
    }

    /// Zero-padded decimal digits.
    func append(number: Int, width: Int) {
        var digits: (Int, Int) = (number, 1)
        while digits.0 >= 10 {
            digits.0 /= 10
            digits.1 += 1
        }
        let length = max(width, digits.1)
        let place = room(length)
        var rest = number
        for index in stride(from: length - 1, through: 0, by: -1) {
            place[index] = UInt8(48 + rest % 10)
            rest /= 10
        }
        count += length
    }

    /// All bytes, leaving the buffer empty.
    func take() -> [UInt8] {
        defer { count = 0 }
        return Array(UnsafeBufferPointer(start: storage, count: count))
    }
}
