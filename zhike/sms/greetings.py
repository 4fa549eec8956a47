"""Festivals' greetings (节日问候, S3): who is greeted already, who cannot be and why, who is still open; arranging many at once.

    status = coverage(occasion, staff, day)             # counted, by tier
    arrange(occasion, wording, tiers, ...)              # for all of them that may be greeted

What makes a customer one who cannot be greeted is said once, in SQL, and used by the count, the list and the arranging alike. It is
the guard of `conduct/messages.py` for a greeting, over many rows at once; the sender asks that guard itself once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection

from zhike.conduct.bank import Bank
from zhike.conduct.facts import Case, Fact
from zhike.conduct.festivals import FESTIVALS, Festival, next_festivals
from zhike.conduct.words import Refused
from zhike.obligations import ledger
from zhike.obligations.models import Obligation
from zhike.people.actor import Actor

from . import texts
from .models import Greeting, Wording

# For so long before the day by which greetings are arranged, the obligation stands.
AHEAD = timedelta(days=14)
# What is not sent on its day is no longer a greeting for it: it leaves until the day ends.
# What is known of every customer.
OF_EVERYBODY = frozenset({"称谓", "本人", "客户经理", "机构"})


@dataclass(frozen=True, slots=True)
class Occasion:
    """A festival on its day: `spring_festival:2027`."""

    festival: Festival
    day: date

    @property
    def key(self) -> str:
        """What messages, obligations and addresses call it. The year is the day's own."""
        return f"{self.festival.key}:{self.day.year}"

    @property
    def subject(self) -> str:
        """What the ledger calls it."""
        return f"festival:{self.key}"

    def subject_of(self, staff: int) -> str:
        """And what each RM owes because of it."""
        return f"{self.subject}/staff:{staff}"

    def due(self, bank: Bank) -> datetime:
        """By when its greetings are arranged: the end of the day so many days before."""
        return datetime.combine(self.day - timedelta(days=bank.greetings_arranged_before - 1), time(0), bank.zone)

    def sent_from(self, bank: Bank) -> datetime:
        """When its greetings may leave."""
        return datetime.combine(self.day, bank.greeting_at, bank.zone)

    def sent_until(self, bank: Bank) -> datetime:
        """When they are no longer wanted: the day is over."""
        return datetime.combine(self.day + timedelta(days=1), time(0), bank.zone)


def coming(day: date, bank: Bank, count: int = 8) -> list[Occasion]:
    """The next festivals that the bank greets, from ``day`` on."""
    found = [
        Occasion(festival, on)
        for on, festival in next_festivals(day, 2 * len(FESTIVALS))
        if festival.key in bank.greeted_festivals
    ]
    return found[:count]


def occasion(key: str, bank: Bank) -> Occasion | None:
    """The occasion of a key; None for what is none, or for a festival that the bank does not greet."""
    name, _, year = key.partition(":")
    festival = next((row for row in FESTIVALS if row.key == name and row.key in bank.greeted_festivals), None)
    if festival is None or not (year.isdecimal() and 1902 <= int(year) <= 2099):
        return None
    days = (festival.day_in(each) for each in (int(year) - 1, int(year)))
    return next((Occasion(festival, day) for day in days if day.year == int(year)), None)


# ── how it stands ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Standing:
    """How many customers of one tier stand how: arranged, left_out, stopped, no_mobile, no_consent, open."""

    tier: str
    counts: dict[str, int]

    @property
    def all(self) -> int:
        return sum(self.counts.values())


def coverage(occasion: Occasion, staff: Iterable[int], bank: Bank) -> list[Standing]:
    """How the customers of some RMs stand to a festival, tier by tier, the highest first; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.tier, s.stands, count(*) FROM customers_customer c {STANDS} WHERE c.rm_id = ANY (%s::bigint[])"
            " AND c.deceased_on IS NULL GROUP BY 1, 2",
            [*_stands(occasion, bank), list(staff)],
        )
        rows = cursor.fetchall()
    counts: dict[str, dict[str, int]] = {}
    for tier, stands, count in rows:
        counts.setdefault(tier, {})[stands] = count
    return [Standing(tier, counts[tier]) for tier in sorted(counts, key=bank.rank, reverse=True)]


def covered(occasions: Sequence[Occasion], staff: Iterable[int], bank: Bank) -> dict[str, dict[int, dict[str, int]]]:
    """The same for several festivals, by RM: for a leader's page."""
    whose = list(staff)
    found: dict[str, dict[int, dict[str, int]]] = {}
    for each in occasions:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT c.rm_id, s.stands, count(*) FROM customers_customer c {STANDS} WHERE c.rm_id = ANY (%s::bigint[])"
                " AND c.deceased_on IS NULL GROUP BY 1, 2",
                [*_stands(each, bank), whose],
            )
            for rm, stands, count in cursor.fetchall():
                found.setdefault(each.key, {}).setdefault(rm, {})[stands] = count
    return found


def standing(
    occasion: Occasion, stands: str, staff: int, bank: Bank, after: int = 0, most: int = 50
) -> list[dict[str, Any]]:
    """The customers of one RM who stand so, in the order of their numbers, a page at a time."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id, c.name, c.honorific, c.tier, c.kind FROM customers_customer c {STANDS} WHERE c.rm_id = %s"
            " AND c.deceased_on IS NULL AND s.stands = %s AND c.id > %s ORDER BY c.id LIMIT %s",
            [*_stands(occasion, bank), staff, stands, after, most],
        )
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _stands(occasion: Occasion, bank: Bank) -> list[Any]:
    return [occasion.key, occasion.key, not bank.greeting_needs_consent]


# The first that holds says it. A customer who died stands nowhere.
STANDS = """CROSS JOIN LATERAL (SELECT CASE
    WHEN EXISTS (SELECT FROM sms_message m WHERE m.customer_id = c.id AND m.occasion = %s AND m.live) THEN 'arranged'
    WHEN EXISTS (SELECT FROM sms_left_out l WHERE l.customer_id = c.id AND l.occasion = %s) THEN 'left_out'
    WHEN c.closed_on IS NOT NULL OR c.do_not_disturb OR c.complaint_open THEN 'stopped'
    WHEN c.mobile_index IS NULL THEN 'no_mobile'
    WHEN NOT (%s OR coalesce((SELECT s.given FROM customers_consent s WHERE s.customer_id = c.id AND s.purpose = 'greeting'
        AND s.channel IN ('sms', 'any') ORDER BY s.at DESC, s.id DESC LIMIT 1), false)) THEN 'no_consent'
    ELSE 'open' END AS stands) s"""


# ── what is done about it ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Arranged:
    """What one arranging came to."""

    greeting: Greeting | None
    messages: int


def arrange(
    occasion: Occasion, wording: Wording, tiers: Sequence[str], *, actor: Actor, staff: int, now: datetime, bank: Bank
) -> Arranged:
    """Puts a greeting into the queue for every open customer of ``staff`` in these tiers; it leaves on the festival's morning.

    A bulk send defaults to nobody: raises Refused without a tier, with a wording that is not in use, and once the day is over.
    """
    _check(occasion, wording, tiers, now, bank)
    if not any(row.counts.get("open") for row in coverage(occasion, [staff], bank) if row.tier in tiers):
        return Arranged(None, 0)
    greeting = Greeting.objects.create(
        occasion=occasion.key, day=occasion.day, staff_id=staff, tiers=list(tiers), wording=wording,
        sent_from=max(occasion.sent_from(bank), now), by_id=actor.id, at=now,
    )  # fmt: skip
    messages = queue(occasion, greeting, [staff], now=now, bank=bank)
    _see(occasion, staff, actor=actor, now=now, bank=bank)
    return Arranged(greeting, messages)


def _check(occasion: Occasion, wording: Wording, tiers: Sequence[str], now: datetime, bank: Bank) -> None:
    if not tiers:
        raise Refused("请先选要问候哪些等级的客户。", "Choose first which tiers are greeted.")
    if wording.state != Wording.State.APPROVED or wording.template.retired_at is not None:
        raise Refused("这条模板未经批准或已停用，请另选。", "This text is not approved, or retired: choose another.")
    if now >= occasion.sent_until(bank):
        raise Refused("这个节日已经过去。", "This festival is over.")
    if used := set(texts.VARIABLE.findall(wording.text)) - OF_EVERYBODY:
        named = "、".join(f"{{{name}}}" for name in sorted(used))
        raise Refused(f"群发的问候不能用变量 {named}。", f"A greeting to many cannot use the variables {named}.")


def queue(occasion: Occasion, greeting: Greeting, staff: Sequence[int], *, now: datetime, bank: Bank) -> int:
    """One statement for all open customers of these RMs in the greeting's tiers, each in its own RM's name. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            QUEUE,
            [
                greeting.by_id, greeting.wording_id, greeting.pk, occasion.key, greeting.sent_from, occasion.sent_until(bank), now,
                *_stands(occasion, bank), list(staff), greeting.tiers,
            ],
        )  # fmt: skip
        return int(cursor.rowcount)


QUEUE = f"""
INSERT INTO sms_message (key, customer_id, staff_id, by_id, wording_id, greeting_id, occasion, kind, introduces, sealed, lane, through,
    state, why, not_before, not_after, parts, attempt, created_at)
SELECT gen_random_uuid(), c.id, c.rm_id, %s, %s, %s, %s, 'greeting', false, '', 1, 'platform', 'waiting',
    '{{"name": "its_day", "zh": "等到节日当天", "en": "waits for the day"}}', %s, %s, 0, 1, %s
FROM customers_customer c {STANDS}
WHERE c.rm_id = ANY (%s::bigint[]) AND c.tier = ANY (%s::text[]) AND c.deceased_on IS NULL AND s.stands = 'open'
ON CONFLICT (customer_id, occasion) WHERE occasion <> '' AND live DO NOTHING"""


def withdraw(greeting: Greeting, *, actor: Actor, now: datetime, bank: Bank) -> int:
    """Takes back what of it has not left. Returns how many; whoever they were for is open again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM sms_message WHERE greeting_id = %s AND waits",
            [greeting.pk],
        )
        count = int(cursor.rowcount)
    greeting.withdrawn_at = now
    greeting.save(update_fields=["withdrawn_at"])
    return count


def leave_out(
    occasion: Occasion, tiers: Sequence[str], reason: str, *, actor: Actor, staff: int, now: datetime, bank: Bank
) -> int:
    """The open customers of these tiers are not greeted this time, and why. Returns how many."""
    if not reason.strip():
        raise Refused("请写明为什么不发。", "Say why they are not greeted.")
    if not tiers:
        raise Refused("请先选等级。", "Choose tiers first.")
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO sms_left_out (customer_id, occasion, reason, by_id, at)
                SELECT c.id, %s, %s, %s, %s FROM customers_customer c {STANDS}
                WHERE c.rm_id = %s AND c.tier = ANY (%s::text[]) AND c.deceased_on IS NULL AND s.stands = 'open'
                ON CONFLICT DO NOTHING""",
            [occasion.key, reason.strip(), actor.id, now, *_stands(occasion, bank), staff, list(tiers)],
        )
        left = cursor.rowcount
    _see(occasion, staff, actor=actor, now=now, bank=bank)
    return int(left)


def _see(occasion: Occasion, staff: int, *, actor: Actor | None, now: datetime, bank: Bank) -> None:
    """Where nobody of the book is open any more, the festival is arranged."""
    if any(row.counts.get("open") for row in coverage(occasion, [staff], bank)):
        return
    fact = Fact("greetings_arranged", now, now, staff, None, occasion.subject_of(staff))
    ledger.tell([fact], actor=actor, now=now, bank=bank)


def close_past(now: datetime, bank: Bank) -> int:
    """What was not arranged by its festival cannot be any more. Returns how many are missed."""
    day = now.astimezone(bank.zone).date()
    missed = 0
    for owed in Obligation.objects.filter(kind="greetings", state="open"):
        key = owed.subject.removeprefix("festival:").partition("/")[0]
        name, _, year = key.partition(":")
        festival = next((row for row in FESTIVALS if row.key == name), None)
        days = [festival.day_in(each) for each in (int(year) - 1, int(year))] if festival else []
        if all(each < day for each in days if each.year == int(year)):
            missed += Obligation.objects.filter(pk=owed.pk, state="open").update(
                state="missed", settled_at=now, evidence={"why": "lapsed"}
            )
    return missed


def tell_coming(day: date, *, now: datetime, bank: Bank) -> int:
    """S3: each RM whose book has somebody to greet owes it to arrange the festivals that are near. Returns how many became owed."""
    owed = 0
    for each in coming(day, bank):
        if not each.day - timedelta(days=bank.greetings_arranged_before) - AHEAD <= day < each.day:
            continue
        known = set(
            Obligation.objects.filter(kind="greetings", subject__startswith=f"{each.subject}/")
            .exclude(state="withdrawn")
            .values_list("owner_id", flat=True)
        )
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT DISTINCT c.rm_id FROM customers_customer c {STANDS} WHERE c.rm_id IS NOT NULL AND c.deceased_on IS NULL"
                " AND s.stands = 'open'",
                _stands(each, bank),
            )
            whose = sorted({rm for (rm,) in cursor.fetchall()} - known)
        data = {
            "festival": each.festival.name.zh,
            "festival_en": each.festival.name.en,
            "target": each.due(bank).isoformat(),
        }
        facts = [
            (Fact("festival_near", now, now, rm, None, each.subject_of(rm), data, "observed"), Case(None))
            for rm in whose
        ]
        owed += ledger.tell_many(facts, now=now, bank=bank) if facts else 0
    return owed
