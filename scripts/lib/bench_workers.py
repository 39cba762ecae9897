"""Rows a second by the number of workers, from a source that is far away."""

import re
import time

import fleet_tables
from bench_installation import MachineUse, say, table, until
from fleet_store import Store
from relay import Target, listening


def workers(bench, arguments):
    """First loads in many small batches, so that each waits for the source again and again."""
    source = bench.database("bench_source")
    fleet_tables.make(source, arguments.tables, arguments.rows, only="changes")
    port = int(re.search(r":(\d+)/", source)[1])
    listener = listening()
    slow = listener.getsockname()[1]
    bench.relay.serve(listener, Target("source", "127.0.0.1", port, slow, arguments.latency / 2000), bench.relay.line())
    total = arguments.tables * arguments.rows
    results = []
    for count in arguments.counts:
        say(f"{count} workers")
        loader, url = bench.installation(
            "bench_store",
            WORKER_CONCURRENCY="2",
            SOURCE_MAX_CONNECTIONS="64",
            IMPORT_ROW_LIMIT=str(arguments.row_limit),
            BENCH_SOURCE=source,
        )
        store = Store(url)
        loader.add_job("bench", "BENCH_SOURCE", "BENCH_DESTINATION", bench.schema(), "1h")
        started = bench.start_workers(loader, store, count, BENCH_SOURCE=source.replace(f":{port}/", f":{slow}/"))
        loader.run("jobs", "activate", "bench")
        use, began = MachineUse(), time.monotonic()
        until(
            "the first load",
            lambda: bench.alive() and store.value("SELECT coalesce(sum(rows), 0) FROM tables") >= total,
            arguments.seconds,
            every=0.1,
        )
        seconds = time.monotonic() - began
        results.append(
            {
                "workers": count,
                "seconds": round(seconds, 1),
                "rows_per_second": round(total / seconds),
                "machine_busy": round(use.share(), 2),
            }
        )
        bench.stop(started)
    first = results[0]
    headings = ("workers", "seconds", "rows/s", f"times {first['workers']}", "machine busy")
    lines = [
        (
            one["workers"],
            one["seconds"],
            one["rows_per_second"],
            f"{one['rows_per_second'] / first['rows_per_second']:.2f}",
            f"{one['machine_busy']:.0%}",
        )
        for one in results
    ]
    note = f"{arguments.tables} tables of {arguments.rows} rows, {arguments.row_limit} a batch,"
    note += f" the source {arguments.latency:g} ms away"
    return results, table(headings, lines) + "\n" + note
