"""The bank's tree (机构): units are made, renamed, moved and ended; none is deleted, because the past refers to it.

Moving takes two persons, as granting a post does: whoever leads the new place sees the unit's customers from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from django.db.models import F, Q
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from zhike.conduct.words import Refused, Words
from zhike.people import approvals
from zhike.people.actor import Actor
from zhike.people.models import Approval, Post, Scope, Unit
from zhike.people.permissions import check
from zhike.people.turn import take_turn

# One change after the other: two units could be hung below each other at the same moment, and a code be taken twice.
TREE = ("changes of", "the tree of units")


@dataclass(frozen=True)
class Move:
    """A unit that is to hang elsewhere: ``before``, where it hangs while this is asked, and ``below``; None is the top."""

    unit: int
    before: int | None
    below: int | None


def make(actor: Actor, *, code: str, name: str, kind: str, parent_id: int | None, from_day: date) -> Unit:
    """A new unit below ``parent_id``, or a root."""
    check(actor, "units.change")
    take_turn(*TREE)
    unit = Unit(code=code.strip(), from_day=from_day)
    if not unit.code:
        raise Refused("请填写机构号。", "The unit needs a code.")
    if Unit.objects.filter(code=unit.code).exists():
        raise Refused(f"机构号 {unit.code} 已存在。", f"There is a unit with the code {unit.code} already.")
    unit.parent = _place(unit, parent_id)
    return _write(unit, name, kind)


def rename(actor: Actor, unit_id: int, *, name: str, kind: str) -> Unit:
    """Another name or kind."""
    check(actor, "units.change")
    take_turn(*TREE)
    return _write(Unit.objects.select_for_update().get(pk=unit_id), name, kind)


def ask_to_move(actor: Actor, moves: Sequence[Move], reason: str, now: datetime) -> Approval:
    """Asks that units hang elsewhere, one or all that a file moves; one decision moves them."""
    for move in moves:
        if move.below == move.before:
            raise Refused("它已经隶属于该机构。", "It hangs there already.")
        _place(Unit.objects.get(pk=move.unit), move.below)
    subject = f"unit:{moves[0].unit}" if len(moves) == 1 else f"units:{len(moves)}:{now.isoformat()}"
    return approvals.ask(actor, MOVE.name, subject, {"moves": [asdict(move) for move in moves]}, reason, now)


def end(actor: Actor, unit_id: int, day: date) -> Unit:
    """From ``day`` on the unit no longer exists. First whoever serves there and what hangs below it must go."""
    check(actor, "units.change")
    unit = Unit.objects.select_for_update().get(pk=unit_id)
    if unit.children.filter(Q(to_day=None) | Q(to_day__gt=day)).exists():
        raise Refused("请先调整下级机构。", "Move or end the units below it first.")
    if Post.objects.filter(Q(to_day=None) | Q(to_day__gt=day), unit=unit).exclude(to_day=F("from_day")).exists():
        raise Refused("请先结束该机构的任职。", "End the posts in it first.")
    if day < unit.from_day:
        raise Refused("结束日不能早于开始日。", "It cannot end before it begins.")
    unit.to_day = day
    unit.save(update_fields=["to_day"])
    return unit


def _write(unit: Unit, name: str, kind: str) -> Unit:
    if not name.strip():
        raise Refused("请填写机构名称。", "The unit needs a name.")
    if kind not in Unit.Kind.values:
        raise Refused("没有这种机构类型。", "There is no such kind of unit.")
    unit.name, unit.kind = name.strip(), kind
    unit.save()
    return unit


def _place(unit: Unit, parent_id: int | None) -> Unit | None:
    """Where the unit may hang. Raises Refused for itself and what hangs below it."""
    parent = Unit.objects.get(pk=parent_id) if parent_id else None
    if parent is not None and unit.pk and parent.path.startswith(unit.path):
        raise Refused("机构不能隶属于自己的下级。", "A unit cannot hang below itself.")
    return parent


def _carry_out(approval: Approval, actor: Actor, now: datetime) -> None:
    take_turn(*TREE)
    for move in (Move(**each) for each in approval.payload["moves"]):
        unit = Unit.objects.select_for_update().get(pk=move.unit)
        below = _place(unit, move.below)
        if unit.parent_id != move.before:
            raise approvals.Undecidable(
                f"机构 {unit.name} 在此期间已调整隶属，请重新申请。",
                f"The unit {unit.name} has been moved meanwhile; ask anew.",
            )
        if below and below.to_day and below.to_day <= localdate(now):
            raise approvals.Undecidable(
                f"机构 {below.name} 已撤销，请选择仍在的机构。",
                f"The unit {below.name} has ended; choose one that stands.",
            )
        if below and _would_see_more(actor, unit, below, localdate(now)):
            raise approvals.Undecidable(
                "调整后您将看到该机构的客户，须由另一人复核。",
                "You would see this unit's customers from then on; somebody else has to decide this.",
            )
        unit.parent = below
        unit.save()


def _would_see_more(actor: Actor, unit: Unit, below: Unit, day: date) -> bool:
    """Whether one who decides leads or looks after the new place, with all that hangs there, and not the old one."""
    posts = Post.objects.filter(Q(to_day=None) | Q(to_day__gt=day), staff=actor.id, scope=Scope.TREE)
    trees = list(posts.values_list("unit__path", flat=True))
    return any(below.path.startswith(tree) for tree in trees) and not any(unit.path.startswith(tree) for tree in trees)


def _lines(some: Sequence[Approval]) -> list[list[approvals.Line]]:
    asked = [[Move(**move) for move in approval.payload["moves"]] for approval in some]
    units = Unit.objects.in_bulk({id for moves in asked for m in moves for id in (m.unit, m.before, m.below) if id})

    def place(id: int | None) -> str:
        return units[id].name if id else _("none: the top")

    return [
        [
            (f"{units[move.unit].code} {units[move.unit].name}", f"{place(move.before)} → {place(move.below)}")
            for move in moves
        ]
        for moves in asked
    ]


MOVE = approvals.register(
    approvals.Kind(
        "people.unit", Words("调整机构隶属", "Move a unit"), "units.change", "posts.approve", _carry_out, _lines
    )
)
