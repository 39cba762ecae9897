import Replication
import Testing

@testable import DestinationRedshift

/// The text of a swap's statements, and of those that a replaced or widened table needs.
@Suite struct SwapStatementTests {
    static let table = TableName(schema: "App", name: "order \"lines\"")

    @Test func `a swap builds, renames and drops`() {
        let building = SwapStatements.building(Self.table)
        #expect(building == TableName(schema: "App", name: "order \"lines\"__loader_new"))
        #expect(SwapStatements.former(Self.table) == TableName(schema: "App", name: "order \"lines\"__loader_old"))
        #expect(SwapStatements.drop(building) == #"DROP TABLE IF EXISTS "App"."order ""lines""__loader_new""#)
        #expect(
            SwapStatements.rename(building, to: Self.table.name)
                == #"ALTER TABLE "App"."order ""lines""__loader_new" RENAME TO "order ""lines""""#)
        #expect(
            ReplicaStatements.createTable(StatementTests.mapping, named: building)
                .hasPrefix(
                    #"CREATE TABLE IF NOT EXISTS "App"."order ""lines""__loader_new" ("region" VARCHAR(8) NOT NULL"#))
    }

    @Test func `views that read a table are found and pointed at its successor`() {
        #expect(
            SwapStatements.views(on: Self.table) == """
                SELECT DISTINCT vn.nspname, v.relname, pg_get_viewdef(v.oid) \
                FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class \
                JOIN pg_namespace vn ON vn.oid = v.relnamespace JOIN pg_class t ON t.oid = d.refobjid \
                JOIN pg_namespace tn ON tn.oid = t.relnamespace \
                WHERE tn.nspname = 'App' AND t.relname = 'order "lines"' AND v.oid <> t.oid
                """)
        #expect(
            SwapStatements.recreateView(TableName(schema: "s", name: "v\"1"), definition: "SELECT 1;")
                == #"CREATE OR REPLACE VIEW "s"."v""1" AS SELECT 1;"#)
    }

    @Test(arguments: [String(repeating: "x", count: 127), String(repeating: "ü", count: 63), "a", ""])
    func `the names beside a long one fit into 127 bytes and stay apart`(name: String) {
        let other = name + "y"
        let names = [name, other].flatMap { name in
            let table = TableName(schema: "s", name: name)
            return [SwapStatements.building(table).name, SwapStatements.former(table).name]
        }
        #expect(Set(names + [name, other]).count == 6)
        #expect(names.allSatisfy { $0.utf8.count <= ReplicaNaming.limitBytes })
        #expect(names[0].hasSuffix("__loader_new") && names[1].hasSuffix("__loader_old"))
    }

    @Test func `a column is widened, all rows go, the owner is asked for`() {
        #expect(
            ReplicaStatements.widen("no\"te", of: Self.table, to: 65_535)
                == #"ALTER TABLE "App"."order ""lines""" ALTER COLUMN "no""te" TYPE VARCHAR(65535)"#)
        #expect(ReplicaStatements.deleteAll(Self.table) == #"DELETE FROM "App"."order ""lines""""#)
        #expect(
            ReplicaStatements.otherOwner(of: Self.table) == """
                SELECT tableowner FROM pg_tables WHERE schemaname = 'App' AND tablename = 'order "lines"' \
                AND tableowner <> CURRENT_USER
                """)
    }

    @Test(arguments: [
        (ReplicaLayout(), #" DISTSTYLE KEY DISTKEY ("region") COMPOUND SORTKEY ("updated_at")"#),
        (ReplicaLayout(distributionKey: ""), #" DISTSTYLE AUTO COMPOUND SORTKEY ("updated_at")"#),
        (ReplicaLayout(distributionKey: "id"), #" DISTSTYLE KEY DISTKEY ("id") COMPOUND SORTKEY ("updated_at")"#),
        (ReplicaLayout(sortKey: []), #" DISTSTYLE KEY DISTKEY ("region")"#),
        (
            ReplicaLayout(distributionKey: "", sortKey: ["id", "größe €"]),
            #" DISTSTYLE AUTO COMPOUND SORTKEY ("id", "größe €")"#
        ),
    ])
    func `a person's layout wins over the natural one`(layout: ReplicaLayout, ending: String) {
        var mapping = StatementTests.mapping
        mapping.layout = layout
        #expect(ReplicaStatements.createTable(mapping).hasSuffix(#"PRIMARY KEY ("region", "id"))"# + ending))
    }

    @Test(
        arguments: [
            (SyncMode.insertOnly, "id", #" COMPOUND SORTKEY ("id")"#), (.fullSync, nil, ""),
            (.updateAndInsert, nil, #" COMPOUND SORTKEY ("updated_at")"#),
        ] as [(SyncMode, String?, String)])
    func `a replica is sorted by what its mode follows`(mode: SyncMode, cursor: String?, ending: String) {
        var mapping = Fixture.mapping(
            ["id": .bigint, "updated_at": .timestamp], key: ["id"],
            updated: mode == .updateAndInsert ? "updated_at" : nil,
            destination: TableName(schema: "s", name: "t"), mode: mode)
        mapping.cursorKey = cursor
        #expect(
            ReplicaStatements.createTable(mapping).hasSuffix(
                #"PRIMARY KEY ("id")) DISTSTYLE KEY DISTKEY ("id")"# + ending))
    }
}
