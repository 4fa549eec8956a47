"""Assignments (W2): given, taken on or asked about, handed in, sent back, accepted; in the ledger one obligation that is the promise too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import ProgrammingError, connection, transaction

from tests import files
from tests.cast import Cast
from tests.product.api import NOW, Program, at
from tests.product.test_document_pages import filed
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.conduct.measure import Errand, errands
from zhike.documents.models import Document
from zhike.obligations.models import Obligation
from zhike.obligations.sweep import sweep
from zhike.people.models import Post
from zhike.work.models import Assignment

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
# NOW is Monday, 2 March 2026, 14:00 in Shanghai.
FRIDAY = "2026-03-06T09:00:00+00:00"  # 17:00 in Shanghai
TUESDAY_ENDS = "2026-03-03T16:00:00+00:00"


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


@pytest.fixture
def people(cast: Cast, worker: Role) -> dict[str, Program]:
    with worker():
        return {
            who: Program(cast, who) for who in ("rm", "mate", "leader", "stranger", "other_leader", "branch_leader")
        }


def give(people: dict[str, Program], cast: Cast, *who: str, **more: Any) -> list[dict[str, Any]]:
    body = {
        "staff": [str(cast.staff[each].pk) for each in who or ("rm",)], "what": "走访到期客户", "counts_as_done": "名单和纪要",
        "due": FRIDAY, **more,
    }  # fmt: skip
    return people["leader"].post("assignments", body, status=201)["items"]


def act(program: Program, row: dict[str, Any], verb: str, body: Any = None, **more: Any) -> dict[str, Any]:
    return program.post(f"assignments/{row['id']}/{verb}", body, **more)


def owed(program: Program, kind: str, state: str = "open") -> list[dict[str, Any]]:
    return program.get(f"obligations?kind={kind}&state={state}")["items"]


@pytest.mark.clause("W2", "RECORD")
def test_from_the_leader_to_the_accepted_hand_in(cast: Cast, people: dict[str, Program]) -> None:
    rm, leader = people["rm"], people["leader"]
    (row,) = give(people, cast)
    (due,) = owed(rm, "take_on")
    assert (due["clause"], due["due"], due["origin"]) == ("W2", TUESDAY_ENDS, "bank")  # the next working day
    assert act(rm, row, "acceptance")["state"] == "taken_on"
    assert owed(rm, "take_on") == []
    (work,) = owed(rm, "assignment")
    assert (work["clause"], work["force"], work["due"], work["origin"]) == ("W2", "must", FRIDAY, "code")

    act(rm, row, "report", {"words": "已走访 6 户"})
    with clock.at(datetime(2026, 3, 6, 8, 59, tzinfo=UTC)):  # a minute before
        act(rm, row, "hand-in", {"words": "12 户走访完，纪要如下"})
    rm.post("promises", {"words": "交总结", "to": "leader", "due": FRIDAY}, status=201)
    first = rm.get("promises?limit=1")
    assert (first["items"][0]["kind"], first["items"][0]["due"]) == ("assignment", None)
    assert [each["kind"] for each in rm.get(f"promises?limit=1&cursor={first['next']}")["items"]] == ["promise"]
    (look,) = owed(leader, "look_over")
    assert (look["what"], look["due"]) == ("看交来的：林晓 · 走访到期客户", "2026-03-09T16:00:00+00:00")
    (work,) = owed(rm, "assignment")
    assert (work["state"], work["due"], work["late"]) == ("open", None, False), "with the leader it has no deadline"
    page = cast.client("rm").get("/work/promises/").content.decode()
    assert (">已交<" in page, ">打开<" in page, ">交出<" in page) == (True, True, False), "nothing is left to hand in"

    with clock.at(datetime(2026, 3, 7, 2, tzinfo=UTC)):
        assert act(leader, row, "sending-back", {"words": " ", "due": at(9000)}, status=422)["clause"] == "W2"
        assert (
            act(leader, row, "sending-back", {"words": "缺金额", "due": FRIDAY}, status=422)["errors"][0]["field"]
            == "due"
        )
        back = act(leader, row, "sending-back", {"words": "缺金额", "due": "2026-03-10T09:00:00+00:00"})
        assert (back["state"], back["sent_back"], owed(leader, "look_over")) == ("sent_back", 1, [])
        (work,) = owed(rm, "assignment")
        assert work["due"] == "2026-03-10T09:00:00+00:00"
    with clock.at(datetime(2026, 3, 10, 9, 0, tzinfo=UTC)):  # the named minute still counts itself
        act(rm, row, "hand-in", {"words": "补了金额"})
    with clock.at(datetime(2026, 3, 13, 2, tzinfo=UTC)):  # however long the leader took
        done = act(leader, row, "approval", {"words": "好", "rating": 5})
        assert (done["state"], [each["kind"] for each in done["entries"]]) == (
            "done", ["report", "hand_in", "sent_back", "hand_in", "accepted"],
        )  # fmt: skip
        (work,) = owed(rm, "assignment", "done")
        assert (work["settled_at"], work["due"]) == ("2026-03-10T09:00:00+00:00", "2026-03-10T09:00:00+00:00")
        assert (work["evidence"]["words"], work["evidence"]["late"]) == ("补了金额", False)
        assert owed(leader, "look_over") == []
        (promise,) = rm.get("promises?fate=kept")["items"]
        assert (promise["id"], promise["fate"], promise["kind"]) == (work["id"], "kept", "assignment"), (
            "one item with its promise"
        )


def test_it_is_asked_about_before_it_is_taken_on(cast: Cast, people: dict[str, Program]) -> None:
    rm, leader = people["rm"], people["leader"]
    (row,) = give(people, cast)
    act(rm, row, "question", {"words": "含公司客户吗？"})
    assert owed(rm, "take_on") == []
    (look,) = owed(leader, "look_over")
    assert look["what"] == "答复反问：林晓 · 含公司客户吗？"
    with clock.at(NOW + timedelta(hours=1)):
        act(leader, row, "answer", {"words": "含"})
        assert owed(leader, "look_over") == []
        assert len(owed(rm, "take_on")) == 1, "the question answered, it is to be taken on again"
        act(rm, row, "acceptance")
        assert owed(rm, "take_on") == []
    entries = rm.get(f"assignments/{row['id']}")["entries"]
    assert [(each["kind"], each["by"]["name"]) for each in entries] == [("question", "林晓"), ("answer", "吴敏")]


@pytest.mark.clause("W2", "OWE")
@pytest.mark.clause("W11", "OWE")
def test_an_accepted_assignment_and_its_promise_are_one_item(cast: Cast, people: dict[str, Program]) -> None:
    (row,) = give(people, cast)
    assert people["rm"].get("promises")["items"] == [], "before it is taken on nothing is promised"
    act(people["rm"], row, "acceptance")
    (promise,) = people["rm"].get("promises")["items"]
    assert (promise["clause"], promise["kind"]) == ("W2", "assignment")
    answer = people["rm"].post(
        f"obligations/{promise['id']}/completion", {"words": "办了", "channel": "call"}, status=422
    )
    assert answer["verdicts"][0]["name"] == "done_elsewhere"
    assert people["rm"].post(f"obligations/{promise['id']}/waiver", {"reason": "忙"}, status=422)["clause"] == "W2"


def test_to_many_it_is_a_row_each_and_each_answers_alone(cast: Cast, people: dict[str, Program]) -> None:
    rows = give(people, cast, "rm", "mate")
    assert len({each["together"] for each in rows}) == 1
    act(people["rm"], rows[0], "acceptance")
    states = {each["staff"]["name"]: each["state"] for each in people["leader"].get("assignments?of=given")["items"]}
    assert states == {"林晓": "taken_on", "陈彤": "given"}
    act(people["rm"], rows[1], "acceptance", status=404)  # a team-mate's is out of sight
    act(people["leader"], rows[0], "acceptance", status=403)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"staff": "stranger"}, "staff"), ({"staff": "leader"}, "staff"), ({"what": " "}, "what"), ({"counts_as_done": ""}, "counts_as_done"),
        ({"due": at(-1)}, "due"), ({"due": "2030-01-01T00:00:00+00:00"}, "due"),
    ],
)  # fmt: skip
def test_what_cannot_be_assigned(cast: Cast, people: dict[str, Program], change: dict[str, str], field: str) -> None:
    body = {"staff": [str(cast.rm.pk)], "what": "x", "counts_as_done": "y", "due": FRIDAY, **change}
    if isinstance(body["staff"], str):
        body["staff"] = [str(cast.staff[body["staff"]].pk)]
    problem = people["leader"].post("assignments", body, status=422)
    assert (problem["clause"], problem["errors"][0]["field"]) == ("W2", field)


def test_who_may_not(cast: Cast, people: dict[str, Program]) -> None:
    (row,) = give(people, cast)
    people["rm"].post(
        "assignments", {"staff": [str(cast.mate.pk)], "what": "x", "counts_as_done": "y", "due": FRIDAY}, status=403
    )
    act(people["other_leader"], row, "cancellation", {"words": "x"}, status=404)
    act(people["stranger"], row, "acceptance", status=404)
    assert act(people["branch_leader"], row, "cancellation", {"words": "并入专项"})["state"] == "called_off"


def test_whoever_leads_the_receiver_now_judges_it(cast: Cast, people: dict[str, Program], owner: Role) -> None:
    """The leader went elsewhere: what they gave is looked at by whoever came after them, and owed by nobody twice."""
    (row,) = give(people, cast)
    act(people["rm"], row, "acceptance")
    act(people["rm"], row, "hand-in", {"words": "好"})
    with owner():
        Post.objects.filter(staff=cast.leader).update(unit=cast.units["lujiazui"])
        Post.objects.filter(staff=cast.other_leader).update(unit=cast.units["century"])
    act(people["leader"], row, "approval", {}, status=403)
    assert act(people["other_leader"], row, "approval", {})["state"] == "done"
    assert [each["state"] for each in owed(people["rm"], "assignment", "done")] == ["done"]
    assert owed(people["leader"], "look_over") == []


@pytest.mark.parametrize("verb", ["approval", "hand-in", "answer"])
def test_a_verb_that_does_not_fit_is_a_conflict(cast: Cast, people: dict[str, Program], verb: str) -> None:
    (row,) = give(people, cast)
    who = people["rm"] if verb == "hand-in" else people["leader"]
    assert act(who, row, verb, {"words": "x"}, status=409)["detail"].startswith("这项交办“尚未接受”")


@pytest.mark.parametrize("before", [[], ["acceptance"], ["question"], ["acceptance", "hand-in"]])
def test_called_off_nothing_is_owed_by_anybody(cast: Cast, people: dict[str, Program], before: list[str]) -> None:
    (row,) = give(people, cast)
    for verb in before:
        act(people["rm"], row, verb, None if verb == "acceptance" else {"words": "x"})
    act(people["leader"], row, "cancellation", {"words": "不做了"})
    for who in ("rm", "leader"):
        assert people[who].get("obligations?state=open")["items"] == []
    assert people["rm"].get("promises")["items"] == []


def test_nobody_writes_over_what_was_changed_meanwhile(cast: Cast, people: dict[str, Program]) -> None:
    (row,) = give(people, cast)
    read = people["rm"].send("get", f"assignments/{row['id']}")["ETag"]
    act(people["rm"], row, "acceptance", **{"If-Match": read})
    act(people["rm"], row, "report", {"words": "x"}, status=412, **{"If-Match": read})
    key = {"Idempotency-Key": str(uuid4())}
    assert act(people["rm"], row, "report", {"words": "x"}, **key) == act(
        people["rm"], row, "report", {"words": "x"}, **key
    )
    assert len(people["rm"].get(f"assignments/{row['id']}")["entries"]) == 1


def test_the_database_keeps_it_too(cast: Cast, people: dict[str, Program]) -> None:
    """Who may not give does not, whoever leads nobody there; and what was entrusted stays as it was."""
    (row,) = give(people, cast)
    with cast.acting("rm", NOW), pytest.raises(ProgrammingError), transaction.atomic():
        Assignment.objects.create(by=cast.rm, staff=cast.mate, what="x", counts_as_done="y", due=NOW, given_at=NOW)
    with cast.acting("leader", NOW), pytest.raises(ProgrammingError), transaction.atomic():
        Assignment.objects.filter(pk=row["id"]).update(what="y")
    with cast.acting("mate", NOW):
        assert not Assignment.objects.exists()
        assert not Obligation.objects.filter(kind="look_over").exists()


# ── what comes again ────────────────────────────────────────────────────────────────────────────────────────────────


def swept(worker: Role, day: date) -> None:
    with worker():
        now = datetime(day.year, day.month, day.day, 0, 30, tzinfo=Bank().zone)
        sweep(day, now=now, bank=Bank())


def test_each_week_it_comes_again_once(cast: Cast, people: dict[str, Program], worker: Role) -> None:
    (row,) = give(people, cast, every="week")
    act(people["rm"], row, "acceptance")
    for day in (3, 5):
        swept(worker, date(2026, 3, day))
    assert Assignments(people) == [FRIDAY]
    for _ in range(2):
        swept(worker, date(2026, 3, 6))
    assert Assignments(people) == ["2026-03-13T09:00:00+00:00", FRIDAY]
    assert len(owed(people["rm"], "take_on")) == 1
    latest = people["rm"].get("assignments")["items"][0]
    act(people["leader"], latest, "last-turn")
    swept(worker, date(2026, 3, 13))
    assert len(Assignments(people)) == 2


def test_each_month_on_its_day_or_the_last(cast: Cast, people: dict[str, Program], worker: Role) -> None:
    give(people, cast, every="month", due="2026-03-31T09:00:00+00:00")
    for day in (date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)):
        swept(worker, day)
    assert [each[:10] for each in Assignments(people)] == ["2026-06-30", "2026-05-31", "2026-04-30", "2026-03-31"]


def Assignments(people: dict[str, Program]) -> list[str]:
    return [each["due"] for each in people["rm"].get("assignments")["items"]]


# ── measured ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.clause("W2", "MEASURE")
def test_on_time_and_sent_back_by_hand() -> None:
    """Six given and one called off: two of four on time; one of three hand-ins that were looked at came back."""
    due, now = NOW, NOW + timedelta(hours=3)
    hour = timedelta(hours=1)
    rows = [
        Errand(due, done=True, handed_in_at=due, hand_ins=1, rating=5),  # the minute itself: on time
        Errand(due, done=True, handed_in_at=due - hour, hand_ins=2, sent_back=1, rating=3),  # on time by its new date
        Errand(due, done=False, handed_in_at=due + hour, waits=True, hand_ins=1),  # handed in late, and waits
        Errand(due, done=False),  # never, and it is over
        Errand(
            due, done=False, handed_in_at=due - hour, waits=True, hand_ins=1
        ),  # with the leader in time: nobody knows yet
        Errand(due + 5 * hour, done=False),  # its time is to come
        Errand(due, done=False, called_off=True),
    ]
    found = errands(rows, now)
    assert (found.given, found.on_time, found.late, found.open, found.looked_at, found.sent_back) == (6, 2, 2, 2, 3, 1)
    assert (found.on_time_rate, found.sent_back_rate) == (0.5, 1 / 3)
    assert found.rating is None, "two ratings are below five"


def test_a_rating_is_shown_from_the_fifth_on() -> None:
    rows = [Errand(NOW, done=True, handed_in_at=NOW, hand_ins=1, rating=each) for each in (5, 4, 3, 5)]
    assert errands(rows, NOW).rating is None
    assert errands([*rows, Errand(NOW, done=True, handed_in_at=NOW, rating=4)], NOW).rating == 4.2


def test_the_page_shows_the_rates_own_first_and_no_lonely_rating(cast: Cast, people: dict[str, Program]) -> None:
    for row in give(people, cast, "rm", "mate"):
        who = "rm" if row["staff"]["name"] == "林晓" else "mate"
        act(people[who], row, "acceptance")
        act(people[who], row, "hand-in", {"words": "好"})
        act(people["leader"], row, "approval", {"rating": 4})
    table = cast.client("leader").get("/work/assignments/").content.decode().partition('id="rates"')[2]
    assert table.index("林晓") < table.index("陈彤") < table.index("合计")
    assert (table.count("1/1"), table.count("2/2")) == (2, 1)
    assert "4.0" not in table, "one rating is below five"
    own = cast.client("mate").get("/work/assignments/").content.decode()
    assert "自己的" in own
    assert "林晓" not in own


# ── pages ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_typed_is_lost_and_sent_twice_it_is_given_once(cast: Cast) -> None:
    browser = cast.client("leader")
    form = {
        "key": str(uuid4()),
        "what": "报名单",
        "counts_as_done": "",
        "staff": [cast.rm.pk, cast.mate.pk],
        "day": "2026-03-06",
        "time": "",
        "every": "",
    }
    answer = browser.post("/work/assignments/new/", form)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "请写明怎样算办完" in page
    assert 'value="报名单"' in page
    assert page.count('name="staff"') == page.count('name="staff" value') == 2
    assert page.count(" checked") >= 3  # both receivers, and once
    for _ in range(2):
        assert browser.post("/work/assignments/new/", {**form, "counts_as_done": "名单"}).status_code == 303
    with cast.acting("leader", NOW):
        assert sorted(Assignment.objects.values_list("staff__name", flat=True)) == ["林晓", "陈彤"]
        assert {each.isoformat() for each in Assignment.objects.values_list("due", flat=True)} == {
            "2026-03-06T16:00:00+00:00"
        }


def test_today_leads_both_to_the_assignment(cast: Cast, people: dict[str, Program]) -> None:
    (row,) = give(people, cast)
    here = f"/work/assignments/{row['id']}/"
    assert here in cast.client("rm").get("/").content.decode()
    act(people["rm"], row, "acceptance")
    act(people["rm"], row, "hand-in", {"words": "好"})
    assert here in cast.client("leader").get("/").content.decode()
    assert here not in cast.client("rm").get("/").content.decode()
    page = cast.client("rm").get(here).content.decode()
    assert "领导看之前不计期限" in page
    assert cast.client("mate").get(here).status_code == 404
    assert "走访到期客户" in cast.client("leader").get("/work/assignments/file/?whose=given&as=csv").content.decode(
        "utf-8-sig"
    )


def test_nothing_is_left_to_the_app_that_it_need_not(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE relname IN ('work_assignment', 'work_entry') AND relrowsecurity AND relforcerowsecurity"
        )
        assert cursor.fetchone() == (2,)


# ── with documents ──


def brought(name: str = "走访名单.docx", content: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, files.docx("走访名单", "十二户") if content is None else content)


def taken_on(cast: Cast, people: dict[str, Program]) -> dict[str, Any]:
    (row,) = give(people, cast)
    act(people["rm"], row, "acceptance")
    return row


def test_handed_in_with_documents_that_the_leader_reads(cast: Cast, people: dict[str, Program]) -> None:
    row = taken_on(cast, people)
    there = f"/work/assignments/{row['id']}/"
    form = {"act": "hand_in", "words": "走访完毕", "file": [brought(), brought("纪要.txt", "纪要正文".encode())]}
    assert cast.client("rm").post(f"{there}act/", form).status_code == 303
    for who in ("rm", "leader", "branch_leader", "compliance"):
        browser = cast.client(who)
        page = browser.get(there).content.decode()
        assert all(name in page for name in ("走访名单.docx", "纪要.txt")), who
        href = re.findall(r'href="(/files/[^"]+)"', page)[0]
        assert b"".join(browser.get(unquote(href))) == files.docx("走访名单", "十二户")
    said = people["leader"].get(f"assignments/{row['id']}")["entries"][-1]
    assert [each["name"] for each in said["documents"]] == ["走访名单.docx", "纪要.txt"]
    found = cast.client("rm").get("/documents/").content.decode()
    assert "走访到期客户 · 走访名单.docx" in found
    assert "内部工作" in found
    assert cast.client("stranger").get(there).status_code == 404
    (document, _other) = said["documents"]
    assert people["stranger"].send("get", f"documents/{document['id']}").status_code == 404
    assert people["mate"].send("get", f"documents/{document['id']}").status_code == 404


def test_a_file_that_is_not_taken_leaves_all_as_it_was(cast: Cast, people: dict[str, Program], owner: Role) -> None:
    """A program that calls itself a document: the words stay, nothing is handed in, and the good file beside it is not filed either."""
    row = taken_on(cast, people)
    there = f"/work/assignments/{row['id']}/"
    form = {"act": "hand_in", "words": "这些话不能丢", "file": [brought(), brought("报告.docx", b"MZ" + bytes(600))]}
    answer = cast.client("rm").post(f"{there}act/", form)
    page = answer.content.decode()
    assert (answer.status_code, "这些话不能丢" in page) == (422, True)
    assert 'aria-invalid="true"' in page
    assert people["rm"].get(f"assignments/{row['id']}")["state"] == "taken_on"
    with owner():
        assert not Document.objects.exists()
    many = {**form, "file": [brought(f"{n}.docx") for n in range(11)]}
    assert "一次最多 10 个文件" in cast.client("rm").post(f"{there}act/", many).content.decode()


def test_a_program_names_documents_that_are_filed(cast: Cast, people: dict[str, Program]) -> None:
    row = taken_on(cast, people)
    mine, strange = filed(cast), filed(cast, "stranger")
    for wrong in (["999999"], [str(mine.pk), str(strange.pk)]):
        refused = act(people["rm"], row, "hand-in", {"words": "见附件", "documents": wrong}, status=422)
        assert refused["errors"][0]["field"] == "documents"
    said = act(people["rm"], row, "hand-in", {"words": "见附件", "documents": [str(mine.pk)]})["entries"][-1]
    assert [each["id"] for each in said["documents"]] == [str(mine.pk)]
