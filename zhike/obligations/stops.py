"""Stops (CLAUSES, Definitions): a death stops everything at once; a closed account, do-not-disturb and an open complaint stop
greetings, campaigns and rhythm. What was owed then cannot be done, and says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from zhike.conduct.bank import Bank
from zhike.conduct.facts import Fact
from zhike.conduct.owe import STOPPED_BY
from zhike.conduct.words import Refused
from zhike.customers.feeds.take import Stopped
from zhike.customers.models import Customer
from zhike.people.actor import Actor

from . import ledger
from .models import Fact as Kept
from .models import Obligation, State

# The customer's column behind each stop.
EARLIEST = 1900  # as the API has it; nobody whom a bank serves died before

COLUMNS = {
    "deceased": "deceased_on",
    "closed": "closed_on",
    "do_not_disturb": "do_not_disturb",
    "complaint": "complaint_open",
}


@dataclass(frozen=True)
class Standing:
    """A stop in force: since when, shown by what, entered by whom. Nobody entered it where a file says so; ``evidence`` is then its
    name. Without ``fact`` the file brought the customer, or nothing was open.
    """

    why: str
    since: date | None
    evidence: str = ""
    by: str = ""
    fact: Kept | None = None


def stands(customer: Customer, why: str) -> bool:
    """Whether the stop is in force."""
    return bool(getattr(customer, COLUMNS[why]))


def standing(customer: Customer) -> list[Standing]:
    """The stops in force, the gravest first; a query only where there is one."""
    return standing_of([customer])[customer.pk]


def standing_of(customers: Iterable[Customer]) -> dict[int, list[Standing]]:
    """The stops in force of each customer, by id; one query for all of them."""
    whys = {each: [why for why in COLUMNS if stands(each, why)] for each in customers}
    stopped = [each.pk for each in whys if whys[each]]
    newest = _newest(stopped) if stopped else {}
    return {each.pk: [_standing(each, why, newest.get((each.pk, why))) for why in whys[each]] for each in whys}


def _newest(customers: list[int]) -> dict[tuple[int, str], Kept]:
    """The fact that each stop rests on, by customer and why."""
    facts = Kept.objects.filter(customer_id__in=customers, kind="customer_stopped", void=False).select_related("by")
    return {(fact.customer_id, fact.data["stop"]): fact for fact in facts.order_by("id") if fact.customer_id}


def standing_for(customer: Customer, why: str) -> Standing | None:
    """One stop, if it is in force."""
    return next((each for each in standing(customer) if each.why == why), None)


def _standing(customer: Customer, why: str, fact: Kept | None) -> Standing:
    column = getattr(customer, COLUMNS[why])
    since = column if isinstance(column, date) else None
    if fact is None:
        return Standing(why, since)
    told = fact.data.get("on")
    by = fact.by.name if fact.by else ""
    return Standing(why, since or (date.fromisoformat(told) if told else None), fact.data.get("evidence", ""), by, fact)


def foreseen(customer: Customer, why: str) -> list[Obligation]:
    """What is open and could not be done any more if contact stopped because of ``why``; nothing is written."""
    falls = customer.obligations.filter(state=State.OPEN, kind__in=sorted(STOPPED_BY[why]))
    return list(falls.order_by("due", "id"))


def stop(customer: Customer, why: str, *, on: date, evidence: str, actor: Actor, now: datetime, bank: Bank) -> None:
    """Contact with the customer stops from now on, because of ``why`` (a name of :data:`COLUMNS`), shown by ``evidence``.

    Raises Refused without evidence, for a day to come, and for what stands already.
    """
    evidence = evidence.strip()
    if not evidence:
        raise Refused(
            "请写明依据：谁告知的，见到了什么证明。", "Say what shows it: who told you, which document you saw."
        )
    if on > now.astimezone(bank.zone).date():
        raise Refused("这一天还没有到。", "This day lies ahead.")
    if on.year < EARLIEST:
        raise Refused("这一天早于 1900 年，请核对年份。", "This day lies before 1900. Look at the year.")
    if stands(customer, why):
        raise Refused("已经记过了。", "It is recorded already.")
    column = COLUMNS[why]
    _set(customer, column, on if column.endswith("_on") else True, now)
    said = {"stop": why, "on": on.isoformat(), "evidence": evidence}
    ledger.tell([_fact("customer_stopped", customer, why, said, actor, now)], actor=actor, now=now, bank=bank)


def stop_fed(stopped: Sequence[Stopped], now: datetime, bank: Bank) -> None:
    """Contact stops because a file of the core system says so: told by nobody, shown by the file's name.

    Customers without an RM towards whom nothing is open are left out: there is nobody whose duty it touches.
    """
    today = now.astimezone(bank.zone).date()
    for why, column in reversed(COLUMNS.items()):  # the gravest last: its word stands
        said = {each.customer: each for each in stopped if each.column == column}
        if not said:
            continue
        with connection.cursor() as cursor:
            cursor.execute(STOPPED_CASES, [today, list(said)])
            rows = cursor.fetchall()
        cases = []
        for customer, staff, case in rows:
            since = said[customer].since or today
            data = {"stop": why, "on": since.isoformat(), "evidence": said[customer].file}
            subject = f"customer:{customer}/stop:{why}"
            cases.append(
                (Fact("customer_stopped", now, now, staff, customer, subject, data, "observed"), ledger.case_from(case))
            )
        ledger.tell_many(cases, now=now, bank=bank)


# Whose duty it touches: the RM, or whoever owes the customer something.
STOPPED_CASES = f"""
SELECT * FROM (
    SELECT c.id, coalesce(c.rm_id, (SELECT min(o.owner_id) FROM obligations_obligation o
                                    WHERE o.customer_id = c.id AND o.state = 'open')) AS staff, {ledger.CASE_VALUE}
    FROM customers_customer c WHERE c.id = ANY (%s) ORDER BY c.id) s
WHERE staff IS NOT NULL"""


def of_people(customers: Sequence[int]) -> set[tuple[int, str]]:
    """Which stops of these customers a person recorded and no other has taken back, as (customer, column)."""
    rows = Kept.objects.filter(
        customer_id__in=customers, kind__in=("customer_stopped", "customer_resumed"), void=False
    ).order_by("id")
    newest = {(fact.customer_id or 0, COLUMNS[fact.data["stop"]]): fact for fact in rows}
    return {stop for stop, fact in newest.items() if fact.kind == "customer_stopped" and fact.by_id is not None}


def lift_fed(lifted: Sequence[Stopped], now: datetime, bank: Bank) -> None:
    """Contact goes on because the core system's corrected file no longer says what a file had said: that was a mistake, and
    what it made impossible is owed again.
    """
    today = now.astimezone(bank.zone).date()
    for why, column in COLUMNS.items():
        files = {each.customer: each.file for each in lifted if each.column == column}
        if not files:
            continue
        with connection.cursor() as cursor:
            cursor.execute(STOPPED_CASES, [today, list(files)])
            rows = cursor.fetchall()
        said = {"stop": why, "mistake": True, "approval": None}
        ledger.tell_many(
            [
                (
                    Fact("customer_resumed", now, now, staff, customer, f"customer:{customer}/stop:{why}",
                         {**said, "reason": files[customer]}, "observed"),
                    ledger.case_from(case),
                )
                for customer, staff, case in rows
            ],
            now=now, bank=bank,
        )  # fmt: skip
        Kept.objects.filter(customer_id__in=files, kind="customer_stopped", data__stop=why, by=None, void=False).update(
            void=True
        )
        stopped = Obligation.objects.filter(customer_id__in=files, state=State.CANNOT, evidence__why=why)
        stopped.update(state=State.OPEN, settled_at=None, settled_by=None, settling=None, evidence={})
    enforce(now, {each.customer for each in lifted})  # another stop may stand still


def may_resume(customer: Customer, why: str, *, reason: str, mistake: bool) -> None:
    """Raises Refused without a reason, and for a death that is to be over."""
    if not reason.strip():
        raise Refused("请写明原因。", "Say why.")
    if why == "deceased" and not mistake:
        raise Refused("身故只能作为误记撤销。", "A death is only taken back as a mistake.")


def resume(
    customer: Customer,
    why: str,
    *,
    reason: str,
    mistake: bool,
    actor: Actor,
    now: datetime,
    bank: Bank,
    approval: int | None = None,
) -> None:
    """The stop is over, or, as a ``mistake``, never was: then what it made impossible is owed again.

    What an ended stop had made impossible stays so; what the core system's file says it says again the next night. Who may is
    :func:`zhike.obligations.lifting.lift`'s question; ``approval``: the request by which a second person agreed. Raises Refused.
    """
    now_standing = standing_for(customer, why)
    if now_standing is None:
        return
    may_resume(customer, why, reason=reason, mistake=mistake)
    column = COLUMNS[why]
    _set(customer, column, None if column.endswith("_on") else False, now)
    said = {"stop": why, "reason": reason.strip(), "mistake": mistake, "approval": approval}
    ledger.tell([_fact("customer_resumed", customer, why, said, actor, now)], actor=actor, now=now, bank=bank)
    if mistake:
        if now_standing.fact is not None:
            ledger.correct(now_standing.fact, by=None, actor=actor, now=now, bank=bank)
        stopped = customer.obligations.filter(state=State.CANNOT, evidence__why=why)
        stopped.update(state=State.OPEN, settled_at=None, settled_by=None, settling=None, evidence={})
        enforce(now, {customer.pk})
        if now_standing.fact is not None:
            for bring_back in WHEN_TAKEN_BACK:
                bring_back(customer, why, now_standing.fact.known_at, actor, now, bank)


# What else comes back when a stop was a mistake: customer, why, when the stop became known, by whom and when it is taken back.
WHEN_TAKEN_BACK: list[Callable[[Customer, str, datetime, Actor, datetime, Bank], None]] = []


def _fact(kind: str, customer: Customer, why: str, said: Mapping[str, Any], actor: Actor, now: datetime) -> Fact:
    owner = customer.rm_id or actor.id
    return Fact(kind, now, now, owner, customer.pk, f"customer:{customer.pk}/stop:{why}", said)


def _set(customer: Customer, column: str, value: date | bool | None, now: datetime) -> None:
    setattr(customer, column, value)
    customer.version += 1
    customer.changed_at = now
    customer.save(update_fields=[column, "version", "changed_at"])


def enforce(now: datetime, only: Iterable[int] | None = None) -> int:
    """What the core system's files stopped (a feed says deceased or closed) is stopped in the ledger too; nightly, for all."""
    stopped = 0
    with connection.cursor() as cursor:
        for why, column in COLUMNS.items():
            set_ = f"c.{column} IS NOT NULL" if column.endswith("_on") else f"c.{column}"
            cursor.execute(
                f"""UPDATE obligations_obligation o
                    SET state = 'cannot', evidence = jsonb_build_object('why', %s::text, 'at', %s::timestamptz)
                    FROM customers_customer c
                    WHERE o.customer_id = c.id AND {set_} AND o.state = 'open' AND o.kind = ANY (%s)
                      {"" if only is None else "AND c.id = ANY (%s)"}""",
                [why, now, sorted(STOPPED_BY[why]), *([] if only is None else [list(only)])],
            )
            stopped += cursor.rowcount
    return stopped


def hand_over(customer: Customer, before: int | None, after: int, actor: Actor | None, now: datetime) -> None:
    """Open obligations towards a customer go along to the new RM: whoever was theirs no longer sees whom they are owed to."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE obligations_obligation SET owner_id = %s
               WHERE customer_id = %s AND state IN ('open', 'cannot')
                 AND (owner_id = %s OR %s::bigint IS NULL)""",
            [after, customer.pk, before, before],
        )
