"""Letting an obligation go (豁免): at once with a reason, or, where the bank's setting says so, when the leader agrees."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import connection
from django.db.models import F, Q
from django.utils.timezone import localdate
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from zhike.conduct.words import Words
from zhike.obligations.models import Obligation, State
from zhike.people import approvals
from zhike.people.actor import Actor
from zhike.people.models import Approval, Post, Unit

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
    unit_id = _led_by_another(obligation, actor, localdate(now))
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


def _led_by_another(obligation: Obligation, actor: Actor, day: date) -> int | None:
    """The unit whose leader decides: where the owner serves or, who has left, served last; that leader sees it still.

    None where nobody leads it but who owes it or asks.
    """
    posts = Post.objects.filter(staff=obligation.owner_id, from_day__lte=day).exclude(to_day=F("from_day"))
    latest = posts.order_by(F("to_day").desc(nulls_first=True), "-from_day").select_related("unit").first()
    if latest is None:
        return None
    serving = Q(to_day=None) | Q(to_day__gt=day)
    leading = Post.objects.filter(serving, role="leader", from_day__lte=day, staff__is_active=True)
    others = leading.exclude(staff__in=[obligation.owner_id, actor.id]).select_related("unit")
    return latest.unit_id if any(_reaches(post, latest.unit) for post in others) else None


def _reaches(post: Post, unit: Unit) -> bool:
    """Whether a leader's scope takes the unit in; the database says the same of a whole tree (``people_keepers``)."""
    match post.scope:
        case "all":
            return True
        case "tree":
            return unit.path.startswith(post.unit.path)
        case _:
            return post.scope == "team" and unit.pk == post.unit_id


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
