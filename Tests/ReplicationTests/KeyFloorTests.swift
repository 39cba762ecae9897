import Replication
import TestServers
import Testing

struct KeyFloorTests {
    private static func at(_ seconds: Int) -> SourceTime { FakeDatabase.time(seconds) }

    @Test func `the floor before a time is the key of the newest older mark`() {
        var floor = KeyFloor()
        floor.note("10", before: Self.at(100))
        floor.note("20", before: Self.at(200))
        floor.note("30", before: Self.at(300))
        #expect(floor.key(before: Self.at(50)) == nil)
        // Who began at the very moment of the reading may hold a lower key.
        #expect(floor.key(before: Self.at(100)) == nil)
        #expect(floor.key(before: Self.at(101)) == "10")
        #expect(floor.key(before: Self.at(300)) == "20")
        #expect(floor.key(before: Self.at(9000)) == "30")
    }

    @Test func `a key is noted once, with the earliest time at which it was in sight`() {
        var floor = KeyFloor()
        for second in 100...110 { floor.note("10", before: Self.at(second)) }
        floor.note(nil, before: Self.at(111))
        #expect(floor.marks == [KeyFloor.Mark(clock: Self.at(100), key: "10")])
        floor.note("11", before: Self.at(112))
        #expect(floor.marks.count == 2)
    }

    @Test func `a table without rows leaves no mark`() {
        var floor = KeyFloor()
        floor.note(nil, before: Self.at(100))
        #expect(floor == KeyFloor() && floor.key(before: Self.at(999)) == nil)
    }

    @Test func `beyond 128 marks every second one of the older half goes`() {
        var floor = KeyFloor()
        for number in 0..<128 { floor.note("\(number)", before: Self.at(number)) }
        #expect(floor.marks.map(\.key) == (0..<128).map(String.init))
        floor.note("128", before: Self.at(128))
        let older = stride(from: 0, to: 64, by: 2).map(String.init)
        #expect(floor.marks.map(\.key) == older + (64...128).map(String.init))
    }

    @Test(arguments: UInt64(1)...8)
    func `thinned marks give a lower floor or the same, never a higher one, and never none`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var (floor, all) = (KeyFloor(), KeyFloor())
        var (clock, key) = (0, 0)
        for _ in 0..<2000 {
            clock += Int.random(in: 1...90, using: &generator)
            key += Int.random(in: 0...5, using: &generator)
            floor.note("\(key)", before: Self.at(clock))
            all.marks.append(KeyFloor.Mark(clock: Self.at(clock), key: "\(key)"))
        }
        #expect(floor.marks.count <= KeyFloor.limit && floor.marks.first == all.marks.first)
        #expect(floor.marks.map(\.clock) == floor.marks.map(\.clock).sorted())
        for _ in 0..<500 {
            let time = Self.at(Int.random(in: 0...clock + 10, using: &generator))
            let (thinned, exact) = (floor.key(before: time), all.key(before: time))
            #expect((thinned == nil) == (exact == nil), "seed \(seed)")
            #expect(Int(thinned ?? "0") ?? .max <= Int(exact ?? "0") ?? .min, "seed \(seed)")
        }
        // The newest marks are all there: an hour's floor is as exact as ever.
        #expect(floor.key(before: Self.at(clock - 60)) == all.key(before: Self.at(clock - 60)), "seed \(seed)")
    }
}
