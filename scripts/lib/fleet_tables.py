"""The tables of a fleet's sources, and a program that writes to all of them.

    fleet_tables.py make  --url URL [--tables 30] [--rows 200] [--only changes]
    fleet_tables.py write --url URL --seed N               until SIGTERM; the open transactions are finished first

Three kinds, by name: `changes_NN` with an indexed updated_at, `log_NN` that only grows, `full_NN` without a key.
"""

import argparse
import random
import signal
from urllib.parse import unquote, urlsplit

import psycopg2

from busy_writer import BusyWriter

KINDS = ("changes", "log", "full")
DEFINITIONS = {
    "changes": """
        CREATE TABLE {name} (id bigserial PRIMARY KEY, note text, amount numeric(12,2), tick bigint NOT NULL DEFAULT 0,
            updated_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX ON {name} (updated_at);
        INSERT INTO {name} (note, amount) SELECT 'first ' || n, n / 8.0 FROM generate_series(1, {rows}) n
        """,
    "log": """
        CREATE TABLE {name} (id bigserial PRIMARY KEY, line text NOT NULL, tick bigint NOT NULL DEFAULT 0);
        INSERT INTO {name} (line) SELECT 'first ' || n FROM generate_series(1, {rows}) n
        """,
    "full": """
        CREATE TABLE {name} (code text, name text, tick bigint NOT NULL DEFAULT 0);
        INSERT INTO {name} SELECT 'c' || n, 'first ' || n FROM generate_series(1, {rows}) n
        """,
}
NOTES = ["", "Ines Çelik", 'say "hi"', "tab\t and \\", "gift 🎁", "line\nbreak", "O'Hara", None]
TABLES_IN_A_VISIT = 6


def connect(url, **settings):
    """PostgreSQL, or Redshift, by its URL."""
    parts = urlsplit(url)
    return psycopg2.connect(
        host=parts.hostname,
        port=parts.port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        dbname=parts.path.lstrip("/"),
        gssencmode="disable",
        **settings,
    )


def names(count, only=None):
    """Of 30 tables, 22 are changes, 6 logs and 2 full."""
    kinds = ["full" if n % 15 == 14 else "log" if n % 5 == 3 else "changes" for n in range(count)]
    return [f"{only or kind}_{n:04}" for n, kind in enumerate(kinds)]


def kind(name):
    return name.split("_")[0]


def make(url, count, rows, only=None):
    """In transactions of a hundred tables: each holds locks until it ends."""
    every = names(count, only)
    with connect(url) as connection, connection.cursor() as cursor:
        for start in range(0, len(every), 100):
            for name in every[start : start + 100]:
                cursor.execute(DEFINITIONS[kind(name)].format(name=name, rows=rows))
            connection.commit()
    connection.close()
    return every


class FleetWriter(BusyWriter):
    """Comes to every table once a second or so, and never waits for another transaction."""

    def __init__(self, url, seed):
        super().__init__(url)
        self.random = random.Random(seed)
        self.tick = 0
        with self.quick.cursor() as cursor:
            cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1")
            self.tables = [name for (name,) in cursor.fetchall() if kind(name) in KINDS]
        self.quick.rollback()
        self.random.shuffle(self.tables)

    def connect(self):
        return connect(self.url, application_name="fleet-writer")

    def visit(self, cursor):
        """Returns the number of rows inserted, updated and deleted."""
        start = self.tick * TABLES_IN_A_VISIT % len(self.tables)
        self.tick += 1
        return sum(self.change(cursor, name) for name in (self.tables * 2)[start : start + TABLES_IN_A_VISIT])

    def change(self, cursor, name):
        note, count = self.random.choice(NOTES), self.random.randint(1, 3)
        if kind(name) == "log":
            cursor.execute(
                f"INSERT INTO {name} (line, tick) SELECT %s, %s FROM generate_series(1, %s)", (note or "-", self.tick, count)
            )
            return count
        some = f"(SELECT ctid FROM {name} WHERE tick < %s LIMIT 1 FOR UPDATE SKIP LOCKED)"
        if kind(name) == "full":
            cursor.execute(f"INSERT INTO {name} VALUES (%s, %s, %s)", (f"c{self.tick}", note, self.tick))
            cursor.execute(f"DELETE FROM {name} WHERE ctid = {some}", (self.tick,))
            return 1 + cursor.rowcount
        cursor.execute(
            f"INSERT INTO {name} (note, amount, tick) SELECT %s, n / 4.0, %s FROM generate_series(1, %s) n",
            (note, self.tick, count),
        )
        cursor.execute(
            f"UPDATE {name} SET note = %s, tick = %s, updated_at = now() WHERE ctid = {some}", (note, self.tick, self.tick)
        )
        return count + cursor.rowcount


def write(url, seed):
    writer = FleetWriter(url, seed)

    def stop(_signal, _frame):
        writer.running = False

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    writer.run()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["make", "write"])
    parser.add_argument("--url", required=True)
    parser.add_argument("--tables", type=int, default=30)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--only", choices=KINDS)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.action == "make":
        make(arguments.url, arguments.tables, arguments.rows, arguments.only)
    else:
        write(arguments.url, arguments.seed)


if __name__ == "__main__":
    main()
