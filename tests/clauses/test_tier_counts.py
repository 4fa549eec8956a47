"""Which tier counts: that of the month in which a contact ended, or, where the bank has set so, of that in which it began.

One customer, platinum in January and gold from February on; a reception over the midnight between them. R12 owes thanks to
platinum and above alone.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from zhike.customers.models import Rating

from .door import Door
from .moments import moment
from .test_truth_table import FORMS

pytestmark = pytest.mark.django_db


def lowered(door: Door) -> Any:
    customer = door.customer("gold", met=True, called=True)
    with door.owner():
        for month, tier in ((date(2026, 1, 1), "platinum"), (date(2026, 2, 1), "gold")):
            Rating.objects.create(customer=customer, month=month, tier=tier, assets=0)
    return customer


def over_midnight(door: Door, customer: Any, kind: str = "reception", **more: Any) -> Any:
    start, end = moment("2026-01-31 23:40"), moment("2026-02-01 00:10")
    return door.record(customer, kind, start, end, form=FORMS["none"], **more)


def thanks(door: Door, customer: Any) -> list[tuple[str, str]]:
    rows = [each for each in door.owed(customer) if each.kind == "thanks"]
    return [(each.clause, each.state) for each in rows]


def test_the_tier_at_the_end_counts_unless_the_bank_has_set_otherwise(door: Door) -> None:
    customer = lowered(door)
    contact = over_midnight(door, customer)
    assert thanks(door, customer) == []
    assert door.send("get", f"contacts/{contact.pk}", None, moment("2026-02-01 09:00"))["tier"] == "gold"


def test_the_tier_at_the_start_counts_where_the_bank_has_set_so(door: Door) -> None:
    door.setting("tier_counts", "contact_start")
    customer = lowered(door)
    contact = over_midnight(door, customer)
    assert thanks(door, customer) == [("R12", "open")]
    assert door.send("get", f"contacts/{contact.pk}", None, moment("2026-02-01 09:00"))["tier"] == "platinum"


def test_a_corrected_start_is_reckoned_anew(door: Door) -> None:
    """It began after midnight after all: gold, and no thanks are owed."""
    door.setting("tier_counts", "contact_start")
    customer = lowered(door)
    contact = over_midnight(door, customer)
    door.amended(contact, moment("2026-02-01 09:00"), started_at=moment("2026-02-01 00:02"))
    assert thanks(door, customer) == []
    assert door.send("get", f"contacts/{contact.pk}", None, moment("2026-02-01 09:00"))["tier"] == "gold"


def test_the_setting_of_the_contacts_own_day_counts(door: Door) -> None:
    """Set from the second of February on: a contact that ended on the first is still reckoned by its end."""
    door.setting("tier_counts", "contact_start", date(2026, 2, 2))
    customer = lowered(door)
    start, end = moment("2026-01-31 23:40"), moment("2026-02-01 00:10")
    door.record(customer, "reception", start, end, known=moment("2026-02-03 09:00"), form=FORMS["none"])
    assert thanks(door, customer) == []
