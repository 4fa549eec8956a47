"""Working lists of a book: each choice against customers made for it, together, counted, and calm in a large book."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.cast import Cast, a_customer
from zhike import clock
from zhike.api.edge import described
from zhike.conduct.bank import Bank
from zhike.customers.models import Acquaintance, Consent, Customer, Holding, Need
from zhike.obligations.models import Fact, Obligation
from zhike.obligations.working_list import CHOICES, WorkingList

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)  # Monday 14:00 in the bank's zone
TODAY = date(2026, 3, 2)


def ago(days: int) -> datetime:
    return NOW - timedelta(days=days)


@pytest.fixture
def book(cast: Cast, owner: Role) -> dict[str, Customer]:
    """One customer for each choice, who is nothing else; and one in order."""
    well: dict[str, Any] = {"last_contact_at": ago(3), "mobile_index": b"1", "tier": "gold"}
    with owner():
        Customer.objects.filter(rm=cast.rm).delete()
        made = {
            name: a_customer(called, cast.rm, cast.units["century"], **{**well, **more})
            for name, called, more in (
                ("well", "安好好", {}),
                ("silent", "沉默默", {"last_contact_at": ago(95), "tier": "platinum"}),
                ("quiet", "安静静", {"last_contact_at": ago(59)}),
                ("matures", "到期期", {}),
                ("solar", "阳生日", {"birth_calendar": "solar", "birth_month": 3, "birth_day": 12}),
                ("lunar", "阴生日", {"birth_calendar": "lunar", "birth_month": 1, "birth_day": 20}),
                ("need", "需求求", {}),
                ("late", "逾期期", {}),
                ("stranger", "陌生生", {}),
                ("mobile", "手机机", {"mobile_index": None}),
                ("sms", "短信信", {}),
                ("dead", "身故故", {"deceased_on": TODAY, "mobile_index": None, "last_contact_at": ago(400)}),
            )
        }
        # Zhike counts since long before: a contact of before it came would not tell by when the next one is due.
        Customer.objects.filter(rm=cast.rm).update(created_at=ago(500))
        for name, each in made.items():
            met = "" if name == "stranger" else "import"
            Acquaintance.objects.create(customer=each, rm=cast.rm, met_source=met, called_source=met)
            Consent.objects.create(
                customer=each, purpose="marketing", channel="any", given=name != "sms", evidence="表", at=ago(9)
            )
        Consent.objects.create(
            customer=made["sms"], purpose="marketing", channel="sms", given=True, evidence="表", at=ago(20)
        )
        Holding.objects.create(
            customer=made["matures"], core_number="H1", product="稳利一年", amount=500_000, as_of=TODAY,
            matures_on=TODAY + timedelta(days=30),
        )  # fmt: skip
        Holding.objects.create(
            customer=made["well"], core_number="H2", product="远", amount=1, as_of=TODAY, matures_on=date(2026, 4, 2)
        )
        Need.objects.create(customer=made["need"], kind="loan", words="换房贷款", opened_at=ago(4))
        Need.objects.create(
            customer=made["well"], kind="loan", words="了", opened_at=ago(4), state="met", closed_at=NOW
        )
        fact = Fact.objects.create(
            kind="promise_made", data={}, at=ago(2), known_at=ago(2), staff=cast.rm, customer=made["late"]
        )
        Obligation.objects.create(
            fact=fact, clause="W11", clause_from=date(2020, 1, 1), kind="promise", force="must", owner=cast.rm,
            customer=made["late"], what={"zh": "答复利率", "en": "answer"}, why={"zh": "", "en": ""}, opens=ago(2),
            due=ago(1), created_at=ago(2), key="late:1",
        )  # fmt: skip
    return made


def names(page: str) -> list[str]:
    return re.findall(r'<a href="/customers/\d+/"[^>]*><b>([^<]+)</b>', page[page.find("<tbody>") :])


def shown(browser: Client, **asked: str) -> list[str]:
    with clock.at(NOW):
        answer = browser.get("/customers/", asked)
    assert answer.status_code == 200
    return names(answer.content.decode())


EXPECTED = {
    ("silent", "rhythm"): {"silent"},
    ("silent", "30"): {"silent", "quiet"},
    ("silent", "60"): {"silent"},
    ("silent", "90"): {"silent"},
    ("matures", "30"): {"matures"},
    ("birthday", "14"): {"solar", "lunar"},
    ("birthday", "month"): {"solar", "lunar"},
    ("owed", "late"): {"late"},
    ("need", "open"): {"need"},
    ("met", "never"): {"stranger"},
    ("called", "never"): {"stranger"},
    ("mobile", "missing"): {"mobile"},
    ("sms", "no_consent"): {"sms"},
}


def test_each_choice_finds_whom_it_is_for_and_is_counted(cast: Cast, book: dict[str, Customer]) -> None:
    """On the page, in the API, and in the number that stands beside it."""
    assert {(name, value) for name, values in CHOICES.items() for value in values} == set(EXPECTED)
    browser = cast.client("rm", NOW)
    with cast.acting("rm", NOW) as actor:
        counts = WorkingList({}, NOW, Bank()).counts(actor.id, actor)
    for (name, value), who in EXPECTED.items():
        expected = sorted(book[each].name for each in who)
        assert sorted(shown(browser, **{name: value})) == expected, (name, value)
        assert counts.more[name, value] == len(who), (name, value)
        with clock.at(NOW):
            answer = browser.get("/api/v1/customers", {name: value})
        assert sorted(each["name"] for each in answer.json()["items"]) == expected, (name, value)


def test_choices_add_up_and_stay_in_the_address(cast: Cast, owner: Role, book: dict[str, Customer]) -> None:
    """Two choices are both true; every link keeps what is chosen, and pressing a choice again takes it back."""
    with owner():
        Need.objects.create(customer=book["silent"], kind="loan", words="提前还贷", opened_at=ago(4))
    browser = cast.client("rm", NOW)
    assert shown(browser, need="open") == ["沉默默", "需求求"]
    assert shown(browser, need="open", silent="90") == ["沉默默"]
    assert shown(browser, need="open", silent="90", tier="gold") == []
    with clock.at(NOW):
        page = browser.get("/customers/", {"need": "open", "silent": "90", "sort": "assets"}).content.decode()
    assert "提前还贷" in page, "the list says why somebody is in it"
    links = re.findall(r'href="/customers/\?([^"]+)"', page)
    assert "need=open&amp;sort=assets" in links, "without one of the two"
    assert "tier=platinum&amp;silent=90&amp;need=open&amp;sort=assets" in links
    assert "silent=30&amp;need=open&amp;sort=assets" in links, "a name has one value: 30 days instead of 90"


def test_an_empty_list_says_which_choice_to_loosen(cast: Cast, book: dict[str, Customer]) -> None:
    browser = cast.client("rm", NOW)
    with clock.at(NOW):
        page = browser.get("/customers/", {"need": "open", "silent": "90"}).content.decode()
    said = {
        text: int(count)
        for text, count in re.findall(r'<li><a class="link"[^>]*>([^<]+)</a> <span class="count">(\d+)</span>', page)
    }
    assert said == {"去掉“90 天未联系”": 1, "去掉“有未了需求”": 1}
    assert "没有同时符合的客户" in page
    with clock.at(NOW):
        alone = browser.get("/customers/", {"tier": "regular"}).content.decode()
    assert "没有符合的客户" in alone
    assert "同时" not in alone, "of one filter nothing is said as if there were several"


def test_what_no_list_knows_is_left_out_and_the_api_refuses_it(cast: Cast, book: dict[str, Customer]) -> None:
    browser = cast.client("rm", NOW)
    everybody = shown(browser)
    assert len(everybody) == len(book)
    assert shown(browser, silent="31", tier="nobody", birthday="") == everybody
    with clock.at(NOW):
        assert browser.get("/api/v1/customers", {"silent": "31"}).status_code == 422


def test_the_schema_says_what_each_choice_means() -> None:
    """Every choice is a parameter of the list, with its values and a sentence."""
    asked = json.loads(described())["paths"]["/api/v1/customers"]["get"]["parameters"]
    told = {each["name"]: each for each in asked}
    for name, values in CHOICES.items():
        text = json.dumps(told[name])
        assert all(f'"{value}"' in text for value in values), name
        assert '"description"' in text, name


def test_nobody_who_must_not_be_called_is_in_a_list_of_whom_to_call(
    cast: Cast, owner: Role, book: dict[str, Customer]
) -> None:
    with owner():
        Customer.objects.filter(pk__in=[book["silent"].pk, book["solar"].pk]).update(do_not_disturb=True)
    browser = cast.client("rm", NOW)
    assert shown(browser, silent="90") == []
    assert shown(browser, birthday="14") == ["阴生日"]


def test_a_list_sees_no_further_than_its_reader(cast: Cast, book: dict[str, Customer]) -> None:
    """Another's book is empty to a team-mate, rows and numbers; the leader sees it."""
    assert shown(cast.client("mate", NOW), rm=str(cast.rm.pk), need="open") == []
    with cast.acting("mate", NOW) as actor:
        assert WorkingList({}, NOW, Bank()).counts(cast.rm.pk, actor).book == {}
    assert shown(cast.client("leader", NOW), rm=str(cast.rm.pk), need="open") == ["需求求"]
    with clock.at(NOW):
        page = cast.client("leader", NOW).get("/customers/", {"rm": cast.rm.pk, "need": "open"}).content.decode()
    assert '<input type="hidden" name="need" value="open">' in page, "another book is looked through for the same"


def test_a_large_book_counts_what_is_chosen_and_the_rows_own_columns(
    cast: Cast, book: dict[str, Customer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zhike.obligations.working_list.COUNTED", 3)
    with cast.acting("rm", NOW) as actor:
        counts = WorkingList({"need": "open"}, NOW, Bank()).counts(actor.id, actor)
    assert ("owed", "late") not in counts.more
    assert counts.more["need", "open"] == sum(counts.found.values()) == 1
    assert counts.more["mobile", "missing"] == 0


def test_a_list_asks_the_database_as_often_as_the_book(cast: Cast, book: dict[str, Customer]) -> None:
    browser = cast.client("rm", NOW)
    shown(browser)  # the bank's settings are read once
    with clock.at(NOW), CaptureQueriesContext(connection) as plain:
        browser.get("/customers/")
    with clock.at(NOW), CaptureQueriesContext(connection) as listed:
        browser.get("/customers/", {name: values[0] for name, values in CHOICES.items()})
    assert len(listed) == len(plain)
