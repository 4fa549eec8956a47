"""阅知 · W6: etiquette at the moment of need; each version of the code read and acknowledged by everyone whom it binds."""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from typing import Any

import pytest

from zhike.conduct import clause
from zhike.obligations.models import Acknowledgement, Obligation
from zhike.people.models import Leave, Post

from .door import Door, Refused
from .moments import moment, shown
from .test_measured import measured

pytestmark = pytest.mark.django_db

FIRST, NEXT = "2025-07-01", "2026-03-10"
OLD, NEW = "客人离开时为其开门。", "客人离开时为其开门，自己随行在后。"
BOUND = {"rm", "mate", "stranger", "leader", "other_leader", "branch_leader"}


@pytest.fixture
def bound(door: Door) -> Door:
    """The bank's default: RMs and leaders, seven days."""
    door.setting("acknowledge_roles", ["rm", "leader"], date(2026, 1, 1))
    return door


def owing(door: Door, who: str) -> list[Obligation]:
    with door.owner():
        return list(
            Obligation.objects.filter(owner=door.cast.staff[who], kind="acknowledge", clause="W6").order_by("pk")
        )


def tap(door: Door, at: str, who: str = "rm", version: str = FIRST) -> Any:
    return door.send("post", "clauses/acknowledgements", {"version": version}, moment(at), who)


def told(door: Door, at: str, who: str) -> Any:
    return door.send("get", "clauses/acknowledgements", None, moment(at), who)


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code with another wording of R10 from the tenth of March on."""
    chapters = {
        name: files("zhike.conduct.clauses").joinpath(f"{name}.toml").read_text("utf-8") for name in clause.CHAPTERS
    }
    entry = f"[[R10.in_force]]\nfrom = {FIRST}\n"
    assert entry in chapters["reception"]
    before = f'{entry}norm = {{zh = "{OLD}", en = "Open the door."}}\n[[R10.in_force]]\nfrom = {NEXT}\n'
    chapters["reception"] = chapters["reception"].replace(entry, before)
    code = clause.parse(chapters)
    monkeypatch.setattr(clause, "load", lambda: code)


@pytest.mark.clause("W6", "BRIEF")
def test_w6_brief(door: Door) -> None:
    """On the preparation card lies what fits the contact; every occasion stands under the code."""
    customer = door.customer("gold")
    plan = door.planned(customer, now=moment("13:00"), kind="reception")
    card = door.page(f"contacts/{plan.pk}/prepare/", moment("13:50"))
    for said in ("礼仪卡", "双手递名片", "W6", "边谈边看手机", "您喝茶还是白水"):
        assert said in card
    assert "真老师，请这边坐" in card, "the customer's form of address is filled in"
    assert "劝酒" not in card
    every = door.page("code/manners/", moment("13:50"))
    for said in ("商务宴请", "劝酒", "慰问与吊唁", "节哀保重", "节日走访", "仪容举止"):
        assert said in every
    assert "劝酒" not in door.page("code/manners/condolence/", moment("13:50"))


@pytest.mark.clause("W6", "RECORD")
def test_w6_record(bound: Door) -> None:
    """Owed by everyone whom it binds from the day's sweep on, for seven days; done by one's own tap, kept with its time, once."""
    bound.sweep(moment("01:00"))
    bound.sweep(moment("02:00"))
    for who in bound.cast.staff:
        assert len(owing(bound, who)) == (who in BOUND), who
    (owed,) = owing(bound, "rm")
    assert (shown(owed.opens), shown(owed.due), owed.origin, owed.force) == (
        "2026-03-02 00:00", "2026-03-09 00:00", "bank", "should",
    )  # fmt: skip
    assert "阅读行为规范，确认遵守" in bound.page("", moment("08:00")), "on Today from the first day"
    page = bound.page("code/read/", moment("08:00"))
    assert "请通读全文" in page
    assert "已读并遵守" in page
    done = tap(bound, "10:00")
    assert (done["version"], done["at"], done["staff"]["name"]) == (FIRST, "2026-03-02T02:00:00+00:00", "林晓")
    assert tap(bound, "11:00") == done, "twice is once"
    (owed,) = owing(bound, "rm")
    assert (owed.state, shown(owed.settled_at), owed.evidence["grade"], owed.evidence["late"]) == (
        "done", "2026-03-02 10:00", "tapped", False,
    )  # fmt: skip
    bound.sweep(moment("2026-03-03 01:00"))
    assert len(owing(bound, "rm")) == 1
    assert "已读并遵守" not in bound.page("code/read/", moment("2026-03-03 08:00"))


def test_who_sees_who_has_read_it(bound: Door) -> None:
    bound.sweep(moment("01:00"))
    tap(bound, "10:00")
    seen = told(bound, "11:00", "leader")
    assert seen["counts"] == {"bound": 3, "read": 1, "open": 2, "late": 0}
    assert {each["staff"]["name"]: each["state"] for each in seen["items"]} == {
        "林晓": "read",
        "陈彤": "open",
        "吴敏": "open",
    }
    over = told(bound, "2026-03-09 00:00", "branch_leader")
    assert over["counts"] == {"bound": 6, "read": 1, "open": 0, "late": 5}
    assert [(each["unit"]["name"], each["bound"], each["read"]) for each in over["units"]] == [
        ("张江分行", 1, 0), ("世纪大道支行", 3, 1), ("陆家嘴支行", 2, 0),
    ]  # fmt: skip
    watching = told(bound, "11:00", "compliance")
    assert (watching["counts"]["bound"], watching["items"]) == (6, []), "counts, and nobody by name"
    assert {each["staff"]["name"] for each in told(bound, "11:00", "mate")["items"]} == {"陈彤"}


def test_nobody_acknowledges_for_another_or_another_version(bound: Door) -> None:
    bound.sweep(moment("01:00"))
    for version in ("2025-06-30", "2026-03-10"):
        with pytest.raises(Refused, match="422"):
            tap(bound, "10:00", version=version)
    with pytest.raises(Refused, match="403"):
        tap(bound, "10:00", "compliance")
    with bound.owner():
        assert not Acknowledgement.objects.exists()
    assert [each.state for each in owing(bound, "rm")] == ["open"]


def test_new_staff_from_their_post_and_whoever_is_away_when_back(bound: Door) -> None:
    cast = bound.cast
    with bound.owner():
        Post.objects.filter(staff=cast.mate).update(from_day=date(2026, 3, 5))
        Leave.objects.create(
            staff=cast.rm, from_day=date(2026, 3, 2), to_day=date(2026, 3, 4), stand_in=cast.leader, asked_by=cast.rm,
            asked_at=moment("00:00"), answer="accepted", answered_by=cast.leader, answered_at=moment("00:00"),
        )  # fmt: skip
    days: dict[str, list[str]] = {"rm": [], "mate": []}
    for day in range(2, 7):
        bound.sweep(moment(f"2026-03-0{day} 01:00"))
        for who, seen in days.items():
            seen.append(shown(owing(bound, who)[0].due) if owing(bound, who) else "")
    assert days["rm"] == ["", "", *["2026-03-11 00:00"] * 3]
    assert days["mate"] == ["", "", "", *["2026-03-12 00:00"] * 2]


def test_a_bank_that_asks_nobody_has_nobody_owe_it(door: Door) -> None:
    door.sweep(moment("01:00"))
    assert not any(owing(door, who) for who in door.cast.staff)
    assert "没有须阅知规范的人" in door.page("code/acknowledgements/", moment("08:00"), "leader")


def test_a_new_version_shows_what_changed_and_settles_what_was_owed_of_the_old(bound: Door, newer: None) -> None:
    bound.sweep(moment("01:00"))
    tap(bound, "10:00")
    bound.sweep(moment(f"{NEXT} 01:00"))
    assert [each.detail or each.subject for each in owing(bound, "rm")][-1].startswith(f"code:{NEXT}/")
    page = bound.page("code/read/", moment(f"{NEXT} 08:00"), raw=True)
    assert f"<del>{OLD}</del>" in page
    assert f"<ins>{NEW}</ins>" in page
    assert "1 条" in page
    assert "R12</" not in page, "what has not changed is left out"
    everything = bound.page("code/read/", moment(f"{NEXT} 08:00"), "mate")
    assert "请通读全文" in everything, "who never read it reads all of it"
    with pytest.raises(Refused, match="422"):
        tap(bound, f"{NEXT} 09:00", version=FIRST)
    tap(bound, f"{NEXT} 09:00", "mate", NEXT)
    assert [(each.state, each.evidence["late"]) for each in owing(bound, "mate")] == [("done", True), ("done", False)]
    seen = told(bound, f"{NEXT} 10:00", "leader")
    assert (seen["version"], seen["counts"]["read"]) == (NEXT, 1)
    assert OLD in bound.page("code/R10/", moment("2026-03-09 12:00")).split("起生效")[0], (
        "before its day the old words hold"
    )


@pytest.mark.clause("W6", "MEASURE")
def test_w6_measure(bound: Door) -> None:
    """Two days: to the end of Tuesday. In time 林晓 on Monday; late 陈彤 on Wednesday; the leader not at all: 1 of 3."""
    bound.setting("acknowledge_days", 2, date(2026, 1, 1))
    bound.sweep(moment("01:00"))
    tap(bound, "10:00")
    tap(bound, "2026-03-04 08:00", "mate")
    figures, rate = measured(bound, "W6", moment("2026-03-04 09:00"), "bank")
    team = {"owed": 3, "in_time": 1, "late": 1, "overdue": 1}
    assert (figures, rate) in ((team, 0.333), ({"owed": 2, "in_time": 1, "late": 1}, 0.5))
