"""Measures many tables and many workers; scripts/bench starts the servers and says what each measurement is.

    bench_fleet.py freshness|workers|idle --settings FILE [--json] [flags of the measurement]

FILE is JSON: `loader` (the program), `folder`, `postgres` (URL of a server where databases may be made), `destination` (URL),
`environment` (of the loader, for S3 and keys).
"""

import argparse
import json
import os
import signal
import socket
import sys

from bench_freshness import freshness
from bench_idle import idle
from bench_installation import Bench
from bench_workers import workers

MEASUREMENTS = {"freshness": freshness, "workers": workers, "idle": idle}


def numbers(text):
    return [int(part) for part in text.split(",")]


def flags():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--settings", required=True, metavar="FILE")
    parser.add_argument("--json", action="store_true")
    commands = parser.add_subparsers(dest="measurement", required=True)
    one = commands.add_parser("freshness")
    one.add_argument("--seconds", type=float, default=180)
    one.add_argument("--intervals", type=numbers, default=[60, 5])
    one.add_argument("--tables", type=int, default=60)
    one.add_argument("--watched", type=int, default=12)
    one.add_argument("--rate", type=float, default=1000)
    one.add_argument("--workers", type=int, default=4)
    one.add_argument("--concurrency", type=int, default=2)
    one = commands.add_parser("workers")
    one.add_argument("--seconds", type=float, default=600)
    one.add_argument("--counts", type=numbers, default=[1, 2, 4, 8])
    one.add_argument("--tables", type=int, default=48)
    one.add_argument("--rows", type=int, default=10_000)
    one.add_argument("--row-limit", type=int, default=2_000)
    one.add_argument("--latency", type=float, default=100)
    one = commands.add_parser("idle")
    one.add_argument("--seconds", type=float, default=180)
    one.add_argument("--tables", type=int, default=1000)
    one.add_argument("--interval", type=int, default=60)
    one.add_argument("--store", choices=["sqlite", "postgres", "both"], default="both")
    return parser.parse_args()


def main():
    arguments = flags()
    with open(arguments.settings, encoding="utf-8") as file:
        settings = json.load(file)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bench = Bench(settings)
    try:
        results, shown = MEASUREMENTS[arguments.measurement](bench, arguments)
    finally:
        bench.end()
    machine = {"cores": os.cpu_count(), "host": socket.gethostname()}
    if arguments.json:
        print(json.dumps({"measurement": arguments.measurement, "machine": machine, "results": results}))
    else:
        print(shown)
        print(f"{os.cpu_count()} cores, which loaders, source, metadata, S3 and stand-in shared")


if __name__ == "__main__":
    main()
