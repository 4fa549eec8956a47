"""Texts that lie ready: proposed by one, decided by another; an RM's own greeting is decided by their leader and used by them alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.cast import Cast
from tests.product.api import NOW
from tests.product.test_greetings import dragon_boat
from zhike import clock
from zhike.people import approvals
from zhike.people.models import Approval
from zhike.sms import greetings
from zhike.sms.models import Template, Wording

pytestmark = pytest.mark.django_db
BETTER = "{称谓}，端午安康！愿您与家人顺心如意。{机构} {本人}"


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


def address(key: str = "dragon_boat") -> str:
    return f"/messages/templates/{Template.objects.get(key=key).pk}/"


def waits(cast: Cast, who: str) -> Approval:
    with cast.acting(who, NOW) as actor:
        (approval,) = approvals.waiting_for(actor, NOW)
    return approval


def decide(cast: Cast, who: str, approval: Approval, act: str = "approve", note: str = "") -> int:
    given = {"act": act, "digest": approval.digest, "note": note}
    return cast.client(who).post(f"/approvals/{approval.pk}/", given).status_code


def test_the_texts_that_come_with_zhike_are_shown_with_their_variables(cast: Cast) -> None:
    page = cast.client("rm").get("/messages/templates/").content.decode()
    for words in ("致谢", "问候", "粽叶飘香", "中秋节问候", "{称谓}", "客户的称谓", "1 条"):
        assert words in page, words


def test_a_text_in_english_is_asked_for_as_such(cast: Cast) -> None:
    given = {
        "kind": "service", "language": "en", "title": "Card ready", "reason": "foreign customers",
        "text": "Dear {称谓}, your card is ready. {本人}",
    }  # fmt: skip
    browser = cast.client("marketing")
    wrong = browser.post("/messages/templates/new/", {**given, "language": "fr"})
    assert wrong.status_code == 422
    assert "请选语言。" in wrong.content.decode()
    assert browser.post("/messages/templates/new/", given).status_code == 303
    assert "英文" in cast.client("compliance").get("/approvals/").content.decode()
    assert decide(cast, "compliance", waits(cast, "compliance")) == 303
    assert Template.objects.get(title__en="Card ready").language == "en"


@pytest.mark.parametrize(
    ("asks", "decides"), [("marketing", "compliance"), ("compliance", "marketing"), ("leader", "marketing")]
)
def test_new_words_are_used_once_a_second_person_has_let_them_pass(cast: Cast, asks: str, decides: str) -> None:
    here = address()
    asked = cast.client(asks).post(here, {"text": BETTER, "reason": "更简短"})
    assert (asked.status_code, asked["Location"]) == (303, here)
    assert Wording.objects.filter(template__key="dragon_boat").count() == 1, "nothing changes before"
    assert BETTER in cast.client(asks).get(here).content.decode()
    page = cast.client(decides).get("/approvals/").content.decode()
    assert BETTER in page
    assert "粽叶飘香" in page, "beside the words until now"
    approval = waits(cast, decides)
    assert decide(cast, asks, approval) in (403, 409), "nobody decides what they asked for"
    assert decide(cast, decides, approval) == 303
    old, new = Wording.objects.filter(template__key="dragon_boat").order_by("number")
    assert (old.state, new.state, new.number, new.text) == ("replaced", "approved", 2, BETTER)
    page = cast.client(asks).get(here).content.decode()
    assert all(words in page for words in ("第 2 版", "粽叶飘香", cast.staff[asks].name, cast.staff[decides].name))


def test_what_was_decided_against_is_shown_with_why(cast: Cast) -> None:
    here = address()
    cast.client("marketing").post(here, {"text": BETTER, "reason": "更简短"})
    assert decide(cast, "compliance", waits(cast, "compliance"), "refuse", "原来的更好") == 303
    page = cast.client("marketing").get(here).content.decode()
    assert "原来的更好" in page
    assert Wording.objects.get(template__key="dragon_boat").number == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "请写好正文"),
        ("{称呼}，端午安康！", "没有名为 {称呼} 的变量"),
        ("{称谓，端午安康！", "大括号须成对"),
        ("{称谓}，{日子}端午安康！", "群发的短信不能用变量 {日子}"),
        ("{称谓}，本行产品保本保息，端午安康！", "保本"),
        ("【本行】{称谓}，端午安康！", "签名由平台自动加上"),
        ("{称谓}，端午安康！" * 90, "至多 10 段"),
    ],
)
def test_what_may_not_be_said_is_refused_and_nothing_typed_is_lost(cast: Cast, text: str, said: str) -> None:
    done = cast.client("marketing").post(address(), {"text": text, "reason": "新意"})
    page = done.content.decode()
    assert (done.status_code, said in page) == (422, True)
    assert "新意" in page
    assert not text or text in page
    assert not Approval.objects.exists()


def test_what_sells_says_how_to_be_reached(cast: Cast) -> None:
    """PRACTICE §2 row 15: while it is typed and when it is asked for; the bank's own number does, and so does {电话}."""
    marketing, bare = cast.client("marketing"), "{称谓}，信用卡年费减免活动开始，期待您来。{机构} {本人}"
    form = {"kind": "marketing", "title": "年费减免", "reason": "季度活动"}
    for act in ("look", ""):
        page = marketing.post("/messages/templates/new/", {**form, "text": bare, "act": act})
        assert (page.status_code, "营销短信须写明联系方式" in page.content.decode()) == (422 if not act else 200, True)
    assert (
        "营销短信须写明"
        not in marketing.post(
            "/messages/templates/new/", {**form, "text": f"{bare} {{电话}}", "act": "look"}
        ).content.decode()
    )
    assert not Approval.objects.exists()
    assert marketing.post("/messages/templates/new/", {**form, "text": f"{bare} 021-55580001"}).status_code == 303


def test_the_preview_says_so_while_it_is_typed(cast: Cast) -> None:
    done = cast.client("rm").post(
        "/messages/templates/new/", {"act": "look", "kind": "greeting", "text": "{称谓}，包赚！{机构} {本人}"}
    )
    page = done.content.decode()
    assert done.status_code == 200
    assert re.search(r"note--late.*包赚", page, re.S)
    with cast.acting("rm", NOW):
        somebody = min(cast.customers["rm"][:2], key=lambda each: each.sort_key)
        assert f"【总行】{somebody.address_as}，包赚！世纪大道支行 林晓" in page


def test_an_rms_own_words_are_decided_by_the_leader_and_used_by_that_rm_alone(cast: Cast) -> None:
    mine = "{称谓}，端午好！粽子记得少糖。{本人}"
    asked = cast.client("rm").post(
        "/messages/templates/new/",
        {"kind": "greeting", "occasion": "festival:dragon_boat", "title": "少糖", "text": mine, "reason": "熟客"},
    )
    assert asked.status_code == 303
    with cast.acting("marketing", NOW) as actor:
        assert not approvals.waiting_for(actor, NOW).exists(), "not marketing's to decide"
    assert decide(cast, "leader", waits(cast, "leader")) == 303
    template = Template.objects.get(owner=cast.rm)
    assert [row.text for row in greetings.suiting(dragon_boat(), cast.rm.pk)][-1] == mine
    assert mine not in [row.text for row in greetings.suiting(dragon_boat(), cast.mate.pk)]
    here = f"/messages/templates/{template.pk}/"
    assert [cast.client(who).get(here).status_code for who in ("rm", "leader", "mate", "stranger", "marketing")] == [
        200, 200, 404, 404, 404,
    ]  # fmt: skip
    assert cast.client("leader").post(here, {"text": "改", "reason": "改"}).status_code == 403
    assert cast.client("leader").post(f"{here}retire/").status_code == 403
    assert cast.client("rm").post(f"{here}retire/").status_code == 303
    assert mine not in [row.text for row in greetings.suiting(dragon_boat(), cast.rm.pk)]


def test_an_rm_neither_words_nor_retires_what_is_the_banks(cast: Cast) -> None:
    rm, here = cast.client("rm"), address()
    assert rm.post(here, {"text": BETTER, "reason": "更好"}).status_code == 403
    assert rm.post(f"{here}retire/").status_code == 403
    assert Wording.objects.get(template__key="dragon_boat").state == "approved"
    assert 'name="text"' not in rm.get(here).content.decode()


def test_retired_words_greet_nobody(cast: Cast) -> None:
    assert cast.client("marketing").post(f"{address()}retire/").status_code == 303
    assert [row.template.key for row in greetings.suiting(dragon_boat(), cast.rm.pk)] == ["any_festival"]
    assert "粽叶飘香" in cast.client("marketing").get("/messages/templates/?retired=1").content.decode()


def test_marketing_sees_requests_about_texts_and_no_others_of_the_bank(cast: Cast) -> None:
    from tests.product.test_office import approve_what_waits

    with cast.acting("administrator", NOW) as actor:
        from datetime import date

        from zhike.people import bank

        bank.ask_to_change(actor, "callback_tolerance", 3, date(2026, 4, 1), "口径", today=NOW.date(), now=NOW)
    page = cast.client("marketing").get("/approvals/").content.decode()
    assert "口径" not in page
    approve_what_waits(cast)


def test_a_leader_without_a_leader_is_decided_about_by_compliance_or_marketing(cast: Cast) -> None:
    given = {"whose": "own", "kind": "greeting", "occasion": "", "text": "{称谓}，节日安康！{本人}", "reason": "自己的"}
    assert cast.client("branch_leader").post("/messages/templates/new/", given).status_code == 303
    assert decide(cast, "marketing", waits(cast, "marketing")) == 303
    assert Template.objects.get(owner=cast.branch_leader).title["zh"] == "节日安康"
