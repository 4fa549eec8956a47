"""The bank's tree (机构): units are made, renamed, moved and ended; none is deleted, because the past refers to it."""

from __future__ import annotations

from datetime import date

from django.db.models import Q

from zhike.conduct.words import Refused
from zhike.people.actor import Actor
from zhike.people.models import Post, Unit
from zhike.people.permissions import check
from zhike.people.turn import take_turn

# One change after the other: two units could be hung below each other at the same moment, and a code be taken twice.
TREE = ("changes of", "the tree of units")


def make(actor: Actor, *, code: str, name: str, kind: str, parent_id: int | None, from_day: date) -> Unit:
    """A new unit below ``parent_id``, or a root."""
    check(actor, "units.change")
    take_turn(*TREE)
    unit = Unit(code=code.strip(), from_day=from_day)
    if not unit.code:
        raise Refused("请填写机构号。", "The unit needs a code.")
    if Unit.objects.filter(code=unit.code).exists():
        raise Refused(f"机构号 {unit.code} 已存在。", f"There is a unit with the code {unit.code} already.")
    return _write(unit, name, kind, parent_id)


def change(actor: Actor, unit_id: int, *, name: str, kind: str, parent_id: int | None) -> Unit:
    """Renames or moves; who may see what follows the new place from the next request on."""
    check(actor, "units.change")
    take_turn(*TREE)
    return _write(Unit.objects.select_for_update().get(pk=unit_id), name, kind, parent_id)


def end(actor: Actor, unit_id: int, day: date) -> Unit:
    """From ``day`` on the unit no longer exists. First whoever serves there and what hangs below it must go."""
    check(actor, "units.change")
    unit = Unit.objects.select_for_update().get(pk=unit_id)
    if unit.children.filter(Q(to_day=None) | Q(to_day__gt=day)).exists():
        raise Refused("请先调整下级机构。", "Move or end the units below it first.")
    if Post.objects.filter(Q(to_day=None) | Q(to_day__gt=day), unit=unit).exists():
        raise Refused("请先结束该机构的任职。", "End the posts in it first.")
    if day < unit.from_day:
        raise Refused("结束日不能早于开始日。", "It cannot end before it begins.")
    unit.to_day = day
    unit.save(update_fields=["to_day"])
    return unit


def _write(unit: Unit, name: str, kind: str, parent_id: int | None) -> Unit:
    parent = Unit.objects.get(pk=parent_id) if parent_id else None
    if not name.strip():
        raise Refused("请填写机构名称。", "The unit needs a name.")
    if kind not in Unit.Kind.values:
        raise Refused("没有这种机构类型。", "There is no such kind of unit.")
    if parent is not None and unit.pk and parent.path.startswith(unit.path):
        raise Refused("机构不能隶属于自己的下级。", "A unit cannot hang below itself.")
    unit.name, unit.kind, unit.parent = name.strip(), kind, parent
    unit.save()
    return unit
