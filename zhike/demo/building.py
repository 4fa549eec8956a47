"""Putting the demonstration bank together, in one transaction: a build that is broken off leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from datetime import datetime, timedelta
from itertools import count

from django.db import connection, transaction

from zhike.conduct.bank import Bank as Rules
from zhike.contacts.models import Contact
from zhike.customers.models import Customer
from zhike.demo import (
    acknowledged,
    campaign,
    cast,
    deliveries,
    desk,
    festival,
    market,
    notes,
    outings,
    plans,
    records,
    satisfied,
)
from zhike.demo.bank import PASSWORD, SEATS, Bank, found
from zhike.demo.book import Library, Rows, numbers
from zhike.demo.diary import Diary
from zhike.demo.history import Days, Told, write
from zhike.demo.reminders import remember
from zhike.obligations.sweep import sweep
from zhike.people.actor import Actor
from zhike.people.models import Staff

SEED = "澄江银行"
DAYS = 92


def build(now: datetime, size: float = 1.0) -> Iterator[str]:
    """Builds the bank unless there is one, and says how to sign in. ``size`` scales the number of customers."""
    if not Staff.objects.exists():
        with transaction.atomic():
            _build(now.replace(microsecond=0), size)
    yield from sign_ins()


def sign_ins() -> Iterator[str]:
    """Who can sign in, and with what."""
    if not Staff.objects.filter(number=SEATS[0].number, name=SEATS[0].name).exists():
        return
    yield f"演示账号（口令均为 {PASSWORD} / password for all: {PASSWORD}）："
    for number in ("1001", "1010", "1040", "1050", "1060", "1070", "1080", "1090"):
        seat = next(each for each in SEATS if each.number == number)
        yield f"  {seat.number}  {seat.name}  {seat.title}{'  (English)' if seat.language == 'en' else ''}"


def _build(now: datetime, size: float) -> None:
    rules = Rules()
    began = (now.astimezone(rules.zone) - timedelta(days=DAYS)).replace(hour=2, minute=0, second=0)
    _months_of_the_trail(began, now)
    _nobody_acts(began)
    bank = found(began.date(), now)
    rules = desk.change_settings(bank, now, rules)
    _nobody_acts(began)
    library = Library(bank, began, DAYS, rules, SEED)
    library.shelve(library.wanted(cast.wanted(now.astimezone(rules.zone).date()), size))
    rows = library.rows
    people = cast.People({customer.name: customer for customer in rows.customers[: cast.COUNT]})
    cast.complete(people, library)
    told = _everybody_else(bank, rows, began, now, rules)
    diary = Diary(bank.staff["1001"], now, rules)
    drawn = _her_days(bank, rows, began, now, rules, people)
    rows.write()
    actors = {staff.pk: Actor(staff.pk, staff.name, frozenset({"rm"}), (), ()) for staff in bank.staff.values()}
    write(told, rows, actors, now, rules)
    diary.replay(drawn)
    cast.tell(diary, people, now, rules)
    diary.live()
    _nobody_acts(now)
    festival.greet(bank, now, rules)
    campaign.run(bank, now, rules)
    market.find(bank, now, rules)
    notes.note(bank, now, rules)
    records.file(bank, now, rules)
    _nobody_acts(now)
    acknowledged.read(bank, now, rules)
    _nobody_acts(now)
    satisfied.ask(bank, now, rules)
    _nobody_acts(now)
    sweep(now.astimezone(rules.zone).date(), now=now, bank=rules)
    desk.fill(bank, now, rules)
    outings.go(bank, now, rules)
    deliveries.carry(bank, now, rules)
    _nobody_acts(now)
    plans.make(bank, now, rules)
    _nobody_acts(now)
    remember(now, rules)
    _analyze()


def _everybody_else(bank: Bank, rows: Rows, began: datetime, now: datetime, rules: Rules) -> list[Told]:
    ids = numbers(Contact, 500)
    told = []
    for seat in bank.keepers:
        rm = bank.staff[seat.number]
        if seat.number != "1001":
            customers = [customer for customer in rows.customers if customer.rm_id == rm.pk]
            days = Days(seat, rm, rows, customers, ids, began, now, rules, SEED)
            days.leader = bank.leader_of(seat)
            told.append(days.live())
    return told


def _her_days(bank: Bank, rows: Rows, began: datetime, now: datetime, rules: Rules, people: cast.People) -> Told:
    """林晓's ordinary days, drawn like the others'; the verbs will do them, so what the draw remembers is put back."""
    seat, rm = bank.seats["1001"], bank.staff["1001"]
    apart = Rows(acquaintances={key: copy(row) for key, row in rows.acquaintances.items()}, consents=rows.consents)
    customers = [each for each in rows.customers if each.rm_id == rm.pk and each.name not in people.names]
    before = {customer.pk: customer.last_contact_at for customer in customers}
    days = Days(seat, rm, apart, customers, count(1_000_000), began, now, rules, SEED)
    days.hush, days.busy = timedelta(hours=3), days.busy * 1.6
    told = days.live()
    for customer in customers:
        customer.last_contact_at = before[customer.pk]
    return told


def _months_of_the_trail(began: datetime, now: datetime) -> None:
    with connection.cursor() as cursor:
        for month in range(-1, 5):
            cursor.execute("SELECT trail_month(%s)", [(began + timedelta(days=31 * month)).date()])


def _nobody_acts(now: datetime) -> None:
    """What an import and the nightly sweep bring has a time in the trail and no actor."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('zhike.actor', '', true), set_config('zhike.sees', '', true),"
            " set_config('zhike.writes', '', true), set_config('zhike.covers', '', true), set_config('zhike.lent', '', true),"
            " set_config('zhike.now', %s, true)",
            [now.isoformat()],
        )


def _analyze() -> None:
    """The planner knows nothing of rows that came in one transaction until somebody looks."""
    with connection.cursor() as cursor:
        for model in (Customer, Contact):
            cursor.execute(f"ANALYZE {model._meta.db_table}")
