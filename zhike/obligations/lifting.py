"""Contact with a customer goes on (恢复联系): whoever looks after the customer asks, a leader agrees; one's own slip of the finger
is taken back alone, within ten minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.conduct.bank import Bank
from zhike.conduct.words import Words
from zhike.customers.models import Customer
from zhike.people import approvals, bank
from zhike.people.actor import Actor
from zhike.people.models import Approval

from . import stops

ALONE_WITHIN = timedelta(minutes=10)
TOLD_FOR = timedelta(days=7)  # how long a decision is shown to who asked
WHY = {
    "deceased": gettext_lazy("The customer has died"),
    "closed": gettext_lazy("The account is closed"),
    "do_not_disturb": gettext_lazy("Does not want to be disturbed"),
    "complaint": gettext_lazy("A complaint is open"),
}


def alone(standing: stops.Standing, actor: Actor, now: datetime) -> bool:
    """Whether the actor may take the stop back without a second person: as a mistake of one's own, just made."""
    fact = standing.fact
    return fact is not None and fact.by_id == actor.id and now - fact.known_at <= ALONE_WITHIN


def lift(
    customer: Customer, why: str, *, reason: str, mistake: bool, actor: Actor, now: datetime, bank: Bank
) -> Approval | None:
    """The stop is over, or, as a ``mistake``, never was. None where it is lifted already; else the request that waits for a
    leader of the customer's unit, and until then the stop stands.

    Raises Refused as :func:`zhike.obligations.stops.resume` does, and where the same is asked already.
    """
    stops.may_resume(customer, why, reason=reason, mistake=mistake)
    standing = stops.standing_for(customer, why)
    if standing is None:
        return None
    if mistake and alone(standing, actor, now):
        stops.resume(customer, why, reason=reason, mistake=True, actor=actor, now=now, bank=bank)
        return None
    payload = {"customer": customer.pk, "why": why, "mistake": mistake, "stop": _which(standing)}
    return approvals.ask(
        actor, LIFT.name, _subject(customer, why), payload, reason, now, unit_id=customer.unit_id, whose=customer.rm_id
    )


def asked(customer: Customer, why: str, now: datetime) -> Approval | None:
    """The request that waits for a decision."""
    waiting = Approval.objects.filter(kind=LIFT.name, subject=_subject(customer, why), decision="open")
    return waiting.filter(asked_at__gt=now - approvals.WAITS).select_related("asked_by").first()


def decided(customer: Customer, actor: Actor, now: datetime) -> list[Approval]:
    """What was decided of late of the actor's own requests for this customer, the latest first: who asked is told."""
    rows = Approval.objects.filter(
        kind=LIFT.name, asked_by=actor.id, decision__in=("approved", "refused"), decided_at__gt=now - TOLD_FOR,
        subject__startswith=_subject(customer, ""),
    )  # fmt: skip
    return list(rows.select_related("decided_by").order_by("-decided_at"))


def _which(standing: stops.Standing) -> int | None:
    """The stop that is meant: the same reason may be lifted and recorded anew, with something else to show for it."""
    return standing.fact.pk if standing.fact else None


def _subject(customer: Customer, why: str) -> str:
    return f"customer:{customer.pk}/stop:{why}"


def _carry_out(approval: Approval, actor: Actor, now: datetime) -> None:
    given = approval.payload
    rows = Customer.objects.visible_to(actor).select_for_update(of=("self",))
    customer = rows.filter(pk=given["customer"]).exclude(keeper__among=actor.lent).first()
    if customer is None:
        raise approvals.Undecidable(
            "该客户不在您的管辖范围内，请由其机构的主管审批。",
            "The customer is outside your scope; a leader of the customer's unit has to decide.",
        )
    standing = stops.standing_for(customer, given["why"])
    if standing is None:
        raise approvals.Undecidable("联系已经恢复，无需再批。", "Contact goes on already; there is nothing to decide.")
    if _which(standing) != given.get("stop"):
        raise approvals.Undecidable(
            "申请之后该项停止已恢复，又因别的依据重新记录，请看明后重新申请。",
            "What was asked about was lifted since, and contact has stopped again for something else. Look at it and ask anew.",
        )
    stops.resume(
        customer, given["why"], reason=approval.reason, mistake=given["mistake"], actor=actor, now=now,
        bank=bank.settings().now(now), approval=approval.pk,
    )  # fmt: skip


def _lines(some: Sequence[Approval]) -> list[list[approvals.Line]]:
    customers = Customer.objects.in_bulk([approval.payload["customer"] for approval in some])
    standing = stops.standing_of(customers.values())
    return [_line(each.payload, customers.get(each.payload["customer"]), standing) for each in some]


def _line(
    given: dict[str, Any], customer: Customer | None, of: dict[int, list[stops.Standing]]
) -> list[approvals.Line]:
    standing = next((each for each in of.get(given["customer"], ()) if each.why == given["why"]), None)
    return [
        (
            _("Customer"),
            " ".join(known for known in (customer.name, customer.core_number) if known) if customer else "—",
        ),
        (_("Why contact stops"), str(WHY[given["why"]])),
        (_("What shows it"), " · ".join(filter(None, (standing.evidence, standing.by))) if standing else "—"),
        (
            _("What is asked"),
            _("It was a mistake: what it stopped is owed again")
            if given["mistake"]
            else _("It is over: contact goes on"),
        ),
    ]


LIFT = approvals.register(
    approvals.Kind(
        "customers.resume",
        Words("恢复联系", "Let contact with a customer go on"),
        "customers.resume",
        "customers.approve_resume",
        _carry_out,
        _lines,
    )
)

# SQL of whether something may have been decided that the one who asked (the row ``begun``) is told with the customer ``c``. Looked up
# only where a stop stands or the row has changed ``lately``, as it does when one is lifted.
DECIDED = f"""(
    (c.changed_at > %(lately)s OR c.deceased_on IS NOT NULL OR c.closed_on IS NOT NULL OR c.do_not_disturb OR c.complaint_open)
    AND EXISTS (SELECT FROM people_approval a WHERE a.kind = '{LIFT.name}' AND a.asked_by_id = begun.id
        AND a.decision IN ('approved', 'refused') AND a.decided_at > %(lately)s
        AND starts_with(a.subject, 'customer:' || c.id || '/stop:')))"""
