"""Greetings (节日问候 S3, 生日 R5): who is greeted already, who cannot be and why, who is still open; arranging many at once.

    status = coverage(occasion, staff, bank)            # counted, by tier
    arrange(occasion, wording, tiers, ...)              # for all of them that may be greeted

What many are greeted for is a festival, or the birthdays of the days to come (`birthdays.py`): whom it greets, and on which day each.

What makes a customer one who cannot be greeted is said once, in SQL, and used by the count, the list and the arranging alike. It is
the guard of `conduct/messages.py` for a greeting, over many rows at once; the sender asks that guard itself once more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol

from django.db import connection
from django.db.models import Count, Q
from django.utils.translation import gettext
from procrastinate.contrib.django import app

from zhike.conduct.bank import Bank
from zhike.conduct.facts import Case, Fact
from zhike.conduct.festivals import FESTIVALS, Festival, next_festivals
from zhike.conduct.words import Refused, Words
from zhike.obligations import ledger
from zhike.obligations.models import Fact as Kept
from zhike.obligations.models import Obligation
from zhike.people.actor import Actor
from zhike.people.permissions import Refused as NotAllowed

from . import many, texts
from .many import MOST, OF_RM, WEIGHED, Estimate, Standing, by_keys, by_tier, check_expected, check_words, weigh
from .models import Greeting, Wording

# For so long before the day by which greetings are arranged, the obligation stands.
AHEAD = timedelta(days=14)
SETTLE = "settle_greetings"  # what the worker does of it (tasks.py)


class Greeted(Protocol):
    """What many are greeted for at once."""

    @property
    def key(self) -> str:
        """What arrangements and addresses call it."""

    @property
    def keys(self) -> Sequence[str]:
        """What its messages, and who is left out, call it."""

    @property
    def day(self) -> date:
        """The last on which its greetings leave."""

    @property
    def since(self) -> date:
        """What was arranged until a day before it is history."""

    @property
    def worded(self) -> tuple[str, ...]:
        """Of which occasions the words are that do, the best first."""

    @property
    def stands(self) -> str:
        """SQL: joins each customer `c` to `g`, their own greeting (occasion, sent_from, sent_until), and to `s`, how they stand to it."""

    @property
    def waits(self) -> Words:
        """What its messages wait for."""

    def asked(self, bank: Bank) -> list[Any]:
        """The values that `stands` asks for, but the last of them (`_stands`)."""

    def sent_from(self, bank: Bank) -> datetime:
        """When the first of its greetings may leave."""

    def sent_until(self, bank: Bank) -> datetime:
        """When the last of them is no longer wanted: what is not sent on its day is no longer a greeting for it."""


# The first that holds says it. A customer who died stands nowhere. `greeted`: by another message than an arranged one; `in_person`: who is
# called or met, and not written to.
def standing_to(whom: str, *, greeted: str = "false", in_person: str = "false") -> str:
    """How each customer stands to their greeting, in SQL."""
    return f"""{whom} CROSS JOIN LATERAL (SELECT CASE
    WHEN EXISTS (SELECT FROM sms_message m WHERE m.customer_id = c.id AND m.occasion = g.occasion AND m.live) OR {greeted} THEN 'arranged'
    WHEN EXISTS (SELECT FROM sms_left_out l WHERE l.customer_id = c.id AND l.occasion = g.occasion) THEN 'left_out'
    WHEN c.closed_on IS NOT NULL OR c.do_not_disturb OR c.complaint_open THEN 'stopped'
    WHEN {in_person} THEN 'in_person'
    WHEN c.mobile_index IS NULL THEN 'no_mobile'
    WHEN NOT (%s OR coalesce((SELECT s.given FROM customers_consent s WHERE s.customer_id = c.id AND s.purpose = 'greeting'
        AND s.channel IN ('sms', 'any') ORDER BY s.at DESC, s.id DESC LIMIT 1), false)) THEN 'no_consent'
    ELSE 'open' END AS stands) s"""


OF_ALL = standing_to(
    "CROSS JOIN (SELECT %s::text AS occasion, %s::timestamptz AS sent_from, %s::timestamptz AS sent_until) g"
)


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
    def keys(self) -> Sequence[str]:
        """All of it has one name."""
        return [self.key]

    @property
    def since(self) -> date:
        """All of it is for the one day."""
        return self.day

    @property
    def worded(self) -> tuple[str, ...]:
        """Those of the very festival before those for any."""
        return (f"festival:{self.festival.key}", "")

    @property
    def stands(self) -> str:
        """Everybody is greeted on the same day."""
        return OF_ALL

    @property
    def waits(self) -> Words:
        """What its messages wait for."""
        return Words("等到节日当天", "waits for the day")

    def asked(self, bank: Bank) -> list[Any]:
        """Its name and its hours."""
        return [self.key, self.sent_from(bank), self.sent_until(bank)]

    @property
    def subject(self) -> str:
        """What the ledger calls it."""
        return f"festival:{self.key}"

    def subject_of(self, staff: int, again: date | None = None) -> str:
        """And what each RM owes because of it; once more on a day on which more customers could be greeted."""
        return f"{self.subject}/{f'again:{again.isoformat()}/' if again else ''}staff:{staff}"

    def is_near(self, day: date, bank: Bank) -> bool:
        """Whether it is owed by then to arrange its greetings."""
        return self.day - timedelta(days=bank.greetings_arranged_before) - AHEAD <= day < self.day

    def due(self, bank: Bank) -> datetime:
        """By when its greetings are arranged: the end of the day so many days before."""
        return datetime.combine(self.day - timedelta(days=bank.greetings_arranged_before - 1), time(0), bank.zone)

    def sent_from(self, bank: Bank) -> datetime:
        """When its greetings may leave."""
        return datetime.combine(self.day, bank.greeting_at, bank.zone)

    def sent_until(self, bank: Bank) -> datetime:
        """When they are no longer wanted: what is not sent on its day is no longer a greeting for it."""
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


def coverage(occasion: Greeted, staff: Iterable[int], bank: Bank) -> list[Standing]:
    """How the customers of some RMs stand to a festival, tier by tier, the highest first; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.tier, s.stands, count(*) FROM customers_customer c {occasion.stands} WHERE c.rm_id = ANY (%s::bigint[])"
            " AND c.deceased_on IS NULL GROUP BY 1, 2",
            [*_stands(occasion, bank), list(staff)],
        )
        return by_tier(cursor.fetchall(), bank)


def covered(occasions: Sequence[Greeted], staff: Iterable[int], bank: Bank) -> dict[str, dict[int, dict[str, int]]]:
    """The same for several of them, by RM: for a leader's page."""
    whose = list(staff)
    found: dict[str, dict[int, dict[str, int]]] = {}
    for each in occasions:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT c.rm_id, s.stands, count(*) FROM customers_customer c {each.stands} WHERE c.rm_id = ANY (%s::bigint[])"
                " AND c.deceased_on IS NULL GROUP BY 1, 2",
                [*_stands(each, bank), whose],
            )
            for rm, stands, count in cursor.fetchall():
                found.setdefault(each.key, {}).setdefault(rm, {})[stands] = count
    return found


def standing(
    occasion: Greeted, stands: str, staff: int, bank: Bank, after: tuple[str, int] = ("", 0), most: int = 50
) -> list[dict[str, Any]]:
    """The customers of one RM who stand so, by day and number, a page at a time: behind the greeting and the customer where the last ended."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id, c.name, c.honorific, c.tier, c.kind, g.occasion FROM customers_customer c {occasion.stands} WHERE c.rm_id = %s"
            " AND c.deceased_on IS NULL AND s.stands = %s AND (g.occasion, c.id) > (%s, %s) ORDER BY g.occasion, c.id LIMIT %s",
            [*_stands(occasion, bank), staff, stands, *after, most],
        )
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _stands(occasion: Greeted, bank: Bank) -> list[Any]:
    return [*occasion.asked(bank), not bank.greeting_needs_consent]


# ── what it would come to ───────────────────────────────────────────────────────────────────────────────────────


def suiting(occasion: Greeted, staff: int) -> list[Wording]:
    """The words in use that greet on this occasion in somebody's name: the bank's first, the most particular before the others."""
    rows = Wording.objects.in_use(staff).filter(template__kind="greeting", template__occasion__in=occasion.worded)
    order = occasion.worded.index
    return sorted(
        rows, key=lambda row: (row.template.owner_id is not None, order(row.template.occasion), row.template_id)
    )


# In which language one writes to a customer `c` (`texts.language_of`).
LANGUAGE = f"coalesce(nullif(c.profile -> 'language' ->> 'v', ''), '{texts.CHINESE}')"


def by_language(occasion: Greeted, wording: Wording, staff: int) -> dict[str, Wording]:
    """In which words customers are greeted by the language in which one writes to them: in those that were chosen, and whoever is written to
    in another language in the first words of that language.
    """
    found = {wording.template.language: wording}
    for each in suiting(occasion, staff):
        found.setdefault(each.template.language, each)
    return found


def wordless(occasion: Greeted, wording: Wording, tiers: Sequence[str], staff: int, bank: Bank) -> dict[str, int]:
    """How many of the open customers are written to in a language that there are no words in, by the language: they stay open."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT {LANGUAGE}, count(*) FROM customers_customer c {occasion.stands}
                WHERE c.rm_id = %s AND c.tier = ANY (%s::text[]) AND c.deceased_on IS NULL AND s.stands = 'open'
                    AND {LANGUAGE} <> ALL (%s::text[]) GROUP BY 1 ORDER BY 1""",
            [*_stands(occasion, bank), staff, list(tiers), list(by_language(occasion, wording, staff))],
        )
        return dict(cursor.fetchall())


def estimate(occasion: Greeted, wording: Wording, tiers: Sequence[str], staff: int, bank: Bank) -> Estimate:
    """Each open customer's own text is measured, in their language: names are long and short. Raises Unfilled where a variable has no value,
    Refused where somebody's text is too long.
    """
    words = by_language(occasion, wording, staff)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT {LANGUAGE}, {WEIGHED} FROM customers_customer c {occasion.stands} {OF_RM}
                WHERE c.rm_id = %s AND c.tier = ANY (%s::text[]) AND c.deceased_on IS NULL AND s.stands = 'open'
                    AND {LANGUAGE} = ANY (%s::text[]) ORDER BY c.id LIMIT %s""",
            [*_stands(occasion, bank), staff, list(tiers), list(words), MOST],
        )
        rows = cursor.fetchall()
    return weigh([row[1:] for row in rows], [words[row[0]].text for row in rows], "greeting", bank)


# ── what is done about it ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Arranged:
    """What one arranging came to. ``wordless``: who stays open because there are no words in their language, by the language."""

    greeting: Greeting | None
    messages: int
    wordless: dict[str, int]


def arrange(
    occasion: Greeted,
    wording: Wording,
    tiers: Sequence[str],
    *,
    actor: Actor,
    staff: int,
    now: datetime,
    bank: Bank,
    expected: int | None = None,
) -> Arranged:
    """Puts a greeting into the queue for every open customer of ``staff`` in these tiers, in their language; it leaves on the morning of its
    day.

    A bulk send defaults to nobody: raises Refused without a tier, with a wording that is not in use, once the day is over, and where the
    number is not the one that was ``expected``.
    """
    _may(actor, staff)
    _check(occasion, wording, tiers, staff, now, bank)
    without = wordless(occasion, wording, tiers, staff, bank)
    open_now = _open(occasion, staff, bank, tiers) - sum(without.values())
    check_expected(open_now, expected)
    if not open_now:
        return Arranged(None, 0, without)
    estimate(occasion, wording, tiers, staff, bank)
    greeting = Greeting.objects.create(
        occasion=occasion.key, day=occasion.day, staff_id=staff, tiers=list(tiers), wording=wording,
        sent_from=max(occasion.sent_from(bank), now), by_id=actor.id, at=now,
    )  # fmt: skip
    count = queue(occasion, greeting, [staff], now=now, bank=bank)
    _see(occasion, staff, actor=actor, now=now, bank=bank)
    return Arranged(greeting, count, without)


def _may(actor: Actor, staff: int) -> None:
    """Whoever may write to somebody's customers arranges for them: they, their leader, who stands in."""
    if staff not in actor.writes:
        raise NotAllowed(gettext("This book is not yours to write to."), "messages.send")


def _check(occasion: Greeted, wording: Wording, tiers: Sequence[str], staff: int, now: datetime, bank: Bank) -> None:
    if not tiers:
        raise Refused("请先选要问候哪些等级的客户。", "Choose first which tiers are greeted.")
    if now >= occasion.sent_until(bank):
        raise Refused("这一天已经过去。", "That day is over.")
    if wording not in suiting(occasion, staff):
        raise Refused(
            "这条措辞不能用于这里，或已停用，请另选。",
            "These words are not for this occasion, or not in use: choose others.",
        )
    check_words(wording.text, "greeting", bank)


def queue(occasion: Greeted, greeting: Greeting, staff: Sequence[int], *, now: datetime, bank: Bank) -> int:
    """One statement for all open customers of these RMs in the greeting's tiers, each in its own RM's name and in words of the customer's
    language. Returns how many.
    """
    words = by_language(occasion, greeting.wording, greeting.staff_id)
    why = {"name": "its_day", "zh": occasion.waits.zh, "en": occasion.waits.en}
    with connection.cursor() as cursor, by_keys(cursor):
        cursor.execute(
            QUEUE.format(stands=occasion.stands, language=LANGUAGE),
            [
                list(words), [each.pk for each in words.values()], *_stands(occasion, bank), list(staff), greeting.tiers,
                greeting.by_id, greeting.pk, json.dumps(why, ensure_ascii=False), now, now,
            ],
        )  # fmt: skip
        return int(cursor.rowcount)


def arranged(occasion: Greeted, staff: int) -> list[Greeting]:
    """What was arranged of an RM's but for what was withdrawn, with how many wait still (``left``) of how many (``many``)."""
    waits = Q(messages__state__in=["waiting", "queued"], messages__attempt=1)  # what a person has sent again is theirs
    return list(
        Greeting.objects.filter(occasion=occasion.key, staff=staff, day__gte=occasion.since)
        .annotate(many=Count("messages"), left=Count("messages", filter=waits))
        .filter(many__gt=0)
        .select_related("wording__template", "by")
        .order_by("-at")
    )


# The keys come from one draw of randomness and each customer's number: PostgreSQL without OpenSSL asks the kernel for each random key,
# three of the twenty microseconds that a greeting takes.
# Sorted, so that all are chosen before the first row is added: a scan of the table would otherwise go over what the same statement
# has just added.
QUEUE = """
WITH chosen AS MATERIALIZED (
    SELECT c.id, c.rm_id, w.wording, g.occasion, g.sent_from, g.sent_until FROM customers_customer c
    JOIN unnest(%s::text[], %s::bigint[]) w (language, wording) ON w.language = {language} {stands}
    WHERE c.rm_id = ANY (%s::bigint[]) AND c.tier = ANY (%s::text[]) AND c.deceased_on IS NULL AND s.stands = 'open'
)
INSERT INTO sms_message (key, customer_id, staff_id, by_id, wording_id, greeting_id, occasion, kind, introduces, sealed, lane, through,
    state, why, not_before, not_after, parts, attempt, created_at)
SELECT encode(substring(sha256((SELECT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) || int8send(c.id)) FOR 16), 'hex')::uuid,
    c.id, c.rm_id, %s, c.wording, %s, c.occasion, 'greeting', false, '', 1, 'platform', 'waiting', %s,
    greatest(c.sent_from, %s), c.sent_until, 0, 1, %s
FROM chosen c ORDER BY c.id
ON CONFLICT (customer_id, occasion) WHERE occasion <> '' AND live DO NOTHING"""


def withdraw(greeting: Greeting, *, actor: Actor, now: datetime, bank: Bank) -> int:
    """Takes back what of it has not left. Returns how many; whoever they were for is open again, and so is it to arrange the festival."""
    _may(actor, greeting.staff_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM sms_message WHERE greeting_id = %s AND waits AND attempt = 1",
            [greeting.pk],
        )
        count = int(cursor.rowcount)
    greeting.withdrawn_at = now
    greeting.save(update_fields=["withdrawn_at"])
    if count and greeting.staff_id in actor.lent:
        _leave_to_the_worker(greeting.occasion, greeting.staff_id, now, again=True)
    elif count:
        _reopen(greeting.occasion, greeting.staff_id, actor=actor, now=now, bank=bank)
    return count


def _reopen(occasion: str, staff: int, *, actor: Actor | None, now: datetime, bank: Bank) -> None:
    """What was arranged is to be arranged again: by the same deadline."""
    said = Kept.objects.filter(
        kind="greetings_arranged", subject__startswith=f"festival:{occasion}/", staff=staff, void=False
    ).order_by("pk")
    if last := said.filter(settled__isnull=False).last() or said.last():
        ledger.correct(last, by=None, actor=actor, now=now, bank=bank)


def leave_out(
    occasion: Greeted,
    tiers: Sequence[str],
    reason: str,
    *,
    expected: int | None = None,
    actor: Actor,
    staff: int,
    now: datetime,
    bank: Bank,
) -> int:
    """The open customers of these tiers are not greeted this time, and why. Returns how many. Raises Refused without a tier or a reason, and
    where the number is not the one that was ``expected``.
    """
    _may(actor, staff)
    if not reason.strip():
        raise Refused("请写明为什么不发。", "Say why they are not greeted.")
    if not tiers:
        raise Refused("请先选等级。", "Choose tiers first.")
    check_expected(_open(occasion, staff, bank, tiers), expected)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO sms_left_out (customer_id, occasion, reason, by_id, at)
                SELECT c.id, g.occasion, %s, %s, %s FROM customers_customer c {occasion.stands}
                WHERE c.rm_id = %s AND c.tier = ANY (%s::text[]) AND c.deceased_on IS NULL AND s.stands = 'open'
                ON CONFLICT DO NOTHING""",
            [reason.strip(), actor.id, now, *_stands(occasion, bank), staff, list(tiers)],
        )
        left = cursor.rowcount
    _see(occasion, staff, actor=actor, now=now, bank=bank)
    return int(left)


def bring_back(
    occasion: Greeted, customers: Sequence[int], *, actor: Actor, staff: int, now: datetime, bank: Bank
) -> int:
    """Customers who were left out are greeted after all, as soon as somebody arranges it. Returns how many; where one of them is open, it is
    owed again to arrange the festival. Raises Refused where nobody is chosen, and once the day is over.
    """
    _may(actor, staff)
    if now >= occasion.sent_until(bank):
        raise Refused("这一天已经过去。", "That day is over.")
    back = many.bring_back(occasion.keys, customers, staff)
    if back and isinstance(occasion, Occasion) and _open(occasion, staff, bank):
        if staff in actor.lent:
            _leave_to_the_worker(occasion.key, staff, now, again=True)
        else:
            _reopen(occasion.key, staff, actor=actor, now=now, bank=bank)
    return back


def _open(occasion: Greeted, staff: int, bank: Bank, tiers: Sequence[str] | None = None) -> int:
    rows = coverage(occasion, [staff], bank)
    return sum(row.counts.get("open", 0) for row in rows if tiers is None or row.tier in tiers)


def _see(occasion: Greeted, staff: int, *, actor: Actor | None, now: datetime, bank: Bank) -> None:
    """Where nobody of the book is open any more, the festival is arranged."""
    if not isinstance(occasion, Occasion):
        return
    if actor is not None and staff in actor.lent:
        _leave_to_the_worker(occasion.key, staff, now, again=False)
    else:
        _tell_arranged(occasion, staff, now, actor=actor, now=now, bank=bank)


def _leave_to_the_worker(occasion: str, staff: int, at: datetime, *, again: bool) -> None:
    """Whoever stands in sees the customers of whoever is away, and nothing of what these owe besides."""
    app.configure_task(SETTLE).defer(occasion=occasion, staff=staff, at=at.isoformat(), again=again)


def settle(key: str, staff: int, at: datetime, *, again: bool, now: datetime, bank: Bank) -> None:
    """What somebody who stands in did at a moment means for what is owed: withdrawn, it is owed ``again``; else done where nobody is open."""
    found = occasion(key, bank)
    if found is None:
        return
    if again:
        _reopen(found.key, staff, actor=None, now=now, bank=bank)
    else:
        _tell_arranged(found, staff, at, actor=None, now=now, bank=bank)


def _tell_arranged(
    occasion: Occasion, staff: int, at: datetime, *, actor: Actor | None, now: datetime, bank: Bank
) -> None:
    if _open(occasion, staff, bank):
        return
    owed = Obligation.objects.filter(
        kind="greetings", owner=staff, state="open", subject__startswith=f"{occasion.subject}/"
    )
    subjects = list(owed.values_list("subject", flat=True)) or [occasion.subject_of(staff)]
    facts = [Fact("greetings_arranged", at, now, staff, None, subject) for subject in subjects]
    ledger.tell(facts, actor=actor, now=now, bank=bank)


def came_later(arranged: Iterable[Greeting], standing: Iterable[Standing]) -> int:
    """How many are open in tiers that were arranged already: they can be greeted only since."""
    tiers = {tier for greeting in arranged if greeting.withdrawn_at is None for tier in greeting.tiers}
    return sum(row.counts.get("open", 0) for row in standing if row.tier in tiers)


def sweep(day: date, now: datetime, bank: Bank) -> tuple[int, int]:
    """What the calendar owes of festivals on a day, and what of them lapsed."""
    return tell_coming(day, now=now, bank=bank), close_past(now, bank)


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
    """S3: each RM whose book has somebody to greet owes it to arrange the festivals that are near; and again where all were arranged and
    somebody can be greeted only since. Returns how many became owed.
    """
    return sum(_tell(each, day, now, bank) for each in coming(day, bank) if each.is_near(day, bank))


def _tell(occasion: Occasion, day: date, now: datetime, bank: Bank) -> int:
    # The last one of each RM says how it stands; of one that is open, let go or missed nothing more is owed.
    owed = Obligation.objects.filter(kind="greetings", subject__startswith=f"{occasion.subject}/").exclude(
        state="withdrawn"
    )
    last = {each.owner_id: each for each in owed.select_related("settling").order_by("pk")}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT c.rm_id FROM customers_customer c {occasion.stands} WHERE c.rm_id IS NOT NULL AND c.deceased_on IS NULL"
            " AND s.stands = 'open'",
            _stands(occasion, bank),
        )
        whose = sorted(rm for (rm,) in cursor.fetchall() if rm not in last or last[rm].state == "done")
    due = occasion.due(bank)
    data = {"festival": occasion.festival.name.zh, "festival_en": occasion.festival.name.en}
    facts, reopened = [], 0
    for rm in whose:
        before = last.get(rm)
        if before is not None and before.settling is not None and now < due:
            ledger.correct(before.settling, by=None, actor=None, now=now, bank=bank)
            reopened += 1
            continue
        # Whoever arranged in time and is asked again, or has somebody to greet only now, is given until tomorrow's end.
        given = min(_end_of(day + timedelta(days=1), bank), occasion.sent_from(bank))
        subject = occasion.subject_of(rm, day if before else None)
        told = {**data, "target": (due if now < due else given).isoformat()}
        facts.append((Fact("festival_near", now, now, rm, None, subject, told, "observed"), Case(None)))
    return reopened + (ledger.tell_many(facts, now=now, bank=bank) if facts else 0)


def _end_of(day: date, bank: Bank) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(0), bank.zone)
