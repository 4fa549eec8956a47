"""Market notes: written in a line, found in Chinese, worked up, passed on, answered, and the answer goes back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction

from tests.cast import Cast
from zhike.conduct.bank import Bank
from zhike.market import digest, notes
from zhike.market.models import Brief, Note, Routing
from zhike.market.notes import Seen
from zhike.market.refusals import NotNow, Unfit
from zhike.obligations.models import Obligation

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)  # Monday 14:00 in Shanghai


def written(
    cast: Cast, who: str = "rm", text: str = "对面银行三年期存款上浮到 2.35%", now: datetime = NOW, **more: Any
) -> Note:
    seen = Seen(**{"kind": "competitor", "text": text, "source": "eyes", "tags": "存款 利率", **more})
    with cast.acting(who, now) as actor:
        return notes.write(seen, actor=actor, now=now, bank=Bank())


def routed(cast: Cast, what: Note | Brief, to: str = "leader", who: str = "rm", now: datetime = NOW) -> Routing:
    with cast.acting(who, now) as actor:
        post = cast.staff[to].posts.get().pk
        return notes.route(what, post, "请阅", actor=actor, now=now, bank=Bank())


def answered(
    cast: Cast, row: Routing, how: str = "used", words: str = "", who: str = "leader", now: datetime = NOW
) -> None:
    with cast.acting(who, now) as actor:
        notes.answer(Routing.objects.get(pk=row.pk), how, words, actor=actor, now=now, bank=Bank())


@pytest.mark.clause("W12", "RECORD")
def test_a_note_is_kept_with_kind_source_date_and_tags_and_found_again(cast: Cast, owner: Role) -> None:
    made = written(cast, source="media", source_words="临湖晚报 3 版", place="临湖路")
    written(
        cast, text="客户想要一个月的理财", kind="need", source="customer", tags="", customer=cast.customers["rm"][0].pk
    )
    with owner():
        row = Note.objects.get(pk=made.pk)
        assert (row.kind, row.source, row.source_words, row.place, row.seen_on, row.tags, row.by_id) == (
            "competitor", "media", "临湖晚报 3 版", "临湖路", date(2026, 3, 2), ["存款", "利率"], cast.rm.pk
        )  # fmt: skip
    with cast.acting("rm", NOW) as actor:
        rows = Note.objects.visible_to(actor)
        for words, count in (
            ("存款", 1),
            ("三年期", 1),
            ("晚报 上浮", 1),
            ("理财", 1),
            ("贷款", 0),
            ("客", 1),
            ("2.35", 1),
        ):
            assert notes.found(rows, words).count() == count, words


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"text": " "}, "text"), ({"text": "长" * 2001}, "text"), ({"kind": "x"}, "kind"), ({"source": "x"}, "source"),
        ({"seen_on": date(2026, 3, 3)}, "seen_on"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_the_field(cast: Cast, more: dict[str, Any], field: str) -> None:
    with pytest.raises(Unfit) as refused:
        written(cast, **more)
    assert refused.value.field == field


@pytest.mark.parametrize(("whose", "kind"), [("mate", "need"), ("rm", "rate")])
def test_only_a_need_names_a_customer_and_only_ones_own(cast: Cast, whose: str, kind: str) -> None:
    with pytest.raises(Unfit) as refused:
        written(cast, kind=kind, customer=cast.customers[whose][0].pk)
    assert refused.value.field == "customer"


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("rm", 1), ("mate", 0), ("leader", 1), ("branch_leader", 1), ("stranger", 0), ("other_leader", 0), ("marketing", 1),
        ("compliance", 1), ("auditor", 1), ("administrator", 0),
    ],
)  # fmt: skip
def test_both_walls_say_the_same_and_marketing_reads_no_customer(cast: Cast, who: str, sees: int) -> None:
    written(cast, kind="need", text="想换短期", customer=cast.customers["rm"][0].pk)
    with cast.acting(who, NOW) as actor:
        assert Note.objects.visible_to(actor).count() == sees
        assert Note.objects.count() == sees
        named = Note.objects.filter(customer__name__gt="").count()
        assert named == (sees if who != "marketing" else 0)


def test_passed_on_answered_and_back(cast: Cast, owner: Role) -> None:
    """Passed on Monday: owed till the end of Thursday; answered on Tuesday, the sender owes a look at it and no more."""
    row = routed(cast, written(cast))
    with owner():
        (owed,) = Obligation.objects.filter(subject=row.subject)
        assert (owed.clause, owed.origin, owed.kind, owed.owner_id) == ("W12", "bank", "note_answer", cast.leader.pk)
        assert owed.due == datetime(2026, 3, 5, 16, tzinfo=UTC)
        assert owed.what["zh"] == "答复林晓报送：对面银行三年期存款上浮到 2.35%"
    with pytest.raises(Unfit, match="已报送"):
        routed(cast, Note.objects.model(pk=row.note_id))
    tuesday = NOW + timedelta(days=1)
    with pytest.raises(NotNow, match=r"须由 .* 或其代班人答复"):
        _answer_as(cast, row, "compliance", tuesday)
    with pytest.raises(Unfit, match="为何未采用"):
        answered(cast, row, "not_used", now=tuesday)
    answered(cast, row, "used", "已报分行调价", now=tuesday)
    with pytest.raises(NotNow, match="已经答复过"):
        answered(cast, row, now=tuesday)
    with owner():
        assert Obligation.objects.get(subject=row.subject).state == "done"
        back = Obligation.objects.get(subject=f"{row.subject}/back")
        assert (back.kind, back.owner_id, back.state) == ("answer_back", cast.rm.pk, "open")
    with cast.acting("rm", tuesday) as actor:
        notes.seen_answer(Routing.objects.get(pk=row.pk), actor=actor, now=tuesday, bank=Bank())
    with owner():
        assert Obligation.objects.get(subject=f"{row.subject}/back").state == "done"


def _answer_as(cast: Cast, row: Routing, who: str, now: datetime) -> None:
    from dataclasses import replace

    with cast.acting(who, now) as actor:
        notes.answer(
            Routing.objects.get(pk=row.pk),
            "read",
            "",
            actor=replace(actor, roles=frozenset({"leader"})),
            now=now,
            bank=Bank(),
        )


def test_where_the_bank_wants_no_answer_none_is_owed(cast: Cast, owner: Role) -> None:
    note = written(cast)
    with cast.acting("rm", NOW) as actor:
        row = notes.route(note, cast.leader.posts.get().pk, actor=actor, now=NOW, bank=Bank(note_answers=False))
    with owner():
        assert not Obligation.objects.filter(subject=row.subject)


def test_a_brief_goes_to_marketing_with_its_notes(cast: Cast, owner: Role) -> None:
    made = [written(cast, text=f"第{n}条：利率走低", now=NOW + timedelta(minutes=n)) for n in range(2)]
    with cast.acting("rm", NOW) as actor:
        with pytest.raises(Unfit, match="意味着什么"):
            notes.work_up("利率", "都在降", "", "", [made[0].pk], actor=actor, now=NOW, bank=Bank())
        brief = notes.work_up(
            "利率", "都在降", "早锁定", "备短期产品", [each.pk for each in made], actor=actor, now=NOW, bank=Bank()
        )
    routed(cast, brief, "branch_leader")
    with cast.acting("branch_leader", NOW) as actor:
        assert Brief.objects.visible_to(actor).get().notes.count() == 2
    row = routed(cast, brief, "marketing")
    answered(cast, row, "used", "下月排产品", who="marketing")
    with owner():
        assert Obligation.objects.get(subject=row.subject).state == "done"


def test_to_whom_is_offered_what_lies_above(cast: Cast) -> None:
    with cast.acting("rm", NOW) as actor:
        names = [each.name for each in notes.desks(actor, NOW, Bank())]
    assert names == ["吴敏", "周薇", "马琳"]


def test_the_door_lets_nothing_else_through(cast: Cast) -> None:
    """Nobody makes another owe something by it but an answer to what they themselves passed on."""
    row = routed(cast, written(cast))
    doc = (
        '{"facts": [{"n": 0, "kind": "%s", "at": "2026-03-02T06:00:00+00:00", "known_at": "2026-03-02T06:00:00+00:00", "grade": "tapped",'
        ' "by_id": %d, "staff_id": %d, "customer_id": null, "subject": "%s", "data": {}}], "dues": [], "settlements": []}'
    )
    for kind, who, staff, subject in (
        ("promise_made", "rm", cast.leader.pk, row.subject),
        ("note_routed", "rm", cast.stranger.pk, row.subject),
        ("note_routed", "mate", cast.leader.pk, row.subject),
        ("note_routed", "rm", cast.leader.pk, "routing:999999"),
    ):
        with (
            cast.acting(who, NOW), pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor,
        ):  # fmt: skip
            cursor.execute("SELECT market_tell(%s::jsonb)", [doc % (kind, cast.staff[who].pk, staff, subject)])


@pytest.mark.clause("W12", "MEASURE")
@pytest.mark.clause("W3", "MEASURE")
def test_what_was_noted_and_answered_in_time_by_hand(cast: Cast) -> None:
    """March: three notes of the RM's, one of the team-mate's. Three passed to the leader on Monday 2 March, due on Thursday: one answered on
    Tuesday, one on Friday, one never; asked on Monday the 9th: of three that fell due one in time, one late, one open.
    """
    made = [written(cast, text=f"第{n}条利率", now=NOW + timedelta(minutes=n)) for n in range(3)]
    written(cast, "mate")
    rows = [routed(cast, note) for note in made]
    answered(cast, rows[0], now=NOW + timedelta(days=1))
    answered(cast, rows[1], "read", now=NOW + timedelta(days=4))
    later = NOW + timedelta(days=7)
    with cast.acting("leader", later) as actor:
        told = {each.staff: each for each in digest.noted(actor, NOW - timedelta(days=1), later, later)}
    mine = told[cast.rm.pk]
    assert (mine.notes, mine.briefs, mine.passed, mine.in_time, mine.late, mine.open) == (3, 0, 3, 1, 1, 1)
    assert (told[cast.mate.pk].notes, told[cast.mate.pk].passed) == (1, 0)


def test_the_answer_is_read_by_whoever_asked(cast: Cast) -> None:
    """Their leader sees it too, and confirms nothing for them."""
    row = routed(cast, written(cast))
    answered(cast, row)
    with cast.acting("leader", NOW) as actor, pytest.raises(NotNow, match="只有报送人可以确认"):
        notes.seen_answer(Routing.objects.visible_to(actor).get(pk=row.pk), actor=actor, now=NOW, bank=Bank())


def test_nobody_else_puts_a_note_right(cast: Cast, owner: Role) -> None:
    note = written(cast)
    with cast.acting("leader", NOW) as actor:
        seen = Note.objects.visible_to(actor).get(pk=note.pk)
        with pytest.raises(NotNow, match="只有作者可以更正"):
            notes.correct(seen, Seen("rate", "别的话"), actor=actor, now=NOW, bank=Bank())
    with owner():
        assert Note.objects.get(pk=note.pk).text == note.text
