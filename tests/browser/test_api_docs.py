"""The API's own page, under the same strict policy as every other."""

from tests.browser.conftest import Site


def test_the_description_is_shown_and_tried_without_anything_from_elsewhere(site: Site) -> None:
    page = site.person("rm")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site.address}/api/v1/docs")
    page.get_by_text("/api/v1/me", exact=True).click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    page.get_by_text('"number": "1001"').first.wait_for()
    assert [url for url in asked if not url.startswith((site.address, "data:"))] == []
