"""Letting an obligation go (豁免): at once with a reason, or, where the bank's setting says so, when the leader agrees."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.utils.timezone import localdate
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from zhike.conduct.words import Words
from zhike.obligations.models import Obligation, State
from zhike.people import approvals
from zhike.people.actor import Actor
from zhike.people.models import Approval, Post

WAIVABLE = (State.OPEN, State.CANNOT)


def let_go(
    obligation: Obligation, reason: str, *, by: str, actor: Actor, now: datetime, approval: Approval | None = None
) -> bool:
    """Waives it if it still stands; whether it did. ``by``: whose reason it is."""
    changed = Obligation.objects.filter(pk=obligation.pk, state__in=WAIVABLE).update(
        state=State.WAIVED,
        settled_at=now,
        settled_by_id=actor.id,
        evidence={"reason": reason, "by": by},
        approval=approval,
    )
    obligation.refresh_from_db()
    return changed > 0


def ask(obligation: Obligation, reason: str, *, actor: Actor, now: datetime) -> Obligation:
    """Asks the leader of the owner's unit; until the answer it stands as it stood."""
    today = localdate(now)
    held = Post.objects.filter(Q(to_day=None) | Q(to_day__gt=today), staff=obligation.owner_id, from_day__lte=today)
    unit_id = held.order_by("from_day").values_list("unit_id", flat=True).last()
    payload = {"obligation": obligation.pk}
    asked = approvals.ask(actor, WAIVER.name, f"obligation:{obligation.pk}", payload, reason, now, unit_id=unit_id)
    Obligation.objects.filter(pk=obligation.pk).update(approval=asked)
    obligation.refresh_from_db()
    return obligation


def _carry_out(approval: Approval, actor: Actor, now: datetime) -> None:
    obligation = Obligation.objects.visible_to(actor).filter(pk=approval.payload["obligation"]).first()
    by = approval.asked_by.name
    if obligation is None or not let_go(obligation, approval.reason, by=by, actor=actor, now=now, approval=approval):
        raise approvals.Undecidable(
            "该应办已办结或撤销，无需豁免。", "It has been settled or withdrawn meanwhile; there is nothing to waive."
        )


def _lines(approval: Approval) -> list[approvals.Line]:
    found = Obligation.objects.select_related("customer", "owner").filter(pk=approval.payload["obligation"]).first()
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
