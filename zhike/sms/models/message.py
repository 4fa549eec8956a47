from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from zhike.customers.reseal import simple
from zhike.customers.vault import vault

if TYPE_CHECKING:
    from zhike.people.actor import Actor


class Kind(models.TextChoices):
    """What a message is; the law binds each kind differently (conduct/messages.py)."""

    THANKS = "thanks", _("thanks")
    CALL_BACK = "call_back", _("call-back")
    ANSWER = "answer", _("answer")
    SERVICE = "service", _("service")
    QUESTION = "question", _("question how content one is")
    GREETING = "greeting", _("greeting")
    MARKETING = "marketing", _("marketing")


class State(models.TextChoices):
    """Where a message is. Each says why it is there; `unknown` is never sent again but by a person."""

    DRAFTED = "drafted", _("draft")
    WAITING = "waiting", _("waiting")
    REFUSED = "refused", _("refused")
    QUEUED = "queued", _("queued")
    SUBMITTING = "submitting", _("being sent")
    SUBMITTED = "submitted", _("sent")
    DELIVERED = "delivered", _("delivered")
    UNDELIVERED = "undelivered", _("not delivered")
    UNKNOWN = "unknown", _("unknown")
    EXPIRED = "expired", _("expired")


class Lane(models.IntegerChoices):
    """Each with a budget of its own: what one writes to one customer never waits behind a million greetings."""

    ONE = 0, _("to one customer")
    GREETINGS = 1, _("greetings")
    MARKETING = 2, _("marketing")
    QUESTIONS = 3, _("questions how content one is")


def _among(*states: str) -> models.GeneratedField:
    """A column that says whether the state is one of these."""
    among = models.ExpressionWrapper(Q(state__in=states), output_field=models.BooleanField())
    return models.GeneratedField(expression=among, output_field=models.BooleanField(), db_persist=True)


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, actor: Actor) -> MessageQuerySet:
        """Those to customers in the actor's scope."""
        return self.filter(customer__keeper__among=actor.sees)


class Message(models.Model):
    """One text to one customer (短信), from the draft until it is known what became of it.

    ``text`` is sealed. ``key`` is our own name for it, by which the other end's books can be compared with ours. ``why``: why it waits,
    was refused, did not arrive or is unknown: {"clause", "name", "zh", "en"}.
    """

    key = models.UUIDField(default=uuid.uuid4, editable=False)
    # A customer's are found by the thread's index; that there is one is asked once a statement (0002_walls).
    customer = models.ForeignKey(
        "customers.Customer", models.CASCADE, related_name="messages", db_constraint=False, db_index=False
    )
    # Nobody and nothing of these is ever deleted: a million greetings are queued without asking of each whether it is there.
    staff = models.ForeignKey(
        "people.Staff",
        models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text=_("in whose name"),
    )
    by = models.ForeignKey(
        "people.Staff", models.PROTECT, null=True, related_name="+", db_constraint=False, db_index=False,
        help_text=_("who sent it"),
    )  # fmt: skip
    obligation = models.ForeignKey(
        "obligations.Obligation", models.SET_NULL, null=True, related_name="messages", db_index=False
    )
    wording = models.ForeignKey(
        "sms.Wording", models.PROTECT, null=True, related_name="+", db_constraint=False, db_index=False
    )
    greeting = models.ForeignKey(
        "sms.Greeting", models.PROTECT, null=True, related_name="messages", db_constraint=False, db_index=False
    )
    forwarding = models.ForeignKey(
        "sms.Forwarding", models.PROTECT, null=True, related_name="messages", db_constraint=False, db_index=False
    )
    occasion = models.TextField(default="", help_text=_("what it is for: spring_festival:2027, campaign:…"))
    kind = models.TextField(choices=Kind)
    introduces = models.BooleanField(default=False, help_text=_("the text says who is the customer's own manager"))
    sealed = models.TextField(default="")
    lane = models.SmallIntegerField(choices=Lane, default=Lane.ONE)
    through = models.TextField(default="platform", help_text=_("platform, or bank_sms for what another platform sent"))
    run = models.ForeignKey(
        "customers.Run", models.PROTECT, null=True, related_name="+", db_constraint=False, db_index=False,
        help_text=_("the file that brought it, of what another platform sent"),
    )  # fmt: skip
    # Greetings and campaigns are queued by statements that know nothing of it.
    name = models.TextField(default="", db_default="", help_text=_("what that other platform calls it"))

    state = models.TextField(choices=State, default=State.QUEUED)
    why = models.JSONField(default=dict)
    not_before = models.DateTimeField()
    not_after = models.DateTimeField(null=True, help_text=_("what is not sent by then is no longer wanted"))
    parts = models.SmallIntegerField(default=0, help_text=_("segments"))
    attempt = models.SmallIntegerField(default=1, help_text=_("more than one: a person had it sent again"))
    # What the indexes go by: from one state to the next these seldom change, so that an update touches no index.
    waits = _among("queued", "waiting")
    live = _among("waiting", "queued", "submitting", "submitted", "delivered", "unknown")
    look = _among("refused", "undelivered", "unknown", "expired")

    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, help_text=_("when it left, as far as we know"))
    done_at = models.DateTimeField(null=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        db_table = "sms_message"
        constraints = [
            # What another platform sent is taken in once, however often its file comes.
            models.UniqueConstraint(fields=["name"], name="sms_message_told_once", condition=~Q(name="")),
            models.CheckConstraint(
                name="sms_message_explained",
                condition=~Q(state__in=["waiting", "refused", "undelivered", "unknown", "expired"]) | ~Q(why={}),
            ),
            # Two clicks at once, or two people: what is owed is thanked for once.
            models.UniqueConstraint(
                fields=["obligation"], name="sms_message_one", condition=Q(live=True, obligation__isnull=False)
            ),
            # A festival greets a customer once, a campaign reaches them once, whoever arranges it.
            models.UniqueConstraint(
                fields=["customer", "occasion"], name="sms_message_greets_once", condition=~Q(occasion="") & Q(live=True)
            ),
        ]  # fmt: skip
        indexes = [
            # the sender: what may leave now, lane by lane
            models.Index(fields=["lane", "not_before", "id"], name="sms_message_next", condition=Q(waits=True)),
            # one thread per customer
            models.Index(F("customer"), F("created_at").desc(), F("id").desc(), name="sms_message_thread"),
            # what one person has to look at
            models.Index(fields=["staff", "created_at"], name="sms_message_look", condition=Q(look=True)),
            models.Index(fields=["greeting"], name="sms_message_greeting", condition=Q(greeting__isnull=False, waits=True)),
            # what a file brought
            models.Index(fields=["run"], name="sms_message_run", condition=Q(run__isnull=False)),
            models.Index(fields=["forwarding"], name="sms_message_forwarding", condition=Q(forwarding__isnull=False)),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} {self.state} {self.key}"

    @property
    def text(self) -> str:
        """What it says. Empty until it is worded, at sending."""
        return vault().open(self.sealed, self.place) if self.sealed else ""

    @text.setter
    def text(self, words: str) -> None:
        self.sealed = vault().seal(words, self.place)

    @property
    def place(self) -> str:
        """Where the sealed text lives."""
        return f"sms_message:text:{self.key}"

    def is_late(self, now: datetime) -> bool:
        """Whether it was to be sent by now and is not."""
        return self.not_after is not None and now >= self.not_after


SEALED = simple("sms_message", "sealed", lambda row: f"sms_message:text:{row['key']}", "key")
