"""What many get in the same words, a festival's greeting or a campaign: how a book stands, what it would come to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Any

from django.db import connection

from zhike.conduct import messages
from zhike.conduct.bank import Bank
from zhike.conduct.words import Refused

from . import texts
from .gate import LONGEST
from .segments import measure

MOST = 5_000  # customers of one book whose texts are weighed one by one; of more, the segments are reckoned from these


@dataclass(frozen=True, slots=True)
class Standing:
    """How many customers of one tier stand how: open, done already, not to be written to and why."""

    tier: str
    counts: dict[str, int]

    @property
    def all(self) -> int:
        return sum(self.counts.values())


def by_tier(rows: Iterable[tuple[str, str, int]], bank: Bank) -> list[Standing]:
    """Rows of tier, standing and count, tier by tier, the highest first."""
    counts: dict[str, dict[str, int]] = {}
    for tier, stands, count in rows:
        counts.setdefault(tier, {})[stands] = count
    return [Standing(tier, counts[tier]) for tier in sorted(counts, key=bank.rank, reverse=True)]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What it would come to: for how many, in how many segments; a customer of them and what that one would get."""

    customers: int
    segments: int
    who: dict[str, Any] | None
    text: str

    def price(self, bank: Bank) -> Decimal:
        return price_of(self.segments, bank)


def price_of(segments: int, bank: Bank) -> Decimal:
    """What so many segments cost, in yuan, without the noughts at its end."""
    return Decimal(f"{(bank.segment_price * segments).normalize():f}")


@contextmanager
def by_keys(cursor: Any) -> Iterator[None]:
    """Inside, whether a customer has a message already is looked up by its key. A plan made while there are no messages would read all of
    them for each customer, and while many arrange at once they become many."""
    cursor.execute("SET LOCAL enable_seqscan = off")
    yield
    cursor.execute("SET LOCAL enable_seqscan = on")


# Of a customer `c` with the RM `rm` and the unit `u`: who it is, the values of the variables (`texts.one_of_many`), and how many there are.
WEIGHED = "c.id, c.tier, c.name, c.honorific, c.gender, c.kind, rm.name, rm.phone, rm.name, u.name, count(*) OVER ()"
OF_RM = "JOIN people_staff rm ON rm.id = c.rm_id JOIN people_unit u ON u.id = c.unit_id"


def weigh(rows: Sequence[tuple[Any, ...]], words: Sequence[str], kind: str, bank: Bank) -> Estimate:
    """Each customer's own text, of the ``words`` for each, is measured (rows of ``WEIGHED``, ``MOST`` of them at most): names are long and short. Raises Unfilled where
    a variable has no value, Refused where somebody's text is too long.
    """
    if not rows:
        return Estimate(0, 0, None, "")
    name = texts.bank_name()
    said = [
        messages.dressed(texts.fill(each, texts.one_of_many(*row[2:-1], bank=bank)), kind, bank, name)
        for each, row in zip(words, rows, strict=True)
    ]
    parts = [measure(text).segments for text in said]
    if (most := max(parts)) > LONGEST:
        name = rows[parts.index(most)][2]
        raise Refused(
            f"短信太长：发给“{name}”的有 {most} 条，一次至多 {LONGEST} 条。请缩短自己的话，或换一条短一些的措辞。",
            f"The message is too long: to “{name}” it has {most} segments, at most {LONGEST} at once. Shorten your own line, or choose shorter words.",
        )
    id, tier, who, honorific, _gender, of_kind, *_rest, every = rows[0]
    first = {"id": id, "name": who, "honorific": honorific, "tier": tier, "kind": of_kind}
    return Estimate(every, ceil(sum(parts) * every / len(rows)), first, said[0])


def tells_of_private(words: str) -> bool:
    """Whether it names a product that is not offered to the public, whatever was ticked."""
    return "私募" in words


def check_words(words: str, kind: str, bank: Bank) -> None:
    """Raises Refused for words that many cannot get: a variable without a value, what may not be said, or not to many."""
    texts.check_for_many(words)
    said = (
        *messages.in_bulk(kind, private_product=tells_of_private(words)),
        *messages.of_text(kind, words, bank),
    )
    blocked = next((each for each in said if each.effect == "block"), None)
    if blocked is not None:
        raise Refused(blocked.words.zh, blocked.words.en)


def bring_back(occasions: Sequence[str], customers: Sequence[int], staff: int) -> int:
    """Those of an RM's customers who were left out are so no more. Returns how many. Raises Refused where nobody is chosen."""
    if not customers:
        raise Refused("请先选要放回的客户。", "Choose first who is brought back.")
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM sms_left_out l USING customers_customer c WHERE c.id = l.customer_id AND c.rm_id = %s"
            " AND l.occasion = ANY (%s::text[]) AND l.customer_id = ANY (%s::bigint[])",
            [staff, list(occasions), list(customers)],
        )
        return int(cursor.rowcount)


def check_expected(is_so: int, expected: int | None) -> None:
    """Raises Refused where the number is not the one that was shown: a bulk send is never larger than what somebody confirmed."""
    if expected is not None and is_so != expected:
        raise Refused(
            f"名单刚有变化，现在是 {is_so} 人，没有安排。请核对后再点一次。",
            f"The list has just changed to {is_so}: nothing was arranged. Look again, then once more.",
        )
