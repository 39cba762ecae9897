import Testing

@testable import StandIn

@Suite struct FaultReaderTests {
    private static func at(
        _ effect: StatementFault.Effect, _ moment: StatementFault.Moment, _ kind: String?, _ number: Int = 1,
        on name: String? = nil
    ) -> Fault {
        .statement(
            StatementFault(effect: effect, moment: moment, place: FaultPlace(kind: kind, name: name, number: number)))
    }

    @Test(arguments: [
        ("HOLD AFTER COMMIT", at(.hold, .after, "COMMIT")),
        ("drop before end", at(.drop, .before, "COMMIT")),
        ("DROP DURING STATEMENT 7", at(.drop, .during, nil, 7)),
        ("DROP AFTER DELETE 2 ON orders", at(.drop, .after, "DELETE", 2, on: "orders")),
        ("STALL 2.5 SECONDS BEFORE INSERT", at(.stall(.seconds(2.5)), .before, "INSERT")),
        ("STALL AFTER SELECT", at(.stall(nil), .after, "SELECT")),
        ("RAISE 1023 BEFORE COMMIT", at(.raise(.serializationCycle()), .before, "COMMIT")),
        ("RAISE CONFLICT BEFORE CREATE", at(.raise(.ddlConflict), .before, "CREATE")),
        ("RAISE SNAPSHOT CONFLICT BEFORE UPDATE", at(.raise(.snapshotConflict), .before, "UPDATE")),
        ("RAISE DEADLOCK BEFORE LOCK", at(.raise(.deadlock), .before, "LOCK")),
        ("RAISE '53100' 'Disk Full' BEFORE COPY", at(.raise(StandInError("53100", "Disk Full")), .before, "COPY")),
        ("FAIL COPY", .copy(CopyFault(ending: .failure))),
        ("FAIL COPY AFTER 10 ROWS ON t", .copy(CopyFault(ending: .failure, afterRows: 10, name: "t"))),
        ("FAIL COPY READ", .copy(CopyFault(ending: .unreadable))),
        ("DROP DURING COPY", .copy(CopyFault(ending: .drop, afterRows: 1))),
        ("REFUSE CONNECTIONS FOR 0.5 SECONDS", .refuse(.seconds(0.5))),
        ("RANDOM SEED 7 PROBABILITY 0.25 TIMES 3", .random(RandomFaults(seed: 7, probability: 0.25, limit: 3))),
    ])
    func `a fault is read`(_ text: String, _ fault: Fault) throws {
        #expect(try FaultReader.read(text) == fault)
    }

    @Test(arguments: [
        "", "DROP", "DROP COMMIT", "DROP DURING COMMIT", "HOLD DURING SELECT", "RAISE 1024 BEFORE COMMIT",
        "RAISE 1023 AFTER COMMIT", "FAIL COPY AFTER ROWS", "RANDOM SEED 1", "DROP BEFORE COMMIT NOW",
    ])
    func `what is no fault is refused`(_ text: String) {
        #expect(throws: StandInError.self) { try FaultReader.read(text) }
    }

    @Test func `chance depends on the seed and the place alone`() {
        func drawn(_ seed: UInt64) -> [StatementFault?] {
            let faults = RandomFaults(seed: seed, probability: 0.3)
            return (1...40).map { faults.draw(session: 1 + $0 % 4, statement: $0, kind: "DELETE") }
        }
        #expect(drawn(5) == drawn(5))
        #expect(drawn(5) != drawn(6))
        let hits = drawn(5).compactMap(\.self).count
        #expect((4...20).contains(hits), "3 of 10 statements are to be hit, \(hits) of 40 were")
    }
}
