"""Prospects of the demonstration bank: met at a fair, referred, read about; on every stage of the way, some in the pool, some about to go back."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from random import Random

from zhike.conduct.bank import Bank as Rules
from zhike.demo import names
from zhike.demo.bank import Bank
from zhike.market import prospects
from zhike.market.models import Prospect
from zhike.market.prospects import Account, Draft, Step
from zhike.people.actor import acting

OCCASIONS = (
    ("fair", "春季住房展"), ("event", "汇川物流员工日"), ("media", "临湖晚报：新厂投产"), ("walk_in", "来办换卡"),
    ("visit", "沿街走访"), ("referral", "老客户介绍"),
)  # fmt: skip
INTERESTS = (
    ("deposit", "三年期存款"),
    ("loan", "二套房贷款"),
    ("wealth", "短期理财"),
    ("payment", "货款结算"),
    ("education", "孩子留学"),
)
# So many days ago entered; what was done since (days after, how, words); how it stands.
WAYS: tuple[tuple[int, tuple[tuple[int, str, str], ...], str], ...] = (
    (1, (), ""),
    (6, ((2, "call", "介绍了自己，约好再联系"),), ""),
    (12, ((1, "no_answer", ""), (2, "call", "在忙，愿意见面"), (7, "visit", "去单位见了面，关心利率")), ""),
    (20, ((1, "call", "问起贷款条件"), (6, "meeting", "来行面谈，带了材料"), (12, "meeting", "给了方案，回去商量")), "offer"),
    (28, ((2, "call", "留了联系方式"),), "lost"),
    (13, (), "idle"),
    (25, ((1, "call", "愿意来看看"), (5, "meeting", "来行办了卡")), "won"),
)  # fmt: skip


def find(bank: Bank, now: datetime, rules: Rules) -> None:
    """A few of each RM's, fewer of some; and two in the pool of each sub-branch."""
    today = now.astimezone(rules.zone).date()
    people = names.People(Random("market"))
    number = 0
    for place, seat in enumerate(bank.managers):
        for way in range(len(WAYS)):
            # 林晓 wins nobody here and is late with nobody: her book and her late rows are told of elsewhere.
            if ((place + way) % 3 == 0 and place) or (seat.number == "1001" and WAYS[way][2] in {"won", "idle"}):
                continue
            number += 1
            _one(bank.staff[seat.number].pk, number, way, people, today, rules)
    for place, seat in enumerate(each for each in bank.managers if each.number in {"1002", "1201", "1302"}):
        for n in range(2):
            number += 1
            at = _at(today - timedelta(days=3 + n), 10 + place, rules)
            with acting(bank.staff[seat.number].pk, at) as actor:
                prospects.enter(_draft(number, people), to_pool=True, actor=actor, now=at, bank=rules)


def _one(rm: int, number: int, way: int, people: names.People, today: date, rules: Rules) -> None:
    back, done, stands = WAYS[way]
    at = _at(today - timedelta(days=back), 9 + number % 8, rules)
    with acting(rm, at) as actor:
        draft = _draft(number, people, high=stands == "idle")
        made = prospects.enter(draft, Step("打电话介绍自己", _later(at, 2)), actor=actor, now=at, bank=rules)
    for after, how, words in done:
        at = _at(today - timedelta(days=back - after), 10 + number % 6, rules)
        with acting(rm, at) as actor:
            row = Prospect.objects.held(made.pk, actor)
            assert row is not None
            last = done[-1][0] == after
            step = Step("再联系，问清打算", today + timedelta(days=number % 3) if last else _later(at, 4))
            account = Account(how, words, stage="offer" if last and stands == "offer" else "")
            prospects.contact(row, account, step, actor=actor, now=at, bank=rules)
    if stands in {"lost", "won"}:
        at = _at(today - timedelta(days=2), 15, rules)
        with acting(rm, at) as actor:
            row = Prospect.objects.held(made.pk, actor)
            assert row is not None
            if stands == "lost":
                prospects.lose(
                    row, ("elsewhere", "not_interested", "price")[number % 3], actor=actor, now=at, bank=rules
                )
            else:
                prospects.win(row, actor=actor, now=at, bank=rules)


def _draft(number: int, people: names.People, *, high: bool = False) -> Draft:
    person = people.person()
    source, words = OCCASIONS[number % len(OCCASIONS)]
    interest, wish = INTERESTS[number % len(INTERESTS)]
    company = number % 9 == 4
    return Draft(
        people.company()[0] if company else person.name, source, kind="company" if company else "person",
        employer="" if company else people.company()[0], mobile=people.mobile(95_000 + number), source_words=words,
        contact_name=person.name if company else "", interest=interest, interest_words=wish,
        tier="platinum" if high or number % 5 == 0 else "gold", another=True,
    )  # fmt: skip


def _at(day: date, hour: int, rules: Rules) -> datetime:
    return datetime.combine(day, time(hour, 20), rules.zone)


def _later(at: datetime, days: int) -> date:
    return at.date() + timedelta(days=days)
