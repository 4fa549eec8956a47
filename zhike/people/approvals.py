"""The one maker-checker mechanism (审批): somebody asks, somebody else decides, and what is carried out is what was seen.

Whoever has an act that needs a second person registers its kind: who may ask, who may decide, how it is worded, what
carries it out. The request keeps the act's whole payload; a decision names the digest of what stood on the screen, so
that a request changed in between is not approved unseen. Left undecided for 48 hours it can only be asked anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from zhike.conduct.words import Refused, Words
from zhike.people.actor import Actor
from zhike.people.models import Approval
from zhike.people.permissions import check, may
from zhike.trail.models import Entry

WAITS = timedelta(hours=48)
# Whoever draws a colleague's one-time password sees it: until the colleague must have noticed, the two are not two.
INVITED = timedelta(days=7)
ONE_WAITS = "people_approval_one_waits"

Line = tuple[str, str]


class Undecidable(Refused):
    """A request that cannot be decided this way: by this person, in this state, or as it was seen."""


@dataclass(frozen=True)
class Kind:
    """An act that needs a second person.

    ``ask`` and ``decide`` are capabilities of the table of permissions. ``carry_out(approval, actor, now)`` runs in the
    decision's transaction, as the one who decides. ``lines(some)`` words their
    payloads for the page, in their order, in a fixed number of queries: (word, value).
    """

    name: str
    title: Words
    ask: str
    decide: str
    carry_out: Callable[[Approval, Actor, datetime], None]
    lines: Callable[[Sequence[Approval]], list[list[Line]]]


KINDS: dict[str, Kind] = {}


def worded(some: Iterable[Approval]) -> dict[int, list[Line]]:
    """What is asked for, in the reader's words, by the request's id; a fixed number of queries a kind."""
    by_kind: dict[str, list[Approval]] = {}
    for approval in some:
        by_kind.setdefault(approval.kind, []).append(approval)
    lines: dict[int, list[Line]] = {}
    for name, rows in by_kind.items():
        kind = KINDS.get(name)
        said = kind.lines(rows) if kind else [[] for _row in rows]
        lines.update(zip((row.pk for row in rows), said, strict=True))
    return lines


def register(kind: Kind) -> Kind:
    """Called at start by the app whose act it is."""
    assert KINDS.get(kind.name, kind).name == kind.name
    KINDS[kind.name] = kind
    return kind


def digest_of(kind: str, subject: str, payload: dict[str, Any]) -> str:
    """Over the canonical JSON of what is asked for."""
    text = json.dumps([kind, subject, payload], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def ask(
    actor: Actor,
    kind: str,
    subject: str,
    payload: dict[str, Any],
    reason: str,
    now: datetime,
    *,
    unit_id: int | None = None,
    whose: int | None = None,
) -> Approval:
    """A new request. ``unit_id``: whose leaders decide; None for what concerns the whole bank. ``whose`` affair it is: asked
    for them where the actor stands in for them. Raises Refused.
    """
    check(actor, KINDS[kind].ask)
    if not reason.strip():
        raise Undecidable("请写明理由，复核人据此判断。", "Say why; the second person decides by it.")
    # What comes back from the database must have the digest that went in: JSON turns tuples and dates into its own.
    payload = json.loads(json.dumps(payload))
    try:
        with transaction.atomic():
            return Approval.objects.create(
                kind=kind,
                subject=subject,
                payload=payload,
                digest=digest_of(kind, subject, payload),
                unit_id=unit_id,
                asked_by_id=actor.id,
                asked_at=now,
                on_behalf_id=whose if whose in actor.covers else None,
                reason=reason.strip(),
            )
    except IntegrityError as error:
        # The database alone knows: another's request may be out of sight, or not yet committed when this one was made.
        if ONE_WAITS not in str(error):
            raise
        raise Undecidable("同一事项已有待审批的申请。", "The same is already waiting for a decision.") from None


def approve(actor: Actor, approval_id: int, digest: str, now: datetime, note: str = "") -> Approval:
    """Decides for it and carries it out, in one transaction. ``digest`` is of what the decider saw."""
    approval = _to_decide(actor, approval_id, now)
    if digest != approval.digest or approval.digest != digest_of(approval.kind, approval.subject, approval.payload):
        raise Undecidable(
            "申请内容与您看到的不一致，请刷新后重新核对。", "The request is not what you saw. Reload and look again."
        )
    _decide(approval, Approval.Decision.APPROVED, actor, now, note)
    KINDS[approval.kind].carry_out(approval, actor, now)
    return approval


def refuse(actor: Actor, approval_id: int, now: datetime, note: str) -> Approval:
    """Decides against it; the one who asked reads why."""
    approval = _to_decide(actor, approval_id, now)
    if not note.strip():
        raise Undecidable("请写明不同意的理由。", "Say why you refuse.")
    return _decide(approval, Approval.Decision.REFUSED, actor, now, note)


def withdraw(actor: Actor, approval_id: int, now: datetime, note: str = "") -> Approval:
    """The one who asked takes it back."""
    approval = _locked(approval_id)
    if approval.asked_by_id != actor.id:
        raise Undecidable("只有申请人可以撤回。", "Only the one who asked can withdraw it.")
    return _decide(approval, Approval.Decision.WITHDRAWN, actor, now, note)


def expired(approval: Approval, now: datetime) -> bool:
    """Left undecided too long: it can be withdrawn and asked anew, no longer approved."""
    return approval.decision == Approval.Decision.OPEN and approval.asked_at + WAITS <= now


def waiting_for(actor: Actor, now: datetime) -> QuerySet[Approval]:
    """What this actor may decide now: of a kind and in a scope that is theirs, asked by others, not expired."""
    kinds = [kind.name for kind in KINDS.values() if may(actor, kind.decide)]
    parties = [actor.id, *actor.covers]
    return (
        Approval.objects.visible_to(actor)
        .filter(kind__in=kinds, decision="open", asked_at__gt=now - WAITS)
        .exclude(asked_by__in=parties)
        .exclude(on_behalf__in=parties)
        .select_related("asked_by", "unit")
        .order_by("asked_at", "pk")
    )


def _locked(approval_id: int) -> Approval:
    """The row, locked, so that two who decide at once do it once."""
    # PostgreSQL lets only open requests be locked for a decision.
    approval = Approval.objects.select_for_update().filter(pk=approval_id, decision="open").first()
    if approval is None:
        if Approval.objects.filter(pk=approval_id, decision="open").exists():
            raise _asked_by_whom_one_covers()
        if Approval.objects.filter(pk=approval_id).exists():
            raise Undecidable("该申请已有结论，请刷新查看。", "This has been decided already. Reload to see how.")
        raise Undecidable("没有这项申请，或不在您的范围内。", "There is no such request in your scope.")
    return approval


def _to_decide(actor: Actor, approval_id: int, now: datetime) -> Approval:
    approval = _locked(approval_id)
    check(actor, KINDS[approval.kind].decide)
    if approval.asked_by_id == actor.id:
        raise Undecidable(
            "不能审批自己的申请，须由另一人复核。", "Nobody approves their own request; it needs a second person."
        )
    if _invited_by(approval.asked_by_id, actor, now):
        raise Undecidable(
            "申请人在七天内重置过您的登录密码，此项请由他人复核。",
            "Who asks has given you a new password within the last seven days; somebody else has to decide this.",
        )
    if approval.on_behalf_id == actor.id:
        raise Undecidable(
            "这是您休假期间同事代您提出的申请，不能由您审批。",
            "A colleague asked for this on your behalf while you were away: it needs another person.",
        )
    if approval.asked_by_id in actor.covers or approval.on_behalf_id in actor.covers:
        raise _asked_by_whom_one_covers()
    if approval.unit_id is not None and -approval.unit_id not in actor.sees:
        raise Undecidable("没有这项申请，或不在您的范围内。", "There is no such request in your scope.")
    if expired(approval, now):
        raise Undecidable("申请超过48小时未复核，已退回，请申请人重新提交。", "It waited for over 48 hours; ask anew.")
    return approval


def _invited_by(colleague: int, actor: Actor, now: datetime) -> bool:
    """Whether a colleague has set the actor's password of late; what is kept about oneself is one's own to see."""
    given = Entry.objects.filter(object="people_staff", row_id=actor.id, actor_id=colleague, action="update")
    return given.filter(at__gt=now - INVITED, changes__has_key="password").exists()


def _asked_by_whom_one_covers() -> Undecidable:
    """PostgreSQL lets such a request not be changed either."""
    return Undecidable(
        "您正代这位同事办理，不能审批其提出的或为其提出的申请，须由另一人复核。",
        "You stand in for the colleague who asked, or for whom it was asked: it needs another person.",
    )


def _decide(approval: Approval, decision: Approval.Decision, actor: Actor, now: datetime, note: str) -> Approval:
    approval.decision, approval.decided_by_id, approval.decided_at, approval.note = (
        decision,
        actor.id,
        now,
        note.strip(),
    )
    approval.save(update_fields=["decision", "decided_by", "decided_at", "note"])
    return approval
