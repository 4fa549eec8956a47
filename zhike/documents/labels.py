"""Changing what documents are filed under: names, years, what a file is to hold. Compliance does it; the trail keeps each change."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.crypto import get_random_string

from zhike.customers.checks import clean
from zhike.documents.formats import Unkept
from zhike.documents.models import Label
from zhike.people.actor import Actor
from zhike.people.permissions import check

LONGEST = 40
# What is filed under these by itself: receipts of deliveries, and what goes along with a note or a hand-in.
ALWAYS_OPEN = frozenset({"delivery", "receipt", "office", "other"})


def change(
    id: int | None,
    *,
    sort: str,
    zh: str,
    en: str,
    years: int | None,
    wanted: list[str],
    always: bool,
    open: bool,
    actor: Actor,
) -> Label:
    """Changes a label, or makes one where ``id`` is None. Raises Unkept."""
    check(actor, "documents.labels")
    label = Label.objects.select_for_update().filter(pk=id).first() if id else None
    if label is None:
        if id or sort not in Label.Sort.values:
            raise Unkept("没有这一项。", "There is no such label.", "label")
        last = Label.objects.filter(sort=sort).aggregate(last=Max("place"))["last"] or 0
        label = Label(sort=sort, key=get_random_string(12, "abcdefghjkmnpqrstuvwxyz"), place=last + 1)
    label.zh, label.en = clean(zh)[:LONGEST], clean(en)[:LONGEST]
    if not (label.zh and label.en):
        raise Unkept("请填写中文和英文名称。", "Give the name in Chinese and in English.", "zh")
    if years is None or not label.least <= years <= 100:
        raise Unkept(
            f"保存年限须为 {label.least} 至 100 年（下限依法规）。",
            f"Years go from {label.least}, which law asks, to 100.",
            "years",
        )
    if label.key in ALWAYS_OPEN and not open:
        raise Unkept(
            "送达签收和随交办、市场信息交来的资料归在这一项，不能停用。",
            "Receipts, and what comes with assignments and notes, are filed under it: it stays in use.",
            "label",
        )
    known = set(Label.objects.kinds().values_list("key", flat=True))
    label.years, label.open = years, open
    if label.sort == Label.Sort.BUSINESS:
        label.wanted, label.always = [key for key in wanted if key in known], always
    try:
        with transaction.atomic():
            label.save()
    except IntegrityError:
        raise Unkept(
            "这一项已被他人修改，请重试。", "Somebody else changed it meanwhile; try again.", "label"
        ) from None
    return label
