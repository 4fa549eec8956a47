"""Ninety days of eleven RMs, told in bulk: the contacts are drawn, the engine says what they made owed and settled.

Nothing of the ledger is invented here. Facts go through :func:`zhike.obligations.ledger.ask` and the ledger's own
statement, only many customers at a time; the contacts' rows are what :mod:`zhike.contacts` would have left behind.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import count
from random import Random
from typing import Any

from django.db import connection

from zhike.conduct.bank import Bank as Rules
from zhike.conduct.calendars import published_workdays
from zhike.conduct.facts import Case, Fact, Person
from zhike.contacts.models import Contact, Demand
from zhike.customers.models import Acquaintance, Customer, Need
from zhike.demo import words
from zhike.demo.bank import Seat
from zhike.demo.book import Rows, put
from zhike.obligations import ledger
from zhike.people.actor import Actor
from zhike.people.models import Staff

ROOMS = ("贵宾一室", "贵宾二室", "贵宾三室", "理财室")
# Contacts a day, and how often each kind is chosen.
A_DAY = (2, 3, 3, 4, 5)
KINDS = (("call", 60), ("reception", 28), ("visit", 12))
SLICE = 150


@dataclass
class Told:
    """What one RM's days left behind."""

    contacts: list[Contact] = field(default_factory=list)
    demands: list[Demand] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    facts: dict[int, list[Fact]] = field(default_factory=dict)
    # The contact that a write-up proposed, by the id of the one that was written up.
    proposed: dict[int, Contact] = field(default_factory=dict)
    # Calls that were made because they had been promised.
    promised: set[int] = field(default_factory=set)


@dataclass(order=True)
class Task:
    """Something that stands in the calendar: a plan to be carried out, a call-back to be made."""

    at: datetime
    order: int
    contact: Contact = field(compare=False)


class Days:
    """The days of one RM. ``care`` says how often what is owed is done in time."""

    def __init__(
        self, seat: Seat, rm: Staff, rows: Rows, customers: Sequence[Customer], ids: Iterator[int], began: datetime,
        now: datetime, rules: Rules, seed: str,
    ) -> None:  # fmt: skip
        self.seat, self.rm, self.rows, self.customers, self.ids = seat, rm, rows, customers, ids
        self.began, self.now, self.rules = began, now, rules
        self.hush = timedelta(minutes=55)
        self.leader: Staff | None = None
        # A small book has fewer contacts.
        self.busy = min(1.0, max(0.25, len(customers) / 100))
        self.random = Random(f"{seed}/{seat.number}")
        # Of its own, so that what becomes of a call-back changes nothing else.
        self.fortune = Random(f"{seed}/{seat.number}/call-backs")
        self.greeted_by_sms = rows.greeted_by_sms()
        self.told = Told()
        self.order = count()
        self.calendar: list[Task] = []
        # When something stands in it; and on which days.
        self.taken: set[datetime] = set()
        self.open = published_workdays()
        self.promises: list[Task] = []
        # Who said when to be called: before that nobody calls them (C5).
        self.awaited: dict[int, datetime] = {}
        # Whom the rhythm asks for, since when; and who still wants a contact most.
        self.asked: dict[int, date] = {}
        # Until when the last talk with a customer waits for its write-up: nobody is met twice before it is written.
        self.unwritten: dict[int, datetime] = {}

    # ── the days ─────────────────────────────────────────────────────────────────────────────────────────────────

    def live(self) -> Told:
        if not self.customers:
            return self.told
        zone = self.rules.zone
        day, last = self.began.astimezone(zone).date() + timedelta(days=1), self.now.astimezone(zone).date()
        self._celebrate(day, last)
        while day <= last:
            self._ask_by_rhythm(day)
            self._one_day(day)
            day += timedelta(days=1)
        self._appoint()
        return self.told

    def _one_day(self, day: date) -> None:
        for start in self._slots(day):
            if start > self.now - self.hush:
                return
            self._keep_promises(start)
            task = heapq.heappop(self.calendar) if self.calendar and self.calendar[0].at <= start else None
            if task and not self._may(task.contact.customer, start):
                task.at += timedelta(days=1)
                heapq.heappush(self.calendar, task)
                continue
            contact = task.contact if task else self._choose(start)
            if contact is not None:
                self._carry_out(contact, start)

    def _keep_promises(self, until: datetime) -> None:
        """Call-backs come when they were promised, whatever else the day holds; now and then the customer rings first, and some
        RMs forget."""
        while self.promises and self.promises[0].at <= until:
            task = heapq.heappop(self.promises)
            promised = task.contact.purpose == "call_back"
            if not promised and self.awaited.get(task.contact.customer_id, task.at) > task.at:
                continue  # the call-back will do
            at, fortune = self._kept(task.at), self.fortune.random()
            if promised and self.seat.forgets:
                if fortune < (1 - self.seat.care) / 2:
                    self._tell_leader(task)
                    continue
                if fortune > 0.93 and not self._first(task.contact.customer, "call"):
                    task.contact.incoming, task.contact.purpose = True, "service"
                    at = task.at - timedelta(minutes=self.fortune.randint(12, 45))
            self.told.promised.add(task.contact.pk)
            self._call(task.contact, at)

    def _tell_leader(self, task: Task) -> None:
        """As the tick of the minute does, where a promised call-back was not made."""
        told, at = task.contact.follows, task.at + timedelta(minutes=self.rules.callback_leader_after)
        if self.leader and told:
            subject, data = (
                f"{told.subject}/leader:{self.leader.pk}",
                {"target": task.at.isoformat(), "words": self.rm.name},
            )
            missed = Fact("call_back_missed", at, at, self.leader.pk, told.customer_id, subject, data, "observed")
            self._about(told.customer, missed)

    def _slots(self, day: date) -> list[datetime]:
        """When contacts of the day begin: none on most weekend days; at least forty-five minutes apart."""
        if day.weekday() > 4 and self.random.random() < 0.8:
            return []
        wanted = self.random.choice(A_DAY) * self.busy
        slots = self.random.sample(range(11), int(wanted) + (self.random.random() < wanted % 1))
        midnight = datetime.combine(day, time(0), self.rules.zone)
        return [midnight + timedelta(minutes=530 + 47 * slot + self.random.randint(0, 6)) for slot in sorted(slots)]

    def _choose(self, at: datetime) -> Contact | None:
        """The RM calls whom the rhythm asks for, longest first, else somebody of the better half."""
        waiting = [c for c in self.customers if c.pk in self.asked and self._may(c, at)]
        if waiting:
            customer = min(waiting, key=lambda c: (self.asked[c.pk], c.pk))
        else:
            customer = self.random.choice(self.customers)
            if not self._may(customer, at):
                return None
        kind = self.random.choices([k for k, _ in KINDS], [w for _, w in KINDS])[0]
        if kind == "visit" and customer.tier in {"regular", "gold"}:
            kind = "call"
        return self._contact(customer, kind, at, created=at - timedelta(days=1, hours=2))

    def _may(self, customer: Customer, at: datetime) -> bool:
        waits = max(self.unwritten.get(customer.pk, at), self.awaited.get(customer.pk, at))
        return waits <= at and not self._stopped(customer)

    def _stopped(self, customer: Customer) -> bool:
        return bool(customer.deceased_on or customer.closed_on or customer.do_not_disturb or customer.complaint_open)

    def _contact(self, customer: Customer, kind: str, at: datetime, created: datetime, **more: Any) -> Contact:
        return Contact(
            id=next(self.ids),
            kind=kind,
            customer=customer,
            rm=self.rm,
            held_by=self.rm,
            by=self.rm,
            created_at=max(created, self.began),
            planned_for=at,
            place=self._place(customer, kind),
            **{"purpose": self._purpose(customer, kind), **more},
        )

    def _place(self, customer: Customer, kind: str) -> str:
        if kind == "visit":
            return f"{customer.honorific or customer.name}处"
        return self.random.choice(ROOMS) if kind == "reception" else ""

    def _purpose(self, customer: Customer, kind: str) -> str:
        if kind == "call" and self._first(customer, "call"):
            return "introduction"
        return self.random.choice(
            ("care", "service", "invitation", "care") if kind == "call" else ("business", "care", "service")
        )

    # ── one contact ──────────────────────────────────────────────────────────────────────────────────────────────

    def _carry_out(self, contact: Contact, at: datetime) -> None:
        if contact.kind == "call":
            self._call(contact, at)
        else:
            self._meet(contact, at)

    def _meet(self, contact: Contact, at: datetime) -> None:
        draw = self.random
        first = self._first(contact.customer, "meeting")
        planned = at
        if contact.kind == "visit":
            contact.told_customer = True
            self._fact(
                contact, "visit_agreed", contact.created_at, target=planned.isoformat(), place=contact.place, purpose=""
            )
            early = draw.choice((15, 14, 17, 12, 20)) if self._careful() else draw.choice((3, -6, 32))
            contact.arrived_at = planned - timedelta(minutes=early)
            self._fact(contact, "arrived", contact.arrived_at)
            at = max(planned, contact.arrived_at)
        contact.planned_for = planned
        ended = at + timedelta(minutes=draw.randint(18, 44))
        self._over(contact, at, ended, first)
        contact.met_where = "outside_door" if contact.tier in {"diamond", "private"} else "hall"
        contact.seen_off = "car_park" if contact.tier in {"diamond", "private"} else "branch_door"
        contact.card_handed = first or None
        missing = [name for name in ("mobile", "email") if not contact.customer.profile.get(name)]
        self._fact(contact, f"{contact.kind}_ended", ended, first=first, missing=missing, purpose=contact.purpose)
        self._remember(contact, ended)
        self._thank(contact, ended, first, missing)
        self._write_up(contact, ended)

    def _call(self, contact: Contact, at: datetime) -> None:
        if at < self.awaited.get(contact.customer_id, at) and contact.purpose != "call_back" and not contact.incoming:
            return
        draw = self.random
        first = self._first(contact.customer, "call")
        if first:
            contact.purpose = "introduction"
        contact.planned_for = contact.planned_for or at
        outcome = draw.choices(("reached", "busy", "no_answer", "absent", "not_interested"), (68, 10, 12, 5, 5))[0]
        if contact.pk in self.told.promised:
            outcome = "reached"
        talked = outcome in {"reached", "not_interested"}
        ended = at + timedelta(seconds=draw.randint(70, 420) if talked else draw.randint(15, 40))
        back = None
        if outcome in {"busy", "absent"}:
            back = ended.replace(second=0, microsecond=0) + timedelta(minutes=draw.choice((60, 90, 120, 1440)))
            back -= timedelta(minutes=back.minute % 5)
        self._over(contact, at, ended, first)
        contact.outcome, contact.call_back_at = outcome, back
        data: dict[str, Any] = {
            "first": first,
            "outcome": outcome,
            "incoming": contact.incoming,
            "purpose": contact.purpose,
            "started": at.isoformat(),
        }
        seconds = int((ended - at).total_seconds())
        self._fact(contact, "call_ended", ended, **data, seconds=seconds, call_back=back.isoformat() if back else None)
        if back:
            self._fact(contact, "call_back_promised", ended, target=back.isoformat(), outcome=outcome, words="")
            self.awaited[contact.customer_id] = back
            again = self._contact(contact.customer, "call", back, ended, purpose="call_back", follows=contact)
            heapq.heappush(self.promises, Task(back, next(self.order), again))
        if not talked:
            contact.state, contact.closed_at = "closed", ended
            if outcome == "no_answer":
                self._try_again(contact, at + timedelta(hours=21), ended)
            return
        self._remember(contact, ended)
        if first and outcome == "reached" and contact.customer.profile.get("mobile"):
            self._message(contact, ended + timedelta(minutes=draw.randint(2, 50)), introduces=True)
        self._write_up(contact, ended)

    def _try_again(self, contact: Contact, at: datetime, ended: datetime) -> None:
        """The next day, whatever day that is; who forgets does it when there is time."""
        again = self._contact(contact.customer, "call", at, ended, purpose=contact.purpose)
        heapq.heappush(self.calendar if self.seat.forgets else self.promises, Task(at, next(self.order), again))

    def _over(self, contact: Contact, started: datetime, ended: datetime, first: bool) -> None:
        contact.state, contact.started_at, contact.ended_at = "ended", started, ended
        contact.first, contact.tier, contact.version = first, contact.customer.tier, 3
        contact.prepared_at = started - timedelta(minutes=20) if contact.kind != "call" else None
        self.told.contacts.append(contact)

    def _thank(self, contact: Contact, ended: datetime, first: bool, missing: list[str]) -> None:
        owed = contact.kind == "visit" or contact.tier in {"platinum", "diamond", "private"}
        if not owed or "mobile" in missing:
            return
        soon = ended + timedelta(minutes=self.random.randint(12, 140))
        if contact.kind == "visit":
            evening = ended.astimezone(self.rules.zone).replace(hour=18, minute=0)
            soon = max(soon, evening + timedelta(minutes=self.random.randint(5, 150)))
        self._message(contact, soon, introduces=first)

    def _message(self, contact: Contact, at: datetime, *, introduces: bool) -> None:
        """In time; or a day late; or, lately, not yet."""
        if not self._careful():
            if self.now - at < timedelta(days=9) and self.seat.forgets:
                return
            at += timedelta(hours=self.random.randint(16, 30))
        data: dict[str, Any] = {
            "purpose": "thanks",
            "channel": "sms",
            "through": "platform",
            "introduces": introduces,
            "words": "",
        }
        self._fact(contact, "message_sent", at, **data)

    def _write_up(self, contact: Contact, ended: datetime) -> None:
        """In time, the next morning, or (lately) not yet."""
        draw = self.random
        at = ended + timedelta(minutes=draw.randint(4, 120))
        late = not self._careful()
        if late:
            at = ended + timedelta(hours=draw.randint(15, 40))
        if late and self.now - ended < timedelta(days=6) and self.seat.forgets:
            at = self.now + timedelta(days=1)
        self.unwritten[contact.customer_id] = at
        if at > self.now:
            return
        contact.state, contact.closed_at, contact.version = "closed", at, 4
        contact.result = "" if contact.kind == "call" and draw.random() < 0.3 else draw.choice(words.RESULTS)
        contact.result_words = draw.choice(words.SAID) if contact.result else ""
        self._fact(contact, "written_up", at)
        if contact.kind == "visit" and draw.random() < 0.4:
            self._demand(contact, ended, at)
        elif draw.random() < 0.12:
            self._promise(contact, ended, at)
        wants = draw.random() < 0.3
        if wants:
            self._need(contact, ended, at)
        contact.no_need = not wants
        if wants or self._open_needs(contact.customer, at):
            self._plan_next(contact, at, "service", draw.randint(5, 30))
        elif self.rules.rhythm_of(contact.tier).contact_days is None:
            # Where no rhythm asks, the plan is a day.
            self._plan_next(contact, at, "care", draw.randint(60, 120))

    def _need(self, contact: Contact, ended: datetime, at: datetime) -> None:
        draw = self.random
        kind, said = draw.choice(words.NEEDS)
        need = Need(
            customer=contact.customer,
            kind=kind,
            words=said,
            opened_at=ended,
            by=self.rm,
            contact=contact.pk,
            state="open",
        )
        over = at + timedelta(days=draw.randint(6, 40))
        if over < self.now and draw.random() < 0.85:
            need.state, need.closed_at = draw.choice(("met", "met", "declined")), over
            need.closed_why = "已办妥" if need.state == "met" else "客户另有安排"
        self.told.needs.append(need)

    def _open_needs(self, customer: Customer, at: datetime) -> list[Need]:
        return [
            need for need in self.told.needs
            if need.customer == customer and need.opened_at < at and (need.closed_at is None or need.closed_at > at)
        ]  # fmt: skip

    def _plan_next(self, contact: Contact, at: datetime, about: str, days: int) -> None:
        """R13: where a need stands, and where there is no rhythm, the write-up proposes the next contact."""
        ahead = self._free(at.astimezone(self.rules.zone).date() + timedelta(days=days))
        kind = self.random.choice(("call", "call", "reception"))
        purpose = "introduction" if kind == "call" and self._first(contact.customer, "call") else about
        then = self._contact(contact.customer, kind, ahead, at, purpose=purpose, follows=contact)
        self.told.proposed[contact.pk] = then
        heapq.heappush(self.calendar, Task(ahead, next(self.order), then))

    def _free(self, day: date) -> datetime:
        """A time of a working day on which nothing stands yet: nobody plans two contacts for one minute, or before nine."""
        draw = self.random
        while True:
            while not self.open.may_work(day):
                day += timedelta(days=1)
            hour, minute = draw.choice((9, 10, 11, 14, 15, 16)), draw.choice((0, 20, 30, 40))
            at = datetime.combine(day, time(hour, minute), self.rules.zone)
            if at not in self.taken:
                self.taken.add(at)
                return at
            day += timedelta(days=draw.randint(0, 1))

    def _demand(self, contact: Contact, ended: datetime, written: datetime) -> None:
        said, answer = self.random.choice(words.DEMANDS)
        demand = Demand(contact=contact, customer=contact.customer, number=1, words=said, at=ended)
        self.told.demands.append(demand)
        self._fact(contact, "demand_raised", ended, subject=demand.subject, words=said, occasion=contact.kind)
        at = ended + timedelta(hours=self.random.randint(16, 22) if self._careful() else self.random.randint(40, 90))
        at = max(at, written + timedelta(minutes=30))
        if at <= self.now:
            self._fact(contact, "answered", at, subject=demand.subject, words=answer, how="call")
            if self.random.random() < 0.85:
                demand.state, demand.closed_at = "met", at

    def _promise(self, contact: Contact, ended: datetime, written: datetime) -> None:
        said, answer = self.random.choice(words.PROMISES)
        due = ended.astimezone(self.rules.zone).replace(hour=17, minute=0, second=0, microsecond=0)
        due += timedelta(days=self.random.randint(2, 6))
        subject = f"{contact.subject}/promise:1"
        self._fact(contact, "promise_made", ended, subject=subject, words=said, to="customer", target=due.isoformat())
        late = timedelta(0) if self._careful() else timedelta(days=self.random.randint(1, 4))
        at = due - timedelta(hours=self.random.randint(2, 30)) + late
        at = max(at, written + timedelta(minutes=30))
        if at <= self.now:
            self._fact(contact, "answered", at, subject=subject, words=answer, how="call")

    def _kept(self, target: datetime) -> datetime:
        """When an agreed call-back is made: to the minute, or not."""
        off = self.random.randint(-150, 200) if self._careful() else self.random.randint(400, 2400)
        return min(target + timedelta(seconds=off), self.now - timedelta(minutes=9))

    # ── the calendar ─────────────────────────────────────────────────────────────────────────────────────────────

    def _appoint(self) -> None:
        """What lies ahead: plans stay plans, some of the next days' are agreed; a call-back that is not made stays a promise."""
        for task in sorted(self.calendar):
            contact = task.contact
            if contact.planned_for and contact.planned_for <= self.now:
                contact.planned_for = self._free(self.now.astimezone(self.rules.zone).date() + timedelta(days=1))
            if contact.kind != "call" and self.random.random() < 0.5:
                contact.state, contact.told_customer = "agreed", True
            self.told.contacts.append(contact)

    def _celebrate(self, first: date, last: date) -> None:
        policy = self.rules.birthday_policy
        for customer in self.customers:
            if not customer.birth_calendar or self._stopped(customer):
                continue
            birthday = customer.birthday
            assert birthday
            day = birthday.next_dates(first, policy, 1)[0]
            if not first <= day < last:
                continue
            at = datetime.combine(day, time(0), self.rules.zone)
            subject = f"customer:{customer.pk}/birthday:{day.isoformat()}"
            self._about(
                customer,
                Fact(
                    "birthday",
                    at,
                    at,
                    self.rm.pk,
                    customer.pk,
                    subject,
                    {"day": birthday.name.zh, "day_en": birthday.name.en},
                    "observed",
                ),
            )
            if self._careful():
                by_sms = customer.pk in self.greeted_by_sms and customer.tier not in {"private", "diamond"}
                channel = "sms" if by_sms and customer.mobile_index else "call"
                greeted = at + timedelta(hours=9, minutes=self.random.randint(0, 200))
                data = {
                    "purpose": "birthday",
                    "channel": channel,
                    "through": "platform",
                    "introduces": False,
                    "words": "",
                }
                self._about(customer, Fact("message_sent", greeted, greeted, self.rm.pk, customer.pk, subject, data))

    def _ask_by_rhythm(self, day: date) -> None:
        """As the nightly sweep does: told when a fifth of the period is left."""
        for customer in self.customers:
            period = self.rules.rhythm_of(customer.tier).contact_days
            if period is None or customer.pk in self.asked or self._stopped(customer):
                continue
            due = self._rhythm_due(customer, period)
            if due > day + timedelta(days=period * self.rules.rhythm_soon_percent // 100):
                continue
            self.asked[customer.pk] = due
            at = datetime.combine(day, time(0, 10), self.rules.zone)
            since = (customer.last_contact_at or customer.created_at).astimezone(self.rules.zone).date()
            end = datetime.combine(due + timedelta(days=1), time(0), self.rules.zone)
            data = {"since": since.isoformat(), "days": (day - since).days, "target": end.isoformat()}
            subject = f"customer:{customer.pk}/rhythm:{due.isoformat()}"
            self._about(customer, Fact("contact_overdue", at, at, self.rm.pk, customer.pk, subject, data, "observed"))

    def _rhythm_due(self, customer: Customer, period: int) -> date:
        zone = self.rules.zone
        last = customer.last_contact_at
        if last and last >= customer.created_at:
            return last.astimezone(zone).date() + timedelta(days=period)
        spread = customer.created_at.astimezone(zone).date() + timedelta(days=1 + customer.pk % period)
        return max(spread, last.astimezone(zone).date() + timedelta(days=period)) if last else spread

    # ── what is remembered ───────────────────────────────────────────────────────────────────────────────────────

    def _first(self, customer: Customer, kind: str) -> bool:
        known = self.rows.acquaintances.get((customer.pk, self.rm.pk))
        if known is None:
            return True
        return not (known.called_source if kind == "call" else known.met_source)

    def _remember(self, contact: Contact, at: datetime) -> None:
        customer, call = contact.customer, contact.kind == "call"
        known = self.rows.acquaintances.setdefault(
            (customer.pk, self.rm.pk), Acquaintance(customer=customer, rm=self.rm, meetings=0, calls=0)
        )
        if call:
            known.calls += 1
            known.first_called_at, known.called_source = known.first_called_at or at, known.called_source or "contact"
        else:
            known.meetings += 1
            known.first_met_at, known.met_source = known.first_met_at or at, known.met_source or "contact"
        known.last_contact_at = max(known.last_contact_at or at, at)
        customer.last_contact_at = max(customer.last_contact_at or at, at)
        if not call or (
            contact.ended_at and contact.started_at and (contact.ended_at - contact.started_at).seconds >= 60
        ):
            self.asked.pop(customer.pk, None)

    def _careful(self) -> bool:
        return self.random.random() < self.seat.care

    def _fact(self, contact: Contact, kind: str, at: datetime, *, subject: str = "", **data: Any) -> None:
        fact = Fact(kind, at, at, self.rm.pk, contact.customer_id, subject or contact.subject, data)
        self._about(contact.customer, fact)

    def _about(self, customer: Customer, fact: Fact) -> None:
        if fact.at <= self.now:
            self.told.facts.setdefault(customer.pk, []).append(fact)


def write(told: Sequence[Told], rows: Rows, actors: dict[int, Actor], now: datetime, rules: Rules) -> None:
    """Writes what all of them left behind; the ledger's part by asking the engine."""
    for contacts in (
        [contact for each in told for contact in each.contacts if contact.follows_id is None],
        [contact for each in told for contact in each.contacts if contact.follows_id is not None],
    ):
        put(contacts)
    put([demand for each in told for demand in each.demands])
    put([need for each in told for need in each.needs])
    people = {customer.pk: customer for customer in rows.customers}
    greeted_by_sms = rows.greeted_by_sms()
    document = ledger.Entries([], [], [])
    for each in told:
        for number, facts in each.facts.items():
            facts.sort(key=lambda fact: fact.at)
            person = _person(people[number], number in greeted_by_sms)
            _append(document, facts, person, actors[facts[0].staff], now, rules)
            if len(document.facts) > SLICE * 4:
                _tell(document)
                document = ledger.Entries([], [], [])
    _tell(document)


def _append(
    document: ledger.Entries, facts: list[Fact], person: Person, actor: Actor, now: datetime, rules: Rules
) -> None:
    """Asks about one customer's facts and puts the answer behind what the document has; each became known when it happened."""
    entries = ledger.ask(facts, Case(person), actor=actor, now=now, bank=rules)
    n, places = len(document.facts), len(document.dues)
    known = {row["n"]: fact.known_at.isoformat() for row, fact in zip(entries.facts, facts, strict=True)}
    by = {
        row["n"]: None if fact.grade == "observed" else actor.id for row, fact in zip(entries.facts, facts, strict=True)
    }
    document.facts.extend(
        {**row, "n": n + row["n"], "known_at": known[row["n"]], "by_id": by[row["n"]]} for row in entries.facts
    )
    document.dues.extend(
        {
            **row,
            "fact": n + row["fact"],
            "place": places + row["place"],
            "settling": None if row["settling"] is None else n + row["settling"],
            "created_at": known[row["fact"]],
        }
        for row in entries.dues
    )


def _person(customer: Customer, greets_by_sms: bool) -> Person:
    return Person(
        id=customer.pk,
        tier=customer.tier,
        kind=customer.kind,  # type: ignore[arg-type]
        has_mobile=customer.mobile_index is not None,
        has_other_phone="phone2" in customer.profile,
        greets_by_sms=greets_by_sms,
        deceased_on=customer.deceased_on,
        closed_on=customer.closed_on,
        do_not_disturb=customer.do_not_disturb,
        complaint_open=customer.complaint_open,
    )


def _tell(entries: ledger.Entries) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH doc AS (SELECT %s::jsonb AS d), {ledger.LEDGER} SELECT count(*) FROM owed",
            [json.dumps(entries.document())],
        )
