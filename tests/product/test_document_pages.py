"""Records on pages and for programs: filed, listed, found in the one search box, given out, held; and two gigabytes cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from tests import files
from tests.cast import Cast
from zhike import clock
from zhike.documents import reader
from zhike.documents.models import Document, Label
from zhike.people.models import Leave
from zhike.trail.models import Entry

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 16, 2, tzinfo=UTC)
CONTRACT = files.docx("个人住房按揭贷款合同", "用途为购置学区房。")


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


def labels(business: str = "account", kind: str = "agreement") -> dict[str, Any]:
    return {
        "business": Label.objects.get(sort="business", key=business).pk,
        "kind": Label.objects.get(sort="kind", key=kind).pk,
        "dated": "2026-03-02",
    }


def upload(content: bytes = CONTRACT, name: str = "按揭合同.docx") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def filed(cast: Cast, who: str = "rm", **more: Any) -> Document:
    with cast.acting(who):
        form = {**labels(), "customer": cast.customers[who][0].pk, "file": upload(), **more}
    answer = cast.client(who).post("/documents/new/", form)
    assert answer.status_code == 303, answer.content.decode()
    with cast.acting(who):
        return Document.objects.get(pk=int(answer["Location"].strip("/").rpartition("/")[2]))


def read(document: Document, worker: Role) -> None:
    with worker():
        reader.read(document.pk, document.version)


def test_a_documents_page_says_what_its_business_lacks(cast: Cast) -> None:
    """Opening an account wants identity and application beside the agreement; each leads to filing it. Who may not file is told alike."""
    document = filed(cast)
    customer = cast.customers["rm"][0].pk
    page = cast.client("rm").get(f"/documents/{document.pk}/").content.decode()
    kind = labels(kind="identity")["kind"] if Label.objects.filter(key="identity").exists() else None
    assert all(text in page for text in ("缺 2 项", "身份证件", "申请表"))
    assert f"/documents/new/?customer={customer}&amp;business={document.business_id}&amp;kind=" in page
    assert kind is None or f"kind={kind}" in page
    auditor = cast.client("auditor").get(f"/documents/{document.pk}/").content.decode()
    assert "身份证件" in auditor
    assert "/documents/new/" not in auditor


def test_filed_on_the_page_listed_found_and_given_out(cast: Cast, worker: Role) -> None:
    document = filed(cast, note="双方已签", title="学区房按揭")
    read(document, worker)
    browser = cast.client("rm")
    shown = browser.get(f"/documents/{document.pk}/").content.decode()
    assert all(
        text in shown
        for text in ("学区房按揭", "双方已签", "按揭合同.docx", "Word 文档", "可以按内容查找", "2036-03-16")
    )
    assert "学区房按揭" in browser.get("/documents/").content.decode()
    assert "学区房按揭" in browser.get(f"/customers/{cast.customers['rm'][0].pk}/documents/").content.decode()
    part = browser.get(
        f"/customers/{cast.customers['rm'][0].pk}/documents/", headers={"HX-Request": "true"}
    ).content.decode()
    assert "<html" not in part
    assert "身份证件" in part  # what is missing
    answer = browser.get(f"/files/{document.pk}/1/anything")
    assert b"".join(answer) == CONTRACT
    assert answer["Content-Disposition"] == "attachment; filename*=UTF-8''%E6%8C%89%E6%8F%AD%E5%90%88%E5%90%8C.docx"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cache-Control"] == "no-store"
    with cast.acting("compliance"):
        kept = Entry.objects.get(action="download")
        assert (kept.actor_id, kept.row_id, kept.customer_id) == (cast.rm.pk, document.pk, document.customer_id)
        assert kept.changes["number"] == 1


def test_the_one_search_box_shows_customers_first_then_documents(cast: Cast, worker: Role) -> None:
    document = filed(cast, title="张伟明的按揭合同")
    read(document, worker)
    for who, sees in (("rm", True), ("leader", True), ("mate", False), ("administrator", None)):
        answer = cast.client(who).post("/search/hits/", {"q": "张伟"})
        if sees is None:
            assert answer.status_code == 403
            continue
        text = answer.content.decode()
        assert (f"/documents/{document.pk}/" in text) is sees
        assert (f"/customers/{document.customer_id}/" in text) is sees
        if sees:
            assert text.index(f"/customers/{document.customer_id}/") < text.index(f"/documents/{document.pk}/")
    text = cast.client("rm").post("/search/hits/", {"q": "学区房"}).content.decode()
    assert "<mark>学区房</mark>" in text
    page = cast.client("rm").post("/search/", {"q": "学区房"}, follow=True)
    assert f"/documents/{document.pk}/" in page.content.decode()
    assert all("学区" not in address for address, _status in page.redirect_chain)
    relative = f"/search/hits/?relative={cast.customers['rm'][1].pk}"
    assert "/documents/" not in cast.client("rm").post(relative, {"q": "张伟"}).content.decode()


WRONG = [
    ({"file": upload(files.JPEG, "合同.pdf")}, "内容却是JPEG 图片"),
    ({"file": lambda: upload(files.bomb(), "弹.docx")}, "压缩炸弹"),
    ({"file": None}, "请选择一个文件"),
    ({"business": ""}, "请选择业务"),
    ({"kind": "999999"}, "请选择资料种类"),
    ({"dated": "昨天"}, "请按 2026-03-02 的格式"),
    ({"dated": "2026-03-17"}, "不能晚于今天"),
]


@pytest.mark.parametrize(("change", "said"), WRONG, ids=[each[1] for each in WRONG])
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    cast: Cast, change: dict[str, Any], said: str
) -> None:
    for each in change.values():
        if isinstance(each, SimpleUploadedFile):
            each.seek(0)
    with cast.acting("rm"):
        form = {**labels(), "customer": cast.customers["rm"][0].pk, "title": "学区房按揭", "file": upload(), **change}
        form = {name: value() if callable(value) else value for name, value in form.items()}
    answer = cast.client("rm").post(
        "/documents/new/", {name: value for name, value in form.items() if value is not None}
    )
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert "学区房按揭" in answer.content.decode()
    with cast.acting("rm"):
        assert not Document.objects.exists()


def test_names_with_scripts_are_shown_as_text(cast: Cast) -> None:
    document = filed(
        cast,
        file=upload(files.pdf(), 'a"><img src=x onerror=alert(1)>\u202efdp.pdf'),
        title="<script>alert(1)</script>",
    )
    text = cast.client("rm").get(f"/documents/{document.pk}/").content.decode()
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "\u202e" not in text


def test_a_file_beyond_the_limit_is_refused_in_clear_words(cast: Cast, owner: Role) -> None:
    with owner(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO people_setting (name, value, from_day, at) VALUES ('document_mb', '1', '2026-01-01', '2026-01-01')"
        )
    with cast.acting("rm"):
        form = {**labels(), "customer": cast.customers["rm"][0].pk, "title": "大文件"}
    answer = cast.client("rm").post(
        "/documents/new/", {**form, "file": upload(files.pdf() + b"\0" * (1 << 20), "大.pdf")}
    )
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "文件超过 1 MB，不予接收" in text
    assert "大文件" in text
    answer = cast.client("rm").post(
        "/api/v1/documents", {**form, "file": upload(files.pdf() + b"\0" * (1 << 20), "大.pdf")}
    )
    assert (answer.status_code, answer.json()["detail"][:9]) == (413, "文件超过 1 MB")
    with cast.acting("rm"):
        assert not Document.objects.exists()


def test_versions_holds_and_deletion_on_the_page(cast: Cast) -> None:
    document = filed(cast, **_of_minutes(cast))
    address = f"/documents/{document.pk}/"
    browser, compliance = cast.client("rm"), cast.client("compliance")
    assert (
        browser.post(
            f"{address}version/", {"file": upload(files.docx("第二稿"), "二.docx"), "note": "第二稿"}
        ).status_code
        == 303
    )
    same = browser.post(f"{address}version/", {"file": upload(files.docx("第二稿"), "二.docx")})
    assert same.status_code == 422
    assert "完全相同" in same.content.decode()
    assert browser.get(address).content.decode().count("SHA-256") == 2
    assert browser.post(f"{address}hold/", {"why": "x"}).status_code == 403
    assert compliance.post(f"{address}hold/", {"why": ""}).status_code == 422
    assert compliance.post(f"{address}hold/", {"why": "客户投诉"}).status_code == 303
    assert compliance.post(f"{address}hold/", {"why": "再次"}).status_code == 409
    with clock.at(datetime(2032, 3, 16, 2, tzinfo=UTC)):
        leader, compliance = cast.client("leader"), cast.client("compliance")
        assert "任何人不得删除" in leader.post(f"{address}delete/", {"why": "期满"}).content.decode()
        assert compliance.post(f"{address}delete/", {"why": "期满"}).status_code == 403
        assert compliance.post(f"{address}lift/", {"why": "已结"}).status_code == 303
        assert leader.post(f"{address}delete/", {"why": "期满"}).status_code == 303
        gone = leader.get(address).content.decode()
        assert "期满" in gone
        assert gone.count("SHA-256") == 2
        assert leader.get(f"/files/{document.pk}/1/x").status_code == 404
        assert str(document.title) not in leader.get("/documents/").content.decode()
        assert str(document.title) in leader.get("/documents/?state=deleted").content.decode()


def _of_minutes(cast: Cast) -> dict[str, Any]:
    with cast.acting("rm"):
        return labels("office", "minutes")


def test_the_list_is_narrowed_by_its_address_and_exported(cast: Cast) -> None:
    document = filed(cast, title="=开户协议")
    browser = cast.client("rm")
    with cast.acting("rm"):
        of = labels()
    for query, there in (
        (f"business={of['business']}", True), (f"kind={of['kind']}", True), ("from=2026-03-02&to=2026-03-02", True),
        ("from=2026-03-03", False), ("state=held", False), ("state=over", False), (f"customer={document.customer_id}", True),
        (f"customer={cast.customers['rm'][1].pk}", False), ("business=x&from=never&state=no", True),
    ):  # fmt: skip
        assert ("=开户协议" in browser.get(f"/documents/?{query}").content.decode()) is there, query
    table = browser.get("/documents/?as=csv").content.decode("utf-8-sig")
    assert "'=开户协议,张伟明,开户,合同协议,2026-03-02,1,林晓,2026-03-16,2036-03-16" in table
    assert browser.get("/documents/?as=xlsx").content[:2] == b"PK"
    assert "=开户协议" not in cast.client("stranger").get("/documents/?as=csv").content.decode()
    with cast.acting("compliance"):
        assert Entry.objects.filter(action="export", object="documents_document").count() == 3


def test_who_stands_in_reads_the_file_and_takes_no_list_of_it_along(cast: Cast, owner: Role) -> None:
    filed(cast, "rm")
    with owner():
        Leave.objects.create(
            staff=cast.rm, from_day=NOW.date(), to_day=NOW.date() + timedelta(days=1), stand_in=cast.stranger,
            asked_by=cast.rm, asked_at=NOW, answer="accepted", answered_by=cast.stranger, answered_at=NOW,
        )  # fmt: skip
    filed(cast, "stranger", customer=cast.customers["stranger"][0].pk)
    browser = cast.client("stranger")
    assert "张伟明" in browser.get("/documents/").content.decode()
    body = browser.get("/documents/?as=csv").content.decode("utf-8-sig")
    assert ("张伟明" in body, "欧阳思远" in body) == (False, True)


def test_compliance_changes_years_on_the_page(cast: Cast) -> None:
    with cast.acting("rm"):
        wealth = Label.objects.get(key="wealth")
    form = {"label": wealth.pk, "zh": "理财业务", "en": "Wealth", "years": "25", "wanted": ["assessment"], "open": "1"}
    browser = cast.client("compliance")
    assert browser.post("/documents/labels/change/", {**form, "years": "19"}).status_code == 422
    assert browser.post("/documents/labels/change/", form).status_code == 303
    assert "理财业务" in browser.get("/documents/labels/").content.decode()
    assert (
        browser.post(
            "/documents/labels/change/", {"sort": "kind", "zh": "遗嘱", "en": "Will", "years": "30", "open": "1"}
        ).status_code
        == 303
    )
    assert cast.client("rm").post("/documents/labels/change/", form).status_code == 403


# ── for programs ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_program_files_finds_and_fetches(cast: Cast, worker: Role) -> None:
    browser = cast.client("rm")
    with cast.acting("rm"):
        form = {**labels(), "customer": cast.customers["rm"][0].pk, "title": "按揭"}
    made = browser.post("/api/v1/documents", {**form, "file": upload()}, headers={"Idempotency-Key": "k1"})
    assert made.status_code == 201, made.content
    again = browser.post("/api/v1/documents", {**form, "file": upload()}, headers={"Idempotency-Key": "k1"})
    assert (again.json()["id"], again["Idempotency-Replayed"]) == (made.json()["id"], "true")
    other = browser.post(
        "/api/v1/documents", {**form, "file": upload(files.docx("别的"))}, headers={"Idempotency-Key": "k1"}
    )
    assert other.status_code == 422
    id = made.json()["id"]
    with cast.acting("rm"):
        document = Document.objects.get(pk=id)
    read(document, worker)
    found = browser.post("/api/v1/documents/search", {"q": "学区房"}, content_type="application/json").json()
    assert [each["document"]["id"] for each in found["items"]] == [id]
    assert found["items"][0]["excerpt"][1] == "学区房"
    assert b"".join(browser.get(f"/api/v1/documents/{id}/versions/1/file")) == CONTRACT
    assert browser.get(f"/api/v1/documents/{id}").json()["kept_until"] == "2036-03-16"
    second = browser.post(
        f"/api/v1/documents/{id}/versions", {"file": upload(files.docx("第二稿"), "二.docx"), "note": "改"}
    )
    assert [each["number"] for each in second.json()["versions"]] == [1, 2]
    wrong = browser.post("/api/v1/documents", {**form, "file": upload(files.JPEG, "a.pdf")})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "file")
    assert browser.post("/api/v1/documents", form).status_code == 422
    assert (
        browser.post(f"/api/v1/documents/{id}/hold", {"why": "x"}, content_type="application/json").status_code == 403
    )
    lists = browser.get(f"/api/v1/customers/{form['customer']}/checklists").json()["items"]
    assert [kind["name"] for kind in lists[0]["missing"]] == ["身份证件", "申请表"]
    assert cast.client("stranger").get(f"/api/v1/documents/{id}").status_code == 404
    assert [each["id"] for each in cast.client("leader").get("/api/v1/documents").json()["items"]] == [id]


def test_nobody_who_is_not_signed_in_brings_a_byte(cast: Cast) -> None:
    from django.test import Client

    answer = Client().post("/documents/new/", {"file": upload(files.pdf() * 1000, "a.pdf")})
    assert answer.status_code == 302
    assert answer.wsgi_request.too_large
