"""客户 · One book at a time, in the order of names; and the search that every page has.

Domain: :func:`zhike.customers.search.find`, ``Customer.objects.visible_to``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, ngettext, pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zhike.conduct.bank import Bank
from zhike.conduct.calendars import Birthday
from zhike.contacts.models import Kind
from zhike.contacts.near import Near, near
from zhike.customers import profile, search
from zhike.customers.models import Customer, Need
from zhike.documents import search as records
from zhike.obligations.working_list import CHOICES, WELCOME, Counts, WorkingList
from zhike.pages import kinds, owed, sought
from zhike.pages.answer import moved, number
from zhike.pages.jinja import day_text, local, money, when_text
from zhike.pages.middleware import ActingRequest
from zhike.pages.shell import bank_of
from zhike.pages.views.differences import waiting
from zhike.people.models import Staff, Unit
from zhike.people.permissions import may, policy

ROWS = 50
DOCUMENTS = 5  # below the customers, while one types
BOOKS = 300
# What the calls would be about that are planned from a working list.
SUGGESTS = {"matures": "maturity", "birthday": "birthday", "need": "need", "silent": "care"}


def _amount(text: str) -> Decimal:
    """An amount out of an address. Raises ValueError for what no column can be compared with, "1e999999" or "NaN"."""
    amount = Decimal(text)
    if not amount.is_finite() or abs(amount.adjusted()) > 20:
        raise ValueError(text)
    return amount


# What a book may be ordered by; each as SQL without NULLs, so that a page can go on after the last row of the one before.
SORTS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "": ("sort_key", str),
    "silent": ("coalesce(last_contact_at, 'epoch'::timestamptz)", datetime.fromisoformat),
    "assets": ("-coalesce(assets, 0)", _amount),
}


@policy("customers.view")
@require_safe
def book(request: ActingRequest) -> HttpResponse:
    """``?rm=7`` somebody else's book in scope, ``?tier=gold``, ``?silent=30&need=open`` and so on a working list of it
    (:data:`zhike.obligations.working_list.CHOICES`), ``?sort=silent`` longest without contact first or ``assets`` most
    first; ``?after=`` the last place and id of the page before, sealed: in the order of
    names the place is a name."""
    bank = bank_of(request)
    books = _books(request)
    keeper = _keeper(request, books)
    tier = request.GET.get("tier", "")
    tier = tier if tier in {each.key for each in bank.tiers} else ""
    listed = WorkingList.of(request.GET, request.now, bank)
    counts = listed.counts(keeper, request.actor, tier)
    sort = request.GET.get("sort", "")
    sort = sort if sort in SORTS else ""
    rows: Any = Customer.objects.visible_to(request.actor).filter(keeper=keeper)
    rows = listed.narrow(rows.filter(tier=tier) if tier else rows)
    place, read = SORTS[sort]
    after: tuple[Any, int] | None = None
    key, _sep, last = sought.opened(request.GET.get("after", ""), request.actor).rpartition("~")
    with suppress(ValueError, InvalidOperation):  # a damaged address begins at the beginning
        if (id := number(last)) is not None:
            after = (read(key), id)
            rows = rows.extra(where=[f"({place}, id) > (%s, %s)"], params=after)  # noqa: S610 -- SORTS only
    page = list(
        listed.show(rows).extra(  # noqa: S610 -- SORTS and ours only
            select={"place": place, "over": f"{WELCOME} AND {listed.over.sql}"}, select_params=listed.over.parameters,
            order_by=["place", "id"],
        ).values(
            "id", "name", "honorific", "tier", "kind", "assets", "last_contact_at", "created_at", "profile", "place", "over",
            "birth_calendar", "birth_year", "birth_month", "birth_day", "birth_leap", *listed.shown,
        )[: ROWS + 1]
    )  # fmt: skip
    more = page[ROWS - 1] if len(page) > ROWS else None
    asked = {"rm": _asked_for(keeper, request), "tier": tier, **listed.chosen, "sort": sort}
    address = partial(_address, asked)
    found = counts.found.get(tier, 0) if tier else sum(counts.found.values())
    context = {
        "rows": [_row(row, request, bank, listed) for row in page[:ROWS]],
        "tabs": _tabs(counts, tier, bank, address),
        "filters": _filters(counts, listed, address),
        "chosen": _chosen(counts, listed, tier, bank, address),
        "found": found,
        "clear": address(**dict.fromkeys([*CHOICES, "tier"], "")),
        "about": bool(listed.shown or "birthday" in listed.chosen),
        "sorts": [
            {"text": text, "href": address(sort=name), "current": name == sort}
            for name, text in (
                ("", pgettext("sort", "Name")),
                ("silent", pgettext("sort", "Longest without contact")),
                ("assets", pgettext("sort", "Assets")),
            )
        ],
        "all": sum(counts.book.values()),
        "older": address(after=sought.sealed(f"{more['place']}~{more['id']}", request.actor)) if more else None,
        "start": address() if after else None,
        "books": books,
        "asked": asked,
        "keeper": keeper,
        "own": keeper == request.actor.id,
        "differences": waiting(request),
        "may_plan": may(request.actor, "contacts.change") and keeper in request.actor.writes,
        "purpose": next((purpose for name, purpose in SUGGESTS.items() if name in listed.chosen), ""),
    }
    return render(request, "customers.html", context)


def _keeper(request: ActingRequest, books: list[tuple[int, str]]) -> int:
    """Whose book: the one asked for, else the first that there is. Rows outside of the scope stay invisible anyway."""
    asked = request.GET.get("rm", "")
    if keeper := number(asked.removeprefix("-")):
        return -keeper if asked.startswith("-") else keeper
    return books[0][0] if books else request.actor.id


def _asked_for(keeper: int, request: ActingRequest) -> str:
    """The book as an address names it; one's own needs no name."""
    return "" if keeper == request.actor.id and "rm" in request.actor.roles else str(keeper)


def _books(request: ActingRequest) -> list[tuple[int, str]]:
    """The books that a leader or a stand-in may turn to: each RM in scope, whom one covers first, and each unit's customers that
    wait for an RM.
    """
    staff = [id for id in request.actor.sees if id > 0]
    units = [-id for id in request.actor.sees if id < 0]
    if len(staff) < 2 and not units:
        return []
    covers = request.actor.covers
    named = (
        Staff.objects.filter(pk__in=staff[:BOOKS], posts__role="rm")
        .exclude(pk__in=(request.actor.id, *covers))
        .distinct()
    )
    own = [(request.actor.id, gettext("My book"))] if "rm" in request.actor.roles else []
    lent = Staff.objects.filter(pk__in=covers).order_by("number").values_list("pk", "name") if covers else []
    own += [(id, gettext("for %(name)s") % {"name": name}) for id, name in lent]
    books = [*own, *named.order_by("number").values_list("id", "name")]
    waiting = Unit.objects.filter(pk__in=units[:BOOKS]).order_by("code").values_list("id", "name")
    return books + [(-id, gettext("%(unit)s, without an RM") % {"unit": name}) for id, name in waiting]


def _address(asked: dict[str, str], **changed: str) -> str:
    """The page as it is asked for, but for what is ``changed``; an empty value leaves a part out."""
    query = {name: value for name, value in (asked | changed).items() if value}
    return f"{reverse('customers')}?{urlencode(query)}" if query else reverse("customers")


def _tabs(counts: Counts, tier: str, bank: Bank, address: Callable[..., str]) -> list[dict[str, Any]]:
    tabs = [
        {
            "text": pgettext("filter", "All"),
            "href": address(tier=""),
            "count": sum(counts.found.values()),
            "current": not tier,
        }
    ]
    for row in reversed(bank.tiers):
        if counts.book.get(row.key):
            tabs.append({
                "text": row.name.say(owed.speaks()),
                "href": address(tier=row.key),
                "count": counts.found[row.key],
                "current": tier == row.key,
            })  # fmt: skip
    return tabs


def _groups() -> list[tuple[str, list[tuple[str, str, str]]]]:
    """The choices in the words of the field: a heading, and below it name, value and word of each."""
    return [
        (gettext("Not in touch"), [
            ("silent", "rhythm", gettext("over the rhythm")), ("silent", "30", gettext("30 days")),
            ("silent", "60", gettext("60 days")), ("silent", "90", gettext("90 days")),
            ("met", "never", gettext("never met")), ("called", "never", gettext("never called")),
        ]),
        (gettext("Occasion"), [
            ("matures", "30", gettext("matures within 30 days")), ("birthday", "14", gettext("birthday within 14 days")),
            ("birthday", "month", gettext("birthday this month")), ("need", "open", gettext("open need")),
            ("owed", "late", gettext("something late")),
        ]),
        (gettext("Missing"), [
            ("mobile", "missing", gettext("no mobile number")),
            ("sms", "no_consent", gettext("no consent to marketing by SMS")),
        ]),
    ]  # fmt: skip


def _filters(counts: Counts, listed: WorkingList, address: Callable[..., str]) -> list[dict[str, Any]]:
    """Each choice with how many it would leave; chosen, it is taken back by the same press."""
    return [
        {
            "title": title,
            "options": [
                {
                    "text": text,
                    "current": (current := listed.chosen.get(name) == value),
                    "count": counts.more.get((name, value)),
                    "href": address(**{name: "" if current else value}),
                }
                for name, value, text in options
            ],
        }
        for title, options in _groups()
    ]


def _chosen(
    counts: Counts, listed: WorkingList, tier: str, bank: Bank, address: Callable[..., str]
) -> list[dict[str, Any]]:
    """What the list is narrowed by, each with how many there would be without it."""
    said = {(name, value): text for _title, options in _groups() for name, value, text in options}
    said["silent", "30"], said["silent", "60"], said["silent", "90"] = (
        gettext("not in touch for %(n)s days") % {"n": days} for days in (30, 60, 90)
    )
    chosen = [(name, said[name, value]) for name, value in listed.chosen.items()]
    if tier:
        chosen.append(("tier", bank.tier(tier).name.say(owed.speaks())))
    return [
        {"text": text, "href": address(**{name: ""}), "without": counts.without.get(name, 0)} for name, text in chosen
    ]


def _row(row: dict[str, Any], request: ActingRequest, bank: Bank, listed: WorkingList) -> dict[str, Any]:
    last, tier = row["last_contact_at"], row["tier"]
    silent = (listed.today - local(last or row["created_at"]).date()).days
    missing = [
        str(f.label)
        for f in profile.asked(row["kind"])
        if not (row["birth_month"] if f.name == "birthday" else (row["profile"].get(f.name) or {}).get("v"))
    ]
    return {
        "who": owed.person(row["id"], row["name"], row["honorific"], tier, bank, row["kind"]),
        "assets": money(row["assets"]),
        "silent": gettext("never yet") if last is None else gettext("today") if silent <= 0
        else ngettext("%(n)s day ago", "%(n)s days ago", silent) % {"n": silent},
        "over": row["over"],
        "missing": gettext(", ").join(missing),
        "about": list(_about(row, listed, bank)),
    }  # fmt: skip


def _about(row: dict[str, Any], listed: WorkingList, bank: Bank) -> Iterator[str]:
    """Why a row is in the list, where that is a thing to speak of: what matures, whose birthday, which need, what is late."""
    today = listed.today
    if "birthday" in listed.chosen:
        calendar, month, day_of_birth, year, leap = (
            row[f"birth_{part}"] for part in ("calendar", "month", "day", "year", "leap")
        )
        born = Birthday(calendar, month, day_of_birth, year, leap)
        first, _last = listed.birthdays_between(listed.chosen["birthday"])
        for day in born.next_dates(first, bank.birthday_policy, 1):
            yield gettext("birthday %(day)s") % {"day": day_text(day, today)}
    if matures := row.get("matures"):
        day, amount = date.fromisoformat(matures["on"]), money(Decimal(matures["amount"]))
        yield gettext("%(product)s %(amount)s matures %(day)s") % {
            "product": matures["product"], "amount": amount, "day": day_text(day, today),
        }  # fmt: skip
    if need := row.get("need"):
        yield need["words"] or str(Need.Kind(need["kind"]).label)
    if late := row.get("owed"):
        yield f"{owed.words(late['what'])} {late['clause']}"


@policy("customers.view")
@require_POST
def hits(request: ActingRequest) -> HttpResponse:
    """What the search box shows while one types; own customers first. Before a letter is typed: today's customers, and whom
    one last talked with. ``?relative=7`` chooses one who belongs to customer 7; ``kind``, ``day`` and ``time`` one to make an
    appointment with.

    Sent as a form, like :func:`find`: what one types are names and phone numbers (``zhike.pages.sought``).
    """
    given = {**request.GET.dict(), **request.POST.dict()}
    words, bank = str(given.get("q", "")).strip(), bank_of(request)
    if words:
        found = search.find(words, request.actor, request.now, bank)
        groups = [("", [hit(each, bank) for each in found.hits])]
    else:
        found = search.Found([], more=False)
        today, lately = near(request.actor, request.now, bank)
        groups = [
            (gettext("Today"), [_near(each, request) for each in today]),
            (gettext("Talked with last"), [_near(each, request) for each in lately]),
        ]
    to = leads_to(given)
    shown = [
        (
            title,
            [
                {**each, "href": to(each["who"]["id"])}
                for each in some
                if str(each["who"]["id"]) != given.get("relative")
            ],
        )
        for title, some in groups
    ]
    context = {"words": words, "groups": [group for group in shown if group[1]], "more": found.more}
    # Where a customer is to be chosen, no document is.
    plain = not (given.get("relative") or given.get("kind"))
    context["documents"] = documents_found(words, request, DOCUMENTS) if words and plain else []
    context["spent"] = bank.reveals_a_day if found.spent else None
    return render(request, "_hits.html", context)


def documents_found(words: str, request: ActingRequest, rows: int) -> list[dict[str, Any]]:
    """Documents that hold these words, as the lists below a search box show them; for who may look at records."""
    if not may(request.actor, "documents.view"):
        return []
    return [
        {
            "href": reverse("document", args=[each.document.pk]),
            "title": each.document.title,
            "excerpt": each.excerpt,
            "small": " · ".join(
                part
                for part in (each.document.customer.name if each.document.customer else "", each.document.kind.name)
                if part
            ),
        }
        for each in records.find(words, request.actor, rows).hits
    ]


def leads_to(given: Mapping[str, Any]) -> Callable[[int], str]:
    """Where choosing a customer leads: to the customer, back to the form that asks for one, or on to an appointment."""
    relative, kind = number(given.get("relative")), given.get("kind", "")
    if relative:
        return lambda id: f"{reverse('relations', args=[relative])}?other={id}"
    if kind in Kind.values:
        when = {name: given[name] for name in ("day", "time") if given.get(name)}
        query = urlencode({"how": "plan" if kind == Kind.CALL else "agree", **when})
        return lambda id: f"{reverse('plan', args=[id, kind])}?{query}"
    return lambda id: reverse("customer", args=[id])


def _near(each: Near, request: ActingRequest) -> dict[str, Any]:
    """A customer with what brings them here: "约好 15:30 回电", "逾期 · 写通话记录", "周日 14:00 接待"."""
    if each.what:
        late = each.at < request.now
        # What is owed says its hour itself; being at the door does not.
        hour = f"{when_text(each.at, request.now)} " if each.kind == "arrival" else ""
        small = " · ".join([gettext("late")] * late + [hour + owed.words(each.what)])
    else:
        small = f"{when_text(each.at, request.now)} {kinds.noun(each.kind)}"
    return {
        "who": owed.person(each.id, each.name, each.honorific, each.tier, bank_of(request), each.person),
        "small": small,
    }


def hit(found: search.Hit, bank: Bank) -> dict[str, Any]:
    """A customer found, as the lists below a search box show one."""
    where = "" if found.mine else found.rm or found.unit
    if found.covered:
        where = gettext("for %(name)s") % {"name": found.rm}
    return {
        "who": {
            "id": found.id, "name": found.name, "call": found.honorific, "reading": found.reading, "tier": found.tier,
            "tier_name": bank.tier(found.tier).name.say(owed.speaks()),
        },
        "small": " · ".join(part for part in (found.mobile, where) if part),
    }  # fmt: skip


@policy("customers.view")
@require_http_methods(["GET", "HEAD", "POST"])
def find(request: ActingRequest) -> HttpResponse:
    """Enter in the search box: straight to the customer where the words mean one, else to the list of who they may mean.

    POST ``q``; the list is at ``?for=``, the words sealed. Without words it leads to the book.
    """
    posted = request.method == "POST"
    words = (
        request.POST.get("q", "").strip()[: sought.LONGEST]
        if posted
        else sought.opened(request.GET.get("for", ""), request.actor)
    )
    if not words:
        return moved(request, reverse("customers"))
    bank = bank_of(request)
    found = search.find(words, request.actor, request.now, bank)
    exact = [each for each in found.hits if each.name == words]
    papers = documents_found(words, request, ROWS)
    if len(exact) == 1 or (len(found.hits) == 1 and not papers):
        return moved(request, reverse("customer", args=[(exact or found.hits)[0].id]))
    if posted:
        return moved(request, f"{reverse('search')}?{urlencode({'for': sought.sealed(words, request.actor)})}")
    context = {
        "words": words,
        "hits": [hit(each, bank) for each in found.hits],
        "more": found.more,
        "documents": papers,
    }
    return render(request, "found.html", {**context, "spent": bank.reveals_a_day if found.spent else None})
