"""Finding a customer from what one has: a name or part of it, its pinyin or initials, a phone's tail, a number.

What is found lies in the actor's scope; his own customers come first. One statement, at most twenty rows.

A whole number that finds a customer tells the digits which a mask hides, and one that finds none tells which they are not. So
each that is looked for beyond one's own customers is kept and counted as if the number had been shown; a part of a number longer
than the tail, by which a mask would be guessed digit by digit, finds one's own alone.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from zhike.conduct.bank import Bank
from zhike.customers import names
from zhike.customers.models.customer import may_look_for
from zhike.customers.vault import TAIL, Unopened, mask_phone, place, vault
from zhike.people.actor import Actor

ROWS = 20
# Looked at before ordering: enough that one's own come first, few enough that 王 over a million customers stays quick.
MOST = 100
# So many digits are a whole number: a mobile, an area code with its number, an identity number.
WHOLE = 11


@dataclass(frozen=True)
class Asked:
    """What a text in the search box may mean; several at once, as digits may be a phone's tail or a customer number."""

    grams: list[str] = field(default_factory=list)
    pinyin: list[str] = field(default_factory=list)
    digits: str = ""
    core: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Hit:
    """One customer found, as a list shows it. ``mobile`` is masked; ``reading`` is that of an unusual surname (Shàn);
    ``covered``: of a colleague whom the actor covers.
    """

    id: int
    name: str
    reading: str
    honorific: str
    kind: str
    tier: str
    core_number: str
    mine: bool
    rm: str
    unit: str
    mobile: str
    covered: bool


@dataclass(frozen=True)
class Found:
    """``spent``: the day's number of looks is used up, so a whole number was looked for among one's own customers alone."""

    hits: list[Hit]
    more: bool
    spent: bool = False


def read(text: str) -> Asked:
    """The meanings of a text; none when it is empty or punctuation alone."""
    text = unicodedata.normalize("NFKC", text).strip()
    digits = re.sub(r"^\+86|[\s\-()]", "", text)
    if re.fullmatch(r"\d{15}|\d{17}[\dXx]", digits):
        return Asked(digits=digits.upper(), core=[digits])
    if digits.isdecimal():
        return Asked(digits=digits if len(digits) >= TAIL else "", core=[digits])
    plain = names.normal(text)
    if any(map(names.is_han, plain)):
        return Asked(grams=[plain] if len(plain) == 1 else [plain[at : at + 2] for at in range(len(plain) - 1)])
    if plain.isascii() and plain.isalnum() and any(map(str.isdecimal, plain)):
        return Asked(core=sorted({text, text.upper(), text.lower()}))
    sound = names.plain(plain)
    return Asked(pinyin=[sound[: names.PREFIX]], core=[text]) if sound.isalpha() else Asked()


# An array and not a join: for somebody who sees everything the planner would join by way of all that they see.
FIND = """
SELECT c.id, c.name, c.honorific, c.kind, c.tier, coalesce(c.core_number, ''), c.rm_id = %s, c.rm_id = ANY (%s::bigint[]),
       coalesce(s.name, ''), u.name,
       c.profile -> 'mobile' ->> 'v', c.profile -> 'phone2' ->> 'v'
FROM customers_customer c JOIN people_unit u ON u.id = c.unit_id LEFT JOIN people_staff s ON s.id = c.rm_id
WHERE c.id = ANY (ARRAY(
    SELECT customers_find(%s::text[], %s::text[], %s::bytea[], %s::bytea[], %s::bytea[], %s::bytea[], %s::text[], %s)
))
ORDER BY c.rm_id IS NOT DISTINCT FROM %s DESC, c.name = %s DESC, c.sort_key, c.id
LIMIT %s
"""


def find(text: str, actor: Actor, now: datetime, bank: Bank) -> Found:
    """Customers whom ``actor`` may see that ``text`` may mean: own first, then by name."""
    asked = read(text)
    if not (asked.grams or asked.pinyin or asked.digits or asked.core):
        return Found([], more=False)
    mobiles, tails, others, ids = _indexes(asked.digits)
    # A tail longer than the indexed one is decided on the opened numbers, so all that share its end are fetched.
    limit = MOST * 4 if others else ROWS + 1
    with connection.cursor() as cursor:
        cursor.execute(
            FIND,
            [
                actor.id,
                list(actor.covers),
                asked.grams,
                asked.pinyin,
                mobiles,
                tails,
                others,
                ids,
                asked.core,
                MOST,
                actor.id,
                text.strip(),
                limit,
            ],
        )
        rows = cursor.fetchall()
    hits = [hit for row in rows if (hit := _hit(row, asked, tails=bool(others)))]
    if len(asked.digits) <= TAIL:
        return Found(hits[:ROWS], more=len(hits) > ROWS)
    free = [hit for hit in hits if hit.mine or hit.covered or hit.core_number in asked.core]
    spent = False
    if len(asked.digits) >= WHOLE and (not hits or len(free) < len(hits)):
        spent = not may_look_for(asked.digits, [hit.id for hit in hits if hit not in free], actor, now, bank)
        free = free if spent else hits
    return Found(free[:ROWS], more=len(free) > ROWS, spent=spent)


def _indexes(digits: str) -> tuple[list[bytes], list[bytes], list[bytes], list[bytes]]:
    """Blind indexes to look under: whole mobile numbers, tails of mobiles, tails of second numbers, identity numbers."""
    if not digits:
        return [], [], [], []
    keys = vault()
    if len(digits) in (15, 18):
        return [], [], [], keys.indexes("id", digits)
    tails = keys.indexes("tail", digits[-TAIL:])
    if len(digits) == 11 and digits[0] == "1":
        return keys.indexes("mobile", digits), [], tails, []
    return [], tails, tails, []


def _hit(row: tuple[Any, ...], asked: Asked, *, tails: bool) -> Hit | None:
    customer, name, honorific, kind, tier, core, mine, covered, rm, unit, sealed, sealed_other = row
    mobile = _opened(sealed, "mobile", customer)
    if tails and core not in asked.core and not mobile.endswith(asked.digits):
        other = _opened(sealed_other, "phone2", customer)
        if not re.sub(r"\D", "", other).endswith(asked.digits):
            return None
        mobile = other
    reading = names.unusual_reading(name) if kind == "person" else ""
    return Hit(
        customer, name, reading, honorific, kind, tier, core, bool(mine), rm, unit, mask_phone(mobile) if mobile else "",
        bool(covered),
    )  # fmt: skip


def _opened(sealed: str | None, name: str, customer: int) -> str:
    """A phone number in clear, for comparing and masking; a number that no key opens must not end the search."""
    try:
        return vault().open(sealed, place(name, customer)) if sealed else ""
    except Unopened:
        return ""
