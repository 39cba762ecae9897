"""What the demo's writers have in common: small transactions one after the other, and now and then a late one."""

import argparse
import random
import signal
import time

PAUSE_SECONDS = 0.2
LATE_EVERY_SECONDS = 8
LATE_LASTS_SECONDS = 5


class BusyWriter:
    """A subclass has `connect`, and `visit`, which changes rows and returns their number."""

    def __init__(self, url):
        self.url = url
        self.running = True
        self.committed = 0
        self.random = random.Random()
        self.quick, self.slow = self.connect(), self.connect()
        self.late_since, self.late_rows = None, 0

    def connect(self):
        raise NotImplementedError

    def visit(self, cursor):
        raise NotImplementedError

    def run(self):
        last_late = time.monotonic()
        while self.running:
            with self.quick.cursor() as cursor:
                rows = self.visit(cursor)
            self.quick.commit()
            self.committed += rows
            now = time.monotonic()
            if self.late_since is None and now - last_late > LATE_EVERY_SECONDS:
                with self.slow.cursor() as cursor:
                    self.late_rows = self.visit(cursor)
                self.late_since = last_late = now
            elif self.late_since is not None and now - self.late_since > LATE_LASTS_SECONDS:
                self.commit_late()
            time.sleep(PAUSE_SECONDS)
        if self.late_since is not None:
            self.commit_late()
        print(f"{self.committed} rows written", flush=True)

    def commit_late(self):
        self.slow.commit()
        self.committed += self.late_rows
        self.late_since = None

    @classmethod
    def main(cls, description):
        """Writes until SIGTERM; the open transactions are finished first."""
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("--url", required=True)
        writer = cls(parser.parse_args().url)

        def stop(_signal, _frame):
            writer.running = False

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        writer.run()
