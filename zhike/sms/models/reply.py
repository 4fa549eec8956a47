from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from zhike.customers.reseal import Row, Store, renewed
from zhike.customers.vault import Vault, vault

if TYPE_CHECKING:
    from zhike.people.actor import Actor


class ReplyQuerySet(models.QuerySet["Reply"]):
    def visible_to(self, actor: Actor) -> ReplyQuerySet:
        """Those of customers in the actor's scope."""
        return self.filter(customer__keeper__among=actor.sees)


class Reply(models.Model):
    """What a customer wrote back (上行). ``stops``: whether it is an opt-out: yes, asked of the RM, no.

    A number that several customers share makes a reply of each: whoever wrote it, each one's manager hears of it.
    """

    class Stops(models.TextChoices):
        YES = "yes", _("opted out")
        ASK = "ask", _("perhaps an opt-out")
        NO = "no", _("no opt-out")

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    customer = models.ForeignKey("customers.Customer", models.CASCADE, null=True, related_name="replies")
    gateway = models.TextField()
    name = models.TextField(default="", help_text="the gateway's name for it: told again, it is kept once")
    sender_index = models.BinaryField(help_text="the number's keyed hash")
    sender = models.TextField(help_text="the number, sealed")
    sealed = models.TextField()
    stops = models.TextField(choices=Stops, default=Stops.NO)
    decided_by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    at = models.DateTimeField(help_text=_("when it came"))

    objects = ReplyQuerySet.as_manager()

    class Meta:
        db_table = "sms_reply"
        constraints = [
            models.UniqueConstraint(
                fields=["gateway", "name", "customer"], name="sms_reply_once", condition=~Q(name=""), nulls_distinct=False
            )
        ]  # fmt: skip
        indexes = [models.Index(F("customer"), F("at").desc(), F("id").desc(), name="sms_reply_thread")]

    def __str__(self) -> str:
        return f"{self.gateway} {self.at} {self.stops}"

    @property
    def text(self) -> str:
        return vault().open(self.sealed, self.place)

    @text.setter
    def text(self, words: str) -> None:
        self.sealed = vault().seal(words, self.place)

    @property
    def place(self) -> str:
        """Where the sealed text lives."""
        return f"sms_reply:text:{self.key}"


class ReplyPart(models.Model):
    """A part of a long reply, until the others have come; what stays incomplete becomes a reply as it is, after a while."""

    gateway = models.TextField()
    sender_index = models.BinaryField()
    sender = models.TextField(help_text="the number, sealed")
    reference = models.IntegerField()
    of = models.SmallIntegerField()
    number = models.SmallIntegerField()
    key = models.UUIDField(default=uuid.uuid4, editable=False)
    sealed = models.TextField()
    at = models.DateTimeField()

    class Meta:
        db_table = "sms_reply_part"
        constraints = [
            models.UniqueConstraint(
                fields=["gateway", "sender_index", "reference", "of", "number"], name="sms_reply_part_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.reference} {self.number}/{self.of}"

    @property
    def place(self) -> str:
        """Where the sealed text lives."""
        return f"sms_reply_part:text:{self.key}"


def _of(table: str) -> Store:
    """Text and number sealed anew, and the number found by the new hash."""

    def renew(keys: Vault, row: Row) -> dict[str, Any]:
        text = renewed(keys, row["sealed"], f"{table}:text:{row['key']}")
        sender = renewed(keys, row["sender"], f"{table}:sender:{row['key']}")
        index = keys.index("mobile", keys.open(sender, f"{table}:sender:{row['key']}"))
        fresh = {"sealed": text, "sender": sender, "sender_index": index}
        before = {**row, "sender_index": bytes(row["sender_index"])}
        return {name: value for name, value in fresh.items() if value != before[name]}

    return Store(table, {"sealed": "text", "sender": "text", "sender_index": "bytea"}, renew, ("key",))


SEALED = (_of("sms_reply"), _of("sms_reply_part"))
