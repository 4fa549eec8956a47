from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class Unit(models.Model):
    """A node of the bank's tree (机构): head office, branch, sub-branch, team; dated, never deleted."""

    class Kind(models.TextChoices):
        HEAD = "head", _("head office")
        BRANCH = "branch", _("branch")
        SUB_BRANCH = "sub_branch", _("sub-branch")
        TEAM = "team", _("team")

    code = models.TextField(unique=True, help_text=_("the bank's own number of the unit"))
    name = models.TextField()
    kind = models.TextField(choices=Kind)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    # "/1/4/9/": the ids from the root down to this unit, so that a tree is one prefix.
    path = models.TextField(db_index=True, default="")
    from_day = models.DateField()
    to_day = models.DateField(null=True, blank=True, help_text=_("the first day that it no longer exists"))

    class Meta:
        db_table = "people_unit"

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Saves the unit and writes the paths of all that hangs below it."""
        before = self.path
        super().save(*args, **kwargs)
        self.path = f"{self.parent.path if self.parent else '/'}{self.pk}/"
        if self.path != before:
            type(self).objects.filter(pk=self.pk).update(path=self.path)
            for child in self.children.all():
                child.parent = self
                child.save()

    @property
    def way(self) -> list[int]:
        """The ids from the root down to this unit."""
        return [int(id) for id in self.path.split("/") if id]
