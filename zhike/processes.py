"""The processes of one running Zhike: started together, started again when they die, stopped together."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import FrameType

PR_SET_PDEATHSIG = 1
GRACE = 10  # seconds that a process gets to finish what it does
QUICK = 5  # a process that lives less than these seconds counts as failing
TRIES = 5  # so often in a row may one fail before we give up
MISUSED = 2  # what ends so was started with what cannot be, and would be again


class Process:
    """One child: its command, and the history that tells a crash now and then from one that cannot start."""

    def __init__(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self.command = own(*arguments)
        self.environment = {**os.environ, **environment, "ZHIKE_PARENT": str(os.getpid())}
        self.failures = 0
        self.start()

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches it through us, in order."""
        self.begun = time.monotonic()
        self.child = subprocess.Popen(self.command, env=self.environment, start_new_session=True)

    def tend(self) -> bool:
        """Start it again if it died; false if it keeps failing, or says that it would."""
        if self.child.poll() is None:
            return True
        if self.child.returncode == MISUSED:
            return False
        self.failures = self.failures + 1 if time.monotonic() - self.begun < QUICK else 0
        if self.failures >= TRIES:
            return False
        time.sleep(0.2 * self.failures)
        self.start()
        return True

    def stop(self) -> None:
        """Ask it to end."""
        if self.child.poll() is None:
            self.child.terminate()

    def wait(self, deadline: float) -> None:
        """Wait for its end; past the deadline it is not asked any more."""
        try:
            self.child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def own(*arguments: str) -> list[str]:
    """The command line that runs `zhike`, from whatever folder we were started."""
    where = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    begin = f"import sys; sys.path[0] = {where!r}; from zhike.cli import main; sys.exit(main())"
    return [sys.executable, "-c", begin, *arguments]


def supervise(processes: Sequence[Process], each_second: Callable[[], object] = lambda: None) -> Process | None:
    """Keep them running until we are asked to stop. Returns the one that would not start, or None."""
    try:
        while True:
            for process in processes:
                if not process.tend():
                    return process
            each_second()
            time.sleep(1)
    except KeyboardInterrupt:
        return None
    finally:
        stop(processes)


def stop(processes: Sequence[Process]) -> None:
    """Stop all of them at the same time; a second Ctrl-C does not leave one behind."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for process in processes:
            process.stop()
        deadline = time.monotonic() + GRACE
        for process in processes:
            process.wait(deadline)
    finally:
        signal.signal(signal.SIGINT, before)


def end_like_ctrl_c() -> None:
    """SIGTERM and a closed terminal end us the way Ctrl-C does, in order; and Ctrl-C's own signal too.

    A shell script's background jobs begin with SIGINT ignored. A closed terminal stays ignored where `nohup` said so.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, interrupt)


def follow_parent() -> None:
    """End when the process that started us is gone, even if it was killed and could not say so."""
    parent = os.environ.get("ZHIKE_PARENT")
    if parent is None:
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):  # it died before we could ask to be told
        raise SystemExit(1)


def end_after_parent() -> None:
    """For a process that may hang on a dead database when asked to end: once nobody is left to kill it, it does so."""

    def outlive(parent: int) -> None:
        while os.getppid() == parent:
            time.sleep(1)
        time.sleep(GRACE)
        os._exit(1)

    threading.Thread(target=outlive, args=(os.getppid(),), daemon=True).start()


def end_in_time() -> None:
    """For a process that was asked to end: whatever still hangs, it ends before it would be killed. What that was is done again."""
    last = threading.Timer(GRACE - 1, os._exit, [0])
    last.daemon = True
    last.start()


def wait_for_port(address: str, port: int, process: Process) -> bool:
    """Wait until the process listens there; false if it ended instead."""
    while process.child.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=1):
            return True
        time.sleep(0.1)
    return False


def port_is_free(address: str, port: int) -> bool:
    """Can a server listen there? Raises OSError where the reason is another than that somebody else does."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True
