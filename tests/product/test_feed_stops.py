"""What the core system's file says of a death or a closed account follows at once, as when somebody here says it; and is seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cast import Cast
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.contacts import course
from zhike.contacts.models import Contact
from zhike.customers.feeds.files import opened
from zhike.customers.feeds.take import take
from zhike.customers.models import Customer, Difference, Run
from zhike.obligations import sweep
from zhike.obligations.models import Obligation
from zhike.people.models import Approval

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)  # Monday 14:00 in the bank's zone
HEAD = "客户号,姓名,管户经理工号,死亡日期,销户日期,免打扰"


@pytest.fixture
def at() -> Iterator[datetime]:
    with clock.at(NOW):
        yield NOW


@pytest.fixture
def feed(cast: Cast, worker: Any, tmp_path: Path) -> Callable[..., Run]:
    """The file of the night after."""

    def go(*rows: str, now: datetime = NOW) -> Run:
        path = tmp_path / "customers-0302.csv"
        path.write_text("\n".join([HEAD, *rows]), "utf-8")
        with worker():
            whole = opened(path, flagged=False)
            run = Run.objects.create(kind=whole.kind, name=path.name, at=now, mapping=whole.mapping)
            return take(whole, run, bank=Bank(), now=lambda: now, language="zh-hans")

    return go


@pytest.fixture
def arranged(cast: Cast, worker: Any, at: datetime) -> dict[str, Any]:
    """Thanks are owed after a visit, a birthday greeting today; another visit is agreed, a call planned."""
    customer = cast.customers["rm"][0]
    with worker():
        born = {"birth_calendar": "solar", "birth_month": 3, "birth_day": 2, "birth_leap": False}
        Customer.objects.filter(pk=customer.pk).update(**born)
    told: dict[str, Any] = {"now": NOW, "bank": Bank()}
    with cast.acting("rm", NOW) as actor:
        Customer.objects.get(pk=customer.pk).learn("mobile", "13812345678", source="contact", actor=actor, now=NOW)
        held = course.plan(customer, "visit", actor=actor, now=NOW)
        course.agree(held, at=NOW, place="家中", actor=actor, **told)
        course.start(held, actor=actor, **told)
        course.end(held, actor=actor, **told)
        visit = course.plan(customer, "visit", actor=actor, now=NOW)
        course.agree(visit, at=NOW + timedelta(days=2), place="滨江壹号", actor=actor, **told)
        call = course.plan(customer, "call", actor=actor, now=NOW, planned_for=NOW + timedelta(days=1))
    with worker():
        sweep.sweep(NOW.date(), now=NOW, bank=Bank())
    assert open_kinds(customer) == {"thanks", "write_up", "birthday", "arrival"}
    return {"customer": customer, "visit": visit, "call": call}


def open_kinds(customer: Customer) -> set[str]:
    return set(Obligation.objects.filter(customer=customer, state="open").values_list("kind", flat=True))


def test_a_death_told_by_a_feed_ends_what_is_owed_and_planned(
    cast: Cast, arranged: dict[str, Any], feed: Callable[..., Run], worker: Any
) -> None:
    customer = arranged["customer"]
    assert feed(f"{customer.core_number},{customer.name},1001,2026-02-27,,").changed == 1
    with worker():
        assert open_kinds(customer) == {"write_up"}
        assert {Contact.objects.get(pk=arranged[each].pk).state for each in ("visit", "call")} == {"cancelled"}
    rm = cast.client("rm", NOW)
    pages = {
        "zh-hans": ("客户已经去世", "核心系统数据下发：客户已经去世", "客户已故。 customers-0302.csv · 核心系统"),
        "en": ("The customer has died", "The core system&#39;s file says that the customer has died", "The customer has died. customers-0302.csv · core system"),
    }  # fmt: skip
    with worker():
        thanks = Obligation.objects.get(customer=customer, kind="thanks")
    for language, (stop, contact, obligation) in pages.items():
        with cast.acting("rm", NOW):
            type(cast.rm).objects.filter(pk=cast.rm.pk).update(language=language)
        page = rm.get(f"/customers/{customer.pk}/").content.decode()
        assert stop in page
        assert "customers-0302.csv" in page
        assert contact in rm.get(f"/contacts/{arranged['visit'].pk}/record/").content.decode()
        assert obligation in rm.get(f"/obligations/{thanks.pk}/").content.decode()
        ended = rm.get(f"/customers/{customer.pk}/stops/").content.decode()
        assert "滨江壹号" in ended
        assert f"/obligations/{thanks.pk}/" in ended
        week = rm.get("/schedule/").content.decode()
        assert week.count(contact) == 2, "the visit and the call"


def test_a_closed_account_told_by_a_feed_ends_greetings_and_rhythm_alone(
    arranged: dict[str, Any], feed: Callable[..., Run], worker: Any
) -> None:
    customer = arranged["customer"]
    feed(f"{customer.core_number},{customer.name},1001,,2026-02-27,")
    with worker():
        assert open_kinds(customer) == {"thanks", "write_up", "arrival"}
        assert Contact.objects.get(pk=arranged["visit"].pk).state == "agreed"
        greeting = Obligation.objects.get(customer=customer, kind="birthday")
        assert (greeting.state, greeting.evidence["why"]) == ("cannot", "closed")


def test_what_a_file_repeats_follows_once(arranged: dict[str, Any], feed: Callable[..., Run], worker: Any) -> None:
    customer = arranged["customer"]
    row = f"{customer.core_number},{customer.name},1001"
    feed(f"{row},2026-02-27,,是")
    feed(f"{row},2026-02-27,,是")
    with worker():
        stops = customer.facts.filter(kind="customer_stopped").order_by("id").values_list("data__stop", flat=True)
        assert list(stops) == ["do_not_disturb", "deceased"]


def test_what_a_file_said_the_corrected_file_takes_back(
    arranged: dict[str, Any], feed: Callable[..., Run], worker: Any
) -> None:
    customer = arranged["customer"]
    row = f"{customer.core_number},{customer.name},1001"
    feed(f"{row},2026-02-27,2026-02-27,是")
    with worker():
        assert open_kinds(customer) == {"write_up"}
    feed(f"{row},,2026-02-27,", now=NOW + timedelta(minutes=1))
    with worker():
        customer.refresh_from_db()
        assert (customer.deceased_on, str(customer.closed_on), customer.do_not_disturb) == (None, "2026-02-27", True)
        assert open_kinds(customer) == {"thanks", "write_up", "arrival"}, "the greeting is stopped by the rest"
        resumed = customer.facts.get(kind="customer_resumed")
        assert (resumed.by, resumed.data["stop"], resumed.data["reason"]) == (None, "deceased", "customers-0302.csv")
    feed(f"{row},,,否", now=NOW + timedelta(minutes=2))
    with worker():
        customer.refresh_from_db()
        assert (customer.closed_on, customer.do_not_disturb) == (None, False)
        assert open_kinds(customer) == {"thanks", "write_up", "birthday", "arrival"}
        assert not customer.facts.filter(kind="customer_stopped", void=False).exists()
        assert not Difference.objects.exists()


def test_what_a_mistaken_death_in_a_file_called_off_stands_again(
    arranged: dict[str, Any], feed: Callable[..., Run], worker: Any
) -> None:
    customer = arranged["customer"]
    feed(f"{customer.core_number},{customer.name},1001,2026-02-27,,")
    feed(f"{customer.core_number},{customer.name},1001,,,", now=NOW + timedelta(hours=30))
    with worker():
        stands = {each: Contact.objects.get(pk=arranged[each].pk).state for each in ("visit", "call")}
        assert stands == {"visit": "agreed", "call": "cancelled"}, "the call's hour is over"
        assert "arrival" in open_kinds(customer)


def test_a_stop_that_somebody_here_recorded_no_file_changes(
    cast: Cast, arranged: dict[str, Any], feed: Callable[..., Run], worker: Any
) -> None:
    customer, browser = arranged["customer"], cast.client("rm", NOW)
    row = f"{customer.core_number},{customer.name},1001"
    feed(f"{row},,,否")
    for why, on in (("do_not_disturb", ""), ("closed", "2026-02-10")):
        told = {"why": why, "on": on, "evidence": "客户来电要求"}
        assert browser.post(f"/customers/{customer.pk}/stops/", told).status_code == 303
    run = feed(f"{row},,,否")
    assert (run.changed, run.differing) == (0, 1), "an empty day is no word against what somebody here knows"
    run = feed(f"{row},,2026-02-12,否")
    assert (run.changed, run.differing) == (0, 1)
    with worker():
        customer.refresh_from_db()
        assert (customer.do_not_disturb, str(customer.closed_on)) == (True, "2026-02-10")
    page = browser.get("/customers/differences/").content.decode()
    for part in ("免打扰", "销户日期", "2026-02-12", "2026-02-10", f"/customers/{customer.pk}/stops/"):
        assert part in page, part
    difference = Difference.objects.get(field="do_not_disturb")
    assert browser.post("/customers/differences/", {"difference": difference.pk, "take": "1"}).status_code == 422
    assert browser.post("/customers/differences/", {"difference": difference.pk, "take": "0"}).status_code == 303
    assert feed(f"{row},,2026-02-10,是").differing == 0
    assert not Difference.objects.filter(state="open").exists(), "both say the same again"


def test_what_was_lifted_here_and_stands_in_the_next_file_is_a_stop_again(
    cast: Cast, arranged: dict[str, Any], feed: Callable[..., Run], worker: Any
) -> None:
    customer = arranged["customer"]
    row = f"{customer.core_number},{customer.name},1001,2026-02-27,,"
    feed(row)
    told = {"reason": "同名，核心系统记错了人", "mistake": "yes"}
    cast.client("rm", NOW).post(f"/customers/{customer.pk}/stops/deceased/resume/", told)
    with cast.acting("leader", NOW):
        waiting = Approval.objects.get(decision="open")
    cast.client("leader", NOW).post(f"/approvals/{waiting.pk}/", {"act": "approve", "digest": waiting.digest})
    with worker():
        customer.refresh_from_db()
        assert customer.deceased_on is None
        assert "thanks" in open_kinds(customer)
    feed(row, now=NOW + timedelta(days=1))
    with worker():
        customer.refresh_from_db()
        assert str(customer.deceased_on) == "2026-02-27"
        assert open_kinds(customer) == {"write_up"}
