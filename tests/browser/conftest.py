"""Journeys in a real browser: Debian's Chromium before a web server of our own, on a database of the journey's own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, expect, sync_playwright

from tests.conftest import ROOT, Database

# Playwright keeps an event loop running in this thread; Django's connection is used from it all the same, one at a time.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 3, 2, 14, 0, tzinfo=SHANGHAI)
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--no-first-run", "--disable-quic", "--disable-dev-shm-usage"]  # fmt: skip
Role = Callable[[], AbstractContextManager[None]]


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as player:
        yield player


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
    yield browser
    browser.close()


@dataclass
class Site:
    """The bank's web server at a moment of the bank's day; ``at`` sets it to another."""

    database: Database
    chromium: Browser
    owner: Role
    worker: Role
    log: Path
    cast: Any = None
    now: datetime = MONDAY
    address: str = ""
    process: subprocess.Popen[bytes] | None = None
    contexts: list[BrowserContext] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def at(self, moment: datetime) -> Site:
        """The server anew, with its clock at ``moment``; sessions and data stay."""
        self.stop()
        self.now = moment
        port = int(self.address.rpartition(":")[2]) if self.address else free_port()
        self.address = f"http://127.0.0.1:{port}"
        environment = {**os.environ, **self.database.environment, "ZHIKE_CLOCK": moment.isoformat()}
        environment.pop("ZHIKE_CLOCK_SINCE", None)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "zhike", "web", "--port", str(port)],
                env=environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        self._wait()
        return self

    def _wait(self) -> None:
        """Until the server answers, however long that takes; a server that ended says why."""
        assert self.process
        while True:
            with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                with urllib.request.urlopen(f"{self.address}/healthz", timeout=5):
                    return
            assert self.process.poll() is None, self.log.read_text()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def person(
        self, who: str = "rm", *, size: dict[str, int] = DESK, scheme: str = "light", language: str = ""
    ) -> Page:
        """A browser in which ``who`` is signed in, at Today."""
        from tests.cast import signed_in

        if language:
            with self.owner():
                type(self.cast.staff[who]).objects.filter(pk=self.cast.staff[who].pk).update(language=language)
        context = self.context(size, scheme)
        key = signed_in(self.cast.staff[who], self.now)
        context.add_cookies([{"name": "zhike_session", "value": key, "url": self.address}])
        page = self.page(context)
        page.goto(self.address)
        return page

    def context(self, size: dict[str, int] = DESK, scheme: str = "light") -> BrowserContext:
        context = self.chromium.new_context(
            viewport=size, color_scheme=scheme, locale="zh-CN", timezone_id="Asia/Shanghai", reduced_motion="reduce"
        )  # type: ignore[arg-type]
        context.set_default_timeout(15_000)
        self.contexts.append(context)
        return context

    def page(self, context: BrowserContext) -> Page:
        """A tab whose complaints (console errors, refused by policy, broken scripts) fail the journey."""
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)
        return page


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def site(database: Database, chromium: Browser, owner: Role, worker: Role, tmp_path: Path) -> Iterator[Site]:
    """The cast of the tests on Monday, 2 March 2026, 14:00; every customer has a mobile number."""
    from tests.cast import seat
    from zhike.people.actor import acting

    site = Site(database, chromium, owner, worker, tmp_path / "web.log")
    with owner():
        site.cast = seat()
    for whose in ("rm", "mate"):
        staff = site.cast.staff[whose]
        with acting(staff.pk, MONDAY - timedelta(days=10)) as actor:
            for n, customer in enumerate(site.cast.customers[whose]):
                known = {
                    "mobile": f"1380013800{n}" if whose == "rm" else f"1390013900{n}",
                    "email": f"c{n}@example.com",
                }
                customer.learn_all(known, source="import", actor=actor, now=MONDAY - timedelta(days=10))
    site.at(MONDAY)
    yield site
    for context in site.contexts:
        context.close()
    site.stop()
    assert not site.complaints, site.complaints


@dataclass
class Hand:
    """What one person does with mouse and keyboard, counted: clicks and keys, not the words themselves."""

    page: Page
    done: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.done)

    def click(self, target: str | Locator) -> None:
        locator = self.page.locator(target).first if isinstance(target, str) else target
        locator.click()
        self.done.append(f"click {target}")

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.done.append(key)

    def words(self, words: str) -> None:
        """Typed where the cursor stands; the words themselves cost nothing, getting there did."""
        self.page.keyboard.type(words)


Saw = Callable[[str], None]


def chip(page: Page, clause: str, saw: Saw) -> None:
    """The clause's chip stands on the page, and the journey acts here."""
    expect(page.locator(".clause", has_text=clause).first).to_be_visible()
    saw(clause)


def tap(page: Page, name: str, value: str) -> None:
    """Chooses one of a row of taps."""
    page.locator(f"[name={name}][value='{value}']").check()


@dataclass
class Arranged:
    """What the domain can arrange for a journey beforehand, as the person who would have done it."""

    site: Site

    def contact(
        self, kind: str, *, who: str = "rm", n: int = 0, at: datetime | None = None, minutes: int = 20, **more: object
    ) -> object:
        """A contact that has ended and waits for its write-up."""
        from zhike.conduct.bank import Bank
        from zhike.contacts.afterwards import Account, Agreed, record
        from zhike.people.actor import acting

        ended = at or self.site.now
        started = ended - timedelta(minutes=minutes)
        account: dict[str, object] = {"kind": kind, "started_at": started, "ended_at": ended}
        if kind == "visit":
            account |= {"appointment": Agreed(started, "滨江壹号"), "arrived_at": started - timedelta(minutes=15)}
        if kind == "call":
            account |= {"purpose": "introduction", "outcome": "reached"}
        with acting(self.site.cast.staff[who].pk, ended) as actor:
            customer = self.site.cast.customers[who][n]
            return record(customer, Account(**{**account, **more}), actor=actor, now=ended, bank=Bank())

    def plan(self, kind: str, at: datetime, *, n: int = 0, agreed: bool = False, **more: object) -> object:
        """A contact that lies ahead: planned, or agreed with the customer."""
        from zhike.conduct.bank import Bank
        from zhike.contacts import course
        from zhike.people.actor import acting

        now = self.site.now - timedelta(hours=2)
        with acting(self.site.cast.staff["rm"].pk, now) as actor:
            customer = self.site.cast.customers["rm"][n]
            contact = course.plan(customer, kind, actor=actor, now=now, planned_for=at, **more)
            if agreed:
                course.agree(contact, at=at, place="滨江壹号", actor=actor, now=now, bank=Bank())
            return contact

    def birthday(self, n: int, day: str) -> None:
        from zhike.people.actor import acting

        with acting(self.site.cast.staff["rm"].pk, self.site.now) as actor:
            self.site.cast.customers["rm"][n].learn("birthday", day, source="self", actor=actor, now=self.site.now)

    def sweep(self) -> None:
        """What the calendar owes today."""
        from zhike.conduct.bank import Bank
        from zhike.obligations.sweep import sweep

        with self.site.worker():
            sweep(self.site.now.date(), now=self.site.now, bank=Bank())


@pytest.fixture
def arranged(site: Site) -> Arranged:
    return Arranged(site)
