"""Who is out: past outings that were signed back in and reported on, and today's: one is out and has asked for help, one is not back,
one leaves later, one is back and has still to report."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from zhike.conduct.bank import Bank as Rules
from zhike.customers.models import Customer
from zhike.demo.bank import Bank
from zhike.people.actor import Actor, acting
from zhike.people.workdays import workdays
from zhike.work import outings, overdue
from zhike.work.models import Outing, Stop
from zhike.work.outings import Going

DAYS = 12  # back from today
PLACES = (
    ("市不动产登记中心", "到机关办事"), ("汇川物流园区", "外拓获客"), ("临湖大厦 A 座", "送资料"), ("区市场监管局", "办理企业变更"),
    ("云栖商会", "外出开会"), ("南山工业园", "外拓获客"),
)  # fmt: skip
ABOUT = ("签合同", "送账单和回单", "上门收资料", "拜访客户")
CAME = (
    ("done", "办妥，客户满意"),
    ("done", ""),
    ("partly", "缺一份章程，补后再送"),
    ("put_off", "改约下周"),
    ("not_met", "临时外出，留了名片"),
)
OUT, MISSING, LATER, BACK = "1002", "1004", "1201", "1302"


def go(bank: Bank, now: datetime, rules: Rules) -> None:
    """Each RM was out now and then; today's lie around this moment, in the hours in which one is out."""
    today = now.astimezone(rules.zone).date()
    days = workdays()
    for place, seat in enumerate(bank.managers):
        for back in range(DAYS, 0, -1):
            day = today - timedelta(days=back)
            if days.may_work(day) and (place * 5 + back) % 4 == 0:
                _past(
                    bank,
                    seat.number,
                    datetime.combine(day, time(9 + (place + back) % 6, 10), rules.zone),
                    place + back,
                    rules,
                )
    if 9 <= now.astimezone(rules.zone).hour < 18:
        _today(bank, now, rules)


def _past(bank: Bank, number: str, leaves: datetime, n: int, rules: Rules) -> None:
    """Reported twenty minutes before, most signed back in on time; one in nine half an hour late."""
    said = leaves - timedelta(minutes=20)
    returns = leaves + timedelta(hours=2)
    with acting(bank.staff[number].pk, said) as actor:
        stops = [_customer(actor, n), _place(n)]
        outing = outings.report(stops, departs_at=leaves, returns_at=returns, actor=actor, now=said, bank=rules)
    with acting(bank.staff[number].pk, leaves) as actor:
        outings.leave(outing, actor=actor, now=leaves, bank=rules)
    for place, stop in enumerate(_stops(outing)):
        at = leaves + timedelta(minutes=25 + 40 * place)
        with acting(bank.staff[number].pk, at) as actor:
            outings.check_in(stop, actor=actor, now=at, bank=rules)
            outings.report_on(
                stop, *CAME[(n + place) % len(CAME)], actor=actor, now=at + timedelta(minutes=30), bank=rules
            )
    at = returns + timedelta(minutes=35 if n % 9 == 0 else -12)
    with acting(bank.staff[number].pk, at) as actor:
        outings.come_back(outing, actor=actor, now=at, bank=rules)


def _today(bank: Bank, now: datetime, rules: Rules) -> None:
    minute = timedelta(minutes=1)
    # Out, at the first stop, and a page of the contract is missing.
    out = _report(bank, OUT, now - 55 * minute, now + 70 * minute, [_Stop(0, 3), _Stop(None, 2), _Stop(1, 1)], rules)
    with acting(bank.staff[OUT].pk, now - 30 * minute) as actor:
        outings.check_in(_stops(out)[0], actor=actor, now=now - 30 * minute, bank=rules)
        outings.ask_help(out, "授权书少带一页，请同事送到临湖大厦", actor=actor, now=now - 9 * minute, bank=rules)
    with acting(bank.staff["1010"].pk, now - 50 * minute) as leader:
        held = Outing.objects.held(out.pk, leader)
        assert held is not None
        outings.answer(held, "好的，路上注意安全", actor=leader, now=now - 50 * minute, bank=rules)
    # Not back, and the leader has been told.
    _report(bank, MISSING, now - 185 * minute, now - 48 * minute, [_Stop(2, 0), _Stop(None, 5)], rules)
    # Leaves in an hour.
    _report(
        bank, LATER, now + 60 * minute, now + 165 * minute, [_Stop(1, 2), _Stop(None, 4)], rules, said=now - 20 * minute
    )
    # Back, and nothing reported yet.
    back = _report(bank, BACK, now - 150 * minute, now - 15 * minute, [_Stop(0, 1)], rules)
    with acting(bank.staff[BACK].pk, now - 22 * minute) as actor:
        outings.come_back(back, actor=actor, now=now - 22 * minute, bank=rules)
    overdue.escalate(now, rules)


class _Stop:
    """The customer at a place of the book, or none; for what."""

    def __init__(self, customer: int | None, n: int) -> None:
        self.customer, self.n = customer, n


def _report(
    bank: Bank,
    number: str,
    leaves: datetime,
    returns: datetime,
    stops: list[_Stop],
    rules: Rules,
    said: datetime | None = None,
) -> Outing:
    at = said or leaves - timedelta(minutes=12)
    with acting(bank.staff[number].pk, at) as actor:
        going = [_place(each.n) if each.customer is None else _customer(actor, each.customer, each.n) for each in stops]
        outing = outings.report(going, departs_at=leaves, returns_at=returns, actor=actor, now=at, bank=rules)
    if said is None:
        with acting(bank.staff[number].pk, leaves) as actor:
            outings.leave(outing, actor=actor, now=leaves, bank=rules)
    return outing


def _customer(actor: Actor, n: int, about: int = 0) -> Going:
    """Somebody of the actor's own book; in a book of nobody but the lowest tier a place."""
    rows = Customer.objects.filter(keeper=actor.id, deceased_on=None, closed_on=None).exclude(tier="regular")
    book = list(rows.order_by("pk")[:12])
    return Going(book[n % len(book)].pk, "", ABOUT[about % len(ABOUT)]) if book else _place(n)


def _place(n: int) -> Going:
    place, purpose = PLACES[n % len(PLACES)]
    return Going(None, place, purpose)


def _stops(outing: Outing) -> list[Stop]:
    stops = list(outing.stops.order_by("number"))
    for stop in stops:
        stop.outing = outing
    return stops
