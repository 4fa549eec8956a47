"""One RM's days, told verb by verb: what the pages and the API do, each at its hour, in the order of time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from zhike.conduct.bank import Bank as Rules
from zhike.conduct.facts import Fact
from zhike.conduct.words import Refused
from zhike.contacts import course, write_up
from zhike.contacts.completion import How, complete
from zhike.contacts.models import Contact
from zhike.contacts.write_up import NeedHeard, NextContact, PromiseMade, WriteUp
from zhike.customers.models import Customer, Need
from zhike.demo.history import Told
from zhike.obligations import ledger
from zhike.obligations.models import Obligation
from zhike.people.actor import Actor, acting
from zhike.people.models import Staff
from zhike.work import outings
from zhike.work.models import Outing

Act = Callable[[Actor, datetime, Rules], Any]


class Diary:
    """Acts at their moments. What lies behind ``now`` is not done: it is still ahead, or open."""

    def __init__(self, rm: Staff, now: datetime, rules: Rules) -> None:
        self.rm, self.now, self.rules = rm, now, rules
        self._acts: list[tuple[datetime, int, Act]] = []
        self._order = count()
        self._real: dict[int, Contact] = {}

    def on(self, moment: datetime, act: Act) -> None:
        heapq.heappush(self._acts, (moment, next(self._order), act))

    def live(self) -> None:
        while self._acts:
            moment, _order, act = heapq.heappop(self._acts)
            if moment <= self.now:
                with acting(self.rm.pk, moment) as actor:
                    act(actor, moment, self.rules)

    # ── what is owed ─────────────────────────────────────────────────────────────────────────────────────────────

    def owed(self, kind: str, **about: Any) -> Obligation | None:
        return Obligation.objects.filter(kind=kind, state="open", owner=self.rm, **about).order_by("due", "pk").first()

    def settle(self, kind: str, moment: datetime, how: How, subject: Callable[[], str]) -> None:
        """Does at ``moment`` what is owed about a subject, if it is owed then."""

        def act(actor: Actor, now: datetime, rules: Rules) -> None:
            obligation = self.owed(kind, subject=subject())
            if obligation is not None:
                complete(obligation, how, actor=actor, now=now, bank=rules)

        self.on(moment, act)

    # ── going out ────────────────────────────────────────────────────────────────────────────────────────────────

    def go_out(self, visit: datetime, customer: int, place: str) -> None:
        """The outing in which a visit lies, reported as one leaves; a second visit on the way is in it too."""

        def act(actor: Actor, now: datetime, rules: Rules) -> None:
            stops = [outings.Going(customer, place, "拜访客户")]
            with suppress(Refused):
                outings.report(
                    stops, departs_at=now, returns_at=visit + timedelta(hours=2), actor=actor, now=now, bank=rules
                )

        self.on(visit - timedelta(minutes=40), act)

    def come_back(self, ended: datetime) -> None:
        """Signed back in and reported on."""

        def act(actor: Actor, now: datetime, rules: Rules) -> None:
            outing = Outing.objects.filter(staff=self.rm, state="out").first()
            if outing is not None:
                for stop in outing.stops.all():
                    stop.outing = outing
                    outings.report_on(stop, "done", actor=actor, now=now, bank=rules)
                outings.come_back(outing, actor=actor, now=now, bank=rules)

        self.on(ended + timedelta(minutes=20), act)

    # ── replaying what was drawn ─────────────────────────────────────────────────────────────────────────────────

    def replay(self, told: Told) -> None:
        """Does by verbs what :class:`zhike.demo.history.Days` drew."""
        by_subject: dict[str, list[Fact]] = {}
        for facts in told.facts.values():
            for fact in facts:
                by_subject.setdefault(
                    fact.subject.split("/")[0] if fact.subject.startswith("contact:") else "", []
                ).append(fact)
        proposed = {contact.pk for contact in told.proposed.values()}
        for contact in told.contacts:
            self._replay(contact, by_subject.get(contact.subject, []), told, proposed)
        for fact in by_subject.get("", []):
            self._replay_about_customer(fact)
        for need in told.needs:
            if need.closed_at:
                self._close_need(need)

    def _replay(self, drawn: Contact, facts: Sequence[Fact], told: Told, proposed: set[int]) -> None:
        if drawn.pk not in proposed:
            # A call-back is planned when it is made: until then it is a promise.
            made = drawn.started_at if drawn.pk in told.promised else None
            self.on(made or drawn.created_at, lambda actor, now, rules: self._plan(drawn, actor, now, rules))
        if drawn.state == "agreed":
            self.on(
                drawn.created_at + timedelta(hours=20), lambda actor, now, rules: self._agree(drawn, actor, now, rules)
            )
        if drawn.started_at is None or drawn.ended_at is None:
            return
        if drawn.kind == "visit":
            self.go_out(drawn.arrived_at or drawn.started_at, drawn.customer_id, drawn.place)
            self.come_back(drawn.ended_at)
        if drawn.arrived_at:
            self.on(
                drawn.arrived_at,
                lambda actor, now, rules: course.arrive(self._of(drawn), actor=actor, now=now, bank=rules),
            )
        self.on(drawn.started_at, lambda actor, now, rules: self._start(drawn, actor, now, rules))
        self.on(drawn.ended_at, lambda actor, now, rules: self._end(drawn, told, actor, now, rules))
        for fact in facts:
            self._follow_up(drawn, fact, facts, told)

    def _follow_up(self, drawn: Contact, fact: Fact, facts: Sequence[Fact], told: Told) -> None:
        """What was done about a contact once it was over."""
        match fact.kind:
            case "message_sent":
                how = How(channel=fact.data["channel"], through="platform", introduces=fact.data["introduces"])
                self.settle("thanks", fact.at, how, lambda: self._of(drawn).subject)
            case "answered":
                place = fact.subject.split("/")[1]
                kind = "answer" if place.startswith("demand") else "promise"
                how = How(channel=fact.data["how"], words=fact.data["words"], demand="met")
                self.settle(kind, fact.at, how, lambda: f"{self._of(drawn).subject}/{place}")
            case "written_up":
                form = self._form(drawn, facts, told)
                self.on(fact.at, lambda actor, now, rules: self._write_up(drawn, form, told, actor, now, rules))

    def _of(self, drawn: Contact) -> Contact:
        return self._real[drawn.pk]

    def _plan(self, drawn: Contact, actor: Actor, now: datetime, rules: Rules) -> None:
        contact = course.plan(
            Customer.objects.get(pk=drawn.customer_id),
            drawn.kind,
            actor=actor,
            now=now,
            planned_for=drawn.planned_for,
            purpose=drawn.purpose,
            purpose_words=drawn.purpose_words,
            place=drawn.place,
        )
        self._real[drawn.pk] = contact
        if drawn.kind == "visit" and drawn.started_at and drawn.planned_for:
            course.agree(contact, at=drawn.planned_for, place=drawn.place, actor=actor, now=now, bank=rules)

    def _agree(self, drawn: Contact, actor: Actor, now: datetime, rules: Rules) -> None:
        contact = self._real.get(drawn.pk)
        if contact is not None and contact.state == "planned" and drawn.planned_for:
            course.agree(
                contact, at=drawn.planned_for, place=drawn.place or "贵宾一室", actor=actor, now=now, bank=rules
            )

    def _start(self, drawn: Contact, actor: Actor, now: datetime, rules: Rules) -> None:
        contact = self._of(drawn)
        contact.purpose = drawn.purpose  # what was planned as service is an introduction while nobody has answered yet
        course.start(contact, actor=actor, now=now, bank=rules)

    def _end(self, drawn: Contact, told: Told, actor: Actor, now: datetime, rules: Rules) -> None:
        contact = self._of(drawn)
        if drawn.kind != "call":
            seen: dict[str, Any] = {
                "met_where": drawn.met_where,
                "seen_off": drawn.seen_off,
                "card_handed": drawn.card_handed,
            }
            course.end(contact, actor=actor, now=now, bank=rules, **seen)
            return
        promised = self.owed("call_back", customer=contact.customer_id)
        course.put_through(
            contact,
            drawn.outcome,
            actor=actor,
            now=now,
            bank=rules,
            call_back_at=drawn.call_back_at,
            fulfils=promised.pk if promised and drawn.pk in told.promised else None,
        )

    def _form(self, drawn: Contact, facts: Sequence[Fact], told: Told) -> WriteUp:
        needs = [NeedHeard(need.kind, need.words) for need in told.needs if need.contact == drawn.pk]
        then = told.proposed.get(drawn.pk)
        follows = (
            NextContact(then.kind, then.planned_for, then.purpose, then.purpose_words, then.place)
            if then and then.planned_for
            else None
        )
        return WriteUp(
            result=drawn.result,
            result_words=drawn.result_words,
            needs=needs,
            no_need=not needs,
            next=follows,
            by_rhythm=follows is None,
            demands=[fact.data["words"] for fact in facts if fact.kind == "demand_raised"],
            promises=[
                PromiseMade(fact.data["words"], "customer", datetime.fromisoformat(fact.data["target"]))
                for fact in facts
                if fact.kind == "promise_made"
            ],
        )

    def _write_up(self, drawn: Contact, form: WriteUp, told: Told, actor: Actor, now: datetime, rules: Rules) -> None:
        contact = self._of(drawn)
        write_up.close(contact, form, actor=actor, now=now, bank=rules)
        then = told.proposed.get(drawn.pk)
        if then is not None:
            self._real[then.pk] = Contact.objects.get(follows=contact)

    def _replay_about_customer(self, fact: Fact) -> None:
        """Birthdays and rhythm, as the nightly sweep tells them; the greeting."""
        if fact.kind == "message_sent":
            self.settle("birthday", fact.at, How(channel=fact.data["channel"]), lambda: fact.subject)
            return

        def act(actor: Actor, now: datetime, rules: Rules) -> None:
            assert fact.customer is not None
            ledger.tell_many([(fact, ledger.load_case(fact.customer, now.date()))], now=now, bank=rules)

        self.on(fact.at, act)

    def _close_need(self, need: Need) -> None:
        def act(actor: Actor, now: datetime, rules: Rules) -> None:
            for heard in Need.objects.filter(customer=need.customer_id, words=need.words, state="open")[:1]:
                heard.close(need.state, need.closed_why, now)

        assert need.closed_at
        self.on(need.closed_at, act)
