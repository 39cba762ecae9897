import Testing

@testable import Replication

/// The searches look at sixteen bytes at once, in blocks of 64: each token is moved over all their edges.
struct ChunkSearchTests {
    private typealias Search = @Sendable (UnsafeRawBufferPointer) -> Bool

    private static let infinity: Search = { ChunkSearch.holdsInfinity($0) }
    private static let notANumber: Search = { ChunkSearch.holdsNotANumber($0) }
    private static let lateYear: Search = { ChunkSearch.holdsLateYear($0) }
    private static let nul: Search = { ChunkSearch.holdsNUL($0) }

    private static let searches: [(String, Search, found: [String], passed: [String])] = [
        (
            "infinity", infinity, ["infinity", "Infinity", "-infinity", "-Infinity"],
            ["infinite", "to infinity", "x-infinity", "--infinity", "nfinity", "finity", "INFINITY", "infinity!"]
        ),
        ("NaN", notANumber, ["NaN"], ["NAN", "nan", "NaNa", "xNaN", "BaNaNa", "N", "Na", "NoN"]),
        (
            "late years", lateYear,
            ["294277-01-01", "999999-12-31", "1000000-01-01", "5874897-12-31", "294277-01-01 BC"],
            [
                "294276-12-31", "100000-01-01", "99999-01-01", "2024-02-29", "0044-03-15 BC", "x294277-01-01",
                "294277-1-01", "294277-001", "294277", "123e4567-e89b-12d3-a456-426614174000", "-294277",
            ]
        ),
        ("NUL", nul, ["\0", "abc\0"], ["0", "\u{1}"]),
    ]

    private static func holds(_ search: Search, _ text: String) -> Bool {
        var bytes = Array(text.utf8)
        return bytes.withUnsafeMutableBytes { search(UnsafeRawBufferPointer($0)) }
    }

    @Test func `a token is found wherever it lies, and nothing else is taken for it`() {
        for (name, search, found, passed) in Self.searches {
            for before in 0..<140 {
                let start =
                    before == 0 ? "" : String(repeating: "x", count: before - 1) + (before % 2 == 0 ? "," : "\n")
                for end in ["\n", ",\n", "," + String(repeating: "y", count: 150) + "\n"] {
                    for text in found {
                        #expect(Self.holds(search, start + text + end), "\(name): \(text) at \(before)")
                    }
                    for text in passed {
                        #expect(!Self.holds(search, start + text + end), "\(name): \(text) at \(before)")
                    }
                }
            }
            #expect(!Self.holds(search, ""))
        }
    }

    @Test func `only the sentinel alone in its quotes collides, wherever it lies`() {
        let word = TestRows.sentinel
        let search = ChunkSearch(rules: [], format: TestRows.format, checksUTF8: false)
        func collides(_ text: String) -> Bool { Self.holds({ search.holdsQuotedSentinel($0) }, text) }
        for before in 0..<140 {
            let start = before == 0 ? "" : String(repeating: "x", count: before - 1) + (before % 2 == 0 ? "," : "\n")
            for end in ["\n", ",\n", "," + String(repeating: "y", count: 150) + "\n"] {
                #expect(collides("\(start)\"\(word)\"\(end)"), "at \(before)")
                for field in [
                    word, "\"\(word)x,\"", "\"x,\(word)\"", "\"\"\"\(word)\"\"\"", "\"\(word)\"\"\"",
                    "\"\(word.dropLast())\"",
                ] {
                    #expect(!collides("\(start)\(field)\(end)"), "\(field) at \(before)")
                }
            }
        }
    }

    @Test func `deep nesting is suspected from the first limit on, and shallow documents never`() {
        func suspects(_ text: String) -> Bool { Self.holds({ ChunkSearch.mayNestDeeply($0) }, text) }
        func nested(_ levels: Int) -> String {
            String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        }
        for before in 0..<130 {
            let start = String(repeating: "x", count: before)
            #expect(suspects(start + nested(1_000) + "\n"), "at \(before)")
            #expect(suspects(String(repeating: "]", count: before) + nested(1_000) + "\n"), "at \(before)")
            #expect(!suspects(start + nested(900) + "\n"), "at \(before)")
        }
        #expect(suspects(String(repeating: "{\"a\":", count: 1_000) + "1" + String(repeating: "}", count: 1_000)))
        #expect(!suspects(String(repeating: "{\"a\":[1,2,{}]}\n", count: 5_000)))
    }
}

struct UTF8TextTests {
    /// The standard library's decoder judges.
    @Test func `every sequence of up to four bytes around the limits is judged and repaired as Swift does`() {
        let edges: [UInt8] = [
            0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF,
            0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ]
        var wrong = 0
        for a in edges {
            for b in edges {
                for c in edges {
                    for d in [UInt8(0x41), 0x80, 0xBF, 0xE2] {
                        let bytes = [a, b, c, d]
                        let swift = Array(String(decoding: bytes, as: UTF8.self).utf8)
                        let isValid = bytes.withUnsafeBytes { UTF8Text.isValid($0) }
                        if (swift == bytes) != isValid || (UTF8Text.repaired(bytes[...]) ?? bytes) != swift {
                            wrong += 1
                        }
                    }
                }
            }
        }
        #expect(wrong == 0)
    }

    @Test func `long text is judged to its last byte`() {
        for tail in 0..<20 {
            var bytes = Array(String(repeating: "a", count: 64 + tail).utf8)
            #expect(bytes.withUnsafeBytes { UTF8Text.isValid($0) })
            bytes[bytes.count - 1] = 0xC3
            #expect(!bytes.withUnsafeBytes { UTF8Text.isValid($0) })
        }
    }

    @Test(arguments: ["aé€😀", "😀😀😀", "éééé", ""])
    func `a cut never splits a character`(text: String) {
        let bytes = Array(text.utf8)
        for limit in 0...(bytes.count + 2) {
            let length = UTF8Text.prefixLength(of: bytes[...], limit: limit)
            #expect(String(validating: bytes.prefix(length), as: UTF8.self) != nil)
            #expect(length <= min(limit, bytes.count))
            #expect(length == bytes.count || length > limit - 4)
        }
    }
}
