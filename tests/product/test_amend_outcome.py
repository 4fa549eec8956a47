"""A call's outcome tapped wrongly is amended on its page: what is withdrawn and newly owed is seen first, and then is so."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cast import LONG_AGO, Cast
from tests.product.api import Program
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.contacts import course
from zhike.contacts.models import Contact, Draft
from zhike.obligations.models import Fact, Obligation
from zhike.people.models import Post

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)  # Monday 14:00 in the bank's zone
LATER = NOW + timedelta(minutes=30)
Role = Callable[[], AbstractContextManager[None]]


@pytest.fixture(autouse=True)
def _later() -> Iterator[None]:
    with clock.at(LATER):
        yield


@pytest.fixture
def customer(cast: Cast) -> Any:
    customer = cast.customers["rm"][0]
    with cast.acting("rm", NOW) as actor:
        type(customer).objects.get(pk=customer.pk).learn(
            "mobile", "13812345678", source="contact", actor=actor, now=NOW
        )
    return customer


def call(cast: Cast, customer: Any, outcome: str, again: datetime | None = None) -> Contact:
    """A first call that ended at NOW."""
    told: dict[str, Any] = {"now": NOW, "bank": Bank()}
    with cast.acting("rm", NOW) as actor:
        contact = course.plan(customer, "call", actor=actor, now=NOW, purpose="introduction")
        course.start(contact, actor=actor, **told)
        return course.put_through(contact, outcome, call_back_at=again, actor=actor, **told)


def owed(cast: Cast, customer: Any) -> dict[str, str]:
    with cast.acting("rm", LATER):
        rows = Obligation.objects.filter(customer=customer).exclude(kind="find_out").order_by("id")
        return {row.kind: row.state for row in rows}


def seen(page: str) -> dict[str, list[str]]:
    """What the page says will follow: each heading with its clauses."""
    parts = re.split(r'<h3 class="list-head">', page)[1:]
    return {part.split("<", 1)[0]: re.findall(r"(?<=>)[CR]\d+(?=<)", part.split("</ul>")[0]) for part in parts}


def knowing(page: str) -> str:
    found = re.search(r'name="knowing" value="([^"]*)"', page)
    assert found
    import html

    return html.unescape(found[1])


def test_busy_tapped_as_reached_is_put_right_before_anything_is_written_up(cast: Cast, customer: Any) -> None:
    contact = call(cast, customer, "reached")
    assert owed(cast, customer) == {"write_up": "open", "thanks": "open"}
    rm, address = cast.client("rm"), f"/contacts/{contact.pk}/outcome/amend/"
    with cast.acting("rm", LATER) as actor:
        Draft.keep(contact, [["words", "忙"]], actor=actor, now=LATER)
    assert address in rm.get(f"/contacts/{contact.pk}/write-up/").content.decode()
    told = {"outcome": "busy", "again_day": "2026-03-02", "again_time": "15:30", "reason": "点错了"}
    page = rm.post(address, told).content.decode()
    assert seen(page) == {"撤销": ["C10", "C6"], "新增": ["C5"]} or seen(page) == {
        "撤销": ["C6", "C10"],
        "新增": ["C5"],
    }
    assert owed(cast, customer) == {"write_up": "open", "thanks": "open"}, "looking changes nothing"
    with cast.acting("rm", LATER):
        assert Contact.objects.get(pk=contact.pk).outcome == "reached"
        assert not Fact.objects.filter(kind="call_back_promised").exists()
    other = rm.post(address, {**told, "again_time": "16:00", "knowing": knowing(page)})
    assert other.status_code == 200, "what was seen is not what is asked now"
    assert rm.post(address, {**told, "knowing": knowing(page)}).status_code == 303
    assert owed(cast, customer) == {"write_up": "withdrawn", "thanks": "withdrawn", "call_back": "open"}
    with cast.acting("rm", LATER):
        amended = Contact.objects.get(pk=contact.pk)
        assert (amended.state, amended.outcome, amended.closed_at) == ("closed", "busy", LATER)
        assert amended.amendments.get().before["outcome"] == "reached"
        assert not amended.drafts.exists()
    record = rm.get(f"/contacts/{contact.pk}/record/").content.decode()
    assert "点错了" in record
    assert "通话结果：接通 → 忙" in re.sub(r"\s+", " ", record)
    assert "回电：— → 2026-03-02 15:30" in re.sub(r"\s+", " ", record)
    assert address in record


def test_absent_tapped_as_busy_keeps_its_minute_and_changes_its_clause(cast: Cast, customer: Any) -> None:
    again = NOW + timedelta(hours=3)
    contact = call(cast, customer, "busy", again)
    rm, address = cast.client("rm"), f"/contacts/{contact.pk}/outcome/amend/"
    told = {"outcome": "absent", "again_day": "2026-03-02", "again_time": "17:00", "reason": "家人接的"}
    assert 'value="17:00"' in rm.get(address).content.decode()
    page = rm.post(address, told).content.decode()
    rm.post(address, {**told, "knowing": knowing(page)})
    with cast.acting("rm", LATER):
        (back,) = Obligation.objects.filter(customer=customer, kind="call_back", state="open")
        assert (back.target, back.fact.data["outcome"]) == (again, "absent")


def test_a_call_that_connected_after_all_waits_for_its_write_up(cast: Cast, customer: Any) -> None:
    contact = call(cast, customer, "no_answer")
    rm, address = cast.client("rm"), f"/contacts/{contact.pk}/outcome/amend/"
    told = {"outcome": "reached", "reason": "又接通了"}
    page = rm.post(address, told).content.decode()
    assert seen(page)["新增"] in (["C6", "C10"], ["C10", "C6"])
    answer = rm.post(address, {**told, "knowing": knowing(page)}, follow=True)
    assert answer.redirect_chain[-1][0] == f"/contacts/{contact.pk}/write-up/"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"outcome": "busy", "reason": "x"}, "15:30"),
        ({"outcome": "busy", "again_day": "2026-03-02", "again_time": "13:00", "reason": "x"}, 'role="alert"'),
        ({"outcome": "busy", "no_time": "yes"}, "请写明更正的原因"),
        ({"outcome": "reached", "reason": "x"}, "已经是这样记的"),
        ({"outcome": "maybe", "reason": "x"}, "请选择通话结果"),
    ],
)
def test_what_is_missing_is_said_in_its_place(cast: Cast, customer: Any, told: dict[str, str], says: str) -> None:
    contact = call(cast, customer, "reached")
    answer = cast.client("rm").post(f"/contacts/{contact.pk}/outcome/amend/", told)
    assert answer.status_code == 422
    assert says in answer.content.decode()


def test_only_a_call_that_is_over_and_one_s_own_has_such_a_page(cast: Cast, customer: Any, owner: Role) -> None:
    told: dict[str, Any] = {"now": NOW, "bank": Bank()}
    with cast.acting("rm", NOW) as actor:
        planned = course.plan(customer, "call", actor=actor, now=NOW, planned_for=LATER)
        visit = course.plan(customer, "reception", actor=actor, now=NOW)
        course.start(visit, actor=actor, **told)
        course.end(visit, actor=actor, **told)
    for contact in (planned, visit):
        assert cast.client("rm").get(f"/contacts/{contact.pk}/outcome/amend/").status_code == 303
    mine = call(cast, customer, "no_answer")
    assert cast.client("stranger").get(f"/contacts/{mine.pk}/outcome/amend/").status_code == 404
    with owner():
        Post.objects.create(
            staff=cast.mate, unit=cast.units["branch"], role="compliance", scope="tree", from_day=LONG_AGO
        )
        program = Program(cast, "rm")
    mate = cast.client("mate")
    assert mate.get(f"/contacts/{mine.pk}/outcome/amend/").status_code == 403
    assert "outcome/amend" not in mate.get(f"/contacts/{mine.pk}/record/").content.decode()
    assert mate.post(f"/contacts/{mine.pk}/outcome/amend/", {"outcome": "busy", "reason": "x"}).status_code == 404
    change = {"reason": "x", "changes": {"outcome": "busy"}}
    program.post(f"contacts/{visit.pk}/amendments", change, status=422, **{"If-Match": "*"})
