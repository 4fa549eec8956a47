"""PostgreSQL really stopped and killed under a running web server: one sentence for everybody, and nothing confirmed is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import Browser, expect

from tests.conftest import as_superuser, clone, connected, fingerprint, prepare_tester
from zhike import embedded
from zhike.people import tokens

from .conftest import LONG_BEFORE, Site, opened, watched

SENTENCE = "数据库暂时连不上，会自行恢复。请稍后再试。"
IN_ENGLISH = "The database is away for a moment and comes back by itself. Please try again shortly."


@pytest.fixture(scope="module")
def mortal() -> Iterator[embedded.Server]:
    """A PostgreSQL of this file's own, which may be killed: what is confirmed there is on the disk."""
    home = Path(tempfile.mkdtemp(prefix="zhike-test-", dir="/tmp"))
    home.chmod(0o755)
    with embedded.running(home / "home", tell=lambda text: None) as server:
        with as_superuser(server) as connection:
            prepare_tester(connection, server)
        yield server
    shutil.rmtree(home)


@pytest.fixture
def alone(mortal: embedded.Server, django_db_blocker: Any, chromium: Browser, tmp_path: Path) -> Iterator[Site]:
    """A bank on it."""
    mortal.revive()
    with (
        clone(mortal, f"template_{fingerprint()}") as own,
        django_db_blocker.unblock(),
        connected(own),
        opened(own, chromium, tmp_path / "web.log") as site,
        watched(site),
    ):
        yield site


def stop(site: Site, how: signal.Signals) -> None:
    server = site.database.server
    pid = int((server.base / "data/postmaster.pid").read_text().split("\n")[0])
    os.kill(pid, how)
    wait_until(lambda: not server._alive())
    connections["default"].close()  # ours was lost as well


class Program:
    """Asks the JSON edge, and knows the time of no answer longer than a breath."""

    def __init__(self, site: Site) -> None:
        with site.worker():
            self.token = tokens.give(site.cast.rm, "test", LONG_BEFORE, days=30)
        self.site = site

    def ask(self, path: str, body: Any = None, language: str = "zh-CN") -> tuple[int, Any, Any]:
        request = urllib.request.Request(
            f"{self.site.address}/api/v1/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "Accept-Language": language,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer), answer.headers
        except urllib.error.HTTPError as error:
            said = error.read().decode()
            return error.code, json.loads(said) if said.startswith("{") else {"detail": said}, error.headers


def wait_until(done: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def is_away(answer: tuple[int, Any, Any], sentence: str = SENTENCE) -> None:
    status, problem, headers = answer
    assert (status, problem.get("status"), problem["detail"]) == (503, 503, sentence)
    assert problem["type"] == "urn:zhike:problem:away"
    assert headers["Content-Type"].startswith("application/problem+json")
    assert int(headers["Retry-After"]) > 0


def test_a_database_that_is_away_is_said_and_nothing_typed_is_lost(alone: Site) -> None:
    site, customer = alone, alone.customer("周转安")
    program = Program(site)
    page = site.person()
    today = site.page(page.context)
    today.goto(site.address)
    page.goto(f"{site.address}/customers/{customer.pk}/new/call/")
    page.locator("label.tap:has(input[name=how][value=plan])").click()
    page.locator("[name=day]").fill("2026-03-03")
    page.locator("[name=time]").fill("10:30")
    page.locator("label.tap:visible:has(input[name=purpose][value=care])").click()
    page.locator("[name=purpose_words]").fill("问候，顺便问孩子升学")
    stop(site, signal.SIGINT)
    site.complaints.clear()

    plan = {"kind": "call", "customer": str(customer.pk), "purpose": "care"}
    for path, body in (("obligations?due=today", None), ("obligations", None), ("contacts", plan)):
        is_away(program.ask(path, body))
    is_away(program.ask("obligations", language="en"), IN_ENGLISH)

    # A box that asks by htmx: the sentence comes as a toast, the page stays as it is.
    today.locator("#q").press_sequentially("zz", delay=20)
    expect(today.locator("[data-toast]").first).to_contain_text(SENTENCE)
    expect(today.locator("#q")).to_have_value("zz")

    page.locator("[data-submit]").click()
    expect(page.locator("h1")).to_have_text("请稍等片刻")
    expect(page.locator("main")).to_contain_text(SENTENCE)
    page.get_by_role("button", name="重新提交").click()
    expect(page.locator("main")).to_contain_text(SENTENCE)

    site.database.server.revive()
    page.get_by_role("button", name="重新提交").click()
    page.wait_for_url(f"**/customers/{customer.pk}/")
    with site.owner():
        planned = [each.purpose_words for each in customer.contacts.all()]
    assert planned == ["问候，顺便问孩子升学"]
    assert program.ask("obligations?due=today")[0] == 200
    forgive(site)


def forgive(site: Site) -> None:
    """A browser complains of each answer that tells of a fault; of these no other way is known."""
    site.complaints[:] = [said for said in site.complaints if "503" not in said and "htmx:responseError" not in said]


def test_killed_while_programs_write_each_is_told_and_what_was_confirmed_stays(alone: Site) -> None:
    site, program = alone, Program(alone)
    customers = [site.customer(f"周转{name}") for name in "甲乙丙"]
    confirmed: list[str] = []
    other: list[tuple[int, Any, Any]] = []
    enough = threading.Event()

    def write(customer: str) -> None:
        while not enough.is_set():
            answer = program.ask("contacts", {"kind": "call", "customer": customer, "purpose": "care"})
            if answer[0] == 201:
                confirmed.append(answer[1]["id"])
            else:
                other.append(answer)

    writers = [threading.Thread(target=write, args=(str(each.pk),)) for each in customers]
    for writer in writers:
        writer.daemon = True  # whatever fails below, the run goes on
        writer.start()
    for _ in range(2):
        before = len(confirmed)
        wait_until(lambda before=before: len(confirmed) >= before + 15)
        stop(site, signal.SIGKILL)
        told = len(other)
        wait_until(lambda told=told: len(other) >= told + 3)
        site.database.server.revive()
    enough.set()
    for writer in writers:
        writer.join()
    assert other
    for answer in other:
        is_away(answer)
    with site.owner():
        from zhike.contacts.models import Contact

        assert set(map(int, confirmed)) <= set(Contact.objects.values_list("pk", flat=True))
