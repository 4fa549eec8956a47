"""Promises (W11) through pages and programs: one line, confirmed before it is owed; all of them with what became of each."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.cast import Cast, a_customer
from tests.product.api import NOW, Program, at
from zhike import clock
from zhike.obligations.models import Fact, Obligation
from zhike.people.models import Leave, Setting

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
# NOW is Monday, 2 March 2026, 14:00 in Shanghai; two working days end with Wednesday.
WEDNESDAY_ENDS = "2026-03-04T16:00:00+00:00"


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


@pytest.fixture
def rm(cast: Cast, worker: Role) -> Program:
    with worker():
        return Program(cast, "rm")


@pytest.fixture
def leader(cast: Cast, worker: Role) -> Program:
    with worker():
        return Program(cast, "leader")


def read(rm: Program, text: str) -> dict[str, Any]:
    return rm.post("promises/reading", {"text": text})


def promise(rm: Program, cast: Cast, **more: Any) -> dict[str, Any]:
    return rm.post("promises", {"words": "回复利率", "customer": str(cast.customers["rm"][0].pk), **more}, status=201)


def fates(program: Program, asked: str = "") -> dict[str, str]:
    return {each["detail"]["words"]: each["fate"] for each in program.get(f"promises?{asked}")["items"]}


def test_a_line_is_understood_and_owes_nothing(cast: Cast, rm: Program) -> None:
    found = read(rm, "答应张总周五下午五点前回复利率")
    assert [each["name"] for each in found["customers"]] == ["张伟明"]
    assert (found["words"], found["to"], found["dues"]) == ("回复利率", "customer", ["2026-03-06T17:00:00+08:00"])
    assert found["default_due"] == WEDNESDAY_ENDS
    with cast.acting("leader"):
        assert not Obligation.objects.exists()
        assert not Fact.objects.exists()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("答应张伟明明天回电", ["张伟明"]),
        ("答应李女士明天回电", ["李秀兰"]),
        ("答应申达明天送回单", ["上海申达贸易有限公司"]),
        ("promised Mr Zhang the rate tomorrow", ["张伟明"]),
        ("promised Li Xiulan the rate tomorrow", ["李秀兰"]),
        ("答应王建国明天回电", []),  # a team-mate's
        ("答应欧阳老师明天回电", []),  # a stranger's
        ("答应行长明天交总结", []),
    ],
)
def test_the_customer_is_found_in_ones_own_book(rm: Program, text: str, names: list[str]) -> None:
    assert [each["name"] for each in read(rm, text)["customers"]] == names


def test_of_several_that_fit_all_are_offered(cast: Cast, owner: Role, rm: Program) -> None:
    with owner():
        a_customer("张三丰", cast.rm, cast.units["century"])
        a_customer("张伟明明", cast.mate, cast.units["century"])
    assert {each["name"] for each in read(rm, "答应张先生明天回电")["customers"]} == {"张伟明", "张三丰"}
    assert [each["name"] for each in read(rm, "答应张三丰明天回电")["customers"]] == ["张三丰"]


def test_a_confirmed_promise_is_owed_and_closes_only_with_an_answer(cast: Cast, rm: Program) -> None:
    made = promise(rm, cast, due=at(60), text="答应张总三点前回复利率")
    assert (made["clause"], made["kind"], made["force"], made["due"]) == ("W11", "promise", "must", at(60))
    assert made["cause"]["data"]["typed"] == "答应张总三点前回复利率"
    path = f"obligations/{made['id']}/completion"
    for how in ({}, {"channel": "call"}, {"words": "2.1%"}, {"words": "  ", "channel": "call"}):
        assert rm.post(path, how, status=422)["clause"] == "W11"
    with clock.at(NOW + timedelta(minutes=30)):
        done = rm.post(path, {"words": "2.1%", "channel": "call"})
    assert (done["state"], done["evidence"]["words"], done["evidence"]["how"]) == ("done", "2.1%", "call")
    assert fates(rm) == {"回复利率": "kept"}


def test_without_a_date_the_banks_default_holds(cast: Cast, owner: Role, rm: Program) -> None:
    assert promise(rm, cast)["due"] == WEDNESDAY_ENDS
    with owner():
        Setting.objects.create(name="promise_workdays", value=3, from_day=date(2026, 3, 1), at=NOW)
    assert read(rm, "答应张总回复利率")["default_due"] == promise(rm, cast)["due"] == "2026-03-05T16:00:00+00:00"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"due": at(-1)}, "due"),
        ({"due": at(0)}, "due"),
        ({"due": (NOW + timedelta(days=800)).isoformat()}, "due"),
        ({"words": " "}, "words"),
        ({"customer": None}, "customer"),
    ],
)
def test_what_cannot_be_promised_is_refused_with_a_sentence(
    cast: Cast, rm: Program, said: dict[str, Any], field: str
) -> None:
    body = {"words": "回复利率", "customer": str(cast.customers["rm"][0].pk), **said}
    problem = rm.post("promises", body, status=422)
    assert (problem["clause"], [each["field"] for each in problem["errors"]]) == ("W11", [field])


def test_nothing_is_promised_for_another_to_somebody_elses_customer(cast: Cast, rm: Program, leader: Program) -> None:
    rm.post("promises", {"words": "x", "customer": str(cast.customers["mate"][0].pk)}, status=404)
    made = leader.post("promises", {"words": "x", "customer": str(cast.customers["mate"][0].pk)}, status=201)
    assert made["owner"]["name"] == "吴敏"  # whoever gives their word keeps it


def test_the_same_key_promises_once(cast: Cast, rm: Program) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    body = {"words": "回复利率", "customer": str(cast.customers["rm"][0].pk)}
    assert rm.post("promises", body, **key)["id"] == rm.post("promises", body, **key)["id"]
    browser = cast.client("rm")
    form = {"act": "promise", "key": str(uuid4()), "words": "寄回单", "to": "leader", "due": "default"}
    for _ in range(2):
        assert browser.post("/work/promises/new/", form).status_code == 303
    assert sorted(fates(rm)) == ["回复利率", "寄回单"]


def test_a_promise_to_a_leader_or_a_department_needs_no_customer(cast: Cast, rm: Program) -> None:
    for to in ("leader", "department"):
        made = rm.post("promises", {"words": f"交总结 {to}", "to": to}, status=201)
        assert (made["customer"], made["detail"]["to"]) == (None, to)
        problem = rm.post(f"obligations/{made['id']}/completion", {"words": "已交"}, status=422)
        assert "答复" in problem["detail"]
        assert "客户" not in problem["detail"]
        rm.post(f"obligations/{made['id']}/completion", {"words": "已交", "channel": "email"})
    assert set(fates(rm, "to=leader")) == {"交总结 leader"}


@pytest.mark.clause("W11", "OWE")
def test_a_refused_request_owes_nothing_and_is_kept(cast: Cast, rm: Program, leader: Program) -> None:
    body = {"words": "免手续费", "customer": str(cast.customers["rm"][0].pk), "reason": "没有权限"}
    told = rm.post("promises/refusals", body, status=201)
    assert (told["kind"], told["data"]["reason"]) == ("request_refused", "没有权限")
    assert rm.get("obligations")["items"] == rm.get("promises")["items"] == []
    page = cast.client("rm").get("/work/promises/?state=refused").content.decode()
    assert "免手续费" in page
    assert "没有权限" in page
    assert "免手续费" in cast.client("leader").get("/work/promises/?whose=team&state=refused").content.decode()
    assert "免手续费" not in cast.client("mate").get("/work/promises/?state=refused").content.decode()


def test_kept_open_late_broken(cast: Cast, rm: Program, leader: Program) -> None:
    """Answered in time it is kept; answered after its time, or let go, broken. An RM cannot let go of it; a leader says why."""
    made = {words: promise(rm, cast, words=words, due=at(60)) for words in ("守", "迟", "放", "欠")}
    promise(rm, cast, words="开", due=at(6000))

    def answer(words: str, minutes: int) -> None:
        with clock.at(NOW + timedelta(minutes=minutes)):
            rm.post(f"obligations/{made[words]['id']}/completion", {"words": "好", "channel": "call"})

    answer("守", 60)  # a minute that was named still counts itself
    answer("迟", 61)
    waiver = f"obligations/{made['放']['id']}/waiver"
    assert rm.post(waiver, {"reason": "不想办"}, status=422)["clause"] == "W11"
    assert leader.post(waiver, {"reason": ""}, status=422)["verdicts"][0]["needs"] == "reason"
    leader.post(waiver, {"reason": "客户撤回"})
    with clock.at(NOW + timedelta(minutes=120)):
        told = {"守": "kept", "迟": "broken", "放": "broken", "欠": "late", "开": "open"}
        assert fates(rm) == fates(leader, "of=team") == told
        assert set(fates(rm, "fate=broken")) == {"迟", "放"}
        page = cast.client("leader").get("/work/promises/?whose=team").content.decode()
        counts = dict(re.findall(r'state=(\w+)[^"]*"[^>]*>[^<]*<span class="count">(\d+)', page))
        assert counts == {"open": "1", "late": "1", "kept": "1", "broken": "2"}
        assert "客户撤回" in cast.client("rm").get("/work/promises/?state=broken").content.decode()
        customer = cast.client("rm").get(f"/customers/{cast.customers['rm'][0].pk}/").content.decode()
        assert "守诺 1、失诺 2" in customer
        team = cast.client("leader").get("/team/").content.decode()
        assert "失诺 2" in team
        assert "逾期未答复 1" in team


def test_what_is_typed_by_mistake_is_taken_back_for_ten_minutes(cast: Cast, rm: Program, leader: Program) -> None:
    first, second = promise(rm, cast, words="错"), promise(rm, cast, words="对")
    assert leader.post(f"promises/{first['id']}/taking-back", status=422)["clause"] == "W11"
    with clock.at(NOW + timedelta(minutes=10)):
        assert rm.post(f"promises/{first['id']}/taking-back")["state"] == "withdrawn"
    with clock.at(NOW + timedelta(minutes=10, seconds=1)):
        rm.post(f"promises/{second['id']}/taking-back", status=422)
    assert set(fates(rm)) == {"对"}


def test_whoever_covers_promises_for_the_colleague_on_leave(cast: Cast, owner: Role, worker: Role, rm: Program) -> None:
    with owner():
        Leave.objects.create(
            staff=cast.rm, from_day=date(2026, 3, 2), to_day=date(2026, 3, 5), stand_in=cast.mate,
            asked_by=cast.rm, asked_at=NOW, answer="accepted", answered_by=cast.mate, answered_at=NOW,
        )  # fmt: skip
    with worker():
        mate = Program(cast, "mate")
    assert [each["name"] for each in read(mate, "答应张伟明明天回电")["customers"]] == ["张伟明"]
    made = promise(mate, cast)
    assert (made["owner"]["name"], made["cause"]["by"]) == ("林晓", str(cast.mate.pk))
    mate.post(f"obligations/{made['id']}/completion", {"words": "2.1%", "channel": "call"})
    assert fates(rm) == {"回复利率": "kept"}
    told = cast.client("mate").get("/work/promises/file/?as=csv").content.decode("utf-8-sig")
    assert "回复利率" not in told


# ── pages ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def typed(cast: Cast, text: str, who: str = "rm", **more: str) -> str:
    answer = cast.client(who).post("/work/promises/new/", {"text": text, **more})
    assert answer.status_code == 200
    return answer.content.decode()


def chosen(page: str, name: str) -> list[str]:
    return re.findall(rf'name="{name}" value="([^"]*)" checked', page)


def test_the_page_shows_what_was_understood_and_chooses_only_what_is_plain(cast: Cast) -> None:
    page = typed(cast, "答应张总明天下午三点前回复利率")
    assert chosen(page, "due") == ["2026-03-03T15:00:00+08:00"]
    assert chosen(page, "customer") == [str(cast.customers["rm"][0].pk)]
    assert 'name="words" value="回复利率"' in page
    several = typed(cast, "答应张总周五前回复利率")
    assert chosen(several, "due") == []
    assert "3月6日 周五 24:00 前" in several
    assert "3月5日 周四 24:00 前" in several
    none = typed(cast, "答应张总回复利率")
    assert chosen(none, "due") == ["default"]
    assert "本行默认：3月4日 周三 24:00 前" in none
    over = typed(cast, "答应张总昨天回复利率")
    assert chosen(over, "due") == []
    assert "说的日期已经过去" in over


def test_nothing_typed_is_lost_where_something_is_missing(cast: Cast, rm: Program) -> None:
    form = {
        "text": "答应张总周五前回复利率", "words": "回复新利率", "to": "customer", "key": str(uuid4()), "act": "promise",
        "customer": str(cast.customers["rm"][0].pk),
    }  # fmt: skip
    answer = cast.client("rm").post("/work/promises/new/", form)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "请选期限" in page
    assert 'name="words" value="回复新利率"' in page
    assert chosen(page, "customer") == [form["customer"]]
    done = cast.client("rm").post("/work/promises/new/", {**form, "due": "other", "day": "2026-03-05", "time": ""})
    assert done.status_code == 303
    (made,) = rm.get("promises")["items"]
    assert (made["detail"]["words"], made["due"]) == ("回复新利率", "2026-03-05T16:00:00+00:00")


def test_a_customer_is_looked_for_by_pinyin(cast: Cast) -> None:
    page = typed(cast, "答应老同学明天回电", act="look", look="lxl", to="customer")
    assert "李秀兰" in page


def test_todays_line_is_reached_by_one_key_and_the_row_says_whose(cast: Cast, rm: Program) -> None:
    page = cast.client("rm").get("/").content.decode()
    assert 'id="promise-line"' in page
    assert 'aria-keyshortcuts="p"' in page
    promise(rm, cast, due=at(60))
    page = cast.client("rm").get("/").content.decode()
    assert "兑现承诺：回复利率" in page


def test_filters_stand_in_the_address_and_the_file_holds_the_same(cast: Cast, rm: Program) -> None:
    promise(rm, cast, words="=HYPERLINK(1)", due=at(60))
    rm.post("promises", {"words": "交总结", "to": "leader", "due": at(3000)}, status=201)
    browser = cast.client("rm")
    for asked, has, lacks in (
        ("to=leader", "交总结", "HYPERLINK"),
        ("to=customer", "HYPERLINK", "交总结"),
        ("from=2026-03-04", "交总结", "HYPERLINK"),
        ("until=2026-03-02", "HYPERLINK", "交总结"),
        ("state=open", "交总结", "没有承诺"),
        (f"customer={cast.customers['rm'][0].pk}", "HYPERLINK", "交总结"),
    ):
        page = browser.get(f"/work/promises/?{asked}").content.decode()
        text = browser.get(f"/work/promises/file/?{asked}&as=csv").content.decode("utf-8-sig")
        for told in (page, text):
            assert has in told, asked
            assert lacks not in told, asked
    assert "'=HYPERLINK(1)" in browser.get("/work/promises/file/?as=csv").content.decode("utf-8-sig")
    book = zipfile.ZipFile(io.BytesIO(browser.get("/work/promises/file/?as=xlsx").content))
    assert "交总结" in book.read("xl/sharedStrings.xml").decode()
    assert browser.get(f"/work/promises/?customer={cast.customers['mate'][0].pk}").status_code == 404
    assert browser.get("/work/promises/file/?as=pdf").status_code == 404


def test_an_export_is_kept_in_the_trail_and_opens_as_a_table(cast: Cast, rm: Program, tmp_path: Any) -> None:
    from zhike.people.tables import open_table

    promise(rm, cast, due=at(60))
    answer = cast.client("rm").get("/work/promises/file/?as=xlsx")
    (tmp_path / "promises.xlsx").write_bytes(answer.content)
    (row,) = list(open_table(tmp_path / "promises.xlsx"))
    assert (row.cells["客户"], row.cells["承诺内容"], row.cells["结果"]) == ("张伟明", "回复利率", "未到期")
    assert (
        row.cells["何时截止"]
        == f"{datetime.fromisoformat(at(60)).astimezone(NOW.tzinfo) + timedelta(hours=8):%Y-%m-%d %H:%M}"
    )
    auditor = cast.client("auditor").get("/trail/").content.decode()
    assert "导出" in auditor


def test_by_where_they_come_from(cast: Cast, rm: Program, owner: Role) -> None:
    """One of each source; the page, the file and the data leave the same."""
    promise(rm, cast, words="打字答应的")
    customer = cast.customers["rm"][0]
    with owner():
        typed_one = Obligation.objects.get(kind="promise")
        for name, subject, kind, cause in (
            ("当面答应的", "contact:1/promise:1", "promise", "promise_made"),
            ("短信问来的", "reply:7", "promise", "reply_received"),
            ("领导交办的", "assignment:3", "assignment", "assignment_taken_on"),
            ("潜在客户的", "prospect:5/promise:9", "promise", "promise_made"),
        ):
            fact = Fact.objects.create(
                kind=cause,
                at=NOW,
                known_at=NOW,
                staff=cast.rm,
                customer=customer,
                subject=subject,
                data={"words": name},
            )
            values = {
                field.attname: getattr(typed_one, field.attname)
                for field in Obligation._meta.concrete_fields
                if field.attname != "id"
            }
            detail = {**typed_one.detail, "words": name}
            what = {"zh": name, "en": name}
            Obligation.objects.create(
                **{
                    **values,
                    "fact_id": fact.pk,
                    "subject": subject,
                    "kind": kind,
                    "detail": detail,
                    "what": what,
                    "key": name,
                }
            )
    browser = cast.client("rm")
    all_ = {
        "talk": "当面答应的",
        "reply": "短信问来的",
        "assignment": "领导交办的",
        "prospect": "潜在客户的",
        "typed": "打字答应的",
    }
    for source, words in all_.items():
        page = browser.get(f"/work/promises/?source={source}").content.decode()
        file = browser.get(f"/work/promises/file/?source={source}&as=csv").content.decode()
        (told,) = rm.get(f"promises?source={source}")["items"]
        assert told["source"] == source
        for found in (page, file):
            assert [each for each in all_.values() if each in found] == [words]
    assert {each["source"] for each in rm.get("promises")["items"]} == set(all_)
    assert rm.send("get", "promises?source=nowhere").status_code == 422
    everything = browser.get("/work/promises/?source=nowhere").content.decode()
    assert all(words in everything for words in all_.values())
