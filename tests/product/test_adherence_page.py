"""The page of how the code is kept: figures worked out by hand, each leading to what is behind it."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.cast import seat
from tests.clauses.door import Door
from tests.clauses.moments import moment
from tests.product.test_call_backs import two_days
from zhike import clock
from zhike.customers.models import Customer

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = moment("2026-03-03 17:00")
CELL = re.compile(r'<td class="heat heat--(\w+)">(.*?)</td>', re.DOTALL)


@pytest.fixture
def door(db: None, owner: Role, worker: Role) -> Door:
    with owner():
        cast = seat()
    return Door(cast, owner, worker)


def page(door: Door, address: str, who: str = "leader") -> str:
    return str(door.page(address, NOW, who, raw=True))


def cells(html: str, clause: str) -> list[tuple[str, str]]:
    """Look and what is read of each cell in a clause's row."""
    row = re.search(rf'<tr><th scope="row"><a class="clause" href="/code/{clause}/">.*?</tr>', html, re.DOTALL)
    assert row, clause
    return [(look, " ".join(re.sub(r"<[^>]+>", " ", text).split())) for look, text in CELL.findall(row[0])]


@pytest.mark.clause("C5", "MEASURE")
def test_a_leader_sees_each_clause_by_week(door: Door) -> None:
    """Of the team's eleven call-backs two days hold ten that are over (five in time: 0, +2, +12, rung first, -3; one early, two
    late, two never), and one that is still to come: 50 per cent.
    """
    two_days(door)
    html = page(door, "team/adherence/")
    assert cells(html, "C5") == [("nothing", "本期无应办"), ("4", "50 5/10"), ("4", "50 5/10")]
    assert "3月1日起" in html
    one = page(door, f"team/adherence/?staff={door.cast.mate.pk}")
    assert cells(one, "C5")[-1] == ("few", "1/1"), "fewer than five: no per cent"


def test_by_unit_and_the_stranger_is_seen_by_whoever_is_above_both(door: Door) -> None:
    two_days(door)
    html = page(door, "team/adherence/?by=unit", "branch_leader")
    head = re.search(r"<thead>.*?</thead>", html, re.DOTALL)
    assert head
    assert re.findall(r"unit=(\d+)", head[0]) == [str(door.cast.units[name].pk) for name in ("century", "lujiazui")]
    assert cells(html, "C5") == [("4", "50 5/10"), ("few", "0/1"), ("4", "45 5/11")]
    assert "赵磊" not in page(door, "team/adherence/?clause=C5&all=yes")
    with clock.at(NOW):
        assert door.cast.client("leader", NOW).get(f"/team/adherence/?staff={door.cast.stranger.pk}").status_code == 404


def test_attested_and_what_the_bank_or_the_law_adds_stand_apart(door: Door) -> None:
    from tests.product.test_adherence import week

    week(door)
    html = page(door, "me/adherence/?from=2026-01-01&to=2026-12-31", "rm")
    groups = {
        name: re.findall(r'class="clause" href="/code/(\w+)/"', body)
        for name, body in re.findall(r'<tbody class="heat-group--(\w+)">(.*?)</tbody>', html, re.DOTALL)
    }
    assert groups["attested"] == ["R8", "R9", "R10", "C2"]
    assert groups["law"] == ["S5"]
    assert groups["offered"] == ["R11"]
    assert not {"R8", "S5", "R11"} & set(groups["code"])
    assert cells(html, "C1")[-1] == ("0", "100 6/6")
    assert cells(html, "C2")[-1] == ("4", "0 0/5")


def test_a_cell_leads_to_what_was_not_kept_and_to_all(door: Door) -> None:
    two_days(door)
    html = page(door, "team/adherence/?clause=C5&origin=code&column=2026-03-02")
    behind = html[html.index('id="behind"') :]
    assert behind.count('<li class="row') == 5
    assert behind.count("row--late") == 5
    every = page(door, "team/adherence/?clause=C5&origin=code&column=2026-03-02&all=yes")
    assert every[every.index('id="behind"') :].count('<li class="row') == 12, "with the dead customer's"
    calls = page(door, "me/adherence/?clause=C1&origin=code&all=yes", "rm")
    assert 'href="/contacts/' in calls[calls.index('id="behind"') :]


def test_a_period_that_cannot_be_is_said_and_what_was_typed_stays(door: Door) -> None:
    html = page(door, "team/adherence/?from=2026-03-09&to=2026-03-02")
    assert 'value="2026-03-09"' in html
    assert "显示的是本月" in html
    assert "这段时间没有到期的应办" in html


def test_the_number_of_queries_does_not_grow_with_what_is_shown(door: Door) -> None:
    two_days(door)
    counts = []
    for _round in range(2):
        browser = door.cast.client("leader", NOW)
        with clock.at(NOW), CaptureQueriesContext(connection) as asked:
            browser.get("/team/adherence/?clause=C5&all=yes")
        counts.append(len(asked))
        two = door.customer("gold", met=True, called=True)
        door.record(two, "call", moment("2026-03-02 11:00"), moment("2026-03-02 11:01"), outcome="busy", purpose="care",
                    call_back_at=moment("2026-03-02 12:00"))  # fmt: skip
    assert counts[0] == counts[1]


@pytest.mark.clause("S1", "MEASURE")
@pytest.mark.clause("S2", "MEASURE")
def test_messages_are_measured_by_the_way_they_went(door: Door, worker: Role) -> None:
    """Through the gateway a thank-you and a service message, by the bank's other platform a thank-you, from one's own phone a thank-you
    and a birthday: S1 3 of 4, for thanks from one's own phone are allowed; S2 1 of 3 thanks. What was refused, left nobody.
    """
    from tests.gateway import Gateway, taken
    from tests.product.test_messages import Line
    from zhike.conduct.bank import Bank
    from zhike.sms import gate

    at = moment("2026-03-02 16:00")
    door.setting("greeting_needs_consent", False)
    reached = door.cast.customers["rm"][0]
    with door.cast.acting("rm", at) as actor:
        reached.learn("mobile", "13800000001", source="contact", actor=actor, now=at)
        for kind, words in (
            ("service", "您的存折已换好。"),
            ("service", "保本保息，稳赚不赔。"),
            ("thanks", "感谢您光临。"),
        ):
            gate.send(reached, kind, words, actor=actor, now=at, bank=Bank())
    line = Line(worker, Gateway(answers=taken))
    line.rounds(at)
    for through, met in (("bank_sms", True), ("own_phone", True)):
        thanked = door.customer(met=met)
        door.record(thanked, "reception", moment("2026-03-02 14:00"), moment("2026-03-02 14:27"))
        (owed,) = door.owed(thanked, clause="R12")
        door.done(owed, at, channel="sms", through=through)
    born = door.customer("gold", met=True, called=True, birth_calendar="solar", birth_month=3, birth_day=2)
    door.sweep(moment("2026-03-02 00:30"))
    (owed,) = door.owed(born, clause="R5")
    door.done(owed, at, channel="sms", through="own_phone", words="生日快乐")

    html = page(door, "team/adherence/?clause=S1")
    assert cells(html, "S1") == [("nothing", "本期无应办"), ("few", "3/4"), ("few", "3/4")]
    assert cells(html, "S2") == [("nothing", "本期无应办"), ("few", "1/3"), ("few", "1/3")]
    behind = re.sub(r"<[^>]+>", " ", html[html.index('id="behind"') :])
    assert born.honorific in behind
    assert "生日快乐" in behind
    every = re.sub(r"<[^>]+>", " ", page(door, "team/adherence/?clause=S1&all=yes"))
    assert sorted(re.findall(r"(\d+) 条短信", every)) == ["1", "2"], "thanks of the day, and what was no thanks"
    assert "3/4" not in page(door, f"team/adherence/?staff={door.cast.mate.pk}")
    for clause, kept, of in (("S1", 3, 4), ("S2", 1, 3)):
        assert f"做到 {kept} 共 {of}" in " ".join(re.sub(r"<[^>]+>", " ", page(door, f"code/{clause}/", "rm")).split())
    with door.owner():
        Customer.objects.filter(pk=reached.pk).update(rm=door.cast.mate)
    for address in ("team/adherence/", f"team/adherence/?staff={door.cast.rm.pk}"):
        assert cells(page(door, address), "S1")[-1] == ("few", "3/4"), (
            "whoever looks after the customer by now, and however one asks"
        )
