"""Names that no line can hold, and screens that a branch's old display or 125 % makes small: nothing overlaps or runs out."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from zhike.market.models import Prospect

from .conftest import MONDAY, PHONE, Arranged, Site, row, tap

LONG = (
    "内蒙古鄂尔多斯市准格尔旗薛家湾镇恒远达新能源重型装备制造与现代物流股份有限责任公司",
    "Wilhelmina Alexandra Montgomery-Featherstonehaugh van Oranje",
    "阿卜杜热西提·买买提明·伊力哈木江·吐尔逊",
)


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@pytest.mark.parametrize("name", LONG)
def test_a_long_name_is_broken_and_covers_nothing(shared: Site, name: str) -> None:
    customer = shared.customer(name)
    Arranged(shared).contact("reception", customer, at=MONDAY - timedelta(minutes=30))
    page = shared.person()
    line = row(page, customer, "致谢")
    who, what = line.locator(".row-who b").bounding_box(), line.locator(".row-what").bounding_box()
    assert who
    assert what
    assert who["x"] + who["width"] <= what["x"]
    page = shared.person(size=PHONE)
    assert fits(page)
    page.goto(f"{shared.address}/customers/{customer.pk}/")
    assert fits(page)
    page.goto(f"{shared.address}/customers/")
    assert fits(page)


@pytest.mark.parametrize("width", [390, 800, 1280])
def test_a_name_as_long_as_a_file_may_bring_it_is_cut_beside_the_title(shared: Site, width: int) -> None:
    customer = shared.customer(f"{width}" + "长" * 117)
    page = shared.person(size={"width": width, "height": 844})
    page.goto(f"{shared.address}/customers/{customer.pk}/new/reception/")
    assert fits(page)


@pytest.mark.parametrize("width", [800, 1024, 1160])
def test_the_near_minute_keeps_its_words_on_a_small_desk(shared: Site, width: int) -> None:
    """At 1024 px (1280 at 125 %) the ruler took the room, and the name stood one character a line."""
    customer = shared.customer(f"宋慈{width}")
    page = shared.person(size={"width": width, "height": 800})
    page.goto(f"{shared.address}/customers/{customer.pk}/new/call/")
    tap(page, "purpose", "care")
    page.locator("[data-submit]").click()
    page.wait_for_url("**/talk/")
    tap(page, "outcome", "busy")
    page.locator("#again").fill("14:05")
    page.locator("[data-submit]").click()
    near = page.locator(".row--now", has_text=customer.name)
    expect(near).to_be_visible()
    box = near.locator(".row-who").bounding_box()
    assert box
    assert box["width"] >= 160
    assert fits(page)


def test_every_place_is_led_to_at_200_percent(shared: Site) -> None:
    """A desk at 200 % is as wide as a large phone: the administrator's places were not on its rail."""
    page = shared.person("administrator", size={"width": 640, "height": 450})
    for place in ("units", "settings", "approvals"):
        link = page.locator(f".rail a[href='/{place}/']")
        expect(link).to_be_in_viewport(ratio=1)
        link.click()
        page.wait_for_url(f"**/{place}/")
        assert fits(page)


def test_a_row_of_a_list_is_tapped_anywhere(shared: Site) -> None:
    """A name of two characters was 28 by 20 px to a thumb."""
    with shared.owner():
        rm = shared.cast.rm
        found = Prospect.objects.create(
            name="田璐", source="fair", source_words="春季展会", rm=rm, since=MONDAY, unit=shared.cast.units["century"], by=rm, at=MONDAY
        )  # fmt: skip
    page = shared.person("rm", size=PHONE)
    page.goto(f"{shared.address}/market/prospects/")
    page.get_by_text("春季展会").click(force=True)  # the link lies over it
    page.wait_for_url(f"**/market/prospects/{found.pk}/")


def test_what_a_phone_has_no_room_for_lies_one_tap_further(shared: Site) -> None:
    """A leader's ten places scrolled out of the phone's rail, and nothing said that there were more."""
    page = shared.person("leader", size=PHONE)
    link = page.locator(".rail a[href='/approvals/']")
    expect(link).to_be_hidden()
    expect(page.locator(".rail a[href='/team/']")).to_be_in_viewport(ratio=1)
    page.get_by_text("更多", exact=True).click()
    expect(link).to_be_in_viewport(ratio=1)
    link.click()
    page.wait_for_url("**/approvals/")
    expect(page.locator(".rail-more")).to_have_class(re.compile("rail-more--here"))
    assert fits(page)
    assert page.locator(".rail").evaluate("rail => rail.scrollWidth <= rail.clientWidth")


def test_at_400_percent_nothing_stays_in_the_way(shared: Site) -> None:
    """1280 × 1024 at 400 %: what stood fast above and below left a strip of 140 px to read in."""
    page = shared.person(size={"width": 320, "height": 256})
    page.goto(f"{shared.address}/code/")
    expect(page.locator(".rail")).not_to_be_in_viewport()
    page.mouse.wheel(0, 400)
    page.wait_for_function("scrollY > 100")
    expect(page.locator(".bar")).not_to_be_in_viewport()
    assert fits(page)


@pytest.mark.parametrize("who", ["rm", "leader", "administrator", "auditor"])
def test_a_phone_with_twice_the_text_scrolls_down_only(shared: Site, who: str) -> None:
    """390 px at twice the size of letters are as wide as 195 at once."""
    customer = shared.customer(LONG[0])
    Arranged(shared).contact("reception", customer, at=MONDAY - timedelta(minutes=30))
    page = shared.person(who, size={"width": 195, "height": 422})
    places = {
        "rm": ("", "customers/", f"customers/{customer.pk}/", f"customers/{customer.pk}/new/visit/", "me/"),
        "leader": ("team/", "customers/", "approvals/"),
        "administrator": ("staff/", "settings/", "workdays/", "units/"),
        "auditor": ("trail/",),
    }
    for place in places[who]:
        page.goto(f"{shared.address}/{place}")
        assert fits(page), place


def test_a_wide_table_of_a_setting_moves_in_its_own_place(shared: Site) -> None:
    page = shared.person("administrator", size=PHONE, language="en")
    page.goto(f"{shared.address}/settings/rhythm/")
    table = page.locator(".table--inputs")
    expect(table).to_be_visible()
    assert fits(page)
    last = table.locator("input").last
    last.focus()
    expect(last).to_be_in_viewport(ratio=0.99)
    assert fits(page)


def test_what_is_held_beyond_the_first_sixty_is_counted_and_led_to(shared: Site) -> None:
    """Somebody with more was shown sixty, and nothing said that there was more."""
    from zhike.customers.models import Holding

    customer = shared.customer("沈周")
    with shared.owner():
        for n in range(73):
            Holding.objects.create(
                customer=customer, core_number=f"M-{n}", product=f"存单 {n}", amount=10_000 + n, as_of=MONDAY.date(),
                matures_on=(MONDAY + timedelta(days=n + 1)).date(), ended_on=MONDAY.date() if n == 72 else None,
            )  # fmt: skip
    page = shared.person(size=PHONE)
    page.goto(f"{shared.address}/customers/{customer.pk}/")
    rows = page.locator("#holdings tbody tr")
    expect(rows).to_have_count(60)
    page.get_by_role("link", name="共 72 笔").click()
    expect(rows).to_have_count(72)
    expect(page.locator("#holdings")).not_to_contain_text("查看全部")


def test_maturities_that_lie_close_do_not_cover_each_other(shared: Site) -> None:
    from zhike.customers.models import Holding

    customer = shared.customer("范仲淹")
    with shared.owner():
        for n, weeks in enumerate((4, 13, 22, 23, 40)):
            Holding.objects.create(
                customer=customer, core_number=f"H-{n}", product="结构性存款挂钩沪深三百指数", kind="wealth", amount=987654321,
                matures_on=(MONDAY + timedelta(weeks=weeks)).date(), as_of=MONDAY.date(),
            )  # fmt: skip
    page = shared.person()
    page.goto(f"{shared.address}/customers/{customer.pk}/")
    words = page.locator(".chart text.strong, .chart .stem ~ text")
    expect(words.first).to_be_visible()
    boxes = [box for box in (words.nth(n).bounding_box() for n in range(words.count())) if box]
    assert len(boxes) >= 6
    for n, one in enumerate(boxes):
        for other in boxes[n + 1 :]:
            apart = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
            below = one["y"] + one["height"] <= other["y"] + 4 or other["y"] + other["height"] <= one["y"] + 4
            assert apart or below, (one, other)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_more_contrast_leaves_no_grey_words(shared: Site, scheme: str) -> None:
    page = shared.person(scheme=scheme)
    grey = "[getComputedStyle(document.querySelector('.bar-title small')).color, getComputedStyle(document.body).color]"
    before = page.evaluate(grey)
    assert before[0] != before[1]
    page.emulate_media(contrast="more")
    # The browser takes such a wish over when it next draws, not while it is told.
    page.wait_for_function("matchMedia('(prefers-contrast: more)').matches")
    expect(page.locator(".bar-title small").first).to_have_css("color", before[1])
    assert page.evaluate(grey) == [before[1], before[1]]
