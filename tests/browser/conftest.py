"""Journeys in a real browser: Debian's Chromium before a web server of our own, on a database of the journey's own.

``ZHIKE_CHROMIUM`` names another one, as the oldest that must do (109)."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from tests import nursery
from tests.conftest import Database, clone, connected, stepping_into
from zhike.embedded import Server

# Playwright keeps an event loop running in this thread; Django's connection is used from it all the same, one at a time.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 3, 2, 14, 0, tzinfo=SHANGHAI)
LONG_BEFORE = MONDAY - timedelta(days=10)
NUMBERS = count(1)
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
# The one without windows of its own does the same pages with half the work.
CHROMIUM = os.environ.get("ZHIKE_CHROMIUM") or shutil.which("chromium-headless-shell") or "/usr/bin/chromium"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--no-first-run", "--disable-quic", "--disable-dev-shm-usage", "--host-resolver-rules=MAP testserver 127.0.0.1"]  # fmt: skip
Role = Callable[[], AbstractContextManager[None]]
# What the server answers to somebody signed out, too late, or who left something out; what htmx says of a question that leaving the
# page cut off; what an open page asks by itself while the server begins anew at another moment.
MEANT = r"status of (401|409|422)|htmx:(sendAbort|afterRequest)|ERR_CONNECTION_(REFUSED|RESET) http://[\d.:]+/notices/$"


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    expect.set_options(timeout=15_000)  # as long as whatever else is waited for; a busy machine takes its time
    with sync_playwright() as player:
        yield player


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
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
    clock: dict[str, str] = field(default_factory=dict)
    process: nursery.Born | None = None
    contexts: list[BrowserContext] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def at(self, moment: datetime) -> Site:
        """The server anew, with its clock at ``moment``; sessions and data stay."""
        self.stop()
        self.now = moment
        port = int(self.address.rpartition(":")[2]) if self.address else free_port()
        self.address = f"http://127.0.0.1:{port}"
        self.clock = {"ZHIKE_CLOCK": moment.isoformat(), "ZHIKE_CLOCK_SINCE": repr(time.time())}
        self.process = self._start("web", "--port", str(port))
        self._wait()
        return self

    def _start(self, *command: str) -> nursery.Born:
        environment = {**os.environ, **self.database.environment, **self.clock}
        return nursery.begin(*command, environment=environment, out=self.log)

    @contextmanager
    def working(self) -> Iterator[None]:
        """A worker beside the web server, by the same clock."""
        worker = self._start("worker")
        try:
            yield
        finally:
            worker.terminate()
            worker.wait()

    def _wait(self) -> None:
        """Until the server answers, however long that takes; a server that ended says why."""
        assert self.process
        while True:
            with (
                suppress(urllib.error.URLError, ConnectionError, TimeoutError),
                urllib.request.urlopen(f"{self.address}/healthz", timeout=5),
            ):
                return
            assert self.process.poll() is None, self.log.read_text()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def customer(
        self, name: str, tier: str = "platinum", *, who: str = "rm", met: bool = True, called: bool = True, **known: str
    ) -> Any:
        """One more customer of ``who``'s, met and called before as an imported book says; ``known`` besides a mobile."""
        from zhike.customers.models import Acquaintance, Customer
        from zhike.customers.models.customer import found_by

        number = next(NUMBERS)
        with self.owner():
            customer = Customer.objects.create(
                core_number=f"J-{number}", kind="person", name=name, **found_by(name, "person"), tier=tier,
                rm=self.cast.staff[who], unit=self.cast.units["century"],
                created_at=LONG_BEFORE, changed_at=LONG_BEFORE,
            )  # fmt: skip
            Acquaintance.objects.create(
                customer=customer, rm=self.cast.staff[who],
                met_source="import" if met else "", called_source="import" if called else "",
            )  # fmt: skip
        self.knows(customer, who, **{"mobile": f"1370000{number:04}", "email": f"j{number}@example.com", **known})
        return customer

    def knows(self, customer: Any, who: str, **known: str) -> None:
        """What the bank's file says of a customer; an empty field is missing."""
        from zhike.people.actor import acting

        with acting(self.cast.staff[who].pk, LONG_BEFORE) as actor:
            customer.learn_all(
                {name: value for name, value in known.items() if value}, source="import", actor=actor, now=LONG_BEFORE
            )

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
        page.on("console", self.heard)
        return page

    def heard(self, line: ConsoleMessage) -> None:
        """Errors count, but for those that are meant (``MEANT``)."""
        said = f"{line.text} {line.location['url']}"
        if line.type == "error" and not re.search(MEANT, said):
            self.complaints.append(said)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def opened(database: Database, chromium: Browser, log: Path) -> Iterator[Site]:
    """The cast of the tests on Monday, 2 March 2026, 14:00; every customer has a mobile number."""
    from tests.cast import a_worker_lives, seat

    site = Site(database, chromium, stepping_into("zhike_owner"), stepping_into("zhike_worker"), log)
    with site.owner():
        site.cast = seat()
        a_worker_lives()
    for whose in ("rm", "mate"):
        for n, customer in enumerate(site.cast.customers[whose]):
            site.knows(
                customer, whose, mobile=f"{'138' if whose == 'rm' else '139'}0013800{n}", email=f"c{n}@example.com"
            )
    try:
        site.at(MONDAY)
        yield site
    finally:
        site.stop()


@contextmanager
def watched(site: Site) -> Iterator[Site]:
    """One journey: its windows are closed after it, and what they complained about fails it."""
    yield site
    for context in site.contexts:
        context.close()
    site.contexts.clear()
    complaints, site.complaints = site.complaints, []
    assert not complaints, f"{complaints}\n{site.log.read_text()[-4000:]}"


@pytest.fixture
def site(database: Database, chromium: Browser, tmp_path: Path) -> Iterator[Site]:
    """A bank of this journey's own, whose clock it may set."""
    with opened(database, chromium, tmp_path / "web.log") as site, watched(site):
        yield site


@pytest.fixture(scope="module")
def bank(
    cluster: Server,
    template: str,
    django_db_blocker: Any,
    chromium: Browser,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """One bank for all journeys of a file; each of them brings its own customers."""
    log = tmp_path_factory.mktemp("web") / "web.log"
    with (
        clone(cluster, template) as own,
        django_db_blocker.unblock(),
        connected(own),
        opened(own, chromium, log) as site,
    ):
        yield site


@pytest.fixture
def shared(bank: Site) -> Iterator[Site]:
    """The bank of the file, for one journey."""
    with watched(bank):
        yield bank


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
    mark = page.locator(".clause", has_text=re.compile(rf"^\s*{clause}(?!\d)"))
    expect(mark.locator("visible=true").first).to_be_visible()
    saw(clause)


def tap(page: Page, name: str, value: str) -> None:
    """Chooses one of a row of taps."""
    page.locator(f"[name={name}][value='{value}']").check()


def row(page: Page, customer: Any, words: str = "") -> Locator:
    """The row of Today about a customer, and of the thing to do where there are several."""
    return page.locator(".row", has=page.locator(f'a[href="/customers/{customer.pk}/"]')).filter(has_text=words)


@dataclass
class Arranged:
    """What the domain can arrange for a journey beforehand, as the person who would have done it."""

    site: Site

    def contact(
        self, kind: str, customer: Any, *, at: datetime | None = None, minutes: int = 20, known: datetime | None = None,
        form: Any = None, **more: object,
    ) -> Any:  # fmt: skip
        """A contact that ended ``at``, by itself waiting for its write-up."""
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
        with acting(customer.rm_id, known or ended) as actor:
            return record(
                customer, Account(**{**account, **more}), actor=actor, now=known or ended, bank=Bank(), form=form
            )  # type: ignore[arg-type]

    def plan(self, kind: str, at: datetime, customer: Any, *, agreed: bool = False, **more: object) -> Any:
        """A contact that lies ahead: planned, or agreed with the customer."""
        from zhike.conduct.bank import Bank
        from zhike.contacts import course
        from zhike.people.actor import acting

        now = self.site.now - timedelta(hours=2)
        with acting(customer.rm_id, now) as actor:
            contact = course.plan(customer, kind, actor=actor, now=now, planned_for=at, **more)
            if agreed:
                course.agree(contact, at=at, place="滨江壹号", actor=actor, now=now, bank=Bank())
            return contact

    def sweep(self) -> None:
        """What the calendar owes today."""
        from zhike.obligations.sweep import sweep
        from zhike.people.bank import settings

        with self.site.worker():
            sweep(self.site.now.date(), now=self.site.now, bank=settings().now(self.site.now))
