import Testing

@testable import StandIn

@Suite struct SerialOrderTests {
    private var order = SerialOrder()

    @Test mutating func `two that read what the other writes close a circle`() {
        let (first, second) = (order.begin(), order.begin())
        #expect(order.note(first, reads: [1], writes: [2]) == nil)
        let cycle = order.note(second, reads: [2], writes: [1])
        #expect(cycle.map { Set($0.transactions) } == [first, second])
        order.rollBack(second)
        #expect(order.note(first, reads: [1], writes: [2]) == nil)
    }

    @Test mutating func `a writer that waited and had read before closes a circle with the one it waited for`() {
        let (first, second) = (order.begin(), order.begin())
        _ = order.note(first, reads: [1], writes: [1])
        _ = order.note(second, reads: [1], writes: [])
        order.commit(first)
        #expect(order.note(second, reads: [1], writes: [1])?.table == 1)
    }

    @Test mutating func `pure writers of one table follow each other`() {
        let (first, second) = (order.begin(), order.begin())
        _ = order.note(first, reads: [], writes: [1])
        order.commit(first)
        #expect(order.note(second, reads: [], writes: [1]) == nil)
    }

    @Test mutating func `a snapshot taken after the commit is no circle`() {
        let first = order.begin()
        _ = order.note(first, reads: [1], writes: [1])
        order.commit(first)
        let second = order.begin()
        #expect(order.note(second, reads: [1], writes: [1]) == nil)
    }

    @Test mutating func `a reader can close a circle of three`() {
        let (reader, first) = (order.begin(), order.begin())
        // The first one reads 1, which the second one changes; the reader sees the second one's 1, not the first one's 2.
        _ = order.note(first, reads: [1], writes: [2])
        let second = order.begin()
        _ = order.note(second, reads: [], writes: [1])
        order.commit(second)
        order.rollBack(reader)
        let late = order.begin()
        #expect(order.note(late, reads: [1, 2], writes: [])?.transactions.count == 3)
    }

    @Test mutating func `finished transactions are forgotten`() {
        for _ in 0..<100 {
            let one = order.begin()
            _ = order.note(one, reads: [1], writes: [1])
            order.commit(one)
        }
        #expect(order.entries.count <= 1)
    }
}
