"""The number that a call dials (拨号). Starting a call to one's own customer is itself the act that shows it: it is counted and
kept in the trail like any other, with the call as what it was for, and the call shows it for as long as it is under way.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from zhike.conduct.bank import Bank
from zhike.obligations import stops
from zhike.people.actor import Actor

from .models.contact import Contact, Kind, State

NUMBERS = ("mobile", "phone2")  # the first that is known is the one that is dialled
STOPS = ("deceased", "do_not_disturb")


def shows(contact: Contact, actor: Actor) -> bool:
    """Whether the call shows ``actor`` its number: to the RM who runs it, with a customer of their own or of whom they cover, while it is
    under way.
    Who rang us needs no number; that of somebody who has died or is not to be disturbed is never shown in passing.
    """
    return (
        contact.kind == Kind.CALL
        and contact.state == State.UNDER_WAY
        and not contact.incoming
        and contact.rm_id == contact.customer.rm_id
        and contact.rm_id in (actor.id, *actor.covers)
        and not any(stops.stands(contact.customer, why) for why in STOPS)
    )


def dial(contact: Contact, *, actor: Actor, now: datetime, bank: Bank) -> None:
    """The number is shown for this call, once however often it is dialled. Raises Exhausted when the day's reveals are used up,
    Unopened for a number that no key opens.
    """
    field = next((name for name in NUMBERS if contact.customer.knows(name)), None)
    if field and shows(contact, actor) and not dialled(contact, actor):
        contact.customer.reveal(field, actor=actor, now=now, bank=bank, contact=contact.pk)


def dialled(contact: Contact, actor: Actor) -> str:
    """The field whose number this call has shown ``actor``, for as long as it shows it; empty where it did not."""
    if not shows(contact, actor):
        return ""
    with connection.cursor() as cursor:
        cursor.execute(DIALLED, [actor.id, contact.started_at, contact.customer_id, str(contact.pk)])
        row = cursor.fetchone()
    return str(row[0]) if row else ""


DIALLED = """
SELECT changes ->> 'field' FROM trail_entry
WHERE actor_id = %s AND at >= %s AND action = 'reveal' AND customer_id = %s AND changes ->> 'contact' = %s
ORDER BY at, id LIMIT 1
"""
