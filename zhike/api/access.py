"""Where one is signed in and which programs act for one; an administrator opens a locked sign-in.

Making a token is no operation of the API: it asks for the person, on the page.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404
from django.utils import timezone
from ninja import Router

from zhike.api.desk import Desk, bank_of, one
from zhike.api.shapes import Id, IdOut, Out
from zhike.people import browsers, lockout, tokens
from zhike.people.models import Staff, Token
from zhike.people.permissions import SIGNED_IN, policy

router = Router()


class TokenOut(Out):
    """``used_at`` is true to the minute. The token itself is nowhere kept."""

    id: IdOut
    label: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


class TokensOut(Out):
    items: list[TokenOut]


class SessionOut(Out):
    """``agent``: what the browser said it is."""

    id: str
    agent: str
    begun_at: datetime
    seen_at: datetime


class SessionsOut(Out):
    items: list[SessionOut]


class EndedOut(Out):
    """``ended``: how many sessions there were."""

    ended: int


class LockOut(Out):
    """``locked_until``: null where sign-in is open."""

    id: IdOut
    locked_until: datetime | None


@router.get("me/tokens", response=TokensOut, tags=["me"])
@policy(SIGNED_IN)
def list_tokens(request: Desk) -> Any:
    """One's own tokens, the newest first, those that have ended too."""
    return {"items": [_token(each) for each in tokens.of(request.actor, request.actor.id)]}


@router.post("me/tokens/{token}/revocation", response=TokenOut, tags=["me"])
@policy(SIGNED_IN)
def revoke_token(request: Desk, token: Id) -> Any:
    """The token opens nothing any more; the one that asks may revoke itself."""
    try:
        tokens.revoke(request.actor, request.actor.id, int(token), request.now)
    except Token.DoesNotExist as error:
        raise Http404 from error
    return _token(tokens.of(request.actor, request.actor.id).get(pk=token))


@router.get("me/sessions", response=SessionsOut, tags=["me"])
@policy(SIGNED_IN)
def list_sessions(request: Desk) -> Any:
    """The browsers in which one is signed in, the latest first."""
    found = browsers.of(request.actor, request.actor.id, request.now, bank_of(request))
    plain = ("agent", "begun_at", "seen_at")
    return {"items": [{"id": each.handle, **{name: getattr(each, name) for name in plain}} for each in found]}


@router.post("me/sessions/end", response=EndedOut, tags=["me"])
@policy(SIGNED_IN)
def end_sessions(request: Desk) -> Any:
    """Signs one out in every browser; tokens go on."""
    return {"ended": browsers.end(request.actor, request.actor.id, request.now)}


@router.post("staff/{id}/unlock", response=LockOut, tags=["staff"])
@policy("staff.unlock")
def unlock(request: Desk, id: Id) -> Any:
    """Opens a sign-in that is locked after too many failures."""
    staff = one(Staff.objects.all(), id)
    lockout.lift(request.actor, staff.pk, request.now)
    return {"id": staff.pk, "locked_until": _locked(request, staff)}


def _locked(request: Desk, staff: Staff) -> datetime | None:
    return lockout.until([staff.number], timezone.now(), bank_of(request)).get(staff.number)


def _token(token: Token) -> dict[str, Any]:
    return {"id": token.pk, **{name: getattr(token, name) for name in TokenOut.model_fields if name != "id"}}
