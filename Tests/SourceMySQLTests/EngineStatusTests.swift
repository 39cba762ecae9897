import Testing

@testable import SourceMySQL

/// The engine's status as servers print it.
struct EngineStatusTests {
    private static let head = """
        2026-11-23 17:04:01 0x7fde63401180 INNODB MONITOR OUTPUT
        LATEST DETECTED DEADLOCK
        ---TRANSACTION 7, ACTIVE 4711 sec starting index read
        ------------
        TRANSACTIONS
        ------------
        Trx id counter 12621
        Purge done for trx's n:o < 12620 undo n:o < 0 state: running
        LIST OF TRANSACTIONS FOR EACH SESSION:

        """

    @Test func `open transactions are told by their age`() {
        let status = MySQLEngineStatus(
            Self.head + """
                ---TRANSACTION 375300594506088, not started
                0 lock struct(s), heap size 1128, 0 row lock(s)
                ---TRANSACTION 12620, ACTIVE 17 sec fetching rows
                MariaDB thread id 5873, OS thread handle 131796850132672, query id 138195 127.0.0.1 loader
                select 1
                ---TRANSACTION (0x7fde63401180), ACTIVE 35 sec
                MySQL thread id 5872, OS thread handle 140593106585280, query id 138192 127.0.0.1 loader
                --------
                FILE I/O
                """)
        #expect(status?.counter == 12_621 && status?.oldestSeconds == 35 && status?.hasPrepared == false)
    }

    @Test func `one that is prepared counts as such when its session has gone`() {
        let prepared = "---TRANSACTION 12617, ACTIVE (PREPARED) 9 sec\n1 lock struct(s), heap size 1128\n"
        let session = "MariaDB thread id 5874, OS thread handle 140593071560384, query id 138190\n"
        let recovered =
            "---TRANSACTION 12616, ACTIVE (PREPARED) 1 sec recovered trx\n1 lock struct(s), heap size 1128\n"
        #expect(MySQLEngineStatus(Self.head + prepared + session)?.hasPrepared == false)
        #expect(MySQLEngineStatus(Self.head + prepared + session)?.oldestSeconds == 9)
        for text in [prepared, recovered, recovered + prepared + session, prepared + session + recovered] {
            #expect(MySQLEngineStatus(Self.head + text)?.hasPrepared == true)
        }
    }

    @Test func `without transactions there is no age, and another text is none`() {
        let none = MySQLEngineStatus(Self.head + "--------\nFILE I/O\n")
        #expect(none?.oldestSeconds == 0 && none?.hasPrepared == false)
        #expect(MySQLEngineStatus("") == nil && MySQLEngineStatus("Trx id counter 5") == nil)
        #expect(MySQLEngineStatus(Self.head + "---TRANSACTION 1, ACTIVE 5 sec\n... truncated...\n") == nil)
    }
}
