"""Lists longer than a page: every row is reached once, and what is counted is all of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client

from tests.cast import Cast
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.contacts import course
from zhike.obligations.models import Obligation
from zhike.people import bank
from zhike.people.models import Approval
from zhike.trail.models import note

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
COPY = """INSERT INTO obligations_obligation (clause, clause_from, kind, force, origin, subject, tier, what, why, detail, opens, due,
    due_counts, lapses, channels, state, evidence, created_at, key, customer_id, fact_id, owner_id)
SELECT %s, clause_from, kind, force, origin, subject, tier, what, why, detail, opens, due + make_interval(mins => n / 3),
    due_counts, lapses, channels, state, evidence, created_at, key || n || %s, customer_id, fact_id, owner_id
FROM obligations_obligation, generate_series(1, %s) n WHERE id = %s"""


def every(browser: Client, address: str, pattern: str) -> tuple[list[str], int]:
    """What matches on this page and on those that "More" leads to; and how many pages there are."""
    found, pages = [], 0
    while address:
        page = browser.get(address).content.decode()
        found += re.findall(pattern, page)
        pages += 1
        older = re.search(r'href="([^"]+)">更多<', page)
        address = older[1].replace("&amp;", "&") if older else ""
        assert pages < 20, address
    return found, pages


def ended(cast: Cast) -> None:
    """A reception of Lin Xiao's that waits for its write-up."""
    with cast.acting("rm", NOW) as actor:
        contact = course.plan(cast.customers["rm"][0], "reception", actor=actor, now=NOW, incoming=True, purpose="care")
        course.start(contact, actor=actor, now=NOW - timedelta(minutes=20), bank=Bank())
        course.end(contact, actor=actor, now=NOW, bank=Bank())


def test_a_team_with_much_late_counts_it_all_and_shows_it_clause_by_clause(cast: Cast, owner: Role) -> None:
    """With 200 rows late, what stood in the clauses after them was neither shown nor counted."""
    ended(cast)
    with owner(), connection.cursor() as cursor:
        owed = Obligation.objects.get(clause="R13", state="open")
        for clause, times in (("R13", 120), ("W5", 121)):
            cursor.execute(COPY, [clause, clause, times, owed.pk])
    late = NOW + timedelta(days=3)
    with clock.at(late):
        leader = cast.client("leader", late)
        page = leader.get("/team/").content.decode()
        assert "逾期 242" in page
        assert len(re.findall(r'data-row="o\d+"', page)) == 20
        assert page.count("另有 111 项") == 2
        found, pages = every(leader, "/team/?clause=R13", r'data-row="(o\d+)"')
        assert (len(found), len(set(found)), pages) == (121, 121, 3)
        assert "逾期 242" in leader.get("/team/?clause=nonsense&after=x").content.decode()


def test_much_that_waits_for_a_second_person_is_counted_and_paged(
    cast: Cast, owner: Role, django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    """It ended with the thirtieth, and said that thirty wait."""
    today = NOW.date()
    with cast.acting("administrator", NOW) as actor:
        one = bank.ask_to_change(
            actor, "callback_tolerance", 10, today + timedelta(days=1), "第70件", today=today, now=NOW
        )
    with owner():
        Approval.objects.bulk_create(
            Approval(
                kind=one.kind, subject=f"setting:x{n}", payload=one.payload, digest=one.digest, asked_by_id=one.asked_by_id,
                asked_at=NOW - timedelta(minutes=n // 2), reason=f"第{n}件",
                decision="open" if n < 69 else "refused",
                decided_by=None if n < 69 else cast.compliance, decided_at=None if n < 69 else NOW,
            )
            for n in range(110)
        )  # fmt: skip
    with clock.at(NOW):
        browser = cast.client("compliance", NOW)
        browser.get("/approvals/")
        with django_assert_max_num_queries(9):
            page = browser.get("/approvals/").content.decode()
        assert "<h1>审批</h1><small>70</small>" in page
        waiting = re.findall(r'id="approval-(\d+)"', page)
        for start in (30, 60):
            assert f'href="/approvals/?from={start}"' in page
            page = browser.get(f"/approvals/?from={start}").content.decode()
            waiting += re.findall(r'id="approval-(\d+)"', page)
        assert "?from=90" not in page
        assert (len(waiting), len(set(waiting))) == (70, 70)
        assert 'href="/approvals/?past=30#decided"' in page
        assert browser.get("/approvals/?from=99999999999&past=x").status_code == 200


@pytest.mark.parametrize("address", ["/trail/", "/me/"])
def test_the_trail_is_read_to_its_end_whatever_was_written_when(cast: Cast, address: str) -> None:
    """A long import's entries have an early moment and late numbers: pages went on by number, and left some out."""
    with cast.acting("auditor", NOW):
        for n in range(130):
            note(
                action="export",
                object="customers_customer",
                row_id=81_000_000 + n,
                now=NOW + timedelta(seconds=n * 7 % 130),
            )
    with clock.at(NOW + timedelta(minutes=5)):
        found, pages = every(cast.client("auditor", NOW), address, r"\b(81000\d\d\d)(?:</a>)?</td>")
    assert (len(found), len(set(found))) == (130, 130)
    assert pages >= 3


def test_waivers_that_wait_ask_no_more_of_the_database_than_one(
    cast: Cast, owner: Role, django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    """Each row's customer and owner were asked for by themselves."""
    ended(cast)
    with owner(), connection.cursor() as cursor:
        owed = Obligation.objects.get(clause="R13", state="open")
        cursor.execute(COPY, ["R13", "x", 40, owed.pk])
        Approval.objects.bulk_create(
            Approval(
                kind="obligations.waive", subject=f"obligation:{each.pk}", payload={"obligation": each.pk}, digest="x",
                asked_by=cast.rm, asked_at=NOW, reason="不收短信", unit=cast.units["century"],
            )
            for each in Obligation.objects.filter(clause="R13")
        )  # fmt: skip
    with clock.at(NOW):
        browser = cast.client("leader", NOW)
        browser.get("/approvals/")
        with django_assert_max_num_queries(9):
            page = browser.get("/approvals/").content.decode()
        assert page.count("R13 写接待记录") == 30
        with django_assert_max_num_queries(9):
            assert len(browser.get("/api/v1/approvals?waiting=true&limit=40").json()["items"]) == 40
