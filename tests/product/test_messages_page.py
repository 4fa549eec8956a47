# ruff: noqa: F811 fixtures that are imported
"""The pages of messages as the RM uses them: threads, the composer, what is decided about a message and about a reply."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from tests.cast import Cast
from tests.gateway import Gateway, nothing, written
from tests.product.api import NOW
from tests.product.test_messages import MOBILE, Line, customer, thanks  # noqa: F401 fixtures
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.conduct.facts import Fact as Told
from zhike.customers.models import Consent, Customer
from zhike.obligations import ledger
from zhike.obligations.models import Obligation
from zhike.sms import gate
from zhike.sms.models import Message, OptOut, Reply, Typed

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]


@pytest.fixture(autouse=True)
def _monday(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Messages leave from here."""
    monkeypatch.setenv("ZHIKE_SMS_URL", "demo:")
    with clock.at(NOW):
        yield


@pytest.fixture
def rm(cast: Cast) -> Client:
    return cast.client("rm", NOW)


def text_of(answer: HttpResponse) -> str:
    assert answer.status_code in {200, 409, 422}, answer
    return answer.content.decode()


def body_of(page: str) -> str:
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.S)
    assert found
    return found[1]


def field(page: str, name: str) -> str:
    """What a hidden field of the composer holds."""
    form = page[page.index('id="compose"') :]
    found = re.search(rf'name="{name}" value="([^"]*)"', form)
    assert found, name
    return found[1]


def composed(page: str, **changed: str) -> dict[str, str]:
    """The composer as the browser would send it."""
    return {**{name: field(page, name) for name in ("for", "kind", "again", "text")}, "body": body_of(page), **changed}


def sent(cast: Cast, customer: Customer, text: str = "您预约的贵宾室已留好。", **more: Any) -> Message:
    with cast.acting("rm", NOW) as actor:
        return gate.send(customer, "service", text, actor=actor, now=NOW, bank=Bank(), **more)


def unknown(cast: Cast, customer: Customer, worker: Role) -> Message:
    """One whose answer the gateway swallowed."""
    message = sent(cast, customer)
    line = Line(worker, Gateway(answers=nothing))
    line.rounds()
    line.tick(NOW + timedelta(seconds=61))
    message.refresh_from_db()
    assert message.state == "unknown"
    return message


# ── thanks ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_today_leads_to_the_composer_and_one_more_click_sends(cast: Cast, rm: Client, thanks: Obligation) -> None:
    here = f"/messages/{thanks.customer_id}/?for={thanks.pk}"
    today = text_of(rm.get("/"))
    assert f'href="{here}"' in today
    assert "发短信" in today
    page = text_of(rm.get(here))
    body = body_of(page)
    assert "您的专属理财经理" in body, "a first meeting introduces"
    assert "【总行】" in page
    assert "首次见面，已选“首次见面”" in page
    answer = rm.post(f"/messages/{thanks.customer_id}/send/", composed(page))
    assert (answer.status_code, answer["Location"]) == (303, f"/messages/{thanks.customer_id}/")
    message = Message.objects.get()
    assert (message.state, message.obligation_id, message.introduces) == ("queued", thanks.pk, True)
    assert message.text == body, "the signature comes as it leaves"
    thread = text_of(rm.get(answer["Location"]))
    assert body in thread
    assert "排队待发" in thread


def test_whoever_is_written_to_in_english_is_thanked_in_english(
    cast: Cast, rm: Client, customer: Customer, thanks: Obligation
) -> None:
    """The profile says so; the text lies ready in English, the Chinese ones stand behind it."""
    with cast.acting("rm", NOW) as actor:
        customer.learn("language", "en", source="contact", actor=actor, now=NOW)
        customer.learn("honorific", "Mr Brown", source="contact", actor=actor, now=NOW)
    here = f"/messages/{thanks.customer_id}/?for={thanks.pk}"
    page = text_of(rm.get(here))
    unit = cast.units["century"].name
    said = f"Dear Mr Brown, thank you for coming to see us today. I am 林晓 of {unit}, your relationship manager"
    assert body_of(page).startswith(said), body_of(page)
    assert "已选“首次见面（英文）”" in page
    assert "首次见面<" in page.partition('id="compose"')[2], "the Chinese text can still be chosen"
    rm.post(f"/messages/{thanks.customer_id}/send/", composed(page))
    message = Message.objects.get()
    assert (message.state, message.introduces) == ("queued", True)


def test_what_has_a_message_on_its_way_is_not_asked_for_again(cast: Cast, rm: Client, thanks: Obligation) -> None:
    here = f"/messages/{thanks.customer_id}/?for={thanks.pk}"
    given = composed(text_of(rm.get(here)))
    rm.post(f"/messages/{thanks.customer_id}/send/", given)
    today = text_of(rm.get("/"))
    assert f'href="{here}"' not in today
    assert "排队待发" in today
    assert "这一项已有一条短信" in text_of(rm.get(here))
    again = rm.post(f"/messages/{thanks.customer_id}/send/", given)
    assert again.status_code == 409
    assert "已有一条短信" in text_of(again)
    assert Message.objects.count() == 1


def test_the_obligation_leads_to_the_composer_and_records_other_ways(
    cast: Cast, rm: Client, thanks: Obligation
) -> None:
    page = text_of(rm.get(f"/obligations/{thanks.pk}/"))
    assert f"/messages/{thanks.customer_id}/?for={thanks.pk}" in page
    given = {"channel": "sms", "through": "own_phone", "introduces": "yes", "words": "谢谢您来"}
    assert rm.post(f"/obligations/{thanks.pk}/done/", given).status_code == 303
    thread = text_of(rm.get(f"/messages/{thanks.customer_id}/"))
    assert "用自己手机发" in thread
    assert "谢谢您来" in thread


def test_without_a_gateway_today_is_as_it_was(
    cast: Cast,
    rm: Client,
    thanks: Obligation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ZHIKE_SMS_URL")
    today = text_of(rm.get("/"))
    assert f'href="/obligations/{thanks.pk}/"' in today
    assert "发短信" not in today


def test_a_stand_in_names_the_customers_own_manager(cast: Cast, thanks: Obligation) -> None:
    page = text_of(cast.client("leader", NOW).get(f"/messages/{thanks.customer_id}/?for={thanks.pk}"))
    assert "专属客户经理是林晓" in body_of(page)
    assert "替林晓致谢" in page


# ── the composer ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_counter_counts_with_the_signature(cast: Cast, rm: Client, customer: Customer) -> None:
    """【总行】 is 4; 66 letters and it are 70, one segment; one letter more makes two, each of 67."""
    for letters, says in ((66, ("<b>70</b> 字 · <b>1</b> 条 · 约 0.045 元", "再写 1 字多一条")),
                          (67, ("<b>71</b> 字 · <b>2</b> 条 · 约 0.09 元", "再写 64 字多一条"))):  # fmt: skip
        look = text_of(rm.post(f"/messages/{customer.pk}/look/", {"kind": "service", "body": "好" * letters}))
        for words in says:
            assert words in look


def test_what_cannot_be_is_said_at_the_field_and_nothing_typed_is_lost(
    cast: Cast, rm: Client, customer: Customer
) -> None:
    for body, says in (("{电话}您好", "{电话}"), (" ", "没有内容"), ("长" * 700, "短信太长")):
        answer = rm.post(f"/messages/{customer.pk}/send/", {"kind": "service", "body": body})
        page = text_of(answer)
        assert answer.status_code == 422
        assert says in page
        assert body_of(page) == body
    assert "没有值" in text_of(rm.post(f"/messages/{customer.pk}/look/", {"kind": "service", "body": "{电话}您好"}))
    assert not Message.objects.exists()


def test_what_a_guard_stops_is_kept_with_its_reason_and_the_words_stay(
    cast: Cast,
    rm: Client,
    customer: Customer,
    owner: Role,
) -> None:
    with owner():
        Customer.objects.filter(pk=customer.pk).update(deceased_on=NOW.date())
    answer = rm.post(f"/messages/{customer.pk}/send/", {"kind": "service", "body": "您的贵宾室已留好。"})
    page = text_of(answer)
    assert answer.status_code == 422
    assert body_of(page) == "您的贵宾室已留好。"
    assert 'href="/code/S5/"' in page
    message = Message.objects.get()
    assert (message.state, message.why["name"]) == ("refused", "deceased")


def test_without_anything_owed_a_kind_and_its_texts_are_chosen(cast: Cast, rm: Client, customer: Customer) -> None:
    page = text_of(rm.get(f"/messages/{customer.pk}/?kind=service"))
    assert body_of(page) == ""
    chosen = re.search(r'href="(\?|/messages/\d+/\?)(kind=service&amp;text=\d+)#compose"[^>]*><span>预约确认', page)
    assert chosen
    body = body_of(text_of(rm.get(f"/messages/{customer.pk}/?{chosen[2].replace('&amp;', '&')}")))
    assert "来行的时间已为您留好" in body
    assert "{" not in body


def test_another_customers_obligation_is_none(cast: Cast, rm: Client, thanks: Obligation) -> None:
    other = cast.customers["rm"][1]
    assert rm.get(f"/messages/{other.pk}/?for={thanks.pk}").status_code == 404
    assert rm.post(f"/messages/{other.pk}/send/", {"for": thanks.pk, "body": "谢谢"}).status_code == 404


def test_who_only_looks_on_reads_and_writes_nothing(cast: Cast, customer: Customer) -> None:
    sent(cast, customer)
    looker = cast.client("compliance", NOW)
    page = text_of(looker.get(f"/messages/{customer.pk}/"))
    assert "您预约的贵宾室已留好" in page
    assert 'id="compose"' not in page
    assert "/take-back/" not in page
    assert looker.post(f"/messages/{customer.pk}/send/", {"kind": "service", "body": "好"}).status_code == 403


# ── one message ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_waits_is_taken_back_reworded_and_sent_as_one(cast: Cast, rm: Client, thanks: Obligation) -> None:
    given = composed(text_of(rm.get(f"/messages/{thanks.customer_id}/?for={thanks.pk}")))
    rm.post(f"/messages/{thanks.customer_id}/send/", given)
    first = Message.objects.get()
    back = rm.post(f"/messages/{thanks.customer_id}/{first.pk}/take-back/")
    assert back.status_code == 303
    page = text_of(rm.get(back["Location"].partition("#")[0]))
    assert body_of(page) == given["body"]
    assert field(page, "for") == str(thanks.pk)
    rm.post(
        f"/messages/{thanks.customer_id}/send/",
        composed(page, body="谢谢您今天来行。我是您的专属客户经理林晓。", text=given["text"]),
    )
    (message,) = Message.objects.all()
    assert (message.state, message.obligation_id, message.text) == (
        "queued", thanks.pk, "谢谢您今天来行。我是您的专属客户经理林晓。",
    )  # fmt: skip


def test_what_has_left_is_not_taken_back(cast: Cast, rm: Client, customer: Customer, worker: Role) -> None:
    message = sent(cast, customer)
    Line(worker, Gateway()).rounds()
    answer = rm.post(f"/messages/{customer.pk}/{message.pk}/take-back/")
    assert answer.status_code == 409
    assert "状态已经变了" in text_of(answer)


def test_an_unknown_one_never_looks_like_failure_and_a_person_settles_it(
    cast: Cast,
    rm: Client,
    customer: Customer,
    worker: Role,
) -> None:
    message = unknown(cast, customer, worker)
    page = text_of(rm.get(f"/messages/{customer.pk}/"))
    (foot,) = re.findall(r'<span class="state([^"]*)">(?:(?!</span>).)*?#i-([\w-]+)(?:(?!</span>).)*?未知：', page)
    assert foot == (" state--soon", "unknown")
    assert "客户可能收到两条" in page
    assert f"#m{message.pk}" in text_of(rm.get("/messages/look/"))
    where = f"/messages/{customer.pk}/{message.pk}/settle/"
    refused = rm.post(where, {"arrived": "yes", "evidence": " "})
    assert refused.status_code == 422
    assert "凭什么" in text_of(refused)
    assert rm.post(where, {"arrived": "no", "evidence": "客户说没有收到"}).status_code == 303
    message.refresh_from_db()
    assert (message.state, message.why["zh"]) == ("undelivered", "经核对：客户说没有收到")


def test_sent_once_more_is_a_persons_decision(cast: Cast, rm: Client, customer: Customer, worker: Role) -> None:
    message = unknown(cast, customer, worker)
    assert rm.post(f"/messages/{customer.pk}/{message.pk}/again/").status_code == 303
    message.refresh_from_db()
    assert (message.state, message.attempt) == ("queued", 2)
    assert "重发" in text_of(rm.get(f"/messages/{customer.pk}/"))


# ── replies ─────────────────────────────────────────────────────────────────────────────────────────────────────


def came(worker: Role, text: str) -> Reply:
    line = Line(worker, Gateway())
    line.gateway.coming.append(written(MOBILE, text, "mo-1"))
    line.rounds()
    return Reply.objects.get()


def test_a_reply_is_answered_from_today(cast: Cast, rm: Client, customer: Customer, worker: Role) -> None:
    reply = came(worker, "四月的利率是多少？")
    owed = Obligation.objects.get(subject=f"reply:{reply.pk}")
    here = f"/messages/{customer.pk}/?for={owed.pk}"
    assert f'href="{here}"' in text_of(rm.get("/")), (
        "although there is time until the day after tomorrow: the customer waits"
    )
    threads = text_of(rm.get("/messages/"))
    assert "待答复" in threads
    assert "四月的利率是多少？" in threads
    page = text_of(rm.get(here))
    assert "四月的利率是多少？" in body_of(page)
    rm.post(f"/messages/{customer.pk}/send/", composed(page, body="四月起一年期为1.10%。"))
    Line(worker, Gateway()).rounds()
    owed.refresh_from_db()
    assert (owed.state, owed.evidence["how"]) == ("done", "sms")
    assert "已答复" in text_of(rm.get(f"/messages/{customer.pk}/"))


def test_thanks_need_no_answer_and_are_neither_done_nor_late(
    cast: Cast,
    rm: Client,
    customer: Customer,
    worker: Role,
) -> None:
    reply = came(worker, "收到，谢谢！")
    assert rm.post(f"/messages/{customer.pk}/replies/{reply.pk}/no-answer/").status_code == 303
    owed = Obligation.objects.get(subject=f"reply:{reply.pk}")
    assert owed.state == "withdrawn"
    thread = text_of(rm.get(f"/messages/{customer.pk}/"))
    assert "无需答复" in thread
    assert f"?for={owed.pk}" not in thread


@pytest.mark.parametrize(("stops", "opted_out"), [("yes", 1), ("no", 0)])
def test_inside_a_sentence_the_rm_says_what_was_meant(
    cast: Cast,
    rm: Client,
    customer: Customer,
    worker: Role,
    stops: str,
    opted_out: int,
) -> None:
    reply = came(worker, "我要退订，谢谢")
    assert "是退订" in text_of(rm.get(f"/messages/{customer.pk}/"))
    rm.post(f"/messages/{customer.pk}/replies/{reply.pk}/decide/", {"stops": stops})
    assert OptOut.objects.count() == opted_out
    page = text_of(rm.get(f"/messages/{customer.pk}/"))
    assert ("全行即时生效" in page) == bool(opted_out)
    assert "须由您判断" not in page
    with cast.acting("rm", NOW):
        assert not Consent.objects.allows(customer, "marketing", "sms")


# ── many ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_long_thread_is_read_upwards_and_nothing_is_told_twice(cast: Cast, rm: Client, customer: Customer) -> None:
    for n in range(95):
        with cast.acting("rm", NOW - timedelta(days=1)) as actor:
            gate.send(
                customer, "service", f"第{n}件事。", actor=actor, now=NOW - timedelta(minutes=1000 - n), bank=Bank()
            )
    told: list[str] = []
    address = f"/messages/{customer.pk}/"
    for _ in range(4):
        page = text_of(rm.get(address))
        told = re.findall(r"第\d+件事", page[page.index('id="entries"') : page.index('id="compose"')]) + told
        older = re.search(r'href="(/messages/\d+/\?before=[^"]+)"', page)
        if not older:
            break
        address = older[1].replace("&amp;", "&")
    assert told == [f"第{n}件事" for n in range(95)]


def test_the_list_goes_on_page_by_page_those_that_wait_first(
    cast: Cast,
    rm: Client,
    customer: Customer,
    owner: Role,
    worker: Role,
) -> None:
    with owner():
        for n in range(65):
            other = Customer.objects.get(pk=cast.customers["rm"][1].pk)
            other.pk, other.core_number, other.name = None, f"L{n}", f"客户{n:02}"
            other.save()
            Message.objects.create(
                customer=other, staff=cast.rm, kind="service", state="delivered", created_at=NOW - timedelta(minutes=n),
                not_before=NOW,
            )  # fmt: skip
    came(worker, "四月的利率是多少？")
    told: list[str] = []
    address = "/messages/"
    for _ in range(4):
        page = text_of(rm.get(address))
        told += re.findall(r'href="/messages/(\d+)/"', page[page.index('class="threads') : page.index("<aside")])
        older = re.search(r'href="(/messages/\?after=[^"]+)"', page)
        if not older:
            break
        address = older[1].replace("&amp;", "&")
    assert told[0] == str(customer.pk), "what waits stands first"
    assert len(told) == len(set(told)) == 66


def test_an_empty_list_says_what_comes_here(cast: Cast, rm: Client) -> None:
    assert "还没有短信" in text_of(rm.get("/messages/"))
    assert "没有要核对的" in text_of(rm.get("/messages/look/"))


def test_a_leader_looks_at_those_of_the_team(cast: Cast, customer: Customer, worker: Role) -> None:
    message = unknown(cast, customer, worker)
    leader, stranger = cast.client("leader", NOW), cast.client("other_leader", NOW)
    assert f"#m{message.pk}" not in text_of(leader.get("/messages/look/"))
    assert f"#m{message.pk}" in text_of(leader.get("/messages/look/?of=all&state=unknown"))
    assert f"#m{message.pk}" not in text_of(leader.get("/messages/look/?of=all&state=refused"))
    assert f"#m{message.pk}" not in text_of(stranger.get("/messages/look/?of=all"))


def test_what_is_over_wants_no_look(cast: Cast, rm: Client, customer: Customer, owner: Role) -> None:
    """What a guard stopped and was reworded and sent is dealt with."""
    with owner():
        Message.objects.create(
            customer=customer,
            staff=cast.rm,
            kind="service",
            state="refused",
            why={"zh": "用语", "clause": "S5"},
            created_at=NOW,
            not_before=NOW,
        )
    assert "/#m" in text_of(rm.get("/messages/look/"))
    sent(cast, customer)
    assert "/#m" not in text_of(rm.get("/messages/look/"))


# ── the demonstration's handset ─────────────────────────────────────────────────────────────────────────────────


def test_there_is_no_handset_but_in_a_demonstration(
    cast: Cast,
    rm: Client,
    customer: Customer,
    settings: Any,
) -> None:
    settings.DEMO = False
    for path in ("/handset/", f"/handset/{customer.pk}/"):
        assert rm.get(path).status_code == 404
    assert rm.post(f"/handset/{customer.pk}/type/", {"text": "好"}).status_code == 404


def test_the_handset_shows_what_arrived_and_takes_an_answer(
    cast: Cast,
    rm: Client,
    customer: Customer,
    worker: Role,
) -> None:
    sent(cast, customer)
    assert "您预约的贵宾室已留好" not in text_of(rm.get(f"/handset/{customer.pk}/"))
    Line(worker, Gateway()).rounds()
    page = text_of(rm.get(f"/handset/{customer.pk}/"))
    assert "【总行】您预约的贵宾室已留好。" in page
    assert "演示" in page
    rm.post(f"/handset/{customer.pk}/type/", {"text": "好的，谢谢"})
    (typed,) = Typed.objects.all()
    assert (typed.number_in_clear, typed.text) == (MOBILE, "好的，谢谢")
    assert "好的，谢谢" in text_of(rm.get(f"/handset/{customer.pk}/"))


def test_what_another_platform_sent_stands_in_the_thread(cast: Cast, rm: Client, thanks: Obligation) -> None:
    data = {"purpose": "thanks", "channel": "sms", "through": "bank_sms", "introduces": True}
    with cast.acting("rm", NOW) as actor:
        fact = Told("message_sent", NOW, NOW, cast.rm.pk, thanks.customer_id, thanks.subject, data, "entered")
        ledger.tell([fact], actor=actor, now=NOW, bank=Bank())
    assert "经本行其他短信平台" in text_of(rm.get(f"/messages/{thanks.customer_id}/"))
