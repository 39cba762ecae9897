#!/usr/bin/env python3
"""Runs the tests, and ends them by a time limit: a test that waits for something that never comes is then named instead
of holding up everything without a word.

    watched_tests.py SECONDS COMMAND…

COMMAND is `swift test …`; its output passes through line by line. Said at the end: what failed, what took longest, and at
the limit what was under way. Exit: the command's own, or 75 at the limit.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading

EXIT_LIMIT = 75
SLOWEST = 15


def events_of(path):
    """The test library's own record; its last line may be cut off where the run was ended."""
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                return


def summary_of(path):
    """What is under way, what failed, and the seconds of each test, all by name.

    Tests begin before their cases, which wait for their turn: only cases tell how long a test takes.
    """
    names, started, cases, seconds, failed = {}, {}, {}, {}, {}
    for event in events_of(path):
        payload = event["payload"]
        if event["kind"] == "test":
            if payload["kind"] == "function":
                names[payload["id"]] = f'{payload["id"].split("/")[0]}: {payload.get("displayName", payload["name"])}'
            continue
        name, instant = names.get(payload.get("testID")), payload["instant"]["absolute"]
        if name is None:
            continue
        if payload["kind"] == "testStarted":
            started[name] = instant
        elif payload["kind"] == "testEnded":
            started.pop(name, None)
        elif payload["kind"] == "testCaseStarted":
            cases[name, payload["_testCase"]["id"]] = instant
        elif payload["kind"] == "testCaseEnded":
            taken = instant - cases.pop((name, payload["_testCase"]["id"]), instant)
            seconds[name] = seconds.get(name, 0) + taken
        elif payload["kind"] == "issueRecorded" and not payload.get("issue", {}).get("isKnown"):
            failed[name] = True
    # Of those that began, the ones with a case under way come first: the others only wait for their turn.
    running = list(dict.fromkeys(name for name, _ in cases))
    return running or list(started), list(failed), seconds


def say(title, lines):
    if lines:
        print(title, *lines, sep="\n  ", file=sys.stderr)


def main():
    limit, command = float(sys.argv[1]), sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        events = os.path.join(folder, "events.jsonl")
        command += ["--event-stream-output-path", events, "--event-stream-version", "0"]
        # Behind a pipe the C library would hold lines back by the block, and with them what the last test was.
        child = subprocess.Popen(["stdbuf", "-oL", *command], stdout=subprocess.PIPE, start_new_session=True)
        late = threading.Event()

        def end(signum=signal.SIGTERM, frame=None):
            try:
                os.killpg(child.pid, signal.SIGTERM if frame is None else signum)
            except ProcessLookupError:
                pass

        def expire():
            late.set()
            end()

        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, end)
        timer = threading.Timer(limit, expire)
        timer.daemon = True
        timer.start()
        for line in child.stdout:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        timer.cancel()
        status = child.wait()
        # A run that ended before its first test has written nothing.
        under_way, failed, seconds = summary_of(events) if os.path.exists(events) else ([], [], {})
    slowest = sorted(seconds, key=seconds.get, reverse=True)[:SLOWEST]
    say("the slowest tests:", [f"{seconds[name]:6.0f} s  {name}" for name in slowest])
    say("failed:", failed)
    if not late.is_set():
        return status if status >= 0 else 128 - status
    say(f"the tests were ended after {limit:.0f} s; these were under way:", under_way)
    return EXIT_LIMIT


if __name__ == "__main__":
    sys.exit(main())
