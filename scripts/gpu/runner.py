"""Runs a step's programs within its time limit, with their output in the step's log."""

import os
import signal
import subprocess
import threading
import time


class StepError(Exception):
    """The step failed. The message is for the record."""


class StepSkipped(Exception):
    """The step lacks something, which the message names."""


class StepCut(Exception):
    """Its time ended before it had a result."""


class Programs:
    """The programs of one step, one after the other: each in a process group of its own, so that none outlives the
    step."""

    def __init__(self, log_path, limit, environment=None):
        self.log_path, self.deadline, self.limit = log_path, time.monotonic() + limit, limit
        self.environment = {**os.environ, **(environment or {})}
        self.process = None
        self.stopped = threading.Event()

    def left(self):
        return self.deadline - time.monotonic()

    def say(self, text):
        with open(self.log_path, "a", encoding="utf-8") as log:
            log.write(f"{text}\n")

    def run(self, command, environment=None, output=None):
        """Its exit code. `output`: a file for its standard output, in place of the log. Throws StepCut when the step's
        time is over, StepError when it cannot be started."""
        command = [str(word) for word in command]
        self.say(f"$ {' '.join(command)}")
        if self.left() <= 0 or self.stopped.is_set():
            raise StepCut(f"stopped after {self.limit:.0f} s, before {os.path.basename(command[0])}")
        with open(self.log_path, "ab") as log, open(output or os.devnull, "wb") as out:
            try:
                self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out if output else log, stderr=log,
                                                env={**self.environment, **(environment or {})}, start_new_session=True)
            except OSError as error:
                raise StepError(f"{os.path.basename(command[0])}: {error.strerror}") from error
            try:
                code = self.process.wait(timeout=max(0.1, self.left()))
            except subprocess.TimeoutExpired:
                self.end()
                raise StepCut(f"stopped after {self.limit:.0f} s, in {os.path.basename(command[0])}") from None
        if self.stopped.is_set():
            raise StepCut(f"stopped by a signal, in {os.path.basename(command[0])}")
        return code

    def end(self):
        """Ends the running program and all its children."""
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            pass
        self.signal(signal.SIGKILL)
        self.process.wait()

    def signal(self, number):
        """Signals the program's whole group, because some may outlive the first process."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def stop(self):
        """Called from a signal's handler: cuts the step. It does not wait: run() does."""
        self.stopped.set()
        if self.process and self.process.returncode is None:
            self.signal(signal.SIGTERM)
            killer = threading.Timer(5, self.signal, [signal.SIGKILL])
            killer.daemon = True
            killer.start()

    def check(self, command, environment=None, output=None):
        """As run(). Throws StepError, with the last line that it printed, for an exit code other than 0."""
        code = self.run(command, environment, output)
        if code != 0:
            raise StepError(f"{os.path.basename(str(command[0]))}: exit code {code}: {self.last_line()}")

    def last_line(self):
        with open(self.log_path, "rb") as log:
            lines = [line.strip() for line in log.read().decode(errors="replace").splitlines()]
        return next((line for line in reversed(lines) if line and not line.startswith("$ ")), "it said nothing")[:300]
