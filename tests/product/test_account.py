"""Where somebody is signed in, which programs act for them, and a lock-out lifted early."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.http import HttpResponse
from django.test import Client

from tests.cast import PASSWORD, Cast
from zhike import clock
from zhike.people.models import Setting, Token
from zhike.people.tokens import give
from zhike.trail.models import Entry

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 16, 2, tzinfo=UTC)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36 Edg/120.0"


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


def sign_in(browser: Client, number: str = "1001", password: str = PASSWORD) -> HttpResponse:
    return browser.post("/sign-in/", {"login": number, "password": password})  # type: ignore[return-value]


def lock(number: str = "1001") -> None:
    for _ in range(5):
        sign_in(Client(), number, "wrong")
    assert sign_in(Client(), number).status_code == 429


def shown_again(browser: Client, address: str) -> HttpResponse:
    """The page behind "Is it you?", once the password is given."""
    asked = browser.get(address)
    assert asked.status_code == 302, "it must be asked for"
    assert asked["Location"].startswith("/me/again/")
    assert browser.post(asked["Location"], {"password": PASSWORD}).status_code == 302
    return browser.get(address)  # type: ignore[return-value]


def make(browser: Client, label: str = "晨间报表", days: str = "30") -> str:
    shown_again(browser, "/me/tokens/new/")
    page = browser.post("/me/tokens/new/", {"label": label, "days": days})
    assert page["Cache-Control"] == "no-store"
    found = re.search(r"zk_[\w-]{40,}", page.content.decode())
    assert found
    return found[0]


# The lock-out


def test_an_administrator_opens_a_locked_sign_in(cast: Cast) -> None:
    lock()
    administrator = cast.client("administrator")
    assert "已锁定" in administrator.get("/staff/").content.decode()
    page = administrator.get(f"/staff/{cast.rm.pk}/").content.decode()
    assert re.search(r"1[45] 分钟后自动解除", page)
    opened = administrator.post(f"/staff/{cast.rm.pk}/unlock/", follow=True).content.decode()
    assert "已解除锁定" in opened
    assert "自动解除" not in opened
    assert sign_in(Client()).status_code == 302
    with cast.acting("rm"):  # who is concerned sees it too
        assert Entry.objects.filter(action="unlock", row_id=cast.rm.pk, actor_id=cast.administrator.pk).count() == 1
    assert "解除登录锁定" in cast.client("rm").get("/me/").content.decode()


@pytest.mark.parametrize("who", ["rm", "leader", "branch_leader", "marketing", "compliance", "risk", "auditor"])
def test_nobody_else_opens_it(cast: Cast, who: str) -> None:
    lock()
    assert cast.client(who).post(f"/staff/{cast.rm.pk}/unlock/").status_code == 403
    assert cast.client(who).post(f"/api/v1/staff/{cast.rm.pk}/unlock").status_code == 403
    assert "已锁定" not in cast.client(who).get("/staff/").content.decode()
    assert sign_in(Client()).status_code == 429


def test_a_sign_in_that_is_not_locked_and_ones_own_are_refused(cast: Cast) -> None:
    administrator = cast.client("administrator")
    refused = administrator.post(f"/staff/{cast.rm.pk}/unlock/")
    assert (refused.status_code, "未被锁定" in refused.content.decode()) == (422, True)
    lock("1011")
    own = administrator.post(f"/staff/{cast.administrator.pk}/unlock/")
    assert (own.status_code, "另一位管理员" in own.content.decode()) == (422, True)
    assert administrator.post("/staff/999999/unlock/").status_code == 404


def test_a_program_of_the_administrator_opens_it(cast: Cast) -> None:
    lock()
    answer = cast.client("administrator").post(f"/api/v1/staff/{cast.rm.pk}/unlock")
    assert answer.json() == {"id": str(cast.rm.pk), "locked_until": None}
    assert sign_in(Client()).status_code == 302


def test_failures_from_several_places_lock_until_enough_of_them_are_old(cast: Cast) -> None:
    from django.utils import timezone

    from zhike.conduct.bank import Bank
    from zhike.people.lockout import until

    sign_in(Client(REMOTE_ADDR="10.0.0.1"), "1001", "wrong")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE axes_accessattempt SET attempt_time = attempt_time - interval '10 minutes'")
    for _ in range(4):
        sign_in(Client(REMOTE_ADDR="10.0.0.2"), "1001", "wrong")
    locked = until(["1001", "1002"], timezone.now(), Bank())
    assert set(locked) == {"1001"}
    assert timedelta(minutes=4) < locked["1001"] - timezone.now() < timedelta(minutes=5)


# Sessions


def test_ones_browsers_are_listed_and_ended(cast: Cast) -> None:
    here, there = Client(headers={"User-Agent": EDGE}), Client(headers={"User-Agent": FIREFOX})
    sign_in(here)
    sign_in(there)
    page = here.get("/me/access/").content.decode()
    assert "Edge · Windows" in page
    assert "Firefox · Linux" in page
    (handle,) = re.findall(r'name="browser" value="(\w+)"', page)  # the present one has no such button
    cookie = there.cookies["zhike_session"].value
    assert handle not in cookie
    assert here.post("/me/access/end/", {"browser": handle}).status_code == 303
    assert there.get("/me/").status_code == 302
    assert here.get("/me/").status_code == 200
    with cast.acting("rm"):
        assert Entry.objects.filter(action="end_sessions", row_id=cast.rm.pk).count() == 1


def test_signing_out_everywhere_leaves_no_browser(cast: Cast) -> None:
    here, there, mate = Client(), Client(), cast.client("mate")
    sign_in(here)
    sign_in(there)
    assert here.post("/me/access/end/")["Location"] == "/sign-in/"
    assert [browser.get("/me/").status_code for browser in (here, there, mate)] == [302, 302, 200]


def test_a_handle_of_somebody_else_ends_nothing(cast: Cast) -> None:
    mate = Client()
    sign_in(mate, "1002")
    page = cast.client("administrator").get(f"/staff/{cast.mate.pk}/").content.decode()
    assert "退出登录" in page
    with cast.acting("administrator"), connection.cursor() as cursor:
        cursor.execute("SELECT handle FROM people_sessions(%s)", [cast.mate.pk])
        handle = cursor.fetchone()[0]
    cast.client("rm").post("/me/access/end/", {"browser": handle})
    assert mate.get("/me/").status_code == 200


def test_idle_sessions_are_not_listed_and_forgotten_after_two_days(cast: Cast, worker: Role) -> None:
    from zhike.people.session import forget

    sign_in(Client(headers={"User-Agent": FIREFOX}))
    with clock.at(NOW + timedelta(minutes=16)):
        assert "Firefox" not in cast.client("rm").get("/me/access/").content.decode()
    with worker():
        assert forget(NOW + timedelta(days=1)) == 0
        assert forget(NOW + timedelta(days=3)) >= 1


def test_an_administrator_ends_another_persons_sessions(cast: Cast) -> None:
    lost = cast.client("rm")
    address = f"/staff/{cast.rm.pk}/sessions/end/"
    for who in ("mate", "leader", "compliance", "auditor"):
        assert cast.client(who).post(address).status_code == 403
    assert cast.client("administrator").post(address).status_code == 303
    assert lost.get("/me/").status_code == 302
    with cast.acting("rm"):
        assert Entry.objects.filter(action="end_sessions", actor_id=cast.administrator.pk, row_id=cast.rm.pk).exists()


def test_the_database_shows_nobody_elses_sessions_and_tokens(cast: Cast, owner: Role) -> None:
    cast.client("mate")
    with owner():
        give(cast.mate, "mate's", NOW, days=30)
    with cast.acting("rm"), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM people_sessions(%s)", [cast.mate.pk])
        assert cursor.fetchone()[0] == 0
        cursor.execute("SELECT people_sessions_end(%s, NULL)", [cast.mate.pk])
        assert cursor.fetchone()[0] == 0
        cursor.execute("SELECT count(*) FROM people_token")
        assert cursor.fetchone()[0] == 0
        cursor.execute("UPDATE people_token SET revoked_at = now() WHERE staff_id = %s", [cast.mate.pk])
        assert cursor.rowcount == 0
        with pytest.raises(DatabaseError), transaction.atomic():  # nor makes one in another's name
            cursor.execute(
                "INSERT INTO people_token (staff_id, hash, label, created_at, expires_at) VALUES (%s, 'x', '', now(), now())",
                [cast.mate.pk],
            )
    with (
        cast.acting("administrator"),
        connection.cursor() as cursor,
        pytest.raises(DatabaseError),
        transaction.atomic(),
    ):
        cursor.execute(
            "INSERT INTO people_token (staff_id, hash, label, created_at, expires_at) VALUES (%s, 'x', '', now(), now())",
            [cast.mate.pk],
        )


# Tokens


def test_a_token_is_made_after_showing_who_one_is_used_and_revoked(cast: Cast) -> None:
    browser = cast.client("rm")
    token = make(browser)
    program = Client(headers={"Authorization": f"Bearer {token}"})
    page = browser.get("/me/access/").content.decode()
    assert "晨间报表" in page
    assert token not in page
    assert "2026-04-15" in page  # until when
    assert "尚未使用" in page
    with clock.at(NOW + timedelta(minutes=5)):
        assert program.get("/api/v1/me").json()["number"] == "1001"
        page = browser.get("/me/access/").content.decode()
        assert "10:05" in page
        with cast.acting("rm"):
            found = Token.objects.defer("hash").get()
            entries = Entry.objects.filter(object="people_token").values_list("action", flat=True)
            assert list(entries) == ["insert"]  # its use is no change of it
        assert browser.post(f"/me/tokens/{found.pk}/revoke/").status_code == 303
        assert program.get("/api/v1/me").status_code == 401
        page = browser.get("/me/access/").content.decode()
        assert "已撤销" in page
        assert f"/me/tokens/{found.pk}/revoke/" not in page


def test_making_a_token_is_asked_for_again_after_a_while(cast: Cast) -> None:
    """A browser left open is not enough."""
    browser = cast.client("rm")
    assert browser.post("/me/tokens/new/", {"label": "x", "days": "30"}).status_code == 302
    with cast.acting("rm"):
        assert not Token.objects.exists()


@pytest.mark.parametrize(
    ("label", "days", "says"),
    [
        ("", "30", "名字"),
        ("报表", "0", "1 到 90"),
        ("报表", "91", "1 到 90"),
        ("报表", "soon", "1 到 90"),
        ("字" * 81, "30", "80"),
    ],
)
def test_a_token_without_a_name_or_for_too_long_is_refused(cast: Cast, label: str, days: str, says: str) -> None:
    browser = cast.client("rm")
    shown_again(browser, "/me/tokens/new/")
    refused = browser.post("/me/tokens/new/", {"label": label, "days": days})
    assert (refused.status_code, says in refused.content.decode()) == (422, True)
    with cast.acting("rm"):
        assert not Token.objects.exists()


def test_how_long_a_token_lasts_and_how_many_there_are_is_bounded(cast: Cast, owner: Role) -> None:
    with owner():
        Setting.objects.create(name="token_days", value=7, from_day=date(2026, 3, 1), at=NOW)
        for number in range(20):
            give(cast.rm, f"{number}", NOW, days=7)
    browser = cast.client("rm")
    assert 'value="7"' in shown_again(browser, "/me/tokens/new/").content.decode()
    for days, says in (("8", "1 到 7"), ("7", "20")):
        assert says in browser.post("/me/tokens/new/", {"label": "报表", "days": days}).content.decode()


def test_an_administrator_revokes_another_persons_token_and_makes_none(cast: Cast, owner: Role) -> None:
    with owner():
        token = give(cast.rm, "晨间报表", NOW, days=30)
    program = Client(headers={"Authorization": f"Bearer {token}"})
    with cast.acting("rm"):
        number = Token.objects.defer("hash").get().pk
    address = f"/staff/{cast.rm.pk}/tokens/{number}/revoke/"
    for who in ("mate", "leader", "compliance", "auditor"):
        assert cast.client(who).post(address).status_code == 403
        assert cast.client(who).post(f"/me/tokens/{number}/revoke/").status_code == 404
    administrator = cast.client("administrator")
    assert "晨间报表" in administrator.get(f"/staff/{cast.rm.pk}/").content.decode()
    assert administrator.post(f"/staff/{cast.mate.pk}/tokens/{number}/revoke/").status_code == 404
    assert administrator.post(address).status_code == 303
    assert program.get("/api/v1/me").status_code == 401
    with cast.acting("rm"):
        entry = Entry.objects.get(action="revoke", row_id=cast.rm.pk, actor_id=cast.administrator.pk)
        assert entry.changes == {"token": "晨间报表"}


def test_programs_see_and_end_what_people_do(cast: Cast, owner: Role) -> None:
    with owner():
        token, other = (give(cast.rm, label, NOW, days=30) for label in ("one", "other"))
        give(cast.mate, "mate's", NOW, days=30)
    browser = cast.client("rm")
    program = Client(headers={"Authorization": f"Bearer {token}"})
    listed = program.get("/api/v1/me/tokens").json()["items"]
    assert [row["label"] for row in listed] == ["other", "one"]
    assert "hash" not in str(listed)
    assert listed[1]["used_at"]
    revoked = program.post(f"/api/v1/me/tokens/{listed[0]['id']}/revocation").json()
    assert revoked["revoked_at"]
    assert Client(headers={"Authorization": f"Bearer {other}"}).get("/api/v1/me").status_code == 401
    foreign = program.post("/api/v1/me/tokens/999999/revocation")
    assert foreign.status_code == 404
    assert len(program.get("/api/v1/me/sessions").json()["items"]) == 1
    assert program.post("/api/v1/me/sessions/end").json() == {"ended": 1}
    assert browser.get("/me/").status_code == 302
    assert program.get("/api/v1/me").status_code == 200
