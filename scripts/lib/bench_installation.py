"""What the measurements of scripts/bench share: an installation of its own, what processes cost, and tables of figures."""

import os
import re
import sys
import time

from fleet_tables import connect
from loader_program import Loader, stop
from relay import Relay

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def until(what, is_true, seconds, every=0.25):
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(every)


def table(headings, rows):
    widths = [max(len(str(line[place])) for line in [headings, *rows]) for place in range(len(headings))]
    return "\n".join("  ".join(str(cell).rjust(width) for cell, width in zip(line, widths)) for line in [headings, *rows])


def mebibytes(count):
    return f"{count / 1048576:.1f} MiB"


# ---- What processes cost ----


def cpu_seconds(pid):
    """Of all its threads, in user and kernel mode."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def memory(pid):
    """Peak and present resident bytes."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        found = dict(re.findall(r"^(VmHWM|VmRSS):\s+(\d+) kB", file.read(), re.MULTILINE))
    return int(found["VmHWM"]) * 1024, int(found["VmRSS"]) * 1024


class MachineUse:
    """The share of all cores that was busy since this was made: close to 1, the machine was the limit."""

    def __init__(self):
        self.before = self.read()

    @staticmethod
    def read():
        with open("/proc/stat", encoding="utf-8") as file:
            counts = [int(word) for word in file.readline().split()[1:9]]
        return sum(counts), counts[3] + counts[4]

    def share(self):
        (whole, idle), (whole_before, idle_before) = self.read(), self.before
        return 1 - (idle - idle_before) / max(1, whole - whole_before)


# ---- One installation, with databases and schemas of its own ----


class Bench:
    def __init__(self, settings):
        self.settings, self.processes, self.made = settings, [], 0
        self.relay = Relay()
        self.admin = connect(settings["postgres"])
        self.admin.autocommit = True
        self.replica = connect(settings["destination"])
        self.replica.autocommit = True

    def execute(self, connection, sql):
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def database(self, name):
        """Made anew; returns its URL."""
        self.execute(self.admin, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self.execute(self.admin, f"CREATE DATABASE {name}")
        return re.sub(r"/[^/]*$", f"/{name}", self.settings["postgres"])

    def schema(self):
        """A new one for replicas."""
        self.made += 1
        name = f"bench_{self.made}"
        self.execute(self.replica, f"CREATE SCHEMA {name}")
        return name

    def installation(self, store, **environment):
        """store: `sqlite`, or the name of a database that is made anew."""
        if store == "sqlite":
            self.sqlite = os.path.join(self.settings["folder"], "loader.db")
            url = f"sqlite://{self.sqlite}"
        else:
            url = self.database(store)
        common = {**self.settings["environment"], "BENCH_DESTINATION": self.settings["destination"], "DATABASE_URL": url}
        loader = Loader(self.settings["loader"], {**common, **environment}, self.settings["folder"])
        loader.run("migrate")
        return loader, url

    def start(self, loader, *arguments, **more):
        log = os.path.join(self.settings["folder"], f"{arguments[0]}-{len(self.processes)}.log")
        process = loader.start(*arguments, log=log, more=more)
        process.log = log
        self.processes.append(process)
        return process

    def start_workers(self, loader, store, count, **more):
        """Returns when all are registered."""
        workers = [self.start(loader, "worker", **more) for _ in range(count)]
        until("the workers", lambda: self.alive() and len(store.rows("SELECT id FROM workers")) == count, 60)
        return workers

    def alive(self):
        for process in self.processes:
            if process.poll() is not None:
                with open(process.log, encoding="utf-8", errors="replace") as log:
                    raise RuntimeError(f"a loader has ended with {process.returncode}: {log.read()[-2000:]}")
        return True

    def stop(self, processes):
        statuses = stop(processes)
        self.processes = [process for process in self.processes if process not in processes]
        if any(statuses):
            say(f"loaders ended with {statuses}")

    def end(self):
        stop(self.processes, seconds=25)
        self.relay.stop()

    def wait_loaded(self, loader, seconds):
        """Until every table has been replicated at least once."""

        def loaded():
            tables = loader.status()
            for one in tables:
                if one["state"] == "failed":
                    raise RuntimeError(f"{one['source_name']}: {one['error']}")
            return self.alive() and all(one["behind_seconds"] is not None for one in tables)

        until("the first load", loaded, seconds, every=2)
