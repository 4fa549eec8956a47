"""The second factor (双因素) of somebody whose telephone is gone: two persons take it away, and at the next sign-in it is set up
anew. One alone could otherwise give out a new password, take the second factor away and sign in as whoever approves.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from zhike.conduct.words import Refused, Words
from zhike.people import approvals
from zhike.people.actor import Actor
from zhike.people.models import Approval, Staff
from zhike.trail.models import note


def is_set_up(staff_id: int) -> bool:
    """For those who may ask or decide; to all others nobody has one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT people_second_factor(%s)", [staff_id])
        return bool(cursor.fetchone()[0])


def ask_to_take_away(actor: Actor, staff_id: int, reason: str, now: datetime) -> Approval:
    """Asks that ``staff_id`` may set it up anew; what the second person makes sure of is who it was that asked for it."""
    if staff_id == actor.id:
        raise Refused("自己的双因素请在“登录与令牌”中更换。", "Change your own under Sign-in and tokens.")
    if not is_set_up(staff_id):
        raise Refused("该员工尚未设置双因素。", "This colleague has set up no second factor.")
    return approvals.ask(actor, TAKE_AWAY.name, f"second_factor:{staff_id}", {"staff": staff_id}, reason, now)


def _carry_out(approval: Approval, actor: Actor, now: datetime) -> None:
    whose = approval.payload["staff"]
    if whose == actor.id:
        raise approvals.Undecidable("不能审批自己的双因素。", "Nobody decides about their own second factor.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT people_second_factor_off(%s)", [approval.pk])
        taken = cursor.fetchone()[0]
    if not taken:
        raise approvals.Undecidable(
            "该员工已没有双因素，无需解除。", "There is no second factor to take away any more."
        )
    note(action="second_factor_off", object="people_staff", row_id=whose, now=now)


def _lines(some: Sequence[Approval]) -> list[list[approvals.Line]]:
    names = Staff.objects.in_bulk({approval.payload["staff"] for approval in some})
    return [[(who.number, who.name)] for who in (names[approval.payload["staff"]] for approval in some)]


TAKE_AWAY = approvals.register(
    approvals.Kind(
        "people.second_factor",
        Words("解除双因素，重新设置", "Take a second factor away, to be set up anew"),
        "staff.unlock",
        "posts.approve",
        _carry_out,
        _lines,
    )
)
