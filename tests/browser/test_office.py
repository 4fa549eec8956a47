"""Behind the counter: what leader and administrator open, and a setting that two of them change."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from .conftest import DESK, PHONE, Site


@pytest.mark.parametrize(("who", "places"), [("leader", 3), ("administrator", 3), ("compliance", 1), ("auditor", 1)])
def test_every_place_of_the_rail_opens(shared: Site, who: str, places: int) -> None:
    page = shared.person(who)
    links = page.locator("nav .rail-link")
    addresses = [links.nth(n).get_attribute("href") for n in range(links.count())]
    assert len(addresses) >= places
    for address in addresses:
        answer = page.goto(f"{shared.address}{address}")
        assert answer, address
        assert answer.ok, f"{address}: {answer.status}"
        expect(page.locator(f".rail-link[href='{address}']")).to_have_attribute("aria-current", "page")
        expect(page.locator("h1")).not_to_be_empty()


def test_a_setting_is_changed_by_two(shared: Site) -> None:
    page = shared.person("administrator")
    page.goto(f"{shared.address}/settings/callback_tolerance/")
    page.locator("[name=value]").fill("7")
    page.locator("[name=from_day]").fill("2026-03-09")
    page.locator("[name=reason]").fill("客户反映五分钟太紧")
    page.locator("main form button").last.click()
    page.goto(f"{shared.address}/approvals/")
    expect(page.locator("main")).to_contain_text("客户反映五分钟太紧")
    expect(page.locator("button[value=approve]")).to_have_count(0)
    second = shared.person("second_administrator")
    second.goto(f"{shared.address}/approvals/")
    asked = second.locator("article", has_text="客户反映五分钟太紧")
    expect(asked).to_be_visible()
    asked.locator("button[value=approve]").click()
    second.goto(f"{shared.address}/settings/callback_tolerance/")
    expect(second.locator("main")).to_contain_text("7")
    expect(second.locator("main")).to_contain_text("管原")


def test_a_unit_is_opened(shared: Site) -> None:
    page = shared.person("administrator")
    page.goto(f"{shared.address}/units/new/")
    page.locator("[name=code]").fill("1300")
    page.locator("[name=name]").fill("花木支行")
    page.locator("[name=kind]").select_option("sub_branch")
    page.locator("[name=parent]").select_option(label=parent(page))
    page.locator("main form button").last.click()
    page.goto(f"{shared.address}/units/")
    expect(page.locator("main")).to_contain_text("花木支行")


def parent(page: Page) -> str:
    """What the list calls the branch."""
    return next(text for text in page.locator("[name=parent] option").all_inner_texts() if "张江分行" in text)


def test_the_administrators_work_is_done_on_the_phone(shared: Site) -> None:
    """From the menu below the screen: a setting asked for, a unit opened, a file of customers tried."""
    page = shared.person("administrator", size=PHONE)

    def to(place: str) -> None:
        link = page.locator(f".rail a[href='{place}']")
        expect(link).to_be_in_viewport(ratio=1)
        link.click()
        page.wait_for_url(f"**{place}")

    to("/settings/")
    page.locator("a[href='/settings/try_again_days/']").click()
    page.locator("[name=value]").fill("2")
    page.locator("[name=reason]").fill("当天常打不通")
    page.locator("main form button").last.click()
    to("/approvals/")
    expect(page.locator("main")).to_contain_text("当天常打不通")
    to("/units/")
    page.locator("a[href='/units/new/']").click()
    page.locator("[name=code]").fill("1390")
    page.locator("[name=name]").fill("源深支行")
    page.locator("[name=kind]").select_option("sub_branch")
    page.locator("[name=parent]").select_option(label=parent(page))
    page.locator("main form button").last.click()
    to("/units/")
    expect(page.locator("main")).to_contain_text("源深支行")
    to("/customers/import/")
    file = {"name": "客户.csv", "mimeType": "text/csv", "buffer": "姓名,手机\n张三丰,13900001111\n".encode()}
    page.locator("[type=file]").set_input_files(file)  # type: ignore[arg-type]
    page.locator("main form button").last.click()
    expect(page.locator("main select").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_the_code_says_what_it_asks(shared: Site) -> None:
    page = shared.person("leader")
    page.goto(f"{shared.address}/code/")
    for clause in ("R1", "R15", "V7", "C10", "S5", "W15"):
        expect(page.locator(f"main a[href='/code/{clause}/']").first).to_be_visible()
    page.goto(f"{shared.address}/code/W15/")
    expect(page.locator("h1")).not_to_be_empty()


def test_settings_are_filtered_while_one_types(shared: Site) -> None:
    page = shared.person("administrator")
    page.goto(f"{shared.address}/settings/")
    rows = page.locator(".table--settings tbody tr")
    before = rows.count()
    assert before > 40
    page.locator("#filter").click()
    page.keyboard.type("锁定")
    expect(rows).to_have_count(2)
    expect(page.locator("#filter")).to_be_focused()
    expect(page.locator("#lockout_minutes")).to_be_visible()
    page.locator("#filter").fill("")
    expect(rows).to_have_count(before)


LONG = (
    "上海浦东新区陆家嘴金融贸易区申达国际贸易发展有限公司张江高科技园区第二分公司",
    "Maximiliana Alexandrovna Featherstonehaugh-Cholmondeley III",
)


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_long_names_and_many_rows_leave_the_page_as_wide_as_the_screen(site: Site, size: dict[str, int]) -> None:
    """Units, colleagues, files and customers with names that fill a line, and hundreds of them."""
    from zhike.customers.models import Difference, Line, Run
    from zhike.customers.models.run import row_place
    from zhike.customers.vault import vault
    from zhike.people.models import Post, Staff, Unit

    cast, now = site.cast, site.now
    with site.owner():
        team = Unit.objects.create(
            code="1999-ABCDEF-0001", name=LONG[0], kind="team", parent=cast.units["century"], from_day=now.date()
        )
        for n in range(200):
            someone = Staff.objects.seat(number=f"EXT-2026-{n:06}", name=LONG[n % 2])
            Post.objects.create(staff=someone, unit=team, role="rm", scope="own", from_day=now.date())
        run = Run.objects.create(name=f"{LONG[0]}.xlsx", at=now, by=cast.leader, state="done", total=200_000, loaded=187_654,
                                 doubtful=1, refused=12_000, mapping={"姓名": "name", "手机": "mobile"})  # fmt: skip
        cells = json.dumps({"姓名": LONG[1], "手机": "13812345678"})
        Line.objects.create(run=run, line=200_000, state="doubtful", cells=vault().seal(cells, row_place(run.pk, 200_000)),
                            matches=[{"customer": 1, "why": "mobile", "name": LONG[0], "unit": LONG[0]}])  # fmt: skip
        for customer in cast.customers["rm"]:
            type(customer).objects.filter(pk=customer.pk).update(name=LONG[0])
            Difference.objects.create(customer=customer, field="name", theirs=LONG[1], seen_at=now)
    pages = {
        "leader": ("/customers/import/", f"/customers/import/{run.pk}/", "/customers/differences/", "/team/"),
        "administrator": ("/units/", "/staff/?q=EXT", f"/staff/{someone.pk}/", "/settings/", "/workdays/"),
        "auditor": ("/trail/",),
    }
    for who, addresses in pages.items():
        page = site.person(who, size=size)
        for address in addresses:
            page.goto(f"{site.address}{address}")
            wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wider == 0, address
