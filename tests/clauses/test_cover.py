"""On leave: what falls due goes to both, the stand-in does it on behalf of whoever owes it, and it ends by itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection

from zhike import clock
from zhike.conduct.bank import Bank
from zhike.customers import search
from zhike.people.models import Leave
from zhike.trail.models import Entry

from .door import Door, Refused, Row
from .moments import moment
from .test_truth_table import FORMS

pytestmark = pytest.mark.django_db
MONDAY_MORNING = moment("09:00")
TUESDAY, WEDNESDAY = "2026-03-03", "2026-03-04"


def away(door: Door, who: str = "rm", stand_in: str = "mate", from_day: str = TUESDAY, to_day: str = WEDNESDAY) -> Row:
    """Asked on Monday morning and accepted."""
    asked = door.post(
        "leaves",
        {"from_day": from_day, "to_day": to_day, "stand_in": str(door.cast.staff[stand_in].pk), "note": "梁总周二回电"},
        MONDAY_MORNING,
        who,
    )
    return door.post(f"leaves/{asked.pk}/acceptance", None, MONDAY_MORNING, stand_in)


def promised(door: Door) -> tuple[Any, Row]:
    """A customer of Lin Xiao's who was busy on Monday and is to be called on Tuesday at three."""
    customer = door.customer(met=True, called=True)
    door.record(
        customer, "call", moment("10:00"), moment("10:02"), purpose="care", outcome="busy",
        call_back_at=moment(f"{TUESDAY} 15:00"),
    )  # fmt: skip
    (owed,) = door.owed(customer, kind="call_back")
    return customer, owed


def today(door: Door, who: str, at: str) -> dict[str, Any]:
    """The timeline's rows, by obligation, as the page and the quick read of the API give them."""
    told = door.send("get", "obligations?due=today", None, moment(at), who)
    return {row["id"]: row for row in told["rows"]}


def trail(customer: Any, *, since: int) -> set[tuple[int | None, int | None]]:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE zhike_owner")
        rows = set(Entry.objects.filter(customer_id=customer.pk, pk__gt=since).values_list("actor_id", "on_behalf_id"))
        cursor.execute("SET LOCAL ROLE zhike_app")
    return rows


def newest() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE zhike_owner")
        cursor.execute("SELECT coalesce(max(id), 0) FROM trail_entry")
        (id,) = cursor.fetchone()
        cursor.execute("SET LOCAL ROLE zhike_app")
    return int(id)


def test_what_falls_due_goes_to_both_and_is_done_on_behalf(door: Door) -> None:
    customer, owed = promised(door)
    away(door)
    rm, mate = door.cast.rm, door.cast.mate
    assert today(door, "mate", "23:59") == {}, "not before its first day"
    assert owed.pk in today(door, "rm", f"{TUESDAY} 00:00")
    theirs = today(door, "mate", f"{TUESDAY} 00:00")[owed.pk]
    assert theirs["on_behalf"] == {"id": str(rm.pk), "name": "林晓"}
    assert theirs["customer"]["id"] == str(customer.pk)
    assert today(door, "rm", f"{TUESDAY} 00:00")[owed.pk]["on_behalf"] is None
    assert "代 林晓" in door.page("", moment(f"{TUESDAY} 09:00"), "mate")
    assert "您正代 林晓 办理，至3月3日" in door.page("", moment(f"{TUESDAY} 09:00"), "mate")
    assert "您在休假，至3月3日；陈彤 代您办理" in door.page("", moment(f"{TUESDAY} 09:00"))
    listed = door.owed(customer, who="mate", now=moment(f"{TUESDAY} 09:00"))
    assert owed.pk in {row.pk for row in listed}
    assert "代 林晓" in door.page("schedule/", moment(f"{TUESDAY} 09:00"), "mate")

    since = newest()
    call = door.post(
        "contacts",
        {"kind": "call", "customer": str(customer.pk), "purpose": "call_back", "started_at": moment(f"{TUESDAY} 15:00"),
         "ended_at": moment(f"{TUESDAY} 15:04"), "outcome": "reached"},
        moment(f"{TUESDAY} 15:04"),
        "mate",
    )  # fmt: skip
    assert (call.rm["name"], call.held_by["name"]) == ("林晓", "陈彤")
    (kept,) = door.owed(customer, kind="call_back", now=moment(f"{TUESDAY} 16:00"))
    assert (kept.state, kept.owner["name"], kept.settled_by) == ("done", "林晓", str(mate.pk))
    assert trail(customer, since=since) == {(mate.pk, rm.pk)}, "every row of it names both"
    # Her promise, kept to the minute, whoever kept it.
    (measure,) = door.measured(customer, "C5", moment(f"{TUESDAY} 18:00"))
    assert (measure.owed, measure.in_time, dict(measure.spread)) == (1, 1, {"kept": 1})
    assert door.owed(customer, kind="call_back", who="rm", now=moment("2026-03-09 09:00"))[0].settled_by == str(mate.pk)
    assert "陈彤 代 林晓" in door.page(f"obligations/{owed.pk}/", moment("2026-03-09 09:00"))


def test_the_one_who_is_away_sees_what_was_done_for_her(door: Door) -> None:
    customer, _owed = promised(door)
    away(door)
    door.record(
        customer, "call", moment(f"{TUESDAY} 15:00"), moment(f"{TUESDAY} 15:04"), rm="mate", purpose="call_back"
    )
    assert "陈彤 代 林晓" in door.page("me/", moment("2026-03-09 09:00"))


def test_what_is_promised_while_standing_in_stays_with_the_customers_own_rm(door: Door) -> None:
    """Else nobody could keep it: from the first day back the stand-in sees the customer no more."""
    customer = door.customer(met=True, called=True)
    away(door)
    form = {**FORMS["none"], "demands": ["换卡"], "promises": [{"words": "问清费率", "to": "customer"}]}
    visit = door.record(customer, "visit", moment(f"{TUESDAY} 14:00"), moment(f"{TUESDAY} 14:40"), rm="mate", form=form)
    assert (visit.held_by["name"], visit.first) == ("陈彤", False)
    told = door.owed(customer, now=moment("2026-03-04 00:30"))
    assert {(each.kind, each.owner["name"]) for each in told} == {
        ("thanks", "林晓"), ("write_up", "林晓"), ("answer", "林晓"), ("promise", "林晓"),
    }  # fmt: skip
    (written,) = [each for each in told if each.kind == "write_up"]
    assert (written.state, written.settled_by) == ("done", str(door.cast.mate.pk))
    (thanks,) = [each for each in told if each.kind == "thanks"]
    assert "受林晓委托" in door.page(f"obligations/{thanks.pk}/", moment(f"{TUESDAY} 19:30"), "mate") or (
        "林晓" in door.page(f"obligations/{thanks.pk}/", moment(f"{TUESDAY} 19:30"), "mate")
    )
    done = door.done(thanks, moment(f"{TUESDAY} 19:30"), "mate", channel="sms", introduces=True)
    assert (done.state, done.owner["name"], done.settled_by) == ("done", "林晓", str(door.cast.mate.pk))


def test_it_ends_by_itself_at_the_banks_midnight(door: Door) -> None:
    customer, owed = promised(door)
    away(door)
    browser = door.cast.client("mate", moment(f"{TUESDAY} 23:50"))
    with clock.at(moment(f"{TUESDAY} 23:59")):
        assert browser.get(f"/customers/{customer.pk}/").status_code == 200
        assert "代 林晓" in browser.get("/").content.decode()
    with clock.at(moment(f"{TUESDAY} 24:00")):
        assert browser.get(f"/customers/{customer.pk}/").status_code == 404
        assert browser.get(f"/obligations/{owed.pk}/").status_code == 404
        assert browser.post(f"/obligations/{owed.pk}/call/").status_code == 404
        assert "代 林晓" not in browser.get("/").content.decode()
    assert owed.pk not in today(door, "mate", f"{TUESDAY} 24:00")
    assert owed.pk in today(door, "rm", f"{TUESDAY} 24:00")
    with pytest.raises(Refused, match="404"):
        door.done(owed, moment(f"{TUESDAY} 24:00"), "mate", words="x")


def test_the_banks_midnight_is_that_of_its_zone(door: Door) -> None:
    """Shanghai's midnight is 17:00 in London's winter: there Tuesday ends eight hours later."""
    _customer, _owed = promised(door)
    door.setting("zone", "Europe/London")
    away(door)
    for at, sees in (
        ("2026-03-03 07:59", False),
        ("2026-03-03 08:00", True),
        ("2026-03-04 07:59", True),
        ("2026-03-04 08:00", False),
    ):
        with door.cast.acting("mate", moment(at)) as actor:
            assert bool(actor.covers) is sees, at


def test_back_early_and_the_right_is_gone_with_the_next_request(door: Door) -> None:
    customer, _owed = promised(door)
    leave = away(door)
    browser = door.cast.client("mate", moment(f"{TUESDAY} 11:45"))
    with clock.at(moment(f"{TUESDAY} 11:30")):
        assert browser.get(f"/customers/{customer.pk}/").status_code == 200
    ended = door.post(f"leaves/{leave.pk}/end", None, moment(f"{TUESDAY} 12:00"))
    assert ended.covers is False
    with clock.at(moment(f"{TUESDAY} 12:00")):
        assert browser.get(f"/customers/{customer.pk}/").status_code == 404
    with pytest.raises(Refused, match="409"):
        door.post(f"leaves/{leave.pk}/end", None, moment(f"{TUESDAY} 12:01"))


def test_search_and_books_hold_the_covered_ones_and_say_so(door: Door) -> None:
    away(door)
    with door.cast.acting("mate", moment(f"{TUESDAY} 09:00")) as actor:
        (hit,) = search.find("张伟明", actor, moment(f"{TUESDAY} 09:00"), Bank()).hits
        assert (hit.mine, hit.covered, hit.rm) == (False, True, "林晓")
    page = door.page("customers/", moment(f"{TUESDAY} 09:00"), "mate")
    assert "代 林晓" in page
    assert "张伟明" in door.page(f"customers/?rm={door.cast.rm.pk}", moment(f"{TUESDAY} 09:00"), "mate")
    told = door.send("get", "customers", None, moment(f"{TUESDAY} 09:00"), "mate")
    assert {row["name"] for row in told["items"]} == {
        each.name for whose in ("rm", "mate") for each in door.cast.customers[whose]
    }
    assert "张伟明" in door.page(f"customers/{door.cast.customers['rm'][0].pk}/", moment(f"{TUESDAY} 09:00"), "mate")


def test_a_leader_lends_her_own_customers_and_nothing_of_the_team(door: Door) -> None:
    own = door.customer(rm="leader", known="")
    customer, _owed = promised(door)
    door.setting("stand_in_from", "bank")
    away(door, "leader", "stranger")
    at = moment(f"{TUESDAY} 15:40")
    door.tick(at)  # the call-back was missed, so the leader is to look into it
    (look_into,) = door.owed(customer, kind="look_into", who="leader", now=at)
    with door.cast.acting("stranger", at) as actor:
        assert actor.covers == actor.lent == (door.cast.leader.pk,)
        assert actor.oversees == actor.directs == (door.cast.stranger.pk,)
    told = door.send("get", "customers", None, at, "stranger")["items"]
    assert own.name in {row["name"] for row in told}
    assert not {row["name"] for row in told} & {each.name for each in door.cast.customers["rm"]}
    assert look_into.pk not in today(door, "stranger", f"{TUESDAY} 15:40")
    with pytest.raises(Refused, match="404"):
        door.send("get", f"obligations/{look_into.pk}", None, at, "stranger")
    with pytest.raises(Refused, match="403"):
        door.send("get", "leaves?of=mine", None, at, "compliance")


def test_nobody_covers_through_somebody_who_covers(door: Door) -> None:
    """林晓 is covered by 陈彤; 陈彤 cannot be away then, and even were she, 吴敏 would get 陈彤's customers alone."""
    away(door)
    with pytest.raises(Refused, match="另请代班人"):
        away(door, "mate", "leader")
    with door.owner():
        Leave.objects.create(
            staff=door.cast.mate, from_day=TUESDAY, to_day=WEDNESDAY, stand_in=door.cast.stranger, asked_by=door.cast.mate,
            asked_at=MONDAY_MORNING, answer="accepted", answered_by=door.cast.stranger, answered_at=MONDAY_MORNING,
        )  # fmt: skip
    with door.cast.acting("stranger", moment(f"{TUESDAY} 10:00")) as actor:
        assert actor.covers == (door.cast.mate.pk,)
        assert door.cast.rm.pk not in actor.sees


def test_the_quick_read_says_the_same_as_the_long_way(door: Door) -> None:
    promised(door)
    away(door)
    now = moment(f"{TUESDAY} 09:00")
    quick = door.send("get", "obligations?due=today", None, now, "mate")
    with clock.at(now):
        long = door.clients["mate"].get("/api/v1/obligations?due=today", headers={"X-Poll": "1"})
    assert json.loads(long.content) == quick
