"""营销转发 · One campaign. In a book: who is open, who is out and why; chosen, looked at and forwarded, with a line of one's own. Over many
books: who is behind; whoever may let one run may stop it.

Domain: :mod:`zhike.sms.campaigns`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from zhike.conduct.bank import Bank
from zhike.conduct.quiet_hours import quiet_until
from zhike.conduct.words import Refused
from zhike.pages import campaign as words
from zhike.pages import owed, standing
from zhike.pages.answer import moved, number
from zhike.pages.jinja import when_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.campaigns import watches
from zhike.people.models import Staff
from zhike.people.permissions import may, policy
from zhike.sms.campaigns import books, duties, forwarding
from zhike.sms.campaigns.books import LONGEST_LINE, Choice, Line
from zhike.sms.many import Standing
from zhike.sms.models import Campaign, Forwarding

ALL = "*"  # chosen instead of tiers; no tier is called so
SINGLES = 500  # customers to tick one by one; whoever has more begins with a tier
NAMED = 3  # so many are told by their names on the button
BOOKS = 100


@dataclass(frozen=True)
class Place:
    """A campaign in somebody's book: what every part of the page is about."""

    campaign: Campaign
    staff: Staff
    bank: Bank

    def address(self, request: ActingRequest, **more: Any) -> str:
        own = self.staff.pk == request.actor.id and not watches(request.actor)
        asked = ({} if own else {"rm": self.staff.pk}) | more
        path = reverse("campaign", args=[self.campaign.key])
        return f"{path}?{urlencode(asked, doseq=True)}" if asked else path


@policy("campaigns.view")
@require_safe
def show(request: ActingRequest, campaign: UUID) -> HttpResponse:
    """``?rm=`` whose book; one's own unless said, and the board for whoever watches over others. In a book ``?to=*`` or ``?to=gold``,
    ``?customer=7``, ``?line=`` are looked at; ``?stands=open`` who stands so, ``&after=`` page by page. On the board ``?from=``."""
    if "rm" not in request.GET and watches(request.actor):
        return _board(request, _campaign(request, campaign))
    return _book(request, _place(request, campaign))


def _campaign(request: ActingRequest, key: UUID) -> Campaign:
    rows = Campaign.objects.visible_to(request.actor).filter(key=key)
    found = rows.select_related("unit", "by", "wording", "stopped_by").first()
    if found is None:
        raise Http404
    return found


def _place(request: ActingRequest, key: UUID) -> Place:
    given = request.POST if request.method == "POST" else request.GET
    asked = number(given.get("rm")) if "rm" in given else request.actor.id
    staff = Staff.objects.filter(pk=asked).first() if asked in request.actor.sees else None
    if staff is None:
        raise Http404
    return Place(_campaign(request, key), staff, bank_of(request))


# ── in a book ───────────────────────────────────────────────────────────────────────────────────────────────────


def _book(request: ActingRequest, place: Place, wrong: str = "", *, leaving_out: bool = False) -> HttpResponse:
    campaign, bank, now, staff = place.campaign, place.bank, request.now, place.staff.pk
    given = request.POST if request.method == "POST" else request.GET
    tiers = books.coverage(campaign, [staff], now, bank)
    counts = standing.together(tiers)
    owes = duties.duty(campaign, staff)
    owed_state = owes.state if owes else ""
    acts = may(request.actor, "messages.send") and staff in request.actor.writes and campaign.runs(now)
    to_choose = acts and bool(counts.get("open"))
    listed = _who(request, place, counts)
    context = {
        "place": place,
        "campaign": campaign,
        "of": place.staff.name if staff != request.actor.id else "",
        "rm": staff if staff != request.actor.id or watches(request.actor) else None,
        "up": reverse("campaign", args=[campaign.key]) if watches(request.actor) else reverse("campaigns"),
        "coverage": standing.coverage(counts, words.names(campaign.runs(now))),
        "stands_so": words.stands(campaign, now),
        "late": campaign.state(now) == "late" and owed_state == "open",
        "facts": words.facts(campaign, bank, now),
        "acts": acts,
        "open": counts.get("open", 0),
        "done": owed_state == "done",
        **(_choosing(request, place, tiers, given) if to_choose else {}),
        "forwarded": [_forwarded(each) for each in forwarding.forwarded(campaign, staff)],
        "because": words.because(listed["stands"], campaign, bank),
        "wrong": wrong,
        "leaving_out": leaving_out,
        **listed,
    }
    return render(request, "campaign.html", context, status=422 if wrong else 200)


def _choosing(request: ActingRequest, place: Place, tiers: Sequence[Standing], given: QueryDict) -> dict[str, Any]:
    """What there is to choose from, what is chosen of it, and what that would come to."""
    rows = books.standing(place.campaign, "open", place.staff.pk, request.now, place.bank, 0, SINGLES + 1)
    open_to = {row.tier: row.counts["open"] for row in tiers if row.counts.get("open")}
    every = sum(open_to.values())
    named = [(key, f"{place.bank.tier(key).name.say(owed.speaks())} {count}") for key, count in open_to.items()]
    return {
        "to": [(ALL, gettext("All %(n)s") % {"n": every}), *(named if len(named) > 1 else [])],
        "chosen": given.getlist("to"),
        "singles": [
            owed.person(row["id"], row["name"], row["honorific"], row["tier"], place.bank, row["kind"])
            for row in rows[:SINGLES]
        ],
        "beyond": len(rows) > SINGLES,
        "ticked": _choice(given).customers,
        "line": given.get("line", ""),
        "longest": LONGEST_LINE,
        "plan": _plan(request, place, given),
        "reason": given.get("reason", ""),
    }


def _choice(given: QueryDict) -> Choice:
    """Nobody unless somebody is chosen."""
    to = given.getlist("to")
    singles = [id for id in map(number, given.getlist("customer")) if id]
    return Choice([tier for tier in to if tier != ALL], singles, ALL in to)


def _plan(request: ActingRequest, place: Place, given: QueryDict) -> dict[str, Any]:
    """Number and scope before anything is confirmed; what one of them gets, what all of it costs, when it leaves; or what may not be said."""
    choice, line, bank = _choice(given), given.get("line", ""), place.bank
    try:
        books.own_line(line, bank)
        found = books.estimate(place.campaign, choice, place.staff.pk, line=line, now=request.now, bank=bank)
    except Refused as refused:
        return {"wrong": refused.words.say(owed.speaks()), "customers": 0}
    if not found.customers or not found.who:
        return {"wrong": "", "customers": 0, "chosen": bool(choice.everybody or choice.tiers or choice.customers)}
    scope, quiet, who = _scope(request, place, choice), quiet_until(request.now, bank), found.who
    said = ngettext("Forward to %(n)s customer", "Forward to %(n)s customers", found.customers) % {"n": found.customers}
    return {
        "wrong": "",
        "customers": found.customers,
        "segments": found.segments,
        "price": found.price(bank),
        "text": found.text,
        "who": owed.person(who["id"], who["name"], who["honorific"], who["tier"], bank, who["kind"]),
        "button": f"{said} · {scope}",
        "scope": scope,
        "leaves": gettext("Quiet hours: it leaves at %(when)s.") % {"when": when_text(quiet, request.now)} if quiet else gettext("It leaves at once."),
    }  # fmt: skip


def _scope(request: ActingRequest, place: Place, choice: Choice) -> str:
    """全部, 白金及以上, 张伟明、程远, or how many were ticked."""
    if choice.everybody:
        return gettext("all who are open")
    tiers = [tier.key for tier in reversed(place.bank.tiers) if tier.key in choice.tiers]
    parts = [standing.scope(tiers, place.bank)] if tiers else []
    if len(choice.customers) > NAMED:
        ticked = len(choice.customers)
        parts.append(ngettext("%(n)s ticked", "%(n)s ticked", ticked) % {"n": ticked})
    elif choice.customers:
        rows = books.standing(place.campaign, "open", place.staff.pk, request.now, place.bank, 0, SINGLES)
        parts += [row["name"] for row in rows if row["id"] in choice.customers]
    return standing.listed(parts)


def _forwarded(forwarding: Forwarding) -> dict[str, Any]:
    kept: Any = forwarding
    return {
        "key": forwarding.key, "many": kept.many, "left": kept.left, "by": forwarding.by.name, "at": forwarding.at, "line": forwarding.line,
        "handed_over": forwarding.handed_over,
    }  # fmt: skip


def _who(request: ActingRequest, place: Place, counts: dict[str, int]) -> dict[str, Any]:
    def find(stands: str, after: int, most: int) -> list[dict[str, Any]]:
        return books.standing(place.campaign, stands, place.staff.pk, request.now, place.bank, after, most)

    def address(**more: Any) -> str:
        return place.address(request, **more)

    return standing.who(request, counts, words.names(place.campaign.runs(request.now)), find, address, place.bank)


@policy("messages.send")
@require_POST
def look(request: ActingRequest, campaign: UUID) -> HttpResponse:
    """What forwarding it so would come to: the fragment that the page asks for while somebody chooses and types; nothing is done."""
    place = _place(request, campaign)
    if "HX-Request" not in request.headers:
        return _book(request, place)
    reason = request.POST.get("reason", "")
    context = {"place": place, "plan": _plan(request, place, request.POST), "reason": reason, "leaving_out": False}
    return render(request, "_campaign_plan.html", context)


@policy("messages.send")
@require_POST
def forward(request: ActingRequest, campaign: UUID) -> HttpResponse:
    """``to``, ``customer`` and ``line`` as they were shown, with the ``count`` that the button said."""
    place = _place(request, campaign)
    try:
        done = forwarding.forward(
            place.campaign, _choice(request.POST), line=request.POST.get("line", ""), staff=place.staff.pk,
            expected=number(request.POST.get("count")) or 0, actor=request.actor, now=request.now, bank=place.bank,
        )  # fmt: skip
    except Refused as refused:
        return _book(request, place, refused.words.say(owed.speaks()))
    said = ngettext("Forwarded to %(n)s customer.", "Forwarded to %(n)s customers.", done.messages)
    return moved(request, place.address(request), said % {"n": done.messages})


@policy("messages.send")
@require_POST
def leave_out(request: ActingRequest, campaign: UUID) -> HttpResponse:
    """The chosen open ones are not told of it, for a reason."""
    place = _place(request, campaign)
    try:
        left = forwarding.leave_out(
            place.campaign, _choice(request.POST), request.POST.get("reason", ""), staff=place.staff.pk,
            expected=number(request.POST.get("count")) or 0, actor=request.actor, now=request.now, bank=place.bank,
        )  # fmt: skip
    except Refused as refused:
        return _book(request, place, refused.words.say(owed.speaks()), leaving_out=True)
    said = ngettext("%(n)s customer left out.", "%(n)s customers left out.", left) % {"n": left}
    return moved(request, place.address(request), said)


@policy("messages.send")
@require_POST
def bring_back(request: ActingRequest, campaign: UUID) -> HttpResponse:
    """``customer``: whoever was left out is open again."""
    place = _place(request, campaign)
    chosen = [id for id in map(number, request.POST.getlist("customer")) if id]
    try:
        back = forwarding.bring_back(
            place.campaign, chosen, staff=place.staff.pk, actor=request.actor, now=request.now, bank=place.bank
        )
    except Refused as refused:
        return _book(request, place, refused.words.say(owed.speaks()))
    said = ngettext("%(n)s customer brought back.", "%(n)s customers brought back.", back) % {"n": back}
    return moved(request, f"{place.address(request, stands='open')}#who", said)


@policy("messages.send")
@require_POST
def withdraw(request: ActingRequest, campaign: UUID) -> HttpResponse:
    """What of it has not left does not; whoever it was for is open again."""
    place = _place(request, campaign)
    rows = place.campaign.forwardings.filter(staff=place.staff, withdrawn_at=None)
    found = next((each for each in rows if str(each.key) == request.POST.get("forwarding")), None)
    if found is None:
        raise Http404
    count = forwarding.withdraw(found, actor=request.actor, now=request.now, bank=place.bank)
    said = ngettext("%(n)s message withdrawn.", "%(n)s messages withdrawn.", count) % {"n": count}
    return moved(request, place.address(request), said)


# ── over many books ─────────────────────────────────────────────────────────────────────────────────────────────


def _board(request: ActingRequest, campaign: Campaign, wrong: str = "", reason: str = "") -> HttpResponse:
    bank, now = bank_of(request), request.now
    lines = words.owing(books.board(campaign, request.actor, now, bank), campaign)
    names = words.names(campaign.runs(now))
    seen = number(request.GET.get("from")) or 0
    here = reverse("campaign", args=[campaign.key])
    context = {
        "campaign": campaign,
        "stands_so": words.stands(campaign, now),
        "facts": words.facts(campaign, bank, now),
        "coverage": standing.coverage(words.total(lines), names),
        "names": names,
        "fates": words.fates(lines),
        "lines": [_line(line, here, request, names) for line in lines[seen : seen + BOOKS]],
        "many": len(lines),
        "older": f"{here}?from={seen + BOOKS}#board" if len(lines) > seen + BOOKS else None,
        "start": f"{here}#board" if seen else None,
        "stops": may(request.actor, "campaigns.approve") and campaign.runs(now),
        "wrong": wrong,
        "reason": reason,
    }
    return render(request, "campaign_board.html", context, status=422 if wrong else 200)


def _line(line: Line, here: str, request: ActingRequest, names: standing.Names) -> dict[str, Any]:
    """One RM; the name leads to the book for whoever may look into it."""
    out = [f"{name} {line.counts[stands]}" for stands, name in names.items()
           if stands not in {"forwarded", "open"} and line.counts.get(stands)]  # fmt: skip
    return {
        **standing.coverage(line.counts, names),
        "name": line.name,
        "href": f"{here}?rm={line.staff}" if line.staff in request.actor.sees else None,
        "out": line.out,
        "reasons": standing.listed(out),
        "fate": words.fate(line.fate),
        "done_at": line.done_at,
    }


@policy("campaigns.approve")
@require_POST
def stop(request: ActingRequest, campaign: UUID) -> HttpResponse:
    """Nothing of it leaves any more."""
    found, reason = _campaign(request, campaign), request.POST.get("reason", "")
    try:
        forwarding.stop(found, reason, actor=request.actor, now=request.now)
    except Refused as refused:
        return _board(request, found, refused.words.say(owed.speaks()), reason)
    return moved(request, reverse("campaign", args=[found.key]), gettext("Stopped. What waits to leave is taken back."))
