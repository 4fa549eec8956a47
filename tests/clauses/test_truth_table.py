"""The truth table, row by row: exactly what the tables list is owed, and nothing else."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from zhike.customers.models import Acquaintance
from zhike.people.models import Workday

from .door import Door, Refused
from .moments import MONDAY, moment, shown

pytestmark = pytest.mark.django_db
TABLE = tomllib.loads(Path(__file__).with_name("truth_table.toml").read_text())
TIERS = ("regular", "gold", "platinum", "diamond", "private")
HOURS = {"reception": ("14:00", "14:27"), "visit": ("15:00", "16:00"), "call": ("10:00", "10:06")}
NEED = {"needs": [{"kind": "deposit", "words": "四月 30 万到账"}], "no_need": False}
NEXT = {"kind": "call", "at": moment("2026-03-16 10:00")}
FORMS: dict[str, dict[str, Any]] = {
    "need": {"result": "inclined", **NEED, "next": NEXT},
    "none": {"result": "no_business", "no_need": True, "by_rhythm": True},
    "demand": {"result": "no_business", "no_need": True, "by_rhythm": True, "demands": ["换卡"]},
    "not_interested": {"no_need": True, "by_rhythm": True},
}


def closing(situation: str, tier: str) -> dict[str, Any] | None:
    """How a situation is written up: where the tier has no rhythm, the plan is a day."""
    form = FORMS.get(situation)
    return {**form, "by_rhythm": False, "next": NEXT} if form and "next" not in form and tier == "regular" else form


def rows(name: str, *columns: str) -> Any:
    """Parametrize by one table; a row's id is what distinguishes it."""
    entries = TABLE[name]
    ids = ["-".join(str(entry.get(column, "")) for column in columns) for entry in entries]
    return pytest.mark.parametrize("row", entries, ids=ids)


def exactly(door: Door, customer: Any, names: list[str], end: datetime) -> None:
    """What is owed to the customer is what the names define, no more and no less."""
    found = door.owed(customer)
    told = [f"{each.clause} {each.kind} {each.state}" for each in found]
    assert len(found) == len(names), f"owed: {told}; expected: {names}"
    for name in names:
        entry = TABLE["owed"][name]
        clauses = entry["clause"] if isinstance(entry["clause"], list) else [entry["clause"]]
        one = [each for each in found if each.clause in clauses and each.kind == entry["kind"]]
        assert len(one) == 1, f"{name} is not among what is owed: {told}"
        agrees(one[0], entry, end)


def agrees(found: Any, entry: dict[str, Any], end: datetime) -> None:
    """One obligation in the ledger is what the table says of it."""
    assert found.force == entry["force"]
    assert found.state == entry.get("state", "open")
    if "channels" in entry:
        assert set(found.channels) == set(entry["channels"])
    if "text" in entry:
        assert found.detail["text"] == entry["text"]
    for name in ("opens", "due"):
        if name in entry:
            assert shown(getattr(found, name)) == shown(relative(entry[name], end)), name
    if "target" in entry:
        wanted = None if entry["target"] == "none" else relative(entry["target"], end)
        assert shown(found.target) == shown(wanted)


def relative(text: str, end: datetime) -> datetime:
    """`end`, `next day 24:00`, `15:05`."""
    if text == "end":
        return end
    day = MONDAY + timedelta(days=1) if text.startswith("next day") else MONDAY
    return moment(text.removeprefix("next day "), day)


def happened(door: Door, customer: Any, kind: str, situation: str, *, first: bool = False, **more: Any) -> datetime:
    """One contact of the table, at its hour, told and written up three minutes after its end. Returns its end."""
    start, end = (moment(text) for text in HOURS[kind])
    known = end + timedelta(minutes=3)
    if kind == "call":
        more["purpose"] = "introduction" if first else "care"
        more["outcome"] = situation if situation in {"absent", "no_answer", "busy", "not_interested"} else "reached"
        if situation in {"absent", "busy"}:
            more["call_back_at"] = moment("15:00")
    door.record(customer, kind, start, end, known=known, form=closing(situation, customer.tier), **more)
    return end


CASES = [(row, tier) for row in TABLE["row"] for tier in TIERS]


@pytest.mark.parametrize(
    ("row", "tier"), CASES, ids=[f"{row['kind']}-{row['history']}-{row['situation']}-{tier}" for row, tier in CASES]
)
def test_exactly_this_is_owed(door: Door, row: dict[str, Any], tier: str) -> None:
    first = row["history"] == "first"
    customer = door.customer(tier, met=not first, called=not first)
    end = happened(door, customer, row["kind"], row["situation"], first=first)
    exactly(door, customer, row[tier], end)


@rows("farewell", "end")
def test_thanks_after_a_farewell(door: Door, row: dict[str, Any]) -> None:
    customer = door.customer(met=True)
    end = moment(row["end"])
    door.record(customer, "reception", end - timedelta(minutes=30), end)
    (thanks,) = door.owed(customer, clause="R12")
    assert (shown(thanks.opens), shown(thanks.due)) == (shown(moment(row["opens"])), shown(moment(row["due"])))


@rows("evening", "end")
def test_thanks_on_the_evening_of_a_visit(door: Door, row: dict[str, Any]) -> None:
    customer = door.customer(met=True)
    end = moment(row["end"])
    door.record(customer, "visit", end - timedelta(minutes=50), end)
    (thanks,) = door.owed(customer, clause="V5")
    assert (shown(thanks.opens), shown(thanks.due)) == (shown(moment(row["opens"])), shown(moment(row["due"])))


@rows("write_up", "end")
def test_a_write_up_is_due_on_the_day(door: Door, row: dict[str, Any]) -> None:
    customer = door.customer(met=True)
    end = moment(row["end"])
    door.record(customer, "reception", end - timedelta(minutes=30), end)
    (owed,) = door.owed(customer, clause="R13")
    assert (owed.state, shown(owed.opens), shown(owed.due)) == ("open", shown(end), shown(moment(row["due"])))


@rows("answer", "end")
def test_a_demand_is_answered_the_next_day(door: Door, row: dict[str, Any]) -> None:
    customer = door.customer(met=True)
    end = moment(row["end"])
    door.record(
        customer, "visit", end - timedelta(minutes=30), end, form={**FORMS["demand"], "demands": ["换卡", "查额度"]}
    )
    answers = door.owed(customer, clause="V7")
    assert [shown(each.due) for each in answers] == [shown(moment(row["due"]))] * 2, "one for each demand"
    assert {shown(each.opens) for each in answers} == {shown(end)}


@pytest.mark.parametrize("row", [row for row in TABLE["answer"] if "working" in row], ids=lambda row: row["end"])
def test_a_bank_may_count_the_next_working_day(door: Door, row: dict[str, Any]) -> None:
    with door.owner():
        enter_holidays()
    door.setting("next_day", "workday")
    customer = door.customer(met=True)
    end = moment(row["end"])
    door.record(customer, "visit", end - timedelta(minutes=30), end, form=FORMS["demand"])
    (answer,) = door.owed(customer, clause="V7")
    assert shown(answer.due) == shown(moment(row["working"]))


def enter_holidays() -> None:
    """The first quarter of 2026 as the State Council published it, entered by hand."""
    off = {date(2026, 1, day) for day in (1, 2, 3)} | {date(2026, 2, day) for day in range(15, 24)}
    on = {date(2026, 1, 4), date(2026, 2, 14), date(2026, 2, 28)}
    for day in (date(2026, 1, 1) + timedelta(days=n) for n in range(365)):
        works = day in on or (day.weekday() < 5 and day not in off)
        Workday.objects.update_or_create(day=day, defaults={"works": works})


@rows("call_back", "called")
def test_a_call_back_is_made_at_its_minute(door: Door, row: dict[str, Any]) -> None:
    customer = door.customer(met=True, called=True)
    happened(door, customer, "call", "busy")
    (promised,) = door.owed(customer, kind="call_back")
    called, _, how = row["called"].partition(" ")
    if called != "never":
        start = moment(called)
        more = {"purpose": "call_back", "fulfils": promised.pk} if how != "incoming" else {"incoming": True}
        door.record(
            customer,
            "call",
            start,
            start + timedelta(minutes=2),
            outcome="no_answer" if how == "no_answer" else "reached",
            **more,
        )
    (promised,) = door.owed(customer, kind="call_back")
    door.sweep(moment("24:00"))
    assert promised.state == row["state"]
    if "minutes" in row:
        assert promised.evidence["minutes"] == row["minutes"]
    if how == "incoming":
        assert promised.evidence["incoming"] is True
    if "kept" in row:
        (measure,) = door.measured(customer, "C5", moment("24:00"))
        assert (measure.in_time, measure.late + measure.early) == ((1, 0) if row["kept"] else (0, 1))


@rows("arrival", "at")
def test_an_arrival_is_judged_by_its_minute(door: Door, row: dict[str, Any]) -> None:
    customer = door.customer(met=True)
    visit = door.appointment(customer, moment("15:00"), now=moment("09:00"))
    (arrival,) = door.owed(customer, clause="V2")
    assert (shown(arrival.opens), shown(arrival.target), shown(arrival.due)) == tuple(
        shown(moment(each)) for each in ("14:35", "14:45", "15:00")
    )
    at = moment(row["at"].removesuffix(" never"))
    door.sweep(at)
    if not row["at"].endswith("never"):
        door.step("arrival", visit, at)
    (arrival,) = door.owed(customer, clause="V2")
    assert arrival.state == row["state"]
    if row["state"] == "done":
        assert arrival.evidence["arrival"] == row["judged"]
    (measure,) = door.measured(customer, "V2", moment("24:00"))
    assert (measure.in_time, measure.late + measure.early + measure.missed) == (
        (1, 0) if row["judged"] in {"as_prescribed", "short_wait"} else (0, 1)
    )


@rows("together", "sent", "contacts")
def test_one_message_after_the_last_contact_closes_all(door: Door, row: dict[str, Any]) -> None:
    customer = door.customer(row.get("tier", "platinum"), met=True, called=True)
    sent, channel = row["sent"].split()
    told = False
    for text in row["contacts"]:
        kind, start, end = text.split()
        if not told and moment(end) > moment(sent):
            door.done(door.owed(customer, kind="thanks")[0], moment(sent), channel=channel)
            told = True
        door.record(customer, kind, moment(start), moment(end))
    if not told:
        aimed = [each for each in door.owed(customer, kind="thanks") if channel in each.channels]
        door.done(aimed[-1], moment(sent), channel=channel)
    closed = [n for n, each in enumerate(door.owed(customer, kind="thanks")) if each.state == "done"]
    assert closed == row["closes"]


@rows("history", "before", "contact")
def test_first_is_what_the_history_says(door: Door, row: dict[str, Any]) -> None:
    before = row["before"]
    by_another = before.endswith("another RM")
    customer = door.customer(met=before in {"met", "met and called"}, called="called" in before)
    if by_another:
        with door.owner():
            Acquaintance.objects.create(customer=customer, rm=door.cast.mate, met_source="import")
    if before.startswith("rang"):
        outcome = "busy" if before.endswith("busy") else "no_answer"
        more = {"no_time_agreed": True} if outcome == "busy" else {}
        start = moment("2026-02-02 10:00")
        door.record(
            customer, "call", start, start + timedelta(minutes=1), outcome=outcome, purpose="introduction", **more
        )
    kind = row["contact"]
    end = happened(door, customer, kind, "none", first="C10" in row["owed"])
    found = [each for each in door.owed(customer) if each.kind != "call_again"]
    names = row["owed"]
    assert sorted(each.clause for each in found) == sorted(name.split("-")[0] for name in names)
    for name in names:
        entry = TABLE["owed"][name]
        agrees(next(each for each in found if each.clause == entry["clause"]), entry, end)


@rows("stop", "stop")
def test_stops(door: Door, row: dict[str, Any]) -> None:
    customer = door.customer(met=True, called=True, birth_calendar="solar", birth_month=3, birth_day=3)
    start, end = moment("10:00"), moment("10:30")
    door.record(customer, "visit", start, end, form=FORMS["demand"])
    door.record(
        customer,
        "call",
        moment("11:00"),
        moment("11:02"),
        outcome="busy",
        purpose="care",
        call_back_at=moment("2026-03-04 15:00"),
    )
    door.record(customer, "reception", moment("11:30"), moment("11:50"))
    if row["stop"] != "none":
        door.stopped(customer, row["stop"], moment("12:00"))
    states = {each.kind: each.state for each in door.owed(customer) if each.clause in {"R12", "V7", "C5", "R13"}}
    assert states == {
        "thanks": row["thanks"],
        "answer": row["answer"],
        "call_back": row["call_back"],
        "write_up": row["write_up"],
    }
    door.sweep(moment("2026-03-03 01:00"))
    assert bool(door.owed(customer, kind="birthday")) is row["birthday"]
    door.sweep(moment("2026-05-31 01:00"))
    assert bool(door.owed(customer, kind="rhythm")) is row["rhythm"]


@pytest.mark.parametrize("mistake", [True, False])
def test_a_stop_taken_back(door: Door, mistake: bool) -> None:
    """Correcting a fact recomputes what it caused: a mistake makes owed again what it had made impossible; an end does not."""
    customer = door.customer(met=True, called=True, birth_calendar="solar", birth_month=3, birth_day=3)
    door.sweep(moment("2026-03-03 01:00"))
    door.stopped(customer, "do_not_disturb", moment("2026-03-03 09:00"))
    assert [each.state for each in door.owed(customer, kind="birthday")] == ["cannot"]
    door.resumed(customer, "do_not_disturb", moment("2026-03-03 10:00"), mistake=mistake)
    assert [each.state for each in door.owed(customer, kind="birthday")] == ["open" if mistake else "cannot"]
    door.sweep(moment("2026-05-31 01:00"))
    assert door.owed(customer, kind="rhythm"), "from then on it is owed again"


def test_what_a_mistaken_death_called_off_comes_back(door: Door) -> None:
    """The visit of the fourth is agreed again and wants its arrival; the call whose time has passed meanwhile stays called off."""
    customer = door.customer(met=True, called=True)
    at = moment("2026-03-04 10:00")
    visit = door.appointment(customer, at, now=moment("09:00"))
    plan = door.planned(customer, now=moment("09:00"), kind="reception", planned_for=moment("2026-03-05 10:00"))
    passed = door.planned(customer, now=moment("09:00"), kind="reception", planned_for=moment("2026-03-02 18:00"))
    door.stopped(customer, "deceased", moment("11:00"))
    door.resumed(customer, "deceased", moment("2026-03-03 11:00"), mistake=True)
    now = moment("2026-03-03 12:00")
    states = [door.send("get", f"contacts/{each.pk}", None, now)["state"] for each in (visit, plan, passed)]
    assert states == ["agreed", "planned", "cancelled"]
    (arrival,) = door.owed(customer, kind="arrival")
    assert (arrival.state, arrival.due) == ("open", at)


def test_of_two_stops_the_other_still_stands(door: Door) -> None:
    customer = door.customer(met=True, called=True, birth_calendar="solar", birth_month=3, birth_day=3)
    door.sweep(moment("2026-03-03 01:00"))
    door.stopped(customer, "do_not_disturb", moment("2026-03-03 09:00"))
    door.stopped(customer, "complaint", moment("2026-03-03 09:10"))
    door.resumed(customer, "do_not_disturb", moment("2026-03-03 10:00"), mistake=True)
    (birthday,) = door.owed(customer, kind="birthday")
    assert (birthday.state, birthday.evidence["why"]) == ("cannot", "complaint")


@rows("no_mobile", "contact", "tier", "history")
def test_what_cannot_be_done_is_said_so(door: Door, row: dict[str, Any]) -> None:
    later = row["history"] == "later"
    customer = door.customer(row["tier"], met=later, called=later, known="email phone2")
    happened(door, customer, row["contact"], "none", first=not later)
    (thanks,) = door.owed(customer, kind="thanks")
    assert thanks.state == row["thanks"]
    if "channels" in row:
        assert thanks.channels == row["channels"]
    door.sweep(moment("2026-03-10 01:00"))
    (thanks,) = door.owed(customer, kind="thanks")
    assert thanks.state == row["thanks"], "neither missed nor vanished"


@rows("tier", "at_end", "now")
def test_the_tier_at_the_end_of_the_contact_counts(door: Door, row: dict[str, Any]) -> None:
    customer = door.customer(row["at_end"], met=True)
    end = happened(door, customer, "reception", "none")
    with door.owner():
        type(customer).objects.filter(pk=customer.pk).update(tier=row["now"])
    exactly(door, customer, ["R13", *row["owed"]], end)
    assert {each.tier for each in door.owed(customer)} == {row["at_end"]}


def test_the_tier_of_the_month_begins_with_the_banks_midnight(door: Door) -> None:
    """00:30 on 1 April in Shanghai is still March elsewhere; April's tier counts."""
    customer = door.customer("platinum", met=True)
    with door.owner():
        for month, tier in ((3, "platinum"), (4, "gold")):
            customer.ratings.create(month=date(2026, month, 1), tier=tier, assets=0)
    door.record(customer, "reception", moment("2026-04-01 00:05"), moment("2026-04-01 00:30"))
    assert door.owed(customer, clause="R12") == []


def test_a_contact_recorded_afterwards_owes_what_it_owed_then(door: Door) -> None:
    customer = door.customer(met=True)
    start, end = moment("2026-03-01 14:00"), moment("2026-03-01 14:30")
    door.record(customer, "reception", start, end, known=moment("2026-03-02 08:40"), form=FORMS["none"])
    (thanks,) = door.owed(customer, clause="R12")
    (written,) = door.owed(customer, clause="R13")
    assert (thanks.state, shown(thanks.due)) == ("open", "2026-03-02 00:00")
    assert written.state == "done"
    (measure,) = door.measured(customer, "R13", moment("2026-03-02 09:00"))
    assert (measure.in_time, measure.late, measure.grades) == (0, 1, {"entered": 1}) or measure.late == 1


def test_who_walks_in_is_owed_as_who_was_expected(door: Door) -> None:
    customer = door.customer(met=True)
    end = happened(door, customer, "reception", "none", incoming=True)
    exactly(door, customer, ["R13", "R12-later"], end)


def test_a_first_call_that_comes_in_is_a_first_call(door: Door) -> None:
    customer = door.customer("regular", met=True)
    end = happened(door, customer, "call", "none", incoming=True)
    exactly(door, customer, ["C6", "C10"], end)


@rows("told", "call")
def test_a_call_that_happened_is_recorded_as_it_was(door: Door, row: dict[str, Any]) -> None:
    said = row["call"]
    customer = door.customer(met=True, called="later" in said or "second" in said)
    start = moment("20:00") if "20:00" in said else moment("19:59") if "19:59" in said else moment("15:00")
    purpose = "introduction" if "introduction" in said else "care" if "care" in said else "maturity"
    more = {
        "purpose": purpose, "incoming": "customer rang" in said, "known": moment("2026-03-03 09:00"),
        "outcome": "no_answer" if "nobody answered" in said else "reached",
    }  # fmt: skip
    if "second" in said:
        door.record(customer, "call", moment("10:00"), moment("10:04"), **{**more, "known": moment("10:04")})
    door.record(customer, "call", start, start + timedelta(minutes=4), **more)
    found = [f"{each.clause} {each.verdict} {each.kind}" for each in door.findings(customer)]
    assert found == ([row["finding"]] if row["finding"] else [])


@rows("called_off", "whose", "act")
def test_a_visit_called_off(door: Door, row: dict[str, Any]) -> None:
    customer = door.customer(met=True)
    visit = door.appointment(customer, moment("15:00"), now=moment("09:00"))
    whose, _, told = row["whose"].partition(", ")
    more: dict[str, Any] = {"whose": whose, "why": "临时有事"}
    if told:
        more |= {
            "told_how": "call",
            "told_at": moment("11:00"),
            "apologised": told.startswith("customer told and apologised"),
        }
    if row["apology"] == "refused":
        with pytest.raises(Refused, match="V3"):
            door.step("cancellation", visit, moment("11:00"), **{**more, "whose": None})
        return
    if row["act"] == "move":
        door.step("move", visit, moment("11:00"), to=moment("2026-03-03 15:00"), **more)
    else:
        door.step("cancellation", visit, moment("11:00"), **more)
    states = [each.state for each in door.owed(customer, kind="apology")]
    assert states == ([] if row["apology"] == "nothing" else [row["apology"]])
    arrivals = door.owed(customer, kind="arrival")
    assert [shown(each.due) for each in arrivals] == (["2026-03-03 15:00"] if row["act"] == "move" else [])


@rows("surprise", "visit")
def test_a_visit_starts_from_an_appointment(door: Door, row: dict[str, Any]) -> None:
    customer = door.customer(met=True)
    case, now, reason = row["visit"], moment("15:00"), {}
    if case.startswith("agreed"):
        place = "客户公司" if "where" in case and "not where" not in case else ""
        visit = door.appointment(customer, now, now=moment("09:00"), place=place)
    elif case.startswith("customer said"):
        visit = door.planned(customer, now=moment("09:00"), customer_asked=True)
    else:
        visit = door.planned(customer, now=moment("09:00"))
        reason = {"surprise_reason": "顺路送对账单"} if case.endswith("with a reason") else {}
    if not row["starts"]:
        with pytest.raises(Refused, match="V1"):
            door.step("start", visit, now, **reason)
    else:
        door.step("start", visit, now, **reason)
    assert [f"{each.clause} {each.kind}" for each in door.findings(customer)] == (
        [f"V1 {row['finding']}"] if row["finding"] else []
    )


@pytest.mark.clause("S2", "RECORD")
@rows("own_phone", "clause")
def test_ones_own_phone_thanks_and_nothing_else(door: Door, row: dict[str, Any]) -> None:
    door.setting("greeting_needs_consent", False)
    customer, obligation = owing(door, row["clause"])
    at = moment("2026-03-02 17:30")
    how = {"introduces": True, "words": "已办妥", "apologised": True}
    door.done(obligation, at, channel="sms", through="own_phone", **how)
    (settled,) = [each for each in door.owed(customer) if each.pk == obligation.pk]
    assert settled.state == "done"
    assert [each.kind for each in door.findings(customer)] == ([row["finding"]] if row["finding"] else [])
    assert all(each.clause in {"S1", "S2"} for each in door.findings(customer))


def owing(door: Door, clause: str) -> tuple[Any, Any]:
    """A customer, and one open obligation by the clause."""
    customer = door.customer(
        "gold" if clause == "R5" else "platinum",
        met=clause not in {"V5"},
        called=clause != "C10",
        birth_calendar="solar",
        birth_month=3,
        birth_day=2,
        known="mobile",
    )
    if clause in {"R12", "R13", "R4"}:
        door.record(customer, "reception", moment("14:00"), moment("14:27"))
    elif clause in {"V5", "V7"}:
        door.record(customer, "visit", moment("15:00"), moment("16:00"), form=FORMS["demand"])
    elif clause in {"C10", "C6"}:
        purpose = "introduction" if clause == "C10" else "care"
        door.record(customer, "call", moment("10:00"), moment("10:06"), purpose=purpose)
    elif clause == "C5":
        happened(door, customer, "call", "busy")
    elif clause == "V3":
        visit = door.appointment(customer, moment("18:00"), now=moment("09:00"))
        door.step("cancellation", visit, moment("11:00"), whose="rm", why="临时有事")
    elif clause == "W11":
        promised(door, customer)
    elif clause == "R5":
        door.sweep(moment("00:30"))
    (obligation, *_) = [each for each in door.owed(customer, clause=clause) if each.state == "open"]
    return customer, obligation


def promised(door: Door, customer: Any, **promise: Any) -> None:
    promise = {"words": "查老号码能不能留", "due": moment("2026-03-05 17:00"), **promise}
    door.record(
        customer,
        "call",
        moment("10:00"),
        moment("10:06"),
        purpose="care",
        form={**FORMS["none"], "promises": [promise]},
    )


@rows("waive", "clause")
def test_what_must_be_done_is_not_waived_by_the_rm(door: Door, row: dict[str, Any]) -> None:
    customer, obligation = owing(door, row["clause"])
    at = moment("17:00")
    with pytest.raises(Refused):
        door.waived(obligation, at, " ")
    if row["allowed"]:
        assert door.waived(obligation, at, "客户请求不必").state == "waived"
    else:
        with pytest.raises(Refused, match=row["clause"]):
            door.waived(obligation, at, "客户请求不必")
        assert [each.state for each in door.owed(customer) if each.pk == obligation.pk] == ["open"]


def test_what_never_was_owes_nothing(door: Door) -> None:
    customer = door.customer(met=True)
    contact = door.record(customer, "reception", moment("14:00"), moment("14:27"))
    door.struck(contact, moment("14:40"))
    assert door.owed(customer) == []


def test_what_was_done_stays_done_though_its_cause_never_was(door: Door) -> None:
    customer = door.customer(met=True)
    contact = door.record(customer, "reception", moment("14:00"), moment("14:27"))
    door.done(door.owed(customer, kind="thanks")[0], moment("14:30"), channel="sms")
    door.struck(contact, moment("14:40"))
    assert [(each.kind, each.state) for each in door.owed(customer)] == [("thanks", "done")]


def test_a_contact_written_up_that_never_was_leaves_nothing_to_do(door: Door) -> None:
    customer = door.customer(met=True)
    contact = door.record(customer, "visit", moment("14:00"), moment("14:27"), form=FORMS["demand"])
    door.struck(contact, moment("14:40"))
    assert [(each.kind, each.state) for each in door.owed(customer)] == [("write_up", "done")]


def test_a_message_that_was_sent_still_counts_for_the_other_contact(door: Door) -> None:
    customer = door.customer(met=True)
    door.record(customer, "reception", moment("10:00"), moment("10:30"))
    second = door.record(customer, "reception", moment("15:00"), moment("15:20"))
    door.done(door.owed(customer, kind="thanks")[1], moment("16:00"), channel="sms")
    door.struck(second, moment("16:10"))
    assert [each.state for each in door.owed(customer, kind="thanks")] == ["done", "done"]


def test_a_corrected_farewell_moves_the_deadline(door: Door) -> None:
    customer = door.customer(met=True)
    contact = door.record(
        customer, "reception", moment("20:00"), moment("20:30"), known=moment("21:40"), form=FORMS["none"]
    )
    door.amended(contact, moment("21:45"), ended_at=moment("21:30"))
    (thanks,) = door.owed(customer, clause="R12")
    assert (thanks.state, shown(thanks.opens), shown(thanks.due)) == ("open", "2026-03-02 21:30", "2026-03-03 12:00")
    (written,) = door.owed(customer, clause="R13")
    assert written.state == "done", "what is done stays"


def test_a_corrected_outcome_owes_what_it_should_have(door: Door) -> None:
    customer = door.customer(met=True, called=True)
    contact = door.record(customer, "call", moment("10:00"), moment("10:01"), outcome="no_answer", purpose="care")
    door.amended(contact, moment("10:10"), outcome="busy", call_back_at=moment("15:00"))
    assert [(each.kind, shown(each.target)) for each in door.owed(customer)] == [("call_back", "2026-03-02 15:00")]


def test_a_call_that_connected_after_all_is_written_up(door: Door) -> None:
    customer = door.customer(met=True)
    contact = door.record(
        customer, "call", moment("10:00"), moment("10:03"), outcome="no_answer", purpose="introduction"
    )
    door.amended(contact, moment("10:10"), outcome="reached")
    assert {(each.clause, each.state) for each in door.owed(customer)} == {("C6", "open"), ("C10", "open")}
    door.step("write-up", contact, moment("10:12"), **FORMS["none"])
    assert [each.state for each in door.owed(customer, clause="C6")] == ["done"]


@rows("gap", "known", "receptions", "learned")
def test_what_is_missing_is_found_out(door: Door, row: dict[str, Any]) -> None:
    customer = door.customer("gold", met=True, known=" ".join(row["known"]))
    for n in range(row.get("receptions", 1)):
        start = moment(f"{10 + n}:00")
        form = {**FORMS["none"]}
        door.record(customer, "reception", start, start + timedelta(minutes=20), form=form)
    for field in row.get("learned", ()):
        (gap,) = [each for each in door.owed(customer, kind="find_out") if each.detail["field"] == field]
        door.done(gap, moment("17:00"), value="13800138000")
    gaps = [each for each in door.owed(customer, kind="find_out") if each.state == "open"]
    assert sorted(each.detail["field"] for each in gaps) == row["owed"]
    assert all(each.clause == "R4" and each.due is None for each in gaps)
    door.sweep(moment("2027-03-02 01:00"))
    assert all(each.state != "missed" for each in door.owed(customer, kind="find_out"))


@rows("birthday", "born", "on")
def test_a_birthday_is_greeted_on_the_day_it_is_celebrated(door: Door, row: dict[str, Any]) -> None:
    calendar, month_day = row["born"].split()
    month, day = map(int, month_day.split("-"))
    customer = door.customer("gold", birth_calendar=calendar, birth_month=month, birth_day=day)
    on = moment(f"{row['on']} 06:00")
    door.sweep(on - timedelta(days=1))
    assert door.owed(customer, kind="birthday") == []
    door.sweep(on)
    door.sweep(on + timedelta(hours=1))
    (greeting,) = door.owed(customer, kind="birthday")
    assert (greeting.clause, greeting.origin, greeting.state) == ("R5", "bank", "open")
    assert (shown(greeting.opens), shown(greeting.due)) == (f"{row['on']} 00:00", shown(moment(f"{row['on']} 24:00")))
    door.sweep(on + timedelta(days=1))
    assert [each.state for each in door.owed(customer, kind="birthday")] == ["missed"]


@pytest.mark.clause("W5", "OWE")
@rows("rhythm", "tier")
def test_a_contact_is_due_by_rhythm(door: Door, row: dict[str, Any]) -> None:
    customer = door.customer(row["tier"], met=True, called=True)
    form = closing("none", customer.tier)
    door.record(customer, "call", moment("10:00"), moment("10:06"), purpose="care", form=form)
    due = MONDAY + timedelta(days=row["days"] or 400)
    door.sweep(moment(f"{due} 06:00"))
    door.sweep(moment(f"{due} 07:00"))
    found = door.owed(customer, kind="rhythm")
    if row["days"] == 0:
        assert found == []
        return
    (rhythm,) = found
    assert (rhythm.clause, rhythm.origin, rhythm.state) == ("W5", "bank", "open")
    assert shown(rhythm.due) == shown(moment(f"{due} 24:00"))
    start = moment(f"{due} 10:00")
    door.record(customer, "call", start, start + timedelta(minutes=5), purpose="care", form={**FORMS["none"]})
    assert [each.state for each in door.owed(customer, kind="rhythm")] == ["done"]


def test_a_call_too_short_says_why_the_rhythm_is_open(door: Door) -> None:
    """A call counts from sixty seconds on; one that does not leaves the row open, and the row says so, while it stands."""
    customer = door.customer("private", met=True, called=True)
    door.record(customer, "call", moment("10:00"), moment("10:06"), purpose="care", form=FORMS["none"])
    due = MONDAY + timedelta(days=14)
    door.sweep(moment(f"{due} 06:00"))
    start = moment(f"{due} 10:00")

    def rhythm() -> Any:
        (found,) = door.owed(customer, kind="rhythm")
        return found

    door.record(customer, "call", start, start + timedelta(seconds=9), purpose="care", outcome="no_answer")
    assert (rhythm().state, rhythm().evidence["still"]) == ("open", "not_reached")
    short = door.record(
        customer,
        "call",
        start,
        start + timedelta(seconds=42),
        purpose="care",
        form=FORMS["none"],
        known=moment(f"{due} 10:02"),
    )
    assert (rhythm().state, rhythm().settled_at, rhythm().evidence["seconds"]) == ("open", None, 42)
    for path in ("", f"obligations/{rhythm().pk}/"):
        assert "通话 42 秒，满 60 秒才算" in door.page(path, moment(f"{due} 10:05"))
    door.struck(short, moment(f"{due} 10:10"))
    assert (rhythm().state, rhythm().evidence) == ("open", {})
    door.record(customer, "call", start, start + timedelta(seconds=60), purpose="care", known=moment(f"{due} 10:20"))
    assert rhythm().state == "done"


@pytest.mark.clause("W11", "OWE")
@rows("promise", "to", "refused")
def test_a_promise_is_owed_until_it_is_answered(door: Door, row: dict[str, Any]) -> None:
    customer = door.customer(met=True, called=True)
    if row.get("refused"):
        happened(door, customer, "call", "demand")
        assert door.owed(customer, clause="W11") == []
        return
    promised(door, customer, to=row["to"])
    (promise,) = door.owed(customer, clause="W11")
    assert (promise.kind, promise.state, promise.force, shown(promise.due)) == (
        "promise",
        "open",
        row["force"],
        row["due"],
    )
    door.sweep(moment("2026-03-20 06:00"))
    assert door.owed(customer, clause="W11")[0].state == "open", "it never trails off"
    with pytest.raises(Refused):
        door.done(promise, moment("2026-03-20 09:00"), channel="call", words="")
    door.done(promise, moment("2026-03-20 09:00"), channel="call", words="老号码可以留")
    assert door.owed(customer, clause="W11")[0].state == "done"


@rows("setting", "name", "tier", "from")
def test_a_setting_of_the_bank(door: Door, row: dict[str, Any]) -> None:
    door.setting(row["name"], row["value"], date.fromisoformat(row.get("from", "2020-01-01")))
    customer = door.customer(row["tier"], met=row["history"] == "later", called=True)
    if row["history"].startswith("met by"):
        with door.owner():
            Acquaintance.objects.create(customer=customer, rm=door.cast.mate, met_source="import")
    end = happened(door, customer, row["contact"], "none")
    thanks = door.owed(customer, kind="thanks")
    if row["owed"] == "nothing":
        assert thanks == []
        return
    (found,) = thanks
    head, *parts = row["owed"].split(", ")
    clause, *channels = head.split()
    told = dict(part.split(" ", 1) for part in parts)
    assert (found.clause, set(found.channels)) == (clause, set(channels))
    assert shown(found.due) == shown(relative(told["due"], end))
    assert shown(found.opens) == shown(relative(told.get("opens", "end"), end))
    assert found.detail["text"] == told.get("text", found.detail["text"])


def test_one_message_for_each_contact_where_the_bank_wants_it(door: Door) -> None:
    door.setting("one_message_closes_day", False)
    customer = door.customer(met=True)
    for start, end in (("10:00", "10:30"), ("15:00", "15:20")):
        door.record(customer, "reception", moment(start), moment(end))
    door.done(door.owed(customer, kind="thanks")[1], moment("16:00"), channel="sms")
    assert [each.state for each in door.owed(customer, kind="thanks")] == ["open", "done"]


def test_a_bank_may_allow_more_minutes(door: Door) -> None:
    door.setting("callback_tolerance", 10)
    customer = door.customer(called=True)
    happened(door, customer, "call", "busy")
    (promised,) = door.owed(customer, kind="call_back")
    assert (shown(promised.opens), shown(promised.due)) == ("2026-03-02 14:50", "2026-03-02 15:10")


def test_busy_again_is_promised_again(door: Door) -> None:
    customer = door.customer(called=True)
    happened(door, customer, "call", "busy")
    (promised,) = door.owed(customer, kind="call_back")
    door.record(
        customer, "call", moment("15:00"), moment("15:01"), outcome="busy", purpose="call_back",
        fulfils=promised.pk, call_back_at=moment("16:30"),
    )  # fmt: skip
    assert [(each.state, shown(each.target)) for each in door.owed(customer, kind="call_back")] == [
        ("done", "2026-03-02 15:00"),
        ("open", "2026-03-02 16:30"),
    ]


def test_moved_twice_an_apology_is_owed_twice(door: Door) -> None:
    customer = door.customer(met=True)
    visit = door.appointment(customer, moment("15:00"), now=moment("09:00"))
    own = {"whose": "rm", "why": "临时开会"}
    told = {"told_how": "call", "told_at": moment("10:50"), "apologised": True}
    door.step("move", visit, moment("11:00"), to=moment("2026-03-03 15:00"), **own, **told)
    door.step("move", visit, moment("2026-03-03 09:00"), to=moment("2026-03-04 15:00"), **own)
    assert [each.state for each in door.owed(customer, kind="apology")] == ["done", "open"]
    assert [shown(each.due) for each in door.owed(customer, kind="arrival")] == ["2026-03-04 15:00"]


def test_when_the_customer_was_told_is_asked_and_kept_with_its_grade(door: Door) -> None:
    """Phoned at nine and recorded at eleven: told at nine, entered later. An apology at the cancelling is not that of the move."""
    customer = door.customer(met=True)
    visit = door.appointment(customer, moment("15:00"), now=moment("08:00"))
    own = {"whose": "rm", "why": "临时开会"}
    told = {"told_how": "call", "apologised": True}
    with pytest.raises(Refused, match="V3") as refused:
        door.step("move", visit, moment("11:00"), to=moment("2026-03-03 15:00"), **own, **told)
    assert "什么时候告知" in str(refused.value)
    with pytest.raises(Refused, match="还没有到"):
        door.step("cancellation", visit, moment("11:00"), told_at=moment("12:00"), **own, **told)
    door.step("move", visit, moment("10:00"), to=moment("2026-03-03 15:00"), **own)
    door.step("cancellation", visit, moment("11:00"), told_at=moment("09:00"), **own, **told)
    of_the_move, of_the_cancelling = door.owed(customer, kind="apology")
    assert (of_the_move.state, of_the_cancelling.state) == ("open", "done")
    assert shown(datetime.fromisoformat(of_the_cancelling.evidence["at"])) == "2026-03-02 09:00"
    assert of_the_cancelling.evidence["grade"] == "entered"
    done = door.done(of_the_move, moment("12:00"), channel="call", apologised=True)
    assert done.state == "done"


def test_a_missed_visit_that_is_moved_owes_a_new_arrival(door: Door) -> None:
    customer = door.customer(met=True)
    visit = door.appointment(customer, moment("15:00"), now=moment("09:00"))
    door.sweep(moment("2026-03-03 00:01"))
    more = {"whose": "rm", "why": "堵车", "told_how": "call", "told_at": moment("2026-03-03 08:55"), "apologised": True}
    door.step("move", visit, moment("2026-03-03 09:00"), to=moment("2026-03-03 15:00"), **more)
    assert [(each.state, shown(each.due)) for each in door.owed(customer, kind="arrival")] == [
        ("missed", "2026-03-02 15:00"),
        ("open", "2026-03-03 15:00"),
    ]


def test_a_number_that_turns_out_wrong_is_asked_for_again(door: Door) -> None:
    customer = door.customer("gold", met=True, called=True, known="email")
    door.record(customer, "reception", moment("14:00"), moment("14:27"))
    (gap,) = door.owed(customer, clause="R4")
    door.done(gap, moment("14:30"), value="13800138000")
    start = moment("2027-03-02 10:00")
    door.record(customer, "call", start, start + timedelta(minutes=1), outcome="wrong_number", purpose="care")
    assert [each.state for each in door.owed(customer, clause="R4")] == ["done", "open"]


def test_agreeing_anew_is_moving(door: Door) -> None:
    customer = door.customer(met=True)
    visit = door.appointment(customer, moment("15:00"), now=moment("09:00"))
    with pytest.raises(Refused):
        door.step("appointment", visit, moment("11:00"), at=moment("2026-03-03 15:00"), place="客户公司")
    assert [shown(each.due) for each in door.owed(customer, kind="arrival")] == ["2026-03-02 15:00"]


def sent(door: Door, thanks: Any, said: str) -> Any:
    """Thanks by SMS, entered the next morning with the time they were sent."""
    how = {"channel": "sms", "at": moment(said).isoformat()}
    return door.post(f"obligations/{thanks.pk}/completion", how, moment("2026-03-03 08:00"))


def test_at_24_00_the_day_is_over(door: Door) -> None:
    """Entered by hand to the minute: 23:59 was the same day (R12, R13), 00:00 is the day after; 22:00 is still the evening (V5)."""
    for said, late in (("2026-03-02 23:59", False), ("2026-03-03 00:00", True)):
        customer = door.customer(met=True)
        door.record(customer, "reception", moment("20:00"), moment("20:30"), known=moment("20:40"), form=FORMS["none"])
        (thanks,) = door.owed(customer, clause="R12")
        done = sent(door, thanks, said)
        assert (done.state, done.evidence["late"]) == ("done", late)
    customer = door.customer(met=True)
    door.record(
        customer,
        "visit",
        moment("20:00"),
        moment("20:30"),
        known=moment("20:40"),
        form=FORMS["none"],
        customer_asked=True,
    )
    (thanks,) = door.owed(customer, clause="V5")
    done = sent(door, thanks, "22:00")
    assert done.evidence["late"] is False
    counted = door.send("get", "adherence?since=2026-03-01&until=2026-03-31", None, moment("2026-03-03 09:00"))["items"]
    assert {(each["clause"], each["in_time"], each["late"]) for each in counted if each["clause"] in ("R12", "V5")} == {
        ("R12", 1, 1),
        ("V5", 1, 0),
    }
