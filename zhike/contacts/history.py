"""First meeting and first call: what the history of one customer with one RM says (CLAUSES, Definitions)."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from zhike.conduct.bank import Bank


@dataclass(frozen=True)
class History:
    """When they first met and first talked by phone; None: never. Per customer and RM, or per bank by the setting."""

    first_met_at: datetime | None
    first_called_at: datetime | None

    def first(self, kind: str, at: datetime) -> bool:
        """Whether a contact that begins at ``at``, not yet counted, is the first: meetings (reception, visit) and calls apart."""
        before = self.first_called_at if kind == "call" else self.first_met_at
        return before is None or at < before


def is_first(customer: int, rm: int | None, holder: int, kind: str, at: datetime, bank: Bank) -> bool:
    """Whether a contact that ``holder`` begins at ``at`` is the first meeting or call.

    A stand-in's is not, unless the bank counts them per bank: the RM's own first meeting is still to come, and only the RM
    introduces himself as the customer's own.
    """
    bank = bank.at(at)
    if bank.acquaintance == "rm" and holder != (rm or holder):
        return False
    return history(customer, holder, bank).first(kind, at)


def history(customer: int, rm: int, bank: Bank) -> History:
    """One query. A first meeting known without its day ("met before", attested) lies before everything."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT min(CASE WHEN met_source <> '' THEN coalesce(first_met_at, 'epoch') END),
                      min(CASE WHEN called_source <> '' THEN coalesce(first_called_at, 'epoch') END)
               FROM customers_acquaintance WHERE customer_id = %s AND (%s OR rm_id = %s)""",
            [customer, bank.acquaintance == "bank", rm],
        )
        row = cursor.fetchone()
    return History(row[0], row[1]) if row else History(None, None)


def remember(customer: int, holder: int, kind: str, began: datetime, ended: datetime) -> None:
    """Keeps that they met, or talked: when first (it began) and last (it ended), and how often."""
    met, called = kind != "call", kind == "call"
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO customers_acquaintance AS a (customer_id, rm_id, first_met_at, met_source, first_called_at,
                                                       called_source, last_contact_at, meetings, calls)
               VALUES (%(customer)s, %(rm)s, %(met_at)s, %(met)s, %(called_at)s, %(called)s, %(last)s, %(meetings)s, %(calls)s)
               ON CONFLICT (customer_id, rm_id) DO UPDATE SET
                 first_met_at = CASE WHEN a.met_source IN ('import', 'attested') THEN a.first_met_at
                                     ELSE least(a.first_met_at, excluded.first_met_at) END,
                 met_source = coalesce(nullif(a.met_source, ''), excluded.met_source),
                 first_called_at = CASE WHEN a.called_source IN ('import', 'attested') THEN a.first_called_at
                                        ELSE least(a.first_called_at, excluded.first_called_at) END,
                 called_source = coalesce(nullif(a.called_source, ''), excluded.called_source),
                 last_contact_at = greatest(a.last_contact_at, excluded.last_contact_at),
                 meetings = a.meetings + excluded.meetings, calls = a.calls + excluded.calls""",
            {
                "customer": customer,
                "rm": holder,
                "met_at": began if met else None,
                "met": "contact" if met else "",
                "called_at": began if called else None,
                "called": "contact" if called else "",
                "last": ended,
                "meetings": int(met),
                "calls": int(called),
            },
        )
        cursor.execute(
            "UPDATE customers_customer SET last_contact_at = greatest(last_contact_at, %s) WHERE id = %s",
            [ended, customer],
        )


def recall(customer: int, holder: int) -> None:
    """Reckons the acquaintance anew from the contacts that stand, after one was corrected or struck."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE customers_acquaintance a SET
                 first_met_at = CASE WHEN a.met_source IN ('import', 'attested') THEN a.first_met_at ELSE c.met END,
                 met_source = CASE WHEN a.met_source IN ('import', 'attested') THEN a.met_source
                                   WHEN c.met IS NULL THEN '' ELSE 'contact' END,
                 first_called_at = CASE WHEN a.called_source IN ('import', 'attested') THEN a.first_called_at ELSE c.called END,
                 called_source = CASE WHEN a.called_source IN ('import', 'attested') THEN a.called_source
                                      WHEN c.called IS NULL THEN '' ELSE 'contact' END,
                 last_contact_at = c.last, meetings = c.meetings, calls = c.calls
               FROM (SELECT min(started_at) FILTER (WHERE kind <> 'call') AS met,
                            min(started_at) FILTER (WHERE kind = 'call') AS called, max(ended_at) AS last,
                            count(*) FILTER (WHERE kind <> 'call') AS meetings, count(*) FILTER (WHERE kind = 'call') AS calls
                     FROM contacts_contact
                     WHERE customer_id = %(customer)s AND held_by_id = %(rm)s AND state IN ('ended', 'closed')
                       AND (kind <> 'call' OR outcome IN ('reached', 'not_interested'))) c
               WHERE a.customer_id = %(customer)s AND a.rm_id = %(rm)s""",
            {"customer": customer, "rm": holder},
        )
        cursor.execute(
            """UPDATE customers_customer SET last_contact_at = (
                   SELECT max(last_contact_at) FROM customers_acquaintance WHERE customer_id = %(customer)s)
               WHERE id = %(customer)s""",
            {"customer": customer},
        )
