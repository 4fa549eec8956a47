"""Staff accounts (员工): seated, corrected, invited anew, closed and opened by the administrator."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from zhike.conduct.words import Refused
from zhike.people import invitation
from zhike.people.actor import Actor
from zhike.people.models import Staff
from zhike.people.permissions import check
from zhike.people.roster import NUMBER
from zhike.people.turn import take_turn


def seat(
    actor: Actor, *, number: str, name: str, title: str = "", email: str = "", phone: str = ""
) -> tuple[Staff, str]:
    """A new staff member with a one-time password, told here and nowhere else."""
    check(actor, "staff.change")
    if not NUMBER.fullmatch(number.strip()):
        raise Refused("工号应为 1 到 32 位字母或数字。", "A staff number is 1 to 32 letters and digits.")
    take_turn("staff number", number.strip())
    if Staff.objects.filter(number=number.strip()).exists():
        raise Refused(f"工号 {number} 已存在。", f"The staff number {number} is taken.")
    password, kept = invitation.draw()
    staff = Staff(number=number.strip(), password=kept, must_change_password=True)
    return _write(staff, name, title, email, phone), password


def correct(actor: Actor, staff_id: int, *, name: str, title: str, email: str, phone: str) -> Staff:
    """What is known of a colleague; the number stays."""
    check(actor, "staff.change")
    return _write(Staff.objects.select_for_update().get(pk=staff_id), name, title, email, phone)


def invite_again(actor: Actor, staff_id: int) -> tuple[Staff, str]:
    """A new one-time password for whoever forgot theirs; every session of theirs ends."""
    check(actor, "staff.invite")
    staff = Staff.objects.select_for_update().get(pk=staff_id)
    if not staff.is_active:
        raise Refused("账号已关闭，请先启用。", "The account is closed; open it first.")
    return staff, invitation.invite(staff)


def close(actor: Actor, staff_id: int) -> Staff:
    """Nobody signs in with it any more, from this moment on; what they did stays theirs."""
    check(actor, "staff.change")
    if staff_id == actor.id:
        raise Refused(
            "不能关闭自己的账号，请由另一位管理员办理。", "Another administrator has to close your own account."
        )
    return _turn(staff_id, active=False)


def open_again(actor: Actor, staff_id: int) -> Staff:
    check(actor, "staff.change")
    return _turn(staff_id, active=True)


def _turn(staff_id: int, *, active: bool) -> Staff:
    staff = Staff.objects.select_for_update().get(pk=staff_id)
    staff.is_active = active
    staff.save(update_fields=["is_active"])
    return staff


def _write(staff: Staff, name: str, title: str, email: str, phone: str) -> Staff:
    if not name.strip():
        raise Refused("请填写姓名。", "The name is missing.")
    if email.strip():
        try:
            validate_email(email.strip())
        except ValidationError as error:
            raise Refused("邮箱格式不正确。", "This is no e-mail address.") from error
    staff.name, staff.title, staff.email, staff.phone = name.strip(), title.strip(), email.strip(), phone.strip()
    staff.save()
    return staff
