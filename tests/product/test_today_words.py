"""What a row of Today says is true on the day when it is read: words are kept as they arose, the page reads them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from tests.cast import Cast
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.contacts import course
from zhike.contacts.agenda import agenda, told
from zhike.contacts.models import Contact
from zhike.obligations.models import Obligation
from zhike.obligations.sweep import sweep
from zhike.pages import owed

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)  # Monday 14:00 in the bank's zone


def today(cast: Cast, now: datetime) -> str:
    with clock.at(now):
        return cast.client("rm", now).get("/").content.decode()


def test_a_promised_call_back_names_no_day_today_and_says_today_tomorrow(cast: Cast) -> None:
    with clock.at(NOW):
        rm = cast.client("rm", NOW)
        for customer, again in zip(cast.customers["rm"], ("2026-03-02", "2026-03-03"), strict=False):
            talk = rm.post(f"/customers/{customer.pk}/new/call/", {"how": "now", "purpose": "introduction"})["Location"]
            end = talk.replace("talk", "outcome")
            rm.post(end, {"outcome": "busy", "again_day": again, "again_time": "15:30"})
    page = today(cast, NOW + timedelta(minutes=1))
    assert "14:00 去电，正忙，约 15:30" in page
    assert "14:00 去电，正忙，约 3月3日 15:30" in page
    page = today(cast, NOW + timedelta(days=1))
    assert "3月2日 14:00 去电，正忙，约今天 15:30" in page


@pytest.mark.parametrize(
    ("language", "said", "read"),
    [
        ("zh-hans", "12月2日 10:00 接待结束", "12月2日 10:00 接待结束"),
        ("zh-hans", "2月2日 10:00 接待结束，白金", "10:00 接待结束，白金"),
        ("zh-hans", "2月2日拜访时提出", "今天拜访时提出"),
        ("en", "Reception ended 12 Feb 10:00", "Reception ended 12 Feb 10:00"),
        ("en", "Reception ended 2 Feb 10:00, Platinum", "Reception ended 10:00, Platinum"),
        ("en", "Called on 2 Feb at 10:00, busy, promised 15:00 on 2 Feb", "Called at 10:00, busy, promised 15:00"),
        ("en", "Called on 1 Feb at 9:00, busy, promised 15:00 on 2 Feb", "Called on 1 Feb at 9:00, busy, promised 15:00 today"),
        ("en", "Called on 2 Feb at 10:00, busy, promised 15:00 on 3 Feb", "Called at 10:00, busy, promised 15:00 on 3 Feb"),
        ("en", "Raised at the visit on 2 Feb", "Raised at the visit today"),
    ],
)  # fmt: skip
def test_today_is_not_said_and_no_other_day_is_hurt(language: str, said: str, read: str) -> None:
    """2 February stands within 12 February, in both languages."""
    at = datetime(2026, 2, 2, 6, tzinfo=UTC)
    row = {"why": {"zh": said, "en": said}, "opens": at, "kind": "thanks", "detail": {}}
    with translation.override(language):
        assert owed.because(row, at) == read
        assert owed.because({**row, "opens": at - timedelta(days=365)}, at) == said


def test_how_long_nobody_was_in_contact_is_counted_to_the_day_it_is_read(cast: Cast, owner, worker) -> None:
    """W5's words said 33 days for as long as it stood, beside "90 days late"."""
    customer = cast.customers["rm"][0]
    with owner():
        type(customer).objects.filter(pk=customer.pk).update(
            created_at=NOW - timedelta(days=200), last_contact_at=NOW - timedelta(days=100)
        )
    with worker():
        sweep(NOW.date(), now=NOW, bank=Bank())
    with owner():
        rhythm = Obligation.objects.get(customer=customer, kind="rhythm")
    stored = int(re.search(r"已 (\d+) 天", rhythm.why["zh"])[1])
    for later in (0, 1, 20):
        page = today(cast, NOW + timedelta(days=later))
        assert f"已 {stored + later} 天没有有效联系" in page


def test_appointments_of_the_same_minute_keep_their_order(cast: Cast) -> None:
    """Their order was that of the rows on the disk: a touched row changed places, and every open page was written anew."""
    with cast.acting("rm", NOW) as actor:
        at = NOW + timedelta(hours=1)
        several = [
            course.plan(customer, "reception", actor=actor, now=NOW, planned_for=at)
            for customer in cast.customers["rm"]
        ]
        for contact in reversed(several):
            for moved in (at + timedelta(minutes=1), at):
                Contact.objects.filter(pk=contact.pk).update(planned_for=moved)
        rows = agenda(told(actor, NOW, Bank()), NOW, Bank()).contacts
    assert [row["id"] for row in rows] == [contact.pk for contact in several]


def test_the_write_up_asks_for_the_word_that_stands_on_the_chip(cast: Cast) -> None:
    with clock.at(NOW):
        rm = cast.client("rm", NOW)
        talk = rm.post(f"/customers/{cast.customers['rm'][0].pk}/new/call/", {"how": "now", "purpose": "introduction"})
        contact = talk["Location"].replace("talk/", "")
        rm.post(f"{contact}outcome/", {"outcome": "reached"})
        page = rm.post(f"{contact}close/", {"result": "agreed"}).content.decode()
    assert "确实没有，请选“无”。" in page
    assert re.search(r'value="none" data-alone[^>]*><span>无</span>', page)
