"""外出报备 · W7: an outing is told beforehand, signed back in at once, reported on; help gets an answer; a visit outside wants one."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from zhike.conduct import measure
from zhike.conduct.bank import Bank
from zhike.obligations.models import Obligation
from zhike.work.overdue import escalate

from .door import Door, Refused
from .moments import moment, shown
from .test_measured import measured

pytestmark = pytest.mark.django_db


def report(door: Door, *stops: dict[str, Any], at: str = "13:50", leaves: str = "14:00", back: str = "17:00") -> Any:
    """Told at ``at``; without stops one place."""
    told = list(stops) or [{"place": "工商局", "purpose": "办证"}]
    body = {"stops": told, "departs_at": moment(leaves), "returns_at": moment(back)}
    return door.send("post", "outings", body, moment(at))


def step(door: Door, outing: Any, verb: str, at: str, who: str = "rm", **more: Any) -> Any:
    return door.send("post", f"outings/{outing['id']}/{verb}", more, moment(at), who)


def owing(door: Door, kind: str, who: str = "rm") -> list[Obligation]:
    with door.owner():
        rows = Obligation.objects.filter(owner=door.cast.staff[who], kind=kind, clause="W7").exclude(state="withdrawn")
        return list(rows.order_by("pk"))


def ticked(door: Door, at: str) -> int:
    """The worker's minute."""
    with door.worker():
        return escalate(moment(at), Bank())


@pytest.mark.clause("W7", "RECORD")
def test_w7_record(door: Door) -> None:
    """Destinations and expected return, told beforehand; check-ins; the leader sees and answers; a result of each stop."""
    customer = door.customer(met=True)
    outing = report(door, {"customer": str(customer.pk), "purpose": "签合同"}, {"place": "工商局", "purpose": "办证"})
    assert (outing["state"], shown(moment_of(outing["returns_at"]))) == ("reported", "2026-03-02 17:00")
    seen = door.send("get", "outings/board", None, moment("13:51"), "leader")["items"]
    assert [(each["staff"]["name"], [stop["place"] for stop in each["stops"]]) for each in seen] == [
        ("林晓", ["", "工商局"])
    ]
    told = step(door, outing, "answer", "13:52", "leader", words="请带小陈一起去")
    assert (told["answer"], told["answered_by"]["name"]) == ("请带小陈一起去", "吴敏")
    (owed,) = owing(door, "sign_in")
    assert owed.what["zh"] == "外出 2 处，返回签到 · 吴敏：请带小陈一起去", "the RM reads it on Today"
    first, second = (stop["id"] for stop in outing["stops"])
    assert step(door, outing, "departure", "14:01")["state"] == "out"
    there = step(door, outing, "check-in", "14:30", stop=first)
    assert shown(moment_of(there["stops"][0]["reached_at"])) == "2026-03-02 14:30"
    step(door, outing, "report", "14:58", stop=first, result="done", words="合同已签")
    assert step(door, outing, "return", "16:40")["state"] == "back"
    over = step(door, outing, "report", "16:45", stop=second, result="put_off", words="今天不办公")
    assert (over["state"], [stop["result"] for stop in over["stops"]]) == ("closed", ["done", "put_off"])


def moment_of(text: str) -> Any:
    return datetime.fromisoformat(text)


@pytest.mark.clause("W7", "OWE")
def test_w7_owe_the_return(door: Door) -> None:
    """Signed back in by the return that was said last; 17:30 itself is in time, a minute later is not."""
    for back, late in (("17:30", False), ("17:31", True)):
        outing = report(door)
        (owed,) = [each for each in owing(door, "sign_in") if each.state == "open"]
        assert [shown(each) for each in (owed.opens, owed.due)] == ["2026-03-02 14:00", "2026-03-02 17:00"]
        step(door, outing, "departure", "14:00")
        step(door, outing, "extension", "16:50", returns_at=moment("17:30"))
        step(door, outing, "return", back)
        done = owing(door, "sign_in")[-1]
        assert (done.state, shown(done.due), done.evidence["late"]) == ("done", "2026-03-02 17:30", late)


@pytest.mark.clause("W7", "OWE")
def test_w7_owe_the_report(door: Door) -> None:
    """A report on the same day: of each stop; told on the way it is done with the return."""
    outing = report(door)
    step(door, outing, "departure", "14:00")
    step(door, outing, "return", "16:30")
    (owed,) = owing(door, "outing_report")
    assert [shown(each) for each in (owed.opens, owed.due)] == ["2026-03-02 16:30", "2026-03-03 00:00"]
    step(door, outing, "report", "2026-03-03 00:00", stop=outing["stops"][0]["id"], result="done")
    assert [(each.state, each.evidence["late"]) for each in owing(door, "outing_report")] == [("done", True)]
    other = report(door, at="17:00", leaves="17:05", back="19:00")
    step(door, other, "departure", "17:05")
    step(door, other, "report", "17:40", stop=other["stops"][0]["id"], result="done")
    assert step(door, other, "return", "18:00")["state"] == "closed"
    assert [(each.state, each.evidence["late"]) for each in owing(door, "outing_report")][1:] == [("done", False)]


@pytest.mark.clause("W7", "OWE")
def test_w7_owe_the_answer_to_a_request_for_help(door: Door) -> None:
    """It goes to the leader, who owes an answer within the bank's minutes; nobody else settles it."""
    door.setting("help_answer_within", 20)
    outing = report(door)
    with pytest.raises(Refused, match="409"):
        step(door, outing, "help", "13:55", words="还没出发")
    step(door, outing, "departure", "14:00")
    (asked,) = step(door, outing, "help", "14:40", words="合同少一页")["helps"]
    (owed,) = owing(door, "help", "leader")
    assert (owed.what["zh"], shown(owed.due), owed.state) == ("林晓求助：合同少一页", "2026-03-02 15:00", "open")
    with pytest.raises(Refused, match="403"):
        step(door, outing, f"help/{asked['id']}/answer", "14:41", words="自己答自己")
    with pytest.raises(Refused, match="404"):
        step(door, outing, f"help/{asked['id']}/answer", "14:41", "other_leader", words="别人的")
    told = step(door, outing, f"help/{asked['id']}/answer", "14:44", "leader", words="小陈马上送来")
    assert (told["helps"][0]["answer"], told["helps"][0]["answered_by"]["name"]) == ("小陈马上送来", "吴敏")
    (owed,) = owing(door, "help", "leader")
    assert (owed.state, owed.evidence["words"], owed.evidence["late"]) == ("done", "小陈马上送来", False)
    with pytest.raises(Refused, match="409"):
        step(door, outing, f"help/{asked['id']}/answer", "14:50", "leader", words="再答一次")


@pytest.mark.clause("W7", "OWE")
def test_w7_who_is_not_back_goes_to_the_leader(door: Door) -> None:
    """30 minutes after the return that was said last, once; done when they are back, or have said until when."""
    outing = report(door)
    step(door, outing, "departure", "14:00")
    assert ticked(door, "17:29") == 0
    assert ticked(door, "17:30") == 1
    assert ticked(door, "17:31") == 0, "told once"
    (told,) = owing(door, "look_into", "leader")
    assert (told.what["zh"], told.why["zh"], told.origin) == (
        "过问：林晓外出逾时未返回", "应于 3月2日 17:00 返回，到 17:30 未签到", "bank",
    )  # fmt: skip
    step(door, outing, "extension", "17:35", returns_at=moment("18:30"))
    ticked(door, "17:36")
    assert [(each.state, each.evidence["why"]) for each in owing(door, "look_into", "leader")] == [("done", "extended")]


@pytest.mark.clause("W7", "OWE")
def test_w7_what_is_called_off_owes_nothing(door: Door) -> None:
    outing = report(door)
    assert step(door, outing, "cancellation", "13:55", why="客户改期")["state"] == "cancelled"
    assert owing(door, "sign_in") == []
    assert ticked(door, "17:40") == 0
    with pytest.raises(Refused, match="409"):
        step(door, outing, "departure", "14:00")


@pytest.mark.clause("W7", "GUARD")
def test_w7_guard(door: Door) -> None:
    """A visit outside without an outing: a finding by default, refused or nothing as the bank has it; with one, none."""

    def found(customer: Any) -> list[tuple[str, str, str]]:
        return [(each.clause, each.verdict, each.kind) for each in door.findings(customer) if each.clause == "W7"]

    assert Bank().outing_guard == "warn"
    door.setting("outing_guard", "warn", date(2026, 3, 1))
    without, covered, early, late = (door.customer(met=True) for _ in range(4))
    agreed = {"at": moment("15:00"), "place": "客户公司"}
    door.record(without, "visit", moment("15:00"), moment("15:30"), appointment=agreed)
    assert found(without) == [("W7", "no_outing", "breach")]
    outing = report(door, {"customer": str(covered.pk), "purpose": "拜访"})
    step(door, outing, "departure", "14:00")
    step(door, outing, "return", "17:00")
    door.record(early, "visit", moment("13:30"), moment("13:45"), appointment={**agreed, "at": moment("13:30")})
    door.record(covered, "visit", moment("15:00"), moment("15:30"), appointment=agreed)
    door.record(late, "visit", moment("17:30"), moment("17:45"), appointment={**agreed, "at": moment("17:30")})
    assert (len(found(early)), found(covered), len(found(late))) == (1, [], 1)
    door.setting("outing_guard", "block", date(2026, 3, 3))
    refused, free = door.customer(met=True), door.customer(met=True)
    visit = door.appointment(refused, moment("2026-03-03 10:00"), now=moment("18:00"))
    with pytest.raises(Refused, match="W7 422"):
        door.step("start", visit, moment("2026-03-03 10:00"))
    ten, half = moment("2026-03-03 10:00"), moment("2026-03-03 10:30")
    door.record(refused, "visit", ten, half, appointment={**agreed, "at": ten})
    assert len(found(refused)) == 1, "what happened is kept, never refused"
    door.setting("outing_guard", "off", date(2026, 3, 4))
    ten, half = moment("2026-03-04 10:00"), moment("2026-03-04 10:30")
    door.record(free, "visit", ten, half, appointment={**agreed, "at": ten})
    assert found(free) == []


@pytest.mark.clause("W7", "MEASURE")
def test_w7_measure(door: Door) -> None:
    """Four outings: signed in on time, late, never, and called off. Of the three returns that count one is in time; of the two reports
    that count one; of help nothing."""
    for leaves, back, at, reported in (("09:00", "10:00", "09:50", "11:00"), ("11:00", "12:00", "12:30", "")):
        outing = report(door, at=leaves, leaves=leaves, back=back)
        step(door, outing, "return", at)
        if reported:
            step(door, outing, "report", reported, stop=outing["stops"][0]["id"], result="done")
    report(door, at="13:00", leaves="13:00", back="14:00")  # never back
    step(door, report(door, at="14:01", leaves="15:00", back="16:00"), "cancellation", "14:02")
    assert measured(door, "W7") == ({"owed": 5, "in_time": 2, "late": 1, "overdue": 2}, 0.4)


@pytest.mark.clause("W7", "MEASURE")
def test_w7_measure_of_outings() -> None:
    """Beforehand, signed back in by the return that was said, stops reported on."""
    nine = moment("09:00")

    def out(reported: int, back: int | None, told: int, returns: int = 120) -> measure.Outing:
        minutes = timedelta(minutes=1)
        return measure.Outing(
            nine + reported * minutes,
            nine,
            nine + returns * minutes,
            None if back is None else nine + back * minutes,
            2,
            told,
        )

    rows = [out(-10, 120, 2), out(0, 121, 1), out(15, 60, 0), out(-5, None, 1), out(-5, None, 0, returns=600)]
    kept = measure.outings(rows, nine + timedelta(hours=3))
    # beforehand: all but the third; back in time: the first and third; 121 is late; not back: the fourth; stops: of those who are back
    assert (kept.of, kept.beforehand, kept.in_time, kept.late, kept.missing) == (5, 4, 2, 1, 1)
    assert (kept.stops, kept.told) == (6, 3)
