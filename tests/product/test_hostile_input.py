"""What no page ever sends: every page answers it with a sentence, never with a fault of ours."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client

from tests.cast import Cast
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.contacts import course
from zhike.contacts.models import Contact, Draft
from zhike.people.models import Approval
from zhike.people.tables import open_table

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
NUMBERS = ["9" * 5000, "9" * 30, "--5", "²", "１２", "-0", "1e3"]


@pytest.fixture
def at():
    with clock.at(NOW):
        yield NOW


@pytest.fixture
def rm(cast: Cast, at: datetime) -> Client:
    return cast.client("rm", at)


def held(cast: Cast) -> Contact:
    with cast.acting("rm", NOW) as actor:
        contact = course.plan(cast.customers["rm"][0], "reception", actor=actor, now=NOW)
        course.start(contact, actor=actor, now=NOW - timedelta(minutes=20), bank=Bank())
        course.end(contact, actor=actor, now=NOW, bank=Bank())
    return contact


@pytest.mark.parametrize("said", NUMBERS, ids=lambda said: said[:6])
@pytest.mark.parametrize(
    ("who", "address"),
    [
        ("rm", "/customers/?rm={}"),
        ("rm", "/customers/?after=x~{}"),
        ("rm", "/me/?before={}"),
        ("rm", "/workdays/?year={}"),
        ("rm", "/staff/?unit={}"),
        ("auditor", "/trail/?before={}"),
        ("auditor", "/trail/?customer={}"),
    ],
)
def test_a_number_that_is_none_in_an_address(cast: Cast, at: datetime, who: str, address: str, said: str) -> None:
    assert cast.client(who, at).get(address.format(said)).status_code == 200


@pytest.mark.parametrize("said", ["1e999999", "-1e-999999", "0e999999", "NaN", "Infinity"])
def test_an_amount_that_is_none_in_an_address(rm: Client, said: str) -> None:
    answer = rm.get(f"/customers/?sort=assets&after={said}~1")
    assert "张伟明" in answer.content.decode(), "a damaged address begins at the beginning"


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "9999-12-27", "2101-01-01", "yesterday"])
def test_a_week_that_no_calendar_has_is_this_week(rm: Client, day: str) -> None:
    answer = rm.get(f"/schedule/?from={day}")
    assert answer.status_code == 200
    assert "3月2日" in answer.content.decode()


@pytest.mark.parametrize("said", NUMBERS, ids=lambda said: said[:6])
def test_a_number_that_is_none_in_a_form(cast: Cast, rm: Client, said: str) -> None:
    customer = cast.customers["rm"][0].pk
    assert rm.post("/customers/differences/", {"difference": said, "take": "1"}).status_code == 422
    form = {"when": "past", "day": "2026-03-02", "time": "13:00", "minutes": said, "purpose": "care"}
    assert rm.post(f"/customers/{customer}/new/reception/", form).status_code < 500
    contact = held(cast)
    assert rm.post(f"/contacts/{contact.pk}/start/", {"for": said}).status_code < 500


@pytest.mark.parametrize("address", ["/customers/?tier=%00", "/?sort=%00", "/search/?for=a%00b", "/me/?%00=1"])
def test_a_nul_in_an_address_is_a_damaged_request(rm: Client, address: str) -> None:
    assert rm.get(address).status_code == 400


def test_a_nul_in_a_form_is_a_damaged_request(cast: Cast, rm: Client) -> None:
    customer, contact = cast.customers["rm"][0].pk, held(cast)
    assert rm.post(f"/customers/{customer}/needs/", {"kind": "loan", "words": "a\0b"}).status_code == 400
    assert rm.post(f"/contacts/{contact.pk}/ready/", {"tick": "a\0b"}).status_code == 400


def test_a_field_of_a_form_that_is_too_long_is_refused_and_said_how_long(cast: Cast, rm: Client) -> None:
    customer = cast.customers["rm"][0]
    form = {"customer": customer.pk, "recipient": "张总", "what": "字" * 20_001, "day": "2026-03-05"}
    answer = rm.post("/work/deliveries/new/", form)
    assert answer.status_code == 413
    assert "有一栏填了 20,001 字，最多 20,000 字" in answer.content.decode()
    assert rm.post("/work/deliveries/new/", {**form, "what": "字" * 20_000}).status_code != 413


@pytest.mark.parametrize("value", ["\0", "\ud800"])
def test_a_draft_of_what_cannot_be_kept_is_refused_and_the_one_before_stays(cast: Cast, rm: Client, value: str) -> None:
    contact = held(cast)
    address = f"/contacts/{contact.pk}/draft/"
    kept = {"values": [["words", "谈了理财"]]}
    assert rm.post(address, json.dumps(kept), content_type="application/json").status_code == 200
    broken = json.dumps({"values": [["words", value]]})
    assert rm.post(address, broken, content_type="application/json").status_code == 400
    deep = '{"values":' + "[" * 20_000 + "]" * 20_000 + "}"
    assert rm.post(address, deep, content_type="application/json").status_code == 400
    with cast.acting("rm", NOW):
        assert Draft.objects.get(contact=contact).values == kept["values"]


def test_no_contact_is_fixed_for_another_age(cast: Cast, rm: Client) -> None:
    """A year typed wrong is said at once, wherever a contact, a call-back or a promise gets its day."""
    customer = cast.customers["rm"][0].pk
    form = {"place": "客户公司", "purpose": "care", "time": "10:00"}
    for day in ("9999-12-31", "2028-06-01"):
        for kind, how in (("visit", "agree"), ("reception", "plan"), ("call", "plan")):
            answer = rm.post(f"/customers/{customer}/new/{kind}/", {**form, "how": how, "day": day})
            assert answer.status_code == 422, (day, kind)
    assert "两年" in answer.content.decode()
    with cast.acting("rm", NOW):
        assert not Contact.objects.exists()
    assert rm.post(f"/customers/{customer}/new/call/", {"how": "now", "purpose": "care"}).status_code == 303
    with cast.acting("rm", NOW):
        contact = Contact.objects.get()
    again = {"outcome": "busy", "again_day": "2126-03-17", "again_time": "10:00"}
    answer = rm.post(f"/contacts/{contact.pk}/outcome/", again)
    assert (answer.status_code, "两年" in answer.content.decode()) == (422, True)
    assert rm.post(f"/contacts/{contact.pk}/outcome/", {"outcome": "reached"}).status_code in {200, 303}
    written = {"result": "agreed", "need": "none", "words": "好", "promise": "寄资料", "promise_day": "2126-03-17"}
    for more in ({"next": "other", "next_day": "2126-03-17"}, {"next": "2w"}):
        answer = rm.post(f"/contacts/{contact.pk}/close/", {**written, **more})
        assert (answer.status_code, "两年" in answer.content.decode()) == (422, True), more


@pytest.mark.parametrize(
    ("who", "address", "form", "said"),
    [
        (
            "leader",
            "/customers/{customer}/hand-over/",
            {"rm": "{mate}", "from_day": "9999-12-31", "reason": "轮岗"},
            "两年",
        ),
        (
            "administrator",
            "/settings/callback_tolerance/",
            {"value": "9", "from_day": "2126-03-16", "reason": "x"},
            "两年",
        ),
        (
            "administrator",
            "/staff/{mate}/posts/",
            {"unit": "{unit}", "role": "rm", "scope": "own", "from": "9999-12-31", "to": "", "reason": "x"},
            "两年",
        ),
        (
            "administrator",
            "/staff/{mate}/posts/",
            {"unit": "{unit}", "role": "rm", "scope": "own", "from": "", "to": "9999-12-31", "reason": "x"},
            "十年",
        ),
        ("administrator", "/workdays/", {"act": "set", "day": "9999-12-31", "works": "no", "name": "x"}, "2100"),
    ],
)
def test_nothing_is_decided_for_another_age(
    cast: Cast, at: datetime, who: str, address: str, form: dict[str, str], said: str
) -> None:
    ids = {"customer": cast.customers["rm"][0].pk, "mate": cast.mate.pk, "unit": cast.units["lujiazui"].pk}
    given = {name: value.format(**ids) for name, value in form.items()}
    answer = cast.client(who, NOW).post(address.format(**ids), given)
    assert (answer.status_code, said in answer.content.decode()) == (422, True)
    with cast.acting("administrator", NOW):
        assert not Approval.objects.exists()


def test_nobody_died_before_the_bank_could_know_them(cast: Cast, rm: Client) -> None:
    address = f"/customers/{cast.customers['rm'][0].pk}/stops/"
    for day in ("0001-01-01", "1700-06-01"):
        answer = rm.post(address, {"why": "deceased", "on": day, "evidence": "家属来电"})
        assert (answer.status_code, "1900" in answer.content.decode()) == (422, True)


def test_an_age_that_no_list_offers(cast: Cast, rm: Client) -> None:
    form = {"children": "yes", "child_age": "between", "hobbies": "围棋"}
    answer = rm.post(f"/customers/{cast.customers['rm'][0].pk}/learned/", form)
    assert (answer.status_code, "请从列表中选择" in answer.content.decode(), "围棋" in answer.content.decode()) == (
        422,
        True,
        True,
    )


UNSEEN = "\u202e\u2066\u200b\x07\x85\ufeff"


def test_what_nobody_sees_goes_wherever_text_enters(cast: Cast, rm: Client, tmp_path: Path) -> None:
    """By the page, the API and a file: marks that turn the direction of what follows, and control characters; line ends stay."""
    program = {"kind": "reception", "customer": str(cast.customers["rm"][0].pk), "purpose_words": f"看{UNSEEN}房"}
    body = json.dumps({**program, "started_at": NOW.isoformat()})
    made = rm.post("/api/v1/contacts", body, content_type="application/json").json()
    assert made["purpose_words"] == "看房"
    empty = json.dumps({"words": UNSEEN})
    noted = rm.post(f"/api/v1/contacts/{made['id']}/notes", empty, content_type="application/json")
    assert noted.status_code == 422, "nothing is left of it"
    rm.post(f"/contacts/{made['id']}/jot/", {"words": f"要{UNSEEN}换\r\n大房"})
    with cast.acting("rm", NOW):
        assert [note["words"] for note in Contact.objects.get(pk=made["id"]).notes] == ["要换\r\n大房"]
    path = tmp_path / "file.csv"
    path.write_text(f"姓名,备注\n王{UNSEEN}伟,a\x07b\n", "utf-8")
    (row,) = open_table(path)
    assert row.cells == {"姓名": "王伟", "备注": "ab"}
