"""Prospects as pages and as data: entered, noted, claimed, exported; what was typed stays when it is refused."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest

from tests.cast import Cast
from zhike import clock
from zhike.customers.models import Customer
from zhike.market.models import Prospect
from zhike.trail.models import Entry

from .api import Program
from .test_prospects import MOBILE, NOW, entered, knows

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


FORM = {
    "kind": "person", "name": "王丽", "mobile": MOBILE, "source": "fair", "source_words": "春季车展", "interest": "deposit", "interest_words": "三年期",
    "tier": "gold", "step": "邀请来行", "step_on": "2026-03-02",
}  # fmt: skip


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_entered_noted_and_won_by_the_pages(cast: Cast, owner: Role) -> None:
    browser = cast.client("rm")
    assert "还没有潜在客户" in text(browser.get("/market/prospects/"))
    answer = browser.post("/market/prospects/new/", {**FORM, "step": ""})
    assert (answer.status_code, "请写下一步做什么" in text(answer), 'value="王丽"' in text(answer)) == (422, True, True)
    answer = browser.post("/market/prospects/new/", FORM)
    with owner():
        made = Prospect.objects.get()
    here = f"/market/prospects/{made.pk}/"
    assert answer["Location"] == here
    page = text(browser.get(here))
    assert "139 **** 1111" in page
    assert MOBILE not in page
    assert "不谈产品" in page  # C9: nobody has talked yet
    assert "王丽：邀请来行" in text(browser.get("/"))
    answer = browser.post(f"{here}contact/", {"how": "call", "words": "约好周四", "does": ["no", "yes"]})
    assert (answer.status_code, "约好周四" in text(answer)) == (422, True)
    answer = browser.post(
        f"{here}contact/",
        {"how": "call", "words": "约好周四", "does": ["no", "yes"], "step": "面谈", "step_on": "2026-03-05"},
    )
    assert answer.status_code == 303
    page = text(browser.get(here))
    assert "不谈产品" not in page
    assert "约好周四" in page
    assert MOBILE in text(browser.post(f"{here}reveal/mobile/"))
    answer = browser.post(f"{here}act/", {"act": "win"})
    with owner():
        customer = Customer.objects.get(name="王丽")
    assert answer["Location"] == f"/customers/{customer.pk}/"
    for address in (f"/customers/{customer.pk}/", f"/customers/{customer.pk}/?contacts=all"):
        page = text(browser.get(address))
        assert "约好周四" in page
        assert f'href="{here}"' in page
    assert f"/customers/{customer.pk}/" in text(browser.get(here))


@pytest.mark.parametrize("whose", ["stranger", None])
def test_looking_for_a_number_counts_where_nothing_comes_of_it(cast: Cast, owner: Role, whose: str | None) -> None:
    """The form that is refused, for want of a step or because somebody has the number, told it all the same."""
    if whose:
        knows(cast, whose, MOBILE)
    made = entered(cast, name="赵五", mobile="13900005555")
    with owner():
        program = Program(cast, "rm")
        before = Entry.objects.filter(action="search").count()
    body = {"name": "王丽", "source": "fair", "step": ""}
    browser = cast.client("rm")
    assert browser.post("/market/prospects/new/", {**FORM, "mobile": MOBILE, "step": ""}).status_code == 422
    assert browser.post("/market/prospects/new/", {**FORM, "mobile": MOBILE, "step": ""}).status_code == 422
    with owner():
        assert Entry.objects.filter(action="search").count() == before + 1  # the same number, once a day
    for number in ("13900001113", "13900001114"):
        if whose:
            knows(cast, whose, number)
        answer = program.send("post", "prospects", {**body, "mobile": number}, **{"Idempotency-Key": number})
        assert answer.status_code == 422
        again = program.send("post", "prospects", {**body, "mobile": number}, **{"Idempotency-Key": number})
        assert again.status_code == 422
    with owner():
        assert Entry.objects.filter(action="search").count() == before + 3
    if whose:
        assert browser.post(f"/market/prospects/{made.pk}/edit/", {**FORM, "mobile": "13900001114"}).status_code == 422
        with owner():
            assert Prospect.objects.get(pk=made.pk).name == "赵五"
    with owner():
        assert Prospect.objects.count() == 1


def test_lost_wants_a_reason_and_is_taken_up_again(cast: Cast) -> None:
    made, browser = entered(cast), cast.client("rm")
    here = f"/market/prospects/{made.pk}/"
    assert "请选择未成的原因" in text(browser.post(f"{here}act/", {"act": "lose"}))
    assert browser.post(f"{here}act/", {"act": "lose", "lost": "elsewhere"}).status_code == 303
    assert "选择了他行" in text(browser.get("/market/prospects/?view=settled"))
    answer = browser.post(f"{here}act/", {"act": "reopen", "step": "再问一次", "step_on": "2026-03-09"})
    assert answer.status_code == 303
    assert "再问一次" in text(browser.get("/market/prospects/"))


def test_corrected_without_typing_the_number_again(cast: Cast, owner: Role) -> None:
    made, browser = entered(cast), cast.client("rm")
    here = f"/market/prospects/{made.pk}/edit/"
    assert "现为 139 **** 1111" in text(browser.get(here))
    assert browser.post(here, {**FORM, "mobile": "", "name": "王立", "source_words": "夏季车展"}).status_code == 303
    with owner():
        row = Prospect.objects.get(pk=made.pk)
        assert (row.name, row.source_words, row.opened("mobile")) == ("王立", "夏季车展", MOBILE)


def handed_over(cast: Cast, customer: Customer, owner: Role) -> None:
    with owner():
        Customer.objects.filter(pk=customer.pk).update(rm=cast.stranger, unit=cast.units["lujiazui"])


def test_of_a_customer_who_was_handed_over_the_story_stays_and_the_number_went_along(cast: Cast, owner: Role) -> None:
    made, browser = entered(cast), cast.client("rm")
    here = f"/market/prospects/{made.pk}/"
    browser.post(f"{here}act/", {"act": "win"})
    with owner():
        customer = Customer.objects.get(name="王丽")
    assert MOBILE in text(browser.post(f"{here}reveal/mobile/"))
    handed_over(cast, customer, owner)
    for who in ("rm", "leader"):
        page = text(cast.client(who).get(here))
        assert "王丽" in page
        assert f"/customers/{customer.pk}/" not in page
        assert "reveal" not in page
        assert cast.client(who).post(f"{here}reveal/mobile/").status_code == 404
        answer = cast.client(who).post(
            f"{here}contact/", {"how": "call", "words": "x", "promise": "利率表", "promise_on": "2026-03-05"}
        )
        assert answer.status_code == 409
    with owner():
        program = Program(cast, "rm")
    assert program.send("post", f"prospects/{made.pk}/reveal", {"field": "mobile"}).status_code == 404
    assert program.get(f"prospects/{made.pk}")["customer"] is None
    assert f"/customers/{customer.pk}/" in text(cast.client("stranger").get(here))


def test_who_referred_them_may_be_out_of_sight(cast: Cast, owner: Role) -> None:
    """A colleague's customer, of one in the pool; a customer since handed over. Neither is named, and neither is lost by a correction."""
    referrer = cast.customers["rm"][0]
    made = entered(cast, source="referral", referred_by=referrer.pk, to_pool=True)
    here = f"/market/prospects/{made.pk}/"
    mate = cast.client("mate")
    assert referrer.name not in text(mate.get(here))
    assert mate.post(f"{here}claim/").status_code == 303
    assert mate.post(f"{here}contact/", {"how": ""}).status_code == 422
    assert mate.get(f"{here}edit/").status_code == 200
    assert mate.post(f"{here}edit/", {**FORM, "mobile": "", "source": "referral"}).status_code == 303
    with owner():
        assert Prospect.objects.get(pk=made.pk).referred_by_id == referrer.pk


def test_claimed_assigned_and_given_back_by_the_pages(cast: Cast) -> None:
    made = entered(cast, to_pool=True)
    here = f"/market/prospects/{made.pk}/"
    mate, rm, leader = cast.client("mate"), cast.client("rm"), cast.client("leader")
    assert "认领" in text(mate.get("/market/prospects/?view=pool"))
    assert mate.post(f"{here}reveal/mobile/").status_code == 404  # not before it is claimed
    assert mate.post(f"{here}claim/")["Location"] == here
    answer = rm.post(f"{here}claim/")
    assert (answer.status_code, "可能刚被同事认领" in text(answer)) == (422, True)
    assert rm.get(here).status_code == 404
    assert leader.post(f"{here}assign/", {"rm": cast.rm.pk}).status_code == 303
    assert mate.get(here).status_code == 404
    answer = rm.post(f"{here}act/", {"act": "give_back", "why": ""})
    assert "请写明为何退回" in text(answer)
    assert rm.post(f"{here}act/", {"act": "give_back", "why": "住得远"}).status_code == 303
    assert "住得远" in text(mate.get(here))


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_taken_along_within_ones_rights_and_kept_in_the_trail(cast: Cast, owner: Role, kind: str) -> None:
    entered(cast, name="=1+1")
    entered(cast, "stranger", name="欧阳试", mobile="13900002222")
    answer = cast.client("rm").get(f"/market/prospects/?as={kind}")
    assert answer["Content-Disposition"] == f'attachment; filename="prospects-20260302.{kind}"'
    if kind == "csv":
        body = answer.content.decode("utf-8-sig")
        assert "'=1+1" in body
        assert "139 **** 1111" in body
        assert "欧阳" not in body
        head, line = csv.reader(body.splitlines())
        told = dict(zip(head, line, strict=True))
        assert (told["何时截止"], told["此日后退回公海"]) == ("2026-03-05", "2026-04-01")
    with owner():
        (kept,) = Entry.objects.filter(action="export", object="market_prospect")
        assert (kept.actor_id, kept.changes["rows"]) == (cast.rm.pk, 1)


def test_the_funnel_is_a_picture_with_its_table(cast: Cast) -> None:
    entered(cast)
    for who, shown in (("rm", "本人"), ("leader", "林晓")):
        page = text(cast.client(who).get("/market/prospects/funnel/"))
        assert "<svg" in page
        assert shown in page
    assert cast.client("rm").get(f"/market/prospects/funnel/?staff={cast.mate.pk}").status_code == 404


def test_filters_stand_in_the_address(cast: Cast) -> None:
    entered(cast)
    entered(cast, name="周静", mobile="13900002222", source="media")
    browser = cast.client("rm")
    page = text(browser.get("/market/prospects/?source=media"))
    assert ("周静" in page, "王丽" in page) == (True, False)
    assert "没有符合的潜在客户" in text(browser.get("/market/prospects/?stage=offer"))
    assert text(browser.get("/market/prospects/?stage=x&source=y&rm=z&page=0&view=q")).count("周静") == 1


def test_as_a_program_does_it(cast: Cast, owner: Role) -> None:
    with owner():
        rm, mate, leader = (Program(cast, who) for who in ("rm", "mate", "leader"))
    body = {"name": "王丽", "source": "referral", "mobile": MOBILE, "step": "邀请来行", "step_on": "2026-03-05",
            "referred_by": str(cast.customers["rm"][0].pk)}  # fmt: skip
    made = rm.post("prospects", body, status=201)
    assert (made["mobile"], made["stage"], made["goes_back"], made["referred_by"]["name"]) == (
        "139 **** 1111", "new", "2026-04-01", "张伟明"
    )  # fmt: skip
    here = f"prospects/{made['id']}"
    problem = rm.post("prospects", body, status=422)
    assert problem["errors"][0]["field"] == "mobile"
    assert mate.send("get", here).status_code == 404
    assert mate.post(f"{here}/claim", status=422)
    contacted = rm.post(
        f"{here}/contacts", {"how": "visit", "words": "见面", "step": "送方案", "step_on": "2026-03-09"}
    )
    assert (contacted["stage"], contacted["step"]["words"]) == ("met", "送方案")
    assert [each["what"] for each in contacted["events"]] == ["entered", "contact"]
    assert rm.post(f"{here}/reveal", {"field": "mobile"})["value"] == MOBILE
    rm.post(f"{here}/return", {"why": "住得远"})
    assert [each["id"] for each in mate.get("prospects?pool=true")["items"]] == [made["id"]]
    assert mate.post(f"{here}/claim")["rm"]["id"] == str(cast.mate.pk)
    leader.post(f"{here}/assignment", {"rm": str(cast.rm.pk)})
    won = rm.post(f"{here}/customer", status=201)
    assert rm.get(here)["customer"] == won["customer"]
    assert rm.post(f"{here}/loss", {"why": "price"}, status=409)
    told = leader.get("prospects/funnel?since=2026-03-01&until=2026-03-31")
    assert [each["came"] for each in told["stages"]] == [1, 1, 1, 1, 1]
    assert [(each["entered"], each["contacts"], each["won"]) for each in told["found"]] == [(1, 1, 1)]


def test_no_list_asks_more_often_because_there_are_more(cast: Cast, django_assert_max_num_queries: Any) -> None:
    browser = cast.client("rm")
    entered(cast)
    browser.get("/market/prospects/")
    with django_assert_max_num_queries(30) as few:
        browser.get("/market/prospects/")
    for n in range(8):
        entered(cast, name=f"潜客{n}", mobile=f"1390001{n:04}", now=NOW + timedelta(minutes=n))
    with django_assert_max_num_queries(len(few)):
        browser.get("/market/prospects/")
