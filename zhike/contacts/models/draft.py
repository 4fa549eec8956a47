from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models

from zhike.customers.reseal import simple
from zhike.customers.vault import vault

if TYPE_CHECKING:
    from zhike.people.actor import Actor

    from .contact import Contact


class Draft(models.Model):
    """A write-up that is not finished: what one staff member has typed so far, kept until it is closed.

    A telephone or an address may be among it before it reaches the profile, so it is sealed like these.
    """

    contact = models.ForeignKey("contacts.Contact", models.CASCADE, related_name="drafts")
    staff = models.ForeignKey("people.Staff", models.CASCADE, related_name="+")
    sealed = models.TextField(help_text="the form's fields in their order: [[name, value], …]")
    saved_at = models.DateTimeField()

    class Meta:
        db_table = "contacts_draft"
        constraints = [models.UniqueConstraint(fields=["contact", "staff"], name="contacts_draft_one")]

    def __str__(self) -> str:
        return f"{self.contact_id} {self.staff_id}"

    @property
    def values(self) -> list[list[str]]:
        """The form's fields in their order: ``[[name, value], …]``."""
        found: list[list[str]] = json.loads(vault().open(self.sealed, place(self.contact_id, self.staff_id)))
        return found

    @classmethod
    def keep(cls, contact: Contact, values: Sequence[Sequence[str]], *, actor: Actor, now: datetime) -> Draft:
        """Keeps what ``actor`` has typed so far, the form's fields in their order.

        Raises WrongState once there is nothing to write up any more.
        """
        from zhike.contacts.states import follow

        follow("write up", contact)
        sealed = vault().seal(json.dumps(values, ensure_ascii=False), place(contact.pk, actor.id))
        draft, _made = cls.objects.update_or_create(
            contact=contact, staff_id=actor.id, defaults={"sealed": sealed, "saved_at": now}
        )
        return draft


def place(contact: int, staff: int) -> str:
    """What a draft is sealed for."""
    return f"contacts_draft:sealed:{contact}/{staff}"


SEALED = simple(
    "contacts_draft", "sealed", lambda row: place(row["contact_id"], row["staff_id"]), "contact_id", "staff_id"
)
