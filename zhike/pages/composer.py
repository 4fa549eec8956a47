"""The composer of a message: what it is for, the texts that lie ready and why this one, how long it is, what the guards say of it.

Domain: :mod:`zhike.sms.composer`, :mod:`zhike.sms.gate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q
from django.http import Http404
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext, ngettext

from zhike.conduct import messages
from zhike.conduct.bank import Bank
from zhike.contacts import completion
from zhike.customers.models import Customer
from zhike.obligations.models import Obligation
from zhike.pages import message, owed
from zhike.pages.answer import number
from zhike.pages.middleware import ActingRequest
from zhike.sms import composer, gate, texts, threads
from zhike.sms.many import price_of
from zhike.sms.models import Kind, Message, State
from zhike.sms.segments import measure

LONGEST = 5000  # letters that are looked at while somebody types


def owes(request: ActingRequest, customer: Customer, text: str) -> Obligation | None:
    """What is to be done by it; raises Http404 for what is not this customer's, Refused for what is somebody else's to do."""
    if not text:
        return None
    rows = Obligation.objects.visible_to(request.actor).select_related(
        "customer__unit", "customer__rm", "fact", "owner"
    )
    found = rows.filter(pk=number(text) or 0, customer=customer).first()
    if found is None:
        raise Http404
    completion.check_owner(found, request.actor)
    return found


def context(
    request: ActingRequest,
    customer: Customer,
    bank: Bank,
    given: Mapping[str, str],
    error: dict[str, str] | None = None,
) -> dict[str, Any]:
    """What the composer shows: ``given`` has ``for``, ``kind``, ``text`` (a wording), ``again`` (a message to be reworded) and ``body``."""
    waits = waiting(request, customer)
    first = str(waits[0].pk) if waits and not any(given.values()) else ""
    found = owes(request, customer, given.get("for", "") or first)
    again = reworded(customer, given.get("again", ""))
    if again is not None and found is None and again.obligation is not None:
        found = owes(request, customer, str(again.obligation_id))
    already = threads.on_their_way([found.pk]).get(found.pk) if found else None
    if found is not None and (already or not composer.may_be_written(found)):
        found = None
    kind = kind_of(given, found, again)
    offers = (
        composer.for_obligation(found, request.user, now=request.now, bank=bank)
        if found
        else composer.of_kind(kind, customer, request.user, bank)
    )
    wanted = number(given.get("text"))
    chosen = next((offer for offer in offers if offer.wording.pk == wanted), None)
    if chosen is None and found is not None and offers:
        chosen = offers[0]
    body = given["body"] if "body" in given else texts.bare(again.text) if again else chosen.text if chosen else ""
    here = reverse("thread", args=[customer.pk])
    query = {"for": str(found.pk)} if found else {"kind": kind}
    return {
        "owes": found,
        "already": message.stands(already, request.now) if already else "",
        "title": message.kind_name(kind),
        "clause": found.clause if found else "",
        "what": owed.words(found.what) if found and found.kind != "thanks" else "",
        "kind": kind,
        "waits": [_tap(here, {"for": str(each.pk)}, _in_short(each), each == found) for each in waits] if len(waits) > 1 or not found else [],
        "else": f"{here}?kind=service#compose" if found else "",
        "kinds": [] if found else [_tap(here, {"kind": each.value}, message.kind_name(each), each == kind) for each in composer.FREE],
        "offers": [
            {
                **_tap(here, {**query, "text": str(offer.wording.pk)}, owed.words(offer.wording.template.title), offer is chosen),
                "id": offer.wording.pk, "words": offer.text,
            }
            for offer in offers
        ],
        "none_suits": found is not None and not offers,
        "why": composer.why(found, offers, request.user).say(owed.speaks()) if found and chosen is offers[0] else "",
        "chosen": chosen.wording.pk if chosen else "",
        "again": again.pk if again else "",
        "body": body,
        "head": messages.dressed("", "thanks", bank, texts.bank_name()),
        "tail": bank.optout_hint if messages.KINDS[kind].carries_hint(bank) else "",
        "key": f"{here}?{urlencode(query)}",
        "look": look(customer, kind, body, request, bank),
        "error": error or {},
    }  # fmt: skip


def waiting(request: ActingRequest, customer: Customer) -> list[Obligation]:
    """What the reader owes this customer and a message would do: thanks, an answer to what the customer wrote. The eldest first."""
    mine = [request.actor.id, *request.actor.covers]
    rows = Obligation.objects.visible_to(request.actor).filter(
        Q(kind="thanks", channels__contains=["sms"]) | Q(kind="promise", subject__startswith="reply:"),
        customer=customer, state="open", opens__lte=request.now, owner__in=mine,
    )  # fmt: skip
    owing = list(rows.order_by("due", "pk")[:5])
    already = threads.on_their_way([each.pk for each in owing])
    return [each for each in owing if each.pk not in already]


def _in_short(owing: Obligation) -> str:
    """Thanks, or what is to be answered."""
    if owing.kind == "thanks":
        return message.kind_name(Kind.THANKS)
    words = str(owing.detail.get("words", ""))
    return gettext("Answer: %(words)s") % {"words": words[:10] + ("…" if len(words) > 10 else "")}


def _tap(here: str, query: dict[str, str], text: str, current: bool) -> dict[str, Any]:
    return {"href": f"{here}?{urlencode(query)}#compose", "title": text, "current": current}


def kind_of(given: Mapping[str, str], found: Obligation | None, again: Message | None) -> str:
    """What kind of message it is, by what it is for."""
    if found is not None and found.kind in composer.KINDS:
        return str(composer.KINDS[found.kind].value)
    if again is not None:
        return again.kind
    return given["kind"] if given.get("kind") in composer.FREE else str(Kind.SERVICE.value)


def reworded(customer: Customer, text: str) -> Message | None:
    """A draft, or what the guards refused, to be worded anew. What a campaign refused is not: in other words it would tell of its product
    all the same."""
    pk = number(text)
    rows = Message.objects.filter(
        customer=customer, state__in=[State.DRAFTED, State.REFUSED], forwarding=None
    ).select_related("obligation")
    return rows.filter(pk=pk).first() if pk else None


def look(customer: Customer, kind: str, body: str, request: ActingRequest, bank: Bank) -> dict[str, Any]:
    """How long it is, what it costs, what the guards say of it as it stands."""
    # Nothing written is no fault yet.
    judged, whole = gate.look(customer, kind, body[:LONGEST] if body.strip() else "…", request.now, bank)
    whole = whole if body.strip() else messages.dressed("", kind, bank, texts.bank_name())
    size = measure(whole)
    unfilled = ""
    try:
        texts.fill(body, {})
    except texts.Unfilled as error:
        unfilled = error.words.say(owed.speaks())
    rows = message.verdicts(judged, request.now)
    if size.segments > gate.LONGEST:
        words = gettext("At most %(most)s segments at once.") % {"most": gate.LONGEST}
        rows.insert(0, {"icon": "block", "look": "late", "words": words, "clause": ""})
    return {
        "used": size.used,
        "segments": size.segments,
        "price": str(price_of(size.segments, bank)),
        "more": ngettext("%(n)s more letter makes one segment more", "%(n)s more letters make one segment more", size.left + 1) % {"n": size.left + 1},
        "verdicts": rows,
        "unfilled": unfilled if body.strip() else "",
        "well": not rows and not unfilled and bool(body.strip()),
    }  # fmt: skip
