"""What somebody looks for is a name or the end of a phone number: no address holds it, with script and without."""

from __future__ import annotations

from urllib.parse import unquote

from playwright.sync_api import Page, expect

from .conftest import Site

ADDRESSES = "performance.getEntries().map(entry => entry.name).join(' ')"


def enter(page: Page, words: str) -> None:
    page.locator("#q").fill(words)
    page.locator("#q").press("Enter")


def test_what_is_typed_stands_in_no_address(shared: Site) -> None:
    """Neither the browser's history nor the log of a server or proxy tells whom somebody looked for."""
    shared.customer("司马相如", mobile="13700008888")
    page = shared.person()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {unquote(request.url)} {request.headers}"))
    for words in ("司马", "smxr", "8888"):
        page.keyboard.press("/")
        page.locator("#q").press_sequentially(words)
        expect(page.locator("#hits [role=option]", has_text="司马相如")).to_be_visible()
        assert words not in unquote(page.evaluate(ADDRESSES))
        page.locator("#q").fill("")
    assert any(line.startswith("POST ") and "/search/hits/" in line for line in asked)
    assert not [line for line in asked if any(words in line for words in ("司马", "smxr", "8888"))]
    log = shared.log.read_text()
    assert not [words for words in ("司马", "smxr", "8888", "/search/") if words in unquote(log)]


def test_the_list_is_reloaded_gone_back_to_and_ones_own(shared: Site) -> None:
    """Without script: Enter leads to a list whose address holds the words sealed, for whoever looked alone."""
    shared.customer("公孙大娘", mobile="13700007771")
    shared.customer("公孙胜", mobile="13700007772")
    context = shared.person().context
    page = context.browser.new_context(java_script_enabled=False).new_page()  # type: ignore[union-attr]
    shared.contexts.append(page.context)
    page.context.add_cookies(context.cookies())  # type: ignore[arg-type]
    page.goto(shared.address)
    enter(page, "公孙")
    expect(page.locator("main .list-line")).to_have_count(2)
    expect(page).to_have_title("查找 · 知客")
    assert "公孙" not in unquote(page.url)
    page.reload()
    page.get_by_role("link", name="公孙胜").click()
    expect(page).to_have_title("公孙胜 · 知客")
    page.go_back()
    expect(page.locator("main .list-line")).to_have_count(2)
    enter(page, "公孙大娘")
    expect(page).to_have_title("公孙大娘 · 知客")
    page.go_back()
    theirs = shared.person("mate")
    theirs.goto(page.url)
    expect(theirs).to_have_title("客户 · 知客")


def test_a_relation_is_looked_for_without_an_address(shared: Site) -> None:
    customer = shared.customer("焦仲卿")
    shared.customer("刘兰芝")
    context = shared.person().context
    page = context.browser.new_context(java_script_enabled=False).new_page()  # type: ignore[union-attr]
    shared.contexts.append(page.context)
    page.context.add_cookies(context.cookies())  # type: ignore[arg-type]
    page.goto(f"{shared.address}/customers/{customer.pk}/relations/")
    page.locator("main [name=q]").fill("刘兰")
    page.locator("main [name=q]").press("Enter")
    assert "刘兰" not in unquote(page.url)
    page.get_by_role("link", name="刘兰芝").click()
    expect(page.locator("main .list-line", has_text="刘兰芝")).to_be_visible()
