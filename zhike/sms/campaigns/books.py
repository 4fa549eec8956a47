"""How the customers of a book stand to a campaign: who is in, who is out and why; what forwarding it would come to; who is behind."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.db import connection

from zhike.conduct import messages
from zhike.conduct.bank import Bank
from zhike.conduct.measure import Kept as Measured
from zhike.conduct.measure import fate
from zhike.conduct.quiet_hours import quiet_until
from zhike.conduct.words import Refused
from zhike.people.actor import Actor
from zhike.people.models import Staff
from zhike.sms import texts
from zhike.sms.many import MOST, OF_RM, WEIGHED, Estimate, Standing, by_tier, check_words, weigh
from zhike.sms.models import Campaign
from zhike.sms.models.campaign import WHOLE

STANDS = (
    "forwarded", "open", "capped", "no_consent", "opted_out", "too_risky", "unassessed", "no_mobile", "stopped", "left_out",
)  # fmt: skip
LONGEST_LINE = 60


@dataclass(frozen=True, slots=True)
class Choice:
    """To whom of the open ones: all, those of some tiers, single customers by their ids. Nobody unless said."""

    tiers: Sequence[str] = ()
    customers: Sequence[int] = ()
    everybody: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One RM on the board: how many customers stand how (`STANDS`), by when it is owed, and what became of it (`fate`): in_time, late,
    open, overdue, missed; empty where it is not owed.
    """

    staff: int
    name: str
    counts: dict[str, int]
    due: datetime | None
    done_at: datetime | None
    fate: str

    @property
    def open(self) -> int:
        return self.counts.get("open", 0)

    @property
    def forwarded(self) -> int:
        return self.counts.get("forwarded", 0)

    @property
    def out(self) -> int:
        """To whom it is not forwarded, for whatever reason."""
        return sum(self.counts.values()) - self.open - self.forwarded


def coverage(campaign: Campaign, staff: Iterable[int], now: datetime, bank: Bank) -> list[Standing]:
    """How the customers of some RMs stand to a campaign, tier by tier, the highest first; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT s.tier, s.stands, count(*) FROM {STANDING} s WHERE s.rm_id = ANY (%s::bigint[]) GROUP BY 1, 2",
            [campaign.pk, *limits(now, bank), list(staff)],
        )
        return by_tier(cursor.fetchall(), bank)


def covered(
    campaigns: Sequence[Campaign], staff: Iterable[int], now: datetime, bank: Bank
) -> dict[int, dict[int, dict[str, int]]]:
    """The same for several campaigns, by the campaign's id and the RM's; one query."""
    found: dict[int, dict[int, dict[str, int]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT k.id, s.rm_id, s.stands, count(*) FROM unnest(%s::bigint[]) k (id) CROSS JOIN LATERAL {OF_EACH} s"
            " WHERE s.rm_id = ANY (%s::bigint[]) GROUP BY 1, 2, 3",
            [[each.pk for each in campaigns], *limits(now, bank), list(staff)],
        )
        for campaign, rm, stands, count in cursor.fetchall():
            found.setdefault(campaign, {}).setdefault(rm, {})[stands] = count
    return found


def standing(
    campaign: Campaign, stands: str, staff: int, now: datetime, bank: Bank, after: int = 0, most: int = 50
) -> list[dict[str, Any]]:
    """The customers of one RM who stand so, in the order of their numbers, a page at a time: id, name, honorific, tier, kind; of those
    left out the reason."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT c.id, c.name, c.honorific, c.tier, c.kind, coalesce(l.reason, '') AS reason
                FROM {STANDING} s JOIN customers_customer c ON c.id = s.customer_id
                LEFT JOIN sms_left_out l ON l.customer_id = c.id AND l.occasion = %s
                WHERE s.rm_id = %s AND s.stands = %s AND c.id > %s ORDER BY c.id LIMIT %s""",
            [campaign.pk, *limits(now, bank), campaign.occasion, staff, stands, after, most],
        )
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def board(campaign: Campaign, actor: Actor, now: datetime, bank: Bank) -> list[Line]:
    """RM by RM, those behind first: of all in scope for marketing and compliance, for others of those whom they see."""
    return boards([campaign], actor, now, bank).get(campaign.pk, [])


def boards(campaigns: Sequence[Campaign], actor: Actor, now: datetime, bank: Bank) -> dict[int, list[Line]]:
    """The same for several campaigns, by the campaign's id; two queries."""
    function = "sms_campaign_board_whole" if actor.roles & WHOLE else "sms_campaign_board"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT k.id, b.* FROM unnest(%s::bigint[]) k (id) CROSS JOIN LATERAL {function}(k.id, {LIMITS}) b",
            [[each.pk for each in campaigns], *limits(now, bank)],
        )
        rows = cursor.fetchall()
    names = {each.pk: each for each in Staff.objects.filter(pk__in={row[1] for row in rows})}
    found: dict[int, list[Line]] = {}
    for campaign, staff, counts, state, due, done_at in sorted(rows, key=lambda row: names[row[1]].number):
        kept = Measured("S4", "code", "must", state, due, done_at, due_counts=True)
        told = counts if isinstance(counts, dict) else json.loads(counts)
        line = Line(staff, names[staff].name, told, due, done_at, fate(kept, now) if state else "")
        found.setdefault(campaign, []).append(line)
    return {campaign: sorted(lines, key=lambda line: BEHIND.index(line.fate)) for campaign, lines in found.items()}


BEHIND = ("missed", "overdue", "open", "late", "in_time", "waived", "cannot", "")


LIMITS = "%s, %s, %s, %s, %s, %s"
STANDING = f"sms_campaign_standing(%s, {LIMITS})"
OF_EACH = f"sms_campaign_standing(k.id, {LIMITS})"


def limits(now: datetime, bank: Bank) -> list[Any]:
    """What the guard counts by: the day on which what is sent now leaves, since when the bank's day and week of messages count, whether
    it leaves today."""
    today = now.astimezone(bank.zone).date()
    midnight = datetime.combine(today, time(), bank.zone)
    leaves = (quiet_until(now, bank) or now).astimezone(bank.zone).date()
    return [
        leaves, midnight, midnight - timedelta(days=6), leaves == today,
        bank.marketing_a_day, bank.marketing_a_week,
    ]  # fmt: skip


def own_line(line: str, bank: Bank) -> str:
    """The RM's own sentence, closed so that the words follow it. Raises Refused for what may not be said."""
    line = line.strip()
    if not line:
        return ""
    if len(line) > LONGEST_LINE:
        raise Refused(
            f"自己的话至多 {LONGEST_LINE} 字。", f"A line of one's own has at most {LONGEST_LINE} characters."
        )
    texts.check(line)
    check_words(line, "marketing", bank)
    ends = not (line[-1].isalnum() or line[-1] == "}")
    if messages.is_english(line):
        return f"{line} " if ends else f"{line}. "
    return line if ends else f"{line}，"


def estimate(campaign: Campaign, choice: Choice, staff: int, *, line: str = "", now: datetime, bank: Bank) -> Estimate:
    """For how many of the open ones, in how many segments, what the first gets. Raises Refused for a line that may not be said."""
    words = own_line(line, bank) + campaign.wording.text
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {WEIGHED} FROM {STANDING} s JOIN customers_customer c ON c.id = s.customer_id {OF_RM}"
            f" WHERE s.rm_id = %s AND {CHOSEN} ORDER BY c.id LIMIT %s",
            [campaign.pk, *limits(now, bank), staff, *chosen(choice), MOST],
        )
        rows = cursor.fetchall()
        return weigh(rows, [words] * len(rows), "marketing", bank)


CHOSEN = "s.stands = 'open' AND (%s OR s.tier = ANY (%s::text[]) OR s.customer_id = ANY (%s::bigint[]))"


def chosen(choice: Choice) -> list[Any]:
    return [choice.everybody, list(choice.tiers), list(choice.customers)]


def how_many(campaign: Campaign, choice: Choice, staff: int, now: datetime, bank: Bank) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM {STANDING} s WHERE s.rm_id = %s AND {CHOSEN}",
            [campaign.pk, *limits(now, bank), staff, *chosen(choice)],
        )
        return int(cursor.fetchone()[0])
