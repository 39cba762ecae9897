import Foundation

/// What a source of one table keeps in mind between runs.
struct MySQLMemory: Sendable, Hashable, Codable {
    /// The server that it is true of.
    var server: String
    /// Of the rows of the window.
    var digests: [UInt64]
    var ranges: RangeSums
    /// Handed out since the last sweep began.
    var touched: TouchedKeys
    /// Handed out before the sweep under way began.
    var sweeping: TouchedKeys

    init(server: String, digests: [UInt64], ranges: RangeSums, touched: TouchedKeys, sweeping: TouchedKeys) {
        self.server = server
        self.digests = digests
        self.ranges = ranges
        self.touched = touched
        self.sweeping = sweeping
    }

    /// - Returns: nil for what another version has written.
    init?(stored: [UInt8]) {
        do { self = try JSONDecoder().decode(Self.self, from: Data(stored)) } catch { return nil }
    }

    /// JSON with sorted keys, so that equal memories are equal bytes.
    func stored() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self))
    }

    private enum CodingKeys: String, CodingKey {
        case server, digests, ranges, touched, sweeping
    }

    /// Digests are 8 bytes each, in Base64: as numbers they would take twice the room.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let bytes = try container.decode(Data.self, forKey: .digests)
        let digests = stride(from: 0, to: bytes.count - bytes.count % 8, by: 8).map { place in
            bytes[place..<(place + 8)].reduce(0) { $0 << 8 | UInt64($1) }
        }
        self.init(
            server: try container.decode(String.self, forKey: .server), digests: digests,
            ranges: try container.decode(RangeSums.self, forKey: .ranges),
            touched: try container.decode(TouchedKeys.self, forKey: .touched),
            sweeping: try container.decode(TouchedKeys.self, forKey: .sweeping))
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(server, forKey: .server)
        let bytes = digests.flatMap { digest in (0..<8).map { UInt8(truncatingIfNeeded: digest >> (56 - 8 * $0)) } }
        try container.encode(Data(bytes), forKey: .digests)
        try container.encode(ranges, forKey: .ranges)
        try container.encode(touched, forKey: .touched)
        try container.encode(sweeping, forKey: .sweeping)
    }
}

/// A key as the text of a place in a sweep: a JSON array.
enum KeyPlace {
    static func text(_ key: [String]) throws -> String {
        String(decoding: try JSONEncoder().encode(key), as: UTF8.self)
    }

    static func key(_ text: String) throws -> [String] {
        try JSONDecoder().decode([String].self, from: Data(text.utf8))
    }
}
