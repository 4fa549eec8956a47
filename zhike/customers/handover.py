"""Another RM for a customer (归属变更): a leader asks, a second one decides, and only then does the book change.

Which leaders may decide follows from the units: of the nearest unit that both the customer's present unit and the new
RM's lie in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db.models import Q
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from zhike.conduct import horizon
from zhike.conduct.words import Words
from zhike.customers.checks import Unaccepted
from zhike.customers.full_books import full_with
from zhike.customers.models import Customer
from zhike.customers.models.book import post_of, reassign
from zhike.people import approvals
from zhike.people.actor import Actor
from zhike.people.bank import settings
from zhike.people.models import Approval, Staff, Unit


def ask_to_hand_over(
    customer: Customer, rm_id: int, from_day: date, reason: str, *, actor: Actor, now: datetime
) -> Approval:
    """Asks that ``rm_id`` keep the customer from a day on. Raises Unaccepted, or Refused, with a sentence."""
    horizon.check(from_day, localdate(now))
    post = post_of(rm_id, from_day)
    if customer.rm_id == rm_id:
        raise Unaccepted(_("The customer is already in this person's book."))
    if customer.rm_id in actor.lent:
        raise Unaccepted(_("You stand in for this customer's manager; handing over is left to who leads them."))
    payload = {"customer": customer.pk, "before": customer.rm_id, "rm": rm_id, "from_day": from_day.isoformat()}
    subject = f"customer:{customer.pk}"
    unit_id = _nearest(customer.unit, post.unit)
    return approvals.ask(actor, HAND_OVER.name, subject, payload, reason, now, unit_id=unit_id)


def candidates(actor: Actor, customer: Customer, day: date) -> list[Staff]:
    """The RMs that this actor may give the customer to."""
    serving = Staff.objects.filter(
        Q(posts__to_day=None) | Q(posts__to_day__gt=day),
        posts__role="rm",
        posts__from_day__lte=day,
        pk__in=[keeper for keeper in actor.directs if keeper > 0],
        is_active=True,
    )
    return list(serving.exclude(pk=customer.rm_id or 0).order_by("number").distinct())


def _nearest(one: Unit, other: Unit) -> int:
    """The lowest unit above both, or their own; of two trees the first's root."""
    shared = int(one.path.split("/")[1])
    for left, right in zip(one.path.split("/")[1:-1], other.path.split("/")[1:-1], strict=False):
        if left != right:
            break
        shared = int(left)
    return shared


def _carry_out(approval: Approval, actor: Actor, now: datetime) -> None:
    payload = approval.payload
    customer = Customer.objects.visible_to(actor).select_for_update(of=("self",)).filter(pk=payload["customer"]).first()
    if customer is None or customer.rm_id in actor.lent or payload["rm"] not in actor.directs:
        raise approvals.Undecidable(
            "该客户或接手人不在您的管辖范围内，请由上级主管审批。",
            "The customer or the new manager is outside your scope; a leader above has to decide.",
        )
    if customer.rm_id != payload["before"]:
        raise approvals.Undecidable(
            "申请之后该客户的归属已变更，请重新申请。", "The customer has changed hands since it was asked; ask anew."
        )
    try:
        reassign(customer, payload["rm"], date.fromisoformat(payload["from_day"]), approval.reason, actor, now)
    except Unaccepted as error:
        raise approvals.Undecidable(str(error), str(error)) from error


def _lines(some: Sequence[Approval]) -> list[list[approvals.Line]]:
    asked = [approval.payload for approval in some]
    people = {payload[who] for payload in asked for who in ("rm", "before")}
    names = dict(Staff.objects.filter(pk__in=people).values_list("pk", "name"))
    customers = Customer.objects.only("name", "core_number").in_bulk([payload["customer"] for payload in asked])
    # Who decides sees whether the book would hold too many; once decided it is no longer the question.
    moves = {
        (row.payload["customer"], row.payload["rm"]): row.payload["from_day"] for row in some if row.decision == "open"
    }
    bank = settings().at(date.fromisoformat(max(moves.values()))) if moves else None
    too_many = full_with(moves, bank) if bank else {}
    return [
        _line(payload, customers.get(payload["customer"]), names)
        + [
            (_("Over the size of a book"), found.words(bank))
            for found in [too_many.get((payload["customer"], payload["rm"]))]
            if found and bank
        ]
        for payload in asked
    ]


def _line(payload: dict[str, Any], customer: Customer | None, names: dict[int, str]) -> list[approvals.Line]:
    known = (customer.name, customer.core_number) if customer else ()
    return [
        (_("Customer"), " ".join(filter(None, known)) or "—"),
        (_("Until now"), names.get(payload["before"], "—")),
        (_("New"), names.get(payload["rm"], "—")),
        (_("From"), payload["from_day"]),
    ]


HAND_OVER = approvals.register(
    approvals.Kind(
        "customers.reassign",
        Words("客户归属变更", "Hand a customer over"),
        "customers.reassign",
        "customers.approve_reassign",
        _carry_out,
        _lines,
    )
)
