"""Outings on pages and through the API: what may be told, by whom; one tap at a visit's door; what PostgreSQL keeps by itself; files."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from python_calamine import CalamineWorkbook

from tests.cast import LONG_AGO, Cast
from zhike import clock
from zhike.conduct.bank import Bank
from zhike.contacts import course
from zhike.contacts.models import Contact
from zhike.obligations.models import Obligation
from zhike.pages.views.outings import named
from zhike.people.models import Leave, Post
from zhike.work import outings
from zhike.work.models import Help, Outing, Stop
from zhike.work.outings import Going, Unfit

from .api import NOW, Program, at

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
PLACE = {"place": "工商局", "purpose": "办证"}


@pytest.fixture(autouse=True)
def _monday() -> Any:
    with clock.at(NOW):
        yield


def told(cast: Cast, *stops: Going, who: str = "rm", leaves: int = 0, back: int = 120, now: datetime = NOW) -> Outing:
    """An outing that leaves and is expected back so many minutes from now."""
    minute = timedelta(minutes=1)
    with cast.acting(who, now) as actor:
        return outings.report(
            stops or (Going(place="工商局", purpose="办证"),), departs_at=NOW + leaves * minute, returns_at=NOW + back * minute,
            actor=actor, now=now, bank=Bank(),
        )  # fmt: skip


def fresh(cast: Cast, outing: Outing) -> Outing:
    """As it stands now, as whoever reported it sees it."""
    with cast.acting("rm"):
        return Outing.objects.get(pk=outing.pk)


def tapped(cast: Cast, minutes: int, path: str, form: dict[str, str] | None = None) -> int:
    """The RM taps, so many minutes from now; how it was answered."""
    moment = NOW + timedelta(minutes=minutes)
    with clock.at(moment):
        return cast.client("rm", moment).post(path, form or {}).status_code


def wrong(cast: Cast, field: str, *stops: Going, **more: Any) -> None:
    with pytest.raises(Unfit) as refused:
        told(cast, *stops, **more)
    assert refused.value.field == field


def test_what_cannot_be_is_said_at_its_field(cast: Cast) -> None:
    own, foreign = cast.customers["rm"][0], cast.customers["mate"][0]
    wrong(cast, "stops", Going(customer=foreign.pk, purpose="签约"))
    wrong(cast, "stops", Going(purpose="没有地点"))
    wrong(cast, "stops", Going(customer=own.pk))
    wrong(cast, "stops", Going(customer=own.pk, purpose="拜访", visit=999))
    wrong(cast, "returns", back=0)
    wrong(cast, "returns", leaves=60, back=60)
    wrong(cast, "returns", leaves=60, back=60 + 15 * 1440)
    wrong(cast, "departs", leaves=-24 * 60)
    told(cast, leaves=60, back=120)
    wrong(cast, "departs", leaves=90, back=180)
    assert told(cast, leaves=120, back=180).state == "reported", "one after the other"


def test_nobody_leaves_twice(cast: Cast) -> None:
    """Who is out is back before the next; PostgreSQL keeps it too."""
    first = told(cast, back=30)
    assert first.state == "out"
    later = NOW + timedelta(minutes=60)
    wrong(cast, "departs", leaves=60, back=90, now=later)
    with pytest.raises(DatabaseError, match="work_outing_once"), transaction.atomic(), cast.acting("rm", later):
        Outing.objects.create(
            staff=cast.rm, state="out", reported_at=later, departs_at=later, returns_at=later + timedelta(hours=1)
        )


def test_at_the_door_is_the_check_in_and_the_other_way_round(cast: Cast) -> None:
    """Where a stop is for an agreed visit, one tap says both."""
    visits = []
    with cast.acting("rm") as actor:
        for n, customer in enumerate(cast.customers["rm"][:2]):
            visit = course.plan(customer, "visit", actor=actor, now=NOW)
            when = NOW + timedelta(minutes=60 + 60 * n)
            visits.append(course.agree(visit, at=when, place=f"客户公司{n}", actor=actor, now=NOW, bank=Bank()))
    day = NOW - timedelta(hours=14)
    with cast.acting("rm") as actor:
        ready = outings.proposed(actor, day, day + timedelta(days=1))
    assert [(each.name, each.place, each.visit) for each in ready] == [
        (cast.customers["rm"][n].name, f"客户公司{n}", visits[n].pk) for n in (0, 1)
    ]
    outing = told(cast, *[Going(each.customer, each.place, "拜访", each.at, each.visit) for each in ready], back=240)
    with cast.acting("rm") as actor:
        assert outings.proposed(actor, day, day + timedelta(days=1)) == [], "they are in an outing"
    tapped(cast, 46, f"/contacts/{visits[0].pk}/arrive/")
    with cast.acting("rm"):
        first, second = Stop.objects.filter(outing=outing).order_by("number")
    assert (first.reached_at, second.reached_at) == (NOW + timedelta(minutes=46), None)
    tapped(cast, 106, f"/work/outings/{outing.pk}/stops/{second.pk}/check-in/")
    with cast.acting("rm"):
        assert Contact.objects.get(pk=visits[1].pk).arrived_at == NOW + timedelta(minutes=106)
        arrivals = Obligation.objects.filter(kind="arrival", customer__in=cast.customers["rm"])
        assert [each.evidence["arrival"] for each in arrivals.order_by("due")] == ["as_prescribed", "as_prescribed"]


def test_two_taps_from_today(cast: Cast) -> None:
    """“Go out” on Today opens the form with all that is known; sending it reports."""
    with cast.acting("rm") as actor:
        visit = course.plan(cast.customers["rm"][0], "visit", actor=actor, now=NOW)
        course.agree(visit, at=NOW + timedelta(hours=1), place="滨江壹号", actor=actor, now=NOW, bank=Bank())
    browser = cast.client("rm")
    assert 'href="/work/outings/new/"' in browser.get("/").content.decode()
    form = browser.get("/work/outings/new/").content.decode()
    assert f'name="visit" value="{visit.pk}" checked' in form
    given = {
        "visit": visit.pk, "where": "", "purpose": "", "departs_day": "2026-03-02", "departs": "14:05", "returns_day": "2026-03-02",
        "returns": "16:30",
    }  # fmt: skip
    page = browser.post("/work/outings/new/", given, follow=True).content.decode()
    assert "已报备，主管马上看到" in page
    assert "张伟明" in page
    assert "滨江壹号" in page


def test_what_is_typed_stays_and_one_sentence_says_what_to_do(cast: Cast) -> None:
    given = {
        "where": "客户园区", "purpose": "外拓", "departs_day": "2026-03-02", "departs": "14:05", "returns_day": "2026-03-02",
        "returns": "半夜", "note": "带样品",
    }  # fmt: skip
    answer = cast.client("rm").post("/work/outings/new/", given)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "请填写日期和时间" in page
    for kept in ("客户园区", "外拓", "半夜", "带样品"):
        assert kept in page


def test_a_customer_is_chosen_by_name_two_of_one_name_by_number(cast: Cast, owner: Role) -> None:
    with owner():
        twin = cast.customers["rm"][1]
        type(twin).objects.filter(pk=twin.pk).update(name=cast.customers["rm"][0].name)
    with cast.acting("rm") as actor:
        assert set(named(actor)) == {"张伟明 rm-0", "张伟明 rm-1", "上海申达贸易有限公司"}
    given = {
        "where": "张伟明", "purpose": "签约", "departs_day": "2026-03-02", "departs": "14:05", "returns_day": "2026-03-02",
        "returns": "16:30",
    }  # fmt: skip
    browser = cast.client("rm")
    assert "名下不止一位“张伟明”" in browser.post("/work/outings/new/", given).content.decode()
    browser.post("/work/outings/new/", {**given, "where": "张伟明 rm-1"})
    with cast.acting("rm"):
        assert Stop.objects.get().customer_id == cast.customers["rm"][1].pk


def test_a_return_is_put_off_by_one_tap_from_now_where_it_has_passed(cast: Cast) -> None:
    outing = told(cast, back=30)
    tapped(cast, 20, f"/work/outings/{outing.pk}/extend/", {"more": "30"})
    outing = fresh(cast, outing)
    assert outing.returns_at == NOW + timedelta(minutes=60)
    tapped(cast, 70, f"/work/outings/{outing.pk}/extend/", {"more": "60"})
    outing = fresh(cast, outing)
    assert outing.returns_at == NOW + timedelta(minutes=130)


def test_signed_in_by_mistake_is_out_again_and_owes_again(cast: Cast) -> None:
    outing = told(cast)
    tapped(cast, 40, f"/work/outings/{outing.pk}/back/")
    tapped(cast, 49, f"/work/outings/{outing.pk}/not-back/")
    outing = fresh(cast, outing)
    with cast.acting("rm"):
        owed = Obligation.objects.filter(clause="W7").exclude(state="withdrawn").values_list("kind", "state")
        assert (outing.state, outing.back_at, list(owed)) == ("out", None, [("sign_in", "open")])
    tapped(cast, 60, f"/work/outings/{outing.pk}/back/")
    assert tapped(cast, 71, f"/work/outings/{outing.pk}/not-back/") == 409, "after ten minutes it stays"


def test_a_leader_signs_in_whoever_cannot_and_a_team_mate_does_not_see_it(cast: Cast, worker: Role) -> None:
    outing = told(cast)
    for who in ("mate", "other_leader", "stranger"):
        assert cast.client(who).get(f"/work/outings/{outing.pk}/").status_code == 404, who
    with clock.at(NOW + timedelta(minutes=130)):
        page = cast.client("leader").get(f"/work/outings/{outing.pk}/").content.decode()
        assert "代 林晓 签到" in page
        with worker():
            leader = Program(cast, "leader")
        refused = leader.post(f"outings/{outing.pk}/extension", {"returns_at": at(300)}, status=422)
        assert "只有外出者本人" in refused["detail"]
        back = leader.post(f"outings/{outing.pk}/return", {})
    assert (back["state"], back["back_at"] is not None) == ("back", True)
    outing = fresh(cast, outing)
    assert outing.back_by_id == cast.leader.pk


def test_who_stands_in_sees_the_customers_and_not_where_a_colleague_is(cast: Cast, owner: Role) -> None:
    """Of a colleague on leave one may visit the customers, in an outing of one's own."""
    outing = told(cast, Going(customer=cast.customers["rm"][0].pk, purpose="签约"))
    with owner():
        Leave.objects.create(
            staff=cast.rm, from_day=date(2026, 3, 2), to_day=date(2026, 3, 3), stand_in=cast.mate, asked_by=cast.rm, asked_at=NOW,
            answer="accepted", answered_by=cast.mate, answered_at=NOW,
        )  # fmt: skip
    assert cast.client("mate").get(f"/work/outings/{outing.pk}/").status_code == 404
    with cast.acting("mate"):
        assert not Outing.objects.filter(pk=outing.pk).exists(), "PostgreSQL keeps it too"
    own = told(cast, Going(customer=cast.customers["rm"][0].pk, purpose="代办"), who="mate")
    assert own.staff_id == cast.mate.pk


def test_help_goes_past_a_leader_who_is_away(cast: Cast, owner: Role) -> None:
    """To the next one above who is there; a branch leader answers for the leader, a leader elsewhere does not."""
    with owner():
        Leave.objects.create(
            staff=cast.leader, from_day=date(2026, 3, 2), to_day=date(2026, 3, 3), stand_in=cast.other_leader, asked_by=cast.leader,
            asked_at=NOW, answer="accepted", answered_by=cast.other_leader, answered_at=NOW,
        )  # fmt: skip
    outing = told(cast)
    with cast.acting("rm") as actor:
        asked = outings.ask_help(outing, "合同少一页", actor=actor, now=NOW, bank=Bank())
    assert asked.leader_id == cast.branch_leader.pk
    assert cast.client("other_leader").post(f"/work/outings/help/{asked.pk}/", {"answer": "我来"}).status_code == 404
    today = cast.client("branch_leader").get("/").content.decode()
    assert "林晓求助：合同少一页" in today
    assert f'href="/work/outings/help/{asked.pk}/"' in today
    cast.client("branch_leader").post(f"/work/outings/help/{asked.pk}/", {"answer": "让世纪大道送来"})
    page = cast.client("rm").get(f"/work/outings/{outing.pk}/").content.decode()
    assert "让世纪大道送来" in page


def test_who_is_asked_from_afar_sees_what_from(cast: Cast, owner: Role) -> None:
    """The next leader above may be one whose posts do not let them see the RM: the one outing they see, and answer."""
    with owner():
        Post.objects.filter(staff__in=[cast.leader, cast.branch_leader]).delete()
        Post.objects.create(
            staff=cast.branch_leader, unit=cast.units["branch"], role="leader", scope="team", from_day=LONG_AGO
        )
    outing, other = told(cast), told(cast, leaves=180, back=240)
    with cast.acting("rm") as actor:
        asked = outings.ask_help(outing, "合同少一页", actor=actor, now=NOW, bank=Bank())
    far = cast.client("branch_leader")
    assert "合同少一页" in far.get(f"/work/outings/help/{asked.pk}/", follow=True).content.decode()
    assert far.get(f"/work/outings/{other.pk}/").status_code == 404
    far.post(f"/work/outings/help/{asked.pk}/", {"answer": "我让人送"})
    with cast.acting("rm"):
        assert Help.objects.get(pk=asked.pk).answer == "我让人送"
    assert far.post(f"/work/outings/{outing.pk}/answer/", {"answer": "管到别处"}).status_code == 409


def test_who_leads_by_another_post_answers_too(cast: Cast, owner: Role) -> None:
    """Several posts in one person: an RM who also leads the unit sees the board and answers; of their own outing another does."""
    with owner():
        Post.objects.create(staff=cast.mate, unit=cast.units["century"], role="leader", scope="team", from_day=LONG_AGO)
    outing = told(cast)
    cast.client("mate").post(f"/work/outings/{outing.pk}/answer/", {"answer": "早去早回"})
    outing = fresh(cast, outing)
    assert (outing.answer, outing.answered_by_id) == ("早去早回", cast.mate.pk)
    own = told(cast, who="mate")
    assert cast.client("mate").post(f"/work/outings/{own.pk}/answer/", {"answer": "自己批自己"}).status_code == 409


def test_no_request_makes_somebody_owe_who_does_not_lead(cast: Cast, owner: Role) -> None:
    """The narrow way into a leader's ledger takes one's own request alone, to who leads where one serves."""
    outing = told(cast)
    with cast.acting("rm"):
        made = Help.objects.create(
            outing=outing,
            staff=cast.rm,
            leader=cast.other_leader,
            words="x",
            asked_at=NOW,
            due=NOW + timedelta(minutes=30),
        )
        with (
            pytest.raises(DatabaseError, match="leads where one serves"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT work_ask_for_help(%s, '{}'::jsonb)", [made.pk])
    with cast.acting("mate"):
        with pytest.raises(DatabaseError), transaction.atomic():
            Help.objects.create(
                outing=outing,
                staff=cast.mate,
                leader=cast.leader,
                words="x",
                asked_at=NOW,
                due=NOW + timedelta(minutes=30),
            )
        with pytest.raises(DatabaseError), transaction.atomic():
            Outing.objects.create(staff=cast.rm, reported_at=NOW, departs_at=NOW, returns_at=NOW + timedelta(hours=1))
        assert Outing.objects.filter(pk=outing.pk).update(state="back", back_at=NOW) == 0


def test_pages_answer_304_until_something_changes(cast: Cast) -> None:
    outing = told(cast)
    for path in (f"/work/outings/{outing.pk}/", "/work/outings/board/"):
        browser = cast.client("leader")
        poll = {"HX-Request": "true"}
        first = browser.get(path, headers=poll)
        assert browser.get(path, headers={**poll, "If-None-Match": first["ETag"]}).status_code == 304
        browser.post(f"/work/outings/{outing.pk}/answer/", {"answer": f"好的 {path}"})
        again = browser.get(path, headers={**poll, "If-None-Match": first["ETag"]})
        assert again.status_code == 200
        assert f"好的 {path}" in again.content.decode()


def test_a_program_does_each_verb_once(cast: Cast, worker: Role) -> None:
    with worker():
        rm, mate, leader = (Program(cast, who) for who in ("rm", "mate", "leader"))
    body = {"stops": [PLACE], "departs_at": at(5), "returns_at": at(90)}
    made = rm.post("outings", body, **{"Idempotency-Key": "one"})
    assert rm.post("outings", body, **{"Idempotency-Key": "one"})["id"] == made["id"]
    stale = rm.send("post", f"outings/{made['id']}/departure", None, **{"If-Match": '"7"'})
    assert stale.status_code == 412
    left = rm.send("post", f"outings/{made['id']}/departure", None, **{"If-Match": f'"{made["version"]}"'})
    assert (left.status_code, left["ETag"]) == (200, f'"{json.loads(left.content)["version"]}"')
    assert [each["id"] for each in rm.get("outings?state=out")["items"]] == [made["id"]]
    assert mate.get("outings")["items"] == []
    assert [each["state"] for each in leader.get("outings/board")["items"]] == ["out"]
    assert rm.post(f"outings/{made['id']}/cancellation", {}, status=409)["type"].endswith("wrong-state")


def test_the_list_is_narrowed_by_its_address_and_leaves_as_a_file(cast: Cast, owner: Role) -> None:
    done = told(cast, Going(place="=HYPERLINK(1)", purpose="外拓"), leaves=-240, back=60)
    with cast.acting("rm") as actor:
        outings.come_back(Outing.objects.held(done.pk, actor), actor=actor, now=NOW, bank=Bank())
    told(cast, leaves=120, back=180)
    told(cast, who="mate")
    mine = cast.client("rm")
    assert "工商局" in mine.get("/work/outings/?state=abroad").content.decode().partition("<tbody>")[2]
    assert "HYPERLINK" not in mine.get("/work/outings/?state=abroad").content.decode().partition("<tbody>")[2]
    team = cast.client("leader").get("/work/outings/?of=team")
    assert team.content.decode().count("<tr>") == 4, "the head and three outings"
    one = cast.client("leader").get(f"/work/outings/?of=team&staff={cast.mate.pk}&state=abroad").content.decode()
    assert one.count("<tr>") == 2
    csv = mine.get("/work/outings/?as=csv")
    text = csv.content.decode("utf-8-sig")
    assert csv["Content-Disposition"].startswith("attachment")
    assert len(text.splitlines()) == 3
    assert ",'=HYPERLINK" in text, "a formula leaves as a text"
    book = CalamineWorkbook.from_filelike(
        io.BytesIO(cast.client("leader").get("/work/outings/?of=team&as=xlsx").content)
    )
    rows = book.get_sheet_by_index(0).to_python()
    assert [row[0] for row in rows[1:]] == ["陈彤", "林晓", "林晓"]
    with owner(), connection.cursor() as cursor:
        cursor.execute("SELECT actor_id, changes ->> 'rows' FROM trail_entry WHERE action = 'export' ORDER BY id")
        assert cursor.fetchall() == [(cast.rm.pk, "2"), (cast.leader.pk, "3")]


def test_the_sheet_has_each_customers_brief(cast: Cast) -> None:
    customer = cast.customers["rm"][0]
    with cast.acting("rm") as actor:
        customer.learn("taboos", "不谈房产", source="contact", actor=actor, now=NOW)
        customer.needs.create(kind="loan", words="想了解房贷", opened_at=NOW, by=cast.rm)
    outing = told(
        cast,
        Going(customer=customer.pk, purpose="签约", at=NOW + timedelta(minutes=30)),
        Going(place="工商局", purpose="办证"),
    )
    page = cast.client("rm").get(f"/work/outings/{outing.pk}/sheet/").content.decode()
    for words in ("张伟明", "14:30", "签约", "不谈房产", "想了解房贷", "工商局"):
        assert words in page, words


def test_the_team_page_says_who_is_out(cast: Cast) -> None:
    told(cast, back=30)
    told(cast, who="mate")
    with clock.at(NOW + timedelta(minutes=31)):
        page = cast.client("leader").get("/team/").content.decode()
    assert "外出 2 人" in page
    assert "1 人逾时未返回" in page


def test_each_change_is_in_the_trail(cast: Cast, owner: Role) -> None:
    outing = told(cast)
    with cast.acting("leader") as actor:
        outings.answer(Outing.objects.held(outing.pk, actor), "好的", actor=actor, now=NOW, bank=Bank())
    with owner(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT actor_id, action FROM trail_entry WHERE object = 'work_outing' AND row_id = %s ORDER BY id",
            [outing.pk],
        )
        assert cursor.fetchall() == [(cast.rm.pk, "insert"), (cast.leader.pk, "update")]
