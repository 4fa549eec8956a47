"""Sign-in, second factor, lock-out, idle end: what stands between the street and a customer's row."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import struct
import time
from base64 import b32decode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from pytest_django import Settings

from tests.cast import PASSWORD, Cast
from zhike import clock, urls
from zhike.people import tokens
from zhike.people.models import Setting, Staff
from zhike.people.permissions import PUBLIC, SIGNED_IN, Refused, policy
from zhike.trail.models import Entry

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 16, 2, tzinfo=UTC)
SECRET = "JBSWY3DPEHPK3PXP"
# What one process remembers by itself another does not know: as if each request met another process.
EACH_PROCESS_ITS_OWN = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}


@policy(SIGNED_IN)
def who(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{request.actor.name} {sorted(request.actor.roles)}")  # type: ignore[attr-defined]


@policy("settings.change")
def administrators(request: HttpRequest) -> HttpResponse:
    return HttpResponse("in")


def unstated(request: HttpRequest) -> HttpResponse:
    return HttpResponse("never")


@policy(SIGNED_IN)
def writes_and_fails(request: HttpRequest) -> HttpResponse:
    Staff.objects.filter(pk=request.user.pk).update(title="half done")  # type: ignore[union-attr]
    how = request.GET["how"]
    if how == "raise":
        raise ValueError(how)
    if how == "refuse":
        raise Refused("No.", "customers.import")
    return HttpResponse(status=int(how))


@policy(PUBLIC)
def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("page")


urlpatterns = [
    path("", include(urls.SIGN_IN)),
    path("", who, name="today"),
    path("api/v1/who", who),
    path("administrators", administrators),
    path("unstated", unstated),
    path("fails", writes_and_fails),
    path("me/", page, name="me"),
    path("search/", page, name="search"),
    path("hits/", page, name="hits"),
]


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


def sign_in(browser: Client, number: str, password: str = PASSWORD) -> HttpResponse:
    return browser.post("/sign-in/", {"login": number, "password": password})  # type: ignore[return-value]


def code_of(secret: str) -> str:
    digest = hmac.new(b32decode(secret), struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def demand_second_factor(owner: Role) -> None:
    with owner():
        Setting.objects.create(name="second_factor_roles", value=["rm"], from_day=date(2026, 1, 1), at=NOW)


def test_staff_number_and_password_open_the_page_that_was_asked_for(cast: Cast) -> None:
    browser = Client()
    asked = browser.get("/")
    assert (asked.status_code, asked["Location"]) == (302, "/sign-in/?next=/")
    assert sign_in(browser, "1001").status_code == 302
    assert browser.get("/").content.decode() == "林晓 ['rm']"
    with cast.acting("rm"):
        assert Entry.objects.filter(action="sign_in", actor_id=cast.rm.pk).count() == 1


def test_a_request_costs_one_statement(
    cast: Cast, django_assert_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    browser = cast.client("rm")
    browser.get("/")  # the bank's settings are read once a version, not once a request
    with django_assert_num_queries(3):  # savepoint of the test, people_begin, release
        browser.get("/")


def test_wrong_numbers_and_passwords_get_the_same_sentence(cast: Cast) -> None:
    answers = [sign_in(Client(), number, "wrong").content.decode() for number in ("1001", "9999")]
    assert "工号或密码不正确" in answers[0]
    token = "csrfmiddlewaretoken"
    assert answers[0].split(token)[0] == answers[1].split(token)[0]


def test_five_failures_lock_for_fifteen_minutes(cast: Cast) -> None:
    browser = Client()
    for _ in range(4):
        assert sign_in(browser, "1001", "wrong").status_code == 200
    assert sign_in(browser, "1001", "wrong").status_code == 429
    locked = sign_in(Client(REMOTE_ADDR="10.0.0.9"), "1001")
    assert locked.status_code == 429
    assert "15" in locked.content.decode()
    assert sign_in(Client(), "1002").status_code == 302
    with connection.cursor() as cursor:
        cursor.execute("UPDATE axes_accessattempt SET attempt_time = attempt_time - interval '16 minutes'")
    assert sign_in(Client(), "1001").status_code == 302


def test_capitals_are_no_new_tries(cast: Cast, owner: Role) -> None:
    with owner():
        Staff.objects.seat(number="Ab1", name="安", password=PASSWORD)
    answers = [sign_in(Client(), number, "wrong").status_code for number in ("Ab1", "ab1", "AB1", "aB1", "ab1")]
    assert answers == [200, 200, 200, 200, 429]
    assert sign_in(Client(), "AB1").status_code == 429


def test_failures_are_kept_without_what_was_typed(cast: Cast) -> None:
    sign_in(Client(), "1001", "a secret of mine")
    with cast.acting("auditor"):
        entry = Entry.objects.get(action="sign_in_failed")
        assert entry.row_id == cast.rm.pk
        assert "secret" not in str(entry.changes)
    with connection.cursor() as cursor:
        cursor.execute("SELECT post_data FROM axes_accessattempt")
        assert "secret" not in cursor.fetchone()[0]


def test_an_idle_session_ends_and_a_busy_one_goes_on(cast: Cast) -> None:
    browser = cast.client("rm")
    for minutes in (14, 28, 42):
        with clock.at(NOW + timedelta(minutes=minutes)):
            assert browser.get("/").status_code == 200
    with clock.at(NOW + timedelta(minutes=58)):
        assert browser.get("/")["Location"].startswith("/sign-in/")
    with clock.at(NOW + timedelta(minutes=43)):
        assert browser.get("/").status_code == 302  # it is gone, not hidden


@pytest.mark.parametrize("asked", ["/", "/api/v1/obligations?due=today"])
def test_what_a_page_asks_by_itself_keeps_no_session_alive(cast: Cast, asked: str, settings: Settings) -> None:
    settings.ROOT_URLCONF = "zhike.urls"
    browser = cast.client("rm")
    for minutes in range(2, 15, 4):
        with clock.at(NOW + timedelta(minutes=minutes)):
            assert browser.get(asked, headers={"X-Poll": "1"}).status_code == 200
    with clock.at(NOW + timedelta(minutes=15, seconds=1)):
        assert browser.get(asked, headers={"X-Poll": "1"}).status_code in {302, 401}
    worker = cast.client("rm")
    with clock.at(NOW + timedelta(minutes=14)):
        worker.get(asked)
    with clock.at(NOW + timedelta(minutes=28)):
        assert worker.get(asked, headers={"X-Poll": "1"}).status_code == 200


def test_idle_minutes_and_length_are_settings(cast: Cast, owner: Role) -> None:
    with owner():
        Setting.objects.create(name="idle_minutes", value=60, from_day=date(2026, 3, 1), at=NOW)
        Setting.objects.create(name="session_hours", value=1, from_day=date(2026, 3, 1), at=NOW)
    browser = cast.client("rm")
    with clock.at(NOW + timedelta(minutes=59)):
        assert browser.get("/").status_code == 200
    with clock.at(NOW + timedelta(minutes=61)):
        assert browser.get("/").status_code == 302


def test_signing_out_ends_the_session_on_the_server(cast: Cast) -> None:
    browser = cast.client("rm")
    cookie = browser.cookies["zhike_session"].value
    assert browser.post("/sign-out/").status_code == 302
    thief = Client()
    thief.cookies["zhike_session"] = cookie
    assert thief.get("/").status_code == 302


def test_a_changed_password_and_a_closed_account_end_all_other_sessions(cast: Cast, owner: Role) -> None:
    browser, elsewhere = cast.client("rm"), cast.client("rm")
    new = "another good password"
    done = browser.post("/me/password/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert done.status_code == 302
    assert browser.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 302
    with owner():
        Staff.objects.filter(pk=cast.rm.pk).update(is_active=False)
    assert browser.get("/").status_code == 302


def test_an_invitation_is_changed_before_anything_else(cast: Cast, owner: Role) -> None:
    with owner():
        Staff.objects.filter(pk=cast.rm.pk).update(must_change_password=True)
    browser = Client()
    sign_in(browser, "1001")
    assert browser.get("/")["Location"] == "/me/password/"
    assert browser.get("/api/v1/who").status_code == 403
    same = browser.post("/me/password/", {"oldpassword": PASSWORD, "password1": PASSWORD, "password2": PASSWORD})
    assert "不同" in same.content.decode()
    short = browser.post("/me/password/", {"oldpassword": PASSWORD, "password1": "short", "password2": "short"})
    assert short.status_code == 200
    new = "another good password"
    browser.post("/me/password/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert browser.get("/").status_code == 200


def test_the_second_factor_is_demanded_by_role_set_up_and_asked_for(cast: Cast, owner: Role) -> None:
    demand_second_factor(owner)
    browser = Client()
    sign_in(browser, "1001")
    assert browser.get("/")["Location"] == "/me/second-factor/on/"
    assert Client().get("/").status_code == 302
    setting_up = browser.get("/me/second-factor/on/")
    if setting_up.status_code == 302:  # who has just signed in need not show it again; later one does
        browser.post(setting_up["Location"], {"password": PASSWORD})
        setting_up = browser.get("/me/second-factor/on/")
    assert "data:image/svg+xml" in setting_up.content.decode()
    secret = shown_secret(setting_up)
    assert secret not in kept_of_sessions()
    wrong = browser.post("/me/second-factor/on/", {"code": "000000"})
    assert (wrong.status_code, shown_secret(wrong)) == (200, secret), "a slip of the hand wants no new photograph"
    assert browser.post("/me/second-factor/on/", {"code": code_of(secret)}).status_code == 302
    assert browser.get("/").status_code == 200
    codes = browser.get("/me/recovery-codes/").context_data["unused_codes"]  # type: ignore[attr-defined]

    with owner(), connection.cursor() as cursor:
        cursor.execute("SELECT data::text FROM mfa_authenticator")
        assert all(secret not in row[0] and codes[0] not in row[0] for row in cursor.fetchall())

    again = Client()
    assert sign_in(again, "1001")["Location"] == "/sign-in/code/"
    assert again.get("/").status_code == 302  # half signed in is not signed in
    assert again.post("/sign-in/code/", {"code": "000000"}).status_code == 200
    assert again.post("/sign-in/code/", {"code": codes[0]}).status_code == 302
    assert again.get("/").status_code == 200
    assert cast.client("leader").get("/").status_code == 200  # whose role does not demand it


def shown_secret(page: HttpResponse) -> str:
    """The secret that the page of the set-up tells those who type it by hand."""
    found = re.findall(r"\b[A-Z2-7]{32}\b", page.content.decode())
    assert len(found) == 1
    return str(found[0])


def kept_of_sessions() -> str:
    """All that the database holds of the sessions that there are, as somebody with its backup would read it."""
    from zhike.people.session import SessionStore

    with connection.cursor() as cursor:
        cursor.execute("SET ROLE zhike_owner")
        cursor.execute("SELECT data FROM people_session")
        rows = cursor.fetchall()
        cursor.execute("SET ROLE zhike_app")
    return " ".join(json.dumps(SessionStore().decode(data)) for (data,) in rows)


def test_codes_cannot_be_tried_through(cast: Cast, owner: Role) -> None:
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal.auth import TOTP

    with owner():
        TOTP.activate(cast.rm, "JBSWY3DPEHPK3PXP")
        codes = RecoveryCodes.activate(cast.rm).get_unused_codes()
    browser = Client()
    sign_in(browser, "1001")
    answers = [browser.post("/sign-in/code/", {"code": "000000"}).status_code for _ in range(5)]
    assert answers == [200, 200, 200, 200, 429]
    assert browser.post("/sign-in/code/", {"code": codes[0]}).status_code == 429
    assert browser.get("/").status_code == 302


def test_the_present_password_cannot_be_tried_through(cast: Cast) -> None:
    desk = Client()
    sign_in(desk, "1001")
    new = "another good password"
    form = {"password1": new, "password2": new}
    answers = [desk.post("/me/password/", {**form, "oldpassword": f"guess {n}"}).status_code for n in range(5)]
    assert answers == [200, 200, 200, 200, 429]
    assert desk.post("/me/password/", {**form, "oldpassword": PASSWORD}).status_code == 429


def test_a_signed_in_person_cannot_read_another_persons_second_factor(cast: Cast, owner: Role) -> None:
    from allauth.mfa.models import Authenticator
    from allauth.mfa.totp.internal.auth import TOTP

    with owner():
        TOTP.activate(cast.rm, "JBSWY3DPEHPK3PXP")
    with cast.acting("mate"):
        assert not Authenticator.objects.exists()
    with cast.acting("rm"):
        assert Authenticator.objects.count() == 1


def test_an_unstated_policy_is_closed_to_everybody(cast: Cast) -> None:
    for someone in ("rm", "administrator", "auditor"):
        assert cast.client(someone).get("/unstated").status_code == 403
    assert Client().get("/unstated").status_code == 302


def test_a_refusal_is_kept_though_the_request_is_undone(cast: Cast) -> None:
    browser = cast.client("rm")
    assert browser.get("/administrators").status_code == 403
    assert browser.get("/fails?how=refuse").status_code == 403
    with cast.acting("rm"):
        kept = Entry.objects.filter(action="refused").order_by("id").values_list("object", flat=True)
        assert list(kept) == ["settings.change", "customers.import"]
    assert Staff.objects.get(pk=cast.rm.pk).title == ""


@pytest.mark.parametrize("how", ["500", "404", "409", "raise"])
def test_an_answer_that_reports_a_failure_undoes_what_was_written(cast: Cast, how: str) -> None:
    browser = cast.client("rm", raise_request_exception=False)
    assert browser.get(f"/fails?how={how}").status_code >= 400
    assert Staff.objects.get(pk=cast.rm.pk).title == ""


def test_fragments_of_a_signed_out_page_send_the_page_to_sign_in(cast: Cast) -> None:
    answer = Client().get("/", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/customers/"})
    assert answer.status_code == 204
    assert answer["HX-Redirect"].startswith("/sign-in/?next=")


def test_the_api_says_what_is_wrong_as_problems_and_takes_tokens(cast: Cast, owner: Role) -> None:
    from zhike.people.tokens import give

    nobody = Client().get("/api/v1/who")
    assert (nobody.status_code, nobody["Content-Type"]) == (401, "application/problem+json")
    with owner():
        token = give(cast.rm, "test", NOW, days=30)
    program = Client(headers={"Authorization": f"Bearer {token}"})
    assert program.get("/api/v1/who").content.decode() == "林晓 ['rm']"
    assert program.post("/api/v1/who").status_code == 200
    assert program.get("/").status_code == 302  # pages take no tokens
    with clock.at(NOW + timedelta(days=31)):
        assert program.get("/api/v1/who").status_code == 401
    with cast.acting("rm"), connection.cursor() as cursor:
        cursor.execute("UPDATE people_token SET revoked_at = %s", [NOW])
    assert program.get("/api/v1/who").status_code == 401
    wrong = Client(headers={"Authorization": "Bearer zk_nonsense"})
    assert wrong.get("/api/v1/who").status_code == 401


def test_a_program_is_asked_for_no_second_factor(cast: Cast, owner: Role) -> None:
    """A token is what an operator gives out; nobody can type a code for it, whatever roles the bank has named."""
    with owner():
        token = tokens.give(cast.rm, "import", clock.now(), days=30)
    program = Client(headers={"Authorization": f"Bearer {token}"})
    assert program.get("/api/v1/who").status_code == 200
    demand_second_factor(owner)
    assert cast.client("rm").get("/api/v1/who").status_code == 403
    assert program.get("/api/v1/who").status_code == 200


def test_the_api_with_a_cookie_wants_the_csrf_token(cast: Cast) -> None:
    browser = cast.client("rm", enforce_csrf_checks=True)
    assert browser.get("/api/v1/who").status_code == 200
    assert browser.post("/api/v1/who").status_code == 403
    browser.cookies["csrftoken"] = token = "a" * 32
    assert browser.post("/api/v1/who", headers={"X-CSRFToken": token}).status_code == 200


def test_pages_are_not_kept_by_the_browser(cast: Cast) -> None:
    assert cast.client("rm").get("/")["Cache-Control"] == "no-store"


def test_the_language_is_the_readers(cast: Cast, owner: Role) -> None:
    assert "工号" in Client().get("/sign-in/").content.decode()
    assert "Staff number" in Client(headers={"Accept-Language": "en"}).get("/sign-in/").content.decode()
    with owner():
        Staff.objects.filter(pk=cast.rm.pk).update(language="en")
    refused = cast.client("rm").get("/api/v1/who")
    assert refused.status_code == 200


def with_authenticator(cast: Cast) -> None:
    from allauth.mfa.totp.internal.auth import TOTP

    TOTP.activate(cast.rm, SECRET)


def half_signed_in() -> Client:
    browser = Client()
    assert sign_in(browser, "1001")["Location"] == "/sign-in/code/"
    return browser


def early_in_the_half_minute() -> None:
    """A code that is asked for twice must not have run out in between."""
    while time.time() % 30 > 25:
        time.sleep(0.5)


def test_a_code_opens_once_whichever_process_it_reaches(cast: Cast, owner: Role, settings: Settings) -> None:
    settings.CACHES = EACH_PROCESS_ITS_OWN
    with owner():
        with_authenticator(cast)
    one, other = half_signed_in(), half_signed_in()
    early_in_the_half_minute()
    code = code_of(SECRET)
    assert one.post("/sign-in/code/", {"code": code}).status_code == 302
    again = other.post("/sign-in/code/", {"code": code})
    assert again.status_code == 200
    assert "用过" in again.content.decode()
    assert other.get("/").status_code == 302
    # Nor does it show once more that somebody is who they are.
    assert one.post("/me/again/code/", {"code": code}).status_code == 200


def test_codes_asked_for_in_a_session_cannot_be_tried_through(cast: Cast, owner: Role) -> None:
    with owner():
        with_authenticator(cast)
    browser = cast.client("rm")
    answers = [browser.post("/me/again/code/", {"code": "000000"}).status_code for _ in range(6)]
    assert answers == [200, 200, 200, 200, 429, 429]
    assert browser.get("/").status_code == 200


def test_the_code_that_sets_an_authenticator_up_opens_nothing_afterwards(cast: Cast, owner: Role) -> None:
    browser = Client()
    sign_in(browser, "1001")
    asked = browser.get("/me/second-factor/on/")
    if asked.status_code == 302:  # as above
        browser.post(asked["Location"], {"password": PASSWORD})
        asked = browser.get("/me/second-factor/on/")
    secret = shown_secret(asked)
    early_in_the_half_minute()
    code = code_of(secret)
    assert browser.post("/me/second-factor/on/", {"code": code}).status_code == 302
    with owner():
        assert Entry.objects.filter(object="mfa_authenticator", action="insert", actor_id=cast.rm.pk).exists()
    other = half_signed_in()
    assert "用过" in other.post("/sign-in/code/", {"code": code}).content.decode()
    assert other.get("/").status_code == 302


def test_a_password_alone_takes_no_second_factor_away(cast: Cast, owner: Role) -> None:
    with owner():
        with_authenticator(cast)
    desk = cast.client("rm")
    assert desk.post("/me/second-factor/off/")["Location"].startswith("/me/again/code/")
    assert desk.post("/me/again/", {"password": PASSWORD})["Location"].startswith("/me/again/code/")
    assert desk.post("/me/second-factor/off/").status_code == 302
    with owner():
        assert Authenticator.objects.count() == 1
    early_in_the_half_minute()
    assert desk.post("/me/again/code/", {"code": code_of(SECRET)}).status_code == 302
    assert desk.post("/me/second-factor/off/").status_code in {302, 404}  # resumed already, or done now
    with owner():
        assert not Authenticator.objects.exists()
        assert Entry.objects.filter(object="mfa_authenticator", action="delete", actor_id=cast.rm.pk).exists()


@pytest.mark.parametrize("number", ["9" * 300, "1" * 10_000], ids=len)
def test_a_number_that_nobody_can_have_is_wrong_like_any_other(cast: Cast, number: str) -> None:
    answer = sign_in(Client(), number)
    assert (answer.status_code, "工号或密码" in answer.content.decode()) == (200, True)
