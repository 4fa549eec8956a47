from django.db import models
from django.utils.translation import gettext_lazy as _


class Setting(models.Model):
    """One of the bank's own settings, from a day on. What was owed before that day keeps the old value."""

    name = models.TextField(help_text=_("a field of zhike.conduct.bank.Bank"))
    value = models.JSONField()
    from_day = models.DateField()
    by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    approval = models.ForeignKey("people.Approval", models.PROTECT, null=True, related_name="+")

    class Meta:
        db_table = "people_setting"
        constraints = [models.UniqueConstraint(fields=["name", "from_day"], name="people_setting_one_a_day")]

    def __str__(self) -> str:
        return f"{self.name} {self.from_day}"


class Workday(models.Model):
    """A day on which the bank's calendar differs from the week: a holiday, or a working weekend."""

    day = models.DateField(primary_key=True)
    works = models.BooleanField()
    name = models.TextField(default="", blank=True)
    source = models.TextField(default="", blank=True, help_text=_("published calendar, or who entered it"))

    class Meta:
        db_table = "people_workday"

    def __str__(self) -> str:
        return f"{self.day} {self.name}"
