"""S3 on its pages: the festivals to come with their bars, one festival arranged by taps, withdrawn, left out; the leader's team.

The book is the one of test_greetings: three of the RM's six customers of every tier, one without consent, one with a complaint open.
NOW is Monday, 2 March 2026; Dragon Boat is on 19 June.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime

import pytest

from tests.cast import Cast
from tests.product.api import NOW
from tests.product.test_greetings import BANK, book, dragon_boat
from zhike import clock
from zhike.customers.models import Customer
from zhike.obligations.models import Obligation
from zhike.obligations.sweep import sweep
from zhike.sms.models import Greeting, LeftOut, Message, Template, Wording

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
HERE = "/messages/greetings/dragon_boat:2026/"
assert book


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


def of_dragon_boat() -> Wording:
    return Wording.objects.get(template__key="dragon_boat")


def test_the_festivals_to_come_say_how_far_the_book_is(cast: Cast, book: list[Customer]) -> None:
    page = cast.client("rm").get("/messages/greetings/").content.decode()
    assert re.search(r"端午节</a></b><small>6月19日 周五 · 五月初五", page)
    assert "还有 109 天" in page
    assert "6 位客户，未安排 4，未同意 1，停止联系 1" in page
    assert "须在6月5日前安排好" in page
    assert page.index("端午节") < page.index("中秋节") < page.index("国庆节")


def test_nobody_is_chosen_before_somebody_chooses(cast: Cast, book: list[Customer]) -> None:
    page = cast.client("rm").get(HERE).content.decode()
    assert not re.search(r'name="tier" value="\w+" checked', page)
    assert "arrange/" not in page
    assert "端午安康" in page


def test_the_button_says_number_scope_and_moment_and_does_just_that(cast: Cast, book: list[Customer]) -> None:
    rm, wording = cast.client("rm"), of_dragon_boat()
    page = rm.get(f"{HERE}?tier=platinum").content.decode()
    assert "安排 2 人 · 白金 · 6月19日 09:00" in page
    assert f"【总行】{book[0].address_as}，端午安康！" in page, "a real customer's text, dressed as it leaves"
    assert "2 位客户，2 条" in page
    done = rm.post(f"{HERE}arrange/", {"tier": ["platinum"], "wording": wording.pk, "count": "2"})
    assert (done.status_code, done["Location"]) == (303, HERE)
    with cast.acting("rm", NOW):
        assert {each.customer_id for each in Message.objects.all()} == {book[0].pk, book[3].pk}
    page = rm.get(f"{HERE}?stands=arranged").content.decode()
    assert "已安排 2，未安排 2" in page
    assert all(book[n].name in page for n in (0, 3))
    assert book[4].name not in page


def test_a_list_that_changed_meanwhile_is_not_arranged(cast: Cast, book: list[Customer]) -> None:
    rm = cast.client("rm")
    done = rm.post(f"{HERE}arrange/", {"tier": ["platinum"], "wording": of_dragon_boat().pk, "count": "3"})
    assert (done.status_code, "现在是 2 人" in done.content.decode()) == (422, True)
    with cast.acting("rm", NOW):
        assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [({}, "先选一条措辞"), ({"wording": "dragon_boat"}, "先选要问候哪些"), ({"wording": "mid_autumn", "tier": "gold"}, "不能用于这里")],
)  # fmt: skip
def test_what_is_missing_or_wrong_is_said(cast: Cast, book: list[Customer], given: dict[str, str], said: str) -> None:
    asked = dict(given)
    if key := asked.get("wording"):
        asked["wording"] = str(Wording.objects.get(template__key=key).pk)
    done = cast.client("rm").post(f"{HERE}arrange/", asked)
    assert (done.status_code, said in done.content.decode()) == (422, True)


@pytest.mark.clause("S3", "OWE")
def test_withdrawn_is_open_again_and_so_is_what_was_owed(cast: Cast, book: list[Customer], worker: Role) -> None:
    near = datetime.fromisoformat("2026-05-22T08:00+08:00")
    with worker():
        swept = sweep(near.date(), now=near, bank=BANK)
        assert swept.others >= 1
        assert sweep(near.date(), now=near, bank=BANK).others == 0, "twice adds nothing"
    last_day = datetime.fromisoformat("2026-06-05T10:00+08:00")
    with clock.at(last_day):
        rm = cast.client("rm")
        page = rm.get("/").content.decode()
        (href,) = re.findall(r'href="(/messages/greetings/dragon_boat:2026/[^"]*)"', page)
        assert rm.get(href).status_code == 200
        every = {"tier": ["platinum", "gold", "regular", "diamond"], "wording": of_dragon_boat().pk, "count": "4"}
        assert rm.post(f"{HERE}arrange/", every).status_code == 303
        with cast.acting("rm", last_day):
            owed = Obligation.objects.get(kind="greetings", owner=cast.rm)
            assert owed.state == "done"
            greeting = Greeting.objects.get()
        done = rm.post(f"{HERE}withdraw/", {"greeting": str(greeting.key)}, follow=True)
        assert "已撤回 4 条问候" in done.content.decode()
        with cast.acting("rm", last_day):
            owed.refresh_from_db()
            assert (owed.state, Message.objects.count()) == ("open", 0)
        assert rm.post(f"{HERE}withdraw/", {"greeting": str(greeting.key)}).status_code == 404


def test_left_out_with_a_reason(cast: Cast, book: list[Customer]) -> None:
    rm = cast.client("rm")
    without = rm.post(f"{HERE}leave-out/", {"tier": ["gold"], "reason": " "})
    assert (without.status_code, "为什么" in without.content.decode()) == (422, True)
    assert rm.post(f"{HERE}leave-out/", {"tier": ["gold"], "reason": "当面问候", "count": "2"}).status_code == 422, (
        "not whom the page counted"
    )
    assert rm.post(f"{HERE}leave-out/", {"tier": ["gold"], "reason": "当面问候", "count": "1"}).status_code == 303
    with cast.acting("rm", NOW):
        assert [each.customer_id for each in LeftOut.objects.all()] == [book[4].pk]
    page = rm.get(f"{HERE}?stands=left_out").content.decode()
    assert f'aria-label="放回{book[4].name}"' in page
    assert "请先选要放回的客户" in rm.post(f"{HERE}bring-back/", {}).content.decode()
    assert cast.client("stranger").post(f"{HERE}bring-back/", {"customer": book[4].pk}).status_code == 303
    with cast.acting("rm", NOW):
        assert LeftOut.objects.count() == 1, "of one's own customers alone"
    assert rm.post(f"{HERE}bring-back/", {"customer": book[4].pk}).status_code == 303
    with cast.acting("rm", NOW):
        assert not LeftOut.objects.exists()
    assert 'aria-label="放回' not in rm.get(f"{HERE}?stands=open").content.decode()


def test_a_leader_sees_the_team_and_arranges_for_one_of_them(cast: Cast, book: list[Customer]) -> None:
    leader = cast.client("leader")
    page = leader.get("/messages/greetings/").content.decode()
    assert f'{HERE}?rm={cast.rm.pk}"' in page
    assert "林晓" in page
    assert leader.get(f"{HERE}?rm={cast.rm.pk}&tier=platinum").status_code == 200
    done = leader.post(
        f"{HERE}arrange/", {"rm": cast.rm.pk, "tier": ["platinum"], "wording": of_dragon_boat().pk, "count": "2"}
    )
    assert done.status_code == 303
    with cast.acting("leader", NOW):
        (one, _other) = Message.objects.order_by("pk")
        assert (one.staff_id, one.by_id) == (cast.rm.pk, cast.leader.pk), "in the RM's name, by the leader"


@pytest.mark.parametrize("who", ["mate", "stranger", "other_leader"])
def test_nobody_else_looks_at_or_arranges_this_book(cast: Cast, book: list[Customer], who: str) -> None:
    browser = cast.client(who)
    assert browser.get(f"{HERE}?rm={cast.rm.pk}").status_code == 404
    given = {"rm": cast.rm.pk, "tier": ["platinum"], "wording": of_dragon_boat().pk, "count": "2"}
    assert browser.post(f"{HERE}arrange/", given).status_code == 404
    with cast.acting("rm", NOW):
        assert not Greeting.objects.exists()


def test_who_only_watches_does_not_arrange(cast: Cast, book: list[Customer]) -> None:
    page = cast.client("compliance").get(f"{HERE}?rm={cast.rm.pk}&tier=platinum").content.decode()
    assert "未安排 4" in page
    assert "arrange/" not in page


def test_a_long_list_comes_page_by_page(cast: Cast, owner: Role) -> None:
    from tests.cast import a_customer

    with owner():
        made = [a_customer(f"客户{n:03}", cast.mate, cast.units["century"], tier="gold") for n in range(60)]
    mate = cast.client("mate")
    page = mate.get(f"{HERE}?stands=no_mobile").content.decode()
    assert (made[0].name in page, made[59].name in page) == (True, False)
    (more,) = re.findall(r'href="([^"]*after=\d+)#who"', page)
    page = mate.get(more.replace("&amp;", "&")).content.decode()
    assert (made[59].name in page, made[0].name in page) == (True, False)


def test_every_festival_that_the_bank_greets_at_first_has_words(cast: Cast) -> None:
    for each in BANK.greeted_festivals:
        words = Template.objects.filter(occasion=f"festival:{each}", kind="greeting")
        assert words.filter(language="zh-hans").count() == 1, each
        assert words.exclude(language="zh-hans").count() <= 1, each
    assert Template.objects.filter(occasion="", kind="greeting").count() == 1
    assert dragon_boat().key == "dragon_boat:2026"


@pytest.mark.clause("S3", "OWE")
def test_today_shows_it_from_the_day_on_which_it_is_owed(cast: Cast, book: list[Customer], worker: Role) -> None:
    """Two weeks before the deadline on 5 June; what falls due later than in a week is otherwise only counted."""
    first = datetime.fromisoformat("2026-05-22T08:00+08:00")
    with worker():
        sweep(first.date(), now=first, bank=BANK)
    with clock.at(first):
        page = cast.client("rm", first).get("/").content.decode()
    assert "安排端午节问候" in page
    assert f"{HERE}?rm={cast.rm.pk}" in page


def test_the_page_says_that_somebody_can_be_greeted_only_since(cast: Cast, book: list[Customer]) -> None:
    from zhike.customers.models import Consent

    rm = cast.client("rm")
    every = {"tier": ["gold"], "wording": of_dragon_boat().pk, "count": "1"}
    assert rm.post(f"{HERE}arrange/", every).status_code == 303
    assert "又有" not in rm.get(HERE).content.decode(), "other tiers were never arranged"
    with cast.acting("rm", NOW) as actor:
        Consent.objects.record(
            book[1], "greeting", "sms", given=True, evidence="柜面", source="contact", actor=actor, now=NOW
        )
    assert "安排之后，又有 1 位客户可以问候" in rm.get(HERE).content.decode()
    assert rm.post(f"{HERE}arrange/", every).status_code == 303
    assert "又有" not in rm.get(HERE).content.decode()


def test_what_is_owed_once_more_leads_to_the_same_page(cast: Cast, book: list[Customer], worker: Role) -> None:
    from zhike.pages.owed import festival

    subject = f"festival:dragon_boat:2026/again:2026-06-09/staff:{cast.rm.pk}"
    assert festival({"subject": subject}) == f"{HERE}?rm={cast.rm.pk}"
