"""A fleet of workers on machines of their own, through what happens to machines.

    fleet.py --settings FILE [--workers 4] [--seconds 60] [--seed N] [--delay 25] [--interval 10s]

Two jobs of 30 tables each are replicated by `redshift-loader worker` in cells (see cells.py), which share nothing but
their servers; the metadata store is so many milliseconds away, each way. While programs write to all tables, workers are
killed and replaced, added, drained by SIGTERM, and one is cut off for longer than its lease lasts. Then all is restored,
the writing ends, a last pass of every table follows, and both sides are compared.

FILE is JSON: `loader` (the program), `folder` (for logs), `metadata`, `sources` (two), `destination` (URLs with
passwords, all on 127.0.0.1; the databases are empty), `schemas` (two, of the destination), `environment` (of the loader,
for S3 and keys).

Prints one JSON document; what happens meanwhile goes to stderr. Exit 0 when it ran to its end, whatever it found; 69 where
this machine makes no cells.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from urllib.parse import urlsplit

import fleet_tables
from cells import EXIT_UNAVAILABLE, Cell, Refused
from fleet_store import Store
from loader_program import Loader
from relay import Relay, Target

LIB = os.path.dirname(os.path.abspath(__file__))
JOBS = ("north", "south")
TABLES, ROWS = 30, 150
# A lease lasts 45 s.
CUT_SECONDS = (60, 70)
PAUSE_SECONDS = (6, 12)
LOOK_EVERY_SECONDS = 3
DRAIN_SECONDS = 40


def split(url):
    parts = urlsplit(url)
    return parts.hostname, parts.port


class Fleet:
    def __init__(self, settings, arguments):
        self.settings, self.arguments = settings, arguments
        self.random = random.Random(arguments.seed)
        self.began = time.monotonic()
        self.events, self.problems = [], []
        self.made, self.workers, self.draining, self.writers = 0, [], [], []
        self.cut_until, self.max_behind, self.looks, self.last_look = None, 0.0, 0, 0.0
        urls = {"FLEET_DESTINATION": settings["destination"]}
        urls |= {f"FLEET_{name.upper()}": url for name, url in zip(JOBS, settings["sources"])}
        self.environment = {
            "WORKER_CONCURRENCY": "2",
            "SOURCE_MAX_CONNECTIONS": "8",
            **settings["environment"],
            **urls,
        }
        # Outside of the cells, the store is near.
        self.loader = Loader(
            settings["loader"], {**self.environment, "DATABASE_URL": settings["metadata"]}, settings["folder"]
        )
        self.relay = Relay()
        self.targets = self.servers()

    def servers(self):
        """Each at its own port inside too, but for the store: others may live on its server, and are near."""
        near = [*self.settings["sources"], self.settings["destination"]]
        if endpoint := self.environment.get("AWS_ENDPOINT_URL_S3"):
            near.append(endpoint)
        ports = {split(url)[1]: split(url)[0] for url in near}
        self.store_port = next(port for port in range(5432, 6000) if port not in ports)
        host, port = split(self.settings["metadata"])
        found = [Target(f"server-{port}", host, port, port) for port, host in ports.items()]
        return [*found, Target("metadata", host, port, self.store_port, self.arguments.delay / 1000)]

    def tell(self, event, **more):
        at = round(time.monotonic() - self.began, 1)
        self.events.append({"at": at, "event": event, **more})
        print(f"{at:6.1f} s  {event}", *(f"{name}={value}" for name, value in more.items()), file=sys.stderr, flush=True)

    # ---- Workers ----

    def add(self, event="add"):
        self.made += 1
        name = f"cell-{self.made}"
        folder = os.path.join(self.settings["folder"], name)
        os.mkdir(folder)
        url = self.settings["metadata"].replace(f":{split(self.settings['metadata'])[1]}/", f":{self.store_port}/")
        environment = {"PATH": os.environ["PATH"], "SWIFT_BACKTRACE": "enable=no", **self.environment, "DATABASE_URL": url}
        command = [self.settings["loader"], "worker"]
        cell = Cell(self.relay, name, self.targets, command, environment, folder, folder + ".log")
        self.workers.append(cell)
        self.tell(event, worker=name)

    def reachable(self):
        return [cell for cell in self.workers if not cell.is_cut]

    def victim(self):
        """One that has a run under way, if one is met within five seconds."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            busy = self.store.busy()
            if found := [cell for cell in self.reachable() if cell.name in busy]:
                return self.random.choice(found)
            time.sleep(0.02)
        return self.random.choice(self.reachable())

    def kill(self):
        cell = self.victim()
        cell.end()
        self.workers.remove(cell)
        self.tell("kill", worker=cell.name)
        self.add("replace")

    def drain(self):
        cell = self.victim()
        cell.send(signal.SIGTERM)
        self.workers.remove(cell)
        self.draining.append((cell, time.monotonic()))
        self.tell("drain", worker=cell.name)
        if len(self.workers) < self.arguments.workers:
            self.add("replace")

    def cut(self):
        """One that holds a lease then; a run may end in the moment before the cut, and another victim is sought."""
        seconds = self.random.uniform(*CUT_SECONDS)
        for _ in range(20):
            cell = self.victim()
            cell.cut()
            # What had passed by then has reached the store.
            time.sleep(4 * self.arguments.delay / 1000 + 0.2)
            if cell.name in self.store.holders():
                break
            cell.restore()
        else:
            raise RuntimeError("no worker could be cut off while it held a lease")
        self.cut_until = time.monotonic() + seconds
        self.tell("cut", worker=cell.name, seconds=round(seconds, 1))

    def restore(self):
        for cell in self.workers:
            if cell.is_cut:
                cell.restore()
                self.tell("restore", worker=cell.name)
        self.cut_until = None

    def look_after(self):
        """Who has ended, asked or not."""
        for cell in [cell for cell in self.workers if not cell.runs]:
            self.problems.append(f"{cell.name} ended by itself with {cell.process.returncode}: {self.last_words(cell)}")
            cell.end()
            self.workers.remove(cell)
        for cell, asked in list(self.draining):
            seconds = time.monotonic() - asked
            if cell.runs and seconds < DRAIN_SECONDS:
                continue
            self.draining.remove((cell, asked))
            if cell.runs or cell.process.returncode != 0:
                how = f"with {cell.process.returncode}" if not cell.runs else "too late"
                self.problems.append(f"{cell.name} ended {how} after SIGTERM: {self.last_words(cell)}")
            self.tell("drained", worker=cell.name, seconds=round(seconds, 1))
            cell.end()

    def last_words(self, cell):
        with open(os.path.join(self.settings["folder"], cell.name + ".log"), encoding="utf-8", errors="replace") as log:
            return log.read()[-2000:]

    # ---- What happens ----

    def prepare(self):
        """The tables, the jobs, and the triggers that watch; then workers and writers."""
        for url in self.settings["sources"]:
            fleet_tables.make(url, TABLES, ROWS)
        self.loader.run("migrate")
        self.store = Store(self.settings["metadata"])
        self.store.watch()
        for name, schema in zip(JOBS, self.settings["schemas"]):
            self.loader.add_job(name, f"FLEET_{name.upper()}", "FLEET_DESTINATION", schema, self.arguments.interval)
            # Discovery lets tables that are read whole wait for ten minutes.
            for table in fleet_tables.names(TABLES):
                if fleet_tables.kind(table) == "full":
                    self.loader.run("tables", "set", f"{name}/{table}", "--interval", "30s")
            self.loader.run("jobs", "activate", name)
        self.tell("prepared")
        for number in range(self.arguments.workers):
            self.add("start")
        for number, url in enumerate(self.settings["sources"]):
            command = [sys.executable, os.path.join(LIB, "fleet_tables.py"), "write", "--url", url]
            seed = str(self.arguments.seed * 10 + number)
            with open(os.path.join(self.settings["folder"], f"writer-{number}.log"), "ab") as log:
                self.writers.append(
                    subprocess.Popen(
                        ["setpriv", "--pdeathsig", "TERM", *command, "--seed", seed],
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
                )

    def look(self):
        """Behind as the product itself tells it."""
        if time.monotonic() - self.last_look < LOOK_EVERY_SECONDS:
            return
        self.last_look = time.monotonic()
        self.looks += 1
        behind = [table["behind_seconds"] for table in self.loader.status()]
        self.max_behind = max([self.max_behind, *(seconds for seconds in behind if seconds is not None)])

    def live(self):
        """Something happens every few seconds; each kind at least once, the cut first. Ends when the last cut does."""
        first = [self.kill, self.add, self.drain]
        self.random.shuffle(first)
        waiting = [self.cut, *first]
        end = time.monotonic() + self.arguments.seconds
        due = time.monotonic() + self.random.uniform(5, 10)
        while (now := time.monotonic()) < end or self.cut_until or waiting:
            if self.cut_until and now >= self.cut_until:
                self.restore()
                # The one that comes back finds the others at work.
                end = max(end, now + 5)
            if now >= due and (waiting or now < end):
                event = waiting.pop(0) if waiting else self.random.choice(self.possible(end - now))
                event()
                due = time.monotonic() + self.random.uniform(*PAUSE_SECONDS)
            self.look_after()
            self.look()
            for number, writer in enumerate(self.writers):
                if writer.poll() is not None:
                    raise RuntimeError(f"the writer of {JOBS[number]} has ended by itself")
            time.sleep(0.2)

    def possible(self, left):
        events = [self.kill, self.kill]
        if len(self.workers) < self.arguments.workers + 2:
            events.append(self.add)
        if len(self.reachable()) > 2:
            events.append(self.drain)
        if self.cut_until is None and left > CUT_SECONDS[1] and len(self.reachable()) > 2:
            events.append(self.cut)
        return events

    def catch_up(self):
        """After the last commit of the writers, one pass of every table by the workers that are left."""
        self.restore()
        for writer in self.writers:
            writer.send_signal(signal.SIGTERM)
        for writer, url in zip(self.writers, self.settings["sources"]):
            try:
                writer.wait(30)
            except subprocess.TimeoutExpired:
                raise RuntimeError(f"the writer of {writer.args[-3]} waits: {self.sessions(url)}") from None
        self.tell("written")
        answer = ""
        # A run that met a cut or a kill may have failed; the next one goes on.
        for _ in range(3):
            answer = self.loader.run("sync", *JOBS, "--wait", accepted=(0, 1), timeout=120)
            if "failed=0 skipped=0" in answer:
                break
        else:
            self.problems.append(f"tables did not catch up: {answer[-2000:]}")
        self.look()
        self.look_after()
        self.tell("caught_up")

    def sessions(self, url):
        """What the sessions of a source do, and who waits for whom."""
        with fleet_tables.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid, application_name, state, wait_event_type, wait_event, pg_blocking_pids(pid), xact_start,"
                " left(query, 200) FROM pg_stat_activity WHERE datname = current_database()"
            )
            return "\n".join(str(row) for row in cursor.fetchall())

    def finish(self):
        for cell in self.workers:
            cell.send(signal.SIGTERM)
            self.draining.append((cell, time.monotonic()))
        self.workers = []
        while self.draining:
            self.look_after()
            time.sleep(0.1)
        if left := self.store.workers():
            # Those that were killed stay registered until others clear them away.
            self.tell("registered_still", workers=sorted(left))

    def end(self):
        """Whatever is left, however it came to that."""
        for cell in [*self.workers, *(cell for cell, _ in self.draining)]:
            cell.end()
        for writer in self.writers:
            if writer.poll() is None:
                writer.kill()
            writer.wait()
        self.relay.stop()

    # ---- What came of it ----

    def compare(self):
        """By the product's own program always, and by the independent judge where one is given."""
        equal, rows = True, 0
        programs = [(os.path.join(LIB, "compare_rows.py"), ["--json"])]
        if judge := os.environ.get("REPLICA_JUDGE"):
            programs.append((judge, []))
        destination = self.settings["destination"].replace("redshift://", "postgres://")
        for source, schema in zip(self.settings["sources"], self.settings["schemas"]):
            for program, flags in programs:
                command = [sys.executable, program, *flags, "--source", source, "--destination", destination]
                done = subprocess.run(
                    [*command, "--into", schema, *fleet_tables.names(TABLES)],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    encoding="utf-8",
                    check=False,
                )
                if done.returncode != 0:
                    equal = False
                    self.problems.append(f"{os.path.basename(program)}: {(done.stdout + done.stderr)[-3000:]}")
                if flags and done.stdout:
                    rows += json.loads(done.stdout)["rows"]
        return {"equal": equal, "compared_by": [os.path.basename(program) for program, _ in programs], "rows": rows}

    def result(self):
        return {
            "seed": self.arguments.seed,
            **self.compare(),
            "tables": TABLES * len(JOBS),
            "max_behind_seconds": round(self.max_behind, 1),
            "behind_seen_by": f"{self.looks} times status --json, at most every {LOOK_EVERY_SECONDS} s",
            **self.store.verdict(),
            "problems": self.problems,
            "events": self.events,
            "seconds": round(time.monotonic() - self.began, 1),
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--settings", required=True, metavar="FILE")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--delay", type=float, default=25, metavar="MILLISECONDS")
    parser.add_argument("--interval", default="10s")
    arguments = parser.parse_args()
    print(f"fleet: seed {arguments.seed}", file=sys.stderr, flush=True)
    with open(arguments.settings, encoding="utf-8") as file:
        fleet = Fleet(json.load(file), arguments)
    # Ended from outside, it ends what it has started.
    # Whoever started this may have blocked it, for the writers too.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        fleet.prepare()
        fleet.live()
        fleet.catch_up()
        fleet.finish()
    except Refused as error:
        print(f"fleet: {error}", file=sys.stderr)
        return EXIT_UNAVAILABLE
    finally:
        fleet.end()
    print(json.dumps(fleet.result(), ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
