from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .message import Kind

if TYPE_CHECKING:
    from zhike.people.actor import Actor


class TemplateQuerySet(models.QuerySet["Template"]):
    def shown_to(self, actor: Actor) -> TemplateQuerySet:
        """The bank's, one's own, and those of whom one leads or watches over."""
        return self.filter(Q(owner=None) | Q(owner=actor.id) | Q(owner__among=actor.oversees))


class Template(models.Model):
    """A text that lies ready (模板): for which kind, and which occasion and variant of it. Its words are its wordings.

    ``occasion``: reception, visit, first_call, festival:…, or empty. ``variant``: first, later, elder, stand_in, or empty. ``owner``: whose
    own it is, and nobody else's; empty for the bank's.
    """

    key = models.TextField(unique=True)
    kind = models.TextField(choices=Kind)
    occasion = models.TextField(default="", blank=True)
    variant = models.TextField(default="", blank=True)
    title = models.JSONField(help_text=_("in both languages"))
    introduces = models.BooleanField(default=False)
    tiers = ArrayField(models.TextField(), default=list, blank=True, help_text=_("empty: every tier"))
    language = models.TextField(default="zh-hans", choices=[("zh-hans", "中文"), ("en", "English")])
    owner = models.ForeignKey(
        "people.Staff", models.PROTECT, null=True, related_name="+", help_text=_("whose own; empty: the bank's")
    )
    retired_at = models.DateTimeField(null=True)

    objects = TemplateQuerySet.as_manager()

    class Meta:
        db_table = "sms_template"
        indexes = [models.Index(fields=["kind", "occasion", "variant"], name="sms_template_for")]

    def __str__(self) -> str:
        return self.key


class WordingQuerySet(models.QuerySet["Wording"]):
    def in_use(self, staff: int) -> WordingQuerySet:
        """The words that somebody may write with today: the bank's, and their own."""
        return self.filter(
            Q(template__owner=None) | Q(template__owner=staff),
            state=Wording.State.APPROVED, template__retired_at=None,
        ).select_related("template")  # fmt: skip


class Wording(models.Model):
    """One version of a template's words, with who asked for it and the approval that let it pass: what waits for one is that approval alone.
    What was sent names the version it used.
    """

    class State(models.TextChoices):
        APPROVED = "approved", _("in use")
        REPLACED = "replaced", _("replaced")

    template = models.ForeignKey(Template, models.CASCADE, related_name="wordings")
    number = models.IntegerField()
    text = models.TextField(help_text=_("with variables in braces"))
    state = models.TextField(choices=State, default=State.APPROVED)
    by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    approval = models.ForeignKey("people.Approval", models.PROTECT, null=True, related_name="+")

    objects = WordingQuerySet.as_manager()

    class Meta:
        db_table = "sms_wording"
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="sms_wording_number"),
            models.UniqueConstraint(fields=["template"], condition=Q(state="approved"), name="sms_wording_in_use"),
        ]

    def __str__(self) -> str:
        return f"{self.template_id} v{self.number}"
