"""A button pressed twice, the second time before the first was answered: it counts once.

Both have begun before either can end (:mod:`tests.product.at_once`).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from tests.cast import Cast
from tests.conftest import Database, stepping_into
from tests.product.api import Program
from tests.product.at_once import NOW, at_once, owner
from tests.product.test_campaigns import made, started
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.contacts import course
from zhike.contacts.models import Contact
from zhike.customers.models import Customer, Need, Relation
from zhike.documents.models import Document, Hold, Label
from zhike.market.models import Brief, Note, Prospect, Routing
from zhike.notices import ringing
from zhike.obligations.models import Fact, Obligation, Reminder
from zhike.people.models import Approval, Setting, Unit
from zhike.sms.models import Forwarding, Message
from zhike.trail.models import Entry
from zhike.work.models import Delivery

TOMORROW = {"day": "2026-03-03", "time": "10:00"}


@pytest.fixture
def one(seated: Cast) -> Customer:
    customer = seated.customers["rm"][0]
    with seated.acting("rm", NOW) as actor:
        customer.learn("mobile", "13898761234", source="contact", actor=actor, now=NOW)
    return customer


def twice(database: Database, cast: Cast, table: str, address: str, form: dict[str, Any]) -> list[int]:
    browsers = [cast.client("rm", NOW) for _ in range(2)]
    return [
        answer.status_code
        for answer in at_once(database, table, [lambda each=each: each.post(address, form) for each in browsers])
    ]


def test_dialling_for_what_is_owed_is_one_call_and_one_number_shown(
    database: Database,
    seated: Cast,
    one: Customer,
) -> None:
    again = NOW + timedelta(minutes=30)
    with seated.acting("rm", NOW) as actor:
        first = course.plan(one, "call", actor=actor, now=NOW, purpose="introduction")
        course.start(first, actor=actor, now=NOW, bank=Bank())
        course.put_through(first, "busy", actor=actor, now=NOW, bank=Bank(), call_back_at=again)
        owed = Obligation.objects.get(kind="call_back")
    form = {"early_reason": "客户要求提前"}
    assert twice(database, seated, "contacts_contact", f"/obligations/{owed.pk}/call/", form) == [303, 303]
    with owner():
        assert Contact.objects.filter(state="under_way").count() == 1
        assert Entry.objects.filter(action="reveal").count() == 1


def test_whoever_lets_go_what_is_owed_and_the_reminder_that_rings_for_it_both_come_through(
    database: Database, seated: Cast, one: Customer
) -> None:
    """The worker holds the alarm and is about to keep the reminder, which names the obligation; whoever lets it go holds the obligation and
    waits for the alarm. Neither waits for the other for ever."""
    again = NOW + timedelta(minutes=30)
    with seated.acting("rm", NOW) as actor:
        first = course.plan(one, "call", actor=actor, now=NOW, purpose="introduction")
        course.start(first, actor=actor, now=NOW, bank=Bank())
        course.put_through(first, "busy", actor=actor, now=NOW, bank=Bank(), call_back_at=again)
        owed = Obligation.objects.get(kind="call_back")
    leader = seated.client("leader", NOW)

    def rings() -> int:
        with stepping_into("zhike_worker")():
            return ringing.ring(again - timedelta(minutes=15), Bank())

    def lets_go() -> int:
        return leader.post(f"/obligations/{owed.pk}/waive/", {"reason": "客户已自行来行"}).status_code

    looked, answered = at_once(database, "obligations_reminder", [rings, lets_go], in_turn=True)
    assert looked >= 1
    assert answered == 303
    with owner():
        owed.refresh_from_db()
        assert owed.state == "waived"
        assert Reminder.objects.filter(obligation=owed).count() == 1


def test_a_call_begun_from_the_customers_page_is_one_call(database: Database, seated: Cast, one: Customer) -> None:
    form = {"how": "now", "purpose": "care"}
    assert twice(database, seated, "contacts_contact", f"/customers/{one.pk}/new/call/", form) == [303, 303]
    with owner():
        assert Contact.objects.filter(state="under_way").count() == 1
        assert Entry.objects.filter(action="reveal").count() == 1


@pytest.mark.parametrize(
    "form",
    [
        {"how": "agree", "place": "客户公司", **TOMORROW},
        {"how": "plan", **TOMORROW},
        {
            "how": "afterwards",
            "asked": "yes",
            "day": "2026-03-02",
            "time": "10:00",
            "was_agreed": "yes",
            "place": "公司",
        },
    ],
    ids=lambda form: form["how"],
)
def test_a_visit_is_one_visit(database: Database, seated: Cast, one: Customer, form: dict[str, str]) -> None:
    address = f"/customers/{one.pk}/new/visit/"
    assert twice(database, seated, "contacts_contact", address, {"purpose": "care", **form}) == [303, 303]
    with owner():
        assert Contact.objects.count() == 1


def test_two_visits_at_other_times_are_two(database: Database, seated: Cast, one: Customer) -> None:
    browser = seated.client("rm", NOW)
    with clock.at(NOW):
        for time in ("10:00", "11:00"):
            form = {"how": "plan", "purpose": "care", **TOMORROW, "time": time}
            assert browser.post(f"/customers/{one.pk}/new/visit/", form).status_code == 303
    with owner():
        assert Contact.objects.count() == 2


def test_a_stop_is_recorded_once(database: Database, seated: Cast, one: Customer) -> None:
    form = {"why": "complaint", "evidence": "来电", "on": date(2026, 3, 2).isoformat()}
    answers = twice(database, seated, "customers_customer", f"/customers/{one.pk}/stops/", form)
    assert sorted(answers) == [303, 422]
    with owner():
        assert Fact.objects.filter(kind="customer_stopped").count() == 1


def test_a_need_is_heard_once(database: Database, seated: Cast, one: Customer) -> None:
    form = {"kind": "loan", "words": "换房"}
    assert twice(database, seated, "customers_need", f"/customers/{one.pk}/needs/", form) == [303, 303]
    with owner():
        assert Need.objects.count() == 1


def test_how_two_belong_together_is_noted_once(database: Database, seated: Cast, one: Customer) -> None:
    form = {"kind": "spouse", "other": str(seated.customers["rm"][1].pk)}
    answers = twice(database, seated, "customers_relation", f"/customers/{one.pk}/relations/", form)
    assert sorted(answers) == [303, 422]
    with owner():
        assert Relation.objects.count() == 1


def as_administrators(database: Database, cast: Cast, table: str, sent: list[tuple[str, dict[str, str]]]) -> list[int]:
    browsers = [cast.client(who, NOW) for who in ("administrator", "second_administrator")]
    acts = [
        lambda each=each, form=form: each.post(*form)  # type: ignore[misc]
        for each, form in zip(browsers, sent, strict=True)
    ]
    return sorted(answer.status_code for answer in at_once(database, table, acts))


def test_a_staff_number_and_a_units_code_are_given_once(database: Database, seated: Cast) -> None:
    form = {"number": "2001", "name": "新人"}
    assert as_administrators(database, seated, "people_staff", [("/staff/new/", form)] * 2) == [200, 422]
    form = {"code": "1300", "name": "新支行", "kind": "sub_branch", "parent": str(seated.units["branch"].pk)}
    assert as_administrators(database, seated, "people_unit", [("/units/new/", form)] * 2) == [303, 422]


def test_of_two_moves_each_below_the_other_one_is_carried_out(database: Database, seated: Cast) -> None:
    """Nothing moves by one person; both decided at once, the one that is carried out first lets the other not be."""
    one, other = seated.units["century"], seated.units["lujiazui"]
    moves = [
        (
            f"/units/{unit.pk}/",
            {"name": unit.name, "kind": unit.kind, "parent": str(below.pk), "reason": "调整", "act": "move"},
        )
        for unit, below in ((one, other), (other, one))
    ]
    assert as_administrators(database, seated, "people_approval", moves) == [303, 303]
    with owner():
        for unit in Unit.objects.filter(pk__in=[one.pk, other.pk]):
            assert unit.parent_id == seated.units["branch"].pk
        asked = Approval.objects.filter(kind="people.unit", decision="open")
        by = {approval.asked_by_id: approval for approval in asked}
    askers = {seated.staff[who].pk: who for who in ("administrator", "second_administrator")}
    decide = [
        (seated.client(next(who for id, who in askers.items() if id != by_whom), NOW), approval)
        for by_whom, approval in by.items()
    ]
    acts = [
        lambda browser=browser, approval=approval: browser.post(  # type: ignore[misc]
            f"/approvals/{approval.pk}/", {"act": "approve", "digest": approval.digest}
        )
        for browser, approval in decide
    ]
    answers = at_once(database, "people_unit", acts)
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    with owner():
        moved = [
            unit for unit in Unit.objects.filter(pk__in=[one.pk, other.pk]) if unit.parent_id in (one.pk, other.pk)
        ]
        assert len(moved) == 1
        assert Approval.objects.filter(kind="people.unit", decision="open").count() == 1


def test_a_file_is_read_once(database: Database, seated: Cast) -> None:
    browser = seated.client("leader", NOW)
    file = SimpleUploadedFile("book.csv", "姓名,客户经理\n新客户,1001\n".encode())
    with clock.at(NOW):
        page = browser.post("/customers/import/", {"file": file})["Location"]
    form = {"act": "load", "column": ["姓名", "客户经理"], "field": ["name", "rm"]}
    browsers = [seated.client("leader", NOW) for _ in range(2)]
    acts = [lambda each=each: each.post(page, form) for each in browsers]
    assert sorted(answer.status_code for answer in at_once(database, "customers_run", acts)) == [303, 422]
    with owner(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'import_customers'")
        assert cursor.fetchone() == (1,)


def test_a_campaign_forwarded_twice_at_once_is_forwarded_once(database: Database, seated: Cast) -> None:
    """Both have counted two open ones before either has queued."""
    worker = stepping_into("zhike_worker")
    made(seated, owner, worker)
    campaign = started(seated, worker)
    with clock.at(NOW), worker():
        programs = [Program(seated, "rm") for _ in range(2)]
    body = {"everybody": True, "expected": 2}
    address = f"campaigns/{campaign.key}/forwardings"
    answers = at_once(
        database, "sms_message", [lambda each=each: each.send("post", address, body) for each in programs]
    )
    assert sorted(answer.status_code for answer in answers) == [201, 422]
    assert any("现在是 0 人" in answer.content.decode() for answer in answers)
    with owner():
        assert Message.objects.filter(forwarding__isnull=False).count() == 2
        assert Forwarding.objects.count() == 1
        assert Fact.objects.filter(kind="campaign_forwarded").count() == 1


# ── work and market ──────────────────────────────────────────────────────────────────────────────────────────────────

PROSPECT = {
    "kind": "person", "name": "王丽", "mobile": "13900001111", "source": "fair", "tier": "gold", "step": "邀请来行", "step_on": "2026-03-05",
}  # fmt: skip


def test_a_prospect_is_entered_once_also_by_two(database: Database, seated: Cast) -> None:
    browsers = [seated.client(who, NOW) for who in ("rm", "stranger")]
    post = [lambda each=each: each.post("/market/prospects/new/", PROSPECT).status_code for each in browsers]
    assert sorted(at_once(database, "market_prospect", post)) == [303, 422]
    assert twice(database, seated, "market_event", "/market/prospects/new/", {**PROSPECT, "mobile": "13900002222", "name": "赵五"}) in ([303, 422], [422, 303])  # fmt: skip
    with owner():
        assert Prospect.objects.count() == 2


def test_nobody_holds_more_prospects_than_the_bank_lets_one(database: Database, seated: Cast) -> None:
    with owner():
        Setting.objects.create(name="prospects_held", value=1, from_day=date(2020, 1, 1), at=NOW)
    browsers = [seated.client("rm", NOW) for _ in range(2)]
    forms = [
        {**PROSPECT, "name": name, "mobile": mobile}
        for name, mobile in (("王丽", "13900001111"), ("赵五", "13900002222"))
    ]
    post = [
        lambda b=b, f=f: b.post("/market/prospects/new/", f).status_code for b, f in zip(browsers, forms, strict=True)
    ]
    assert sorted(at_once(database, "market_prospect", post)) == [303, 422]


def test_a_note_is_written_and_passed_on_once(database: Database, seated: Cast) -> None:
    assert twice(database, seated, "market_note", "/market/notes/", {"kind": "rate", "text": "上浮"}) == [303, 303]
    with owner():
        note = Note.objects.get()
    form = {"to": seated.leader.posts.get().pk}
    answers = twice(database, seated, "market_routing", f"/market/notes/{note.pk}/pass-on/", form)
    assert sorted(answers) == [303, 422]
    with owner():
        assert (Routing.objects.count(), Obligation.objects.filter(kind="note_answer").count()) == (1, 1)


def test_a_brief_is_written_once(database: Database, seated: Cast) -> None:
    with clock.at(NOW):
        seated.client("rm").post("/market/notes/", {"kind": "rate", "text": "上浮"})
    with owner():
        note = Note.objects.get()
    form = {"title": "利率", "text": "都在上浮", "for_bank": "跟进", "note": note.pk}
    assert twice(database, seated, "market_brief", "/market/notes/briefs/new/", form) == [303, 303]
    with owner():
        assert Brief.objects.count() == 1


def test_a_delivery_is_owed_once(database: Database, seated: Cast, one: Customer) -> None:
    form = {"customer": one.pk, "customer_name": one.name, "what": "结息凭证", "day": "2026-03-05", "time": "15:00"}
    assert twice(database, seated, "work_delivery", "/work/deliveries/new/", form) == [303, 303]
    with owner():
        assert (Delivery.objects.count(), Obligation.objects.filter(kind="delivery").count()) == (1, 1)


def test_held_and_deleted_at_once_it_is_one_of_the_two(database: Database, seated: Cast, one: Customer) -> None:
    """Held while it was being deleted, it was gone and held."""
    with owner():
        labels = {label.sort: label for label in Label.objects.filter(key__in=["office", "minutes"])}
        document = Document.objects.create(
            customer=one, unit=one.unit, keeper=0, title="纪要", dated=date(2015, 1, 5), by=seated.rm, at=NOW,
            counts_from=date(2015, 1, 5), years=3, **labels,
        )  # fmt: skip

    def asks(who: str, what: str) -> int:
        form = {"why": "保存期满"}
        return seated.client(who, NOW).post(f"/documents/{document.pk}/{what}/", form).status_code

    deleted, held = at_once(
        database,
        "documents_document",
        [lambda: asks("leader", "delete"), lambda: asks("compliance", "hold")],
        in_turn=True,
    )
    assert (deleted, held) == (303, 409)
    with owner():
        assert Document.objects.get(pk=document.pk).deleted_at
        assert not Hold.objects.exists()


def test_a_document_is_filed_once(database: Database, seated: Cast) -> None:
    with owner():
        labels = dict(Label.objects.filter(key__in=["office", "other"]).values_list("sort", "pk"))

    def files() -> int:
        form = {**labels, "dated": "2026-03-02", "file": SimpleUploadedFile("会议.txt", "纪要".encode())}
        return seated.client("rm", NOW).post("/documents/new/", form).status_code

    assert at_once(database, "documents_document", [files, files]) == [303, 303]
    with owner():
        assert Document.objects.count() == 1
