"""Idempotency-Key: what is sent again is answered again and done once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from tests.cast import Cast, seat
from tests.conftest import Database
from tests.product.api import NOW, Program
from zhike import clock
from zhike.customers.models import Customer
from zhike.trail.models import Entry

Role = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def rm(cast: Cast, worker: Role) -> Program:
    with worker():
        return Program(cast, "rm")


def plan(cast: Cast, words: str = "") -> dict[str, Any]:
    return {"kind": "reception", "customer": str(cast.customers["rm"][0].pk), "purpose_words": words}


@pytest.mark.django_db
def test_the_same_key_is_answered_as_before(cast: Cast, rm: Program) -> None:
    key = {"Idempotency-Key": "a-1"}
    first = rm.send("post", "contacts", plan(cast), **key)
    again = rm.send("post", "contacts", plan(cast), **key)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(rm.get("contacts")["items"]) == 1
    other = rm.post("contacts", plan(cast, "另一件"), status=422, **key)
    assert other["type"] == "urn:zhike:problem:key-reused"
    rm.post(f"contacts/{first.json()['id']}/start", status=422, **key)


@pytest.mark.django_db
def test_what_failed_may_be_tried_anew_with_its_key(cast: Cast, rm: Program) -> None:
    key = {"Idempotency-Key": "a-2"}
    contact = rm.post("contacts", {**plan(cast), "kind": "visit"})
    path = f"contacts/{contact['id']}/start"
    rm.post(path, {}, status=422, **key)
    assert rm.post(path, {"surprise_reason": "路过"}, **key)["state"] == "under_way"


@pytest.mark.django_db
def test_a_key_is_its_staff_members_own_and_what_is_kept_is_sealed(cast: Cast, rm: Program, worker: Role) -> None:
    with worker():
        mate = Program(cast, "mate")
    key = {"Idempotency-Key": "a-3"}
    mine = rm.post("contacts", plan(cast, "只有我知道"), **key)
    assert mate.send("post", "contacts", plan(cast, "只有我知道"), **key).status_code == 404
    theirs = mate.post("contacts", {**plan(cast), "customer": str(cast.customers["mate"][0].pk)}, **key)
    assert theirs["id"] != mine["id"]
    with cast.acting("mate"), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM api_answer")
        assert cursor.fetchone() == (1,)
    with worker(), connection.cursor() as cursor:
        cursor.execute("SELECT body FROM api_answer")
        assert not [body for (body,) in cursor.fetchall() if "只有我知道" in body or "customer" in body]


@pytest.mark.django_db
def test_answers_are_kept_for_a_day_and_then_go(cast: Cast, rm: Program) -> None:
    with clock.at(NOW):
        rm.post("contacts", plan(cast), **{"Idempotency-Key": "old"})
    with clock.at(NOW + timedelta(hours=25)):
        rm.post("contacts", plan(cast), **{"Idempotency-Key": "old"})
    with clock.at(NOW + timedelta(hours=50)):
        rm.post("contacts", plan(cast), **{"Idempotency-Key": "new"})
        with cast.acting("rm"), connection.cursor() as cursor:
            cursor.execute("SELECT key FROM api_answer")
            assert cursor.fetchall() == [("new",)]
    assert len(rm.get("contacts")["items"]) == 2


def prepared(database: Database) -> tuple[Cast, Program]:
    """The cast in a database of its own, committed; made by the role that may."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE zhike_owner")
        cast = seat()
        Customer.objects.update(mobile_index=b"known")
        program = Program(cast, "rm")
    return cast, program


def at_once(count: int, do: Callable[[int], Any]) -> list[Any]:
    """Does it in so many threads at the same time, each on its own connection."""
    together, results = Barrier(count), [None] * count

    def run(number: int) -> None:
        together.wait()
        try:
            results[number] = do(number)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_with_one_key_at_once_do_it_once(database: Database) -> None:
    cast, program = prepared(database)
    body = plan(cast)
    token = {"Idempotency-Key": "at-once"}
    answers = at_once(4, lambda _number: twin(program).send("post", "contacts", body, **token))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    with psycopg.connect(database.url("zhike_worker")) as other:
        assert other.execute("SELECT count(*) FROM contacts_contact").fetchone() == (1,)


def test_of_two_clicks_without_a_key_one_comes_second(database: Database) -> None:
    cast, program = prepared(database)
    contact = program.post("contacts", plan(cast))
    program.post(f"contacts/{contact['id']}/start")
    answers = at_once(3, lambda _number: twin(program).send("post", f"contacts/{contact['id']}/end", {}))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    thanks = next(each for each in program.get("obligations")["items"] if each["kind"] == "thanks")
    how = {"channel": "sms", "introduces": True}
    answers = at_once(3, lambda _number: twin(program).send("post", f"obligations/{thanks['id']}/completion", how))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]


def test_of_two_clicks_on_a_page_one_comes_second(database: Database) -> None:
    """Two windows, the same button: the talk ends once, the obligation is done once, what comes next is planned once."""
    cast, program = prepared(database)
    contact = program.post("contacts", plan(cast))["id"]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE zhike_owner")
        windows = [cast.client("rm") for _ in range(3)]

    def click(address: str, form: dict[str, str]) -> list[int]:
        return sorted(answer.status_code for answer in at_once(3, lambda n: windows[n].post(address, form)))

    assert click(f"/contacts/{contact}/start/", {}) == [303, 409, 409]
    assert at_once(3, lambda n: windows[n].post(f"/contacts/{contact}/jot/", {"words": f"第{n}句"}))
    assert len(program.get(f"contacts/{contact}")["notes"]) == 3
    assert click(f"/contacts/{contact}/end/", {}) == [303, 409, 409]
    thanks = next(each for each in program.get("obligations")["items"] if each["kind"] == "thanks")
    how = {"channel": "sms", "introduces": "yes", "next": "1w"}
    assert click(f"/obligations/{thanks['id']}/done/", how) == [303, 409, 409]
    with psycopg.connect(database.url("zhike_worker")) as other:
        facts = "SELECT count(*) FROM obligations_fact WHERE kind IN ('reception_ended', 'message_sent')"
        assert other.execute(facts).fetchone() == (2,)
        assert other.execute("SELECT meetings FROM customers_acquaintance").fetchall() == [(1,)]
        assert other.execute("SELECT count(*) FROM contacts_contact").fetchone() == (2,)


def test_of_two_who_ask_for_the_same_at_once_one_comes_second(database: Database) -> None:
    """A second request for one thing could stand beside the first, and be approved after it."""
    cast, _program = prepared(database)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE zhike_owner")
        windows = [cast.client(who) for who in ("administrator", "second_administrator", "compliance")]
    form = {"from_day": f"{clock.now().date() + timedelta(days=9)}", "reason": "多数客户要求更宽"}
    for value in range(20, 24):
        answers = at_once(3, lambda n, v=value: windows[n].post("/settings/callback_tolerance/", {"value": v, **form}))
        assert sorted(answer.status_code for answer in answers) == [303, 422, 422]
        assert "已有待审批" in next(answer for answer in answers if answer.status_code == 422).content.decode()
        with psycopg.connect(database.url("zhike_worker"), autocommit=True) as other:
            standing = "UPDATE people_approval SET asked_at = asked_at - interval '48 hours' WHERE decision = 'open'"
            assert other.execute(standing).rowcount == value - 19


def twin(program: Program) -> Program:
    """The same program over another connection."""
    other = object.__new__(Program)
    other.authorization, other.http = (
        program.authorization,
        type(program.http)(headers={"Authorization": program.authorization}),
    )
    return other


@pytest.mark.django_db
def test_a_number_is_shown_anew_or_not_at_all(cast: Cast, rm: Program, owner: Role) -> None:
    """A key that is sent again is no way around the day's number, the trail, or the end of one's time with a customer."""
    one, key = cast.customers["rm"][0], {"Idempotency-Key": "shown"}
    with cast.acting("rm", NOW) as actor:
        one.learn("mobile", "13898761234", source="contact", actor=actor, now=NOW)
    path, asked = f"customers/{one.pk}/reveal", {"field": "mobile"}
    for shown in (1, 2):
        assert rm.post(path, asked, **key)["value"] == "13898761234"
        with owner():
            assert Entry.objects.filter(action="reveal").count() == shown
    with owner():
        Customer.objects.filter(pk=one.pk).update(rm=cast.stranger, unit=cast.units["lujiazui"])
    assert rm.send("post", path, asked, **key).status_code == 404
