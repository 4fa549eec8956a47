"""Greetings of festivals and birthdays (节日问候、生日问候): how far a book is, arranged and withdrawn many at once, left out with a reason."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import Http404
from ninja import Query, Router
from pydantic import Field

from zhike.api.cursors import Page, page, position
from zhike.api.desk import Desk, bank_of, verb, whose
from zhike.api.problems import field_invalid, say
from zhike.api.shapes import Id, IdOut, In, Line, Out, Text
from zhike.conduct.bank import Bank
from zhike.conduct.calendars import to_lunar
from zhike.conduct.words import Words
from zhike.people.permissions import policy
from zhike.sms import birthdays, greetings
from zhike.sms.birthdays import Birthdays
from zhike.sms.greetings import Greeted, Occasion
from zhike.sms.models import Greeting, Wording

router = Router()

COMING = 8
Stands = Literal["arranged", "open", "in_person", "no_consent", "no_mobile", "stopped", "left_out"]
Tiers = Annotated[list[Line], Field(min_length=1, max_length=20)]


class CountsOut(Out):
    """How many customers stand how. ``in_person``: called or met on a birthday, not written to."""

    arranged: int = 0
    open: int = 0
    in_person: int = 0
    no_consent: int = 0
    no_mobile: int = 0
    stopped: int = 0
    left_out: int = 0


class FestivalOut(Out):
    """``occasion`` names it in addresses. ``due``: by when its greetings are arranged. ``late``: some are open still."""

    occasion: str
    festival: str
    day: date
    lunar: str
    due: datetime
    late: bool
    counts: CountsOut


class FestivalsOut(Out):
    items: list[FestivalOut]


class TierOut(Out):
    tier: str
    counts: CountsOut


class ArrangementOut(Out):
    """``messages``: how many; ``left``: how many of them wait still. ``id`` is null where nobody was open. ``wordless``, as it is arranged: how
    many stay open because there are no words in the language in which one writes to them, by the language."""

    id: IdOut | None
    wordless: dict[str, int] = {}
    tiers: list[str]
    messages: int
    left: int
    sent_from: datetime | None


class Arranging(Out):
    """Tier by tier, what was arranged, which wordings do."""

    tiers: list[TierOut]
    arrangements: list[ArrangementOut]
    wordings: list[IdOut]


class CoverageOut(FestivalOut, Arranging):
    pass


class BirthdaysOut(Arranging):
    """Those that the book's customers celebrate from ``first`` to ``last``."""

    occasion: Literal["birthdays"]
    first: date
    last: date
    counts: CountsOut


class GreetedOut(Out):
    """``occasion``: which greeting it is: the festival's, or that of the birthday's day."""

    occasion: str
    id: IdOut
    name: str
    tier: str


class StandingsOut(Out):
    items: list[GreetedOut]
    next: str | None


class ArrangeIn(In):
    """``staff``: whose customers; one's own unless said. ``expected``: refused if it is not just so many."""

    tiers: Tiers
    wording: Id
    expected: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    staff: Id | None = None


class LeaveOutIn(In):
    """``expected``: refused if it is not just so many."""

    tiers: Tiers
    reason: Text
    expected: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    staff: Id | None = None


class LeftOutOut(Out):
    left_out: int


class BringBackIn(In):
    """``customers``: who was left out. ``staff``: whose; one's own unless said."""

    customers: Annotated[list[Id], Field(max_length=5000)]
    staff: Id | None = None


class BroughtBackOut(Out):
    brought_back: int


class WithdrawnOut(Out):
    withdrawn: int


class Whose(In):
    """``staff``: whose customers; one's own unless said."""

    staff: Id | None = None


class StandingFilters(Page):
    stands: Stands = "open"
    staff: Id | None = None


def named(key: str, request: Desk, bank: Bank) -> Greeted:
    """A festival by its key, or the birthdays of the days to come."""
    found: Greeted | None = greetings.occasion(key, bank)
    if key == birthdays.KEY:
        found = Birthdays(request.now.astimezone(bank.zone).date())
    if found is None:
        raise Http404
    return found


def festival(each: Occasion, counts: dict[str, int], request: Desk, bank: Bank) -> dict[str, Any]:
    return {
        "occasion": each.key,
        "festival": say(each.festival.name),
        "day": each.day,
        "lunar": say(to_lunar(each.day).name),
        "due": each.due(bank),
        "late": bool(counts.get("open")) and each.due(bank) <= request.now,
        "counts": counts,
    }


@router.get("greetings", response=FestivalsOut)
@policy("messages.view")
def list_(request: Desk, asked: Query[Whose]) -> Any:
    """The festivals to come that the bank greets, the nearest first, each with how far the book is."""
    bank, staff = bank_of(request), whose(request, asked.staff)
    coming = greetings.coming(request.now.astimezone(bank.zone).date(), bank, COMING)
    covered = greetings.covered(coming, [staff], bank)
    return {"items": [festival(each, covered.get(each.key, {}).get(staff, {}), request, bank) for each in coming]}


@router.get("greetings/birthdays", response=BirthdaysOut)
@policy("messages.view")
def of_birthdays(request: Desk, asked: Query[Whose]) -> Any:
    """The birthdays of the days to come; arranged, left out and withdrawn under this address as those of a festival are under theirs."""
    bank, staff = bank_of(request), whose(request, asked.staff)
    found = Birthdays(request.now.astimezone(bank.zone).date())
    counts, arranging = _standing(found, staff, bank)
    return {"occasion": found.key, "first": found.first, "last": found.day, "counts": counts, **arranging}


@router.get("greetings/{occasion}", response=CoverageOut)
@policy("messages.view")
def get(request: Desk, occasion: str, asked: Query[Whose]) -> Any:
    """One festival."""
    bank, staff = bank_of(request), whose(request, asked.staff)
    found = greetings.occasion(occasion, bank)
    if found is None:
        raise Http404
    counts, arranging = _standing(found, staff, bank)
    return {**festival(found, counts, request, bank), **arranging}


def _standing(found: Greeted, staff: int, bank: Bank) -> tuple[dict[str, int], dict[str, Any]]:
    tiers = greetings.coverage(found, [staff], bank)
    counts: dict[str, int] = {}
    for row in tiers:
        for stands, count in row.counts.items():
            counts[stands] = counts.get(stands, 0) + count
    return counts, {
        "tiers": [{"tier": row.tier, "counts": row.counts} for row in tiers],
        "arrangements": [_arrangement(each) for each in greetings.arranged(found, staff)],
        "wordings": [each.pk for each in greetings.suiting(found, staff)],
    }


def _arrangement(each: Greeting) -> dict[str, Any]:
    kept: Any = each
    return {"id": each.key, "tiers": each.tiers, "messages": kept.many, "left": kept.left, "sent_from": each.sent_from}


@router.get("greetings/{occasion}/customers", response=StandingsOut)
@policy("messages.view")
def customers(request: Desk, occasion: str, asked: Query[StandingFilters]) -> Any:
    """Who stands so, by day and id."""
    bank, staff = bank_of(request), whose(request, asked.staff)
    after = position(asked.cursor, str, int)
    found = greetings.standing(
        named(occasion, request, bank),
        asked.stands,
        staff,
        bank,
        (after[0], after[1]) if after else ("", 0),
        asked.limit + 1,
    )
    some, more = page(found, asked.limit, lambda each: (each["occasion"], each["id"]))
    return {"items": [{name: each[name] for name in ("occasion", "id", "name", "tier")} for each in some], "next": more}


@router.post("greetings/{occasion}/arrangements", response={201: ArrangementOut})
@policy("messages.send")
def arrange(request: Desk, occasion: str, body: ArrangeIn) -> Any:
    """A greeting for every open customer of these tiers; it leaves on the morning of its day."""
    wording = Wording.objects.filter(pk=int(body.wording)).select_related("template").first()
    if wording is None:
        raise field_invalid(
            "wording", say(Words("没有这条措辞，或已停用。", "There are no such words, or they are out of use."))
        )
    found = named(occasion, request, bank_of(request))
    done = greetings.arrange(
        found, wording, body.tiers, staff=whose(request, body.staff), expected=body.expected, **verb(request)
    )
    kept = done.greeting
    return {"id": kept.key if kept else None, "tiers": body.tiers, "messages": done.messages, "left": done.messages, "wordless": done.wordless,
                 "sent_from": kept.sent_from if kept else None}  # fmt: skip


@router.post("greetings/{occasion}/exclusions", response=LeftOutOut)
@policy("messages.send")
def leave_out(request: Desk, occasion: str, body: LeaveOutIn) -> Any:
    """The open customers of these tiers are not greeted this time."""
    found = named(occasion, request, bank_of(request))
    left = greetings.leave_out(
        found, body.tiers, body.reason, expected=body.expected, staff=whose(request, body.staff), **verb(request)
    )
    return {"left_out": left}


@router.post("greetings/{occasion}/exclusions/withdrawal", response=BroughtBackOut)
@policy("messages.send")
def bring_back(request: Desk, occasion: str, body: BringBackIn) -> Any:
    """Who was left out is open again."""
    found, some = named(occasion, request, bank_of(request)), [int(id) for id in body.customers]
    return {"brought_back": greetings.bring_back(found, some, staff=whose(request, body.staff), **verb(request))}


@router.post("greetings/{occasion}/arrangements/{arrangement}/withdrawal", response=WithdrawnOut)
@policy("messages.send")
def withdraw(request: Desk, occasion: str, arrangement: UUID) -> Any:
    """What of it has not left does not; whoever it was for is open again."""
    found = Greeting.objects.filter(
        key=arrangement, occasion=occasion, staff__among=request.actor.writes, withdrawn_at=None
    ).first()
    if found is None:
        raise Http404
    return {"withdrawn": greetings.withdraw(found, **verb(request))}
