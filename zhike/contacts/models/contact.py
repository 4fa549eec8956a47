from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from zhike.people.fixed import Fixed
from zhike.people.leave import stood_in

if TYPE_CHECKING:
    from zhike.customers.models import Customer
    from zhike.people.actor import Actor

# A button that was pressed twice makes the same again within this time.
AT_ONCE = timedelta(minutes=1)


class Kind(models.TextChoices):
    RECEPTION = "reception", _("reception")
    VISIT = "visit", _("visit")
    CALL = "call", _("call")


class State(models.TextChoices):
    """Which follow which is a table: :data:`zhike.contacts.states.TRANSITIONS`."""

    PLANNED = "planned", _("planned")
    AGREED = "agreed", _("agreed")
    UNDER_WAY = "under_way", _("under way")
    ENDED = "ended", _("to be written up")
    CLOSED = "closed", _("closed")
    CANCELLED = "cancelled", _("cancelled")
    STRUCK = "struck", _("recorded by mistake")


class Outcome(models.TextChoices):
    """What came of a call (C3, C4, C8)."""

    REACHED = "reached", _("reached")
    ABSENT = "absent", _("absent")
    BUSY = "busy", _("busy")
    NO_ANSWER = "no_answer", _("nobody answered")
    WRONG_NUMBER = "wrong_number", _("wrong number")
    NOT_INTERESTED = "not_interested", _("not interested")

    @property
    def connected(self) -> bool:
        """The customer was talked with; busy and absent put the talk off."""
        return self in {Outcome.REACHED, Outcome.NOT_INTERESTED}


class Result(models.TextChoices):
    AGREED = "agreed", _("agreed")
    INCLINED = "inclined", _("inclined")
    CONSIDERING = "considering", _("thinking it over")
    BUSINESS_DONE = "business_done", _("business done")
    NO_BUSINESS = "no_business", _("no business discussed")
    UNHAPPY = "unhappy", _("did not go well")


class ContactQuerySet(models.QuerySet["Contact"]):
    def visible_to(self, actor: Actor) -> ContactQuerySet:
        """Contacts with customers in the actor's scope."""
        return self.filter(customer__keeper__among=actor.sees)

    def held(self, id: int, actor: Actor) -> Contact | None:
        """One of them, alone, kept from others until the transaction ends; None as for one that does not exist."""
        return HELD.one([id, list(actor.sees)])

    def begun_twice(
        self, customer: Customer, kind: str, how: str, at: datetime | None, *, actor: Actor, now: datetime
    ) -> Contact | None:
        """What the actor has made of this customer already, where a button was pressed twice: the contact of that kind under
        way where it is to begin ``now``; else one for the same time, made within the last minute.
        """
        same = self.filter(customer=customer, kind=kind, by_id=actor.id).exclude(state=State.STRUCK).order_by("-pk")
        if how == "now":
            return same.filter(state=State.UNDER_WAY).first()
        state = {"plan": Q(state=State.PLANNED, planned_for=at), "agree": Q(state=State.AGREED, planned_for=at)}
        same = same.filter(state.get(how, Q(afterwards=True, started_at=at)))
        return same.filter(created_at__range=(now - AT_ONCE, now)).first()


class Contact(models.Model):
    """One reception, visit or call (接待 拜访 电话), from its plan to its closed write-up.

    ``planned`` is a contact plan (联系计划), ``agreed`` an appointment (预约). Times carry their grade.
    """

    kind = models.TextField(choices=Kind)
    state = models.TextField(choices=State, default=State.PLANNED)
    customer = models.ForeignKey("customers.Customer", models.CASCADE, related_name="contacts")
    rm = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    # Whoever holds it: the RM until it begins, then whoever began it. Who met whom, findings and measures go by this.
    held_by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    # The contact whose write-up proposed this one.
    follows = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="followed_by")

    purpose = models.TextField(
        default="", blank=True, help_text=_("introduction, maturity, care, need, invitation, service, call_back, other")
    )
    purpose_words = models.TextField(default="", blank=True)
    planned_for = models.DateTimeField(null=True, blank=True)
    planned_minutes = models.IntegerField(null=True, blank=True)
    place = models.TextField(default="", blank=True)
    invited_by_rm = models.BooleanField(default=False, help_text=_("R2: the RM invited, the customer accepted"))
    customer_asked = models.BooleanField(default=False, help_text=_("V1: the customer said please come"))
    told_customer = models.BooleanField(default=False, help_text=_("V1: the customer was told when and where"))
    incoming = models.BooleanField(default=False, help_text=_("the customer rang or walked in"))
    afterwards = models.BooleanField(default=False, help_text=_("recorded when it was over"))
    was_agreed = models.BooleanField(null=True, help_text=_("it was an appointment when it began"))
    surprise_reason = models.TextField(default="", blank=True)

    prepared_at = models.DateTimeField(null=True, blank=True)
    ticks = models.JSONField(default=dict, blank=True, help_text=_("attested items of the card: name → time"))
    notes = models.JSONField(default=list, blank=True, help_text=_("jotted during the talk: [{at, words}]"))

    arrived_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    grade = models.TextField(default="tapped")

    # Settled at the end: what the history and the tier were then.
    first = models.BooleanField(null=True)
    tier = models.TextField(default="", blank=True)

    outcome = models.TextField(choices=Outcome, default="", blank=True)
    call_back_at = models.DateTimeField(null=True, blank=True)
    met_where = models.TextField(default="", blank=True, help_text=_("R2: where the customer was met"))
    seen_off = models.TextField(default="", blank=True, help_text=_("R11: where the guest was seen off to"))
    card_handed = models.BooleanField(null=True, help_text=_("R3"))
    invitation = models.TextField(default="", blank=True, help_text=_("C7: accepted, declined or empty"))

    result = models.TextField(choices=Result, default="", blank=True)
    result_words = models.TextField(default="", blank=True)
    no_need = models.BooleanField(default=False, help_text=_("needs: none, said explicitly"))
    closed_at = models.DateTimeField(null=True, blank=True)

    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_for = models.TextField(default="", blank=True, help_text=_("whose reason: rm or customer"))
    cancelled_why = models.TextField(default="", blank=True)

    by = models.ForeignKey("people.Staff", models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    objects = ContactQuerySet.as_manager()

    class Meta:
        db_table = "contacts_contact"
        constraints = [
            models.CheckConstraint(
                name="contacts_ends_after_start", condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at"))
            ),
            models.CheckConstraint(
                name="contacts_closed_when", condition=~Q(state="closed") | Q(closed_at__isnull=False)
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-created_at"], name="contacts_customer"),
            models.Index(
                fields=["rm", "planned_for"], name="contacts_ahead", condition=Q(state__in=["planned", "agreed"])
            ),
            models.Index(
                fields=["held_by", "started_at"], name="contacts_happened", condition=Q(started_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def subject(self) -> str:
        """What the ledger calls this contact."""
        return f"contact:{self.pk}"

    @property
    def stood_in(self) -> bool:
        """Somebody other than the customer's RM holds it."""
        return self.held_by_id != self.rm_id

    @property
    def answers_for(self) -> int:
        """Whose duty is what was heard and promised in it: whoever held it. Where that was the stand-in of an RM on leave it is
        the RM's, for the stand-in to do until then and the RM's own from the first day back.
        """
        began = self.started_at or self.arrived_at
        if self.stood_in and began is not None and stood_in(self.rm_id, self.held_by_id, began):
            return self.rm_id
        return self.held_by_id

    def represented_by(self, speaker: Actor) -> str:
        """The name of the customer's own RM where somebody else speaks, who must never claim to be it; else empty."""
        return "" if self.rm_id == speaker.id else self.rm.name

    @property
    def is_meeting(self) -> bool:
        return self.kind != Kind.CALL

    @property
    def minutes(self) -> int | None:
        """How long it took, in whole minutes."""
        if self.started_at is None or self.ended_at is None:
            return None
        return int((self.ended_at - self.started_at).total_seconds() // 60)


HELD = Fixed(
    Contact,
    """FROM contacts_contact t WHERE t.id = %s AND EXISTS (
    SELECT FROM customers_customer c WHERE c.id = t.customer_id AND c.keeper = ANY (%s::bigint[]))
    FOR UPDATE OF t""",
)
