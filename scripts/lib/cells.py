"""Machines for tests: each program in a cell of its own, with its own network, host name and disk.

    cells.py check        makes cells, tries everything that is said here, and prints a line for each; exit 1 if one fails

A cell has a loopback interface and no other. The only servers that it reaches are its targets, at 127.0.0.1 and their
inside ports; this program carries the connections (see relay.py), delays them, and cuts the cell off. A cell can write to
one folder, a tmpfs that nobody else sees; all other disks are read-only. It needs Linux 5.12, as root or as a user who may
make user namespaces; exit 69 where that is refused.
"""

import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

EXIT_UNAVAILABLE = 69
REFUSED = "this machine makes no cells"

# From the headers of Linux, the same on all its processors that Swift runs on.
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x4000000, 0x10000000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY, SYS_MOUNT_SETATTR = -100, 0x8000, 1, 442
PR_SET_PDEATHSIG = 1
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


class Refused(Exception):
    """This machine does not let us make a cell."""


# ---- Inside: the process that becomes the program ----


def kernel(name, *arguments):
    """Calls a function of the C library; an error is an OSError that names it."""
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def leave_shared_world():
    user, group = os.geteuid(), os.getegid()
    flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWNET
    if user == 0:
        kernel("unshare", flags)
        return
    kernel("unshare", flags | CLONE_NEWUSER)
    for file, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        with open(f"/proc/self/{file}", "w", encoding="ascii") as target:
            target.write(text)


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def take_disk(folder):
    """Makes all disks read-only, and mounts a new one over the folder."""
    kernel("mount", b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None)
    attributes = ctypes.create_string_buffer(struct.pack("QQQQ", MOUNT_ATTR_RDONLY, 0, 0, 0), 32)
    number = ctypes.c_long(SYS_MOUNT_SETATTR)
    kernel("syscall", number, AT_FDCWD, b"/", ctypes.c_uint(AT_RECURSIVE), attributes, ctypes.c_size_t(32))
    kernel("mount", b"tmpfs", folder.encode(), b"tmpfs", ctypes.c_ulong(0), b"mode=0700,size=512m")


def enter():
    """cells.py enter CHANNEL PARENT SPECIFICATION: becomes the program of the specification, in a cell."""
    channel = socket.socket(fileno=int(sys.argv[2]))
    try:
        what = json.loads(sys.argv[4])
        leave_shared_world()
        raise_loopback()
        socket.sethostname(what["name"])
        take_disk(what["folder"])
        listeners = [socket.create_server(("127.0.0.1", port), backlog=256) for port in what["ports"]]
        places = {"HOME": "home", "TMPDIR": "tmp", "XDG_DATA_HOME": "data", "XDG_CONFIG_HOME": "config"}
        places |= {"XDG_STATE_HOME": "state", "XDG_CACHE_HOME": "cache", "XDG_RUNTIME_DIR": "run"}
        for name, place in places.items():
            os.environ[name] = os.path.join(what["folder"], place)
            os.mkdir(os.environ[name], 0o700)
        os.chdir(os.environ["HOME"])
        kernel("prctl", PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
        if os.getppid() != int(sys.argv[3]):
            sys.exit("the maker of this cell has ended")
    except OSError as error:
        channel.sendall(str(error).encode())
        sys.exit(EXIT_UNAVAILABLE)
    socket.send_fds(channel, [b"ready"], [listener.fileno() for listener in listeners])
    channel.close()
    os.execvpe(what["command"][0], what["command"], os.environ)


# ---- Outside ----


class Cell:
    """A program in a cell. To be made on the main thread: the kernel ends the program together with its maker's thread."""

    def __init__(self, relay, name, targets, command, environment, folder, log):
        """
        folder: an empty one, over which the cell's own disk comes; log: a file that takes stdout and stderr.
        Raises Refused.
        """
        self.relay, self.name, self.is_cut = relay, name, False
        what = {"name": name, "folder": folder, "ports": [target.inside for target in targets], "command": command}
        ours, theirs = socket.socketpair()
        with ours, theirs:
            launch = [sys.executable, "-I", os.path.abspath(__file__), "enter", str(theirs.fileno()), str(os.getpid())]
            with open(log, "ab") as output:
                self.process = subprocess.Popen(
                    [*launch, json.dumps(what)],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
            theirs.close()
            ours.settimeout(60)
            message, descriptors, _, _ = socket.recv_fds(ours, 4096, max(1, len(targets)))
        if message != b"ready":
            self.process.wait()
            raise Refused(f"{REFUSED}: {message.decode() or 'see ' + log}")
        self.line = relay.line()
        # Sockets belong to the network in which they were made: these accept the cell's connections out here.
        for descriptor, target in zip(descriptors, targets):
            relay.serve(socket.socket(fileno=descriptor), target, self.line)

    def cut(self):
        self.relay.cut(self.line)
        self.is_cut = True

    def restore(self):
        self.relay.restore(self.line)
        self.is_cut = False

    def send(self, number):
        self.process.send_signal(number)

    @property
    def runs(self):
        return self.process.poll() is None

    def end(self):
        """Kills what still runs, and closes its connections."""
        if self.runs:
            self.process.kill()
        self.process.wait()
        self.relay.close_line(self.line)


# ---- Trying it ----

PROBE = r"""
import json, os, socket, sys, time
port, shared, inner = int(sys.argv[1]), sys.argv[2], sys.argv[3]
seen = {"host": socket.gethostname(), "interfaces": [name for _, name in socket.if_nameindex()]}
def writes(folder):
    try:
        with open(os.path.join(folder, "written"), "w") as file:
            file.write("x")
        return True
    except OSError:
        return False
seen["writes_home"], seen["writes_shared"], seen["sees_inner"] = writes(os.environ["HOME"]), writes(shared), os.listdir(inner)
try:
    socket.create_connection(("192.0.2.1", 80), 2)
    seen["outside"] = True
except OSError:
    seen["outside"] = False
began = time.monotonic()
with socket.create_connection(("127.0.0.1", port)) as echo:
    seen["connected"] = time.monotonic() - began
    def ask(data):
        began = time.monotonic()
        echo.sendall(data)
        got = 0
        while got < len(data):
            got += len(echo.recv(1 << 20))
        return time.monotonic() - began
    ask(b"x")
    seen["round_trip"] = min(ask(b"x") for _ in range(5))
    seen["mebibyte"] = ask(b"x" * (1 << 20))
    print(json.dumps(seen), flush=True)
    while True:
        print(json.dumps({"round_trip": ask(b"y")}), flush=True)
        time.sleep(0.05)
"""


def echo_server():
    """On a thread per connection; returns its port."""
    import threading

    listener = socket.create_server(("127.0.0.1", 0))

    def answer(connection):
        while data := connection.recv(1 << 16):
            connection.sendall(data)

    def accept():
        while True:
            threading.Thread(target=answer, args=[listener.accept()[0]], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def lines_of(log):
    with open(log, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.startswith("{") and line.endswith("}\n")]


def until(what, is_true, seconds=20):
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come within {seconds} s")
        time.sleep(0.02)


def check():
    from relay import Relay, Target

    delay, results = 0.025, []

    def expect(what, is_true):
        results.append(is_true)
        print(f"{'ok' if is_true else 'FAILED'}  {what}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        relay, cells = Relay(), []
        targets = [Target("echo", "127.0.0.1", echo_server(), 5432, delay)]
        try:
            for number in (1, 2):
                inner, log = os.path.join(folder, f"cell-{number}"), os.path.join(folder, f"log-{number}")
                os.mkdir(inner)
                command = [sys.executable, "-I", "-c", PROBE, "5432", folder, inner]
                cells.append(Cell(relay, f"cell-{number}", targets, command, dict(os.environ), inner, log))
            logs = [os.path.join(folder, f"log-{number}") for number in (1, 2)]
            until("the probes' answers", lambda: all(len(lines_of(log)) > 1 for log in logs))
            seen = lines_of(logs[0])[0]
            expect(f"a host name of its own: {seen['host']}", seen["host"] == "cell-1")
            expect(f"no interface but {seen['interfaces']}", seen["interfaces"] == ["lo"] and not seen["outside"])
            expect("it writes to its own disk and to no other", seen["writes_home"] and not seen["writes_shared"])
            expect("nobody else sees its disk", bool(seen["sees_inner"]) and not os.listdir(os.path.join(folder, "cell-1")))
            trip = seen["round_trip"]
            expect(f"a round trip takes {trip * 1000:.1f} ms of 50", 2 * delay <= trip < 2 * delay + 0.05)
            expect(f"a MiB there and back takes {seen['mebibyte'] * 1000:.0f} ms", seen["mebibyte"] < 1)
            cells[0].cut()
            time.sleep(0.3)
            before, other = len(lines_of(logs[0])), len(lines_of(logs[1]))
            time.sleep(1.5)
            expect("cut off, nothing passes and nothing breaks", len(lines_of(logs[0])) == before and cells[0].runs)
            expect("the other cell is not cut off", len(lines_of(logs[1])) > other)
            cells[0].restore()
            until("an answer after the cut", lambda: len(lines_of(logs[0])) > before + 1)
            late = max(line["round_trip"] for line in lines_of(logs[0])[before:])
            expect(f"restored, what was under way arrives after {late:.1f} s", late > 1.5)
        except Refused as error:
            print(f"cells.py: {error}", file=sys.stderr)
            return EXIT_UNAVAILABLE
        finally:
            for cell in cells:
                cell.end()
            relay.stop()
    return 0 if all(results) else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["enter"]:
        enter()
    elif sys.argv[1:] == ["check"]:
        sys.exit(check())
    else:
        sys.exit("\n".join(__doc__.splitlines()[:4]))
