"""Shows what `redshift-loader status JOB --json` says of some jobs, again and again.

    demo_watch.py --binary PATH --job shop [--job …] [--every 2] [--for SECONDS] [--json] [--alive NAME=PID …]

On a terminal one table is redrawn in place; else each look prints a line for each table; with --json each look is one
JSON line. Ends after --for seconds or at SIGINT or SIGTERM with exit 0; with exit 3 when one of the processes ended.
"""

import argparse
import datetime
import json
import os
import signal
import subprocess
import sys
import time

HEADINGS = ("TABLE", "MODE", "STATE", "ROWS", "BEHIND", "COMPLETE UP TO")


class Stop(Exception):
    pass


def status(binary, job):
    """The document, or None: `status` exits 1 when a table is late, and that is an answer too."""
    run = subprocess.run([binary, "status", job, "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    try:
        return json.loads(run.stdout)
    except ValueError:
        print(f"status answered no JSON, exit {run.returncode}", file=sys.stderr)
        return None


def seconds(value):
    return "-" if value is None else f"{value:.0f} s"


def looked_at(arguments):
    """The tables of all jobs, each with its job's name, or None when one of them did not answer."""
    tables = []
    for job in arguments.job:
        document = status(arguments.binary, job)
        if document is None:
            return None
        tables += [{"job": job, **table} for table in document["tables"]]
    return tables


def name(table):
    return f"{table['job']}/{table['source_name']}"


def row(table):
    shown = table.get("complete_up_to") or "-"
    rows = table.get("rows")
    return (
        name(table),
        table["table_copy_type"],
        str(table.get("state")),
        "-" if rows is None else f"{rows:,}",
        seconds(table.get("behind_seconds")),
        shown[:19].replace("T", " "),
    )


def drawn(rows, title):
    widths = [max(len(cells[place]) for cells in [HEADINGS, *rows]) for place in range(len(HEADINGS))]
    lines = [title]
    for cells in [HEADINGS, *rows]:
        lines.append(
            "  ".join(
                cell.rjust(width) if place in (3, 4) else cell.ljust(width)
                for place, (cell, width) in enumerate(zip(cells, widths))
            ).rstrip()
        )
    return lines


def show(tables, arguments, began, height):
    """Prints one look; returns the number of lines that the next one is to draw over."""
    now = datetime.datetime.now(datetime.timezone.utc)
    if arguments.json:
        line = {"event": "status", "at": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "tables": tables}
        print(json.dumps(line, ensure_ascii=False), flush=True)
        return 0
    rows = [row(table) for table in tables]
    errors = [f"{name(table)}: {table['error']}" for table in tables if table.get("error")]
    if not arguments.redraw:
        for table, mode, state, count, behind, _ in rows:
            print(f"{now:%H:%M:%S}  {table:<20} {mode:<20} {state:<10} {count:>9} rows  {behind:>5} behind")
        print(*errors, sep="\n" if errors else "", end="\n" if errors else "", flush=True)
        return 0
    left = f", {max(0, arguments.seconds - (time.monotonic() - began)):.0f} s left" if arguments.seconds else ""
    lines = drawn(rows, f"{now:%H:%M:%S} UTC{left}, Ctrl-C stops and compares") + errors
    up = f"\x1b[{height}A" if height else ""
    print(up + "".join(f"\x1b[2K{line}\n" for line in lines) + "\x1b[J", end="", flush=True)
    return len(lines)


def watch(arguments):
    began, height = time.monotonic(), 0
    look = 0
    while arguments.seconds is None or time.monotonic() - began < arguments.seconds:
        tables = looked_at(arguments)
        if tables is not None:
            height = show(tables, arguments, began, height)
        for process in arguments.alive:
            program, pid = process.rsplit("=", 1)
            if not os.path.exists(f"/proc/{pid}"):
                print(f"{program} has ended by itself", file=sys.stderr)
                return 3
        look += 1
        next_look = began + look * arguments.every
        if arguments.seconds is not None:
            next_look = min(next_look, began + arguments.seconds)
        time.sleep(max(0.2, next_look - time.monotonic()))
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True)
    parser.add_argument("--job", action="append", required=True)
    parser.add_argument("--every", type=float, default=2)
    parser.add_argument("--for", type=float, dest="seconds")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--alive", action="append", default=[], metavar="NAME=PID")
    arguments = parser.parse_args()
    arguments.redraw = not arguments.json and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"

    def stop(_signal, _frame):
        raise Stop

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        return watch(arguments)
    except Stop:
        return 0


sys.exit(main())
