import Foundation
import PostgresClient
import Testing

@testable import StandIn

@Suite struct CopyServerTests {
    private func withTable(
        _ columns: String, _ body: (PostgresConnection, String, TestBucket) async throws -> Void
    ) async throws {
        try await TestBucket.with { bucket in
            try await StandInServer.withSchema { connection, schema in
                try await connection.execute("create table \(schema).t (\(columns))")
                try await body(connection, "\(schema).t", bucket)
            }
        }
    }

    @Test func `a manifest loads its files in one statement`() async throws {
        try await withTable("id int, v varchar(20)") { connection, table, bucket in
            try await bucket.put("a/1.csv", "1,one\n2,NULLX\n")
            try await bucket.put("a/2.csv", "3,\"th\"\"ree\"\n")
            try await bucket.put("a/3.csv", "9,not in the manifest\n")
            let entries = ["a/1.csv", "a/2.csv"].map {
                "{\"url\":\"s3://\(bucket.name)/\($0)\",\"mandatory\":true,\"meta\":{\"content_length\":1}}"
            }
            try await bucket.put("m.json", "{\"entries\":[\(entries.joined(separator: ","))]}")
            let copied = try await connection.execute(
                """
                copy \(table) (id, v) from 's3://\(bucket.name)/m.json' \(TestBucket.keys) manifest csv null as 'NULLX'
                region 'us-east-1' compupdate off statupdate off dateformat 'auto' timeformat 'auto'
                """)
            #expect(copied.commandTag == "COPY")
            let notices = await connection.takeNotices()
            #expect(notices.contains { $0.message.contains("3 record(s) loaded successfully") })
            #expect(try await connection.execute("select pg_last_copy_count()").firstValue == "3")
            let rows = try await connection.execute("select id, v from \(table) order by id").rows
            #expect(rows == [["1", "one"], ["2", nil], ["3", "th\"ree"]])
        }
    }

    @Test func `without a manifest the path is a prefix, and a role stands for keys`() async throws {
        try await withTable("id int") { connection, table, bucket in
            try await bucket.put("data.1", "1\n")
            try await bucket.put("data.10", "2\n")
            try await connection.execute("copy \(table) from 's3://\(bucket.name)/data.1' iam_role default csv")
            try await connection.execute(
                "copy \(table) from 's3://\(bucket.name)/data.10' credentials 'aws_iam_role=arn:aws:iam::1:role/r' csv")
            #expect(try await connection.execute("select count(*) from \(table)").firstValue == "3")
        }
    }

    @Test func `a missing mandatory file, prefix or key fails the load`() async throws {
        try await withTable("id int") { connection, table, bucket in
            try await bucket.put(
                "m.json", "{\"entries\":[{\"url\":\"s3://\(bucket.name)/absent\",\"mandatory\":true}]}")
            for source in [
                "'s3://\(bucket.name)/m.json' \(TestBucket.keys) manifest",
                "'s3://\(bucket.name)/no' \(TestBucket.keys)",
                "'s3://\(bucket.name)/m.json' access_key_id 'test:tester' secret_access_key 'wrong'",
            ] {
                #expect(
                    try await StandInServer.state(of: "copy \(table) from \(source) csv", on: connection) == "XX000")
            }
        }
    }

    @Test func `a bad row loads nothing and is told in the error tables, which a rollback leaves alone`() async throws {
        try await withTable("id int, v varchar(3)") { connection, table, bucket in
            try await bucket.put("bad.csv", "1,abc\n2,abcd\n")
            try await connection.execute("begin")
            let load = "copy \(table) from 's3://\(bucket.name)/bad.csv' \(TestBucket.keys) csv"
            let error = await #expect(throws: PostgresError.self) { try await connection.execute(load) }
            #expect(error?.sqlState == "XX000")
            #expect(
                error?.serverMessage == "Load into table 't' failed.  Check 'stl_load_errors' system table for details."
            )
            #expect(try await StandInServer.state(of: "select 1", on: connection) == "25P02")
            try await connection.execute("rollback")
            let told = try await connection.execute(
                """
                select trim(filename), line_number, trim(colname), trim(type), trim(col_length), err_code,
                trim(err_reason), trim(raw_field_value) from stl_load_errors where query = pg_last_copy_id()
                """
            ).rows
            #expect(
                told == [
                    [
                        "s3://\(bucket.name)/bad.csv", "2", "v", "varchar", "3", "1204",
                        "String length exceeds DDL length", "abcd",
                    ]
                ])
            let newer = try await connection.execute(
                "select error_code, trim(error_message) from sys_load_error_detail where query_id = pg_last_copy_id()")
            #expect(newer.rows == [["1204", "String length exceeds DDL length"]])
            #expect(try await connection.execute("select count(*) from \(table)").firstValue == "0")
        }
    }

    @Test func `MAXERROR loads the good rows`() async throws {
        try await withTable("id int") { connection, table, bucket in
            try await bucket.put("some.csv", "1\nx\n2\n")
            try await connection.execute(
                "copy \(table) from 's3://\(bucket.name)/some.csv' \(TestBucket.keys) csv maxerror 5")
            #expect(try await connection.execute("select count(*) from \(table)").firstValue == "2")
        }
    }

    @Test func `types arrive exactly`() async throws {
        let columns =
            "d decimal(6,2), ts timestamp, tz timestamptz, dt date, b boolean, j super, v varbyte(4), c char(3)"
        try await withTable(columns) { connection, table, bucket in
            try await bucket.put(
                "t.csv",
                """
                1.239,2024-01-31 03:04:05.123456,2024-01-02 03:04:05+02,0044-03-15 BC,yes,"{""a"": [1,2]}",00FF,ab
                ,,,,,,,\n
                """)
            try await connection.execute(
                "copy \(table) from 's3://\(bucket.name)/t.csv' \(TestBucket.keys) csv timeformat 'auto'")
            let rows = try await connection.execute("select * from \(table) order by d").rows
            #expect(
                rows[0] == [
                    "1.23", "2024-01-31 03:04:05.123456", "2024-01-02 01:04:05+00", "0044-03-15 BC", "t",
                    "{\"a\": [1,2]}", "00ff", "ab ",
                ])
            #expect(rows[1] == [nil, nil, nil, nil, nil, nil, nil, "   "])
        }
    }

    @Test func `STANDIN LOG shows statements without their secrets`() async throws {
        try await withTable("id int") { connection, table, bucket in
            try await bucket.put("x.csv", "1\n")
            try await connection.execute("copy \(table) from 's3://\(bucket.name)/x.csv' \(TestBucket.keys) csv")
            let log = try await connection.execute("standin log").rows.compactMap { $0[1] }
            let mine = log.filter { $0.contains(bucket.name) }
            #expect(mine.count == 1 && mine[0].contains("SECRET_ACCESS_KEY '***'"))
        }
    }
}
