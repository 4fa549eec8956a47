"""What is counted, offered and said is what is so."""

from __future__ import annotations

import pytest

from zhike.customers.models import Consent, Customer

from .door import Door
from .moments import moment
from .test_truth_table import FORMS

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("words", "by_sms"), [([], False), ([True], True), ([True, False], False), ([False, True], True)]
)
def test_a_birthday_sms_wants_consent_to_greetings(door: Door, words: list[bool], by_sms: bool) -> None:
    customer = door.customer("gold", met=True, birth_calendar="solar", birth_month=3, birth_day=2)
    with door.owner():
        for hour, given in enumerate(words):
            Consent.objects.create(
                customer=customer, purpose="greeting", channel="sms", given=given, evidence="x", source="contact",
                at=moment(f"2026-02-01 0{hour}:00"),
            )  # fmt: skip
    door.sweep(moment("01:00"))
    (greeting,) = door.owed(customer, kind="birthday")
    assert greeting.channels == (["call", "sms", "meeting"] if by_sms else ["call", "meeting"])


def test_the_bank_may_greet_without_consent(door: Door) -> None:
    door.setting("greeting_needs_consent", False)
    customer = door.customer("gold", birth_calendar="solar", birth_month=3, birth_day=2)
    door.sweep(moment("01:00"))
    assert "sms" in door.owed(customer, kind="birthday")[0].channels


def test_a_call_back_too_early_is_early_and_not_late(door: Door) -> None:
    """Promised for 15:00, five minutes either way; made for it at 14:50."""
    customer = door.customer(met=True, called=True)
    at = moment("15:00")
    door.record(customer, "call", moment("10:00"), moment("10:01"), purpose="care", outcome="busy", call_back_at=at)
    (owed,) = door.owed(customer, clause="C5")
    made = moment("14:50")
    door.record(customer, "call", made, made, purpose="call_back", form=FORMS["none"], fulfils=owed.pk)
    (measure,) = door.measured(customer, "C5", moment("18:00"))
    assert (measure.early, measure.late, measure.in_time, measure.rate) == (1, 0, 0, 0.0)


@pytest.mark.parametrize(("need", "purpose"), [("none", "care"), ("deposit", "need")])
def test_only_what_follows_up_a_need_sells(door: Door, need: str, purpose: str) -> None:
    customer = door.customer(met=True, called=True)
    told = door.record(customer, "call", moment("10:00"), moment("10:05"), purpose="care")
    browser = door.cast.client("rm", moment("10:06"))
    from zhike import clock

    with clock.at(moment("10:06")):
        answer = browser.post(f"/contacts/{told.pk}/close/", {"need": need, "next": "2w", "next_kind": "call"})
    assert answer.status_code == 303
    with door.owner():
        assert Customer.objects.get(pk=customer.pk).contacts.get(state="planned").purpose == purpose


def test_no_rhythm_is_claimed_that_the_bank_does_not_set(door: Door) -> None:
    customer = door.customer("regular", met=True, called=True)
    told = door.record(customer, "call", moment("10:00"), moment("10:05"), purpose="care")
    page = door.page(f"contacts/{told.pk}/write-up/", moment("10:06"))
    assert "仅为建议" in page
    assert "至少每 90 天" not in page


def test_a_setting_that_decides_nothing_says_so(door: Door) -> None:
    page = door.page("settings/", moment("10:00"), "administrator")
    assert "“检视”一栏尚未生效" in page


def test_the_card_foretells_no_thanks_that_the_bank_has_turned_off(door: Door) -> None:
    def foretold(tier: str) -> bool:
        visit = door.appointment(door.customer(tier, met=True), moment("15:00"), now=moment("09:00"))
        return "今晚：致谢" in door.page(f"contacts/{visit.pk}/prepare/", moment("10:00"))

    assert foretold("gold")
    door.setting("visit_thanks_below_platinum", False)
    assert not foretold("gold")
    assert foretold("platinum")


def test_a_calls_result_is_offered_and_no_clause_asks_for_it(door: Door) -> None:
    """C6 asks a call for plan and needs alone; R13 asks a reception for its result."""
    for kind, clause, asked in (("call", "C6", False), ("reception", "R13", True), ("visit", "V6", True)):
        customer = door.customer(met=True, called=True)
        more = {"purpose": "care"} if kind == "call" else {}
        told = door.record(customer, kind, moment("10:00"), moment("10:05"), **more)
        page = door.page(f"contacts/{told.pk}/write-up/", moment("10:06"), raw=True)
        result = page.partition('name="result"')[0].rpartition("<h2")[2]
        needs = page.partition('name="need"')[0].rpartition("<h2")[2]
        assert (clause in result) is asked, kind
        assert (clause in needs) is not asked, kind


def test_a_company_has_no_family(door: Door) -> None:
    firm, person = door.customer(kind="company"), door.customer()
    page = door.page(f"customers/{firm.pk}/", moment("10:00"))
    assert "家庭" not in page
    assert "还没有关联的人或企业" in page
    assert "家庭情况还不了解" in door.page(f"customers/{person.pk}/", moment("10:00"))
