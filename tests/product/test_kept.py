"""留痕 in words: pages of the trail name things and fields as people do, never tables and columns."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.utils import translation

from tests.cast import Cast
from zhike.pages import kept
from zhike.people.permissions import MAY

pytestmark = pytest.mark.django_db
CODE = re.compile(r"\b[a-z]+_[a-z_]+\b")  # as a table or a column is written


def watched() -> dict[str, list[str]]:
    """The tables whose changes are kept, with their columns, as the database has them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.tgrelid::regclass::text, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_trigger t"
            " JOIN pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum > 0 AND NOT a.attisdropped"
            " WHERE t.tgname = 'trail' GROUP BY 1"
        )
        return dict(cursor.fetchall())


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_column_that_is_kept_has_a_word_or_is_dropped(language: str) -> None:
    tables = watched()
    assert len(tables) > 15
    with translation.override(language):
        known = kept.columns()
        silent = {
            f"{table}.{column}"
            for table, columns in tables.items()
            for column in columns
            if column not in kept.TECHNICAL and not {column, f"{table}.{column}"} & known.keys()
        }
        assert not silent, "neither a word in kept.columns() nor declared TECHNICAL"
        assert not set(tables) - kept.things().keys()
        assert not {capability.partition(".")[0] for capability in MAY} - kept.things().keys()
        assert not [word for word in known.values() if CODE.search(word)]


def test_what_is_declared_exists() -> None:
    """No word of a column that is gone."""
    columns = {name for names in watched().values() for name in names}
    assert kept.TECHNICAL - {"method"} <= columns
    assert {name.partition(".")[0] for name in kept.columns() if "." in name} <= watched().keys()


@pytest.mark.parametrize(("language", "word"), [("zh-hans", "爱好"), ("en", "hobbies")])
def test_the_pages_speak_of_fields_in_words(cast: Cast, language: str, word: str) -> None:
    rm, auditor = cast.client("rm"), cast.client("auditor")
    one = cast.customers["rm"][0]
    assert rm.post(f"/customers/{one.pk}/learned/", {"hobbies": "围棋", "employer": "宏远"}).status_code == 303
    cast.client("administrator").post(f"/staff/{cast.rm.pk}/correct/", {"name": "林晓", "title": "财富顾问"})
    rm.get("/staff/new/")  # refused, and kept
    for browser, address in ((rm, "/me/"), (auditor, "/trail/")):
        browser.post("/me/wishes/", {"language": language})
        cells = rows(browser.get(address).content.decode())
        assert any(word in cell for cell in cells), cells
        assert not [cell for cell in cells if CODE.search(cell) or "changed_at" in cell or "version" in cell]


def rows(page: str) -> list[Any]:
    return [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td.*?</td>", page, re.DOTALL)]


def test_the_trail_leads_to_what_it_names_and_says_when_nobody_did_it(cast: Cast, worker: Any) -> None:
    one = cast.customers["rm"][0]
    cast.client("rm").post(f"/customers/{one.pk}/learned/", {"hobbies": "围棋"})
    with worker():
        type(one).objects.filter(pk=one.pk).update(assets=5)  # as a feed does
    page = cast.client("auditor").get("/trail/").content.decode()
    assert f'<a class="link" href="/customers/{one.pk}/">' in page
    assert "系统" in rows(page)
