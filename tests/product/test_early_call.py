"""C5: a promised call-back is not made early. Before its window the row says from when; whoever calls all the same is
asked first, and what happened is kept as it was."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tests.cast import Cast
from tests.product.api import NOW, Program
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.contacts import course
from zhike.contacts.models import Contact
from zhike.customers.models import Acquaintance, Customer
from zhike.obligations.models import Finding, Obligation

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
LATER = NOW + timedelta(minutes=6)  # 14:06; promised for 14:16, so the window opens at 14:11


@pytest.fixture(autouse=True)
def _known(cast: Cast, owner: Role) -> None:
    with owner():
        Acquaintance.objects.create(customer=one(cast), rm=cast.rm, called_source="import", met_source="import")


def one(cast: Cast) -> Customer:
    return cast.customers["rm"][0]


def promised(cast: Cast, minutes: int = 16) -> Obligation:
    """A call that found the customer busy, at NOW."""
    with cast.acting("rm", NOW) as actor:
        call = course.plan(one(cast), "call", actor=actor, now=NOW, purpose="care")
        course.start(call, actor=actor, now=NOW, bank=Bank())
        again = NOW + timedelta(minutes=minutes)
        course.put_through(call, "busy", actor=actor, now=NOW, bank=Bank(), call_back_at=again)
    return Obligation.objects.get(kind="call_back", state="open")


@pytest.fixture
def rm(cast: Cast) -> Iterator[Client]:
    with clock.at(LATER):
        yield cast.client("rm", LATER)


def row(page: str, owed: Obligation) -> str:
    found = re.search(rf'<li class="row[^"]*" id="row-o{owed.pk}".*?</li>', page, re.DOTALL)
    assert found
    return found[0]


def findings() -> list[tuple[str, str, str, str]]:
    return [(each.clause, each.kind, each.verdict, each.reason) for each in Finding.objects.all()]


@pytest.mark.parametrize("minutes", [16, 40, 300])
def test_before_the_window_every_page_says_from_when(cast: Cast, rm: Client, minutes: int) -> None:
    """Within ten minutes, within ninety, and later: no place has a button that makes a breach by one tap."""
    owed = promised(cast, minutes)
    words = f"{NOW + timedelta(hours=8, minutes=minutes - 5):%H:%M} 起可打"
    calls = f'action="/obligations/{owed.pk}/call/"'
    for page in (row(rm.get("/").content.decode(), owed), *(
        rm.get(address).content.decode()
        for address in (f"/customers/{one(cast).pk}/", f"/obligations/{owed.pk}/")
    )):  # fmt: skip
        assert words in page
        assert calls not in page
    assert calls not in rm.get("/schedule/").content.decode()


def test_from_its_window_on_there_is_the_button(cast: Cast) -> None:
    owed, opened = promised(cast), NOW + timedelta(minutes=11)
    with clock.at(opened):
        rm = cast.client("rm", opened)
        for address in ("/", f"/customers/{one(cast).pk}/", f"/obligations/{owed.pk}/"):
            page = rm.get(address).content.decode()
            assert f'action="/obligations/{owed.pk}/call/"' in page
            assert "起可打" not in page
        assert rm.post(f"/obligations/{owed.pk}/call/").status_code == 303


@pytest.mark.parametrize("minutes", [16, 24 * 60])
def test_opened_all_the_same_it_asks_before_anybody_dials(cast: Cast, rm: Client, minutes: int) -> None:
    owed = promised(cast, minutes)
    address = f"/obligations/{owed.pk}/call/"
    asked = rm.post(address, headers={"HX-Request": "true"})
    assert (asked.status_code, asked["HX-Retarget"]) == (422, "#main")
    page = asked.content.decode()
    assert "起可打：不提前" in page
    assert "C5" in page
    assert f'action="{address}"' in page
    assert 'name="early_reason"' in page
    assert not Contact.objects.filter(state="under_way").exists()
    begun = rm.post(address, {"early_reason": "客户发微信请我现在打"})
    assert begun.status_code == 303
    ended = rm.post(begun["Location"].split("talk/")[0] + "outcome/", {"outcome": "reached", "for": str(owed.pk)})
    assert ended.status_code == 303
    owed.refresh_from_db()
    assert (owed.state, owed.evidence["kept"]) == ("done", "early")
    assert findings() == [("C5", "breach", "early_call_back", "客户发微信请我现在打")]


def test_the_customers_page_asks_it_too_and_knows_what_the_call_keeps(cast: Cast, rm: Client) -> None:
    owed = promised(cast)
    address = f"/customers/{one(cast).pk}/new/call/"
    assert "14:11 起可打：不提前" in rm.get(address).content.decode()
    call = {"how": "now", "purpose": "call_back"}
    asked = rm.post(address, call)
    assert asked.status_code == 422
    assert asked.content.decode().count("起可打：不提前") == 1
    assert not Contact.objects.filter(state="under_way").exists()
    begun = rm.post(address, {**call, "early_reason": "客户先来短信"})
    assert begun["Location"].endswith(f"/talk/?for={owed.pk}")
    assert findings() == [("C5", "breach", "early_call_back", "客户先来短信")]


def test_a_call_that_was_planned_asks_it_and_a_customer_who_rings_is_answered(cast: Cast, rm: Client) -> None:
    promised(cast)
    with cast.acting("rm", NOW) as actor:
        planned = course.plan(one(cast), "call", actor=actor, now=NOW, purpose="service", planned_for=LATER)
        ringing = course.plan(one(cast), "call", actor=actor, now=NOW, incoming=True)
    asked = rm.post(f"/contacts/{planned.pk}/start/", {"for": ""})
    assert asked.status_code == 422
    assert 'name="early_reason"' in asked.content.decode()
    assert rm.post(f"/contacts/{ringing.pk}/start/").status_code == 303


def test_about_something_else_on_an_earlier_day_it_is_a_reasoned_exception(cast: Cast, rm: Client) -> None:
    promised(cast, 24 * 60)
    reason = {"how": "now", "purpose": "service", "early_reason": "卡片被盗刷，须马上告知"}
    assert rm.post(f"/customers/{one(cast).pk}/new/call/", reason).status_code == 303
    assert [kind for _clause, kind, *_rest in findings()] == ["exception"]


def test_a_program_is_told_the_same(cast: Cast, worker: Role) -> None:
    promised(cast)
    with worker():
        program = Program(cast, "rm")
    with clock.at(LATER):
        plan = program.post(
            "contacts", {"kind": "call", "customer": str(one(cast).pk), "purpose": "call_back"}, status=201
        )
        refused: dict[str, Any] = program.post(f"contacts/{plan['id']}/start", status=422)
        assert (refused["clause"], refused["errors"][0]["field"]) == ("C5", "early_reason")
        assert "14:11" in refused["detail"]
        begun = program.post(f"contacts/{plan['id']}/start", {"early_reason": "客户来信"})
        assert begun["state"] == "under_way"
        assert [each["verdict"] for each in begun["findings"]] == ["early_call_back"]


def test_recorded_afterwards_it_is_kept_and_not_refused(cast: Cast, worker: Role) -> None:
    promised(cast)
    with worker():
        program = Program(cast, "rm")
    later: datetime = NOW + timedelta(minutes=30)
    with clock.at(later):
        call = {
            "kind": "call", "customer": str(one(cast).pk), "purpose": "care", "outcome": "reached",
            "started_at": LATER.isoformat(), "ended_at": (LATER + timedelta(minutes=3)).isoformat(),
        }  # fmt: skip
        told = program.post("contacts", call, status=201)
    assert [each["verdict"] for each in told["findings"]] == ["early_call_back"]
