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


def choose(actor: Actor, wishes: Mapping[str, Wish]) -> None:
    """Keeps the wishes; each channel by itself. Raises Refused where one cannot be."""
    staff = Staff.objects.get(pk=actor.id)
    for channel, wish in wishes.items():
        address = wish.address.strip()
        _check(channel, wish.on, address, staff)
        Choice.objects.update_or_create(
            staff_id=actor.id, channel=channel, defaults={"on": wish.on, "address": address}
        )


def work(actor: Actor, begin: time | None, end: time | None) -> None:
    """Own working hours; both None: the bank's. Raises Refused."""
    if (begin is None) != (end is None) or (begin and end and begin >= end):
        raise Refused(
            "上班时间须起止都填，且止晚于起；都不填则按本行。",
            "Give both ends of your working hours, the later one last; or neither, for the bank's.",
        )
    Staff.objects.filter(pk=actor.id).update(works_from=begin, works_to=end)


def _check(channel: str, on: bool, address: str, staff: Staff) -> None:
    if channel == "mail" and on and not (address or staff.email):
        raise Refused("请填写接收提醒的邮箱。", "Give the e-mail address that reminders go to.")
    kind = CHANNELS[channel]
    if address and not kind.shape.fullmatch(address):
        zh, en = kind.reached_by.zh, kind.reached_by.en
        raise Refused(
            f"“{address}”不是一个人的{zh}，请核对后重填。",
            f"“{address}” is not one person's {en}; check it and enter it anew.",
        )
