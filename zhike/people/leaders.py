"""Who leads whom (主管): the leaders of the units in which somebody serves, and further up of the units above, the nearest first;
behind those who are there, those on leave, for what is to be looked into cannot wait for their return."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db import connection
from django.db.models import F, Q

from zhike.people.models import Post, Unit


def nearest(staff: str, day: str, most: str) -> str:
    """SQL for the ids of the leaders of one staff member, ``most`` of them, one a level: `(SELECT …)` to be joined laterally."""
    return f"""
    WITH RECURSIVE up AS (
        SELECT p.unit_id, 0 AS far FROM people_post p
        WHERE p.staff_id = {staff} AND p.role IN ('rm', 'leader') AND p.from_day <= {day} AND (p.to_day IS NULL OR p.to_day > {day})
        UNION SELECT u.parent_id, up.far + 1 FROM up JOIN people_unit u ON u.id = up.unit_id WHERE u.parent_id IS NOT NULL
    ), above AS (
        SELECT DISTINCT ON (up.far) up.far, p.staff_id, away.* FROM up JOIN people_post p ON p.unit_id = up.unit_id
        JOIN people_staff s ON s.id = p.staff_id
        CROSS JOIN LATERAL (SELECT EXISTS (
            SELECT FROM people_leave l WHERE l.staff_id = p.staff_id AND l.answer = 'accepted' AND l.ended_at IS NULL
              AND l.from_day <= {day} AND {day} < l.to_day) AS away) away
        WHERE p.role = 'leader' AND s.is_active AND p.staff_id <> {staff}
          AND p.from_day <= {day} AND (p.to_day IS NULL OR p.to_day > {day})
        ORDER BY up.far, away.away, p.id
    )
    SELECT staff_id FROM above ORDER BY away, far LIMIT {most}"""


def leaders(staff: Iterable[int], day: date) -> dict[int, int]:
    """The nearest leader of each who has one; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT led.id, leader.staff_id FROM unnest(%(staff)s::bigint[]) AS led (id)"
            f" CROSS JOIN LATERAL ({nearest('led.id', '%(day)s', '1')}) leader",
            {"staff": list(staff), "day": day},
        )
        return dict(cursor.fetchall())


def led_by_another(staff: int, asks: int, day: date) -> int | None:
    """The unit whose leader decides about what is somebody's: where they serve or, who has left, served last; that leader sees it still.

    None where nobody leads it but whose it is or who ``asks``.
    """
    posts = Post.objects.filter(staff=staff, from_day__lte=day).exclude(to_day=F("from_day"))
    latest = posts.order_by(F("to_day").desc(nulls_first=True), "-from_day").select_related("unit").first()
    if latest is None:
        return None
    serving = Q(to_day=None) | Q(to_day__gt=day)
    leading = Post.objects.filter(serving, role="leader", from_day__lte=day, staff__is_active=True)
    others = leading.exclude(staff__in=[staff, asks]).select_related("unit")
    return latest.unit_id if any(_reaches(post, latest.unit) for post in others) else None


def _reaches(post: Post, unit: Unit) -> bool:
    """Whether a leader's scope takes the unit in; the database says the same of a whole tree (``people_keepers``)."""
    match post.scope:
        case "all":
            return True
        case "tree":
            return unit.path.startswith(post.unit.path)
        case _:
            return post.scope == "team" and unit.pk == post.unit_id
