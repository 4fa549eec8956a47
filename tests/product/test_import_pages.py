"""The import and what follows it, on the pages: upload, columns, trial, load, decisions, refused rows, undo; differences."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from tests.cast import Cast
from zhike import clock
from zhike.customers.models import Customer, Difference, Line, Part, Run
from zhike.customers.tasks import decide_lines, import_customers, undo_import
from zhike.people.actor import acting

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 16, 2, tzinfo=UTC)
FILE = "客户号,姓名,手机,客户经理,说明\nP1,沈静仪,13812345678,1001,老客户\nP2,王薇,1381234567,1001,\nP3,王伟,13812345678,1001,\n"


@pytest.fixture(autouse=True)
def _monday() -> Any:
    with clock.at(NOW):
        yield


def uploaded(browser: Client, text: str = FILE) -> str:
    answer = browser.post("/customers/import/", {"file": SimpleUploadedFile("名单.csv", text.encode("gb18030"))})
    assert answer.status_code == 303, answer.content.decode()
    return answer["Location"]


def jobs() -> list[tuple[str, dict[str, Any]]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name, args FROM procrastinate_jobs ORDER BY id")
        return [(name, json.loads(args)) for name, args in cursor.fetchall()]


def test_a_file_is_uploaded_tried_loaded_decided_and_undone(cast: Cast, worker: Any, owner: Any) -> None:
    browser = cast.client("administrator")
    address = uploaded(browser)
    page = browser.get(address).content.decode()
    assert "老客户" in page
    run = int(address.rstrip("/").rsplit("/", 1)[1])
    with owner():
        assert "13812345678" not in "".join(Part.objects.values_list("sealed", flat=True))
    columns = {
        "column": ["客户号", "姓名", "手机", "客户经理", "说明"],
        "field": ["core_number", "name", "mobile", "rm", ""],
    }
    assert browser.post(address, {**columns, "act": "try"}).status_code == 303
    page = browser.get(address).content.decode()
    assert 'hx-trigger="every 2s"' in page
    assert "排队中" in page
    assert "待审批" not in page, "nobody has to agree"
    with worker():
        import_customers(run=run)
    assert browser.get(f"{address}progress/")["HX-Refresh"] == "true"
    page = browser.get(address).content.decode()
    assert "试导" in page
    assert "手机号应为 11 位，这里是 10 位" in page
    assert "王伟 · P3 · 1001 · 138 **** 5678" in page
    assert "文件第 2 行" in page
    assert "line-" not in page, "a trial asks nothing yet"
    with owner():
        assert not Customer.objects.filter(core_number="P1").exists()
    assert browser.post(address, {"act": "load"}).status_code == 303
    with worker():
        import_customers(run=run)
        assert not Part.objects.exists()
        doubt = Line.objects.get(state="doubtful")
        first = Customer.objects.get(core_number="P1")
    page = browser.get(address).content.decode()
    assert f'value="same:{first.pk}"' in page
    assert page.count("138 **** 5678") == 2  # what the file says, and who is known already
    assert "13812345678" not in page
    assert browser.post(address, {"act": "decide", f"line-{doubt.pk}": "other"}).status_code == 303
    assert "处理中" in browser.get(address).content.decode()
    assert jobs()[-1] == ("decide_lines", {"decisions": {str(doubt.pk): "other"}, "by": cast.administrator.pk})
    with worker():
        decide_lines(decisions={str(doubt.pk): "other"}, by=cast.administrator.pk)
        assert set(Customer.objects.filter(core_number__startswith="P").values_list("core_number", flat=True)) == {
            "P1",
            "P3",
        }
    refused = browser.get(f"{address}refused/")
    assert "王薇" in refused.content.decode()
    assert refused["Content-Disposition"].startswith("attachment")
    assert browser.post(address, {"act": "undo"}).status_code == 303
    with worker():
        undo_import(run=run, by=cast.administrator.pk)
        assert not Customer.objects.filter(core_number__startswith="P").exists()
    assert "已撤销" in browser.get(address).content.decode()


def test_after_a_trial_in_which_nothing_would_be_loaded_nothing_is_offered_to_load(cast: Cast, worker: Any) -> None:
    browser = cast.client("administrator")
    address = uploaded(browser, "客户号,姓名,手机,客户经理\nP1,沈静仪,1381234567,1001\n")
    columns = {"column": ["客户号", "姓名", "手机", "客户经理"], "field": ["core_number", "name", "mobile", "rm"]}
    assert browser.post(address, {**columns, "act": "try"}).status_code == 303
    with worker():
        import_customers(run=int(address.rstrip("/").rsplit("/", 1)[1]))
    page = browser.get(address).content.decode()
    assert "手机号应为 11 位，这里是 10 位" in page
    assert 'value="load"' not in page
    assert f"{address}refused/" in page


def test_the_first_values_of_a_file_are_masked_though_nobody_has_named_the_columns(cast: Cast) -> None:
    text = "姓名,手机,证件,备用,网址\n沈静仪,13812345678,310105199003071234,13987654321,shen.jingyi@example.com\n"
    page = (browser := cast.client("administrator")).get(uploaded(browser, text)).content.decode()
    for secret in ("13812345678", "310105199003071234", "13987654321", "shen.jingyi"):
        assert secret not in page
    assert "沈静仪" in page
    assert "138 **** 5678" in page
    assert "139****4321" in page


@pytest.mark.parametrize(
    ("text", "says"), [("", "空"), ("年龄,职业\n1,2\n", "没有一列是客户姓名"), ("姓名,姓名\na,b\n", "姓名")]
)
def test_a_file_that_cannot_be_is_said_so(cast: Cast, text: str, says: str) -> None:
    browser = cast.client("administrator")
    answer = browser.post("/customers/import/", {"file": SimpleUploadedFile("a.csv", text.encode())})
    if answer.status_code == 303:
        answer = browser.post(answer["Location"], {"act": "try", "column": ["年龄", "职业"], "field": ["", ""]})
    assert answer.status_code == 422
    assert says in answer.content.decode()


def test_a_run_of_the_command_line_tells_its_rows_in_the_list(cast: Cast, worker: Any) -> None:
    """Nobody counts such a file before it is read: the list said 0 rows, of which 36 were loaded."""
    with worker():
        Run.objects.create(name="夜间名单.csv", size=1, at=NOW, state=Run.State.DONE, checked=41, loaded=36)
    page = cast.client("administrator").get("/customers/import/").content.decode()
    row = page[page.index("夜间名单.csv") :]
    assert re.findall(r"</span> (\d+)</td>", row[: row.index("</tr>")]) == ["41", "36", "0", "0"]


def test_a_run_of_the_command_line_at_work_is_not_out_of_nothing(cast: Cast, worker: Any) -> None:
    with worker():
        run = Run.objects.create(name="a.csv", by=cast.administrator, at=NOW, state="running", checked=17)
    assert "17 / 17" in cast.client("administrator").get(f"/customers/import/{run.pk}/").content.decode()


def test_another_persons_run_is_not_found(cast: Cast) -> None:
    address = uploaded(cast.client("administrator"))
    other = cast.client("second_administrator")
    for path in (address, f"{address}progress/", f"{address}refused/"):
        assert other.get(path).status_code == 404
    assert cast.client("rm").get("/customers/import/").status_code == 403


def test_a_difference_is_shown_masked_and_decided(cast: Cast, owner: Any, worker: Any) -> None:
    from zhike.customers.vault import place, vault

    customer = cast.customers["rm"][0]
    with cast.acting("rm", NOW) as rm:
        customer.learn("mobile", "13900000000", source="contact", actor=rm, now=NOW)
    with worker():
        theirs = vault().seal("13812345670", place("mobile", customer.pk))
        difference = Difference.objects.create(customer=customer, field="mobile", theirs=theirs, seen_at=NOW)
    browser = cast.client("rm")
    for who, led in (("rm", True), ("leader", True), ("compliance", True), ("mate", False), ("other_leader", False)):
        page = cast.client(who).get("/customers/").content.decode()
        found = re.search(r'href="/customers/differences/">[^<]*<span class="count">(\d+)<', page)
        assert (found and found[1]) == ("1" if led else None), who
    assert "/customers/differences/" in cast.client("leader").get("/customers/import/").content.decode()
    assert "/customers/differences/" not in cast.client("administrator").get("/customers/import/").content.decode()
    page = browser.get("/customers/differences/").content.decode()
    assert "138 **** 5670" in page
    assert "139 **** 0000" in page
    assert "138 **** 5670" not in cast.client("mate").get("/customers/differences/").content.decode()
    assert (
        cast.client("compliance")
        .post("/customers/differences/", {"difference": difference.pk, "take": "1"})
        .status_code
        == 403
    )
    assert browser.post("/customers/differences/", {"difference": difference.pk, "take": "1"}).status_code == 303
    with owner():
        assert Customer.objects.get(pk=customer.pk).open_value("mobile") == "13812345670"


def test_a_leader_loads_into_the_own_scope_and_learns_nothing_of_other_books(
    cast: Cast, worker: Any, owner: Any
) -> None:
    """A file of telephone numbers is no way to ask the whole bank whose they are."""
    theirs = cast.customers["stranger"][0]
    with worker(), acting(cast.stranger.pk, NOW) as stranger:
        theirs.learn("mobile", "13812345678", source="contact", actor=stranger, now=NOW)
    browser = cast.client("leader")
    rows = "姓名,手机,客户经理\n某某,13812345678,1001\n钱多多,13812345679,1004\n孙小美,13812345670,1002\n"
    address = uploaded(browser, rows)
    offered = browser.get(address).content.decode()
    assert "世纪大道支行" in offered
    assert "陆家嘴支行" not in offered
    columns = {"column": ["姓名", "手机", "客户经理"], "field": ["name", "mobile", "rm"], "act": "load"}
    browser.post(address, columns)
    run = int(address.rstrip("/").rsplit("/", 1)[1])
    with worker():
        import_customers(run=run)
    page = browser.get(address).content.decode()
    assert "不在您的管辖范围内" in page, "the RM of another leader is given no customers"
    assert "赵磊" in page, "whom to ask"
    assert theirs.name not in page
    with worker():
        assert set(Customer.objects.filter(created_at=NOW).values_list("name", flat=True)) == {"孙小美"}
        (line,) = Line.objects.filter(run=run, state="doubtful")
        decide_lines(decisions={str(line.pk): "same"}, by=cast.leader.pk)
        line.refresh_from_db()
        assert line.state == "doubtful"
        assert theirs.name not in json.dumps(line.matches, ensure_ascii=False)
