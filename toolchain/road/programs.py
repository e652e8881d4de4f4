"""One program of the road as a process: started, awaited, frozen, killed.

Each gets a session of its own, so that Ctrl-C reaches only us and we stop things in order, and dies
with us whatever happens to us.
"""

import os
import pathlib
import signal
import subprocess
import threading
import time

START_S = 60
STOP_S = 60


class ProgramError(Exception):
    """A program did not do what it was started for; the text holds its last words."""


class Program:
    def __init__(self, name, command, log_folder, ready=None, feed=False):
        """`ready` is how the line on its output begins that says it serves; None: no such line."""
        self.name = name
        self.command = [str(word) for word in command]
        self.log = log_folder / f"{name}.log"
        self.ready = ready
        self.feed = feed
        self.process = None
        self.ready_line = None
        self._is_ready = threading.Event()

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def start(self, timeout_s=START_S):
        assert not self.running, f"{self.name} runs already"
        self._is_ready.clear()
        self.ready_line = None
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.command],
                stdin=subprocess.PIPE if self.feed else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        threading.Thread(target=self._listen, args=(self.process,), daemon=True).start()
        if self.ready and not self._await_ready(timeout_s):
            self.kill()
            raise ProgramError(f"{self.name} did not come up:\n{self.last_words()}")
        return self

    def _listen(self, process):
        for raw in process.stdout:
            line = raw.decode(errors="replace").strip()
            if self.ready and line.startswith(self.ready):
                self.ready_line = line
                self._is_ready.set()

    def _await_ready(self, timeout_s):
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self.running:
            if self._is_ready.wait(0.02):
                return True
        return self._is_ready.is_set()

    def say(self, line):
        """A line to its standard input."""
        self.process.stdin.write(os.fsencode(line) + b"\n")
        self.process.stdin.flush()

    def stop(self):
        """Asks it to end, and returns its exit code."""
        if not self.running:
            return None
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ProgramError(f"{self.name} did not stop in {STOP_S} s:\n{self.last_words()}")
        self._close()
        return code

    def kill(self):
        """As a power cut would."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self):
        if self.process.stdin:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def wake_ups(self):
        """How often its threads have come to run so far because there was something to do."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/status")
        return sum(int(line.split()[1]) for task in tasks for line in task.read_text().splitlines()
                   if line.startswith("voluntary_ctxt_switches"))

    def last_words(self, lines=20):
        if not self.log.exists():
            return "(it said nothing)"
        return os.linesep.join(self.log.read_text(errors="replace").splitlines()[-lines:])
