from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from zhike.people.actor import Actor

    from .contact import Contact


class Draft(models.Model):
    """A write-up that is not finished: what one staff member has typed so far, kept until it is closed."""

    contact = models.ForeignKey("contacts.Contact", models.CASCADE, related_name="drafts")
    staff = models.ForeignKey("people.Staff", models.CASCADE, related_name="+")
    body = models.JSONField(default=dict)
    saved_at = models.DateTimeField()

    class Meta:
        db_table = "contacts_draft"
        constraints = [models.UniqueConstraint(fields=["contact", "staff"], name="contacts_draft_one")]

    def __str__(self) -> str:
        return f"{self.contact_id} {self.staff_id}"

    @classmethod
    def keep(cls, contact: Contact, body: dict[str, Any], *, actor: Actor, now: datetime) -> Draft:
        """Keeps what ``actor`` has typed so far: ``{"values": [[name, value], …]}``, the form's fields in their order.

        Raises WrongState once there is nothing to write up any more.
        """
        from zhike.contacts.states import follow

        follow("write up", contact)
        draft, _made = cls.objects.update_or_create(
            contact=contact, staff_id=actor.id, defaults={"body": body, "saved_at": now}
        )
        return draft
