"""Groups' robots (群机器人): set up, turned off and on, tried; by whoever may change units, and kept in the trail."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from django.db.models import Q

from zhike.conduct.words import Refused
from zhike.people.actor import Actor
from zhike.people.models import Unit
from zhike.people.permissions import check

from .channels.webhook import robot
from .models import Digest, Webhook

LANGUAGES = ("zh-hans", "en")


def set_up(
    actor: Actor, unit_id: int, *, kind: str, address: str, secret: str, language: str, relays: Collection[str],
    now: datetime, today: date,
) -> Webhook:  # fmt: skip
    """The unit's group gets the team digest there from now on, instead of where it got it before. Raises Refused."""
    check(actor, "units.change")
    unit = Unit.objects.filter(Q(to_day=None) | Q(to_day__gt=today), pk=unit_id).first()
    if unit is None:
        raise Refused("该机构已撤销。", "The unit has ended.")
    robot(kind, address, secret, relays).close()
    webhook = Webhook.objects.select_for_update().filter(unit=unit).first() or Webhook(unit=unit)
    webhook.kind, webhook.on, webhook.since = kind, True, now
    webhook.language = language if language in LANGUAGES else LANGUAGES[0]
    webhook.made_by_id, webhook.made_at = actor.id, now
    webhook.lead_to(address.strip(), secret.strip())
    webhook.save()
    return webhook


def turn(actor: Actor, unit_id: int, *, on: bool, now: datetime) -> None:
    """Off: nothing is sent any more, a digest that waits included. On again: from the next one on."""
    check(actor, "units.change")
    webhook = _of(unit_id)
    if webhook.on != on:
        webhook.on, webhook.since = on, now
        webhook.save(update_fields=["on", "since"])


def test(actor: Actor, unit_id: int, *, now: datetime, today: date) -> Digest:
    """A message that says it is a test; the worker sends it at once."""
    check(actor, "units.change")
    if not _of(unit_id).on:
        raise Refused("群机器人已停用，请先启用。", "The group's robot is turned off; turn it on first.")
    if Digest.objects.filter(unit_id=unit_id, test=True, state=Digest.State.WAITING).exists():
        raise Refused("上一条测试还在发送，请稍后刷新。", "The last test is still on its way; reload in a moment.")
    return Digest.objects.create(unit_id=unit_id, day=today, test=True, at=now, try_at=now)


def _of(unit_id: int) -> Webhook:
    webhook = Webhook.objects.select_for_update().filter(unit_id=unit_id).first()
    if webhook is None:
        raise Refused("请先设置群机器人。", "Set the group's robot up first.")
    return webhook
