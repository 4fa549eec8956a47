"""客户结构 · How the customers of a book, a team or a unit moved between the tiers, as a picture; who is about to rise or fall.

Domain: :mod:`zhike.customers.structure`, :func:`zhike.conduct.tiers.turn`.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, ngettext, pgettext
from django.views.decorators.http import require_safe

from zhike.conduct.bank import Bank
from zhike.customers import structure
from zhike.customers.structure import CAME, LEFT, Listed, Moved, Turning
from zhike.pages import flow, owed
from zhike.pages.answer import number
from zhike.pages.exported import FORMATS, exported, wanted
from zhike.pages.exported import ROWS as MOST
from zhike.pages.jinja import day_text, local, money
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.people.models import Staff, Unit
from zhike.people.permissions import may, policy
from zhike.people.posts import stations

SPANS = (12, 6)  # months
ROWS, PEOPLE = 20, 300


class Asked:
    """What the address asks for: whose customers, through how many months, who moved from where to where, who is about to move."""

    def __init__(self, request: ActingRequest, today: date) -> None:
        get, self.today = request.GET, today
        self.staff, self.unit = number(get.get("staff")), _unit(get.get("unit"))
        self.span = 6 if get.get("months") == "6" else SPANS[0]
        self.since, self.until = _month(get.get("since"), today), _month(get.get("until"), today)
        self.source, self.to = (_key(get.get(name, "")) for name in ("from", "to"))
        if not (self.since and self.until and self.since < self.until and self.source and self.to):
            self.since = self.until = None
        self.turn = get.get("turn", "") if get.get("turn") in ("rise", "fall") else ""
        self.page = min(max(1, number(get.get("page")) or 1), 1000)

    @property
    def values(self) -> dict[str, Any]:
        months = self.span if self.span != SPANS[0] else None
        given = {"staff": self.staff, "unit": self.unit and self.unit.pk, "months": months, "turn": self.turn}
        return {name: value for name, value in {**given, **self.moves}.items() if value}

    @property
    def moves(self) -> dict[str, str]:
        if not (self.since and self.until):
            return {}
        return {"since": f"{self.since:%Y-%m}", "until": f"{self.until:%Y-%m}", "from": self.source, "to": self.to}

    def address(self, **more: Any) -> str:
        values = {name: value for name, value in {**self.values, **more}.items() if value}
        return f"{reverse('structure')}?{urlencode(values)}" if values else reverse("structure")

    def of_moves(self, since: date, until: date, source: str, to: str) -> str:
        return self.address(since=f"{since:%Y-%m}", until=f"{until:%Y-%m}", **{"from": source, "to": to}) + "#who"


def _key(text: str) -> str:
    """A tier's, or :data:`CAME` or :data:`LEFT`; what cannot be one is none."""
    return text if text.isprintable() and len(text) <= 40 else ""


def _month(text: str | None, today: date) -> date | None:
    try:
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    return month if month.year > 1990 and month <= today else None


def _unit(text: str | None) -> Unit | None:
    return Unit.objects.filter(pk=number(text) or 0).first() if text else None


@policy("customers.view")
@require_safe
def show(request: ActingRequest) -> HttpResponse:
    """``?unit=`` or ``?staff=`` of those whom the reader oversees, ``&months=6``; ``&since=2026-01&until=2026-02&from=gold&to=platinum``
    lists who moved so, ``&turn=rise`` who is about to; ``&as=csv`` either as a file.
    """
    bank, today = bank_of(request), local(request.now).date()
    asked = Asked(request, today)
    kept_by = structure.keepers(request.actor, today, staff=asked.staff, unit=asked.unit)
    if (asked.staff or asked.unit) and not kept_by:
        raise Http404
    units, people = _whose(request, today)
    frame = {
        "asked": asked,
        "units": units,
        "people": people,
        "named": asked.unit.name if asked.unit else dict(people).get(str(asked.staff), ""),
        "tip": owed.tip,
    }
    if structure.too_many(kept_by):
        return render(request, "structure.html", {**frame, "too_many": structure.MOST})
    if wanted(request):
        return _moves_file(request, asked, kept_by, bank) if asked.moves else _turns_file(request, asked, kept_by, bank)
    months = structure.months_until(today.replace(day=1), asked.span)
    made = structure.moved(kept_by, months, today, bank)
    ends = structure.moved(kept_by, (months[0], months[-1]), today, bank)
    ranks = [tier.key for tier in bank.tiers]
    found = structure.turning(kept_by, today, bank)
    context = {
        **frame,
        "several": len([keeper for keeper in kept_by if keeper]) > 1,
        "wide": flow.picture(made, ranks, asked.of_moves, wide=960, high=330, margin=104),
        "narrow": flow.picture(ends, ranks, asked.of_moves, wide=340, high=300, margin=92),
        "words": _words(bank),
        "said": _said(made, ranks),
        "all": sum(made.stand(len(months) - 1).values()),
        "known": any(made.stand(place) for place in range(len(months))),
        "tiers": [(tier.key, tier.name.say(owed.speaks())) for tier in reversed(bank.tiers)],
        "months": _months(made, ranks, bank, asked),
        "spans": [
            {"text": ngettext("%(n)s month", "%(n)s months", n) % {"n": n}, "href": asked.address(months=n, since="", until="", to="", **{"from": ""}), "current": asked.span == n}
            for n in SPANS
        ],
        "who": _who(request, asked, kept_by, bank),
        "near": _near(request, asked, found, bank),
        "percent": bank.tier_near_percent,
    }  # fmt: skip
    return render(request, "structure.html", context)


def _whose(request: ActingRequest, today: date) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The units and the people of whom one may ask by themselves; none for whoever has but a book of their own."""
    keepers = request.actor.oversees
    staff = [keeper for keeper in keepers if keeper > 0]
    if len(keepers) < 2:
        return [], []
    serve = stations(staff, today)
    waiting = Unit.objects.filter(pk__in=[-keeper for keeper in keepers if keeper < 0][:PEOPLE])
    found = {unit.pk: unit for unit in [*serve.values(), *waiting]}
    units = [(str(unit.pk), unit.name) for unit in sorted(found.values(), key=lambda unit: unit.code)]
    named = Staff.objects.filter(pk__in=staff[:PEOPLE], is_active=True, posts__role="rm").distinct().order_by("number")
    people = [(str(id), f"{name} {number_}") for id, name, number_ in named.values_list("pk", "name", "number")]
    return units if len(units) > 1 else [], people if len(people) > 1 else []


def _words(bank: Bank) -> dict[str, str]:
    tiers = {tier.key: tier.name.say(owed.speaks()) for tier in bank.tiers}
    return {**tiers, CAME: pgettext("tiers", "came"), LEFT: pgettext("tiers", "left")}


def _said(made: Moved, ranks: list[str]) -> str:
    """The picture in one sentence."""
    sums = dict.fromkeys(("rise", "fall", "came", "left"), 0)
    for place in range(1, len(made.months)):
        for pair, n in made.ways(place).items():
            if (way := flow.way(*pair, ranks)) in sums:
                sums[way] += n
    return gettext("From %(first)s to now: %(rise)s rose, %(fall)s fell, %(came)s came, %(left)s left.") % {
        "first": f"{made.months[0]:%Y-%m}", **sums,
    }  # fmt: skip


def _months(made: Moved, ranks: list[str], bank: Bank, asked: Asked) -> list[dict[str, Any]]:
    """The figures of the picture, the newest month first; each pair leads to who they are."""
    words, rows = _words(bank), []
    for place in reversed(range(len(made.months))):
        stand, ways = made.stand(place), made.ways(place)
        pairs: dict[str, list[dict[str, Any]]] = {"rise": [], "fall": [], "came": [], "left": []}
        for pair, n in sorted(ways.items()):
            if (way := flow.way(*pair, ranks)) in pairs:
                source, to = (words.get(key, key) for key in pair)
                text = to if way == "came" else source if way == "left" else f"{source} → {to}"
                href = asked.of_moves(made.months[place - 1], made.months[place], *pair)
                pairs[way].append({"text": text, "n": n, "href": href})
        rows.append({
            "month": f"{made.months[place]:%Y-%m}", "first": place == 0, "all": sum(stand.values()),
            "stand": [stand.get(key, 0) for key in reversed(ranks)], **pairs,
        })  # fmt: skip
    return rows


# ── who moved ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _moved_words(asked: Asked, bank: Bank) -> str:
    words = _words(bank)
    source, to = words.get(asked.source, asked.source), words.get(asked.to, asked.to)
    return f"{asked.since:%Y-%m} → {asked.until:%Y-%m} · {source} → {to}"


def _who(request: ActingRequest, asked: Asked, kept_by: list[int], bank: Bank) -> dict[str, Any] | None:
    if not (asked.since and asked.until):
        return None
    found = _listed(asked, kept_by, bank, skip=(asked.page - 1) * ROWS, most=ROWS + 1)
    return {
        "title": _moved_words(asked, bank),
        "clear": asked.address(since="", until="", to="", **{"from": ""}),
        "rows": [{**_customer(each, bank), "assets": money(each.assets)} for each in found[:ROWS]],
        "older": asked.address(page=asked.page + 1) + "#who" if len(found) > ROWS else None,
        "start": asked.address() + "#who" if asked.page > 1 else None,
        "files": [(kind.upper(), asked.address(**{"as": kind})) for kind in FORMATS],
    }


def _listed(asked: Asked, kept_by: list[int], bank: Bank, *, skip: int, most: int) -> list[Listed]:
    assert asked.since
    assert asked.until
    return structure.who_moved(
        kept_by, asked.since, asked.until, asked.source, asked.to, asked.today, bank, skip=skip, most=most
    )


def _customer(each: Listed, bank: Bank) -> dict[str, Any]:
    tier = each.tier if each.tier in {row.key for row in bank.tiers} else bank.tiers[0].key
    return {"who": owed.person(each.id, each.name, each.honorific, tier, bank, each.kind), "rm": each.rm}


def _moves_file(request: ActingRequest, asked: Asked, kept_by: list[int], bank: Bank) -> HttpResponse:
    words = _words(bank)
    columns = [
        gettext("Customer"), pgettext("tiers", "From"), pgettext("tiers", "To"), gettext("Tier today"), gettext("Assets"),
        gettext("Kept by"),
    ]  # fmt: skip
    rows = (
        [
            each.name,
            words.get(asked.source, ""),
            words.get(asked.to, ""),
            words.get(each.tier, each.tier),
            each.assets,
            each.rm,
        ]
        for each in _listed(asked, kept_by, bank, skip=0, most=MOST)
    )
    return exported(request, "tiers", "customers_customer", columns, rows)


# ── who is about to ─────────────────────────────────────────────────────────────────────────────────────────────────


def _near(request: ActingRequest, asked: Asked, found: list[Turning], bank: Bank) -> dict[str, Any]:
    some = [each for each in found if asked.turn in ("", each.turn.way)]
    page = 1 if asked.moves else asked.page  # the page in the address is that of whichever list was asked for
    skip = (page - 1) * ROWS
    here = asked.address(since="", until="", to="", **{"from": ""})
    plain = {"since": "", "until": "", "to": "", "from": ""}
    return {
        "rows": [_turn(request, each, bank) for each in some[skip : skip + ROWS]],
        "tabs": [
            {"text": text, "href": asked.address(turn=name, **plain) + "#near", "current": asked.turn == name,
             "count": sum(name in ("", each.turn.way) for each in found)}
            for name, text in (("", gettext("All")), ("rise", gettext("about to rise")), ("fall", gettext("about to fall")))
        ],
        "older": asked.address(page=page + 1, **plain) + "#near" if len(some) > skip + ROWS else None,
        "start": here + "#near" if page > 1 else None,
        "files": [(kind.upper(), asked.address(**{**plain, "as": kind})) for kind in FORMATS],
        "cut": structure.NEAREST if len(found) >= structure.NEAREST else None,
    }  # fmt: skip


def yuan(amount: Decimal) -> str:
    """To the cent, as the rule compares it."""
    return f"{amount:,.2f}"


def _turn(request: ActingRequest, each: Turning, bank: Bank) -> dict[str, Any]:
    found, today = each.turn, local(request.now).date()
    to = bank.tier(found.to).name.say(owed.speaks())
    if found.way == "fall":
        short = gettext("%(yuan)s yuan short of keeping it") % {"yuan": yuan(found.short)}
    elif found.short > 0:
        short = gettext("%(yuan)s yuan short") % {"yuan": yuan(found.short)}
    else:
        short = gettext("reached, %(yuan)s yuan over") % {"yuan": yuan(-found.short)}
    below = found.months_below
    return {
        **_customer(each.customer, bank),
        "way": found.way,
        "to": to,
        "average": yuan(found.average),
        "running": each.running,
        "threshold": yuan(found.threshold),
        "short": short,
        "decided": day_text(found.decided, today, weekday=False),
        "since": day_text(found.since, today, weekday=False),
        "below": ngettext("below for %(n)s month already", "below for %(n)s months already", below) % {"n": below} if below else "",
        "plan": reverse("plan", args=[each.customer.id, "call"]) + "?purpose=care"
        if may(request.actor, "contacts.change") and each.customer.keeper in request.actor.writes
        else None,
    }  # fmt: skip


def _turns_file(request: ActingRequest, asked: Asked, kept_by: list[int], bank: Bank) -> HttpResponse:
    words = _words(bank)
    ways = {"rise": gettext("about to rise"), "fall": gettext("about to fall")}
    columns = [
        gettext("Customer"), gettext("Tier today"), gettext("What is coming"), pgettext("tiers", "To"), gettext("Average so far, yuan"),
        gettext("Of this month"), gettext("Threshold, yuan"), gettext("Short, yuan"), gettext("Decided on"), gettext("In force from"),
        gettext("Months below"), gettext("Kept by"),
    ]  # fmt: skip
    rows = (
        [
            each.customer.name, words.get(each.customer.tier, each.customer.tier), ways[each.turn.way], words[each.turn.to], each.turn.average,
            gettext("yes") if each.running else gettext("no"), each.turn.threshold, each.turn.short, each.turn.decided.isoformat(),
            each.turn.since.isoformat(), each.turn.months_below, each.customer.rm,
        ]
        for each in structure.turning(kept_by, asked.today, bank)
        if asked.turn in ("", each.turn.way)
    )  # fmt: skip
    return exported(request, "about-to-move", "customers_customer", columns, rows)
