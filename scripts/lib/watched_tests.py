#!/usr/bin/env python3
"""Runs the tests, and ends them by a time limit: a test that waits for something that never comes is then named instead
of holding up everything without a word.

    watched_tests.py SECONDS COMMAND…

Output passes through line by line. Exit: the command's own, or 75 at the limit.
"""

import os
import re
import signal
import subprocess
import sys
import threading

EXIT_LIMIT = 75
STARTED = re.compile(r'^◇ Test "?(.*?)"? started\.')
ENDED = re.compile(r'^[✔✘] Test "?(.*?)"? (?:with \d+ test cases? )?(?:passed|failed|was) ')


def main():
    limit, command = float(sys.argv[1]), sys.argv[2:]
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
    under_way = {}
    for raw in child.stdout:
        sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()
        line = raw.decode(errors="replace")
        if match := STARTED.match(line):
            under_way[match[1]] = True
        elif match := ENDED.match(line):
            under_way.pop(match[1], None)
    timer.cancel()
    status = child.wait()
    if not late.is_set():
        return status if status >= 0 else 128 - status
    print(f"the tests were ended after {limit:.0f} s; these were under way:", file=sys.stderr)
    for name in under_way:
        print(f"  {name}", file=sys.stderr)
    return EXIT_LIMIT


if __name__ == "__main__":
    sys.exit(main())
