import Foundation
import PostgresClient
import Testing

@testable import StandIn

@Suite struct ServerTests {
    @Test func `it introduces itself as Redshift`() async throws {
        let connection = try await StandInServer.connect()
        #expect(await connection.parameterStatus("server_version") == "8.0.2")
        #expect(await connection.parameterStatus("client_encoding") == "UNICODE")
        #expect(await connection.parameterStatus("standard_conforming_strings") == nil)
        #expect(try await connection.execute("select version()").firstValue?.contains("Redshift 1.0") == true)
        #expect(try await connection.execute("select count(*) from stv_slices").firstValue == "2")
        #expect(try await connection.execute("select current_user").firstValue == "standin")
        await connection.close()
    }

    @Test func `a wrong password and a wrong database are refused`() async throws {
        var endpoint = try PostgresEndpoint.parse(try StandInServer.value("TEST_STANDIN_URL")).endpoint
        let password = endpoint.password
        endpoint.password = PostgresPassword("wrong")
        await #expect(throws: PostgresError.self) { try await PostgresConnection.connect(to: endpoint) }
        endpoint.password = password
        endpoint.database = "absent"
        await #expect(throws: PostgresError.self) { try await PostgresConnection.connect(to: endpoint) }
    }

    @Test func `VARCHAR counts bytes, casts cut at a character, keys are not enforced`() async throws {
        try await StandInServer.withSchema { connection, schema in
            try await connection.execute("create table \(schema).t (id int primary key, v varchar(3), c char(2))")
            try await connection.execute("insert into \(schema).t values (1, 'aé', 'x'), (1, 'abc  ', 'y')")
            #expect(
                try await StandInServer.state(of: "insert into \(schema).t values (2, 'éé', 'x')", on: connection)
                    == "XX000")
            #expect(
                try await StandInServer.state(of: "insert into \(schema).t values (2, 'a', 'é')", on: connection)
                    == "XX000")
            #expect(
                try await StandInServer.state(of: "insert into \(schema).t values (null, 'a', 'b')", on: connection)
                    == "XX000")
            #expect(try await connection.execute("select 'éé'::varchar(3)").firstValue == "é")
            #expect(try await connection.execute("select count(*) from \(schema).t where id = 1").firstValue == "2")
        }
    }

    @Test func `information_schema speaks of Redshift's types`() async throws {
        try await StandInServer.withSchema { connection, schema in
            try await connection.execute(
                "create table \(schema).t (a varchar(7), b super, c varbyte(9), d decimal(10,2), e timestamptz, f text)"
            )
            let rows = try await connection.execute(
                """
                select column_name, data_type, character_maximum_length, numeric_precision, numeric_scale
                from information_schema.columns where table_schema = '\(schema)' and table_name = 't'
                order by ordinal_position
                """
            ).rows
            #expect(
                rows == [
                    ["a", "character varying", "7", nil, nil], ["b", "super", nil, nil, nil],
                    ["c", "binary varying", "9", nil, nil], ["d", "numeric", nil, "10", "2"],
                    ["e", "timestamp with time zone", nil, nil, nil], ["f", "character varying", "256", nil, nil],
                ])
        }
    }

    @Test func `SUPER and VARBYTE travel as text`() async throws {
        try await StandInServer.withSchema { connection, schema in
            try await connection.execute("create table \(schema).t (j super, v varbyte)")
            try await connection.execute(
                "insert into \(schema).t select json_parse('{\"b\": 1,\"a\": 1.50}'), from_hex('00FFab')")
            let row = try await connection.execute("select json_serialize(j), to_hex(v), v from \(schema).t").rows
            #expect(row == [["{\"b\": 1,\"a\": 1.50}", "00ffab", "00ffab"]])
        }
    }

    @Test func `statements of one message are one transaction`() async throws {
        try await StandInServer.withSchema { connection, schema in
            try await connection.execute("create table \(schema).t (a int)")
            await #expect(throws: PostgresError.self) {
                try await connection.execute("insert into \(schema).t values (1); select * from absent")
            }
            #expect(try await connection.execute("select count(*) from \(schema).t").firstValue == "0")
            #expect(await connection.transactionStatus == .idle)
            try await connection.execute("insert into \(schema).t values (1); insert into \(schema).t values (2)")
            #expect(try await connection.execute("select count(*) from \(schema).t").firstValue == "2")
        }
    }

    @Test func `an error made here fails the transaction as one made behind`() async throws {
        try await StandInServer.withSchema { connection, schema in
            try await connection.execute("begin")
            #expect(try await StandInServer.state(of: "create index i on t (a)", on: connection) == "42601")
            #expect(try await StandInServer.state(of: "select 1", on: connection) == "25P02")
            #expect(try await StandInServer.state(of: "set query_group to 'x'", on: connection) == "25P02")
            try await connection.execute("rollback")
            #expect(await connection.transactionStatus == .idle)
        }
    }

    @Test func `TRUNCATE commits, ALTER COLUMN TYPE and VACUUM stay outside`() async throws {
        try await StandInServer.withSchema { connection, schema in
            try await connection.execute(
                "create table \(schema).t (a varchar(3)); insert into \(schema).t values ('x')")
            try await connection.execute("begin")
            try await connection.execute("truncate \(schema).t")
            #expect(await connection.transactionStatus == .idle)
            #expect(try await connection.execute("select count(*) from \(schema).t").firstValue == "0")
            for statement in ["alter table \(schema).t alter column a type varchar(9)", "vacuum \(schema).t"] {
                try await connection.execute("begin")
                #expect(try await StandInServer.state(of: statement, on: connection) == "25001")
                try await connection.execute("rollback")
                try await connection.execute(statement)
            }
        }
    }

    @Test func `a user with few rights signs in and is held to them`() async throws {
        try await StandInServer.withSchema { connection, schema in
            let user = "u" + schema
            try await connection.execute("create user \(user) password 'Pw1'; create table \(schema).t (a int)")
            var endpoint = try PostgresEndpoint.parse(try StandInServer.value("TEST_STANDIN_URL")).endpoint
            endpoint.user = user
            endpoint.password = PostgresPassword("Pw1")
            let other = try await PostgresConnection.connect(to: endpoint)
            #expect(try await other.execute("select current_user").firstValue == user)
            #expect(try await StandInServer.state(of: "select * from \(schema).t", on: other) == "42501")
            #expect(try await StandInServer.state(of: "create schema x\(schema)", on: other) == "42501")
            try await connection.execute("grant usage, create on schema \(schema) to \(user)")
            try await other.execute("create table \(schema).mine (a int); drop table \(schema).mine")
            await other.close()
            try await connection.execute("revoke usage, create on schema \(schema) from \(user); drop user \(user)")
        }
    }

    @Test func `temporary tables are found first and die with their session`() async throws {
        try await StandInServer.withSchema { connection, schema in
            try await connection.execute(
                "set search_path to \(schema); create table t (a int); insert into t values (1)")
            try await connection.execute("create temp table t (like \(schema).t)")
            #expect(try await connection.execute("select count(*) from t").firstValue == "0")
            try await connection.execute("create table #s (like \(schema).t); insert into #s values (5)")
            #expect(try await connection.execute("select a from #s").firstValue == "5")
        }
    }

    @Test func `a running statement can be cancelled`() async throws {
        let connection = try await StandInServer.connect()
        let other = try await StandInServer.connect()
        let pid = try await connection.execute("select pg_backend_pid()").firstValue ?? ""
        async let state = StandInServer.state(of: "select pg_sleep(60)", on: connection)
        // The cancel may come before the statement does, so it is repeated until one has hit.
        var isDone = false
        while !isDone {
            let running = try await other.execute(
                "select count(*) from pg_stat_activity where pid = \(pid) and state = 'active'")
            guard running.firstValue == "1" else { continue }
            try await other.execute("cancel \(pid)")
            isDone = true
        }
        #expect(try await state == "57014")
        #expect(try await connection.execute("select 1").firstValue == "1")
        await connection.close()
        await other.close()
    }

    @Test func `a large answer streams`() async throws {
        let connection = try await StandInServer.connect()
        try await connection.beginQuery("select i, 'some text to make it wide' from generate_series(1, 200000) i")
        var rows = 0
        while let event = try await connection.nextQueryEvent(maximumBytes: 65_536) {
            if case .rows(let some) = event { rows += some.count }
        }
        #expect(rows == 200_000)
        await connection.close()
    }
}
