"""Records (W10): what is filed, found, kept, held, deleted; and what is refused."""

from __future__ import annotations

import base64
import io
import os
import tracemalloc
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from tests import files
from tests.cast import Cast
from zhike.conduct.bank import Bank
from zhike.documents import filing, formats, grams, reader, search, store
from zhike.documents.filing import Brought, NotNow, Slip
from zhike.documents.formats import Unkept, recognise
from zhike.documents.missing import checklists
from zhike.documents.models import Blob, Document, Label, Version
from zhike.documents.naming import sanitised
from zhike.people.permissions import Refused

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 16, 2, tzinfo=UTC)
TODAY = date(2026, 3, 16)
RULES = Bank()


def label(sort: str, key: str) -> int:
    return Label.objects.get(sort=sort, key=key).pk


def slip(business: str = "account", kind: str = "agreement", dated: date = TODAY, title: str = "") -> Slip:
    return Slip(label("business", business), label("kind", kind), dated, title)


def brought(content: bytes, name: str) -> Brought:
    return Brought(io.BytesIO(content), name, len(content))


def filed(cast: Cast, content: bytes, name: str, who: str = "rm", *, customer: Any = "own", **under: Any) -> Document:
    """A document as ``who`` files it for the first of their customers, read as the worker reads it."""
    with cast.acting(who, NOW) as actor:
        of = cast.customers[who][0] if customer == "own" else customer
        return filing.file(brought(content, name), slip(**under), customer=of, actor=actor, now=NOW, bank=RULES)


@pytest.fixture
def read(worker: Role) -> Callable[[Document], Document]:
    def reads(document: Document) -> Document:
        with worker():
            reader.read(document.pk, document.version)
            return Document.objects.get(pk=document.pk)

    return reads


# ── what a file is ───────────────────────────────────────────────────────────────────────────────────────────────

GOOD = [
    (files.pdf(), "合同.pdf", "pdf", False),
    (files.pdf(extra=b"/OpenAction << /S /JavaScript /JS (app.alert) >>"), "合同.PDF", "pdf", True),
    (files.JPEG, "扫描.jpeg", "jpeg", False),
    (files.PNG, "扫描.png", "png", False),
    (files.HEIC, "IMG_0001.HEIC", "heic", False),
    (files.TIFF, "传真.tif", "tiff", False),
    (files.docx("甲方"), "协议.docx", "docx", False),
    (files.docx("甲方", more={"word/vbaProject.bin": b"x"}), "协议.docm", "docx", True),
    (files.xlsx([["存单"]]), "清单.xlsx", "xlsx", False),
    (files.pptx("方案"), "方案.pptx", "pptx", False),
    (files.ofd("发票"), "发票.ofd", "ofd", False),
    (files.ole("WordDocument"), "旧合同.doc", "doc", False),
    (files.ole("WordDocument", "_VBA_PROJECT"), "旧合同.doc", "doc", True),
    (files.ole("Workbook"), "旧清单.xls", "xls", False),
    (files.ole("EncryptedPackage"), "有密码.xlsx", "locked", False),
    ("姓名,金额\n张三,1".encode(), "名单.csv", "csv", False),
    ("会议纪要".encode("gb18030"), "纪要.txt", "txt", False),
]


@pytest.mark.parametrize(("content", "name", "key", "active"), GOOD, ids=[each[1] + each[2] for each in GOOD])
def test_a_good_file_is_known_by_what_it_holds(content: bytes, name: str, key: str, active: bool) -> None:
    found = recognise(io.BytesIO(content), name)
    assert (found.format.key, found.active) == (key, active)


BAD = [
    (b"", "空.pdf", "文件是空的"),
    (b"MZ\x90\0" + b"\0" * 200, "合同.pdf", "这种文件不归档"),
    (b"#!/bin/sh\nrm -rf /\n", "run.sh", "这种文件不归档"),
    (b"<html><script>alert(1)</script></html>", "页.html", "这种文件不归档"),
    (b"<svg onload='x'/>", "图.svg", "这种文件不归档"),
    (files.JPEG, "合同.pdf", "内容却是JPEG 图片"),
    (files.pdf(), "合同.pdf.exe", "以 .exe 结尾，内容却是PDF"),
    (files.docx("甲方"), "协议.xlsx", "内容却是Word 文档"),
    (files.pdf(), "合同", "文件名没有扩展名"),
    (b"a\0b", "a.txt", "这种文件不归档"),
    (files.zipped({"a.pdf": b"x"}), "一包.zip", "压缩包不归档"),
    (files.docx("甲方")[:-30], "断.docx", "文件已损坏"),
    (b"PK\x03\x04" + b"\0" * 100, "断.docx", "文件已损坏"),
    (files.bomb, "弹.docx", "压缩炸弹"),
    (files.crowded(), "弹.docx", "压缩炸弹"),
    (files.crowded_in_secret(), "弹.docx", "压缩炸弹"),
    (files.ole("Anything"), "安装.doc", "这种文件不归档"),
]


@pytest.mark.parametrize(("content", "name", "said"), BAD, ids=[f"{n} {each[1]}" for n, each in enumerate(BAD)])
def test_a_broken_or_hostile_file_is_refused_with_what_to_do(
    content: bytes | Callable[[], bytes], name: str, said: str
) -> None:
    with pytest.raises(Unkept) as refused:
        recognise(io.BytesIO(content() if callable(content) else content), name)
    assert said in refused.value.words.zh


def test_a_crowded_archive_is_refused_before_its_folder_is_read() -> None:
    file = io.BytesIO(files.crowded_in_secret())
    tracemalloc.start()
    try:
        with pytest.raises(Unkept):
            recognise(file, "弹.docx")
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 << 20  # its folder read would take some 50 MB


def test_archives_are_kept_where_the_bank_says_so() -> None:
    assert recognise(io.BytesIO(files.zipped({"a": b"x"})), "包.zip", archives=True).format.key == "zip"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("合同.pdf", "合同.pdf"),
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\temp\\合同.pdf", "合同.pdf"),
        ('"><script>alert(1)</script>.pdf', "script_.pdf"),
        ("合同\u202efdp.exe.pdf", "合同fdp.exe.pdf"),
        ("合\0同\r\n.pdf", "合同.pdf"),
        ("con.pdf", "_con.pdf"),
        ("...", "文件"),
        ("合同.pdf. ", "合同.pdf"),
        ("", "文件"),
    ],
)
def test_a_name_is_kept_without_what_could_do_harm(name: str, kept: str) -> None:
    assert sanitised(name) == kept


def test_a_long_name_keeps_its_ending() -> None:
    kept = sanitised("合" * 300 + ".pdf")
    assert len(kept.encode()) <= 255
    assert kept.endswith("合.pdf")


# ── filed, read, found ───────────────────────────────────────────────────────────────────────────────────────────

CONTRACT = files.docx("个人住房按揭贷款合同", "甲方：张伟明，月利率百分之三点一，用途为购置学区房。")


@pytest.mark.clause("W10", "RECORD")
def test_what_is_filed_is_found_by_what_it_says_under_customer_business_kind_and_day(cast: Cast, read: Any) -> None:
    document = read(filed(cast, CONTRACT, "按揭合同.docx", business="loan", dated=date(2026, 3, 2)))
    assert document.reading == "read"
    assert (document.customer, document.business.zh, document.kind.zh) == (cast.customers["rm"][0], "贷款", "合同协议")
    assert (document.title, document.dated) == ("按揭合同.docx", date(2026, 3, 2))
    with cast.acting("rm", NOW) as actor:
        for words in ("学区房", "按揭 学区", "月利率", "按揭合同", "住房按揭貸款", "docx"):
            assert [hit.document for hit in search.find(words, actor).hits] == [document], words
        for words in ("学房", "消费贷款", "学", "xls", ""):
            assert search.find(words, actor).hits == [], words
        assert search.find("学区房", actor).hits[0].excerpt == ("利率百分之三点一，用途为购置"[-12:], "学区房", "。")


READ = [
    (files.pdf("mortgage contract"), "a.pdf", "mortgage"),
    (files.xlsx([["产品", "金额"], ["三年大额存单", "500000"]]), "a.xlsx", "大额存单"),
    (files.pptx("资产配置方案"), "a.pptx", "资产配置"),
    (files.ofd("增值税电子发票"), "a.ofd", "电子发票"),
    ("客户来函：请退还年费".encode("gb18030"), "a.txt", "退还年费"),
]


@pytest.mark.parametrize(("content", "name", "word"), READ, ids=[each[1] for each in READ])
def test_the_text_of_each_format_is_searched(cast: Cast, read: Any, content: bytes, name: str, word: str) -> None:
    document = read(filed(cast, content, name))
    assert document.reading == "read", document.trouble
    with cast.acting("rm", NOW) as actor:
        assert search.find(word, actor).hits[0].document == document


NOT_READ = [
    (files.JPEG, "照片.jpg", "none", ""),
    (files.ole("EncryptedPackage"), "密.xlsx", "failed", "locked"),
    (b"%PDF-1.7\n" + b"garbage " * 500, "坏.pdf", "failed", "damaged"),
    (files.laughs(), "笑.docx", "failed", "damaged"),
    (files.ole("Workbook"), "坏.xls", "failed", "damaged"),
]


@pytest.mark.parametrize(("content", "name", "state", "trouble"), NOT_READ, ids=[each[1] for each in NOT_READ])
def test_what_cannot_be_read_is_kept_and_says_why(
    cast: Cast, read: Any, content: bytes, name: str, state: str, trouble: str
) -> None:
    document = read(filed(cast, content, name))
    assert (document.reading, document.trouble) == (state, trouble)
    with cast.acting("rm", NOW) as actor:
        assert search.find(name.partition(".")[2], actor).hits[0].document == document


def test_documents_are_found_by_those_who_see_the_customer_and_go_with_the_customer(
    cast: Cast, read: Any, owner: Role
) -> None:
    read(filed(cast, CONTRACT, "按揭合同.docx"))

    def found(who: str) -> int:
        with cast.acting(who, NOW) as actor:
            return len(search.find("学区房", actor).hits) + Document.objects.count()

    sees = {"rm": 2, "leader": 2, "branch_leader": 2, "compliance": 2, "auditor": 2}
    everybody = (
        "rm",
        "mate",
        "leader",
        "stranger",
        "other_leader",
        "branch_leader",
        "compliance",
        "auditor",
        "marketing",
    )
    assert {who: found(who) for who in everybody} == {who: sees.get(who, 0) for who in everybody}
    with owner():
        customer = cast.customers["rm"][0]
        customer.rm, customer.unit = cast.stranger, cast.units["lujiazui"]
        customer.save()
    assert {who: found(who) for who in ("rm", "leader", "stranger", "other_leader")} == {
        "rm": 0, "leader": 0, "stranger": 2, "other_leader": 2,
    }  # fmt: skip


def test_a_paper_of_the_unit_is_seen_by_who_filed_it_and_who_leads_there(cast: Cast, read: Any) -> None:
    read(filed(cast, CONTRACT, "晨会纪要.docx", customer=None, business="office", kind="minutes"))
    for who, sees in (("rm", 1), ("mate", 0), ("leader", 1), ("stranger", 0), ("other_leader", 0), ("compliance", 1)):
        with cast.acting(who, NOW) as actor:
            assert (Document.objects.count(), len(search.find("晨会", actor).hits)) == (sees, sees), who


def test_a_whole_number_finds_papers_of_ones_own_customers_alone(cast: Cast, read: Any) -> None:
    """Else the search would tell whose number it is, and nobody would count that."""
    read(filed(cast, files.docx("证件号码 310101196803091234"), "证件.docx"))
    for who, count in (("rm", 1), ("leader", 0), ("compliance", 0)):
        with cast.acting(who, NOW) as actor:
            assert len(search.find("310101196803091234", actor).hits) == count
            assert len(search.find("证件号码", actor).hits) == 1


def test_no_number_is_found_piece_by_piece_nor_shown_beside_a_word(cast: Cast, read: Any) -> None:
    """A leader who looks for the halves of a number, or for what stands before it, would be told whose it is, and nobody would count it."""
    said = "联系电话 13912345678，备用 021-5888 1234；2026-03-02 签订，到期 2029年3月2日"
    read(filed(cast, files.docx(said), "协议.docx"))

    def found(who: str, text: str) -> list[str]:
        with cast.acting(who, NOW) as actor:
            return ["".join(hit.excerpt) for hit in search.find(text, actor).hits]

    for text in ("1391 2345 678", "139 123 456", "1391 5678", "协议 139 12345678", "021 5888 1234", "13 91 23 45 67"):
        assert (len(found("rm", text)), found("leader", text), found("compliance", text)) == (1, [], []), text
    for text in ("5678", "2026-03-02", "2026 03 02", "2029年3月2日", "协议 2026", "联系电话 2026"):
        assert len(found("leader", text)) == 1, text
    assert "13912345678" in found("rm", "联系电话")[0]
    assert "联系电话 ***********，备用 *************；2026-03-02" in found("leader", "联系电话")[0]


def test_neither_file_nor_index_holds_the_words(cast: Cast, read: Any, owner: Role) -> None:
    document = read(filed(cast, "学区房购置计划书".encode() * 400, "计划.txt"))
    version = document.versions.get()
    kept = store.path_of(version.sha256).read_bytes()
    assert "学区房".encode() not in kept
    assert len(kept) > version.size
    with owner(), connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM documents_text t")
        assert all("学区" not in row[0] for row in cursor.fetchall())
    assert b"".join(store.opened(Blob.objects.get(sha256=version.sha256))) == "学区房购置计划书".encode() * 400


@pytest.mark.parametrize("size", [1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, (3 << 20) + 7])
def test_a_file_of_any_size_comes_back_to_the_last_byte(size: int) -> None:
    content = os.urandom(size)
    blob = store.keep(io.BytesIO(content), NOW)
    assert b"".join(store.opened(blob)) == content
    assert blob.size == size


def test_a_file_that_was_touched_is_not_given_away() -> None:
    content = os.urandom((2 << 20) + 5)
    path = store.path_of(store.keep(io.BytesIO(content), NOW).sha256)
    whole = path.read_bytes()
    piece = (1 << 20) + 16
    swapped = whole[:4] + whole[4 + piece : 4 + 2 * piece] + whole[4 : 4 + piece] + whole[4 + 2 * piece :]
    for touched in (whole[:-1], whole[: 4 + 2 * piece], whole[:100] + b"x" + whole[101:], swapped, b"", content):
        path.write_bytes(touched)
        with pytest.raises(store.Damaged):
            store.opened(Blob.objects.get())
    path.unlink()
    with pytest.raises(store.Damaged):
        store.opened(Blob.objects.get())
    store.keep(io.BytesIO(content), NOW)  # brought again it is whole again
    assert b"".join(store.opened(Blob.objects.get())) == content


# ── versions, time, hold ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.clause("W10", "RECORD")
def test_a_new_version_never_loses_the_old(cast: Cast, read: Any) -> None:
    document = filed(cast, CONTRACT, "合同.docx")
    with cast.acting("rm", NOW) as actor:
        filing.file_again(
            document,
            brought(files.docx("补充协议：提前还款"), "合同2.docx"),
            note="加了补充条款",
            actor=actor,
            now=NOW,
            bank=RULES,
        )
    document = read(document)
    with cast.acting("rm", NOW) as actor:
        versions = list(document.versions.order_by("number"))
        assert [(each.number, each.name, each.note) for each in versions] == [
            (1, "合同.docx", ""),
            (2, "合同2.docx", "加了补充条款"),
        ]
        assert b"".join(store.opened(Blob.objects.get(sha256=versions[0].sha256))) == CONTRACT
        assert len(search.find("提前还款", actor).hits) == 1
        assert len(search.find("合同2", actor).hits) == 1
        with pytest.raises(DatabaseError), transaction.atomic():
            Version.objects.filter(number=1).update(name="x")
        with pytest.raises(DatabaseError), transaction.atomic():
            Version.objects.filter(number=1).delete()
        with pytest.raises(Unkept, match="完全相同"), transaction.atomic():
            filing.file_again(
                document, brought(files.docx("补充协议：提前还款"), "合同3.docx"), actor=actor, now=NOW, bank=RULES
            )
        assert document.versions.count() == 2


def at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 4, tzinfo=UTC)


@pytest.mark.clause("W10", "RECORD")
@pytest.mark.parametrize(
    ("business", "kind", "until"),
    [
        ("wealth", "other", date(2046, 3, 16)),  # 20 years by business, 3 by kind
        ("after_sales", "disclosure", date(2046, 3, 16)),  # 5 by business, 20 by kind
        ("insurance", "application", date(2036, 3, 16)),  # 10 and 10
        ("office", "minutes", date(2031, 3, 16)),  # 5 and 3
    ],
)
def test_the_longest_time_wins_and_nothing_is_deleted_before_its_date(
    cast: Cast, business: str, kind: str, until: date, worker: Role
) -> None:
    document = filed(cast, CONTRACT, "合同.docx", business=business, kind=kind, dated=date(2020, 1, 1))
    assert document.kept_until == until
    before, then = at(until.year, until.month, until.day - 1), at(until.year, until.month, until.day)
    with cast.acting("leader", before) as actor:
        with pytest.raises(NotNow, match=str(until)):
            filing.delete(document, "期满", actor=actor, now=before, bank=RULES)
        with pytest.raises(DatabaseError, match="must be kept"), transaction.atomic():
            Document.objects.update(deleted_at=before, deleted_by=actor.id)
        assert not Document.objects.over(before.date()).exists()
    digest = document.versions.get().sha256
    with cast.acting("leader", then) as actor:
        assert Document.objects.over(until).get() == document
        filing.delete(document, "保存期满", actor=actor, now=then, bank=RULES)
        assert search.find("按揭", actor).hits == []
        gone = Document.objects.get()
        assert (gone.deleted_by, gone.deleted_why, gone.versions.get().sha256) == (cast.leader, "保存期满", digest)
    with worker():
        from zhike.documents.tasks import forget_file

        forget_file.func(digest)
        assert not store.path_of(digest).exists()
        assert not Blob.objects.exists()


def test_a_file_that_another_document_has_too_stays_until_both_are_gone(cast: Cast, worker: Role) -> None:
    from zhike.documents.tasks import forget_file

    first = filed(cast, CONTRACT, "合同.docx", business="office", kind="minutes")
    second = filed(cast, CONTRACT, "合同.docx", "mate", business="office", kind="minutes")
    digest = second.versions.get().sha256
    for document in (first, second):
        assert store.path_of(digest).exists()
        with cast.acting("leader", at(2031, 3, 16)) as actor:
            filing.delete(document, "期满", actor=actor, now=at(2031, 3, 16), bank=RULES)
        with worker():
            forget_file.func(digest)
    assert not store.path_of(digest).exists()


def test_a_hold_blocks_deletion_until_compliance_lifts_it(cast: Cast) -> None:
    document = filed(cast, CONTRACT, "合同.docx", business="office", kind="minutes")
    later = at(2032, 1, 1)
    with cast.acting("compliance", NOW) as actor:
        filing.hold(document, "客户投诉", actor=actor, now=NOW)
        with pytest.raises(NotNow):
            filing.hold(document, "再次", actor=actor, now=NOW)
    with cast.acting("leader", later) as actor:
        with pytest.raises(NotNow, match="保全"):
            filing.delete(document, "期满", actor=actor, now=later, bank=RULES)
        with pytest.raises(DatabaseError, match="held"), transaction.atomic():
            Document.objects.update(deleted_at=later, deleted_by=actor.id)
        with pytest.raises(Refused):
            filing.lift(document, "不需要了", actor=actor, now=later)
        assert not Document.objects.over(later.date()).exists()
    with cast.acting("compliance", later) as actor:
        filing.lift(document, "投诉已结", actor=actor, now=later)
    with cast.acting("leader", later) as actor:
        filing.delete(document, "期满", actor=actor, now=later, bank=RULES)
        assert document.holds.get().lifted_why == "投诉已结"


def test_shorter_years_shorten_nothing_that_is_filed_and_longer_ones_count_for_all(cast: Cast, owner: Role) -> None:
    document = filed(cast, CONTRACT, "合同.docx", business="office", kind="minutes")
    with owner():
        Label.objects.filter(key="office").update(years=0)
        Label.objects.filter(key="minutes").update(years=0)
        assert Document.objects.whole().get().kept_until == date(2031, 3, 16)
        Label.objects.filter(key="minutes").update(years=9)
        assert Document.objects.whole().get().kept_until == date(2035, 3, 16)
    with cast.acting("rm", NOW) as actor:
        document = Document.objects.whole().get()
        filing.put_right(document, slip("after_sales", "other"), actor=actor, now=NOW, bank=RULES)
        assert document.kept_until == date(2035, 3, 16)


def test_compliance_changes_labels_within_the_law(cast: Cast) -> None:
    from zhike.documents import labels

    wealth = Label.objects.get(key="wealth")
    asked = {
        "sort": "business",
        "zh": "理财",
        "en": "Wealth",
        "wanted": ["assessment", "nothing"],
        "always": False,
        "open": True,
    }
    with cast.acting("compliance", NOW) as actor:
        with pytest.raises(Unkept, match="20"):
            labels.change(wealth.pk, years=19, actor=actor, **asked)
        assert labels.change(wealth.pk, years=25, actor=actor, **asked).wanted == ["assessment"]
        assert not labels.change(wealth.pk, years=25, actor=actor, **{**asked, "open": False}).open
        office = {**asked, "zh": "内部工作", "open": False}
        with pytest.raises(Unkept, match="不能停用"):
            labels.change(label("business", "office"), years=5, actor=actor, **office)
    with cast.acting("leader", NOW) as actor:
        with pytest.raises(Refused):
            labels.change(wealth.pk, years=30, actor=actor, **asked)
        assert Label.objects.filter(pk=wealth.pk).update(years=30) == 0


# ── what is missing ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.clause("W10", "RECORD")
def test_what_is_missing_is_said_for_each_business(cast: Cast) -> None:
    filed(cast, files.JPEG, "身份证.jpg", kind="identity")
    filed(cast, CONTRACT, "理财协议.docx", business="wealth")
    with cast.acting("rm", NOW):
        lists = checklists(cast.customers["rm"][0])
        assert {each.business.key: [kind.key for kind in each.missing] for each in lists} == {
            "account": ["application", "agreement"],
            "wealth": ["assessment", "disclosure"],
        }
        assert [each.business.key for each in checklists(cast.customers["rm"][1])] == ["account"]


@pytest.mark.clause("W10", "MEASURE")
def test_how_whole_the_files_of_a_book_are(cast: Cast) -> None:
    """Three customers of 3 papers each for opening an account; one has all three, and a wealth file of which 1 of 3 is there:
    4 files, 1 whole, 12 papers wanted, 4 there."""
    from zhike.documents.missing import measured

    for kind in ("identity", "application", "agreement"):
        filed(cast, CONTRACT, f"{kind}.docx", kind=kind)
    filed(cast, CONTRACT, "理财.docx", business="wealth")
    with cast.acting("rm", NOW):
        found, lacking = measured([cast.rm.pk], 5)
    assert (found.files, found.whole, found.wanted, found.there) == (4, 1, 12, 4)
    assert found.rate == 0.25
    assert {name: keys for _id, name, keys in lacking}["张伟明"] == ["assessment", "disclosure"]


def test_grams_of_words() -> None:
    assert grams.of_text("按揭A股 ok") == {"按揭", "揭a", "a股", "ok"}
    assert grams.of_query("mortgage") == ["mor", "ort", "rtg", "tga", "gag", "age"]
    assert set(grams.of_query("2026年报")) <= grams.of_text("附件2026年报表")
    assert grams.of_query("年") == []


def test_formats_say_what_they_are() -> None:
    assert all(row.endings and row.media and row.words.zh for row in formats.FORMATS.values())


# ── how it is found ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_rare_word_among_many_documents_is_found_by_the_index(cast: Cast, owner: Role) -> None:
    """Ten thousand texts of which one holds the word: the index says which, and no other text is looked at."""
    one = filed(cast, CONTRACT, "合同.docx")
    with owner(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO documents_document (customer_id, unit_id, keeper, business_id, kind_id, title, dated, by_id, at, version, reading,"
            " trouble, counts_from, years, deleted_why) SELECT customer_id, unit_id, keeper, business_id, kind_id, title, dated, by_id, at,"
            " 1, 'read', '', counts_from, years, '' FROM documents_document, generate_series(1, 10000)"
        )
        common = sorted(grams.hashed(grams.of_text("客户合同协议本行账户资金利率")))
        cursor.execute(
            "INSERT INTO documents_text (document_id, keeper, sealed, grams)"
            " SELECT id, keeper, '', %s::bigint[] || id FROM documents_document WHERE id <> %s",
            [common, one.pk],
        )
        cursor.execute("ANALYZE documents_text")
        cursor.execute("ANALYZE documents_document")
        wanted = grams.sought(grams.of_query("按揭合同"))[0]
        cursor.execute(
            "EXPLAIN (ANALYZE, FORMAT JSON) SELECT document_id FROM documents_text WHERE keeper = ANY (%s::bigint[]) AND grams @> %s::bigint[]"
            " ORDER BY document_id DESC LIMIT 60",
            [[cast.rm.pk, cast.mate.pk], wanted],
        )
        plan = str(cursor.fetchone()[0])
    assert "documents_text_grams" in plan
    assert "Seq Scan" not in plan
    with cast.acting("rm", NOW) as actor:
        assert [hit.document.pk for hit in search.find("按揭合同", actor).hits] == []  # its text is not read yet
        assert [hit.document.pk for hit in search.find("合同.docx", actor).hits] == [one.pk]


def test_a_change_of_data_keys_touches_no_file_and_loses_no_word(
    cast: Cast, read: Any, owner: Role, settings: Any
) -> None:
    from zhike.customers.reseal import Reseal
    from zhike.customers.vault import vault
    from zhike.documents.models import blob
    from zhike.documents.models import document as documents

    one = read(filed(cast, CONTRACT, "合同.docx"))
    with owner():
        path = store.path_of(Version.objects.get().sha256)
        before = path.read_bytes()
    old, new = settings.DATA_KEYS, "k2:" + base64.b64encode(b"another key for the demonstration"[:32]).decode()
    settings.DATA_KEYS = f"{new},{old}"
    with cast.acting("rm", NOW) as actor:
        assert [hit.document for hit in search.find("学区房", actor).hits] == [one]
    with owner():
        work = Reseal(vault(), NOW)
        assert (work.run(blob.SEALED).renewed, work.run(documents.SEALED).renewed) == (1, 1)
        assert (work.run(blob.SEALED).renewed, work.run(documents.SEALED).renewed) == (0, 0)
    settings.DATA_KEYS = new
    with cast.acting("rm", NOW) as actor:
        assert [hit.document for hit in search.find("学区房", actor).hits] == [one]
        assert b"".join(store.opened(Blob.objects.get())) == CONTRACT
    assert path.read_bytes() == before
