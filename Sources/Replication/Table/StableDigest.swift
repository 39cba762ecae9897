/// A digest that is the same on every machine and in every release: it is stored. Not for secrets.
package enum StableDigest {
    /// 64-bit FNV-1a of the UTF-8 bytes, as 16 hexadecimal digits.
    package static func hex(_ text: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 {
            hash ^= UInt64(byte)
            hash &*= 0x0000_0100_0000_01b3
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
