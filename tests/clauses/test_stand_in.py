"""Who held it: a leader or colleague who stands in uses nothing up that is the RM's own, and claims nothing."""

from __future__ import annotations

from typing import Any

import pytest

from zhike.contacts.adherence import tallied
from zhike.people.models import Post

from .door import Door, Refused
from .moments import moment
from .test_truth_table import FORMS

pytestmark = pytest.mark.django_db


def owners(door: Door, customer: Any) -> dict[tuple[str, str], str]:
    """Who owes what."""
    told = door.send("get", f"obligations?customer={customer.pk}&limit=100", None, moment("20:00"), "leader")
    return {(each["clause"], each["kind"]): each["owner"]["name"] for each in told["items"]}


def test_a_leaders_call_uses_up_neither_the_rms_first_call_nor_her_figures(door: Door) -> None:
    customer = door.customer(met=True)
    call = door.record(customer, "call", moment("09:00"), moment("09:05"), purpose="care", form=None, rm="leader")
    assert (call.rm["name"], call.held_by["name"], call.first) == ("林晓", "吴敏", False)
    assert owners(door, customer) == {("C6", "write_up"): "吴敏"}, "no introduction was made: C10 is still to come"
    assert door.findings(customer) == []
    with pytest.raises(Refused, match="C9"):
        door.post(
            "contacts",
            {"kind": "call", "customer": str(customer.pk), "purpose": "care", "started_at": moment("10:00")},
            moment("10:00"),
        )
    own = door.record(customer, "call", moment("10:00"), moment("10:03"), purpose="introduction")
    assert own.first is True
    with door.cast.acting("leader", moment("20:00")) as actor:
        from zhike.people.bank import settings

        bank = settings().now(moment("20:00"))
        hers = {each.clause: each.of for each in tallied(door.cast.rm.pk, moment("00:00"), bank=bank)}
        theirs = {each.clause: each.of for each in tallied(actor.id, moment("00:00"), bank=bank)}
    assert hers["C1"] == theirs["C1"] == 1


def test_thanks_after_a_stand_ins_visit_are_the_rms_and_what_was_promised_the_stand_ins(door: Door) -> None:
    customer = door.customer(met=False)
    form = {**FORMS["none"], "demands": ["换卡"], "promises": [{"words": "问清费率", "to": "customer"}]}
    visit = door.record(customer, "visit", moment("14:00"), moment("14:40"), rm="leader", form=form)
    assert visit.first is False, "her own first meeting is still to come"
    assert owners(door, customer) == {
        ("V5", "thanks"): "林晓",
        ("V6", "write_up"): "吴敏",
        ("V7", "answer"): "吴敏",
        ("W11", "promise"): "吴敏",
    }
    assert door.record(customer, "reception", moment("16:00"), moment("16:20")).first is True


def test_what_a_leader_enters_may_have_been_held_by_the_rm(door: Door) -> None:
    customer = door.customer()
    told = door.record(
        customer, "reception", moment("14:00"), moment("14:20"), rm="leader", held_by=str(door.cast.rm.pk)
    )
    assert (told.held_by["name"], told.first) == ("林晓", True)


def test_a_stand_in_never_claims_to_be_the_rm(door: Door) -> None:
    customer = door.customer()
    plan = door.planned(customer, now=moment("09:00"), kind="reception", planned_for=moment("14:00"))
    assert "往后您的事都可以直接找我" in door.page(f"contacts/{plan.pk}/prepare/", moment("13:50"))
    card = door.page(f"contacts/{plan.pk}/prepare/", moment("13:50"), "leader")
    assert "我是吴敏，受您的客户经理林晓委托" in card
    assert "直接找我" not in card
    call = door.planned(customer, now=moment("09:00"), kind="call", purpose="introduction")
    sheet = door.page(f"contacts/{call.pk}/prepare/", moment("13:50"), "leader")
    assert "受您的客户经理林晓委托" in sheet
    assert "我是您的专属客户经理" not in sheet
    door.record(customer, "reception", moment("14:00"), moment("14:20"))
    (thanks,) = door.owed(customer, clause="R12")
    assert thanks.detail["text"] == "first"
    assert "专属" in door.page(f"obligations/{thanks.pk}/", moment("15:00"))
    text = door.page(f"obligations/{thanks.pk}/", moment("15:00"), "leader")
    assert "专属客户经理是林晓" in text
    assert "吴敏受林晓委托" in text


def test_thanks_may_wait_for_the_rm(door: Door) -> None:
    door.setting("stand_in_thanks", "not_sent")
    customer = door.customer(met=True)
    door.record(customer, "reception", moment("14:00"), moment("14:20"))
    (thanks,) = door.owed(customer, clause="R12")
    with pytest.raises(Refused, match="不代发"):
        door.done(thanks, moment("15:00"), "leader", channel="sms")
    assert door.done(thanks, moment("15:00"), channel="sms").state == "done"


def test_a_colleague_who_stands_in_finds_the_form_where_the_obligation_stands(door: Door) -> None:
    """With the team as their scope they may send the thanks that the RM owes; the page offers what the API takes."""
    customer = door.customer(met=True)
    door.record(customer, "reception", moment("14:00"), moment("14:20"))
    (thanks,) = door.owed(customer, clause="R12")
    page = f"obligations/{thanks.pk}/"
    with door.owner():
        Post.objects.filter(staff=door.cast.mate).update(scope="team")
    assert f'action="/{page}done/"' in door.page(page, moment("15:00"), "mate", raw=True)
    assert door.done(thanks, moment("15:00"), "mate", channel="sms").state == "done"


def test_a_start_that_is_taken_back_leaves_the_arrival_with_the_rm(door: Door) -> None:
    customer = door.customer(met=True)
    visit = door.appointment(customer, moment("10:00"), now=moment("09:00"))
    door.post(f"contacts/{visit.pk}/start", {}, moment("09:50"), "leader")
    assert owners(door, customer) == {("V2", "arrival"): "吴敏"}
    door.post(f"contacts/{visit.pk}/retraction", {}, moment("09:52"), "leader")
    assert owners(door, customer) == {("V2", "arrival"): "林晓"}


def test_a_stand_ins_missed_call_back_goes_to_whoever_leads_the_stand_in(door: Door) -> None:
    customer = door.customer(met=True, called=True)
    busy = {"purpose": "care", "outcome": "busy", "call_back_at": moment("11:00")}
    door.record(customer, "call", moment("10:00"), moment("10:01"), rm="leader", **busy)
    door.tick(moment("11:31"))
    told = door.owed(customer, who="branch_leader", kind="look_into")
    assert [each.owner["name"] for each in told] == ["周薇"]
