"""The trail (留痕): what happened, who did it, who saw it. Appended by triggers and by the edges, never changed."""

import json
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.utils.translation import gettext_lazy as _


class EntryQuerySet(models.QuerySet["Entry"]):
    def newest_first(self, *, before: int | None = None) -> "EntryQuerySet":
        """By moment and then by number; ``before`` an entry's id: what stands below it in this order.

        The moment is the beginning of what was done, the number comes with the writing: a long import's entries have high
        numbers and stand far down, so that a number alone is no place to go on from.
        """
        rows = self.order_by("-at", "-id")
        if before is None:
            return rows
        at = models.Subquery(Entry.objects.filter(pk=before).values("at")[:1])
        return rows.filter(models.Q(at__lt=at) | models.Q(at=at, pk__lt=before))


class Entry(models.Model):
    """One thing that happened. Rows come from ``trail_write`` (a table changed) and from :func:`note` (somebody looked).

    The table is partitioned by month and grants no role an update or a delete.
    """

    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True)
    on_behalf_id = models.BigIntegerField(null=True)
    action = models.TextField()
    object = models.TextField(help_text=_("the table, or what was looked at"))
    row_id = models.BigIntegerField(null=True)
    customer_id = models.BigIntegerField(null=True)
    changes = models.JSONField(default=dict)
    request = models.TextField(default="")

    objects = EntryQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "trail_entry"

    def __str__(self) -> str:
        return f"{self.at} {self.actor_id} {self.action} {self.object} {self.row_id}"


def note(
    *, action: str, object: str, now: datetime, row_id: int | None = None, customer_id: int | None = None, **detail: Any
) -> None:
    """Keeps an act that changes no row: a reveal, an export, a refusal, a sign-in. Never the value that was seen."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT trail_note(%s, %s, %s, %s, %s, %s::jsonb)",
            [now, action, object, row_id, customer_id, json.dumps(detail)],
        )
