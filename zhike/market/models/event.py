from django.db import models
from django.utils.translation import gettext_lazy as _

from .prospect import Prospect


class Event(models.Model):
    """One thing that happened to a prospect (经过): entered, contacted, claimed, given back, lost. Never changed; the funnel and the story
    are told from them.

    ``stage``: as it stood afterwards; ``rm``: who held the prospect, the new one where that is what happened.
    """

    class What(models.TextChoices):
        ENTERED = "entered", _("entered")
        CONTACT = "contact", _("contact")
        STAGE = "stage", _("stage changed")
        CLAIMED = "claimed", _("claimed from the pool")
        ASSIGNED = "assigned", _("assigned by the leader")
        RETURNED = "returned", _("given back to the pool")
        IDLE = "idle", _("back in the pool: no contact for too long")
        WON = "won", _("became a customer")
        LOST = "lost", _("lost")
        REOPENED = "reopened", _("taken up again")

    class How(models.TextChoices):
        CALL = "call", _("call")
        NO_ANSWER = "no_answer", _("call, nobody answered")
        MEETING = "meeting", _("met at the bank")
        VISIT = "visit", _("visited")
        MESSAGE = "message", _("message")
        OTHER = "other", _("in another way")

    # A message sent or a call that nobody answered is no talk: it moves no stage and keeps no prospect.
    REAL = frozenset({How.CALL, How.MEETING, How.VISIT, How.OTHER})

    prospect = models.ForeignKey(Prospect, models.CASCADE, related_name="events")
    what = models.TextField(choices=What)
    how = models.TextField(choices=How, default="", blank=True)
    words = models.TextField(default="", blank=True)
    stage = models.TextField(choices=Prospect.Stage)
    rm = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+")
    by = models.ForeignKey(
        "people.Staff", models.PROTECT, null=True, related_name="+", help_text=_("none: the calendar")
    )
    at = models.DateTimeField()
    known_at = models.DateTimeField()

    class Meta:
        db_table = "market_event"
        indexes = [
            models.Index(fields=["prospect", "at"], name="market_event_of"),
            models.Index(fields=["by", "at"], name="market_event_by"),
        ]

    def __str__(self) -> str:
        return f"{self.prospect_id} {self.what}"
