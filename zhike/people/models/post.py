from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What somebody may do (角色)."""

    RM = "rm", _("relationship manager")
    LEADER = "leader", _("team leader")
    MARKETING = "marketing", _("marketing")
    COMPLIANCE = "compliance", _("compliance")
    RISK = "risk", _("risk")
    AUDITOR = "auditor", _("auditor")
    ADMINISTRATOR = "administrator", _("administrator")


class Scope(models.TextChoices):
    """Whose data somebody may see (数据范围)."""

    OWN = "own", _("own")
    TEAM = "team", _("team")
    TREE = "tree", _("unit tree")
    ALL = "all", _("all")


class Post(models.Model):
    """One staff member's service in one unit in one role, from a day until before another (任职). Taken back before it began it has no
    day at all: it ends on the day on which it was to begin.
    """

    staff = models.ForeignKey("people.Staff", models.PROTECT, related_name="posts")
    unit = models.ForeignKey("people.Unit", models.PROTECT, related_name="posts")
    role = models.TextField(choices=Role)
    scope = models.TextField(choices=Scope)
    from_day = models.DateField()
    to_day = models.DateField(null=True, blank=True)

    class Meta:
        db_table = "people_post"
        constraints = [
            models.CheckConstraint(condition=Q(to_day=None) | Q(to_day__gte=F("from_day")), name="people_post_days"),
        ]

    def __str__(self) -> str:
        return f"{self.staff_id} {self.role} {self.unit_id}"
