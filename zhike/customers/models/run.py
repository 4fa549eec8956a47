from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhike.customers.vault import vault


class Run(models.Model):
    """One reading of a customer file (导入): what was read, how its columns were understood, what became of its rows."""

    class State(models.TextChoices):
        MAPPING = "mapping", _("columns to be confirmed")
        WAITING = "waiting", pgettext_lazy("a file", "waiting")  # for the worker, not for anybody's consent
        RUNNING = "running", _("running")
        DONE = "done", _("finished")
        FAILED = "failed", _("failed")
        UNDONE = "undone", _("undone")

    kind = models.TextField(
        default="import", help_text=_("import, or which feed: customers, holdings, maturities, ratings")
    )
    name = models.TextField(help_text=_("the file's name"))
    size = models.BigIntegerField(default=0, help_text=_("bytes"))
    by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    mapping = models.JSONField(default=dict)
    unit = models.ForeignKey(
        "people.Unit", models.PROTECT, null=True, related_name="+", help_text=_("where rows name none")
    )
    dry = models.BooleanField(default=False, help_text=_("checked only, nothing is loaded"))
    state = models.TextField(choices=State, default=State.WAITING)
    total = models.IntegerField(default=0)
    last_line = models.IntegerField(default=0, help_text=_("all up to this line of the file is dealt with"))
    checked = models.IntegerField(default=0)
    loaded = models.IntegerField(default=0)
    already = models.IntegerField(default=0)
    refused = models.IntegerField(default=0)
    doubtful = models.IntegerField(default=0)
    changed = models.IntegerField(default=0, help_text=_("customers whom a feed told something new"))
    differing = models.IntegerField(default=0, help_text=_("fields where a feed says another thing than an RM learned"))
    error = models.TextField(default="", blank=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "customers_run"
        indexes = [models.Index(fields=["by", "-at"], name="customers_run_of")]

    def __str__(self) -> str:
        return f"{self.name} {self.state}"

    @property
    def rows(self) -> int:
        """How many the file has; of a run from the command line or a feed, which nobody counted first, how many were read."""
        return self.total or self.checked

    @property
    def percent(self) -> int:
        return min(100, self.checked * 100 // self.total) if self.total else 0


class Part(models.Model):
    """A piece of an uploaded file, sealed: whichever machine's worker takes the job can read it; gone when the run ends."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="parts")
    number = models.IntegerField()
    sealed = models.TextField()

    class Meta:
        db_table = "customers_part"
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="customers_part_one")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.number}"


class Line(models.Model):
    """What became of one row: loaded (as which customer), refused (why), doubtful (who it may be) and how that was decided.

    The row's own values are kept, sealed, only while somebody still needs them.
    """

    class State(models.TextChoices):
        LOADED = "loaded", _("loaded")
        REFUSED = "refused", _("refused")
        DOUBTFUL = "doubtful", _("perhaps known already")
        MERGED = "merged", _("the same customer")
        SKIPPED = "skipped", _("left out")
        UNDONE = "undone", _("undone")

    run = models.ForeignKey(
        Run, models.CASCADE, related_name="lines", db_index=False
    )  # the indexes below begin with it
    line = models.IntegerField()
    state = models.TextField(choices=State)
    # A number and no foreign key: two hundred thousand checks a run would prove what the same statement has just written.
    customer = models.BigIntegerField(null=True)
    key = models.BinaryField(null=True)
    cells = models.TextField(default="", help_text=_("the row as it was, sealed"))
    reasons = models.JSONField(default=list)
    matches = models.JSONField(default=list)
    decided_by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+", db_index=False)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "customers_line"
        constraints = [models.UniqueConstraint(fields=["run", "line"], name="customers_line_one")]
        indexes = [
            # whether a row was loaded by an earlier run
            models.Index(fields=["key"], name="customers_line_key", condition=Q(key__isnull=False)),
            models.Index(fields=["run", "state", "line"], name="customers_line_state"),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.line} {self.state}"

    @property
    def row(self) -> dict[str, str]:
        """The row's values by column, opened."""
        found: dict[str, Any] = (
            json.loads(vault().open(self.cells, row_place(self.run_id, self.line))) if self.cells else {}
        )
        return {str(column): str(value) for column, value in found.items()}


def row_place(run: int, line: int) -> str:
    """What a kept row is sealed for."""
    return f"customers_line:cells:{run}/{line}"


def part_place(run: int, number: int) -> str:
    """What a piece of a file is sealed for."""
    return f"customers_part:sealed:{run}/{number}"


class Heading(models.Model):
    """What a column of that heading means at this bank, as somebody said once; the next file is understood without asking."""

    heading = models.TextField(primary_key=True)
    field = models.TextField(blank=True, help_text=_("empty: the column is left out"))
    by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "customers_heading"

    def __str__(self) -> str:
        return f"{self.heading} = {self.field}"
