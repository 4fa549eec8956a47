"""规范: what the code's pages say that Zhike does for a clause."""

from __future__ import annotations

import re

import pytest

from tests.cast import Cast

pytestmark = pytest.mark.django_db


def test_the_code_says_of_a_clause_that_nothing_serves_it(cast: Cast) -> None:
    """A compliance officer must not read that relations are declared, when nothing asks for it."""
    browser = cast.client("compliance")
    overview = re.sub(r"<[^>]+>", " ", browser.get("/code/").content.decode())
    rows = {row.split()[0]: row for row in re.split(r"\n(?=\s*[RVCSW]\d+\s)", overview) if row.split()}
    assert "尚未由知客落实" in rows["W13"]
    assert "尚未由知客落实" in rows["R15"]
    assert "把关" not in rows["W13"]
    assert "尚未由知客落实" not in rows["R12"] + rows["W11"] + rows["R1"]
    for id in ("W13", "R15"):
        page = browser.get(f"/code/{id}/").content.decode()
        assert "尚未由知客落实" in page
        assert "知客尚不衡量本条" in page
        assert "在相应时刻提示" not in page
    assert "在相应时刻提示" in browser.get("/code/R8/").content.decode()
    assert "尚不能保存" in browser.get("/code/R4/").content.decode()
