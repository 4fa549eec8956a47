"""Tokens with which programs act as a staff member (令牌): shown once, kept as a hash, revoked at will."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db.models import QuerySet

from zhike.conduct.bank import Bank
from zhike.conduct.words import Refused
from zhike.people.actor import Actor
from zhike.people.models import Staff, Token
from zhike.people.permissions import check
from zhike.people.session import hashed
from zhike.people.turn import take_turn
from zhike.trail.models import note

PREFIX = "zk_"  # so that a token that leaked into a log or a repository can be found
AT_MOST = 20  # in force at once, a person: more is a program that makes tokens
LABEL = 80  # letters


def give(staff: Staff, label: str, now: datetime, *, days: int) -> str:
    """A new token for ``staff``, good for ``days``; the text is nowhere kept."""
    token = PREFIX + secrets.token_urlsafe(32)
    Token.objects.create(
        staff=staff, hash=hashed(token), label=label, created_at=now, expires_at=now + timedelta(days=days)
    )
    return token


def make(actor: Actor, label: str, days: int | None, now: datetime, bank: Bank) -> str:
    """A new token of one's own. Raises Refused for one without a name, or for longer than the bank allows."""
    label = label.strip()
    if not label or len(label) > LABEL:
        raise Refused(
            f"请给令牌取个名字（至多 {LABEL} 字），日后好认。",
            f"Give the token a name (at most {LABEL} letters), to know it again.",
        )
    if days is None or not 1 <= days <= bank.token_days:
        raise Refused(f"有效期须为 1 到 {bank.token_days} 天。", f"A token is good for 1 to {bank.token_days} days.")
    take_turn("tokens", actor.id)
    if of(actor, actor.id).filter(revoked_at=None, expires_at__gt=now).count() >= AT_MOST:
        raise Refused(
            f"已有 {AT_MOST} 个有效令牌，请先撤销不用的。", f"{AT_MOST} tokens are in force; revoke what is not used."
        )
    return give(Staff.objects.get(pk=actor.id), label, now, days=days)


def of(actor: Actor, staff_id: int) -> QuerySet[Token]:
    """Somebody's tokens, the newest first: one's own, or for the administrator anybody's. Never the token itself."""
    if staff_id != actor.id:
        check(actor, "staff.revoke")
    return Token.objects.filter(staff=staff_id).defer("hash").order_by("-created_at", "-id")


def revoke(actor: Actor, staff_id: int, token_id: int, now: datetime) -> None:
    """From now on nobody gets in with it. Twice is as once; raises Token.DoesNotExist for another's."""
    token = of(actor, staff_id).get(pk=token_id)
    changed = Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now)
    if changed and staff_id != actor.id:
        note(action="revoke", object="people_staff", row_id=staff_id, now=now, token=token.label)
