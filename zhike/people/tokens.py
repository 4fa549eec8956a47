"""Tokens with which programs act as a staff member: given once, kept as a hash, revoked at will."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from zhike.people.models import Staff, Token
from zhike.people.session import hashed

PREFIX = "zk_"  # so that a token that leaked into a log or a repository can be found


def give(staff: Staff, label: str, now: datetime, *, days: int) -> str:
    """A new token for ``staff``, good for ``days``; the text is nowhere kept."""
    token = PREFIX + secrets.token_urlsafe(32)
    Token.objects.create(
        staff=staff, hash=hashed(token), label=label, created_at=now, expires_at=now + timedelta(days=days)
    )
    return token
