from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .message import Kind


class Template(models.Model):
    """A text that the bank has ready (模板): for which kind, and which occasion and variant of it. Its words are its wordings.

    ``occasion``: reception, visit, first_call, festival:…, or empty. ``variant``: first, later, elder, stand_in, or empty.
    """

    key = models.TextField(unique=True)
    kind = models.TextField(choices=Kind)
    occasion = models.TextField(default="", blank=True)
    variant = models.TextField(default="", blank=True)
    title = models.JSONField(help_text=_("in both languages"))
    introduces = models.BooleanField(default=False)
    tiers = ArrayField(models.TextField(), default=list, blank=True, help_text=_("empty: every tier"))
    language = models.TextField(default="zh-hans", choices=[("zh-hans", "中文"), ("en", "English")])
    retired_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "sms_template"
        indexes = [models.Index(fields=["kind", "occasion", "variant"], name="sms_template_for")]

    def __str__(self) -> str:
        return self.key


class Wording(models.Model):
    """One version of a template's words, with who asked for it and who let it pass. What was sent names the version it used."""

    class State(models.TextChoices):
        ASKED = "asked", _("waits for approval")
        APPROVED = "approved", _("in use")
        REFUSED = "refused", _("refused")
        REPLACED = "replaced", _("replaced")

    template = models.ForeignKey(Template, models.CASCADE, related_name="wordings")
    number = models.IntegerField()
    text = models.TextField(help_text=_("with variables in braces"))
    state = models.TextField(choices=State, default=State.ASKED)
    by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    approval = models.ForeignKey("people.Approval", models.PROTECT, null=True, related_name="+")

    class Meta:
        db_table = "sms_wording"
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="sms_wording_number"),
            models.UniqueConstraint(fields=["template"], condition=Q(state="approved"), name="sms_wording_in_use"),
        ]

    def __str__(self) -> str:
        return f"{self.template_id} v{self.number}"
