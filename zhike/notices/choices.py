"""How one staff member wants to be reminded: channels beside the page, addresses there, own working hours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time

from zhike.conduct.words import Refused
from zhike.people.actor import Actor
from zhike.people.models import Staff

from .channels import CHANNELS
from .models import Choice


@dataclass(frozen=True)
class Wish:
    """One channel: on or off, and where; an empty address means the staff number, by mail the e-mail address."""

    on: bool
    address: str = ""


def choose(actor: Actor, wishes: Mapping[str, Wish], hours: tuple[time | None, time | None]) -> None:
    """Keeps channels and own working hours (both None: the bank's), all or nothing. Raises Refused."""
    staff = Staff.objects.get(pk=actor.id)
    for channel, wish in wishes.items():
        _check(channel, wish, staff)
    begin, end = hours
    if (begin is None) != (end is None) or (begin and end and begin >= end):
        raise Refused(
            "上班时间须起止都填，且止晚于起；都不填则按本行。",
            "Give both ends of your working hours, the later one last; or neither, for the bank's.",
        )
    for channel, wish in wishes.items():
        kept = {"on": wish.on, "address": wish.address.strip()}
        Choice.objects.update_or_create(staff_id=actor.id, channel=channel, defaults=kept)
    Staff.objects.filter(pk=actor.id).update(works_from=begin, works_to=end)


def _check(channel: str, wish: Wish, staff: Staff) -> None:
    address = wish.address.strip()
    if channel == "mail" and wish.on and not (address or staff.email):
        raise Refused("请填写接收提醒的邮箱。", "Give the e-mail address that reminders go to.")
    kind = CHANNELS[channel]
    if address and not kind.shape.fullmatch(address):
        zh, en = kind.reached_by.zh, kind.reached_by.en
        raise Refused(
            f"“{address}”不是一个人的{zh}，请核对后重填。",
            f"“{address}” is not one person's {en}; check it and enter it anew.",
        )
