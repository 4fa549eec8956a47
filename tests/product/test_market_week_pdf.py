"""The market's week as PDF (W12): the page's figures, to whom the page is shown, in letters that every reader of PDF has."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from urllib.parse import unquote

import pytest
from pypdf import PdfReader

from tests import files
from tests.cast import STAFF, UNITS, Cast
from zhike import clock
from zhike.market.models import Brief, Note
from zhike.people.models import Staff
from zhike.trail.models import Entry

from .test_market_notes import NOW, answered, routed, written

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
WEEK = "/market/notes/digest/?week=2026-03-02"


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


def lines(cast: Cast, who: str, address: str = WEEK) -> list[str]:
    answer = cast.client(who).get(f"{address}&as=pdf")
    assert answer.status_code == 200
    return [line for page in files.drawn(answer.content) for line in page]


def test_says_what_the_page_says(cast: Cast, owner: Role) -> None:
    about = written(cast, kind="need", text="想换短期", source_words="柜台", customer=cast.customers["rm"][0].pk)
    written(cast, text="对面三年期 2.35%", kind="rate")
    with owner():
        Brief.objects.create(
            title="短期走俏", text="都想换短期\n第二行", for_customers="可换三月期", for_bank="备短期产品",
            by=cast.leader, unit=cast.units["century"], at=NOW,
        )  # fmt: skip
    sent = routed(cast, about)
    answered(cast, sent, "not_used", "额度已满")
    page = cast.client("leader").get(WEEK).content.decode()
    assert "信息 2 条 · 综述 1 篇 · 已答复 1 项 · 未答复 0 项" in page
    assert f"?unit={cast.units['century'].pk}&amp;week=2026-03-02&amp;as=pdf" in page
    answer = cast.client("leader").get(f"{WEEK}&as=pdf")
    assert answer["Content-Type"] == "application/pdf"
    name = unquote(answer["Content-Disposition"])
    assert name.startswith("attachment;")
    assert name.endswith("市场信息周报 世纪大道支行 2026-03-02.pdf")
    assert (answer["X-Content-Type-Options"], answer["Cache-Control"]) == ("nosniff", "no-store")
    (told,) = files.drawn(answer.content)
    assert told == [
        "市场信息周报", "世纪大道支行 · 2026-03-02 – 2026-03-08", "信息 2 条，综述 1 篇，已答复 1 项，未答复 0 项。",
        "短期走俏", "都想换短期", "第二行", "对客户：可换三月期", "对本行：备短期产品", "吴敏 · 世纪大道支行",
        "利率 1", "对面三年期 2.35%", "亲眼所见 · 2026-03-02 · 林晓 · 世纪大道支行",
        "客户需求 1", "想换短期", "亲眼所见 · 柜台 · 2026-03-02 · 林晓 · 世纪大道支行",
        "本周答复", "想换短期 → 未采用：额度已满", "吴敏", "1 / 1",
    ]  # fmt: skip
    read = PdfReader(io.BytesIO(answer.content))
    assert read.metadata is not None
    assert read.metadata.title == "市场信息周报 · 世纪大道支行 · 2026-03-02 – 2026-03-08"
    assert read.root_object["/Lang"] == "zh-CN"
    assert len(answer.content) < 10_000, "no font is in it"
    assert cast.client("leader").get(f"{WEEK}&as=pdf").content == answer.content, "the same week, the same bytes"
    with owner():
        left = Entry.objects.filter(action="export", object="market_note").order_by("pk").first()
    assert left is not None
    assert (left.actor_id, left.changes["format"], left.changes["rows"]) == (cast.leader.pk, "pdf", 2)


def test_in_english_and_of_an_empty_week(cast: Cast, owner: Role) -> None:
    with owner():
        Staff.objects.filter(pk=cast.leader.pk).update(language="en")
    told = lines(cast, "leader")
    assert told[0] == "The market's week"
    assert told[-2:] == ["Nothing was noted in this week.", "1 / 1"]


@pytest.mark.parametrize("who", STAFF)
def test_whoever_may_not_see_the_page_gets_no_file(cast: Cast, owner: Role, who: str) -> None:
    """Every role, every unit: as the page answers, so does the file; nothing is in it that is not on the page."""
    seen = {"林晓的一条": "century", "赵磊的一条": "lujiazui"}
    with owner():
        for text, unit in seen.items():
            by = cast.rm if unit == "century" else cast.stranger
            Note.objects.create(
                kind="rate", text=text, source="eyes", seen_on=NOW.date(), by=by, unit=cast.units[unit], at=NOW
            )
    browser = cast.client(who)
    for unit in (*UNITS, None):
        address = f"{WEEK}&unit={cast.units[unit].pk}" if unit else WEEK
        page, file = browser.get(address), browser.get(f"{address}&as=pdf")
        assert page.status_code == file.status_code
        if page.status_code == 200:
            told = [line for some in files.drawn(file.content) for line in some]
            for text in seen:
                assert (text in told) == (text in page.content.decode())
        else:
            assert not file.content.startswith(b"%PDF")


def test_letters_that_the_font_has_not_end_in_their_like_or_a_mark(cast: Cast, owner: Role) -> None:
    typed = {
        "“引号”——‘单’…①℃㎡→☆": "“引号”——‘单’…①℃㎡→☆",
        "<b>粗</b> & &amp; <para>": "<b>粗</b> & &amp; <para>",
        "<img src='file:///etc/passwd'/>": "<img src='file:///etc/passwd'/>",
        "䶮先生、㛃女士、𠮷野": "䶮先生、㛃女士、〓野",
        "好👍🏽家👨‍👩‍👧": "好〓〓家〓〓〓",
        "艾力·买买提 £5 ¥6 €7 Zürich ñandú ™ ńǎ ﬁn": "艾力·买买提 £5 ¥6 €7 Zürich ñandú ™ nǎ fin",
        "\u202e反\u200b写\u0007\ufeff": "反写",
        "مرحبا": "〓〓〓〓〓",
        "(a\\b) 100%": "(a\\b) 100%",
    }  # fmt: skip
    about = {"kind": "rate", "source": "eyes", "seen_on": NOW.date(), "at": NOW}
    with owner():
        Note.objects.bulk_create(Note(text=each, by=cast.rm, unit=cast.units["century"], **about) for each in typed)
    told = lines(cast, "leader")
    assert [each for each in typed.values() if each not in told] == []


def test_long_words_wrap_and_three_hundred_notes_are_many_pages(cast: Cast, owner: Role) -> None:
    text = "对面网点三年期存款利率上浮，客户开始询问能否跟进，" * 4
    with owner():
        Note.objects.bulk_create(
            Note(kind="rate", text=f"第{number}条 {text}", source="eyes", seen_on=NOW.date(), by=cast.rm, unit=cast.units["century"],
                 at=NOW + timedelta(minutes=number)) for number in range(300)
        )  # fmt: skip
        Note.objects.create(
            kind="rate",
            text="x" * 1000,
            source="eyes",
            seen_on=NOW.date(),
            by=cast.rm,
            unit=cast.units["century"],
            at=NOW,
        )
    answer = cast.client("leader").get(f"{WEEK}&as=pdf")
    pages = files.drawn(answer.content)
    assert len(pages) > 20
    assert [page[-1] for page in pages] == [f"{number} / {len(pages)}" for number in range(1, len(pages) + 1)]
    told = "".join(line for page in pages for line in page[:-1])
    assert all(f"第{number}条 {text}" in told for number in range(300))
    assert "x" * 1000 in told
    assert max(len(line) for page in pages for line in page) < 130, "no line runs out of the page"
    assert all(page[0] != "亲眼所见 · 2026-03-02 · 林晓 · 世纪大道支行" for page in pages), (
        "a note keeps its source by it"
    )


def test_what_is_longer_than_a_page_goes_on_wherever_it_begins(cast: Cast, owner: Role) -> None:
    with owner():
        Brief.objects.bulk_create(
            Brief(title=f"第{number}篇", text="起止" * number * 60, for_bank="备货" * number * 20, by=cast.leader, unit=cast.units["century"], at=NOW)
            for number in range(1, 30)
        )  # fmt: skip
    told = "".join(lines(cast, "leader"))
    assert all(f"第{number}篇" in told for number in range(1, 30))
    assert (told.count("起"), told.count("备")) == (60 * 435, 20 * 435)
