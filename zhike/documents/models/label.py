from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from zhike.conduct.words import Words


class LabelQuerySet(models.QuerySet["Label"]):
    def businesses(self) -> LabelQuerySet:
        return self.filter(sort=Label.Sort.BUSINESS).order_by("place", "id")

    def kinds(self) -> LabelQuerySet:
        return self.filter(sort=Label.Sort.KIND).order_by("place", "id")


class Label(models.Model):
    """What documents are filed under: a business (开户, 理财) or a kind of paper (协议, 签收单), with how long they are kept.

    Of a business also which kinds its file is to hold (``wanted``), and whether every customer has one (``always``). Edited by
    compliance; never deleted, but closed to new documents. ``least`` is what law asks, and no edit goes below it.
    """

    class Sort(models.TextChoices):
        BUSINESS = "business", _("business")
        KIND = "kind", _("kind of document")

    sort = models.TextField(choices=Sort)
    key = models.TextField()
    zh = models.TextField()
    en = models.TextField()
    years = models.IntegerField(help_text=_("so long documents are kept at least"))
    least = models.IntegerField(default=0, help_text=_("years that law asks"))
    wanted = ArrayField(models.TextField(), default=list, blank=True)
    always = models.BooleanField(default=False)
    open = models.BooleanField(default=True)
    place = models.IntegerField(default=0)

    objects = LabelQuerySet.as_manager()

    class Meta:
        db_table = "documents_label"
        constraints = [
            models.UniqueConstraint(fields=["sort", "key"], name="documents_label_one"),
            models.CheckConstraint(
                condition=models.Q(years__gte=F("least"), years__lte=100, least__gte=0), name="documents_label_years"
            ),
        ]

    def __str__(self) -> str:
        return self.zh

    @property
    def name(self) -> str:
        """In the reader's language."""
        return Words(self.zh, self.en).say(get_language() or "")
