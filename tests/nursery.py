"""Where the tests' processes of `zhike` come from: one that has loaded all of it and forks for each of them.

Loading takes a second and more, and a journey begins its server anew for each moment of the bank's day. What is forked takes its own
environment, reads the settings anew from it, and runs the command as it is. How a process starts from nothing is tested in
`test_cli`, `test_embedded` and `test_killed`, without this.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# Enough for Zhike to be loaded; nothing is asked of that database.
LOADING = {
    "DJANGO_SETTINGS_MODULE": "zhike.settings",
    "ZHIKE_MODE": "test",
    "ZHIKE_ROLE": "app",
    "ZHIKE_DATABASE_URL": "postgresql://nobody@localhost/none",
}


def begin(*arguments: str, environment: Mapping[str, str], out: Path, err: Path | None = None) -> Born:
    """`zhike ARGUMENTS` in a process of its own; what it says is added to the files ``out`` and ``err`` (the same where there is but one)."""
    order = {"begin": arguments, "environment": dict(environment), "out": str(out), "err": str(err or out)}
    return Born(_nursery().ask(order))


def run(*arguments: str, environment: Mapping[str, str], timeout: float) -> subprocess.CompletedProcess[str]:
    """`zhike ARGUMENTS` to its end. Raises subprocess.TimeoutExpired where that takes longer than so many seconds."""
    with tempfile.TemporaryDirectory(prefix="zhike-said-") as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        born = begin(*arguments, environment=environment, out=out, err=err)
        try:
            code = born.wait(timeout)
        finally:
            born.kill()
        return subprocess.CompletedProcess(["zhike", *arguments], code, out.read_text(), err.read_text())


class Born:
    """A process that runs `zhike`, as its tests handle it: ended, killed, waited for."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._end = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """Its exit code once it has ended (minus a signal's number); None while it runs."""
        if self.returncode is None:
            self.returncode = _nursery().ask({"ended": self.pid})
            if self.returncode is not None:
                os.close(self._end)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code. Raises subprocess.TimeoutExpired where it runs longer than so many seconds."""
        if self.poll() is None and not select.select([self._end], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("zhike", timeout or 0)
        code = self.poll()
        assert code is not None
        return code

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it, if it has not ended, and wait until it is gone."""
        self.send_signal(signal.SIGKILL)
        self.wait()

    def send_signal(self, number: signal.Signals) -> None:
        """What it is sent does not reach another process: the number is its own until its end was asked for."""
        if self.poll() is None:
            os.kill(self.pid, number)


class Nursery:
    """The process that forks. With it, whatever it began ends."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.nursery"],
            cwd=ROOT, env={**os.environ, **LOADING}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._turn = threading.Lock()

    def ask(self, order: Mapping[str, Any]) -> Any:
        """One order, one answer."""
        assert self._process.stdin
        assert self._process.stdout
        with self._turn:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """No more orders: what still runs is ended."""
        with self._process:
            assert self._process.stdin
            self._process.stdin.close()


@cache
def _nursery() -> Nursery:
    nursery = Nursery()
    atexit.register(nursery.close)
    return nursery


def _load() -> None:
    """All that a server or a worker imports, except `zhike.wsgi`, which says at its import whose child it is."""
    import django

    django.setup()
    from django.conf import settings
    from django.db import connections
    from django.template import engines
    from django.urls import get_resolver

    for name in ("granian", "procrastinate.worker", "zhike.cli", "zhike.front", "zhike.notices.rounds", "zhike.schedule",
                 "zhike.sms.gateways", "zhike.urls"):  # fmt: skip
        importlib.import_module(name)
    assert get_resolver().url_patterns
    assert connections["default"]
    pages = engines["jinja2"].env.each[settings.LANGUAGE_CODE]
    for name in pages.list_templates():
        pages.get_template(name)


def _become(order: Mapping[str, Any]) -> None:
    """What another environment means for what is loaded already."""
    from django.conf import settings
    from django.db import connections
    from django.utils.functional import empty

    os.environ.clear()
    os.environ.update(order["environment"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(order[name], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), number)
    ours: Any = settings
    lazily: Any = type(ours)
    entered, read = vars(ours._wrapped), lazily._setup

    def read_anew(lazy: Any, name: str | None = None) -> None:
        read(lazy, name)
        for key in (
            entered.keys() - vars(lazy._wrapped).keys()
        ):  # libraries enter their defaults once, when they are loaded
            setattr(lazy._wrapped, key, entered[key])

    lazily._setup = read_anew
    ours._wrapped = empty
    del sys.modules["zhike.settings"]  # read when it is asked for: a command says first in which role
    del connections["default"]
    del connections.settings
    connections._settings = None  # type: ignore[attr-defined]


def _serve() -> int:
    """Fork and tell, until nobody orders any more; in what is forked, its command's exit code."""
    codes: dict[int, int | None] = {}
    for line in sys.stdin:
        order = json.loads(line)
        if "begin" in order:
            pid = os.fork()
            if not pid:
                _become(order)
                return int(sys.modules["zhike.cli"].main(order["begin"]))
            codes[pid] = None
            answer: int | None = pid
        else:
            pid = order["ended"]
            if codes[pid] is None:
                gone, status = os.waitpid(pid, os.WNOHANG)
                codes[pid] = os.waitstatus_to_exitcode(status) if gone else None
            answer = codes[pid]
        print(json.dumps(answer), flush=True)
    for pid, code in codes.items():
        if code is None:
            os.kill(pid, signal.SIGKILL)
    return 0


if __name__ == "__main__":
    _load()
    sys.exit(_serve())
