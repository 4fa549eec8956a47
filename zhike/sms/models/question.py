from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from zhike.customers.reseal import Row, Store, renewed
from zhike.customers.vault import Vault

if TYPE_CHECKING:
    from zhike.people.actor import Actor


class QuestionQuerySet(models.QuerySet["Question"]):
    def visible_to(self, actor: Actor) -> QuestionQuerySet:
        """Those of contacts that were held by whom the actor oversees, or by themselves; never a colleague's whom they cover."""
        return self.filter(staff__among=[*actor.oversees, actor.id])


class Question(models.Model):
    """A customer was asked how content they are with one contact (满意度询问), and what they answered (W9).

    ``subject``: the contact ("contact:12"). ``staff``: who held it, whose service is rated, whoever looks after the customer later. The
    number that was asked stands sealed beside its keyed hash: an answer from another number answers nothing.
    """

    class About(models.TextChoices):
        RECEPTION = "reception", _("reception")
        VISIT = "visit", _("visit")
        CALL = "call", _("call")

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    customer = models.ForeignKey("customers.Customer", models.CASCADE, related_name="+")
    subject = models.TextField(unique=True)
    about = models.TextField(choices=About)
    staff = models.ForeignKey("people.Staff", models.PROTECT, related_name="+", help_text=_("who held the contact"))
    message = models.OneToOneField("sms.Message", models.PROTECT, related_name="question")
    number_index = models.BinaryField()
    number = models.TextField(help_text="sealed")
    held_at = models.DateTimeField(help_text=_("when the contact ended"))
    asked_at = models.DateTimeField(help_text=_("when it was put into the queue"))
    rating = models.SmallIntegerField(null=True)
    answered_at = models.DateTimeField(null=True)
    reply = models.ForeignKey("sms.Reply", models.PROTECT, null=True, related_name="+")

    objects = QuestionQuerySet.as_manager()

    class Meta:
        db_table = "sms_question"
        constraints = [
            models.CheckConstraint(
                name="sms_question_rated",
                condition=Q(rating=None, answered_at=None, reply=None)
                | Q(rating__range=(1, 5), answered_at__isnull=False, reply__isnull=False),
            ),
        ]
        indexes = [
            # whether this number was asked just now, and what its answer belongs to
            models.Index(fields=["number_index", "-asked_at"], name="sms_question_number"),
            models.Index(fields=["customer", "-asked_at"], name="sms_question_customer"),
            models.Index(fields=["staff", "held_at"], name="sms_question_of"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.rating or '—'}"


def _renew(keys: Vault, row: Row) -> dict[str, Any]:
    """As with a number that opted out: a change of keys loses nobody's answer."""
    where = f"sms_question:number:{row['key']}"
    number = renewed(keys, row["number"], where)
    index = keys.index("mobile", keys.open(number, where))
    changed: dict[str, Any] = {"number": number} if number != row["number"] else {}
    return changed | ({"number_index": index} if index != bytes(row["number_index"]) else {})


SEALED = Store("sms_question", {"number": "text", "number_index": "bytea"}, _renew, ("key",))
