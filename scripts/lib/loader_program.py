"""redshift-loader as a child of tests and measurements: its commands, and its long-running processes."""

import json
import os
import signal
import subprocess


class LoaderFailed(Exception):
    pass


class Loader:
    """One installation: the program, its settings and a folder for logs."""

    def __init__(self, binary, environment, folder):
        """environment: all of it but PATH; nothing of the caller's own installation leaks in."""
        self.binary, self.folder = binary, folder
        self.environment = {"PATH": os.environ["PATH"], "HOME": folder, "SWIFT_BACKTRACE": "enable=no", **environment}

    def run(self, *arguments, accepted=(0,), timeout=180):
        """Runs a command to its end and returns its stdout."""
        done = subprocess.run(
            [self.binary, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )
        if done.returncode not in accepted:
            raise LoaderFailed(
                f"redshift-loader {' '.join(arguments)} ended with {done.returncode}: {done.stdout}{done.stderr}"
            )
        return done.stdout

    def add_job(self, name, source_variable, destination_variable, schema, interval):
        self.run(
            *("jobs", "add", name, "--source-url-env", source_variable, "--destination-url-env", destination_variable),
            *("--destination-schema", schema, "--interval", interval),
        )
        self.run("jobs", "setup", name)

    def status(self):
        """The tables; `status` exits 1 when one of them is late or failed, and that is an answer too."""
        return json.loads(self.run("status", "--json", accepted=(0, 1)))["tables"]

    def start(self, *arguments, log, more=None):
        """A process that the kernel ends together with this one."""
        with open(log, "ab") as output:
            return subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", self.binary, *arguments],
                env={**self.environment, **(more or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )


def stop(processes, seconds=40):
    """SIGTERM to all, SIGKILL to those that still run after that time. Returns the exit statuses."""
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    statuses = []
    for process in processes:
        try:
            statuses.append(process.wait(seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            statuses.append(process.wait())
    return statuses
