import Replication
import Testing
import TestServers

@testable import SourceMySQL

/// What the source keeps in mind between runs.
struct MemoryTests {
    // MARK: Digests of the window

    @Test func `what a pass saw is known to the next one`() {
        var digests = WindowDigests(known: [1, 2])
        digests.open(resuming: false)
        digests.see([2, 3], isWhole: true)
        #expect(digests.known == [1, 2])
        digests.open(resuming: true)
        digests.see([4], isWhole: true)
        digests.finishPass()
        #expect(digests.known == [2, 3, 4])
        // No pass was under way.
        digests.finishPass()
        #expect(digests.known == [2, 3, 4])
        digests.open(resuming: false)
        digests.finishPass()
        #expect(digests.known.isEmpty)
    }

    @Test func `a pass that was not seen whole leaves nothing known`() {
        var resumed = WindowDigests(known: [1])
        resumed.open(resuming: true)
        resumed.see([2], isWhole: true)
        #expect(!resumed.keepsMore)
        resumed.finishPass()
        #expect(resumed.known.isEmpty)
        var overfull = WindowDigests(known: [1])
        overfull.open(resuming: false)
        overfull.see([2], isWhole: false)
        overfull.see([3], isWhole: true)
        overfull.finishPass()
        #expect(overfull.known.isEmpty)
        // The pass after it starts anew.
        overfull.open(resuming: false)
        overfull.see([5], isWhole: true)
        overfull.finishPass()
        #expect(overfull.known == [5])
    }

    @Test func `digests are bounded`() {
        var digests = WindowDigests()
        digests.open(resuming: false)
        digests.see(Array(0..<UInt64(WindowDigests.limit)), isWhole: true)
        #expect(digests.keepsMore)
        var full = digests
        full.finishPass()
        #expect(full.known.count == WindowDigests.limit)
        digests.see([.max], isWhole: true)
        #expect(!digests.keepsMore)
        digests.finishPass()
        #expect(digests.known.isEmpty)
    }

    @Test func `rows handed out by another way are forgotten, those of the pass under way too`() {
        var digests = WindowDigests(known: [1])
        digests.forget()
        #expect(digests.known.isEmpty && digests.keepsMore)
        digests.open(resuming: false)
        digests.see([2], isWhole: true)
        digests.forget()
        digests.finishPass()
        #expect(digests.known.isEmpty)
    }

    // MARK: Keys handed out

    @Test func `keys come together to intervals`() {
        var keys = TouchedKeys()
        #expect(!keys.touches(from: nil, to: nil))
        keys.touch([5, 3, 4, 9, 3])
        #expect(keys.intervals == [.init(first: 3, last: 5), .init(first: 9, last: 9)])
        keys.touch([6, 8])
        #expect(keys.intervals == [.init(first: 3, last: 6), .init(first: 8, last: 9)])
        let edges: [Int64] = [7, Int64.min, Int64.max, Int64.max - 1, Int64.min + 1]
        keys.touch(edges)
        let expected: [TouchedKeys.Interval] = [
            TouchedKeys.Interval(first: Int64.min, last: Int64.min + 1), TouchedKeys.Interval(first: 3, last: 9),
            TouchedKeys.Interval(first: Int64.max - 1, last: Int64.max),
        ]
        #expect(keys.intervals == expected)
    }

    @Test(
        arguments: [
            (nil, 2, false), (nil, 3, true), (5, 8, true), (6, 8, false), (9, nil, true), (10, nil, false),
            (1, 20, true),
            (4, 4, true), (nil, nil, true),
        ] as [(Int64?, Int64?, Bool)])
    func `bounds count as between`(lower: Int64?, upper: Int64?, touches: Bool) {
        var keys = TouchedKeys()
        keys.touch([3, 4, 5, 9])
        #expect(keys.touches(from: lower, to: upper) == touches)
    }

    @Test func `once all are touched, all stay so`() {
        var keys = TouchedKeys()
        keys.touch([1])
        keys.touchAll()
        keys.touch([2])
        #expect(keys.isAll && keys.intervals.isEmpty && keys.touches(from: 100, to: 200))
        var other = TouchedKeys()
        other.touch([7])
        other.formUnion(keys)
        #expect(other.isAll)
    }

    /// Whatever is joined to keep it small, no key that was touched is lost.
    @Test(arguments: [1, 2, 3, 4]) func `intervals are bounded and cover what they were given`(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var keys = TouchedKeys()
        var given = Set<Int64>()
        for round in 1...8 {
            let spread = Int64(10) << (round * 5)
            let added = (0..<700).map { _ in Int64.random(in: -spread...spread, using: &random) } + [.max, .min]
            var other = TouchedKeys()
            other.touch(added)
            keys.formUnion(other)
            given.formUnion(added)
            #expect(keys.intervals.count <= TouchedKeys.limit)
        }
        #expect(given.allSatisfy { keys.touches(from: $0, to: $0) }, "seed \(seed)")
        for (one, two) in zip(keys.intervals, keys.intervals.dropFirst()) {
            #expect(one.first <= one.last && one.last < two.first - 1)
        }
        // The widest gap is still there.
        #expect(!keys.touches(from: .max / 2, to: .max / 2 + 1))
    }

    /// Evenly apart: there is no narrowest gap.
    @Test func `keys evenly apart are bounded too`() {
        var keys = TouchedKeys()
        keys.touch((0..<5_000).map { $0 * 10 })
        #expect(keys.intervals.count <= TouchedKeys.limit && keys.intervals.first?.first == 0)
        #expect(keys.intervals.last?.last == 49_990)
        #expect((0..<5_000).allSatisfy { keys.touches(from: $0 * 10, to: $0 * 10) })
    }

    // MARK: Sums of ranges

    private func sum(_ upper: String?, _ sum: String? = "s", rows: Int = 1) -> RangeSum {
        RangeSum(upper: upper.map { [$0] }, rows: rows, sum: sum)
    }

    @Test func `ranges follow each other`() {
        var sums = RangeSums()
        #expect(sums.range(behind: nil) == nil && sums.range(behind: ["a"]) == nil)
        sums.replace(behind: nil, with: [sum("b")])
        sums.replace(behind: ["b"], with: [sum("d")])
        sums.replace(behind: ["d"], with: [sum(nil)])
        #expect(sums.ranges == [sum("b"), sum("d"), sum(nil)])
        #expect(sums.range(behind: nil) == sum("b") && sums.range(behind: ["b"]) == sum("d"))
        #expect(sums.range(behind: ["d"]) == sum(nil) && sums.range(behind: ["x"]) == nil)
    }

    @Test func `a range is replaced by its parts`() {
        var sums = RangeSums()
        for range in [sum("b"), sum("f"), sum(nil)] { sums.append(range) }
        sums.replace(behind: ["b"], with: [sum("d", "new"), sum("f", nil)])
        #expect(sums.ranges == [sum("b"), sum("d", "new"), sum("f", nil), sum(nil)])
        sums.replace(behind: nil, with: [sum("a", "new"), sum("b", nil)])
        #expect(sums.ranges.first == sum("a", "new") && sums.ranges.count == 5)
    }

    @Test func `what lies before a range that is not known is read by the next sweep`() {
        var sums = RangeSums()
        for range in [sum("b"), sum(nil)] { sums.append(range) }
        sums.replace(behind: ["m"], with: [sum("p"), sum(nil, nil)])
        #expect(sums.ranges == [RangeSum(upper: ["m"], rows: 0, sum: nil), sum("p"), sum(nil, nil)])
    }

    @Test func `ranges are bounded, and joined ones are read again`() {
        var sums = RangeSums()
        for number in 0..<(RangeSums.limit * 3) {
            sums.replace(behind: number == 0 ? nil : ["\(number - 1)"], with: [sum("\(number)", rows: 2)])
            #expect(sums.ranges.count <= RangeSums.limit)
        }
        #expect(sums.ranges.reduce(0) { $0 + $1.rows } == RangeSums.limit * 6)
        #expect(sums.ranges.last?.upper == ["\(RangeSums.limit * 3 - 1)"])
        #expect(sums.ranges.allSatisfy { ($0.rows == 2) == ($0.sum != nil) })
    }

    // MARK: Stored

    @Test func `memory comes back as it was stored`() throws {
        var ranges = RangeSums()
        ranges.append(RangeSum(upper: ["7", "it's \"q\" ü"], rows: 3, sum: "3:18446744073709551615"))
        ranges.append(RangeSum(upper: nil, rows: 0, sum: nil))
        var touched = TouchedKeys()
        touched.touch([1, 2, .max])
        var sweeping = TouchedKeys()
        sweeping.touchAll()
        let memory = MySQLMemory(
            server: "uuid/é", digests: [0, 1, .max, 0x0102_0304_0506_0708], ranges: ranges, touched: touched,
            sweeping: sweeping)
        let stored = try memory.stored()
        #expect(MySQLMemory(stored: stored) == memory)
        #expect(try MySQLMemory(stored: stored)?.stored() == stored)
        let empty = MySQLMemory(
            server: "", digests: [], ranges: RangeSums(), touched: TouchedKeys(), sweeping: TouchedKeys())
        #expect(MySQLMemory(stored: try empty.stored()) == empty)
    }

    @Test(arguments: ["", "{}", "[]", "null", "{\"server\":1}"])
    func `what cannot be read is no memory`(text: String) {
        #expect(MySQLMemory(stored: Array(text.utf8)) == nil)
    }

    @Test func `a full memory stays small`() throws {
        var ranges = RangeSums()
        for number in 0..<RangeSums.limit {
            ranges.append(RangeSum(upper: ["\(number + 1_000_000_000)"], rows: 5_000, sum: "5000:18446744073709551615"))
        }
        var touched = TouchedKeys()
        touched.touch((0..<1_000).map { $0 * 1_000_000_007 })
        let memory = MySQLMemory(
            server: "x", digests: (0..<UInt64(WindowDigests.limit)).map { $0 &* 0x9E37_79B9_7F4A_7C15 }, ranges: ranges,
            touched: touched, sweeping: touched)
        #expect(try memory.stored().count < 700_000)
    }

    @Test(arguments: [["1"], ["a", "b"], ["it's \"q\", ü🚀\n\\", ""], ["-9223372036854775808"]])
    func `a key is read back from a place`(key: [String]) throws {
        #expect(try KeyPlace.key(KeyPlace.text(key)) == key)
    }
}
