"""What one `serve` costs while nothing changes: processor, memory, and the growth of its store."""

import sqlite3
import time

import fleet_tables
from bench_installation import MachineUse, cpu_seconds, mebibytes, memory, say, table
from fleet_store import Store


class StoreSize:
    """Bytes and rows of a metadata store. SQLite's pages are counted: its log comes and goes."""

    def __init__(self, bench, url):
        self.sqlite = None if url.startswith("postgres") else bench.sqlite
        self.store = None if self.sqlite else Store(url)

    def rows_of(self, query):
        if self.store:
            return self.store.rows(query)
        connection = sqlite3.connect(f"file:{self.sqlite}?mode=ro", uri=True)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def read(self):
        """Bytes, and the number of rows by table."""
        if self.store:
            size = self.store.value("SELECT pg_database_size(current_database())")
            names = self.rows_of("SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()")
        else:
            size = self.rows_of("PRAGMA page_count")[0][0] * self.rows_of("PRAGMA page_size")[0][0]
            names = self.rows_of("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        return size, {name: self.rows_of(f'SELECT count(*) FROM "{name}"')[0][0] for (name,) in names}

    def generations(self):
        """Grows by one with each claim."""
        return int(self.rows_of("SELECT sum(lease_generation) FROM tables")[0][0])


def measure_idle(bench, arguments, kind):
    say(f"{arguments.tables} idle tables, metadata in {kind}")
    source = bench.database("bench_source")
    fleet_tables.make(source, arguments.tables, 10, only="changes")
    loader, url = bench.installation("bench_store" if kind == "postgres" else kind, BENCH_SOURCE=source)
    loader.add_job("bench", "BENCH_SOURCE", "BENCH_DESTINATION", bench.schema(), f"{arguments.interval}s")
    loader.run("jobs", "activate", "bench")
    # The first load is not what is measured: another process makes it, with more at once.
    loading = bench.start(loader, "serve", WORKER_CONCURRENCY="8", SOURCE_MAX_CONNECTIONS="8")
    bench.wait_loaded(loader, 3600)
    bench.stop([loading])
    serve = bench.start(loader, "serve")
    size = StoreSize(bench, url)
    say("all tables are loaded; settling")
    time.sleep(arguments.interval * 1.5)
    bench.alive()
    bytes_before, rows_before = size.read()
    use, began = MachineUse(), time.monotonic()
    cpu, claims = cpu_seconds(serve.pid), size.generations()
    time.sleep(arguments.seconds)
    bench.alive()
    cpu, seconds, claims = cpu_seconds(serve.pid) - cpu, time.monotonic() - began, size.generations() - claims
    busy = use.share()
    bytes_after, rows_after = size.read()
    peak, present = memory(serve.pid)
    bench.stop([serve])
    grown = {name: count - rows_before.get(name, 0) for name, count in rows_after.items()}
    return {
        "store": kind,
        "tables": arguments.tables,
        "seconds": round(seconds, 1),
        "claims": claims,
        "cpu_share_of_a_core": round(cpu / seconds, 4),
        "cpu_ms_per_claim": round(cpu / max(1, claims) * 1000, 2),
        "peak_memory_bytes": peak,
        "memory_bytes": present,
        "store_rows_grown": sum(grown.values()),
        "store_rows_grown_by_table": {name: count for name, count in grown.items() if count},
        "store_bytes_grown": bytes_after - bytes_before,
        "machine_busy": round(busy, 2),
    }


def idle(bench, arguments):
    kinds = ["sqlite", "postgres"] if arguments.store == "both" else [arguments.store]
    results = [measure_idle(bench, arguments, kind) for kind in kinds]
    headings = ("store", "tables", "claims/s", "of a core", "ms a claim", "peak memory", "store rows", "store size")
    lines = [
        (
            one["store"],
            one["tables"],
            f"{one['claims'] / one['seconds']:.1f}",
            f"{one['cpu_share_of_a_core']:.1%}",
            one["cpu_ms_per_claim"],
            mebibytes(one["peak_memory_bytes"]),
            f"{one['store_rows_grown']:+}",
            f"{one['store_bytes_grown'] / 1024:+.0f} KiB",
        )
        for one in results
    ]
    return results, table(headings, lines)
