"""Today and a customer's page are answered in front of Django: the same bytes, the same headers, and whatever is out of the
ordinary by Django itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.cast import LONG_AGO, STAFF, Cast, seat
from tests.conftest import Database
from tests.product.test_query_counts import more
from zhike import clock, embedded
from zhike.obligations.models import Obligation
from zhike.pages import reads
from zhike.pages.views import today as days
from zhike.pages.written import Kept
from zhike.people.models import Approval, Leave, Post, Setting, Staff
from zhike.sms.models import Message

Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 16, 2, tzinfo=UTC)  # Monday 10:00 in Shanghai
EACH_ITS_OWN = re.compile(r'(csrf-token" content="|csrfmiddlewaretoken" value=")[A-Za-z0-9]{64}|(?<=expires=)[^;]+')
SERVING = {"rm", "mate", "stranger", "leader", "other_leader", "branch_leader"}
LOOKING = SERVING | {"compliance", "risk", "auditor"}


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


@pytest.fixture
def busy(cast: Cast, owner: Role) -> Cast:
    """The RM has something of everything, and the process has read this bank's settings."""
    with owner():
        more(cast, 1)
        more(cast, 2)
    warmed(cast.client("rm"))
    return cast


def warmed(browser: Client) -> None:
    """The first look reads the settings, the second learns the bank's zone."""
    for _time in range(2):
        assert browser.get("/").status_code == 200


def behind(browser: Client, address: str, **headers: str) -> HttpResponse:
    """The answer of Django itself."""
    browser.handler.ahead = False
    try:
        return browser.get(address, headers=headers)
    finally:
        browser.handler.ahead = True


def whole(answer: HttpResponse) -> tuple[int, dict[str, str], list[str], str]:
    """Status, headers, cookies and body, without what differs from one answer to the next."""
    cookies = sorted(EACH_ITS_OWN.sub("", cookie.OutputString()) for cookie in answer.cookies.values())
    return answer.status_code, dict(answer.items()), cookies, EACH_ITS_OWN.sub(r"\1", answer.content.decode())


def both(browser: Client, address: str, **headers: str) -> int:
    """Asks both ways, which must answer alike; how many statements the one in front took."""
    before = whole(behind(browser, address, **headers))
    with CaptureQueriesContext(connection) as captured:
        short = browser.get(address, headers=headers)
    assert whole(short) == before
    return len(captured)


@pytest.mark.parametrize("who", STAFF)
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_both_ways_answer_alike_whoever_asks(busy: Cast, owner: Role, who: str, language: str) -> None:
    with owner():
        Staff.objects.filter(pk=busy.staff[who].pk).update(language=language, theme="dark", single_keys=False)
    browser = busy.client(who)
    once = {address: both(browser, address) == 1 for address in ("/", "/?sort=call", "/?sort=meet")}
    assert set(once.values()) == {who in SERVING}
    assert both(browser, "/", **{"HX-Request": "true"}) == 1 or who not in SERVING
    for whose, customers in busy.customers.items():
        seen = who in LOOKING and (whose == who or STAFF[who][3] in {"tree", "all"} or (
            STAFF[who][3] == "team" and (whose == STAFF[who][4] or STAFF.get(whose, [""] * 5)[4] == STAFF[who][4])
        ))  # fmt: skip
        for customer in customers:
            assert (both(browser, f"/customers/{customer.pk}/") == 1) == seen, (whose, customer.name)


@pytest.mark.parametrize(
    "address", ["/?sort=nothing", "/?x", "/customers/{}/?contacts=all", "/customers/{}/?holdings=all", "/customers/{}"]
)
def test_other_questions_go_the_long_way(busy: Cast, address: str) -> None:
    assert both(busy.client("rm"), address.format(busy.customers["rm"][0].pk)) != 1


def test_what_has_not_changed_is_not_sent_again(busy: Cast) -> None:
    browser = busy.client("rm")
    page = browser.get("/")
    again = {"If-None-Match": page["ETag"], "HX-Request": "true"}
    assert both(browser, "/", **again) == 1
    answer = browser.get("/", headers=again)
    assert (answer.status_code, answer.content) == (304, b"")
    with busy.acting("rm"):
        Obligation.objects.filter(pk=Obligation.objects.earliest("pk").pk).update(what={"zh": "别的", "en": "Another"})
    assert browser.get("/", headers=again).status_code == 200


def test_the_forms_of_the_page_are_taken(busy: Cast) -> None:
    """With the page's cookie, and with a browser that has none yet: it gets one."""
    address = f"/customers/{busy.customers['rm'][0].pk}/"
    browser = busy.client("rm", enforce_csrf_checks=True)
    browser.get(address)
    del browser.cookies["csrftoken"]
    for _time in range(2):
        with CaptureQueriesContext(connection) as captured:
            page = browser.get(address).content.decode()
        assert len(captured) == 1
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
        form = {"kind": "loan", "words": "", "csrfmiddlewaretoken": token}
        assert browser.post(f"{address}needs/", form).status_code == 303
        browser.get(address)  # takes the toast


def test_a_toast_is_shown_once(busy: Cast) -> None:
    address = f"/customers/{busy.customers['rm'][0].pk}/"
    browser = busy.client("rm")
    assert browser.post(f"{address}known/", {"what": "met"}).status_code == 303
    assert 'role="status" data-toast' in browser.get(address).content.decode()
    assert 'role="status" data-toast' not in browser.get(address).content.decode()


def test_who_has_something_else_to_do_first_is_led_there(busy: Cast, owner: Role) -> None:
    browser, nobody = busy.client("rm"), Client()
    addresses = ("/", f"/customers/{busy.customers['rm'][0].pk}/")
    for address in addresses:
        both(browser, address)
        assert both(nobody, address) != 1
        assert nobody.get(address)["Location"].startswith("/sign-in/")
    with owner():
        Staff.objects.filter(pk=busy.rm.pk).update(must_change_password=True)
    for address in addresses:
        both(browser, address)
        assert browser.get(address)["Location"] == "/me/password/"
    with owner():
        Staff.objects.filter(pk=busy.rm.pk).update(must_change_password=False)
        Setting.objects.filter(name="second_factor_roles").update(value=["rm"])
    for address in addresses:
        both(browser, address)
        assert browser.get(address).status_code == 302
    with owner():
        Staff.objects.filter(pk=busy.rm.pk).update(is_active=False)
    assert browser.get("/")["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("which", ["/", "/customers/{}/"])
def test_the_idle_minutes_begin_anew_with_work_alone(busy: Cast, which: str) -> None:
    address = which.format(busy.customers["rm"][0].pk)
    left, working = busy.client("rm"), busy.client("rm")
    assert left.get(address).status_code == 200
    with clock.at(NOW + timedelta(minutes=14)):
        assert both(working, address) == 1
        with CaptureQueriesContext(connection) as captured:
            assert left.get(address, headers={"X-Poll": "1"}).status_code == 200
        assert len(captured) == 1
    with clock.at(NOW + timedelta(minutes=16)):
        assert working.get(address).status_code == 200
        assert left.get(address).status_code == 302


def test_a_look_writes_the_sessions_minute_once(busy: Cast) -> None:
    browser = busy.client("rm")
    browser.get("/")

    def seen_at() -> datetime:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE zhike_owner")
            cursor.execute("SELECT max(seen_at) FROM people_session")
            at: datetime = cursor.fetchone()[0]
            cursor.execute("SET LOCAL ROLE zhike_app")
        return at

    for seconds, kept in ((59, 0), (61, 61), (119, 61), (122, 122)):
        with clock.at(NOW + timedelta(seconds=seconds)):
            assert both(browser, "/") == 1
        assert seen_at() == NOW + timedelta(seconds=kept)


def test_the_policies_of_rows_hold_by_themselves(busy: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the statement to ask for anybody's customers, PostgreSQL would still give one's own alone."""
    wide = reads.CUSTOMER.replace("AND c.keeper = ANY (begun.sees::bigint[])", "AND begun.sees IS NOT NULL")
    assert wide != reads.CUSTOMER
    monkeypatch.setattr(reads, "CUSTOMER", wide)
    browser = busy.client("rm")
    assert both(browser, f"/customers/{busy.customers['rm'][0].pk}/") == 1
    for whose in ("mate", "stranger"):
        assert browser.get(f"/customers/{busy.customers[whose][0].pk}/").status_code == 404


def test_nobody_acts_afterwards(database: Database) -> None:
    """The statement is a transaction of its own: with it goes who acted in it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE zhike_owner")
        cast = seat()
        browser = cast.client("rm", NOW)
    address = f"/customers/{cast.customers['rm'][0].pk}/"
    for asked in ("/", address, "/", address):
        assert browser.get(asked).status_code == 200
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(address).status_code == browser.get("/").status_code == 200
    assert len(captured) == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), coalesce(current_setting('zhike.actor', true), '') FROM customers_customer")
        assert cursor.fetchone() == (0, "")


def test_a_restarted_database_costs_nobody_the_page(database: Database) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE zhike_owner")
        cast = seat()
        browser = cast.client("rm", NOW)
    for address in ("/", f"/customers/{cast.customers['rm'][0].pk}/"):
        browser.get(address)
        with psycopg.connect(database.server.url(embedded.SUPERUSER, database.name), autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
                [database.name],
            )
        assert browser.get(address).status_code == 200


def test_the_bank_is_asked_anew_when_its_settings_change(busy: Cast, owner: Role) -> None:
    """Its zone decides what is today: the page is right at once, and soon answered in front again."""
    browser = busy.client("rm")
    address = f"/customers/{busy.customers['rm'][0].pk}/"
    both(browser, "/"), both(browser, address)
    with owner():
        Setting.objects.create(name="zone", value="Pacific/Kiritimati", from_day=date(2026, 1, 1), at=NOW)
    page = browser.get("/").content.decode()
    assert 'data-zone="Pacific/Kiritimati"' in page
    assert 'data-now="2026-03-16T16:00:00+14:00"' in page
    warmed(browser)
    assert both(browser, "/") == both(browser, address) == 1


def test_why_contact_stops_and_what_was_decided_is_told(busy: Cast, owner: Role) -> None:
    customer = busy.customers["rm"][0]
    browser, address = busy.client("rm"), f"/customers/{customer.pk}/"
    assert both(browser, address) == 1
    told = {"why": "do_not_disturb", "evidence": "客户来电要求"}
    browser.post(f"{address}stops/", told)
    browser.get(address)
    both(browser, address)
    assert "客户来电要求" in browser.get(address).content.decode()
    with clock.at(NOW + timedelta(minutes=11)):
        browser.post(f"{address}stops/do_not_disturb/resume/", {"reason": "客户又来电，愿意接听", "mistake": "no"})
        with busy.acting("rm"):
            waiting = Approval.objects.get(decision="open")
        leader = busy.client("leader")
        leader.post(f"/approvals/{waiting.pk}/", {"act": "approve", "digest": waiting.digest})
        browser.get(address)
        assert both(browser, address) != 1
        assert "您申请恢复联系" in browser.get(address).content.decode()
        leader.get(address)
        assert both(leader, address) == 1, "who did not ask is not told"


def test_all_that_is_held_is_counted(busy: Cast, owner: Role) -> None:
    customer = busy.customers["rm"][0]
    with owner(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO customers_holding (customer_id, core_number, product, kind, amount, currency, risk_grade, as_of)"
            " SELECT %s, 'H' || n, '存款', '', 1, 'CNY', '', '2026-03-01' FROM generate_series(1, 60) n",
            [customer.pk],
        )
    browser, address = busy.client("rm"), f"/customers/{customer.pk}/"
    both(browser, address)
    assert "共 90 笔，已列最先到期的 60 笔" in browser.get(address).content.decode()


def test_a_holding_in_other_money_says_which(busy: Cast, owner: Role) -> None:
    """Fifty thousand dollars are no fifty thousand yuan; of yuan nothing is said."""
    customer = busy.customers["rm"][0]
    with owner(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO customers_holding (customer_id, core_number, product, kind, amount, currency, risk_grade, as_of, matures_on)"
            " VALUES (%s, 'U1', '美元定存', '', 50000, 'USD', '', '2026-03-01', '2026-03-04')",
            [customer.pk],
        )
    text = busy.client("rm").get(f"/customers/{customer.pk}/").content.decode()
    assert re.search(r"美元定存</td><td class=\"num\">USD 5\.0</td>", text)
    assert "CNY 5.0" not in text


def test_a_message_on_its_way_stands_in_its_row(busy: Cast, owner: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIKE_SMS_URL", "demo:")
    browser = busy.client("rm")
    assert both(browser, "/") == 1
    with owner():
        owing = Obligation.objects.filter(owner=busy.rm).earliest("pk")
        Obligation.objects.filter(pk=owing.pk).update(kind="thanks", channels=["sms"])
        Message.objects.create(
            customer=owing.customer, staff=busy.rm, obligation=owing, kind="thanks", state="submitted", not_before=NOW,
            created_at=NOW, sent_at=NOW,
        )  # fmt: skip
    assert both(browser, "/") == 1
    assert "10:00 已发出，等回执" in browser.get("/").content.decode()


def test_whom_one_covers_stands_on_the_page(busy: Cast, owner: Role) -> None:
    with owner():
        Leave.objects.create(
            staff=busy.rm, from_day=date(2026, 3, 16), to_day=date(2026, 3, 17), stand_in=busy.stranger,
            asked_by=busy.rm, asked_at=NOW, answer="accepted", answered_by=busy.stranger, answered_at=NOW,
        )  # fmt: skip
    browser = busy.client("stranger")
    assert both(browser, "/") == 1
    assert "林晓" in browser.get("/").content.decode()
    assert both(browser, f"/customers/{busy.customers['rm'][0].pk}/") == 1


def test_a_name_that_is_not_ours_is_refused(busy: Cast) -> None:
    answer = busy.client("rm").get("/", headers={"Host": "evil.example"})
    assert answer.status_code == 400


@pytest.mark.parametrize("method", ["head", "post"])
def test_other_methods_go_the_long_way(busy: Cast, method: str) -> None:
    assert getattr(busy.client("rm"), method)("/").status_code == {"head": 200, "post": 405}[method]


def test_who_leads_here_and_looks_on_there_is_offered_what_they_may(busy: Cast, owner: Role) -> None:
    with owner():
        Post.objects.create(
            staff=busy.leader, unit=busy.units["branch"], role="compliance", scope="tree", from_day=LONG_AGO
        )
    browser = busy.client("leader")
    assert both(browser, f"/customers/{busy.customers['stranger'][0].pk}/") == 1
    assert both(browser, f"/customers/{busy.customers['rm'][0].pk}/") == 1


def test_what_is_kept_reads_as_if_it_were_written_now(busy: Cast, owner: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through twelve minutes in which hours are left to meetings and write-ups, each to its own second, and minutes to call-backs."""
    with owner(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE obligations_obligation SET due = due + make_interval(secs => 7 * (id % 9)) WHERE kind = 'write_up'"
        )
        cursor.execute("UPDATE contacts_contact SET planned_for = planned_for + make_interval(secs => 7 * (id % 9))")
    browser, written = busy.client("rm", NOW - timedelta(minutes=65)), days.INSIDES
    asked, fresh = 0, 0
    for seconds in range(0, 12 * 60, 11):
        with clock.at(NOW + timedelta(seconds=seconds - 65 * 60, milliseconds=500)):
            monkeypatch.setattr(days, "INSIDES", written)
            count = len(written._all), [until for _since, until, _inside in written._all.values()]
            shown = words(browser)
            asked += 1
            fresh += count != (len(written._all), [until for _since, until, _inside in written._all.values()])
            monkeypatch.setattr(days, "INSIDES", Kept(1))
            assert shown == words(browser), seconds
    assert fresh < 0.7 * asked, "mostly it was kept"


def words(browser: Client) -> str:
    """The inside of Today but for the day's ruler, which creeps on from second to second."""
    inside = browser.get("/", headers={"HX-Request": "true"}).content.decode()
    return EACH_ITS_OWN.sub(r"\1", re.sub(r'<svg class="ruler only-desk".*?</svg>', "", inside, flags=re.DOTALL))
