"""Where the keyboard stands can be seen (WCAG 2.4.11): nothing that stays in place lies over what has the focus."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import PHONE, Site
from .test_axe import one_of_everything

SCREEN = {"width": 1280, "height": 800}
PAGES = (
    "/", "/contacts/{visit}/write-up/", "/contacts/{closed}/record/", "/contacts/{reception}/prepare/", "/contacts/{reception}/move/",
    "/contacts/{call}/talk/", "/contacts/{meeting}/talk/", "/contacts/{put_off}/outcome/amend/", "/customers/{customer}/",
    "/customers/{customer}/learned/", "/customers/{customer}/consents/", "/customers/{customer}/new/visit/",
    "/customers/{customer}/new/call/", "/customers/{quiet}/stops/?why=deceased", "/customers/{quiet}/relations/",
    "/customers/round/?customer={customer}", "/obligations/{thanks}/", "/schedule/", "/me/",
    "/messages/", "/messages/look/", "/messages/{customer}/", "/messages/{thanked}/?for={thanks}",
)  # fmt: skip

# What has the focus as the eye finds it (a tap is its label), where something that stays in place lies over it.
COVERED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return "end";
  const fast = [...document.querySelectorAll(".bar, .rail, .save, .compose, .came, .notices--over .notices-box")].filter(
    bar => ["sticky", "fixed"].includes(getComputedStyle(bar).position) && bar.checkVisibility());
  if (one.matches(".skip") || fast.some(bar => bar.contains(one))) return "";
  const seen = (one.closest(".tap, .check") ?? one).getBoundingClientRect();
  const open = innerHeight - fast.reduce((high, bar) => high + (bar.clientHeight < innerHeight / 2 ? bar.clientHeight : 0), 0);
  if (seen.height > open) return "";
  const over = fast.map(bar => [bar, bar.getBoundingClientRect()]).find(([, bar]) =>
    bar.left < seen.right - 1 && bar.right > seen.left + 1 && bar.top < seen.bottom - 1 && bar.bottom > seen.top + 1);
  const out = seen.bottom < 1 || seen.top > innerHeight - 1;
  return over || out ? `${one.tagName} ${one.name ?? ""} ${one.value ?? ""} ${one.textContent.trim().slice(0, 30)}: ` +
    `${Math.round(seen.top)} to ${Math.round(seen.bottom)} under ${over?.[0].className ?? "the edge"}` : "";
}"""


@pytest.fixture(scope="module")
def arranged(bank: Site) -> dict[str, Any]:
    return one_of_everything(bank)


@pytest.mark.parametrize("size", [SCREEN, PHONE], ids=["desk", "phone"])
def test_what_has_the_focus_lies_in_the_open(shared: Site, arranged: dict[str, Any], size: dict[str, int]) -> None:
    page = shared.person(size=size)
    covered: dict[str, list[str]] = {}
    for each in PAGES:
        address = each.format(**arranged)
        page.goto(shared.address + address)
        page.evaluate("document.activeElement.blur()")
        steps = 0
        for key in ("Tab", "Shift+Tab"):  # down the page and up again
            for _ in range(90):
                page.keyboard.press(key)
                found = page.evaluate(COVERED)
                if found == "end":
                    break
                steps += 1
                if found:
                    covered.setdefault(address, []).append(f"{key}: {found}")
        assert steps > 3, f"{address} has nothing to step through"
    assert not covered, "\n".join(f"{at}\n  " + "\n  ".join(found) for at, found in covered.items())
