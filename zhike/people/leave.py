"""Leave and cover (休假与代班): who is away asks a colleague to stand in; from the first day on the colleague may.

What the stand-in may do is not written down anywhere: ``people_enter`` asks at each request whom its staff member covers
today. So cover begins and ends by itself, at the bank's midnight, and cannot be passed on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.timezone import localdate

from zhike.conduct import horizon
from zhike.conduct.bank import Bank
from zhike.conduct.words import Refused
from zhike.people.actor import Actor
from zhike.people.models import Leave, Post, Staff
from zhike.people.permissions import SERVING, check
from zhike.people.turn import take_turn

Answer = Leave.Answer
# Person and days stay as they were asked for: PostgreSQL lets nothing else be changed.
CHANGES = ["stand_in", "answer", "answered_by", "answered_at", "why", "ended_by", "ended_at"]


class Unfit(Refused):
    """A leave that cannot be as it is asked for; ``field`` is what would mend it."""

    def __init__(self, field: str, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.field = field


class NotNow(Refused):
    """It has been answered, has ended or was cancelled already: reload and see how."""


def ask(
    staff_id: int,
    from_day: date,
    to_day: date,
    stand_in: int,
    *,
    note: str = "",
    actor: Actor,
    now: datetime,
    bank: Bank,
) -> Leave:
    """Asks ``stand_in`` to stand in from ``from_day`` until the day before ``to_day``. For somebody else only who leads them
    asks. Raises Unfit, naming the field.
    """
    check(actor, "leave.ask")
    if staff_id != actor.id and not actor.leads(staff_id):
        raise Unfit(
            "staff", "只能为自己或本团队成员登记休假。", "You can enter leave for yourself and for those you lead."
        )
    leave = Leave(
        staff_id=staff_id, from_day=from_day, to_day=to_day, stand_in_id=stand_in, note=note.strip(), asked_by_id=actor.id,
        asked_at=now,
    )  # fmt: skip
    _check_days(leave, _today(now, bank), bank)
    _check_persons(leave, bank)
    leave.save()
    return leave


def ask_another(leave: Leave, stand_in: int, *, actor: Actor, now: datetime, bank: Bank) -> Leave:
    """Another colleague is asked; whoever was asked or had accepted before is free of it at once."""
    _check_whose(leave, actor)
    _check_stands(leave, now, bank)
    if stand_in == leave.stand_in_id and leave.answer != Answer.DECLINED:
        raise Unfit("stand_in", "代班人没有变化。", "That is the stand-in already.")
    leave.stand_in_id = stand_in
    leave.answer, leave.answered_by_id, leave.answered_at, leave.why = Answer.ASKED, None, None, ""
    _check_persons(leave, bank)
    leave.save(update_fields=CHANGES)
    return leave


def accept(leave: Leave, *, actor: Actor, now: datetime, bank: Bank) -> Leave:
    """The stand-in agrees. What was true when it was asked must be true still."""
    _check_asked(leave, actor, now, bank)
    _check_persons(leave, bank)
    return _answer(leave, Answer.ACCEPTED, "", actor, now)


def decline(leave: Leave, why: str, *, actor: Actor, now: datetime, bank: Bank) -> Leave:
    """The stand-in cannot; whoever asked reads why and asks another."""
    _check_asked(leave, actor, now, bank)
    if not why.strip():
        raise Unfit(
            "why", "请写明不能代班的原因，对方据此另请他人。", "Say why you cannot: another colleague is asked then."
        )
    return _answer(leave, Answer.DECLINED, why.strip(), actor, now)


def cancel(leave: Leave, *, actor: Actor, now: datetime, bank: Bank, why: str = "") -> Leave:
    """It will not be: before its first day, or at any time while nobody has accepted it."""
    _check_whose(leave, actor)
    _check_stands(leave, now, bank)
    if leave.answer == Answer.ACCEPTED and leave.from_day <= _today(now, bank):
        raise NotNow("休假已经开始，请用“提前结束”。", "The leave has begun: end it early instead.")
    return _answer(leave, Answer.CANCELLED, why.strip(), actor, now)


def end(leave: Leave, *, actor: Actor, now: datetime, bank: Bank) -> Leave:
    """Back before the first day back: the stand-in's right is gone at once."""
    _check_whose(leave, actor)
    _check_stands(leave, now, bank)
    if leave.answer != Answer.ACCEPTED or leave.from_day > _today(now, bank):
        raise NotNow("休假尚未开始，请用“撤销”。", "The leave has not begun: cancel it instead.")
    leave.ended_by_id, leave.ended_at = actor.id, now
    leave.save(update_fields=CHANGES)
    return leave


def held(id: int, actor: Actor) -> Leave | None:
    """One of those that the actor may see, kept from others until the transaction ends; None as for one that does not exist.
    Raises NotNow for one that is over: PostgreSQL lets it not be changed any more.
    """
    rows = Leave.objects.visible_to(actor).select_related("staff", "stand_in").filter(pk=id)
    found = rows.select_for_update(of=("self",)).first()
    if found is None and rows.exists():
        raise _over()
    return found


def may_change(leave: Leave, actor: Actor) -> bool:
    """Whose leave it is, and who leads them."""
    return leave.staff_id == actor.id or actor.leads(leave.staff_id)


def candidates(staff_id: int, day: date, bank: Bank) -> QuerySet[Staff]:
    """Who may be asked to stand in for somebody, as the bank's rules have it on a day, but for those who are away."""
    return Staff.objects.filter(_within(staff_id, day, bank), is_active=True).exclude(pk=staff_id).distinct()


def stand_ins(staff_ids: Iterable[int], day: date) -> dict[int, int]:
    """Who stands in for whom on ``day``: by the id of whoever is away. One query. Whose account was closed meanwhile stands in no more."""
    standing = Leave.objects.accepted().filter(staff__in=list(staff_ids), from_day__lte=day, to_day__gt=day)
    standing = standing.filter(stand_in__is_active=True)
    return dict(standing.values_list("staff_id", "stand_in_id"))


def away(staff_ids: Iterable[int], day: date) -> set[int]:
    """Which of these are away on ``day``, with a stand-in who has accepted. One query."""
    return set(stand_ins(staff_ids, day))


def stood_in(staff_id: int, stand_in: int, at: datetime) -> bool:
    """Whether ``stand_in`` covered somebody at a moment, however it has ended since. One query."""
    rows = Leave.objects.filter(staff=staff_id, stand_in=stand_in, answer=Answer.ACCEPTED)
    day = localdate(at)
    return rows.filter(Q(ended_at=None) | Q(ended_at__gt=at), from_day__lte=day, to_day__gt=day).exists()


# ---------------------------------------------------------------------------- what is checked


def _today(now: datetime, bank: Bank) -> date:
    return now.astimezone(bank.zone).date()


def _check_days(leave: Leave, today: date, bank: Bank) -> None:
    if leave.from_day < today:
        raise Unfit("from_day", "开始日不能早于今天。", "Leave cannot begin before today.")
    if leave.to_day <= leave.from_day:
        raise Unfit("to_day", "返岗日须晚于开始日。", "The first day back must come after the first day away.")
    if (leave.to_day - leave.from_day).days > bank.leave_days:
        raise Unfit(
            "to_day",
            f"一次代班最长 {bank.leave_days} 天；更久的请将客户移交。",
            f"One leave is covered for {bank.leave_days} days at most; for longer the customers are handed over.",
        )
    if horizon.too_far(leave.from_day, today):
        raise Unfit("from_day", horizon.TOO_FAR.zh, horizon.TOO_FAR.en)


def _check_persons(leave: Leave, bank: Bank) -> None:
    """Of two that concern the same persons one comes after the other, and finds what the first has written."""
    for whose in sorted({leave.staff_id, leave.stand_in_id}):
        take_turn("leave", whose)
    taken = _taken(leave)
    _check_free(leave, taken)
    _check_stand_in(leave, taken, bank)


@dataclass(frozen=True)
class _Taken:
    """Days on which somebody is to be away and somebody to stand in."""

    id: int
    staff_id: int
    staff: str
    stand_in_id: int
    from_day: date
    to_day: date
    answer: str

    @property
    def days_zh(self) -> str:
        first, back = self.from_day, self.to_day
        return f"{first.month}月{first.day}日至{back.month}月{back.day}日（返岗）"


def _taken(leave: Leave) -> list[_Taken]:
    """What is asked for and stands on these days for either of the two, whether the actor may see it or not."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, staff_id, staff, stand_in_id, from_day, to_day, answer FROM people_leaves_between(%s, %s, %s)",
            [[leave.staff_id, leave.stand_in_id], leave.from_day, leave.to_day],
        )
        rows = [_Taken(*row) for row in cursor.fetchall()]
    return [row for row in rows if row.id != leave.pk]


def _check_free(leave: Leave, taken: list[_Taken]) -> None:
    """Whoever is to be away is not away already on these days, and stands in for nobody then."""
    for each in taken:
        if each.staff_id == leave.staff_id:
            raise Unfit(
                "from_day",
                f"与 {each.days_zh} 的休假重叠，请先撤销那一次或改日期。",
                f"There is leave from {each.from_day} to {each.to_day} already. Cancel it, or choose other days.",
            )
        if each.stand_in_id == leave.staff_id and each.answer == Answer.ACCEPTED:
            raise Unfit(
                "from_day",
                f"{each.days_zh} 已答应代 {each.staff} 办理，请先为其另请代班人。",
                f"{each.staff} is covered by the same person from {each.from_day} to {each.to_day}. Ask another colleague to "
                "stand in there first.",
            )


def _check_stand_in(leave: Leave, taken: list[_Taken], bank: Bank) -> None:
    """Raises Unfit for oneself, somebody unknown or closed, of no serving role, outside the bank's rules, or away then."""
    if leave.stand_in_id == leave.staff_id:
        raise Unfit("stand_in", "代班人不能是休假者本人。", "Nobody stands in for themselves.")
    other = Staff.objects.filter(pk=leave.stand_in_id, is_active=True).first()
    if other is None:
        raise Unfit(
            "stand_in", "没有这位同事，或其账号已停用。", "There is no such colleague, or the account is closed."
        )
    serving = _serving(leave.from_day, leave.to_day)
    if not Post.objects.filter(serving, staff=other).exists():
        raise Unfit(
            "stand_in",
            f"{other.name}在这些天不任客户经理或主管，不能代班。",
            f"{other.name} serves no customers on these days: a stand-in is a relationship manager or a team leader.",
        )
    if not Staff.objects.filter(_within(leave.staff_id, leave.from_day, bank, leave.to_day), pk=other.pk).exists():
        raise Unfit(
            "stand_in",
            f"本行规定代班人须来自本机构或其上级机构，{other.name}不在其中。",
            f"By the bank's rule a stand-in comes from the same unit or one above it, and {other.name} does not.",
        )
    for each in taken:
        if each.staff_id == other.pk:
            raise Unfit(
                "stand_in",
                f"{other.name} {each.days_zh} 自己也休假，请另请他人。",
                f"{other.name} is away from {each.from_day} to {each.to_day}. Ask somebody else.",
            )


def _serving(from_day: date, to_day: date) -> Q:
    """A post in which customers are served, from the first day to the last."""
    return Q(Q(to_day=None) | Q(to_day__gte=to_day), role__in=SERVING, from_day__lte=from_day)


def _within(staff_id: int, from_day: date, bank: Bank, to_day: date | None = None) -> Q:
    """Of the staff those whom the bank's rule lets stand in for somebody: by where both serve."""
    posts = Post.objects.filter(_serving(from_day, to_day or from_day))
    if bank.stand_in_from == "unit":
        above: set[int] = set()
        for path in posts.filter(staff=staff_id).values_list("unit__path", flat=True):
            above |= {int(unit) for unit in path.strip("/").split("/")}
        posts = posts.filter(unit__in=above)
    return Q(pk__in=posts.values("staff"))


def _check_whose(leave: Leave, actor: Actor) -> None:
    if not may_change(leave, actor):
        raise NotNow("只有休假者本人或其主管可以这样做。", "Only the person on leave, or who leads them, does that.")


def _check_stands(leave: Leave, now: datetime, bank: Bank) -> None:
    if leave.ended_at is not None or leave.answer == Answer.CANCELLED:
        raise _over()
    if leave.to_day <= _today(now, bank):
        raise NotNow("这次休假已经结束。", "This leave is over.")


def _over() -> NotNow:
    return NotNow("这次休假已撤销或已结束，请刷新查看。", "This leave was cancelled or has ended. Reload to see how.")


def _check_asked(leave: Leave, actor: Actor, now: datetime, bank: Bank) -> None:
    if leave.stand_in_id != actor.id:
        raise NotNow("只有被请的代班人可以答复。", "Only the colleague who was asked answers.")
    _check_stands(leave, now, bank)
    if leave.answer != Answer.ASKED:
        raise NotNow("这项请求已经答复过，请刷新查看。", "This was answered already. Reload to see how.")


def _answer(leave: Leave, answer: str, why: str, actor: Actor, now: datetime) -> Leave:
    leave.answer, leave.why, leave.answered_by_id, leave.answered_at = answer, why, actor.id, now
    leave.save(update_fields=CHANGES)
    return leave
