"""A contact that never was takes along all that was heard and planned at it."""

from __future__ import annotations

import pytest

from .door import Door
from .moments import moment
from .test_truth_table import FORMS

pytestmark = pytest.mark.django_db


def test_a_struck_contact_takes_its_need_its_demand_and_its_next_contact_along(door: Door) -> None:
    customer = door.customer(met=True)
    form = {
        **FORMS["none"], "no_need": False, "by_rhythm": False, "needs": [{"kind": "deposit", "words": "到期续存"}],
        "demands": ["换卡"],
        "next": {"kind": "visit", "at": moment("2026-03-09 10:00"), "place": "客户公司"},
    }  # fmt: skip
    visit = door.record(customer, "visit", moment("10:00"), moment("10:30"), form=form)
    needs = f"customers/{customer.pk}/needs"

    def states(path: str) -> list[str]:
        return [each["state"] for each in door.send("get", path, None, moment("12:00"))["items"]]

    assert states(needs) == ["open"]
    assert {each.clause for each in door.owed(customer) if each.state == "open"} == {"V5", "V7"}
    told = door.struck(visit, moment("11:00"), reason="记错了客户")
    assert ([each["state"] for each in told.demands], [each["state"] for each in told.needs]) == (
        ["struck"],
        ["lapsed"],
    )
    assert "open" not in states(needs)
    assert set(states(f"contacts?customer={customer.pk}")) == {"struck"}
    assert door.owed(customer, state="open") == []
