"""What lies ready when somebody is about to write: the texts that suit, filled in, the best first, and why that one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from zhike.conduct.bank import Bank
from zhike.conduct.words import Words
from zhike.customers.models import Acquaintance, Customer
from zhike.obligations.models import Obligation
from zhike.people.models import Staff

from . import texts
from .models import Kind, Wording

# What a message is, that does an obligation of this kind.
KINDS = {
    "thanks": Kind.THANKS, "answer": Kind.ANSWER, "promise": Kind.ANSWER, "apology": Kind.SERVICE, "birthday": Kind.GREETING,
}  # fmt: skip
# What one may write without anything being owed. What sells is sent as a campaign.
FREE = (Kind.SERVICE, Kind.ANSWER, Kind.CALL_BACK, Kind.THANKS, Kind.GREETING)


@dataclass(frozen=True)
class Offer:
    """A text that lies ready; what has no value stands in its braces still."""

    wording: Wording
    text: str


def may_be_written(obligation: Obligation) -> bool:
    """Whether a message does it: it is open, towards a customer, and an SMS is one of its ways."""
    towards = obligation.customer_id is not None and obligation.kind in KINDS
    return towards and obligation.state == "open" and (not obligation.channels or "sms" in obligation.channels)


def for_obligation(obligation: Obligation, staff: Staff, *, now: datetime, bank: Bank) -> list[Offer]:
    """The texts for what is owed, the right one first."""
    rows = texts.suiting(obligation, staff, bank)
    return [Offer(row, texts.worded(row, obligation, staff, now=now, bank=bank)) for row in rows]


def of_kind(kind: str, customer: Customer, staff: Staff, bank: Bank) -> list[Offer]:
    """The bank's texts of a kind, for a customer to whom nothing is owed."""
    rows = Wording.objects.filter(
        state=Wording.State.APPROVED, template__retired_at=None, template__kind=kind, template__occasion=""
    ).select_related("template")
    known = texts.values(customer, staff, bank)
    stands_in = customer.rm_id is not None and customer.rm_id != staff.pk
    language = texts.language_of(customer)
    return [
        Offer(row, texts.shown(row.text, known))
        for row in sorted(rows.order_by("template__pk"), key=lambda row: row.template.language != language)
        if stands_in or not row.template.variant.startswith("stand_in")
    ]


def why(obligation: Obligation, offers: Sequence[Offer], staff: Staff) -> Words:
    """Why the first of the texts is the one for this customer today."""
    if not offers or obligation.kind != "thanks" or obligation.customer is None:
        return Words("", "")
    title = offers[0].wording.template.title
    zh, en = f"已选“{title['zh']}”", f"“{title['en']}” is chosen"
    own = obligation.customer.rm
    if own is not None and own.pk != staff.pk:
        return Words(f"替{own.name}致谢，{zh}", f"On behalf of {own.name}: {en}")
    match obligation.detail.get("text", "later"):
        case "first":
            return Words(f"首次见面，{zh}", f"A first meeting: {en}")
        case "first_call":
            return Words(f"首次通话，{zh}", f"A first call: {en}")
    known = Acquaintance.objects.filter(customer=obligation.customer_id, rm=staff.pk).first()
    if known and known.meetings > 1:
        return Words(f"第 {known.meetings} 次见面，{zh}", f"Meeting number {known.meetings}: {en}")
    return Words(f"早已认识，{zh}", f"Known before: {en}")
