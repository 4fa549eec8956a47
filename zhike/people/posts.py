"""Posts (任职): granting a role takes two persons, taking one away takes one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from django.db.models import Q
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from zhike.conduct import horizon
from zhike.conduct.words import Refused, Words
from zhike.people import approvals
from zhike.people.actor import Actor
from zhike.people.models import Approval, Post, Role, Scope, Staff, Unit
from zhike.people.permissions import check

# What a role usually sees; a file or form that says nothing else means this.
USUAL_SCOPE = {
    Role.RM: Scope.OWN,
    Role.LEADER: Scope.TEAM,
    Role.MARKETING: Scope.OWN,
    Role.COMPLIANCE: Scope.TREE,
    Role.RISK: Scope.TREE,
    Role.AUDITOR: Scope.ALL,
    Role.ADMINISTRATOR: Scope.OWN,
}


@dataclass(frozen=True)
class NewPost:
    """A post that somebody is to have. Days are ISO dates; ``to_day`` is the first day that it no longer is."""

    staff: int
    unit: int
    role: str
    scope: str
    from_day: str
    to_day: str | None = None


def ask_to_grant(actor: Actor, posts: Sequence[NewPost], reason: str, now: datetime) -> Approval:
    """Asks for posts, one or a whole file of them; one decision opens them all."""
    if not posts:
        raise Refused("没有要授予的任职。", "There is no post to grant.")
    for post in posts:
        _hold(post)
        _standing(post)
        near(
            date.fromisoformat(post.from_day), date.fromisoformat(post.to_day) if post.to_day else None, localdate(now)
        )
    subject = f"staff:{posts[0].staff}" if len(posts) == 1 else f"posts:{len(posts)}:{now.isoformat()}"
    return approvals.ask(actor, GRANT.name, subject, {"posts": [asdict(post) for post in posts]}, reason, now)


def stations(staff: Sequence[int], day: date) -> dict[int, Unit]:
    """Where each serves customers or leads, or did last; as RM before as leader."""
    posts = Post.objects.filter(staff__in=staff, role__in=["rm", "leader"], from_day__lte=day).select_related("unit")

    def last(post: Post) -> tuple[bool, bool, date, int]:
        return post.to_day is None or post.to_day > day, post.role == "rm", post.from_day, post.pk

    return {post.staff_id: post.unit for post in sorted(posts, key=last)}


def end(actor: Actor, post_id: int, day: date, today: date) -> Post:
    """Ends a post from ``day`` on; what it let see is out of sight from then on. One that has not begun by then never does: it stays,
    without a day.
    """
    check(actor, "posts.change")
    post = Post.objects.select_for_update().get(pk=post_id)
    if day < today:
        raise Refused("结束日不能早于今天。", "It cannot end before today.")
    if post.staff_id == actor.id and post.role == Role.ADMINISTRATOR:
        raise Refused(
            "不能结束自己的管理员任职，请由另一位管理员办理。", "Another administrator has to end your own post."
        )
    post.to_day = max(day, post.from_day)
    post.save(update_fields=["to_day"])
    return post


def write(told: NewPost) -> Post:
    """The post from its day on. What the staff member has in that unit and role until then ends on that day; of the same scope
    it goes on, and what was to begin later is this one now."""
    _hold(told)
    begins, ends = date.fromisoformat(told.from_day), date.fromisoformat(told.to_day) if told.to_day else None
    held = Post.objects.filter(Q(to_day=None) | Q(to_day__gt=begins), staff=told.staff, unit=told.unit, role=told.role)
    row = held.order_by("from_day").first()
    if row and row.from_day < begins and row.scope != told.scope:
        row.to_day = begins
        row.save(update_fields=["to_day"])
        row = held.filter(from_day__gte=begins).order_by("from_day").first()
    row = row or Post(staff_id=told.staff, unit_id=told.unit, role=told.role)
    row.scope, row.to_day = told.scope, ends
    row.from_day = min(row.from_day or begins, begins)
    row.save()
    return row


def near(begins: date, ends: date | None, today: date) -> None:
    """Raises Refused for a beginning or an end so far ahead that nobody can have meant it."""
    horizon.check(begins, today)
    if ends:
        horizon.check_end(ends, today)


def _hold(post: NewPost) -> None:
    if post.role not in Role.values or post.scope not in Scope.values:
        raise Refused("角色或数据范围不存在。", "There is no such role or scope.")
    if post.to_day and post.to_day <= post.from_day:
        raise Refused("结束日须晚于开始日。", "It must end after it begins.")


def _standing(post: NewPost) -> None:
    unit = Unit.objects.get(pk=post.unit)
    if unit.to_day and unit.to_day <= date.fromisoformat(post.from_day):
        raise Refused(
            f"机构 {unit.name} 已撤销，请选择仍在的机构。", f"The unit {unit.name} has ended; choose one that stands."
        )


def _carry_out(approval: Approval, actor: Actor, now: datetime) -> None:
    posts = [NewPost(**post) for post in approval.payload["posts"]]
    if any(post.staff == actor.id for post in posts):
        raise approvals.Undecidable("不能审批授予自己的任职。", "Nobody approves a post of their own.")
    for post in posts:
        _standing(post)  # the unit may have ended since it was asked
        write(post)


def _lines(some: Sequence[Approval]) -> list[list[approvals.Line]]:
    asked = [[NewPost(**post) for post in approval.payload["posts"]] for approval in some]
    names = Staff.objects.in_bulk({post.staff for posts in asked for post in posts})
    units = Unit.objects.in_bulk({post.unit for posts in asked for post in posts})
    return [[_line(post, names[post.staff], units[post.unit]) for post in posts] for posts in asked]


def _line(post: NewPost, who: Staff, unit: Unit) -> approvals.Line:
    days = f"{post.from_day} – {post.to_day}" if post.to_day else _("from %(day)s on") % {"day": post.from_day}
    return f"{who.number} {who.name}", f"{unit.name} · {Role(post.role).label} · {Scope(post.scope).label} · {days}"


GRANT = approvals.register(
    approvals.Kind("people.post", Words("授予任职", "Grant posts"), "posts.change", "posts.approve", _carry_out, _lines)
)
