"""How long a row takes from its commit at the source until the replica shows it, while all tables change."""

import random
import threading
import time

import fleet_tables
from bench_installation import MachineUse, cpu_seconds, say, table
from fleet_store import Store
from fleet_tables import connect


class PacedWriter(threading.Thread):
    """So many changed rows a second, evenly over the tables of one source: one transaction changes rows of one table.

    Half of the rows are new, half are updated; all carry the table's next `tick`. `commits` holds, for each watched
    table, (tick, time right after COMMIT was answered, rows).
    """

    def __init__(self, url, tables, rate, watched):
        super().__init__(daemon=True)
        self.connection, self.tables, self.stopping = connect(url), tables, False
        self.rows = max(2, round(rate / len(tables) / 2) * 2)
        self.pause = self.rows / rate
        self.commits = {name: [] for name in tables if name in watched}
        self.written, self.failure = 0, None

    def run(self):
        try:
            due, turn = time.monotonic(), 0
            while not self.stopping:
                self.change(self.tables[turn % len(self.tables)], turn // len(self.tables) + 1)
                turn += 1
                due += self.pause
                time.sleep(max(0.0, due - time.monotonic()))
        except Exception as error:  # pylint: disable=broad-except
            self.failure = error

    def change(self, name, tick):
        half = self.rows // 2
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {name} (note, amount, tick) SELECT 'new', n / 4.0, %s FROM generate_series(1, %s) n", (tick, half)
            )
            cursor.execute(f"SELECT last_value FROM {name}_id_seq")
            start = random.randint(1, max(1, cursor.fetchone()[0] - 2 * half))
            cursor.execute(
                f"UPDATE {name} SET note = 'changed', tick = %s, updated_at = now() WHERE id BETWEEN %s AND %s",
                (tick, start, start + half - 1),
            )
            rows = half + cursor.rowcount
        self.connection.commit()
        self.written += rows
        if name in self.commits:
            self.commits[name].append((tick, time.monotonic(), rows))


class Reader(threading.Thread):
    """Asks the replica for the highest tick of each watched table, again and again.

    A pass reads one snapshot of a table, and ticks of a table commit one after the other: with a tick, all lower ones
    have arrived. A row's delay is measured to the end of the first look that shows it: too long by one look at most.
    """

    EVERY_SECONDS = 0.25

    def __init__(self, url, replicas):
        """replicas: the schema of each watched table."""
        super().__init__(daemon=True)
        self.connection = connect(url)
        self.connection.autocommit = True
        self.sql = " UNION ALL ".join(
            f"SELECT '{name}' AS name, MAX(tick) AS tick FROM {schema}.{name}" for name, schema in replicas.items()
        )
        # For each table, (highest tick, when it was seen first).
        self.seen = {name: [] for name in replicas}
        self.stopping, self.failure, self.longest = False, None, 0.0

    def run(self):
        try:
            with self.connection.cursor() as cursor:
                while not self.stopping:
                    asked = time.monotonic()
                    cursor.execute(self.sql)
                    found = cursor.fetchall()
                    now = time.monotonic()
                    self.longest = max(self.longest, now - asked)
                    for name, tick in found:
                        if tick and (not self.seen[name] or tick > self.seen[name][-1][0]):
                            self.seen[name].append((tick, now))
                    time.sleep(max(0.0, asked + self.EVERY_SECONDS - time.monotonic()))
        except Exception as error:  # pylint: disable=broad-except
            self.failure = error


def delays(commits, seen, start, end):
    """(seconds, rows) of every tick committed between two moments; nil seconds for one that has not arrived."""
    found = []
    for name, ticks in commits.items():
        arrivals = iter(seen[name])
        arrival = next(arrivals, None)
        for tick, committed, rows in ticks:
            while arrival and arrival[0] < tick:
                arrival = next(arrivals, None)
            if start <= committed < end:
                found.append((arrival[1] - committed if arrival else None, rows))
    return found


def percentile(found, share):
    """Weighed by rows; nil where rows that have not arrived reach into it."""
    ordered = sorted(found, key=lambda pair: float("inf") if pair[0] is None else pair[0])
    wanted, passed = share * sum(rows for _, rows in ordered), 0
    for seconds, rows in ordered:
        passed += rows
        if passed >= wanted:
            return None if seconds is None else round(seconds, 2)
    return None


def measure_freshness(bench, arguments, interval):
    """Commit to queryable, over `seconds` of steady writing; the writing goes on until the last of them has arrived."""
    say(f"freshness at an interval of {interval} s")
    per_source = arguments.tables // 2
    sources = {f"bench_source_{number}": None for number in (1, 2)}
    loader, url = bench.installation(
        "bench_store", WORKER_CONCURRENCY=str(arguments.concurrency), SOURCE_MAX_CONNECTIONS="16"
    )
    schemas = {}
    for number, name in enumerate(sources, 1):
        sources[name] = bench.database(name)
        fleet_tables.make(sources[name], per_source, 1000, only="changes")
        loader.environment[f"BENCH_SOURCE_{number}"] = sources[name]
        schemas[name] = bench.schema()
        loader.add_job(f"bench{number}", f"BENCH_SOURCE_{number}", "BENCH_DESTINATION", schemas[name], f"{interval}s")
    tables = fleet_tables.names(per_source, "changes")
    # Both sources have the same tables: those of the first half are watched at one, the others at the other.
    half = arguments.watched // 2
    watched = [set(tables[::2][:half]), set(tables[1::2][:half])]
    replicas = {name: schema for chosen, schema in zip(watched, schemas.values()) for name in sorted(chosen)}
    workers = bench.start_workers(loader, Store(url), arguments.workers)
    for number in (1, 2):
        loader.run("jobs", "activate", f"bench{number}")
    bench.wait_loaded(loader, 300)
    writers = [
        PacedWriter(source, tables, arguments.rate / 2, chosen) for source, chosen in zip(sources.values(), watched)
    ]
    reader = Reader(bench.settings["destination"], replicas)
    for thread in [*writers, reader]:
        thread.start()

    def steady():
        if failure := next((one.failure for one in [*writers, reader] if one.failure), None):
            raise failure
        return bench.alive()

    def rest(seconds):
        end = time.monotonic() + seconds
        while steady() and time.monotonic() < end:
            time.sleep(0.5)

    rest(interval + 5)
    use, start, before = MachineUse(), time.monotonic(), sum(writer.written for writer in writers)
    cpu = [cpu_seconds(worker.pid) for worker in workers]
    rest(arguments.seconds)
    end = time.monotonic()
    written, busy = sum(writer.written for writer in writers) - before, use.share()
    cpu = sum(cpu_seconds(worker.pid) for worker in workers) - sum(cpu)
    commits = {name: ticks for writer in writers for name, ticks in writer.commits.items()}

    def measured():
        return delays({name: list(ticks) for name, ticks in commits.items()}, reader.seen, start, end)

    deadline = time.monotonic() + interval + 60
    while steady() and any(seconds is None for seconds, _ in measured()) and time.monotonic() < deadline:
        time.sleep(0.5)
    for thread in [*writers, reader]:
        thread.stopping = True
    for thread in [*writers, reader]:
        thread.join()
    found = measured()
    bench.stop(workers)
    known = [seconds for seconds, _ in found if seconds is not None]
    return {
        "interval_seconds": interval,
        "tables": per_source * 2,
        "workers": arguments.workers,
        "rows_per_second": round(written / (end - start)),
        "measured_rows": sum(rows for _, rows in found),
        "not_arrived": sum(rows for seconds, rows in found if seconds is None),
        **{f"p{share}": percentile(found, share / 100) for share in (50, 95, 99)},
        "max": round(max(known), 2) if known else None,
        "look_seconds": round(max(reader.EVERY_SECONDS, reader.longest), 2),
        "workers_cpu_cores": round(cpu / (end - start), 2),
        "machine_busy": round(busy, 2),
    }


def freshness(bench, arguments):
    results = [measure_freshness(bench, arguments, interval) for interval in arguments.intervals]
    headings = ("interval", "tables", "workers", "rows/s", "p50", "p95", "p99", "max", "workers' cores", "machine busy")
    lines = [
        (
            f"{one['interval_seconds']} s",
            *(one[name] for name in ("tables", "workers", "rows_per_second")),
            *("-" if one[name] is None else f"{one[name]:.1f} s" for name in ("p50", "p95", "p99", "max")),
            one["workers_cpu_cores"],
            f"{one['machine_busy']:.0%}",
        )
        for one in results
    ]
    notes = [
        f"at {one['interval_seconds']} s: {one['measured_rows']} rows of {arguments.watched} tables measured, looked at every"
        f" {one['look_seconds']} s" + (f"; {one['not_arrived']} had not arrived" if one["not_arrived"] else "")
        for one in results
    ]
    return results, table(headings, lines) + "\n" + "\n".join(notes)
