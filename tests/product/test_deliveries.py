"""Deliveries on pages and through the API: what may be told, by whom; the way from hand to hand; what PostgreSQL keeps by itself; files."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.db.utils import DatabaseError

from tests.cast import Cast
from tests.files import PNG
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.conduct.measure import Deliveries
from zhike.conduct.measure import deliveries as measured
from zhike.conduct.words import Refused
from zhike.documents.models import Document
from zhike.obligations.models import Obligation
from zhike.obligations.stops import hand_over
from zhike.people.models import Leave
from zhike.work import deliveries
from zhike.work.deliveries import Unfit
from zhike.work.models import Delivery

from .api import NOW, Program, at

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
HOUR = timedelta(hours=1)
DRAWN = "data:image/png;base64," + base64.b64encode(PNG).decode()


@pytest.fixture(autouse=True)
def _monday() -> Any:
    with clock.at(NOW):
        yield


def entered(cast: Cast, what: str = "结息凭证", who: str = "rm", hours: int = 3) -> Delivery:
    with cast.acting(who) as actor:
        customer = cast.customers[who][0].pk
        return deliveries.enter(customer, what, NOW + hours * HOUR, actor=actor, now=NOW, bank=Bank())


def do(cast: Cast, who: str, verb: Any, row: Delivery, *args: Any, **more: Any) -> Delivery:
    with cast.acting(who) as actor:
        held = Delivery.objects.held(row.pk, actor)
        assert held
        return verb(held, *args, actor=actor, now=NOW + HOUR, bank=Bank(), **more)


def owner_of(cast: Cast, row: Delivery, who: str) -> int:
    with cast.acting(who):
        return Obligation.objects.get(subject=row.subject, kind="delivery").owner_id


def test_what_cannot_be_is_said_at_its_field(cast: Cast) -> None:
    own, foreign = cast.customers["rm"][0].pk, cast.customers["mate"][0].pk
    for field, customer, what, hours in (
        ("customer", foreign, "单据", 1),
        ("what", own, " ", 1),
        ("due", own, "单据", 0),
        ("due", own, "单据", 24 * 800),
    ):
        with cast.acting("rm") as actor, pytest.raises(Unfit) as refused:
            deliveries.enter(customer, what, NOW + hours * HOUR, actor=actor, now=NOW, bank=Bank())
        assert refused.value.field == field
    row = entered(cast)
    for field, how, more in (
        ("received_by", "typed", {"received_by": " ", "confirmed": True}),
        ("how", "guess", {}),
        ("confirmed", "typed", {}),
        ("drawn", "signed", {}),
        ("drawn", "signed", {"picture": b"%PDF-1.7 no picture"}),
        ("photo", "photo", {"picture": b"<script>alert(1)</script>"}),
    ):
        with pytest.raises(Unfit) as refused:
            do(cast, "rm", deliveries.deliver, row, more.pop("received_by", "王芳"), how=how, **more)
        assert refused.value.field == field
    for field, kind, words, due in (
        ("kind", "taken", "x", NOW + 5 * HOUR),
        ("words", "nobody", "", NOW + 5 * HOUR),
        ("due", "refused", "x", None),
        ("due", "refused", "x", NOW),
    ):
        with pytest.raises(Unfit) as refused:
            do(cast, "rm", deliveries.come_back, row, kind, words, due)
        assert refused.value.field == field
    with pytest.raises(Unfit):
        do(cast, "rm", deliveries.hand_on, row, cast.stranger.pk)
    with pytest.raises(Unfit):
        do(cast, "rm", deliveries.call_off, row, "")


def test_from_hand_to_hand_and_into_the_customers_file(cast: Cast) -> None:
    """The colleague does not see the customer: they carry, owe and file the receipt all the same, and see it no more once it is over."""
    row = entered(cast)
    assert (owner_of(cast, row, "rm"), cast.client("mate").get(f"/work/deliveries/{row.pk}/").status_code) == (
        cast.rm.pk,
        404,
    )
    do(cast, "rm", deliveries.hand_on, row, cast.mate.pk)
    page = cast.client("mate").get(f"/work/deliveries/{row.pk}/").content.decode()
    assert "已拿到手" in page
    assert row.recipient in page
    assert f"/customers/{row.customer_id}/" not in page
    with pytest.raises(Refused):
        do(cast, "rm", deliveries.accept, row)
    do(cast, "mate", deliveries.accept, row)
    assert owner_of(cast, row, "mate") == cast.mate.pk
    today = cast.client("mate").get("/").content.decode()
    assert f"送达 {row.recipient}：结息凭证" in today
    assert f"/work/deliveries/{row.pk}/" in today
    with pytest.raises(Refused):
        do(cast, "rm", deliveries.call_off, row, "不送了")
    browser = cast.client("mate", NOW + HOUR)
    with clock.at(NOW + HOUR):
        done = browser.post(
            f"/work/deliveries/{row.pk}/receive/", {"received_by": "王芳", "how": "signed", "drawn": DRAWN}
        )
    assert done.status_code == 303
    with cast.acting("rm"):
        row = Delivery.objects.get(pk=row.pk)
        filed = Document.objects.get(pk=row.receipt_id)
        assert (filed.customer_id, filed.by_id, filed.keeper) == (row.customer_id, cast.mate.pk, cast.rm.pk)
        assert Obligation.objects.get(subject=row.subject).state == "done"
    assert f"/documents/{filed.pk}/" in cast.client("rm").get(f"/work/deliveries/{row.pk}/").content.decode()
    assert f"/documents/{filed.pk}/" not in browser.get(f"/work/deliveries/{row.pk}/").content.decode()
    with cast.acting("mate"):
        assert not Document.objects.filter(pk=filed.pk).exists()


def test_an_offer_is_taken_back_and_a_new_manager_takes_the_paper(cast: Cast, owner: Role) -> None:
    row = entered(cast)
    do(cast, "rm", deliveries.hand_on, row, cast.mate.pk)
    do(cast, "rm", deliveries.keep, row)
    assert cast.client("mate").get(f"/work/deliveries/{row.pk}/").status_code == 404
    customer = cast.customers["rm"][0]
    with owner():
        type(customer).objects.filter(pk=customer.pk).update(rm=cast.mate)
        hand_over(customer, cast.rm.pk, cast.mate.pk, None, NOW)
    assert owner_of(cast, row, "mate") == cast.mate.pk
    do(cast, "mate", deliveries.take, row)
    with cast.acting("mate"):
        assert Delivery.objects.get(pk=row.pk).holder_id == cast.mate.pk
    assert cast.client("rm").get(f"/work/deliveries/{row.pk}/").status_code == 404


def test_postgresql_keeps_it_too(cast: Cast) -> None:
    """What goes to whom stays; nobody puts a paper into another's hand, nor files with a customer of whom they carry nothing."""
    row = entered(cast)
    with pytest.raises(DatabaseError), transaction.atomic(), cast.acting("rm"):
        Delivery.objects.filter(pk=row.pk).update(recipient="别人")
    with pytest.raises(DatabaseError), transaction.atomic(), cast.acting("mate"):
        Delivery.objects.create(
            customer_id=row.customer_id, recipient="x", what="x", due=NOW, by=cast.mate, made_at=NOW, holder=cast.mate
        )
    with cast.acting("mate"), connection.cursor() as cursor:
        assert not Delivery.objects.filter(pk=row.pk).update(holder=cast.mate)
        cursor.execute(
            "SELECT work_carries(%s), (SELECT count(*) FROM work_delivered_to(%s))", [row.customer_id, row.pk]
        )
        assert cursor.fetchone() == (False, 0)


def test_the_form_enters_and_a_photo_or_a_name_receives(cast: Cast) -> None:
    rm, name = cast.client("rm"), cast.customers["rm"][0].name
    asked = {"what": "结算单据", "customer_name": name, "day": "2026-03-03", "time": "17:00"}
    wrong = rm.post("/work/deliveries/new/", {**asked, "customer_name": "没有这个人"})
    assert wrong.status_code == 422
    assert "结算单据" in wrong.content.decode()
    here = rm.post("/work/deliveries/new/", asked)["Location"]
    photo = SimpleUploadedFile("收条.png", PNG, "image/png")
    wrong = rm.post(f"{here}receive/", {"received_by": "王芳", "how": "photo"})
    assert wrong.status_code == 422
    assert "王芳" in wrong.content.decode()
    assert rm.post(f"{here}receive/", {"received_by": "王芳", "how": "photo", "photo": photo}).status_code == 303
    assert rm.post(f"{here}receive/", {"received_by": "王芳", "how": "typed", "confirmed": "1"}).status_code == 409
    there = rm.post("/work/deliveries/new/", asked)["Location"]
    assert rm.post(f"{there}receive/", {"received_by": "李四", "how": "typed", "confirmed": "1"}).status_code == 303
    page = rm.get(there).content.decode()
    assert "李四 签收" in page
    assert "经手人键入姓名" in page


def test_the_list_is_narrowed_by_its_address_and_leaves_as_a_file(cast: Cast, owner: Role) -> None:
    done = entered(cast, "=HYPERLINK(1)")
    do(cast, "rm", deliveries.deliver, done, "王芳", how="typed", confirmed=True)
    entered(cast)
    entered(cast, who="mate")
    rm = cast.client("rm")
    table = rm.get("/work/deliveries/").content.decode().partition("<tbody>")[2]
    assert "结息凭证" in table
    assert "HYPERLINK" not in table
    assert "HYPERLINK" in rm.get("/work/deliveries/?state=delivered").content.decode().partition("<tbody>")[2]
    page = rm.get("/work/deliveries/?state=all").content.decode()
    assert page.count("<tr>") == 3
    assert "按时送达 1/1" in page
    assert cast.client("leader").get("/work/deliveries/?of=team").content.decode().count("<tr>") == 3
    csv = rm.get("/work/deliveries/?state=all&as=csv").content.decode("utf-8-sig")
    assert len(csv.splitlines()) == 3
    assert "'=HYPERLINK" in csv
    assert rm.get("/work/deliveries/?as=xlsx").content[:2] == b"PK"
    with owner(), connection.cursor() as cursor:
        cursor.execute("SELECT object, changes ->> 'rows' FROM trail_entry WHERE action = 'export' ORDER BY id")
        assert cursor.fetchall() == [("work_delivery", "2"), ("work_delivery", "1")]


def test_who_stands_in_takes_no_list_of_a_covered_customers_papers_along(cast: Cast, owner: Role) -> None:
    row = entered(cast, "结息凭证")
    with owner():
        Leave.objects.create(
            staff=cast.rm, from_day=NOW.date(), to_day=NOW.date() + timedelta(days=1), stand_in=cast.stranger,
            asked_by=cast.rm, asked_at=NOW, answer="accepted", answered_by=cast.stranger, answered_at=NOW,
        )  # fmt: skip
    browser, asked = cast.client("stranger"), f"/work/deliveries/?customer={row.customer_id}"
    assert "结息凭证" in browser.get(asked).content.decode()
    assert "结息凭证" not in browser.get(f"{asked}&as=csv").content.decode("utf-8-sig")
    assert "结息凭证" in cast.client("rm").get(f"{asked}&as=csv").content.decode("utf-8-sig")


def test_programs_send_once_and_write_over_nothing(cast: Cast, worker: Role) -> None:
    with clock.at(NOW):
        with worker():
            programs = Program(cast, "rm"), Program(cast, "mate")
        rm, mate = programs
        body = {"customer": str(cast.customers["rm"][0].pk), "what": "对账单", "due": at(180)}
        made = rm.post("deliveries", body, **{"Idempotency-Key": "one"})
        assert rm.post("deliveries", body, **{"Idempotency-Key": "one"})["id"] == made["id"]
        back = {"kind": "refused", "words": "抬头不对", "due": at(300)}
        assert rm.send("post", f"deliveries/{made['id']}/return", back, **{"If-Match": '"7"'}).status_code == 412
        came = rm.send("post", f"deliveries/{made['id']}/return", back, **{"If-Match": '"1"'})
        assert (came.status_code, came["ETag"], json.loads(came.content)["version"]) == (200, '"2"', 2)
        assert [each["id"] for each in rm.get("deliveries?state=to_carry")["items"]] == [made["id"]]
        assert (mate.get("deliveries")["items"], mate.send("get", f"deliveries/{made['id']}").status_code) == ([], 404)
        assert rm.post(
            f"deliveries/{made['id']}/receipt", {"received_by": "王", "how": "photo", "picture": "§"}, status=422
        )


def test_in_time_late_open_and_overdue_are_counted() -> None:
    """Due at noon: received at noon and at eleven in time, a minute later late; not received after noon overdue; due in the evening open.
    Of the four whose time has told two are in time."""
    noon, now = NOW, NOW + HOUR
    rows = [
        (noon, noon),
        (noon, noon - HOUR),
        (noon, noon + timedelta(minutes=1)),
        (noon, None),
        (noon + 6 * HOUR, None),
    ]
    assert measured(rows, now) == Deliveries(of=5, in_time=2, late=1, open=1, overdue=1)
    assert measured(rows, now).rate == 0.5
    assert measured([], now).rate is None
