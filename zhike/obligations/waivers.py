"""Letting an obligation go (豁免): at once with a reason, or, where the bank's setting says so, when the leader agrees."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection
from django.utils.timezone import localdate
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from zhike.conduct.words import Words
from zhike.obligations.models import Obligation, State
from zhike.people import approvals
from zhike.people.actor import Actor
from zhike.people.leaders import led_by_another
from zhike.people.models import Approval

WAIVABLE = (State.OPEN, State.CANNOT)


def let_go(obligation: Obligation, reason: str, *, by: str, actor: Actor, now: datetime) -> bool:
    """Waives it if it still stands; whether it did. ``by``: whose reason it is."""
    changed = Obligation.objects.filter(pk=obligation.pk, state__in=WAIVABLE).update(
        state=State.WAIVED,
        settled_at=now,
        settled_by_id=actor.id,
        evidence={"reason": reason, "by": by},
    )
    obligation.refresh_from_db()
    return changed > 0


def ask(obligation: Obligation, reason: str, *, actor: Actor, now: datetime) -> Obligation:
    """Asks the leader of the owner's unit, or compliance where no leader answers; until the answer it stands as it stood."""
    unit_id = led_by_another(obligation.owner_id, actor.id, localdate(now))
    kind = WAIVER if unit_id else UNLED
    payload = {"obligation": obligation.pk}
    asked = approvals.ask(
        actor,
        kind.name,
        f"obligation:{obligation.pk}",
        payload,
        reason,
        now,
        unit_id=unit_id,
        whose=obligation.owner_id,
    )
    Obligation.objects.filter(pk=obligation.pk).update(approval=asked)
    obligation.refresh_from_db()
    return obligation


def _carry_out(approval: Approval, actor: Actor, now: datetime) -> None:
    owed = Obligation.objects.visible_to(actor).filter(pk=approval.payload["obligation"])
    if not owed.exclude(customer__keeper__among=actor.lent).exists():
        raise approvals.Undecidable("该应办不在您的范围内。", "What is to be waived is outside your scope.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT obligations_waive(%s, %s)", [approval.pk, now])
        waived = cursor.fetchone()[0]
    if waived is None:
        raise approvals.Undecidable(
            "该应办已办结或撤销，无需豁免。", "It has been settled or withdrawn meanwhile; there is nothing to waive."
        )


def _lines(some: Sequence[Approval]) -> list[list[approvals.Line]]:
    ids = [approval.payload["obligation"] for approval in some]
    found = Obligation.objects.select_related("customer", "owner").in_bulk(ids)
    return [_line(found.get(id)) for id in ids]


def _line(found: Obligation | None) -> list[approvals.Line]:
    if found is None:
        return [(_("Owed"), "—")]
    what = found.what["en" if (get_language() or "").startswith("en") else "zh"]
    return [
        (_("Owed"), f"{found.clause} {what}"),
        (_("Customer"), found.customer.name if found.customer else "—"),
        (_("Owner"), found.owner.name),
    ]


WAIVER = approvals.register(
    approvals.Kind(
        "obligations.waive",
        Words("豁免应办", "Waive an obligation"),
        "obligations.waive",
        "obligations.approve_waive",
        _carry_out,
        _lines,
    )
)
UNLED = approvals.register(
    approvals.Kind(
        "obligations.waive_unled",
        Words("豁免应办（无主管可批）", "Waive an obligation that no leader decides"),
        "obligations.waive",
        "obligations.approve_unled",
        _carry_out,
        _lines,
    )
)
