"""What was recorded by mistake never was: it stands on no page but its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.cast import Cast
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.contacts import correction, course
from zhike.contacts.models import Contact

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


@pytest.fixture
def struck(cast: Cast) -> Iterator[Contact]:
    """A call of this morning, to a customer of the same name by mistake."""
    with clock.at(NOW):
        with cast.acting("rm", NOW) as actor:
            at = NOW - timedelta(hours=3)
            contact = course.plan(
                cast.customers["rm"][0],
                "call",
                actor=actor,
                now=at,
                purpose="introduction",
                purpose_words="打错人的电话",
            )
            course.start(contact, actor=actor, now=at, bank=Bank())
            course.put_through(contact, "reached", actor=actor, now=at, bank=Bank(), note="打错人的电话")
            correction.strike(contact, reason="同名，打错了人", actor=actor, now=NOW, bank=Bank())
        yield contact


@pytest.mark.parametrize("address", ["/", "/schedule/", "/customers/{customer}/"])
def test_a_contact_that_never_was_is_told_nowhere(cast: Cast, struck: Contact, address: str) -> None:
    answer = cast.client("rm", NOW).get(address.format(customer=struck.customer_id))
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "打错人的电话" not in page
    assert f"/contacts/{struck.pk}/" not in page


def test_its_own_page_says_what_it_is(cast: Cast, struck: Contact) -> None:
    page = cast.client("rm", NOW).get(f"/contacts/{struck.pk}/record/").content.decode()
    assert "误录" in page
    assert "谁的原因" not in page
    assert "同名，打错了人" in page
