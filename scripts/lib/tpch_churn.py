"""Writes to TPC-H tables as a busy application does, in rounds, so that a test can look at the replica between them.

    tpch_churn.py --url URL [--seed 1] [--rows 200] [--inserts-only] [--rounds N | --seconds N]

Without --rounds and --seconds it is driven by lines on stdin: "round" does one round and answers "done K rows" once that
is committed; "finish" (or the end of the input) commits what is still open, answers the same, and ends.

A round inserts and updates about --rows rows in random tables on a first connection. Some transactions roll back, some
roll back to a savepoint, some stamp rows with a time before their BEGIN. Late ones, each on a connection of its own,
stamp rows with the time of their start and commit some rounds later, after newer stamps have become visible: what a
replica that trusts updated_at alone never sees.
"""

import argparse
import random
import sys
import time

import tpch_dialects

# table: its key, the columns that an update changes and how, the expression of a new key from a counter.
TABLES = {
    "region": (("r_regionkey",), "r_comment = {text}", ("{n}",)),
    "nation": (("n_nationkey",), "n_comment = {text}, n_regionkey = {small}", ("{n}",)),
    "supplier": (("s_suppkey",), "s_acctbal = {money}, s_comment = {text}", ("{n}",)),
    "customer": (("c_custkey",), "c_acctbal = {money}, c_comment = {text}", ("{n}",)),
    "part": (("p_partkey",), "p_retailprice = {money}, p_size = {small}", ("{n}",)),
    "partsupp": (("ps_partkey", "ps_suppkey"), "ps_supplycost = {money}, ps_comment = {text}", ("{n} {divide} 4", "{n} %% 4 + 1000000")),
    "orders": (("o_orderkey",), "o_totalprice = {money}, o_comment = {text}", ("{n}",)),
    "lineitem": (("l_orderkey", "l_linenumber"), "l_extendedprice = {money}, l_comment = {text}", ("{n} {divide} 7", "{n} %% 7 + 1")),
}
# Small tables stay small, and the large ones get most of the writes.
WEIGHTS = {"region": 1, "nation": 1, "supplier": 2, "customer": 4, "part": 4, "partsupp": 6, "orders": 8, "lineitem": 12}
TEXTS = ["plain", "it''s", 'a "quoted" one', "comma, here", "back\\\\slash", "line\\nbreak", "", "naïve café", "日本語", "🙂 emoji", " blank "]
LATE_AT_MOST = 3


class Churn:
    def __init__(self, url, seed, rows, inserts_only):
        self.rows, self.inserts_only, self.random = rows, inserts_only, random.Random(seed)
        self.dialect = tpch_dialects.dialect_of(url)
        self.main = self.dialect.connect()
        self.late = []  # (rounds left, connection, rows)
        with self.main.cursor() as cursor:
            found = self.dialect.tables(cursor)
            self.tables = [table for table in TABLES if table in found]
            if not self.tables:
                sys.exit("tpch_churn: the database has no TPC-H table; make them by scripts/tpch load")
            self.columns = {table: self.dialect.columns(cursor, table) for table in self.tables}
            self.next_key = {table: self.first_free_key(cursor, table) for table in self.tables}
        self.main.commit()

    @staticmethod
    def first_free_key(cursor, table):
        """A counter above everything there is, whatever a key's expression divides it by."""
        cursor.execute(f"SELECT coalesce(max({TABLES[table][0][0]}), 0) FROM {table}")
        return (cursor.fetchone()[0] + 1) * 8

    def round(self):
        changed = self.commit_late(due_only=True)
        if len(self.late) < LATE_AT_MOST and self.random.random() < 0.6:
            self.open_late()
        left = self.rows
        while left > 0:
            some = min(left, self.random.randint(1, max(2, self.rows // 4)))
            left -= some
            changed += self.transaction(some)
        return changed

    def transaction(self, rows):
        """Commits about `rows` rows and returns their number; one in ten rolls back as a whole, one in six in part."""
        with self.main.cursor() as cursor:
            self.dialect.begin(cursor)
            began, before, written = self.dialect.BEGAN, self.dialect.BEFORE, self.dialect.WRITTEN
            stamp = self.random.choice([began, began, began, before, written])
            changed = self.write(cursor, rows, stamp)
            if self.random.random() < 1 / 6:
                cursor.execute("SAVEPOINT half")
                self.write(cursor, rows // 2 + 1, stamp)
                cursor.execute("ROLLBACK TO SAVEPOINT half")
            if self.random.random() < 1 / 6:
                cursor.execute("SAVEPOINT inner_part")  # rows with the number of a subtransaction
                changed += self.write(cursor, rows // 2 + 1, stamp)
                cursor.execute("RELEASE SAVEPOINT inner_part")
        if self.random.random() < 0.1:
            self.main.rollback()
            return 0
        self.main.commit()
        return changed

    def open_late(self):
        connection = self.dialect.connect()
        with connection.cursor() as cursor:
            self.dialect.begin(cursor)
            changed = self.write(cursor, self.random.randint(1, max(2, self.rows // 8)), self.dialect.BEGAN)
        self.late.append((self.random.randint(1, 4), connection, changed))

    def commit_late(self, due_only):
        """Commits the late transactions whose time has come, or all of them; returns the number of their rows."""
        changed, still = 0, []
        for rounds, connection, rows in self.late:
            if due_only and rounds > 1:
                still.append((rounds - 1, connection, rows))
                continue
            connection.commit()
            connection.close()
            changed += rows
        self.late = still
        return changed

    def write(self, cursor, rows, stamp):
        """Inserts or updates about `rows` rows of one random table."""
        table = self.random.choices(self.tables, [WEIGHTS[table] for table in self.tables])[0]
        if table in ("region", "nation"):
            rows = min(rows, 5)
        if self.inserts_only or self.random.random() < 0.4:
            return self.insert(cursor, table, rows, stamp)
        return self.update(cursor, table, rows, stamp)

    def values(self):
        return {
            "text": f"{self.dialect.STRING}'{self.random.choice(TEXTS)}{self.random.randint(0, 999)}'".replace("{", ""),
            "money": f"{self.random.randint(-99999, 9999999) / 100:.2f}",
            "small": str(self.random.randint(0, 50)),
        }

    def insert(self, cursor, table, rows, stamp):
        """New keys; every other column is taken from a row that is there."""
        key, _, expressions = TABLES[table]
        first = self.next_key[table]
        self.next_key[table] += rows
        new = {name: expression.format(n="n", divide=self.dialect.DIVIDE) for name, expression in zip(key, expressions)}
        new["updated_at"] = stamp
        chosen = ", ".join(new.get(name, f"model.{name}") for name in self.columns[table])
        return self.dialect.insert(cursor, table, ", ".join(self.columns[table]), chosen, first, first + rows - 1)

    def update(self, cursor, table, rows, stamp):
        """Rows near random places; those that a late transaction holds are left out, so nothing waits."""
        key, change, _ = TABLES[table]
        changed = 0
        for _ in range(1 if rows < 4 else 3):
            cursor.execute(f"SELECT max({key[0]}) FROM {table}")
            place = self.random.randint(0, cursor.fetchone()[0] or 0)
            values = f"{change.format(**self.values())}, updated_at = {stamp}"
            changed += self.dialect.update(cursor, table, key, values, place, max(1, rows // 3))
        return changed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=int, default=200, help="about as many rows in a round")
    parser.add_argument("--inserts-only", action="store_true", help="no updates")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    arguments = parser.parse_args()
    churn = Churn(arguments.url, arguments.seed, arguments.rows, arguments.inserts_only)

    if arguments.rounds is None and arguments.seconds is None:
        for line in sys.stdin:
            if line.strip() == "finish":
                break
            if line.strip() != "round":
                sys.exit(f'tpch_churn: "{line.strip()}" is neither round nor finish')
            print(f"done {churn.round()} rows", flush=True)
    else:
        end = time.monotonic() + (arguments.seconds if arguments.seconds is not None else float("inf"))
        done = 0
        while time.monotonic() < end and (arguments.rounds is None or done < arguments.rounds):
            print(f"done {churn.round()} rows", flush=True)
            done += 1
    print(f"done {churn.commit_late(due_only=False)} rows", flush=True)


main()
