"""Agreed call-backs by their minutes (C5): what API and pages say of two days whose figures are worked out by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.cast import seat
from tests.clauses.door import Door, Refused
from tests.clauses.moments import moment
from zhike import clock
from zhike.conduct.measure import EDGES, FATES, bin_of, call_backs, edges
from zhike.obligations import call_backs as ledger
from zhike.people.models import Leave

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = moment("2026-03-03 17:00")
BEGIN, END = moment("2026-03-01 00:00"), moment("2026-04-01 00:00")


@pytest.fixture
def door(db: None, owner: Role, worker: Role) -> Door:
    with owner():
        cast = seat()
    return Door(cast, owner, worker)


def promised(door: Door, at: str, *, day: str = "2026-03-02", rm: str = "rm") -> tuple[Any, Any]:
    """A customer who was busy at ten and agreed to be rung at ``at``; with the call."""
    customer = door.customer("gold", met=True, called=True, rm=rm)
    began, ended = moment(f"{day} 10:00"), moment(f"{day} 10:01")
    call = door.record(
        customer, "call", began, ended, outcome="busy", purpose="care", call_back_at=moment(f"{day} {at}"), rm=rm
    )
    return customer, call


def rung(door: Door, customer: Any, at: str, *, day: str = "2026-03-02", rm: str = "rm", **more: Any) -> None:
    """The promised call as it was recorded afterwards."""
    (owed,) = door.owed(customer, kind="call_back", who=rm)
    start, end = moment(f"{day} {at}"), moment(f"{day} 20:00")
    door.record(
        customer, "call", start, start, known=end, rm=rm, **{"purpose": "call_back", "fulfils": owed.pk, **more}
    )


def tapped(door: Door, customer: Any, at: str) -> None:
    """The same, tapped as it happens."""
    (owed,) = door.owed(customer, kind="call_back")
    call = door.planned(customer, now=moment("14:00"), kind="call", purpose="call_back")
    door.step("start", call, moment(at))
    door.step("outcome", call, moment(at), outcome="reached", fulfils=owed.pk)


def two_days(door: Door) -> None:
    """Lin Xiao, tolerance 5 on Monday and 15 on Tuesday. Early: -8. Kept: 0 and +2 (tapped), +12 on Tuesday, and one where the
    customer rang at eleven. Late: +20 and +61. Never: 15:00, of which the leader has notice, and 16:50, promised for the time
    after the leader's last look. Still to come: Tuesday 18:00. Not counted: a customer who died, a call that never was.

    Chen Tong: one kept at -3. Zhao Lei, in the other sub-branch: one late at +6.
    """
    door.setting("callback_tolerance", 15, date(2026, 3, 3))
    rung(door, promised(door, "15:00")[0], "14:52", explanation="客户要开会")
    rung(door, promised(door, "15:00")[0], "15:00")
    tapped(door, promised(door, "15:00")[0], "15:02")
    rung(door, promised(door, "15:00")[0], "15:20")
    rung(door, promised(door, "15:00")[0], "16:01")
    rung(door, promised(door, "15:00")[0], "11:00", incoming=True, purpose="other", fulfils=None)
    promised(door, "15:00")
    _, struck = promised(door, "16:00")
    door.struck(struck, moment("14:00"))
    dead, _ = promised(door, "15:30")
    door.stopped(dead, "deceased", moment("15:10"))
    door.tick(moment("15:31"))
    promised(door, "16:50")
    rung(door, promised(door, "15:00", day="2026-03-03")[0], "15:12", day="2026-03-03")
    promised(door, "18:00", day="2026-03-03")
    rung(door, promised(door, "15:00", rm="mate")[0], "14:57", rm="mate")
    rung(door, promised(door, "15:00", rm="stranger")[0], "15:06", rm="stranger")


WHOLE = {"owed": 10, "early": 1, "kept": 4, "late": 2, "never": 2, "open": 1, "told": 1, "by_customer": 1}
BINS = {(-8, -7): "early", (0, 1): "kept", (1, 2): "kept", (10, 15): "kept", (15, 30): "late", (60, None): "late"}


def asked(door: Door, query: str = "", who: str = "rm") -> dict[str, Any]:
    found: dict[str, Any] = door.send("get", f"adherence/call-backs?{query}", None, NOW, who)
    return found


@pytest.mark.clause("C5", "MEASURE")
def test_an_rm_sees_how_far_off_each_was(door: Door) -> None:
    two_days(door)
    told = asked(door)
    assert (told["since"], told["until"], told["items"]) == ("2026-03-01", "2026-03-04", [])
    whole = told["whole"]
    assert {name: whole[name] for name in WHOLE} == WHOLE
    assert {(bin["after"], bin["upto"]): [f for f in ("early", "kept", "late") if bin[f]] for bin in whole["bins"]} == {
        where: [fate] for where, fate in BINS.items()
    }
    assert whole["grades"] == {"early": {"entered": 1}, "kept": {"entered": 3, "tapped": 1}, "late": {"entered": 2}}
    assert whole["tolerances"] == {"5": 8, "15": 2}
    monday = asked(door, "since=2026-03-02&until=2026-03-03")["whole"]
    assert (monday["owed"], monday["tolerances"]) == (8, {"5": 8})


def test_those_who_lead_see_their_people_and_nobody_elses(door: Door) -> None:
    two_days(door)
    by_staff = asked(door, "by=staff", "leader")
    assert by_staff["whole"]["owed"] == 11
    assert [(each["staff"]["name"], each["owed"], each["kept"]) for each in by_staff["items"]] == [
        ("林晓", 10, 4), ("陈彤", 1, 1),
    ]  # fmt: skip
    by_unit = asked(door, "by=unit", "branch_leader")
    assert [(each["unit"]["name"], each["owed"], each["late"]) for each in by_unit["items"]] == [
        ("世纪大道支行", 11, 2), ("陆家嘴支行", 1, 1),
    ]  # fmt: skip
    century, lujiazui = door.cast.units["century"].pk, door.cast.units["lujiazui"].pk
    assert asked(door, f"unit={century}", "branch_leader")["whole"]["owed"] == 11
    assert asked(door, f"unit={lujiazui}", "leader")["whole"]["owed"] == 0
    assert asked(door, f"staff={door.cast.mate.pk}", "leader")["whole"]["owed"] == 1
    assert asked(door, f"staff={door.cast.mate.pk}")["whole"]["owed"] == 0, "a team-mate's"
    with pytest.raises(Refused, match="422"):
        asked(door, "since=2026-03-02&until=2026-03-02")


@pytest.mark.parametrize("who", ["mate", "other_leader"])
def test_standing_in_shows_no_figures_of_whom_one_covers(door: Door, owner: Role, who: str) -> None:
    """Her customers are lent to whoever stands in, how she has kept her minutes is not: no more than in any other measure."""
    two_days(door)
    own = asked(door, "", who)["whole"]["owed"]
    stand_in = door.cast.staff[who]
    with owner():
        Leave.objects.create(
            staff=door.cast.rm, from_day=date(2026, 3, 2), to_day=date(2026, 3, 9), stand_in=stand_in,
            asked_by=door.cast.rm, asked_at=NOW, answer="accepted", answered_by=stand_in, answered_at=NOW,
        )  # fmt: skip
    assert asked(door, "", who)["whole"]["owed"] == own == 1
    assert asked(door, f"staff={door.cast.rm.pk}", who)["whole"]["owed"] == 0
    if who == "other_leader":
        with clock.at(NOW):
            browser = door.cast.client(who)
            assert "林晓" not in browser.get("/team/call-backs/").content.decode()
            assert browser.get(f"/team/call-backs/?staff={door.cast.rm.pk}").status_code == 404


def test_whatever_is_counted_can_be_looked_at(door: Door) -> None:
    """The judgement that counts and the one that lists are written twice, in Python and in SQL: here they must agree."""
    two_days(door)
    with door.cast.acting("branch_leader", NOW) as actor, clock.at(NOW):
        rows = ledger.called_back(actor.sees, BEGIN, END, now=NOW, day=NOW.date())
        made = call_backs(row.made for row in rows)
        listed = ledger.each(actor, {row.staff for row in rows}, BEGIN, END)
        assert made.owed == listed.count() == 12
        for fate in FATES:
            assert listed.filter(ledger.with_fate(fate, NOW)).count() == made.fates[fate], fate
        assert listed.filter(ledger.with_fate("by_customer", NOW)).count() == made.by_customer == 1
        for n, bin in enumerate(made.bins):
            found = listed.filter(ledger.in_bin(n))
            assert found.count() == sum(bin.values()), edges(n)
            assert all(bin_of(row.evidence["minutes"]) == n for row in found)
        assert sum(listed.filter(ledger.in_bin(n)).count() for n in range(len(EDGES) + 1)) == 8


def test_a_limit_belongs_to_its_bin_in_both(door: Door, owner: Role) -> None:
    """Deviations at the edges, written into what was done."""
    from zhike.obligations.models import Obligation

    customer, _ = promised(door, "15:00")
    rung(door, customer, "15:00")
    with door.cast.acting("rm", NOW) as actor:
        for minutes in (-60.01, -60, -30, -5.01, -5, -1, -0.01, 0, 0.01, 1, 5, 5.01, 10, 15, 60, 60.01):
            with owner():
                row = Obligation.objects.get(customer=customer, kind="call_back")
                row.evidence["minutes"] = minutes
                row.save()
            made = call_backs(row.made for row in ledger.called_back([actor.id], BEGIN, END, now=NOW, day=NOW.date()))
            assert [n for n, bin in enumerate(made.bins) if bin] == [bin_of(minutes)], minutes
            listed = ledger.each(actor, [actor.id], BEGIN, END)
            assert [n for n in range(len(EDGES) + 1) if listed.filter(ledger.in_bin(n))] == [bin_of(minutes)], minutes


def test_one_query_whatever_their_number(door: Door) -> None:
    two_days(door)
    with door.cast.acting("branch_leader", NOW) as actor, CaptureQueriesContext(connection) as queries:
        assert len(ledger.called_back(actor.sees, BEGIN, END, now=NOW, day=NOW.date())) > 1
    assert len(queries) == 1


def figures(html: str, id: str) -> list[list[str]]:
    """The rows of the table in the card named ``id``, as texts."""
    card = html.split(f'aria-labelledby="{id}"', 1)[1].split("</section>", 1)[0]
    body = card.split("<tbody>", 1)[1].split("</tbody>", 1)[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.S)
    return [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.S)] for row in rows
    ]


def test_the_leaders_page_puts_the_team_first(door: Door) -> None:
    two_days(door)
    page = door.page("team/call-backs/", NOW, "leader", raw=True)
    assert figures(page, "fates") == [
        ["偏早", "1", "0", "0", "1"], ["守约", "5", "0", "1", "4"], ["偏晚", "2", "0", "0", "2"],
        ["从未打", "2", "其中已告知主管 1 通"], ["未到时", "1", ""],
    ]  # fmt: skip
    assert figures(page, "bins") == [
        ["−8 至 −7 分", "1", "偏早 1"], ["−3 至 −2 分", "1", "守约 1"], ["0 至 +1 分", "1", "守约 1"],
        ["+1 至 +2 分", "1", "守约 1"], ["+10 至 +15 分", "1", "守约 1"], ["+15 至 +30 分", "1", "偏晚 1"],
        ["晚 60 分以上", "1", "偏晚 1"], ["从未打", "2", "其中已告知主管 1 通"],
    ]  # fmt: skip
    assert figures(page, "people") == [["林晓", "1", "4", "2", "2", "1"], ["陈彤", "0", "1", "0", "0", "0"]]
    assert "±5 分、±15 分" in page
    assert 'aria-labelledby="units"' not in page
    branch = door.page("team/call-backs/", NOW, "branch_leader", raw=True)
    assert [row[0] for row in figures(branch, "units")] == ["世纪大道支行", "陆家嘴支行"]
    assert "林晓" not in branch, "persons only once a unit is looked at"
    units = door.cast.units
    century = door.page(f"team/call-backs/?unit={units['century'].pk}", NOW, "branch_leader", raw=True)
    assert [row[0] for row in figures(century, "people")] == ["林晓", "陈彤"]
    whole = door.page(f"team/call-backs/?unit={units['branch'].pk}", NOW, "branch_leader", raw=True)
    assert figures(whole, "units") == figures(branch, "units")
    assert 'aria-labelledby="people"' not in whole, "nobody serves in the branch itself"


def test_each_sees_the_same_of_themselves(door: Door) -> None:
    two_days(door)
    mine = door.page("me/call-backs/", NOW, raw=True)
    hers = door.page(f"team/call-backs/?staff={door.cast.rm.pk}", NOW, "leader", raw=True)
    for id in ("fates", "bins"):
        assert figures(mine, id) == figures(hers, id)
    assert "陈彤" not in mine
    assert "守约回电" in door.page("me/", NOW)
    assert "守约回电" in door.page("team/", NOW, "leader")


def test_behind_a_figure_stand_its_call_backs(door: Door) -> None:
    two_days(door)
    never = door.page("team/call-backs/?fate=never", NOW, "leader")
    assert never.count("林晓 · 从未打") == 2
    assert never.count("已告知吴敏") == 1
    bin = door.page(f"me/call-backs/?bin={bin_of(20)}", NOW, raw=True)
    (led_to,) = set(re.findall(r'href="/obligations/(\d+)/"', bin))
    assert "偏晚 +20 分 0 秒" in bin
    assert "15:20" in door.page(f"obligations/{led_to}/", NOW)
    assert door.page("me/call-backs/?fate=by_customer", NOW).count("林晓 · 守约") == 1
    assert "没有。" in door.page(f"me/call-backs/?bin={bin_of(-20)}", NOW)


def test_a_leader_who_looked_into_it_is_said_so(door: Door) -> None:
    customer, _ = promised(door, "15:00")
    door.tick(moment("15:31"))
    (told,) = door.owed(customer, kind="look_into", who="leader")
    door.done(told, moment("15:40"), who="leader", words="林晓在外开会")
    assert "已告知吴敏，已过问" in door.page("me/call-backs/?fate=never", NOW)


def test_a_period_by_tap_and_by_address(door: Door) -> None:
    two_days(door)
    assert "3月2日 – 3月8日" in door.page("me/call-backs/?period=week", NOW)
    assert "3月1日 – 3月31日" in door.page("me/call-backs/", NOW)
    assert "1月1日 – 3月31日" in door.page("me/call-backs/?period=quarter", NOW)
    tuesday = door.page("me/call-backs/?from=2026-03-03&to=2026-03-03", NOW, raw=True)
    assert [row[1] for row in figures(tuesday, "fates")] == ["0", "1", "0", "0", "1"]
    for wrong in ("from=2026-03-03&to=", "from=x&to=2026-03-03", "from=2026-03-03&to=2026-03-02",
                  "from=2024-01-01&to=2026-01-01", "from=9999-12-31&to=9999-12-31", "from=0001-01-01&to=0001-01-02"):  # fmt: skip
        said = door.page(f"me/call-backs/?{wrong}", NOW, raw=True)
        assert "下面显示的是本月" in said, wrong
        assert re.findall(r'name="from" type="date" value="(.*?)"', said) == [wrong.split("&")[0].split("=")[1]]


def test_without_any_it_says_what_would_stand_here(door: Door) -> None:
    assert "这段时间没有约定的回电" in door.page("me/call-backs/", NOW)
    assert "这段时间没有约定的回电" in door.page("team/call-backs/", NOW, "auditor")


@pytest.mark.parametrize("query", ["unit=0", "unit=999999", "unit=x", "staff=x", "staff={stranger}"])
def test_who_is_out_of_sight_is_not_found(door: Door, query: str) -> None:
    query = query.format(stranger=door.cast.stranger.pk)
    with clock.at(NOW):
        assert door.cast.client("leader", NOW).get(f"/team/call-backs/?{query}").status_code == 404


@pytest.mark.parametrize(
    "query", ["fate=x", "bin=-1", "bin=999", "fate=never&page=-3", "fate=never&page=99999999999999"]
)
def test_what_nobody_can_have_asked_for_does_no_harm(door: Door, query: str) -> None:
    two_days(door)
    assert "守约回电" in door.page(f"team/call-backs/?{query}", NOW, "leader")
