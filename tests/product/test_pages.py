"""Every screen in both languages as the RM sees it, and the acts that stand on them."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from tests.cast import Cast, a_customer, opened
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.conduct.calendars import published_workdays
from zhike.contacts import course
from zhike.contacts.models import Contact, Draft
from zhike.customers.models import Consent, Customer, Need
from zhike.obligations.models import Obligation
from zhike.pages import ahead
from zhike.people.models import Setting, Workday

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)  # Monday 14:00 in the bank's zone


@pytest.fixture
def at():
    with clock.at(NOW):
        yield NOW


@pytest.fixture
def rm(cast: Cast, at: datetime):
    return cast.client("rm", at)


def customer(cast: Cast, n: int = 0) -> Customer:
    return cast.customers["rm"][n]


def held(cast: Cast, kind: str = "reception", minutes: int = 20) -> Contact:
    """A contact that has just ended."""
    with cast.acting("rm", NOW) as actor:
        contact = course.plan(customer(cast), kind, actor=actor, now=NOW, incoming=True, purpose="introduction")
        course.start(contact, actor=actor, now=NOW - timedelta(minutes=minutes), bank=Bank())
        if kind == "call":
            course.put_through(contact, "reached", actor=actor, now=NOW, bank=Bank())
        else:
            course.end(contact, actor=actor, now=NOW, bank=Bank())
    return contact


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/?sort=record",
        "/customers/",
        "/search/?q=没有这人",
        "/search/hits/?q=zwm",
        "/schedule/",
        "/code/",
        "/code/R12/",
        "/me/",
    ],
)
def test_a_page_opens_in_both_languages(cast: Cast, rm, address: str, language: str) -> None:
    cast.rm.language = language
    cast.rm.save()
    held(cast)
    answer = opened(rm, address)
    assert answer.status_code == 200, answer
    html = answer.content.decode()
    assert "%(" not in html
    if language == "en":
        without_data = re.sub(r"张伟明|李秀兰|[\u4e00-\u9fff]+(?=有限公司)", "", html)
        assert 'lang="en"' in html or "<html" not in html
        assert "今日" not in without_data


@pytest.mark.parametrize("kind", ["reception", "visit", "call"])
def test_a_contact_goes_through_its_pages(cast: Cast, rm, kind: str) -> None:
    one = customer(cast)
    assert rm.get(f"/customers/{one.pk}/").status_code == 200
    form = f"/customers/{one.pk}/new/{kind}/"
    assert rm.get(form).status_code == 200
    given = {"how": "now", "purpose": "introduction", "asked": "yes"}
    answer = rm.post(form, given)
    assert answer.status_code == 303, answer.content.decode()[-2000:]
    contact = Contact.objects.get(customer=one)
    assert answer["Location"] == f"/contacts/{contact.pk}/talk/"
    assert rm.get(answer["Location"]).status_code == 200
    if kind == "call":
        answer = rm.post(f"/contacts/{contact.pk}/outcome/", {"outcome": "reached", "note": "问了利率"})
    else:
        assert rm.post(f"/contacts/{contact.pk}/jot/", {"words": "四月到账三十万"}).status_code == 303
        answer = rm.post(f"/contacts/{contact.pk}/end/", {"seen_off": "branch_door", "card_handed": "yes"})
    assert answer["Location"] == f"/contacts/{contact.pk}/write-up/"
    page = rm.get(answer["Location"]).content.decode()
    assert kind == "call" or "四月到账三十万" in page
    closed = rm.post(
        f"/contacts/{contact.pk}/close/",
        {
            "result": "inclined",
            "need": ["deposit", "pension"],
            "need_deposit": "三年期",
            "next": "2w",
            "learn_hobbies": "二胡",
        },
    )
    assert closed.status_code == 303, closed.content.decode()
    contact.refresh_from_db()
    assert contact.state == "closed"
    assert list(Need.objects.filter(customer=one).values_list("kind", "words")) == [
        ("deposit", "三年期"),
        ("pension", ""),
    ]
    planned = Contact.objects.get(follows=contact)
    assert planned.planned_for is not None
    assert (planned.planned_for - NOW).days in {13, 14}
    assert Customer.objects.get(pk=one.pk).known("hobbies") == "二胡"
    assert rm.get(f"/contacts/{contact.pk}/record/").status_code == 200
    assert rm.get(f"/contacts/{planned.pk}/prepare/").status_code == 200
    assert rm.get(f"/customers/{one.pk}/").status_code == 200


def test_today_answers_its_poll_with_nothing_new(cast: Cast, rm) -> None:
    held(cast)
    page = rm.get("/")
    etag = page["ETag"]
    assert rm.get("/", headers={"If-None-Match": etag, "HX-Request": "true"}).status_code == 304
    with cast.acting("rm", NOW) as actor:
        course.plan(customer(cast, 1), "call", actor=actor, now=NOW, planned_for=NOW + timedelta(hours=1))
    fresh = rm.get("/", headers={"If-None-Match": etag, "HX-Request": "true"})
    assert fresh.status_code == 200
    assert b"<html" not in fresh.content


def test_what_is_kept_of_today_turns_at_the_very_moment(cast: Cast, rm, owner) -> None:
    """It is written anew as soon as it would read otherwise: when a row can be done, though no minute ends; and each page
    has its own form's token."""
    held(cast)
    opens = NOW + timedelta(minutes=5, seconds=10)
    with owner():
        Obligation.objects.filter(kind="write_up").update(opens=opens, due=NOW + timedelta(hours=5))
        Obligation.objects.exclude(kind="write_up").delete()
    with cast.acting("rm", NOW) as actor:  # its row has a form
        course.plan(customer(cast, 1), "call", actor=actor, now=NOW, planned_for=NOW + timedelta(hours=1))
    can_be_done = 'id="now"'
    with clock.at(opens - timedelta(seconds=9)):
        first, again = rm.get("/"), rm.get("/")
    assert can_be_done not in first.content.decode()
    assert tokens(first) != tokens(again), "the inside is the same, the token is not"
    assert len(tokens(again)) == 1
    with clock.at(opens - timedelta(microseconds=1)):
        assert can_be_done not in rm.get("/").content.decode()
    with clock.at(opens):
        assert can_be_done in rm.get("/").content.decode()
    with clock.at(opens - timedelta(seconds=5)):
        assert can_be_done not in rm.get("/").content.decode(), "a clock that is set back"
    with owner():
        Obligation.objects.filter(kind="write_up").update(what={"zh": "写明结果", "en": "Write it up"})
    with clock.at(opens - timedelta(seconds=5)):
        assert "写明结果" in rm.get("/").content.decode(), "what has changed is there at once"


def tokens(page: Any) -> set[str]:
    """Of the page and of its forms: one and the same."""
    text = page.content.decode()
    found = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', text)
    assert found
    assert "<token>" not in text
    return {*found, *re.findall(r'name="csrf-token" content="([^"]+)"', text)}


def test_what_is_missing_comes_back_in_its_place_with_the_rest_kept(cast: Cast, rm) -> None:
    contact = held(cast)
    answer = rm.post(
        f"/contacts/{contact.pk}/close/", {"words": "聊得不错", "need": ["deposit"], "learn_mobile": "123"}
    )
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "聊得不错" in html
    assert "还没有选结果" in html
    contact.refresh_from_db()
    assert contact.state == "ended"


def test_a_draft_is_kept_and_comes_back(cast: Cast, rm) -> None:
    contact = held(cast)
    typed = [["result", "inclined"], ["words", "写到一半"], ["need", "pension"], ["learn_mobile", "13812345678"]]
    body = json.dumps({"values": typed})
    assert rm.post(f"/contacts/{contact.pk}/draft/", body, content_type="application/json").status_code == 200
    with cast.acting("rm", NOW), connection.cursor() as cursor:
        cursor.execute("SELECT d::text FROM contacts_draft d")
        kept = str(cursor.fetchone())
    assert "1381234" not in kept
    assert "inclined" not in kept
    html = rm.get(f"/contacts/{contact.pk}/write-up/").content.decode()
    assert "写到一半" in html
    assert re.search(r'value="inclined" checked', html)
    rm.post(f"/contacts/{contact.pk}/close/", {"result": "inclined", "need": ["none"], "next": "rhythm"})
    assert not Draft.objects.exists()


def test_a_busy_customer_is_called_back_on_the_minute(cast: Cast, rm) -> None:
    one = customer(cast)
    rm.post(f"/customers/{one.pk}/new/call/", {"how": "now", "purpose": "introduction"})
    contact = Contact.objects.get(customer=one)
    refused = rm.post(f"/contacts/{contact.pk}/outcome/", {"outcome": "busy"})
    assert refused.status_code == 422
    answer = rm.post(f"/contacts/{contact.pk}/outcome/", {"outcome": "busy", "again_time": "15:30", "note": "在开会"})
    assert answer.status_code == 303
    owed = Obligation.objects.get(kind="call_back")
    assert owed.target == datetime(2026, 3, 2, 7, 30, tzinfo=UTC)
    with clock.at(NOW + timedelta(minutes=86)):
        html = cast.client("rm", NOW + timedelta(minutes=86)).get("/").content.decode()
    assert "row--now" in html
    with clock.at(NOW + timedelta(minutes=89)):
        browser = cast.client("rm", NOW + timedelta(minutes=89))
        called = browser.post(f"/obligations/{owed.pk}/call/")
        assert called.status_code == 303, called.content.decode()
        browser.post(called["Location"].split("talk/")[0] + "outcome/", {"outcome": "reached", "for": str(owed.pk)})
    owed.refresh_from_db()
    assert (owed.state, owed.evidence["kept"]) == ("done", "kept")


def test_thanks_are_done_with_how_and_taken_back(cast: Cast, rm) -> None:
    with cast.acting("rm", NOW) as actor:
        customer(cast).learn("mobile", "13800001234", source="self", actor=actor, now=NOW)
    held(cast)
    owed = Obligation.objects.get(kind="thanks")
    page = rm.get(f"/obligations/{owed.pk}/").content.decode()
    assert "R12" in page
    assert rm.get(f"/obligations/{owed.pk}/why/", headers={"HX-Request": "true"}).status_code == 200
    assert rm.post(f"/obligations/{owed.pk}/done/", {"channel": "call"}).status_code == 422
    done = rm.post(
        f"/obligations/{owed.pk}/done/", {"channel": "sms", "through": "bank_sms", "introduces": "yes", "next": "2w"}
    )
    assert done.status_code == 303
    owed.refresh_from_db()
    assert owed.state == "done"
    assert Contact.objects.filter(state="planned").count() == 1
    assert rm.post(f"/obligations/{owed.pk}/undo/").status_code == 303
    owed.refresh_from_db()
    assert owed.state == "open"
    assert rm.post(f"/obligations/{owed.pk}/waive/", {"reason": ""}).status_code == 422
    assert rm.post(f"/obligations/{owed.pk}/waive/", {"reason": "客户说不必发"}).status_code == 303


def test_birthday_hobby_and_a_child_are_learned_together(cast: Cast, rm) -> None:
    one = customer(cast)
    wrong = rm.post(f"/customers/{one.pk}/learned/", {"birthday": "1960年腊月三十", "hobbies": "昆曲"})
    assert wrong.status_code == 422
    assert "昆曲" in wrong.content.decode()
    for coming in ("2026-12-31", "农历2026年冬月初一"):
        told = rm.post(f"/customers/{one.pk}/learned/", {"birthday": coming}).content.decode()
        assert "生日在未来" in told
    right = rm.post(
        f"/customers/{one.pk}/learned/",
        {"birthday": "农历三月初八", "hobbies": "昆曲", "children": "yes", "child_age": "under_14"},
    )
    assert right.status_code == 303, right.content.decode()
    one = Customer.objects.get(pk=one.pk)
    assert (one.birth_calendar, one.birth_month, one.birth_day) == ("lunar", 3, 8)
    assert "农历三月初八" in rm.get(f"/customers/{one.pk}/").content.decode()


def test_a_visit_without_an_appointment_wants_a_reason(cast: Cast, rm) -> None:
    one = customer(cast)
    blocked = rm.post(f"/customers/{one.pk}/new/visit/", {"how": "now", "purpose": "care"})
    assert blocked.status_code == 422
    assert "V1" in blocked.content.decode()
    assert (
        rm.post(
            f"/customers/{one.pk}/new/visit/", {"how": "now", "purpose": "care", "surprise_reason": "路过"}
        ).status_code
        == 303
    )


def test_an_appointment_is_prepared_moved_and_called_off(cast: Cast, rm) -> None:
    one = customer(cast)
    form = {"how": "agree", "day": "2026-03-04", "time": "16:00", "place": "滨江壹号", "purpose": "care"}
    answer = rm.post(f"/customers/{one.pk}/new/visit/", form)
    assert answer.status_code == 303, answer.content.decode()
    contact = Contact.objects.get(customer=one)
    assert contact.state == "agreed"
    page = rm.get(f"/contacts/{contact.pk}/prepare/")
    assert page.status_code == 200
    assert rm.post(f"/contacts/{contact.pk}/ready/", {"tick": "material"}).status_code == 303
    assert (
        rm.post(f"/contacts/{contact.pk}/move/", {"what": "move", "day": "2026-03-05", "time": "10:00"}).status_code
        == 422
    )
    assert rm.get(f"/contacts/{contact.pk}/move/").status_code == 200
    moved = rm.post(
        f"/contacts/{contact.pk}/move/",
        {"what": "move", "day": "2026-03-05", "time": "10:00", "whose": "customer", "why": "有事"},
    )
    assert moved.status_code == 303, moved.content.decode()
    off = rm.post(f"/contacts/{contact.pk}/move/", {"what": "cancel", "whose": "rm", "why": "会议", "told": ""})
    assert off.status_code == 303
    assert Obligation.objects.filter(kind="apology", state="open").exists()
    assert rm.get(f"/contacts/{contact.pk}/record/").status_code == 200


def test_nobody_else_s_customer_exists(cast: Cast, rm) -> None:
    stranger = cast.customers["stranger"][0]
    for address in (
        f"/customers/{stranger.pk}/",
        f"/customers/{stranger.pk}/learned/",
        f"/customers/{stranger.pk}/new/call/",
    ):
        answer = rm.get(address)
        assert answer.status_code == 404
        assert stranger.name not in answer.content.decode()


def test_preferences_are_kept_and_speak(cast: Cast, rm) -> None:
    assert rm.post("/me/wishes/", {"theme": "dark", "language": "en", "single_keys": "no"}).status_code == 303
    html = rm.get("/").content.decode()
    assert 'data-theme="dark"' in html
    assert 'data-keys="off"' in html
    assert "<h1>Today</h1>" in html


@pytest.mark.parametrize(
    "address", ["/", "/customers/", "/schedule/", "/me/", "/search/hits/?q=zwm", "customer", "write-up"]
)
def test_a_page_asks_the_same_number_of_questions_however_many_rows_it_has(
    cast: Cast, rm, at: datetime, address: str
) -> None:
    first = held(cast)
    if address == "customer":
        address = f"/customers/{first.customer_id}/"
    elif address == "write-up":
        address = f"/contacts/{first.pk}/write-up/"

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert opened(rm, address).status_code == 200
        return len(asked)

    for _ in range(3):  # what is read once a process, and in which zone its last bank was
        few = queries()
    for n in (0, 1, 2):
        with cast.acting("rm", NOW) as actor:
            for again in range(4):
                one = customer(cast, n)
                Need.objects.hear(one, "deposit", f"第{again}笔", actor=actor, now=NOW)
                contact = course.plan(one, "reception", actor=actor, now=NOW, incoming=True)
                course.start(contact, actor=actor, now=NOW - timedelta(minutes=9), bank=Bank())
                course.end(contact, actor=actor, now=NOW, bank=Bank())
                course.plan(one, "call", actor=actor, now=NOW, planned_for=NOW + timedelta(hours=again + 1))
    assert queries() == few


def test_what_a_row_is_refused_takes_the_place_of_the_page(cast: Cast, rm) -> None:
    """A visit that nobody agreed cannot begin from its row; what is asked for is shown, not swallowed."""
    with cast.acting("rm", NOW) as actor:
        contact = course.plan(customer(cast), "visit", actor=actor, now=NOW, planned_for=NOW)
    answer = rm.post(f"/contacts/{contact.pk}/start/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Retarget"]) == (422, "#main")
    assert "surprise_reason" in answer.content.decode()
    begun = rm.post(f"/contacts/{contact.pk}/start/", {"surprise_reason": "路过"}, headers={"HX-Request": "true"})
    assert begun["HX-Redirect"] == f"/contacts/{contact.pk}/talk/"
    again = rm.post(f"/contacts/{contact.pk}/start/", headers={"HX-Request": "true"})
    assert (again.status_code, again["HX-Retarget"]) == (409, "#main")


def test_a_leader_sees_what_the_team_has_late_by_clause(cast: Cast, at: datetime) -> None:
    held(cast)
    with clock.at(NOW + timedelta(days=1)):
        leader = cast.client("leader", NOW + timedelta(days=1))
        page = leader.get("/team/").content.decode()
        assert ">R13<" in page.replace("\n", "") or "R13 " in page
        assert "林晓 · 写接待记录" in page
        stranger = cast.client("other_leader", NOW + timedelta(days=1)).get("/team/").content.decode()
        assert "没有逾期" in stranger
        assert cast.client("rm", NOW + timedelta(days=1)).get("/team/").status_code == 403


@pytest.mark.parametrize(("sort", "first"), [("", "安静"), ("silent", "久别"), ("assets", "富有")])
def test_a_book_is_ordered_as_asked_page_after_page(cast: Cast, rm, owner, sort: str, first: str) -> None:
    """Sixty customers in each order: nobody twice, nobody left out, however many have no assets and no contact yet."""
    with owner():
        for n in range(57):
            a_customer(
                f"安静{n:02}",
                cast.rm,
                cast.units["century"],
                assets=n if n % 3 else None,
                last_contact_at=NOW - timedelta(days=n % 7),
            )
        a_customer("久别", cast.rm, cast.units["century"], last_contact_at=NOW - timedelta(days=400))
        a_customer("富有", cast.rm, cast.units["century"], assets=9_000_000, last_contact_at=NOW)
        for each in cast.customers["rm"]:
            each.last_contact_at = NOW
            each.save()
    seen: list[str] = []
    address = f"/customers/?sort={sort}"
    while address:
        html = rm.get(address).content.decode()
        seen += re.findall(r'<a href="/customers/\d+/"><b>([^<]+)</b>', html)
        more = re.search(r'href="([^"]+after=[^"]+)"', html)
        address = more[1].replace("&amp;", "&") if more else ""
        assert "~" not in unquote(address), "where a page ends is a name, and stands in no address"
    assert len(seen) == len(set(seen)) == 62
    assert seen[0].startswith(first)


LATE = """
INSERT INTO obligations_fact (kind, at, known_at, grade, staff_id, customer_id, subject, data, void)
SELECT 'rhythm_due', %(now)s, %(now)s, 'observed', %(rm)s, %(customer)s, 'late:' || n, '{}', false FROM generate_series(1, 260) n;
INSERT INTO obligations_obligation (fact_id, clause, clause_from, kind, force, origin, owner_id, customer_id, subject, tier, what, why,
    detail, opens, due, due_counts, lapses, channels, state, evidence, created_at, key)
SELECT id, 'W5', '2025-07-01', 'rhythm', 'should', 'bank', %(rm)s, %(customer)s, subject, 'gold', '{"zh": "联系", "en": "Contact"}',
       '{"zh": "", "en": ""}', '{}', at - interval '30 days', at - interval '20 days', false, false, '{}', 'open', '{}', at, subject
FROM obligations_fact WHERE subject LIKE 'late:%%'
"""


def test_much_that_is_late_hides_nothing_that_is_due(cast: Cast, rm, worker: Any) -> None:
    with worker(), connection.cursor() as cursor:
        for statement in LATE.split(";"):
            cursor.execute(statement, {"now": NOW, "rm": cast.rm.pk, "customer": customer(cast).pk})
    with cast.acting("rm", NOW) as actor:
        call = course.plan(customer(cast, 1), "call", actor=actor, now=NOW, purpose="introduction")
        course.start(call, actor=actor, now=NOW, bank=Bank())
        again = NOW + timedelta(minutes=3)
        course.put_through(call, "busy", actor=actor, now=NOW, bank=Bank(), call_back_at=again)
    page = rm.get("/").content.decode()
    assert "李秀兰" in page, "the call-back that is due in three minutes"
    assert "另有 110 项逾期更久" in page
    told = rm.get("/api/v1/obligations?due=today").json()
    assert (told["late"], told["beyond"]) == (260, 0)


def test_what_has_till_tomorrow_comes_after_the_day(cast: Cast, rm, owner) -> None:
    """It could be done now; what is appointed for this afternoon comes first, so that time runs down the page."""
    held(cast)
    with cast.acting("rm", NOW) as actor:
        course.plan(customer(cast, 1), "reception", actor=actor, now=NOW, planned_for=NOW + timedelta(hours=4))
    html = rm.get("/").content.decode()
    assert html.index('id="now"') < html.index("写接待记录") < html.index('id="next"') < html.index("<b>李秀兰")
    with owner():
        Obligation.objects.filter(kind="write_up").update(due=NOW + timedelta(days=1))
    html = rm.get("/").content.decode()
    assert html.index('id="next"') < html.index("<b>李秀兰") < html.index("写接待记录")


def test_pages_tell_the_time_of_the_banks_zone(cast: Cast, rm, owner: Any) -> None:
    """What is typed as 15:30 is shown as 15:30, whatever zone the bank has set."""
    with owner():
        Setting.objects.create(name="zone", value="Asia/Tashkent", from_day=date(2026, 1, 1), at=NOW)
    form = {"how": "agree", "day": "2026-03-02", "time": "15:30", "place": "客户公司", "purpose": "care"}
    assert rm.post(f"/customers/{customer(cast).pk}/new/visit/", form).status_code == 303
    with cast.acting("rm", NOW):
        assert Contact.objects.get().planned_for == datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
    for address in ("/", "/schedule/"):
        page = rm.get(address).content.decode()
        assert "15:30" in page
        assert "18:30" not in page
    assert "11:00" in rm.get("/").content.decode(), "it is 11:00 in Tashkent"


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        # 2026-03-02 is a Monday
        (
            "2026-03-02T10:00",
            ["明天 3月3日", "后天 3月4日", "下周一 3月9日", "两周后 3月16日", "一个月后 4月1日", "三个月后 6月1日"],
        ),
        (
            "2026-03-06T10:00",
            ["下周一 3月9日", "一周后 3月13日", "两周后 3月20日", "一个月后 4月7日", "三个月后 6月5日"],
        ),
        # Nobody works from 15 to 23 February 2026, the Spring Festival; they make up for it on the Saturdays 14 and 28.
        (
            "2026-02-13T10:00",
            ["明天 2月14日", "一周后 2月24日", "两周后 2月27日", "一个月后 3月16日", "三个月后 5月15日"],
        ),
        (
            "2026-02-16T14:56",
            ["下一工作日 2月24日", "两周后 3月2日", "一个月后 3月18日", "三个月后 5月18日"],
        ),
        # No year is published so far ahead: Monday to Friday.
        (
            "2099-10-01T10:00",
            [
                "明天 10月2日",
                "下周一 10月5日",
                "一周后 10月8日",
                "两周后 10月15日",
                "一个月后 11月2日",
                "三个月后 12月31日",
            ],
        ),
        (
            "2026-03-08T10:00",
            ["明天 3月9日", "后天 3月10日", "一周后 3月16日", "两周后 3月23日", "一个月后 4月7日", "三个月后 6月8日"],
        ),
    ],
)
def test_an_appointment_is_offered_for_the_days_around_too(at: str, expected: list[str]) -> None:
    moment = datetime.fromisoformat(f"{at}+08:00")
    with translation.override("zh-hans"):
        assert [text for _day, text in ahead.days(moment, published_workdays())] == expected


def test_every_page_that_proposes_days_knows_the_banks_holidays(cast: Cast, owner: Any) -> None:
    """On the eve of the new year no tap falls into the Spring Festival; a day that the bank entered itself counts as well."""
    now = datetime(2026, 2, 16, 6, 56, tzinfo=UTC)
    one = customer(cast)
    with owner():
        Workday.objects.create(day=date(2026, 3, 2), works=False, name="系统切换", source="行内")
        Customer.objects.filter(pk=one.pk).update(
            tier="private", profile={"mobile": {"v": "d1:x"}}, mobile_index=b"known"
        )
    with cast.acting("rm", now) as actor:
        contact = course.plan(one, "call", actor=actor, now=now, purpose="introduction")
        course.start(contact, actor=actor, now=now, bank=Bank())
        talking = cast.client("rm", now)
        with clock.at(now):
            call = talking.get(f"/contacts/{contact.pk}/talk/").content.decode()
        course.put_through(contact, "reached", actor=actor, now=now, bank=Bank())
        visit = course.plan(one, "visit", actor=actor, now=now, planned_for=now + timedelta(days=9))
    addresses = (
        f"/contacts/{contact.pk}/write-up/", f"/customers/{one.pk}/new/visit/", f"/contacts/{visit.pk}/move/",
        f"/customers/round/?customer={one.pk}", f"/obligations/{Obligation.objects.filter(kind='thanks').get().pk}/",
    )  # fmt: skip
    with clock.at(now):
        pages = {address: talking.get(address).content.decode() for address in addresses}
        written = talking.post(
            f"/contacts/{contact.pk}/close/", {"need": "none", "next": "1w", "next_kind": "call", "result": "agreed"}
        )
    assert written.status_code == 303
    assert local_day(Contact.objects.get(follows=contact)) == date(2026, 2, 24)
    for page in (call, *pages.values()):
        offered = re.findall(r'<label class="tap">.*?</label>', page)
        days = [f"2月{day}日" for day in range(17, 24)] + ["3月2日"]
        assert not [tap for tap in offered if any(day in tap.replace("12月", "") for day in days)]
        assert any("2月24日" in tap for tap in offered)
    assert "2月28日" in pages[addresses[0]], (
        "fourteen days on is the bank's own day off: the rhythm is kept by coming before, on the Saturday that makes up"
    )


def local_day(contact: Contact) -> date:
    assert contact.planned_for
    return contact.planned_for.astimezone(Bank().zone).date()


def test_a_consent_is_recorded_with_what_shows_it_and_taken_back(cast: Cast, rm, at: datetime) -> None:
    found = customer(cast)
    page, here = f"/customers/{found.pk}/consents/", f"/customers/{found.pk}/"
    word = {"purpose": "marketing", "channel": "sms", "given": "yes", "evidence": ""}
    refused = rm.post(f"{page}record/", word)
    assert refused.status_code == 422
    assert "请写明凭证" in refused.content.decode()
    assert "尚未征询" in rm.get(here).content.decode()
    rm.post(f"{page}record/", {**word, "evidence": "签约书 LH-2026-17"})
    assert Consent.objects.allows(found, "marketing", "sms")
    assert "签约书 LH-2026-17" in rm.get(page).content.decode()
    rm.post(f"{page}record/", {**word, "given": "no", "evidence": "客户电话中要求停发"})
    assert not Consent.objects.allows(found, "marketing", "sms")
    now_true, before = rm.get(page).content.decode().split("此前")
    assert "客户电话中要求停发" in now_true
    assert "签约书 LH-2026-17" in before
    assert cast.client("mate", at).get(page).status_code == 404
    watching = cast.client("auditor", at)
    assert "客户电话中要求停发" in watching.get(page).content.decode()
    assert "record/" not in watching.get(page).content.decode()
    assert watching.post(f"{page}record/", {**word, "evidence": "x"}).status_code == 403


def test_what_was_heard_stands_beside_the_sentence_and_not_twice(cast: Cast, rm) -> None:
    """The story joined the RM's sentence, needs and demands with ";": a need that the sentence says stood twice."""
    from zhike.contacts.write_up import NeedHeard, NextContact, WriteUp, close

    contact = held(cast)
    with cast.acting("rm", NOW) as actor:
        form = WriteUp(
            "inclined", "想换按揭，谈得不错。", by_rhythm=False, next=NextContact("call", NOW + timedelta(days=3)),
            needs=[NeedHeard("loan", "换按揭"), NeedHeard("pension", "父母养老"), NeedHeard("deposit", "父母养老"),
                   NeedHeard("exchange", "谈得不错，换3.5万美元")],
        )  # fmt: skip
        close(contact, form, actor=actor, now=NOW, bank=Bank())
    page = rm.get(f"/customers/{customer(cast).pk}/").content.decode()
    story = page[page.index('id="story"') :]
    assert (
        '<p>想换按揭，谈得不错。 <span class="heard">父母养老</span> <span class="heard">换3.5万美元</span></p>'
        in re.sub(r"\s+", " ", story)
    )
    ready = rm.get(f"/customers/{customer(cast).pk}/new/visit/").content.decode()
    assert '<span class="heard">父母养老</span>' in ready


@pytest.mark.parametrize(("minutes", "calls"), [(60, True), (60 * 24, False)])
def test_a_customers_page_calls_back_where_that_is_promised_for_today(
    cast: Cast, at: datetime, minutes: int, calls: bool
) -> None:
    """The call to make was a call without a word of the promise; what is promised for tomorrow is none yet."""
    with cast.acting("rm", NOW) as actor:
        call = course.plan(customer(cast), "call", actor=actor, now=NOW, purpose="introduction")
        course.start(call, actor=actor, now=NOW, bank=Bank())
        again = NOW + timedelta(minutes=minutes)
        course.put_through(call, "busy", actor=actor, now=NOW, bank=Bank(), call_back_at=again)
    owed = Obligation.objects.get(kind="call_back", state="open")
    opens = NOW + timedelta(minutes=55)
    with clock.at(opens):
        page = cast.client("rm", opens).get(f"/customers/{customer(cast).pk}/").content.decode()
    assert (f'action="/obligations/{owed.pk}/call/"' in page) is calls
    assert ("15:00 回电</button>" in page) is calls
    assert page.count("button--solid") == 1


@pytest.mark.parametrize(("day", "said"), [((5, 9), "周六 · 1980"), ((1, 9), "2027年1月9日 周六 · 1980")])
def test_a_birthday_is_not_said_twice(cast: Cast, rm, owner, day: tuple[int, int], said: str) -> None:
    with owner():
        Customer.objects.filter(pk=customer(cast).pk).update(
            birth_calendar="solar", birth_year=1980, birth_month=day[0], birth_day=day[1]
        )
    page = rm.get(f"/customers/{customer(cast).pk}/").content.decode()
    assert re.search(rf">{said} 年生<", page)


def test_an_end_stays_once_what_it_promised_was_kept(cast: Cast, rm) -> None:
    """Taken back, the first call went on beside the second, and the call-back stood as made that nobody had promised."""
    address = f"/customers/{customer(cast).pk}/new/call/"

    def stands() -> list[tuple[str, str]]:
        with cast.acting("rm", NOW):
            return list(Contact.objects.order_by("id").values_list("state", "outcome"))

    rm.post(address, {"how": "now", "purpose": "care"})
    with cast.acting("rm", NOW):
        first = Contact.objects.get().pk
    with clock.at(NOW + timedelta(minutes=1)):
        again = f"{(NOW + timedelta(minutes=5)).astimezone(Bank().zone):%H:%M}"
        rm.post(f"/contacts/{first}/outcome/", {"outcome": "busy", "again_time": again})
    with cast.acting("rm", NOW):
        promised = Obligation.objects.get(kind="call_back").pk
    with clock.at(NOW + timedelta(minutes=5)):
        rm.post(f"/obligations/{promised}/call/")
        with cast.acting("rm", NOW):
            second = Contact.objects.latest("pk").pk
        rm.post(f"/contacts/{second}/outcome/", {"outcome": "reached", "for": promised})
    with clock.at(NOW + timedelta(minutes=7)):
        assert rm.post(f"/contacts/{first}/take-back/").status_code == 422
        assert stands() == [("closed", "busy"), ("ended", "reached")]
        assert rm.post(f"/contacts/{second}/take-back/").status_code == 303
        assert rm.post(f"/contacts/{first}/take-back/").status_code == 303, "nothing stands on it any more"


def test_a_leader_records_what_the_rm_held(cast: Cast, rm) -> None:
    """The page asks who held it where the recorder is not the RM; the RM's own first meeting is then used up, as with the API."""
    one, leader = customer(cast), cast.client("leader")
    address = f"/customers/{one.pk}/new/reception/"
    assert "held_by" in leader.get(address).content.decode()
    assert "held_by" not in rm.get(address).content.decode(), "nobody else to name"
    given = {"how": "afterwards", "day": "2026-03-02", "time": "10:00", "minutes": "20", "purpose": "care"}
    refused = leader.post(address, {**given, "held_by": cast.staff["stranger"].pk})
    assert refused.status_code == 422
    assert "从名单里选择" in refused.content.decode()
    assert leader.post(address, given).status_code == 303
    mine = Contact.objects.get(customer=one)
    assert (mine.held_by_id, mine.first) == (cast.leader.pk, False), "default: whoever records it"
    answer = leader.post(address, {**given, "time": "11:00", "held_by": cast.rm.pk})
    assert answer.status_code == 303, answer.content.decode()
    theirs = Contact.objects.exclude(pk=mine.pk).get(customer=one)
    assert (theirs.held_by_id, theirs.rm_id, theirs.first) == (cast.rm.pk, cast.rm.pk, True)


def test_a_minute_that_cannot_be_read_is_named_and_stays(cast: Cast, rm) -> None:
    """Whoever typed 9:3x was told to ask the customer when it suits."""
    talk = rm.post(f"/customers/{customer(cast).pk}/new/call/", {"how": "now", "purpose": "introduction"})["Location"]
    refused = rm.post(talk.replace("talk", "outcome"), {"outcome": "busy", "again_time": "9:3x", "note": "在开会"})
    page = refused.content.decode()
    assert refused.status_code == 422
    assert "“9:3x”读不出是几点，请写成 15:30 这样。" in page
    assert 'value="9:3x"' in page
    assert "在开会" in page
    assert "请问清何时方便回电" not in page


def test_an_appointment_is_offered_only_hours_that_lie_ahead(cast: Cast, rm) -> None:
    """At 14:00: half past nine this morning was offered."""
    offered = [re.findall(r'name="at" value="([^"]+)"', rm.get(f"/schedule/new/?day={day}").content.decode())
               for day in ("2026-03-02", "2026-03-03")]  # fmt: skip
    assert offered == [["14:30", "15:00", "16:00"], ["09:30", "10:00", "14:30", "15:00", "16:00"]]


def test_the_rhythm_folds_before_what_somebody_waits_for(cast: Cast, rm, worker: Any) -> None:
    """Eleven contacts by rhythm, three weeks late, had folded a call-back that was promised for an hour ago."""
    with worker(), connection.cursor() as cursor:
        for statement in LATE.replace("260", "11").split(";"):
            cursor.execute(statement, {"now": NOW, "rm": cast.rm.pk, "customer": customer(cast).pk})
    before = NOW - timedelta(hours=2)
    with cast.acting("rm", before) as actor:
        call = course.plan(customer(cast, 1), "call", actor=actor, now=before, purpose="introduction")
        course.start(call, actor=actor, now=before, bank=Bank())
        again = NOW - timedelta(hours=1)
        course.put_through(call, "busy", actor=actor, now=before, bank=Bank(), call_back_at=again)
    late = rm.get("/").content.decode().partition('id="late"')[2].partition("</section>")[0]
    shown, _sign, folded = late.partition('id="fold-')
    assert shown.count('<li class="row ') == 10
    assert "约好 13:00 回电" in shown
    assert folded.count('<li class="row ') == 2
    assert "回电" not in folded


def test_a_new_password_is_asked_for_in_a_sentence(cast: Cast, rm) -> None:
    page = rm.get("/me/password/").content.decode()
    assert "至少 10 个字符" in page
    assert "&lt;" not in page


def test_that_a_wife_is_grown_up_goes_without_saying(cast: Cast, rm) -> None:
    for kind, name in (("spouse", "吕女士"), ("child", "单小雨")):
        given = {"kind": kind, "name": name, "age": "adult"}
        assert rm.post(f"/customers/{customer(cast).pk}/relations/", given).status_code == 303
    from zhike.customers.models import Relation

    with cast.acting("rm", NOW):
        Relation.objects.filter(kind="spouse").update(age="adult")
    family = rm.get(f"/customers/{customer(cast).pk}/").content.decode().partition('id="family"')[2]
    said = re.sub(r"<[^>]+>|\s", "", family.partition("</section>")[0])
    assert "单小雨成年" in said
    assert "吕女士成年" not in said
    assert said.count("成年") == 1
