"""Finding customers: by characters, by sound, by numbers; own first, in scope alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cast import Cast, a_customer
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.customers import names
from zhike.customers.models import Customer
from zhike.customers.search import find, read
from zhike.people.actor import act, acting
from zhike.people.models import Setting
from zhike.trail.models import Entry

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


@pytest.fixture
def cast(cast: Cast, owner: Any) -> Cast:
    with owner():
        everyone = [
            a_customer("单雪梅", cast.rm, cast.units["century"], core_number="C001"),
            a_customer("解放", cast.rm, cast.units["century"]),
            a_customer("王伟", cast.mate, cast.units["century"]),
            a_customer("王伟明", cast.rm, cast.units["century"]),
            a_customer("欧阳静", cast.rm, cast.units["century"]),
            a_customer("區志強", cast.rm, cast.units["century"]),
            a_customer("吕布", cast.rm, cast.units["century"]),
            a_customer("上海宏达贸易有限公司", cast.rm, cast.units["century"], kind="company"),
            a_customer("阿卜杜拉·买买提", cast.rm, cast.units["century"]),
        ]
    with acting(cast.branch_leader.id, NOW) as sun:
        for number, customer in enumerate(everyone):
            customer.learn("mobile", f"1381234{5678 + number}", source="contact", actor=sun, now=NOW)
        everyone[0].learn("phone2", "021-87654321", source="contact", actor=sun, now=NOW)
        everyone[4].learn("phone2", "13912340001", source="contact", actor=sun, now=NOW)
        everyone[0].learn("id_number", "11010519491231002X", source="contact", actor=sun, now=NOW)
    return cast


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("单雪", "单雪梅"), ("雪梅", "单雪梅"), ("梅", "单雪梅"), ("shanxuemei", "单雪梅"), ("sxm", "单雪梅"), ("shan xue", "单雪梅"),
        ("danxue", "单雪梅"), ("dxm", "单雪梅"), ("shanxm", "单雪梅"), ("Chan", "单雪梅"), ("xiefang", "解放"), ("jf", "解放"),
        ("ouyang", "欧阳静"), ("oyj", "欧阳静"), ("区志", "區志強"), ("ouzq", "區志強"), ("lvbu", "吕布"), ("lubu", "吕布"), ("lü", "吕布"),
        ("宏达", "上海宏达贸易有限公司"), ("hdmy", "上海宏达贸易有限公司"), ("买买提", "阿卜杜拉·买买提"), ("拉买", "阿卜杜拉·买买提"),
        ("5678", "单雪梅"), ("45678", "单雪梅"), ("138-1234-5678", "单雪梅"), ("+86 13812345678", "单雪梅"), ("C001", "单雪梅"),
        ("4321", "单雪梅"), ("87654321", "单雪梅"), ("021-8765 4321", "单雪梅"), ("13912340001", "欧阳静"), ("0001", "欧阳静"),
        ("c001", "单雪梅"), ("11010519491231002x", "单雪梅"), ("１３８１２３４５６７８", "单雪梅"), ("王伟", "王伟明"),
    ],
)  # fmt: skip
def test_whatever_one_has_finds_the_customer(cast: Cast, text: str, name: str) -> None:
    with acting(cast.rm.id, NOW) as lin:
        assert [hit.name for hit in find(text, lin, NOW, Bank()).hits] == [name]


@pytest.mark.parametrize("text", ["", " ", "·", "%", "';--", "999", "95678", "13800000000", "单\x00"])
def test_what_finds_nobody_finds_nobody(cast: Cast, text: str) -> None:
    with acting(cast.rm.id, NOW) as lin:
        assert [hit.name for hit in find(text.replace("\x00", "无"), lin, NOW, Bank()).hits] == []


def test_own_customers_come_first_and_others_only_in_scope(cast: Cast) -> None:
    found = {}
    for who in (cast.mate, cast.rm, cast.branch_leader, cast.stranger, cast.administrator):
        with acting(who.id, NOW) as actor:
            found[who] = [hit.name for hit in find("王", actor, NOW, Bank()).hits]
    assert found == {
        cast.mate: ["王建国", "王伟"],
        cast.rm: ["王伟明"],
        cast.branch_leader: ["王建国", "王伟", "王伟明"],
        cast.stranger: [],
        cast.administrator: [],
    }


def test_without_an_actor_the_search_finds_nothing(cast: Cast, owner: Any) -> None:
    from django.db import connection

    with acting(cast.rm.id, NOW) as lin:
        pass
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('zhike.sees', '', true), set_config('zhike.actor', '', true)")
    assert find("王", lin, NOW, Bank()).hits == []


def test_a_hit_shows_the_unusual_reading_and_the_masked_number(cast: Cast) -> None:
    with acting(cast.rm.id, NOW) as lin:
        hit = find("sxm", lin, NOW, Bank()).hits[0]
        assert (hit.reading, hit.mobile, hit.rm, hit.unit, hit.mine) == (
            "Shàn",
            "138 **** 5678",
            "林晓",
            "世纪大道支行",
            True,
        )


def test_more_than_a_screen_says_so_and_own_are_not_lost_among_others(cast: Cast, owner: Any) -> None:
    with owner():
        for number in range(130):
            a_customer(f"李{'一二三四五六七八九十'[number % 10]}", cast.stranger, cast.units["lujiazui"])
        a_customer("李子", cast.rm, cast.units["century"])
        from zhike.people.models import Post

        Post.objects.create(
            staff=cast.rm, unit=cast.units["branch"], role="rm", scope="tree", from_day=cast.units["branch"].from_day
        )
    lin = act(cast.rm.id, NOW)
    found = find("李", lin, NOW, Bank())
    assert found.more
    assert len(found.hits) == 20
    assert [hit.name for hit in found.hits if hit.mine] == [hit.name for hit in found.hits[:2]] == ["李秀兰", "李子"]


def test_one_statement(cast: Cast, django_assert_num_queries: Any) -> None:
    with acting(cast.rm.id, NOW) as lin, django_assert_num_queries(1):
        find("5678", lin, NOW, Bank())


def looked_for(cast: Cast, who: str, text: str) -> tuple[list[str], bool]:
    with acting(cast.staff[who].pk, NOW) as actor:
        found = find(text, actor, NOW, Bank(reveals_a_day=3))
    return [hit.name for hit in found.hits], found.spent


def kept(cast: Cast, who: str) -> list[int | None]:
    """Whom the trail says somebody looked for by a whole number."""
    entries = Entry.objects.filter(actor_id=cast.staff[who].pk, action="search").order_by("id")
    return list(entries.values_list("customer_id", flat=True))


def test_a_whole_number_beyond_ones_own_book_is_kept_and_counted_found_or_not(cast: Cast, owner: Any) -> None:
    mobile, number = "13812345678", "11010519491231002X"
    with owner():
        shan = Customer.objects.get(core_number="C001").pk
        for text in (mobile, number, "021-87654321"):
            assert looked_for(cast, "rm", text) == (["单雪梅"], False)
        assert kept(cast, "rm") == []  # one's own are free
        assert looked_for(cast, "branch_leader", "5678") == (["单雪梅"], False)
        assert kept(cast, "branch_leader") == []  # the mask shows the tail
        assert looked_for(cast, "branch_leader", "13800000000") == ([], False)  # which they are not is told as well
        assert looked_for(cast, "branch_leader", mobile) == (["单雪梅"], False)
        assert looked_for(cast, "branch_leader", mobile) == (["单雪梅"], False)  # the same again, as the list opens
        assert looked_for(cast, "branch_leader", number) == (["单雪梅"], False)
        assert kept(cast, "branch_leader") == [None, shan, shan]
        assert looked_for(cast, "branch_leader", "021-87654321") == ([], True)
        assert looked_for(cast, "branch_leader", "13800000001") == ([], True)
        assert looked_for(cast, "branch_leader", "C001") == (["单雪梅"], False)
        text = json.dumps(list(Entry.objects.filter(action="search").values_list("changes", flat=True)))
        assert mobile not in text
        assert number not in text


@pytest.mark.parametrize("text", ["45678", "2345678", "1381234567", "87654321"])
def test_a_mask_is_not_guessed_digit_by_digit(cast: Cast, text: str) -> None:
    assert looked_for(cast, "branch_leader", text) == ([], False)


def test_pages_and_programs_say_when_the_number_of_a_day_is_used_up(cast: Cast, owner: Any) -> None:
    with owner():
        Setting.objects.create(name="reveals_a_day", value=1, from_day=NOW.date(), by=cast.administrator, at=NOW)
    browser, ask = cast.client("branch_leader", NOW), "/api/v1/customers?q="
    with clock.at(NOW):
        assert browser.get(f"{ask}13812345678").json()["items"][0]["name"] == "单雪梅"
        spent = browser.get(f"{ask}13812345679")
        assert (spent.status_code, "1" in spent.json()["detail"]) == (429, True)
        assert "后四位" in browser.post("/search/hits/", {"q": "13812345679"}).content.decode()
        page = browser.post("/search/", {"q": "13812345679"}, follow=True).content.decode()
        assert "后四位" in page
        trail = cast.client("compliance", NOW).get("/trail/?act=search").content.decode()
    assert "按完整号码查找" in trail
    assert "13812345678" not in trail


@pytest.mark.parametrize(
    ("name", "reading"),
    [("单雪梅", "Shàn"), ("解放", "Xiè"), ("仇和", "Qiú"), ("查良镛", "Zhā"), ("曾国藩", "Zēng"), ("朴树", "Piáo"), ("区志强", "Ōu"),
     ("盖叫天", "Gě"), ("万俟静", "Mòqí"), ("王伟", ""), ("李娜", ""), ("欧阳锋", ""), ("John", "")],
)  # fmt: skip
def test_an_unusual_surname_says_how_it_is_read(name: str, reading: str) -> None:
    assert names.unusual_reading(name) == reading


def test_lists_are_in_the_order_of_sounds() -> None:
    people = ["赵一", "单一", "王伟", "阿一", "曾一", "沈一", "万一", "Zoe", "任一"]
    assert sorted(people, key=names.sort_key) == ["阿一", "任一", "单一", "沈一", "万一", "王伟", "曾一", "赵一", "Zoe"]


def test_the_form_of_address_is_proposed_by_gender() -> None:
    assert names.honorific("欧阳静", "f") == "欧阳女士"
    assert names.honorific("单雪", "m") == "单先生"
    assert names.honorific("单雪", "") == ""


def test_digits_may_be_a_tail_a_number_or_both() -> None:
    assert read("123").digits == ""
    assert read("1234").digits == "1234"
    assert read("1234").core == ["1234"]
