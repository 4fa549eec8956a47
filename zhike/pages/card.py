"""A customer in the reader's words: the five seconds at the top, what is wanted, owed, held, missing.

Used by the customer page, the preparation card and the talk. Takes :class:`zhike.contacts.card.Card`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.http import Http404
from django.utils.translation import gettext, ngettext, pgettext

from zhike.conduct.bank import Bank
from zhike.contacts import card as cards
from zhike.contacts.models import Contact
from zhike.contacts.models.contact import Outcome, Result, State
from zhike.customers import profile
from zhike.customers.models import Consent, Customer, Need, Relation
from zhike.customers.vault import Unopened
from zhike.obligations import stops
from zhike.pages import kinds, owed
from zhike.pages.jinja import address, clock, day_text, label, left_text, local, money, span, weekday_text, when_text
from zhike.people.actor import Actor

CHART_DAYS = 365
PARTS = re.compile(r"[，；。]|[,;.](?:\s|$)")  # of what was said; not the point of a figure


def card(
    customer: Customer,
    actor: Actor,
    now: datetime,
    bank: Bank,
    *,
    contact: Contact | None = None,
    contacts: int = 12,
) -> dict[str, Any]:
    """Everything that stands on a customer's page, worded; raises Http404 for a customer outside of the scope."""
    try:
        found = cards.card(customer.pk, contacts)
    except LookupError:
        raise Http404 from None
    return worded(customer, found, actor, now, bank, contact=contact)


def worded(
    customer: Customer,
    found: cards.Card,
    actor: Actor,
    now: datetime,
    bank: Bank,
    *,
    contact: Contact | None = None,
    all_held: bool = False,
) -> dict[str, Any]:
    """The same of a card that was read already."""
    today = local(now).date()
    held = cards.held(customer) if all_held else found.holdings
    # Hardly anybody has as many as the card holds, so that whoever has fewer is not counted.
    count = len(held) if all_held or len(held) < cards.HOLDINGS else customer.holdings.filter(ended_on=None).count()
    promises = [
        o for o in found.owed if o["state"] == "open" and o["kind"] in {"call_back", "answer", "promise", "apology"}
    ]
    return {
        "id": customer.pk,
        "who": who(customer, bank),
        "company": customer.kind == "company",
        "rm": found.rm,
        "unit": found.unit,
        "mine": customer.rm_id == actor.id,
        "behalf": found.rm if customer.rm_id in actor.covers else "",
        "line": _line(customer, found),
        "stopped": stopped(customer, now),
        "dead": customer.deceased_on is not None,
        "assets": money(customer.assets),
        "assets_change": _change(customer.assets, found.assets_before),
        "assets_day": customer.assets_day,
        "silent": _silent(customer, bank, today),
        "next": _next(found, promises, now),
        "call_back": _call_back(promises, now),
        "birthday": birthday(customer, today, bank),
        "risk": _risk(customer),
        "gaps": gaps(customer),
        "needs": [_need(n, now) for n in found.needs],
        "promises": [_promise(o, now) for o in promises],
        "promised": found.promised,
        "in_process": [
            _in_process(d, now) for d in found.demands if _subject(d) not in {o["subject"] for o in promises}
        ],
        "owed": [_promise(o, now) for o in found.owed if o not in promises and not _of(o, contact)],
        "story": [_told(c, now) for c in found.contacts],
        "contacts_all": found.contacts_all,
        "ahead": [_ahead(c, now) for c in found.ahead if contact is None or c["id"] != contact.pk],
        "holdings": [_holding(h, today) for h in held],
        "holdings_all": count,
        "chart": _chart(held, today),
        "relations": _relations(found, bank),
        "consents": _consents(found.consents),
        "fields": fields(customer),
        "taboos": customer.known("taboos") or "",
        "hobbies": customer.known("hobbies") or "",
        "preferred": customer.known("preferred_time") or "",
        "known": found.known,
        "met_unknown": _unknown(found, customer, "met", ("reception", "visit")),
        "called_unknown": _unknown(found, customer, "called", ("first_call",)),
    }


def who(customer: Customer, bank: Bank) -> dict[str, Any]:
    """With the form of address that is proposed where the customer's own is not known."""
    call = customer.address_as
    return owed.person(
        customer.pk, customer.name, "" if call == customer.name else call, customer.tier, bank, customer.kind
    )


def _of(o: dict[str, Any], contact: Contact | None) -> bool:
    """The write-up that is being written is not news on its own page."""
    return contact is not None and o["kind"] == "write_up" and o["subject"] == contact.subject


def _unknown(found: cards.Card, customer: Customer, what: str, after: tuple[str, ...]) -> bool:
    """Day one left open whether they had met or talked: one tap settles it (CLAUSES, Day one). Also once a contact was taken for the
    first, as long as its thanks are owed, ``after`` one of these, and would introduce.
    """
    source = found.known[f"{what}_source"] if found.known else ""
    introduces = any(
        o["kind"] == "thanks" and o["detail"].get("occasion") in after and o["detail"].get("text") != "later"
        for o in found.owed
    )
    return (not source or (source == "contact" and introduces)) and getattr(customer, f"{what}_before") == "unknown"


def _line(customer: Customer, found: cards.Card) -> str:
    parts = []
    if found.rm:
        since = f"{found.since:%Y-%m}" if found.since else ""
        parts.append(
            gettext("with %(rm)s since %(since)s") % {"rm": found.rm, "since": since}
            if since
            else gettext("with %(rm)s") % {"rm": found.rm}
        )
    else:
        parts.append(gettext("no RM, %(unit)s") % {"unit": found.unit})
    if customer.known("preferred_time"):
        parts.append(gettext("prefers %(time)s") % {"time": customer.known("preferred_time")})
    return " · ".join(parts)


# Each stop in words, and what follows from it.
STOPS: dict[str, tuple[Callable[[], str], Callable[[], str]]] = {
    "deceased": (
        lambda: gettext("The customer has died"),
        lambda: gettext(
            "Everything stops at once: nothing is owed to the customer any more, and no contact is planned or begun. "
            "Only write-ups stay, which are owed to the bank."
        ),
    ),
    "closed": (
        lambda: gettext("The account is closed"),
        lambda: gettext("Greetings, campaigns and contact rhythm stop. What was promised, and thanks, stay owed."),
    ),
    "do_not_disturb": (
        lambda: gettext("Does not want to be disturbed"),
        lambda: gettext("Greetings, campaigns and contact rhythm stop. What was promised, and thanks, stay owed."),
    ),
    "complaint": (
        lambda: gettext("A complaint is open"),
        lambda: gettext("Greetings, campaigns and contact rhythm stop. What was promised, and thanks, stay owed."),
    ),
}


def stopped(customer: Customer, now: datetime) -> list[dict[str, str]]:
    """The stops in force: in words, since when, shown by what, entered by whom."""
    rows = []
    for each in stops.standing(customer):
        words, follows = STOPS[each.why]
        since = gettext("since %(day)s") % {"day": day_text(each.since, local(now).date())} if each.since else ""
        by = each.by or pgettext("source", "core system")
        small = " · ".join(part for part in (since, each.evidence, by) if part)
        rows.append({"why": each.why, "words": words(), "follows": follows(), "small": small})
    return rows


def _change(now_: Decimal | None, before: Decimal | None) -> str:
    if now_ is None or before is None or now_ == before:
        return ""
    sign = "+" if now_ > before else "−"
    return gettext("%(change)s on last month") % {"change": f"{sign}{money(abs(now_ - before))}"}


def _silent(customer: Customer, bank: Bank, today: date) -> dict[str, Any]:
    rhythm = next((row.contact_days for row in bank.rhythm if row.tier == customer.tier), None)
    if customer.last_contact_at is None:
        return {"text": gettext("never yet"), "small": "", "soon": False}
    days = (today - local(customer.last_contact_at).date()).days
    text = gettext("today") if days == 0 else ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
    if rhythm is None:
        return {"text": text, "small": "", "soon": False}
    rest = rhythm - days
    small = gettext("every %(every)s days · %(rest)s to go") % {"every": rhythm, "rest": rest}
    if rest < 0:
        small = gettext("every %(every)s days · %(over)s over") % {"every": rhythm, "over": -rest}
    return {"text": text, "small": small, "soon": rest < 0}


def _next(found: cards.Card, promises: list[dict[str, Any]], now: datetime) -> dict[str, Any] | None:
    """What is promised next: a call-back, an answer, an appointment."""
    coming = [
        (o["target"] or o["due"], owed.words(o["what"]), owed.look(o, now)) for o in promises if o["target"] or o["due"]
    ]
    coming += [
        (c["planned_for"], kinds.noun(c["kind"]), "later")
        for c in found.ahead
        if c["state"] == "agreed" and c["planned_for"]
    ]
    if not coming:
        return None
    at, words, look = min(coming, key=lambda row: row[0])
    return {
        "text": words,
        "left": left_text(at, now),
        "at": at,
        "late": look == "late",
        "soon": look in {"now", "soon", "open"},
    }


def _call_back(promises: list[dict[str, Any]], now: datetime) -> dict[str, Any] | None:
    """The call-back of today that is nearest, or late: then it is the call to make, from when its window opens (C5)."""
    asked = [o for o in promises if o["kind"] == "call_back" and local(o["target"]).date() <= local(now).date()]
    nearest = min(asked, key=lambda o: o["target"], default=None)
    if nearest is None:
        return None
    early = owed.opens_at(nearest, now) if now < nearest["opens"] else ""
    return {"href": address("call", nearest["id"]), "when": when_text(nearest["target"], now), "early": early}


def birthday(customer: Customer, today: date, bank: Bank) -> dict[str, Any] | None:
    born = customer.birthday
    if born is None:
        return None
    dates = born.next_dates(today, bank.birthday_policy)
    name = born.name.say(owed.speaks())
    coming = dates[0] if dates else None
    return {
        "name": name
        if customer.birth_calendar == "lunar" or owed.speaks().startswith("en")
        else f"{gettext('solar')} {name}",
        "lunar": customer.birth_calendar == "lunar",
        "next": _in_words(coming, customer, today) if coming else "",
        "dates": [day_text(d, today) for d in dates],
        "year": customer.birth_year,
        "in_days": (coming - today).days if coming else None,
    }


def _in_words(coming: date, customer: Customer, today: date) -> str:
    """The next birthday's day; the weekday alone where the rest has just been said."""
    said = (customer.birth_calendar, customer.birth_month, customer.birth_day) == ("solar", coming.month, coming.day)
    return weekday_text(coming) if said and coming.year == today.year else day_text(coming, today)


def _risk(customer: Customer) -> dict[str, str] | None:
    grade = customer.known("risk_grade")
    return {"grade": str(grade), "until": str(customer.known("risk_grade_until") or "")} if grade else None


def gaps(customer: Customer) -> list[dict[str, str]]:
    """What R4 and R5 want known and nobody has found out."""
    return [
        {"name": f.name, "label": str(f.label), "clause": f.clause, "tip": owed.tip(f.clause)} for f in customer.gaps()
    ]


def fields(customer: Customer) -> list[dict[str, Any]]:
    """What is known, masked where it is sealed, with source and day."""
    rows = []
    for f in profile.FIELDS.values():
        entry = customer.profile.get(f.name)
        if f.column or not entry or not entry.get("v"):
            continue
        rows.append({
            "name": f.name,
            "label": str(f.label),
            "value": _shown(f, customer),
            "sealed": f.sealed,
            "source": source(entry.get("src", "")),
            "on": (entry.get("on") or "")[:7],
        })  # fmt: skip
    return rows


def numbers(customer: Customer) -> list[dict[str, Any]]:
    """Where the customer is reached by phone, masked."""
    return [row for row in fields(customer) if row["name"] in {"mobile", "phone2"}]


def _shown(f: profile.Field, customer: Customer) -> str:
    try:
        value = customer.shown(f.name)
    except Unopened as error:
        return str(error)
    return str(f.choices.get(value, value)) if f.choices else value


def source(code: str) -> str:
    match code:
        case "contact":
            return pgettext("source", "contact")
        case "import":
            return pgettext("source", "import")
        case "feed":
            return pgettext("source", "core system")
        case "self":
            return pgettext("source", "customer")
        case "attested":
            return pgettext("source", "attested")
    return code


def _need(n: dict[str, Any], now: datetime) -> dict[str, Any]:
    days = (local(now).date() - local(n["opened_at"]).date()).days
    kind = label(Need.Kind, n["kind"])
    return {
        "id": n["id"],
        "words": n["words"] or kind,
        "kind": kind,
        "days": days,
        "age": gettext("open since today")
        if days == 0
        else ngettext("open for %(n)s day", "open for %(n)s days", days) % {"n": days},
        "soon": days > 14,
        "heard": day_text(local(n["opened_at"]).date(), local(now).date(), weekday=False),
    }


def _subject(demand: dict[str, Any]) -> str:
    return f"contact:{demand['contact']}/demand:{demand['number']}"


def _in_process(demand: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A demand that the customer was told is still in process (V7): it stands until it is met or refused."""
    raised = day_text(local(demand["at"]).date(), local(now).date(), weekday=False)
    return {
        "id": demand["id"],
        "words": demand["words"],
        "raised": gettext("raised %(day)s, still in process") % {"day": raised},
    }


def _promise(o: dict[str, Any], now: datetime) -> dict[str, Any]:
    look = owed.look(o, now) if o["state"] == "open" else "cannot"
    return {
        "id": o["id"],
        "clause": o["clause"],
        "tip": owed.tip(o["clause"]),
        "what": owed.words(o["what"]),
        "because": owed.reason(o, now),
        "when": owed.until(o, now) if o["due"] else "",
        "look": look,
        "state": "late" if look == "late" else "soon" if look in {"now", "open"} else None,
    }


def _consents(words: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One line a purpose: what it is agreed to by, what it is refused by."""
    lines: dict[str, dict[str, Any]] = {}
    for word in words:
        line = lines.setdefault(word["purpose"], {"agreed": [], "refused": []})
        line["agreed" if word["given"] else "refused"].append(label(Consent.Channel, word["channel"]))
    return [{"purpose": label(Consent.Purpose, purpose), **line} for purpose, line in lines.items()]


def _told(c: dict[str, Any], now: datetime) -> dict[str, Any]:
    """One contact as the story tells it: when, how, what came of it, in which words."""
    started = local(c["started_at"])
    today = local(now).date()
    parts = []
    if c["outcome"]:
        parts.append(label(Outcome, c["outcome"]))
    if c["ended_at"] and (c["outcome"] in {"", "reached", "not_interested"}):
        parts.append(span(max(1, round((c["ended_at"] - c["started_at"]) / timedelta(minutes=1)))))
    if c["place"] and c["kind"] != "call":
        parts.append(c["place"])
    if c["result"]:
        parts.append(label(Result, c["result"]))
    if c["state"] in {"under_way", "ended"}:
        parts.append(label(State, c["state"]))
    return {
        "id": c["id"],
        "icon": kinds.ICONS[c["kind"]],
        "when": clock(c["started_at"]) if started.date() == today else day_text(started.date(), today, weekday=False),
        "title": gettext("Incoming call") if c["incoming"] and c["kind"] == "call" else kinds.noun(c["kind"]),
        "small": " · ".join(parts),
        "words": c["result_words"],
        "heard": _heard(c["result_words"], [*c["needs"], *c["demands"]]),
        "rm": c["rm"],
    }


def _heard(sentence: str, needs: list[str]) -> list[str]:
    """The needs and demands, without the words that the RM's own sentence says already, each once."""
    heard: list[str] = []
    for said in needs:
        parts = [part.strip() for part in PARTS.split(said)]
        left = [part for part in parts if part and not any(part in earlier for earlier in (sentence, *heard))]
        if left:
            heard.append((", " if owed.speaks().startswith("en") else "，").join(left))
    return heard


def last_contacts(known: dict[str, Any]) -> list[dict[str, Any]]:
    """The story without what stands beside it: a need that is open, or a promise, is said once on a preparation card."""
    standing = [each["words"] for each in [*known["needs"], *known["in_process"]]]
    standing += [o["what"] for o in known["promises"]]
    return [
        {**told, "heard": [said for said in told["heard"] if not _within(said, standing)]} for told in known["story"]
    ]


def _within(said: str, sentences: list[str]) -> bool:
    """Whether each part of it stands in one of the sentences."""
    parts = [part.strip() for part in PARTS.split(said)]
    return all(any(part in sentence for sentence in sentences) for part in parts if part)


def _ahead(c: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "id": c["id"],
        "icon": kinds.ICONS[c["kind"]],
        "what": " · ".join(part for part in (kinds.noun(c["kind"]), c["purpose_words"], c["place"]) if part),
        "when": when_text(c["planned_for"], now) if c["planned_for"] else gettext("no day yet"),
        "agreed": c["state"] == "agreed",
        "href": address("contact", c["id"]),
    }


def ahead_shown(contact: Contact, now: datetime) -> dict[str, Any]:
    """The same of a contact itself."""
    names = ("kind", "state", "purpose_words", "planned_for", "place")
    return _ahead({"id": contact.pk, **{name: getattr(contact, name) for name in names}}, now)


def _holding(h: dict[str, Any], today: date) -> dict[str, Any]:
    days = (h["matures_on"] - today).days if h["matures_on"] else None
    return {
        "product": h["product"],
        "risk": h["risk_grade"],
        "rate": f"{Decimal(str(h['rate'])):.2f}%" if h["rate"] is not None else "",
        "amount": h["amount"],
        "currency": h["currency"],
        "matures": day_text(h["matures_on"], today, weekday=False) if h["matures_on"] else "",
        "days": days if days is not None and 0 <= days <= 30 else None,
    }


def _chart(holdings: list[dict[str, Any]], today: date) -> dict[str, Any] | None:
    """Maturities of the next twelve months as stems: position and height in percent of the picture, lowest never zero."""
    coming = [h for h in holdings if h["matures_on"] and 0 <= (h["matures_on"] - today).days <= CHART_DAYS]
    if not coming:
        return None
    most = max(h["amount"] for h in coming)
    months = []
    year, month = today.year, today.month
    for step in range(1, 13):
        month = month % 12 + 1
        year += month == 1
        at = 100 * (date(year, month, 1) - today).days / CHART_DAYS
        if at < 97:
            months.append({"at": round(at, 1), "text": str(month) if step > 1 else _month(month)})
    stems: list[dict[str, Any]] = []
    for h in coming:
        at = round(4 + 92 * (h["matures_on"] - today).days / CHART_DAYS, 1)
        stem = {
            "at": at, "top": round(100 - 62 * float(h["amount"] / most), 1), "amount": f"{h['amount'] / 10000:.0f}",
            "text": h["product"].split()[0][:6], "soon": (h["matures_on"] - today).days <= 30,
            "anchor": "end" if at > 88 else "middle",
        }  # fmt: skip
        for word in ("amount", "text"):  # what would cover its neighbour's stays away: the table below has them all
            if any(_cover(stem, other, word) for other in stems):
                stem[word] = ""
        stems.append(stem)
    return {
        "months": months,
        "stems": stems,
        "label": gettext("Maturities: %(list)s")
        % {"list": gettext(", ").join(f"{h['matures_on']} {h['product']} {money(h['amount'])}" for h in coming)},
    }


def _cover(stem: dict[str, Any], other: dict[str, Any], word: str) -> bool:
    """Whether the two stems' words (amount or text) would overlap: as wide as their letters, two lines high."""
    wide = {"amount": 2.2, "text": 3.8}[word] * (len(stem[word]) + len(other[word])) / 2 + 1
    return bool(other[word]) and abs(stem["at"] - other["at"]) < wide and abs(stem["top"] - other["top"]) < 26


def _month(month: int) -> str:
    from zhike.pages.jinja import MONTHS_EN

    return MONTHS_EN[month - 1] if owed.speaks().startswith("en") else f"{month}月"


def _age(relation: dict[str, Any]) -> str:
    """How old a child is; that a wife or a father is grown up goes without saying."""
    grown = relation["age"] == Relation.Age.ADULT and relation["kind"] != Relation.Kind.CHILD
    return "" if grown or not relation["age"] else label(Relation.Age, relation["age"])


def _relations(found: cards.Card, bank: Bank) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "id": r["id"],
            "kind": label(Relation.Kind, r["kind"]),
            "who": owed.person(r["other"], r["other_name"], r["honorific"], r["tier"], bank) if r["other"] else None,
            "name": r["name"],
            "small": " · ".join(part for part in (_age(r), r["note"]) if part),
        }
        for r in found.relations
    ]
    named = {r["other"] for r in found.relations}
    rows += [
        {
            "id": None,
            "kind": gettext("household"),
            "who": owed.person(m["id"], m["name"], m["honorific"], m["tier"], bank),
            "name": "",
            "small": "",
        }
        for m in found.household
        if m["id"] not in named
    ]
    return rows
