"""What a clause's rule may name: conditions, channels, obstacles and details, each a small function of fact, case and bank.

The TOML of a clause names them; the loader refuses a name that is not here.
"""

from collections.abc import Callable, Mapping
from typing import Any

from zhike.conduct.bank import Bank
from zhike.conduct.facts import Case, Fact

Condition = Callable[[Fact, Case, Bank], bool]
Channels = Callable[[Fact, Case, Bank], tuple[str, ...]]
Obstacle = Callable[[Fact, Case, Bank], str | None]
Detail = Callable[[Fact, Case, Bank], Mapping[str, Any]]

CONDITIONS: dict[str, Condition] = {}
CHANNELS: dict[str, Channels] = {}
OBSTACLES: dict[str, Obstacle] = {}
DETAILS: dict[str, Detail] = {}


def _named(names: dict[str, Any]) -> Callable[[Any], Any]:
    def register(function: Any) -> Any:
        names[function.__name__] = function
        return function

    return register


def _tier(case: Case) -> str:
    if case.person is None:
        raise ValueError("This rule speaks of a customer's tier, and the fact has no customer.")
    return case.person.tier


# ── conditions ──────────────────────────────────────────────────────────────────────────────────────────────────


@_named(CONDITIONS)
def thanked_after_reception(fact: Fact, case: Case, bank: Bank) -> bool:
    """R12: platinum and above; below it only where the bank wants it, first meeting or not."""
    return bank.at_least(_tier(case), "platinum") or bank.reception_thanks_below_platinum


@_named(CONDITIONS)
def thanked_after_visit(fact: Fact, case: Case, bank: Bank) -> bool:
    """V5 names no tier for "every visit": below platinum by the bank's setting, which is on."""
    return bank.at_least(_tier(case), "platinum") or bank.visit_thanks_below_platinum


@_named(CONDITIONS)
def first(fact: Fact, case: Case, bank: Bank) -> bool:
    return bool(fact.data["first"])


@_named(CONDITIONS)
def connected(fact: Fact, case: Case, bank: Bank) -> bool:
    """The customer was talked with: reached, or not interested. Busy and absent put the talk off."""
    return fact.data["outcome"] in {"reached", "not_interested"}


@_named(CONDITIONS)
def reached(fact: Fact, case: Case, bank: Bank) -> bool:
    """C8: a customer who is not interested is owed no thanks."""
    return bool(fact.data["outcome"] == "reached")


@_named(CONDITIONS)
def no_answer(fact: Fact, case: Case, bank: Bank) -> bool:
    return bool(fact.data["outcome"] == "no_answer")


@_named(CONDITIONS)
def wrong_number(fact: Fact, case: Case, bank: Bank) -> bool:
    return bool(fact.data["outcome"] == "wrong_number")


@_named(CONDITIONS)
def customer_absent(fact: Fact, case: Case, bank: Bank) -> bool:
    return bool(fact.data["outcome"] == "absent")


@_named(CONDITIONS)
def customer_busy(fact: Fact, case: Case, bank: Bank) -> bool:
    return bool(fact.data["outcome"] == "busy")


@_named(CONDITIONS)
def no_time_agreed(fact: Fact, case: Case, bank: Bank) -> bool:
    """Nobody would say when a call suits: the call is tried again, without a promised minute."""
    return not fact.data.get("call_back")


@_named(CONDITIONS)
def at_a_visit(fact: Fact, case: Case, bank: Bank) -> bool:
    """V7 is a clause of visits; what is promised at a reception or on the phone is W11's."""
    return bool(fact.data["occasion"] == "visit")


@_named(CONDITIONS)
def date_given(fact: Fact, case: Case, bank: Bank) -> bool:
    return bool(fact.data.get("target"))


@_named(CONDITIONS)
def no_date_given(fact: Fact, case: Case, bank: Bank) -> bool:
    return not fact.data.get("target")


@_named(CONDITIONS)
def asks_something(fact: Fact, case: Case, bank: Bank) -> bool:
    """Of what a customer wrote; somebody has said so where it was thanks alone."""
    return fact.data.get("asks") != "nothing"


@_named(CONDITIONS)
def own_reason(fact: Fact, case: Case, bank: Bank) -> bool:
    """V3: the RM's own reason; what the customer cancels owes nothing."""
    return bool(fact.data["whose"] == "rm")


@_named(CONDITIONS)
def mobile_missing(fact: Fact, case: Case, bank: Bank) -> bool:
    return "mobile" in fact.data["missing"]


@_named(CONDITIONS)
def email_missing(fact: Fact, case: Case, bank: Bank) -> bool:
    return "email" in fact.data["missing"]


@_named(CONDITIONS)
def birthdays_greeted(fact: Fact, case: Case, bank: Bank) -> bool:
    return bank.birthday_greeting


@_named(CONDITIONS)
def notes_answered(fact: Fact, case: Case, bank: Bank) -> bool:
    """W12: whoever receives a note owes an answer where the bank wants it so."""
    return bank.note_answers


@_named(CONDITIONS)
def not_stopped(fact: Fact, case: Case, bank: Bank) -> bool:
    """Greetings and rhythm stop with the account, do-not-disturb or an open complaint (CLAUSES, Stops)."""
    return case.person is None or case.person.stopped is None


# ── channels ────────────────────────────────────────────────────────────────────────────────────────────────────


def _sms(bank: Bank) -> tuple[str, ...]:
    return ("sms", "wecom") if bank.wecom_counts_as_sms else ("sms",)


@_named(CHANNELS)
def sms(fact: Fact, case: Case, bank: Bank) -> tuple[str, ...]:
    return _sms(bank)


@_named(CHANNELS)
def phone(fact: Fact, case: Case, bank: Bank) -> tuple[str, ...]:
    return ("call",)


@_named(CHANNELS)
def in_person(fact: Fact, case: Case, bank: Bank) -> tuple[str, ...]:
    return ("meeting",)


@_named(CHANNELS)
def any_channel(fact: Fact, case: Case, bank: Bank) -> tuple[str, ...]:
    return (
        ("call", *_sms(bank), "meeting", "wecom")
        if not bank.wecom_counts_as_sms
        else ("call", "sms", "wecom", "meeting")
    )


@_named(CHANNELS)
def visit_thanks(fact: Fact, case: Case, bank: Bank) -> tuple[str, ...]:
    """V5: after a first meeting an SMS, so that a call alone does not do; else diamond+ by call or SMS, others by SMS.

    A platinum customer whom no SMS can reach may be called (bank).
    """
    if fact.data["first"] and bank.visit_first_needs_sms:
        return _sms(bank)
    if bank.at_least(_tier(case), "diamond"):
        return ("call", *_sms(bank)) if case.person is None or case.person.has_mobile else ("call",)
    if bank.visit_call_where_sms_impossible and case.person and not case.person.has_mobile:
        return ("call",)
    return _sms(bank)


@_named(CHANNELS)
def greeting(fact: Fact, case: Case, bank: Bank) -> tuple[str, ...]:
    """A birthday: private banking and diamond are called or met, others may also be written to (PRACTICE 1.3), with their consent
    to greetings (law).
    """
    consented = not bank.greeting_needs_consent or (case.person is not None and case.person.greets_by_sms)
    if bank.at_least(_tier(case), "diamond") or not consented:
        return ("call", "meeting")
    return ("call", *_sms(bank), "meeting")


# ── obstacles: what makes an obligation "cannot be done" ────────────────────────────────────────────────────────


@_named(OBSTACLES)
def no_mobile(fact: Fact, case: Case, bank: Bank) -> str | None:
    return None if case.person is None or case.person.has_mobile else "no_mobile"


@_named(OBSTACLES)
def unreachable_after_visit(fact: Fact, case: Case, bank: Bank) -> str | None:
    if case.person is None or case.person.has_mobile:
        return None
    channels = visit_thanks(fact, case, bank)
    return None if "call" in channels and case.person.has_other_phone else "no_mobile"


# ── details: what exactly is owed ───────────────────────────────────────────────────────────────────────────────


@_named(DETAILS)
def thanks_text(fact: Fact, case: Case, bank: Bank) -> Mapping[str, Any]:
    """Which text: after a first meeting it also says who the sender is and that one may come with anything."""
    return {"text": "first" if fact.data["first"] else "later", "occasion": fact.kind.removesuffix("_ended")}


@_named(DETAILS)
def first_call_text(fact: Fact, case: Case, bank: Bank) -> Mapping[str, Any]:
    return {"text": "first_call", "occasion": "first_call"}


@_named(DETAILS)
def write_up_of_meeting(fact: Fact, case: Case, bank: Bank) -> Mapping[str, Any]:
    return {"wants": ["plan", "result", "needs"]}


@_named(DETAILS)
def write_up_of_call(fact: Fact, case: Case, bank: Bank) -> Mapping[str, Any]:
    """C6 asks for plan and needs; result and fields learned are offered."""
    return {"wants": ["plan", "needs"]}


@_named(DETAILS)
def mobile(fact: Fact, case: Case, bank: Bank) -> Mapping[str, Any]:
    return {"field": "mobile"}


@_named(DETAILS)
def email(fact: Fact, case: Case, bank: Bank) -> Mapping[str, Any]:
    return {"field": "email"}


@_named(DETAILS)
def of_the_visit(fact: Fact, case: Case, bank: Bank) -> Mapping[str, Any]:
    """V2: the limit that the window does not say, as it stood when the visit was agreed."""
    return {**as_said(fact, case, bank), "prescribed_to": bank.arrival_prescribed_to}


@_named(DETAILS)
def as_said(fact: Fact, case: Case, bank: Bank) -> Mapping[str, Any]:
    """The words that were said, and to whom the word was given."""
    said = (
        "words",
        "words_en",
        "who",
        "step",
        "to",
        "period",
        "first_day",
        "last_day",
        "stops",
        "answer",
        "leader",
        "festival",
        "festival_en",
        "campaign",
        "product",
        "day",
        "day_en",
        "since",
        "days",
        "outcome",
        "place",
        "purpose",
        "target",
    )
    return {name: fact.data[name] for name in said if name in fact.data}
