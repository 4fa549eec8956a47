"""OWE: what is owed because of a fact, and what a fact settles of what was owed.

    dues = owe(fact, case, code, bank, workdays)        # new obligations
    settlements = settle(fact, case, bank)              # what this fact does to those that are open

Pure: the same fact, case, clauses and settings give the same answer. The ledger writes it down.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from zhike.conduct import wording
from zhike.conduct.bank import Bank
from zhike.conduct.calendars import Workdays
from zhike.conduct.clause import OBLIGATIONS, Clause, Code, OweRule, Version
from zhike.conduct.facts import Case, Fact, Owed
from zhike.conduct.windows import Window, arrival_grade, named
from zhike.conduct.words import Words


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that becomes owed. `due` None: it has no deadline. `obstacle`: what makes it "cannot be done" at once."""

    clause: str
    clause_from: date
    kind: str
    force: str
    origin: str
    owner: int
    customer: int | None
    subject: str
    tier: str
    window: Window
    endless: bool
    lapses: bool
    channels: tuple[str, ...]
    detail: Mapping[str, Any]
    obstacle: str | None
    key: str
    what: Words
    why: Words

    @property
    def due(self) -> datetime | None:
        return None if self.endless else self.window.due


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of an open obligation: `state` done, withdrawn, cannot or open again, with its evidence.

    One that stays open may say in its evidence why what was done for it did not do (`still`).
    """

    owed: int
    state: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


# Owed by whoever held the contact, a stand-in as well; thanks and what is to be found out stay the RM's.
HOLDERS = frozenset({"write_up", "call_again"})


def owe(fact: Fact, case: Case, code: Code, bank: Bank, workdays: Workdays) -> list[Due]:
    """What is owed because of `fact`, clause by clause in the order of the code.

    After a customer's death nothing more is owed towards them; what is owed to the bank (a write-up) still is. Clauses and
    settings are those of the fact's own day, however late it becomes known.
    """
    bank = bank.at(fact.at)
    day = fact.at.astimezone(bank.zone).date()
    return [
        due
        for clause, version, rule in code.rules(fact.kind, day)
        if all(condition(fact, case, bank) for condition in rule.when)
        and not _dead(case, rule)
        and not _asked_already(due := _due(fact, case, clause, version, rule, bank, workdays), case)
    ]


def key(clause: str, kind: str, subject: str) -> str:
    """Names the thing owed under a clause towards or about ``subject``, also before it is owed."""
    return f"{clause}/{kind}/{subject}"


def _asked_already(due: Due, case: Case) -> bool:
    """R4: what is missing is asked for once, however many contacts miss it; found out and lost again, it is asked anew."""
    return due.kind == "find_out" and any(
        owed.kind == "find_out" and owed.customer == due.customer and owed.detail == due.detail and owed.key != due.key
        for owed in case.owed
    )


def _dead(case: Case, rule: OweRule) -> bool:
    return rule.kind != "write_up" and case.person is not None and case.person.deceased_on is not None


def _due(
    fact: Fact, case: Case, clause: Clause, version: Version, rule: OweRule, bank: Bank, workdays: Workdays
) -> Due:
    window = named(rule.window, fact.target if rule.from_target else fact.at, bank, workdays)
    if rule.opens_now:
        window = replace(window, opens=fact.at)
    if rule.opens_from:
        window = replace(window, opens=datetime.fromisoformat(fact.data[rule.opens_from]))
    tier = case.person.tier if case.person else ""
    channels = rule.channels(fact, case, bank) if rule.channels else ()
    detail = rule.detail(fact, case, bank) if rule.detail else {}
    return Due(
        clause=clause.id,
        clause_from=version.from_day,
        kind=rule.kind,
        force=clause.force,
        origin="law" if clause.law else rule.origin,
        owner=fact.data.get("held_by", fact.staff) if rule.kind in HOLDERS else fact.staff,
        customer=fact.customer,
        subject=fact.subject,
        tier=tier,
        window=window,
        endless=rule.endless,
        lapses=rule.lapses,
        channels=channels,
        detail=detail,
        obstacle=rule.obstacle(fact, case, bank) if rule.obstacle else None,
        key=_key(fact, clause, rule),
        what=wording.what(rule.kind, fact, detail, channels, bank),
        why=wording.why(rule.because, fact, tier, bank),
    )


def _key(fact: Fact, clause: Clause, rule: OweRule) -> str:
    """Names the thing owed, however often the fact is told: two demands of one visit are two subjects.

    A visit that is moved twice owes two arrivals, and perhaps two apologies: each is named with its moment. A prospect has one next
    step after the other.
    """
    what = rule.detail.__name__ if rule.detail and rule.kind == "find_out" else rule.kind
    at = fact.at.isoformat()
    moment = {
        "arrival": fact.data.get("target", ""), "apology": at, "take_on": at, "prospect_step": str(fact.data.get("step", "")),
        "prospect_keep": fact.data.get("target", ""),
    }.get(rule.kind, "")  # fmt: skip
    return "/".join(part for part in (clause.id, what, fact.subject, moment) if part)


# ── settling ────────────────────────────────────────────────────────────────────────────────────────────────────

Settler = Callable[[Fact, Owed, Case, Bank], Settlement | None]


def settle(fact: Fact, case: Case, bank: Bank) -> list[Settlement]:
    """What `fact` does to the open obligations of its case, each by the settings of its own day."""
    return list(_settle(fact, case, bank))


def _settle(fact: Fact, case: Case, bank: Bank) -> Iterator[Settlement]:
    for owed in case.owed:
        then = bank.at(owed.opens)
        if owed.state == "missed" and _had_lapsed(fact, owed, then):
            continue
        for settler in SETTLERS.get(fact.kind, ()):
            if settlement := settler(fact, owed, case, then):
                yield settlement
                break


def _had_lapsed(fact: Fact, owed: Owed, bank: Bank) -> bool:
    """Whether what is missed by now was missed already when this happened: a greeting with its day, an arrival with the day of the
    visit. What was done before, and becomes known only now, was done.
    """
    assert owed.due is not None
    return _day(fact.at, bank) > _day(owed.due, bank) if owed.kind == "arrival" else _late(fact, owed)


def _done(fact: Fact, owed: Owed, **evidence: Any) -> Settlement:
    return Settlement(owed.id, "done", {"at": fact.at.isoformat(), "grade": fact.grade, **evidence})


def _thanked(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """A thank-you closes all thanks that the day's contacts owe this customer (bank), if channel and text suit each.

    Sent before the contact ended it thanks for something else; after a first meeting or call it must introduce the sender.
    """
    if owed.kind != "thanks" or fact.data["purpose"] != "thanks" or owed.customer != fact.customer:
        return None
    if fact.data["channel"] not in owed.channels or fact.at < owed.opens:
        return None
    if owed.detail["text"] != "later" and not fact.data.get("introduces"):
        return None
    if fact.subject != owed.subject and not (bank.one_message_closes_day and _one_day(fact, owed, case, bank)):
        return None
    return _done(fact, owed, channel=fact.data["channel"], through=fact.data.get("through", ""), late=_late(fact, owed))


def _one_day(fact: Fact, owed: Owed, case: Case, bank: Bank) -> bool:
    """Whether `owed` comes from the day that the thanks are for: the day of the contact they were aimed at, else their own."""
    aimed = next(
        (other.opens for other in case.owed if other.kind == "thanks" and other.subject == fact.subject), fact.at
    )
    return _day(owed.opens, bank) == _day(aimed, bank)


def _written_up(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    if owed.kind != "write_up" or owed.subject != fact.subject:
        return None
    return _done(fact, owed, late=_late(fact, owed))


def _called_back(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """C5: the promised call was made. A customer who rings first satisfies it; a call for something else made early does not.

    The deviation is in minutes, negative for early, to the second.
    """
    if owed.kind not in {"call_back", "call_again"} or owed.customer != fact.customer:
        return None
    made = datetime.fromisoformat(fact.data["started"]) if "started" in fact.data else fact.at
    incoming = bool(fact.data["incoming"])
    if owed.kind == "call_again":
        return _done(fact, owed, incoming=incoming) if made >= owed.opens else None
    assert owed.target is not None
    meant = fact.data.get("for") == f"obligation:{owed.id}"
    if made < owed.opens and not (incoming or meant):
        return None
    if incoming and made < owed.opens:
        return _done(fact, owed, incoming=True, made="by the customer")
    minutes = round((made - owed.target) / timedelta(minutes=1), 2)
    return _done(fact, owed, incoming=incoming, minutes=minutes, kept=_kept(made, owed))


def _kept(made: datetime, owed: Owed) -> str:
    """How a call-back is measured: early, kept or late by the tolerance with which it was promised."""
    if made < owed.opens:
        return "early"
    return "late" if owed.due is not None and made > owed.due else "kept"


def _arrived(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    if owed.kind != "arrival" or owed.subject != fact.subject:
        return None
    assert owed.due is not None
    prescribed_to = owed.detail.get("prescribed_to", bank.arrival_prescribed_to)
    return _done(fact, owed, arrival=arrival_grade(fact.at, owed.due, owed.opens, prescribed_to))


def _called_off(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """A visit that is cancelled or moved owes no arrival at the old time."""
    if owed.kind != "arrival" or owed.subject != fact.subject:
        return None
    return Settlement(owed.id, "withdrawn", {"why": "called_off", "whose": fact.data["whose"]})


def _told(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """V3: done only when both are recorded: how and when the customer was told, and that the RM apologised.

    A visit that is moved and then called off owes two: each telling says of which (`of`, its moment).
    """
    if owed.kind != "apology" or owed.subject != fact.subject or not fact.data["apologised"]:
        return None
    if "of" in fact.data and datetime.fromisoformat(fact.data["of"]) != owed.opens:
        return None
    return _done(fact, owed, how=fact.data["how"])


def _answered(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """V7, W11: closed by what was answered, and how. "Still in process" is an answer too; the demand stays open."""
    if owed.kind not in {"answer", "promise", "look_into"} or owed.subject != fact.subject:
        return None
    return _done(fact, owed, words=fact.data["words"], how=fact.data["how"], late=_late(fact, owed))


def _looked_into(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """The leader was told that a call-back is missed; once it is made there is nothing left to look into. A call that does not make
    it, recorded afterwards and from before, leaves that too.
    """
    if owed.kind != "look_into" or owed.clause != "C5" or owed.customer != fact.customer:
        return None
    promised = owed.subject.partition("/leader:")[0]
    missed = [other for other in case.owed if other.kind == "call_back" and other.subject == promised]
    if any(_called_back(fact, other, case, bank) is None for other in missed):
        return None
    return _done(fact, owed, why="called")


def _found_out(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    if owed.kind != "find_out" or owed.customer != fact.customer or owed.detail["field"] != fact.data["field"]:
        return None
    return _done(fact, owed)


def _reachable(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """Thanks that no SMS could carry are owed again once the mobile is known, while their time lasts."""
    if owed.kind != "thanks" or owed.state != "cannot" or owed.customer != fact.customer:
        return None
    alive = case.person is not None and case.person.deceased_on is None
    if fact.data["field"] != "mobile" or not alive or "sms" not in owed.channels or _late(fact, owed):
        return None
    return Settlement(owed.id, "open")


def _arranged(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """S3: every customer of the book has a greeting for the festival, or a reason not to."""
    if owed.kind != "greetings" or owed.subject != fact.subject:
        return None
    return _done(fact, owed, late=_late(fact, owed))


PROSPECTS = frozenset({"prospect_step", "prospect_keep"})


def _prospect_contacted(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """W5: a talk keeps the prospect, a message does not; it is the next step as well where the RM says so."""
    if owed.kind not in PROSPECTS or owed.subject != fact.subject:
        return None
    if not fact.data["does" if owed.kind == "prospect_step" else "talked"]:
        return None
    return _done(fact, owed, words=fact.data["words"], how=fact.data["how"], late=_late(fact, owed))


def _prospect_left(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """Lost, handed to another or back in the pool: whoever held the prospect owes it nothing more. Of one who was won the next
    step stays, now towards a customer.
    """
    if owed.kind not in PROSPECTS or owed.subject != fact.subject:
        return None
    if owed.kind == "prospect_step" and fact.data["why"] == "won":
        return None
    return Settlement(owed.id, "withdrawn", {"why": fact.data["why"], "at": fact.at.isoformat()})


def _note_answered(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """W12: read, used, or why not."""
    if owed.kind != "note_answer" or owed.subject != fact.subject:
        return None
    return _done(fact, owed, words=fact.data["words"], how=fact.data["how"], late=_late(fact, owed))


def _answer_seen(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    if owed.kind != "answer_back" or owed.subject != fact.subject:
        return None
    return _done(fact, owed)


def _forwarded(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """S4: every customer of the book who may be told has been told, or is left out for a reason. Late, it is done late."""
    if owed.kind != "forward" or owed.subject != fact.subject:
        return None
    return _done(fact, owed, late=_late(fact, owed))


def _signed_in(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """W7: back from an outing, at once. Whoever is back later than was said last is late."""
    if owed.kind != "sign_in" or owed.subject != fact.subject:
        return None
    return _done(fact, owed, late=_late(fact, owed))


def _not_gone(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """An outing that is called off before leaving owes no return."""
    if owed.kind != "sign_in" or owed.subject != fact.subject:
        return None
    return Settlement(owed.id, "withdrawn", {"why": "called_off"})


def _no_longer_missing(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """The leader was told that somebody is not back: once they are, or have said until when, nothing is left to look into."""
    if owed.kind != "look_into" or owed.subject != fact.subject:
        return None
    return _done(fact, owed, why=fact.kind.removeprefix("outing_"))


def _told_of(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """W7: of each stop it is said what came of it."""
    if owed.kind != "outing_report" or owed.subject != fact.subject:
        return None
    return _done(fact, owed, late=_late(fact, owed))


def _helped(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """W7: whoever asked for help has an answer."""
    if owed.kind != "help" or owed.subject != fact.subject:
        return None
    return _done(fact, owed, words=fact.data["words"], late=_late(fact, owed))


def _delivered(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """W8: somebody has received it, whoever had it in hand."""
    if owed.kind != "delivery" or owed.subject != fact.subject:
        return None
    return _done(fact, owed, words=fact.data["words"], how=fact.data["how"], late=_late(fact, owed))


def _not_delivered(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """What need not be delivered any more is owed no more."""
    if owed.kind != "delivery" or owed.subject != fact.subject:
        return None
    return Settlement(owed.id, "withdrawn", {"why": "called_off"})


def _greeted(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    if owed.kind != "birthday" or owed.customer != fact.customer or fact.at < owed.opens:
        return None
    channel = fact.data.get("channel", "call")
    if fact.data.get("purpose") != "birthday" or channel not in owed.channels:
        return None
    return _done(fact, owed, channel=channel)


def _met(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """A real contact resets the rhythm: a meeting, or a call that connected and lasted (bank); never a message.

    A call that does not count leaves it open and says so, with its seconds.
    """
    if owed.kind != "rhythm" or owed.customer != fact.customer or not _since(fact, owed, bank):
        return None
    if fact.kind == "call_ended":
        reached = fact.data["outcome"] in {"reached", "not_interested"}
        seconds, wanted = fact.data.get("seconds", bank.rhythm_call_seconds), bank.rhythm_call_seconds
        if not reached or seconds < wanted:
            still = {"still": "short_call" if reached else "not_reached", "at": fact.at.isoformat()}
            said = {**still, "seconds": seconds, "wanted": wanted} if reached else still
            return Settlement(owed.id, "open", said) if owed.state == "open" else None
    return _done(fact, owed)


def _met_in_person(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """A meeting is due: a reception or a visit does it, whoever held it; a call, however long, does not."""
    if owed.kind != "meet" or owed.customer != fact.customer or not _since(fact, owed, bank):
        return None
    return _done(fact, owed)


def _since(fact: Fact, owed: Owed, bank: Bank) -> bool:
    """Whether it came after the last one that was known when the next became due: an older one, recorded afterwards, changes nothing."""
    return _day(fact.at, bank) > date.fromisoformat(owed.detail["since"])


def _greeted_in_person(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """A meeting, or a call that connected, on the birthday is the greeting when it was its purpose."""
    if fact.kind == "call_ended" and fact.data["outcome"] != "reached":
        return None
    channel = "call" if fact.kind == "call_ended" else "meeting"
    if owed.kind != "birthday" or owed.customer != fact.customer or fact.at < owed.opens:
        return None
    if fact.data.get("purpose") != "birthday" or channel not in owed.channels:
        return None
    return _done(fact, owed, channel=channel)


def _thanked_by_call(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """V5: diamond+ may be thanked by a call; one that reached the customer and was made to thank."""
    if fact.data["outcome"] != "reached" or fact.data.get("purpose") != "thanks":
        return None
    if owed.kind != "thanks" or owed.customer != fact.customer or "call" not in owed.channels or fact.at < owed.opens:
        return None
    return _done(fact, owed, channel="call", late=_late(fact, owed))


def _of_assignment(*kinds: str) -> Settler:
    """W2: what an act on an assignment does of what is owed because of it."""

    def settler(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
        if owed.kind not in kinds or owed.subject != fact.subject:
            return None
        if fact.kind == "assignment_called_off":
            return Settlement(owed.id, "withdrawn", {"why": "called_off"})
        return _done(fact, owed, late=_late(fact, owed), **fact.data if fact.kind == "assignment_done" else {})

    return settler


def _acknowledged(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """W6: read, and will be kept; attested by one's own tap."""
    if owed.kind != "acknowledge" or owed.subject != fact.subject:
        return None
    return _done(fact, owed, late=_late(fact, owed))


def _plan_fixed(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """W1: the plan of the period stands."""
    if owed.kind != "work_plan" or owed.subject != fact.subject:
        return None
    return _done(fact, owed, late=_late(fact, owed))


def _planned_done(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """W1: of what no other act settles somebody says that it is done."""
    if owed.kind != "planned" or owed.subject != fact.subject:
        return None
    return _done(fact, owed, words=fact.data["words"], late=_late(fact, owed))


def _planned_off(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """One's own addition that is not wanted any more; why is kept."""
    if owed.kind != "planned" or owed.subject != fact.subject:
        return None
    return Settlement(owed.id, "withdrawn", {"why": "called_off", "words": fact.data["why"], "at": fact.at.isoformat()})


def _planned_met(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """W1: what was planned with a customer is done by talking with them, on the phone or in person; never by a message."""
    if owed.kind != "planned" or owed.customer is None or owed.customer != fact.customer or fact.at < owed.opens:
        return None
    if fact.kind == "call_ended" and fact.data["outcome"] not in {"reached", "not_interested"}:
        return None
    return _done(fact, owed, words="", how="contact", late=_late(fact, owed))


def _comment_seen(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    if owed.kind != "plan_comment" or owed.subject != fact.subject:
        return None
    return _done(fact, owed, late=_late(fact, owed))


TO_THE_CUSTOMER = frozenset(OBLIGATIONS) - {"write_up"}
CARE = frozenset({"birthday", "rhythm", "meet"})
STOPPED_BY = {"deceased": TO_THE_CUSTOMER, "closed": CARE, "do_not_disturb": CARE, "complaint": CARE}


def _stopped(fact: Fact, owed: Owed, case: Case, bank: Bank) -> Settlement | None:
    """Death stops all that is owed to the customer; closing, do-not-disturb and a complaint stop greetings and rhythm."""
    if owed.customer != fact.customer or owed.kind not in STOPPED_BY[fact.data["stop"]]:
        return None
    return Settlement(owed.id, "cannot", {"why": fact.data["stop"], "at": fact.at.isoformat()})


SETTLERS: dict[str, tuple[Settler, ...]] = {
    "message_sent": (_thanked, _greeted),
    "greetings_arranged": (_arranged,),
    "campaign_forwarded": (_forwarded,),
    "prospect_contacted": (_prospect_contacted,),
    "prospect_left": (_prospect_left,),
    "note_answered": (_note_answered,),
    "note_answer_seen": (_answer_seen,),
    "call_ended": (_called_back, _looked_into, _thanked_by_call, _greeted_in_person, _met, _planned_met),
    "reception_ended": (_greeted_in_person, _met, _met_in_person, _planned_met),
    "visit_ended": (_greeted_in_person, _met, _met_in_person, _planned_met),
    "written_up": (_written_up,),
    "arrived": (_arrived,),
    "visit_called_off": (_called_off,),
    "customer_told": (_told,),
    "answered": (_answered,),
    "assignment_taken_on": (_of_assignment("take_on"),),
    "assignment_asked": (_of_assignment("take_on"),),
    "assignment_looked_at": (_of_assignment("look_over"),),
    "assignment_done": (_of_assignment("assignment"),),
    "assignment_called_off": (_of_assignment("take_on", "assignment", "look_over"),),
    "field_learned": (_found_out, _reachable),
    "customer_stopped": (_stopped,),
    "outing_returned": (_signed_in, _no_longer_missing),
    "outing_extended": (_no_longer_missing,),
    "outing_called_off": (_not_gone, _no_longer_missing),
    "outing_told": (_told_of,),
    "help_answered": (_helped,),
    "delivered": (_delivered,),
    "delivery_called_off": (_not_delivered,),
    "code_acknowledged": (_acknowledged,),
    "plan_fixed": (_plan_fixed,),
    "planned_done": (_planned_done,),
    "planned_off": (_planned_off,),
    "plan_comment_seen": (_comment_seen,),
}


def _day(at: datetime, bank: Bank) -> date:
    return at.astimezone(bank.zone).date()


def _late(fact: Fact, owed: Owed) -> bool:
    if owed.due is None:
        return False
    return fact.at > owed.due if owed.due_counts else fact.at >= owed.due
