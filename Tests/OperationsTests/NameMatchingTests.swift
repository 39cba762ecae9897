import Testing

@testable import Operations

@Suite struct NameMatchingTests {
    @Test(arguments: [
        ("orders", "orders", true), ("orders", "order", false), ("order", "orders", false), ("orders", "*", true),
        ("", "*", true), ("", "", true), ("a", "", false), ("", "?", false), ("orders", "ord*", true),
        ("orders", "*ers", true), ("orders", "o*d*s", true), ("orders", "o*x*s", false), ("orders", "order?", true),
        ("orders", "orders?", false), ("orders", "??????", true), ("orders", "*?s", true), ("s", "*?s", false),
        ("aaab", "*ab", true), ("mississippi", "m*iss*ppi", true), ("Orders", "orders", false),
        ("Größe €", "Gr??e*", true),
        ("a.b", "a.b", true), ("axb", "a.b", false), ("a[b]", "a[b]", true), ("a*b", "a*b", true),
        ("tmp_x", "tmp_*", true),
        ("x", "**", true), ("e\u{301}", "?", true), ("orders", "*orders*", true),
    ])
    func `globs fit whole names`(name: String, glob: String, fits: Bool) {
        #expect(NameMatching.matches(name, glob: glob) == fits)
    }

    @Test func `a long pattern of stars ends in time`() {
        let glob = String(repeating: "*a", count: 200) + "b"
        #expect(!NameMatching.matches(String(repeating: "a", count: 1_000), glob: glob))
    }

    @Test(
        arguments: [
            ("ordres", "orders"), ("Orders", "orders"), ("order", "orders"), ("custommers", "customers"),
            ("order_line", "order_lines"),
            ("zebra", nil), ("", nil), ("o", nil), ("id", "idx"),
        ] as [(String, String?)])
    func `the nearest name is offered when it is near`(typed: String, expected: String?) {
        let known = ["customers", "orders", "order_lines", "products", "idx"]
        #expect(NameMatching.nearest(to: typed, among: known) == expected)
    }

    @Test func `nothing is near where nothing is`() {
        #expect(NameMatching.nearest(to: "orders", among: []) == nil)
    }

    @Test(arguments: [
        ("", "", 0), ("a", "", 1), ("", "abc", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2), ("ü", "u", 1),
    ])
    func `edits are counted`(left: String, right: String, edits: Int) {
        #expect(NameMatching.distance(left, right) == edits)
        #expect(NameMatching.distance(right, left) == edits)
    }
}
