"""Ringing: alarms that are due become reminders, and reminders become notices, in one transaction, however many workers look.

    rung = ring(now, settings)

Nothing is decided beforehand but when to look: what rings is asked of the engine at that moment, of the obligation as it then
stands. What a dead worker left behind rings at the next look, late and marked so. Nothing is sent here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.db import connection, transaction

from zhike.conduct.bank import Bank
from zhike.conduct.calendars import Workdays
from zhike.conduct.remind import Hours, Moment, Remembered, moments
from zhike.conduct.words import Refused
from zhike.obligations.models import Reminder
from zhike.people.leave import stand_ins
from zhike.people.turn import take_turn
from zhike.people.workdays import ahead

from .channels import PAGE

# Alarms looked at in one transaction.
SLICE = 500
# Alarms that are asked to be looked at anew in one statement.
MANY = 5000
# Two machines' clocks may differ so much; further back, a clock was set.
CLOCKS_APART = timedelta(seconds=2)
# Tests that one person may send within so long.
TESTS, TESTED = 5, timedelta(minutes=10)
NAMES = UUID("8b6f0d1c-58a4-4c55-9d2e-7a1f5a0c3e11")


@dataclass(frozen=True)
class Alarm:
    """An obligation's alarm as it was found, locked."""

    obligation: Remembered
    owner: int
    since: datetime
    turn: int
    hours: Hours | None


@dataclass(frozen=True)
class Rung:
    """A reminder that is due, for one person. ``away``: they are on leave, and somebody stands in, who is reminded as well."""

    obligation: int
    staff: int
    moment: Moment
    turn: int
    away: bool = False


@dataclass
class Looked:
    """What a look at some alarms found: what rings, when each is looked at next, which could not be looked at."""

    rung: list[Rung] = field(default_factory=list)
    next: list[tuple[int, datetime | None, str, datetime, int]] = field(default_factory=list)
    aside: list[tuple[int, str]] = field(default_factory=list)


def ring(now: datetime, bank: Bank) -> int:
    """Rings what is due by ``now``; returns how many alarms were looked at. Runs as the worker."""
    with transaction.atomic():
        alarms = _due(now)
        if not alarms:
            return 0
        day = now.astimezone(bank.zone).date()
        looked = look(alarms, now, bank, ahead(day - timedelta(days=14)), stand_ins([a.owner for a in alarms], day))
        _set_anew(looked)
        deliver(_keep(looked.rung, now), now)
        return len(alarms)


def look(alarms: Sequence[Alarm], now: datetime, bank: Bank, workdays: Workdays, covered: Mapping[int, int]) -> Looked:
    """Asks the engine about each. One that cannot be looked at is set aside with its reason; the others go on."""
    looked = Looked()
    bank_hours = Hours(bank.work_from, bank.work_to)
    for alarm in alarms:
        since, turn = alarm.since, alarm.turn
        if since > now + CLOCKS_APART:  # the clock was set back: what lies ahead of it rings again
            since, turn = now, turn + 1
        try:
            found = moments(alarm.obligation, bank, alarm.hours or bank_hours, workdays)
        except (ArithmeticError, ValueError, LookupError, TypeError, AssertionError) as error:
            looked.aside.append((alarm.obligation.id, f"{type(error).__name__}: {error}"[:200]))
            continue
        for moment in found:
            if since < moment.at <= now:
                # What a leader has to look into is not lent with the leader's own customers.
                stand_in = covered.get(alarm.owner) if alarm.obligation.kind not in {"look_into", "help"} else None
                looked.rung.append(Rung(alarm.obligation.id, alarm.owner, moment, turn, away=stand_in is not None))
                if stand_in is not None:
                    looked.rung.append(Rung(alarm.obligation.id, stand_in, moment, turn))
        coming = next((moment for moment in found if moment.at > now), None)
        at, step = (coming.at, coming.step) if coming else (None, "")
        looked.next.append((alarm.obligation.id, at, step, max(since, now), turn))
    return looked


def look_again(now: datetime, owners: Collection[int] | None = None) -> None:
    """Every alarm, or these owners', is looked at anew within five minutes: settings, workdays and hours may have changed since.
    Part of each night's sweep, and of the round that finds them changed (:mod:`zhike.notices.grounds`).

    Owner by owner, and none later than it was to ring, so that what falls due meanwhile does not wait behind all others. What
    somebody holds just now is being looked at or changed, and so asks by itself.
    """
    last: int | None = 0
    while last is not None:
        whose = None if owners is None else list(owners)
        ((last,),) = _run(AGAIN, {"last": last, "most": MANY, "now": now, "ahead": now + CLOCKS_APART, "owners": whose})


def test_by_button(staff: int, now: datetime) -> None:
    """As :func:`test`, so many in so long: an address may be anybody's mailbox, and the bank's server is not there to fill it.
    Raises Refused."""
    take_turn("reminder_test", staff)
    asked = Reminder.objects.filter(staff=staff, step="test", at__gt=now - TESTED, at__lte=now)
    if asked.count() >= TESTS:
        minutes = TESTED // timedelta(minutes=1)
        raise Refused(
            f"{minutes} 分钟内最多测试 {TESTS} 次，请稍后再试。",
            f"A test can be sent {TESTS} times within {minutes} minutes. Try again later.",
        )
    test(staff, now)


def test(staff: int, now: datetime) -> None:
    """A reminder that its receiver asked for, through all the channels they chose."""
    with transaction.atomic():
        deliver(_keep([Rung(0, staff, Moment("test", now), 0)], now), now)


@dataclass(frozen=True)
class Kept:
    """A reminder with its row."""

    id: int
    rung: Rung


def tell(undelivered: Iterable[tuple[int, int]], now: datetime) -> None:
    """Says, of each obligation on the page of somebody, that its reminder could not be delivered, once."""
    rung = [Rung(id, whom, Moment("undelivered", now), 0) for id, whom in undelivered]
    deliver(_keep(rung, now), now, everywhere=False)


def deliver(reminders: Sequence[Kept], now: datetime, *, everywhere: bool = True) -> None:
    """One notice a person and channel for all that rings for them together; what is not to be sent is kept with its reason.

    ``everywhere``: by all the channels they chose; else on the page alone.
    """
    chosen = _chosen({kept.rung.staff for kept in reminders} if everywhere else set())
    groups: dict[tuple[int, str], list[Kept]] = defaultdict(list)
    unsent: list[tuple[Kept, str, str]] = []
    for kept in reminders:
        for channel in (PAGE, *chosen.get(kept.rung.staff, ())):
            if reason := unwanted(kept.rung, channel):
                unsent.append((kept, channel, reason))
            else:
                groups[kept.rung.staff, channel].append(kept)
    if groups:
        keys = {whose: uuid5(NAMES, f"{whose[1]}/{group[0].id}") for whose, group in groups.items()}
        notices = [(*whose, keys[whose], min(each.rung.moment.at for each in group)) for whose, group in groups.items()]
        lines = [(keys[whose], each.id, each.rung.moment.at) for whose, group in groups.items() for each in group]
        _run(NOTICES, [now, *_columns(notices), *_columns(lines)])
    if unsent:
        _run(
            UNSENT,
            [now, *_columns([(kept.id, channel, kept.rung.moment.at, reason) for kept, channel, reason in unsent])],
        )


def unwanted(rung: Rung, channel: str) -> str:
    """Why a reminder is not sent by a channel; empty: it is. Who is away, and stood in for, is left in peace but by the page."""
    if rung.moment.quiet:
        return "hours"
    return "leave" if rung.away and channel != PAGE else ""


def _due(now: datetime) -> list[Alarm]:
    """Holds what is due, and only then reads what it is about: one that was moved meanwhile rings by its new window."""
    held = [row[0] for row in _run(DUE, [now, SLICE])]
    return [_alarm(row) for row in _run(ABOUT, [held])] if held else []


def _alarm(row: tuple[Any, ...]) -> Alarm:
    id, since, turn, kind, made, opens, due, counts, target, owner, works_from, works_to = row
    hours = Hours(works_from, works_to) if works_from is not None else None
    return Alarm(Remembered(id, kind, made, opens, due, counts, target), owner, since, turn, hours)


def _set_anew(looked: Looked) -> None:
    if looked.next:
        _run(NEXT, _columns(looked.next))
    if looked.aside:
        _run(ASIDE, _columns(looked.aside))


def _keep(rung: Sequence[Rung], now: datetime) -> list[Kept]:
    """The rows of reminders; one that has rung before does not ring twice."""
    if not rung:
        return []
    names = [(each.obligation or None, each.staff, each.moment.step, each.moment.at, each.turn) for each in rung]
    ids = {tuple(name): id for id, *name in _run(KEEP, [now, *_columns(names)])}
    return [Kept(ids[name], each) for name, each in zip(names, rung, strict=True) if name in ids]


def _chosen(staff: set[int]) -> dict[int, list[str]]:
    """The channels that each chose beside the page, which nobody can turn off: what rings must be seen somewhere. To whoever's
    account is closed nothing leaves the house any more."""
    chosen: dict[int, list[str]] = {id: [] for id in staff}
    for id, channel in _run(CHOSEN, [list(staff)]) if staff else ():
        chosen[id].append(channel)
    return chosen


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _run(sql: str, parameters: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


# Owner by owner at each moment, so that what rings for one person rings together.
DUE = """
SELECT a.obligation_id FROM obligations_alarm a JOIN obligations_obligation o ON o.id = a.obligation_id
WHERE a.aside = '' AND a.rings_at <= %s
ORDER BY a.rings_at, o.owner_id LIMIT %s
FOR UPDATE OF a SKIP LOCKED"""

ABOUT = """
SELECT o.id, a.since, a.turn, o.kind, o.created_at, o.opens, o.due, o.due_counts, o.target, o.owner_id, s.works_from, s.works_to
FROM obligations_alarm a
JOIN obligations_obligation o ON o.id = a.obligation_id
JOIN people_staff s ON s.id = o.owner_id
WHERE a.obligation_id = ANY (%s)
ORDER BY a.rings_at, o.owner_id"""

# Where the clock was set back, what lies ahead of it rings again. Answers with the last one that was looked through.
AGAIN = """
WITH part AS (
    SELECT obligation_id FROM obligations_alarm WHERE obligation_id > %(last)s ORDER BY obligation_id LIMIT %(most)s
), free AS (
    SELECT a.obligation_id, %(now)s::timestamptz + o.owner_id %% 300 * interval '1 second' AS at
    FROM obligations_alarm a JOIN part USING (obligation_id) JOIN obligations_obligation o ON o.id = a.obligation_id
    WHERE a.aside = '' AND (%(owners)s::bigint[] IS NULL OR o.owner_id = ANY (%(owners)s)) FOR UPDATE OF a SKIP LOCKED
), asked AS (
    UPDATE obligations_alarm a SET rings_at = least(a.rings_at, free.at),
        since = CASE WHEN a.since > %(ahead)s THEN %(now)s ELSE a.since END, turn = a.turn + (a.since > %(ahead)s)::int
    FROM free
    WHERE a.obligation_id = free.obligation_id AND (a.rings_at IS NULL OR a.rings_at > free.at OR a.since > %(ahead)s)
)
SELECT max(obligation_id) FROM part"""

NEXT = """
UPDATE obligations_alarm a SET rings_at = n.rings_at, step = n.step, since = n.since, turn = n.turn
FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::timestamptz[], %s::int[]) AS n (id, rings_at, step, since, turn)
WHERE a.obligation_id = n.id"""

ASIDE = """
UPDATE obligations_alarm a SET aside = n.reason FROM unnest(%s::bigint[], %s::text[]) AS n (id, reason)
WHERE a.obligation_id = n.id"""

KEEP = """
INSERT INTO obligations_reminder (rung_at, obligation_id, staff_id, step, at, turn)
SELECT %s, n.* FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[], %s::int[]) AS n
ON CONFLICT DO NOTHING
RETURNING id, obligation_id, staff_id, step, at, turn"""

# Whose account is closed is told nothing outside Zhike any more.
CHOSEN = """
SELECT c.staff_id, c.channel FROM notices_choice c JOIN people_staff s ON s.id = c.staff_id
WHERE c.staff_id = ANY (%s) AND c."on" AND s.is_active ORDER BY c.staff_id, c.channel"""

NOTICES = """
WITH noted AS (
    INSERT INTO notices_notice (staff_id, channel, key, at, try_at, state, attempts, error)
    SELECT n.staff, n.channel, n.key, n.at, %s, 'waiting', 0, ''
    FROM unnest(%s::bigint[], %s::text[], %s::uuid[], %s::timestamptz[]) AS n (staff, channel, key, at)
    RETURNING id, channel, key
)
INSERT INTO notices_delivery (reminder_id, channel, notice_id, at, outcome, reason)
SELECT r.id, noted.channel, noted.id, r.at, 'waiting', ''
FROM noted JOIN unnest(%s::uuid[], %s::bigint[], %s::timestamptz[]) AS r (key, id, at) USING (key)"""

UNSENT = """
INSERT INTO notices_delivery (done_at, reminder_id, channel, at, reason, outcome)
SELECT %s, n.*, 'suppressed' FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::text[]) AS n"""
