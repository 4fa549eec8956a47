"""The customers of the demonstration bank, as an import on its first day would have brought them.

Everything is drawn from one seed; only ciphertexts differ from one build to the next, as they must.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import cycle, pairwise
from random import Random
from typing import Any

from django.db import connection
from django.db.models import Model

from zhike.conduct.bank import Bank as Rules
from zhike.conduct.calendars import Birthday, to_lunar
from zhike.conduct.tiers import standings
from zhike.customers import names as sounds
from zhike.customers.birthdays import written
from zhike.customers.models import Acquaintance, Book, Consent, Customer, Holding, Household, Need, Rating, Relation
from zhike.customers.profile import SEALED
from zhike.customers.vault import TAIL, place, vault
from zhike.demo import names, words
from zhike.demo.bank import Bank
from zhike.people.models import Staff

# With the file that a leader imported lately (desk.py) they are 3,000.
IMPORTED = 36
TIERS = {"regular": 1500 - IMPORTED, "gold": 900, "platinum": 420, "diamond": 150, "private": 30}
# 林晓's own book; the others share what is left, and the regular ones without an RM belong to their sub-branch.
HERS = {"regular": 33, "gold": 58, "platinum": 39, "diamond": 14, "private": 4}
WITHOUT_RM = 240
MONTHS = 12  # of which the averages are known
_ASSETS = {
    "regular": (0.1, 4.9),
    "gold": (5, 19.9),
    "platinum": (20, 99),
    "diamond": (100, 590),
    "private": (600, 2800),
}


@dataclass
class Wanted:
    """A customer to be, before the row has its number; what is not given is drawn."""

    name: str
    tier: str
    rm: str | None
    unit: str
    kind: str = "person"
    gender: str = ""
    honorific: str = ""
    born: int = 0
    birthday: Birthday | None = None
    assets: Decimal = Decimal(0)
    values: dict[str, str] = field(default_factory=dict)
    children: str = ""
    met: str = "yes"
    called: str = "yes"
    own: dict[str, Any] = field(default_factory=dict)
    since: date | None = None
    # (kind, product, ten thousand yuan, days until it matures or None)
    holdings: tuple[tuple[str, str, float, int | None], ...] = ()
    drawn: bool = False


@dataclass
class Rows:
    """What is to be written, by table, in the order in which keys point."""

    households: list[Household] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)
    books: list[Book] = field(default_factory=list)
    ratings: list[Rating] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    consents: list[Consent] = field(default_factory=list)
    holdings: list[Holding] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    acquaintances: dict[tuple[int, int], Acquaintance] = field(default_factory=dict)

    def greeted_by_sms(self) -> frozenset[int]:
        """The customers who consented to greetings by SMS; the drawn ones say each thing once."""
        return frozenset(
            consent.customer_id for consent in self.consents if consent.purpose == "greeting" and consent.given
        )

    def write(self) -> None:
        for rows in (
            self.households,
            self.customers,
            self.books,
            self.ratings,
            self.relations,
            self.consents,
            self.holdings,
            self.needs,
            list(self.acquaintances.values()),
        ):
            put(rows)


def put(rows: list[Any]) -> None:
    """Many rows of one table."""
    if rows:
        type(rows[0])._default_manager.bulk_create(rows, batch_size=500)


def numbers(model: type[Model], count: int) -> Iterator[int]:
    """Ids ahead of the rows, from the table's own sequence: sealed values and the ledger's subjects name them.

    ``count`` are fetched at a time; there are always more.
    """
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval(%s) FROM generate_series(1, %s)", [f"{model._meta.db_table}_id_seq", count])
            yield from sorted(number for (number,) in cursor.fetchall())


def months_before(month: date, count: int) -> date:
    """The first day of the month ``count`` months earlier."""
    at = month.year * 12 + month.month - 1 - count
    return date(at // 12, at % 12 + 1, 1)


class Library:
    """Draws the customers and all that the first day's files say of them."""

    def __init__(self, bank: Bank, began: datetime, behind: int, rules: Rules, seed: str) -> None:
        self.bank, self.began, self.behind, self.rules = bank, began, behind, rules
        self.day = began.astimezone(rules.zone).date()
        self.today = self.day + timedelta(days=behind)
        self.random = Random(f"{seed}/customers")
        self.moves = Random(f"{seed}/tiers")
        self.people = names.People(self.random)
        self.rows = Rows()

    def wanted(self, cast: list[Wanted], size: float) -> list[Wanted]:
        """The whole bank's customers: the cast first, then everybody else by tier and RM."""
        found = list(cast)
        others = cycle([seat for seat in self.bank.managers if seat.number != "1001"])
        units = cycle(["1100", "1200", "1300"])
        leaders = cycle([seat for seat in self.bank.keepers if seat.keeps])
        theirs = sum(seat.keeps for seat in self.bank.keepers) // 2
        for tier, count in TIERS.items():
            have = sum(1 for each in cast if each.tier == tier)
            hers = max(0, round(HERS[tier] * min(1.0, size * 2)) - have)
            nobody = round(WITHOUT_RM * size) if tier == "regular" else 0
            for number in range(max(2, round(count * size)) - have):
                if number < hers:
                    rm, unit = "1001", "1100"
                elif number < hers + nobody:
                    rm, unit = None, next(units)
                else:
                    led = tier in {"platinum", "diamond"} and number < hers + theirs * min(1.0, size * 2)
                    seat = next(leaders if led else others)
                    rm, unit = seat.number, seat.unit
                found.append(self._somebody(tier, rm, unit))
        return found

    def _somebody(self, tier: str, rm: str | None, unit: str) -> Wanted:
        draw = self.random
        assets = Decimal(str(round(draw.uniform(*_ASSETS[tier]) * 10_000, 2)))
        if draw.random() < (0.09 if tier in {"diamond", "private"} else 0.035):
            name, industry = self.people.company()
            chief = self.people.person()
            values = {
                "industry": industry,
                "contact_name": chief.name,
                "contact_position": draw.choice(("财务总监", "总经理", "出纳", "董事长助理")),
                "legal_person": self.people.person().name,
                "employees": str(draw.randint(8, 600)),
            }
            return Wanted(
                name,
                tier,
                rm,
                unit,
                "company",
                "",
                sounds.honorific(chief.name, chief.gender),
                assets=assets,
                values=values,
            )
        person = self.people.person()
        met = draw.choices(("yes", "unknown", "no"), (80, 12, 8))[0]
        return Wanted(
            person.name,
            tier,
            rm,
            unit,
            gender=person.gender,
            honorific=person.honorific or self._address(person),
            born=person.born,
            birthday=self._birthday(person.born),
            assets=assets,
            values=self._known(person, tier),
            children=draw.choice(("", "", "none", "under_14", "14_17", "adult")),
            met=met,
            called=met if draw.random() < 0.9 else "no",
            own=self._stops(),
            drawn=True,
        )

    def _address(self, person: names.Person) -> str:
        surname = sounds.split(person.name)[0]
        elder = {"f": "阿姨", "m": "叔叔"}[person.gender]
        if person.born < 1958 and self.random.random() < 0.4:
            return surname + elder
        if self.random.random() < 0.08:
            return surname + self.random.choice(("老师", "工", "总", "医生", "律师"))
        return sounds.honorific(person.name, person.gender)

    def _birthday(self, year: int) -> Birthday | None:
        """Solar for most, lunar for who counts so, none for some; leap months and thirtieths come as they fall."""
        draw = self.random
        if draw.random() < 0.08:
            return None
        day = date(year, 1, 1) + timedelta(days=draw.randrange(365))
        if draw.random() < (0.55 if year < 1975 else 0.12):
            lunar = to_lunar(day)
            return Birthday("lunar", lunar.month, lunar.day, lunar.year, lunar.leap)
        return Birthday("solar", day.month, day.day, day.year)

    def _known(self, person: names.Person, tier: str) -> dict[str, str]:
        draw = self.random
        employer, position, industry = draw.choice(names.EMPLOYERS).split("|")
        known = {"address": self.people.address(), "employer": employer, "position": position}
        if industry:
            known["industry"] = industry
        chances = {
            "hobbies": (0.5, "、".join(draw.sample(names.HOBBIES, draw.randint(1, 2)))),
            "preferred_time": (0.25, draw.choice(names.SERVICE)),
            "taboos": (0.08, draw.choice(names.TABOOS)),
            "goals": (0.2, draw.choice(names.GOALS)),
            "preferred_channel": (0.2, draw.choice(("phone", "sms", "wecom"))),
            "risk_grade": (0.7, draw.choice(("保守 · 一级", "谨慎 · 二级", "稳健 · 三级", "进取 · 四级"))),
        }
        better = {"regular": 0.5, "gold": 0.9}.get(tier, 1.2)
        known |= {name: value for name, (chance, value) in chances.items() if draw.random() < chance * better}
        if "risk_grade" in known:
            known["risk_grade_until"] = (self.day + timedelta(days=draw.randint(100, 460))).isoformat()
        return known

    def _stops(self) -> dict[str, Any]:
        draw = self.random.random()
        if draw < 0.0015:
            return {"deceased_on": self.day - timedelta(days=self.random.randint(5, 200))}
        if draw < 0.004:
            return {"closed_on": self.day - timedelta(days=self.random.randint(5, 200))}
        if draw < 0.008:
            return {"do_not_disturb": True}
        if draw < 0.010:
            return {"complaint_open": True}
        return {}

    # ── from what is wanted to rows ──────────────────────────────────────────────────────────────────────────────

    def shelve(self, wanted: list[Wanted]) -> None:
        """Makes the rows of everybody, in the order given."""
        ids = numbers(Customer, len(wanted))
        households = numbers(Household, 50)
        for number, (each, id) in enumerate(zip(wanted, ids, strict=False)):
            customer = self._customer(each, id, number)
            self.rows.customers.append(customer)
            self._beside(each, customer)
        self._live_together(households)

    def _customer(self, each: Wanted, id: int, number: int) -> Customer:
        staff = self.bank.staff[each.rm] if each.rm else None
        company = each.kind == "company"
        birthday = each.birthday
        customer = Customer(
            id=id,
            core_number=f"88{10_000_000 + id * 37:08d}",
            kind=each.kind,
            name=each.name,
            honorific=each.honorific,
            gender=each.gender,
            tier=each.tier,
            tier_since=date(self.day.year - self.random.randint(0, 3), self.random.randint(1, 12), 1),
            assets=each.assets,
            assets_day=self.today,
            rm=staff,
            unit=self.bank.units[each.unit],
            birth_calendar=birthday.calendar if birthday else "",
            birth_year=birthday.year if birthday else None,
            birth_month=birthday.month if birthday else None,
            birth_day=birthday.day if birthday else None,
            birth_leap=birthday.leap if birthday else False,
            met_before=each.met,
            called_before=each.called,
            grams=sounds.grams(each.name),
            pinyin=sounds.pinyin(each.name, company=company),
            sort_key=sounds.sort_key(each.name, company=company),
            created_at=self.began,
            changed_at=self.began,
            **each.own,
        )
        customer.tier_since = min(customer.tier_since or self.day, self.day.replace(day=1))
        self._fill_profile(each, customer, number)
        return customer

    def _fill_profile(self, each: Wanted, customer: Customer, number: int) -> None:
        values = dict(each.values)
        if "mobile" not in values and self.random.random() < 0.97:
            values["mobile"] = self.people.mobile(number)
        if values.get("mobile") == "":
            del values["mobile"]
        if each.kind == "person" and each.birthday and each.birthday.born and self.random.random() < 0.6:
            born = each.birthday.born
            values.setdefault("id_kind", "idcard")
            values.setdefault("id_number", self.people.identity((born.year, born.month, born.day), each.gender, number))
        if self.random.random() < 0.4:
            values.setdefault("email", f"c{10_000 + number}@example.com")
        if each.birthday:
            values["birthday"] = written(each.birthday)
        if each.children:
            values["children"] = "none" if each.children == "none" else "yes"
        values = {name: value for name, value in values.items() if value}
        keys = vault()
        customer.profile = {
            name: {
                "v": keys.seal(value, place(name, customer.pk)) if name in SEALED else value,
                "src": "import",
                "on": self.day.isoformat(),
                "by": None,
                "contact": None,
            }
            for name, value in values.items()
        }
        if mobile := values.get("mobile"):
            customer.mobile_index = keys.index("mobile", mobile)
            customer.tail_index = keys.index("tail", mobile[-TAIL:])
        if identity := values.get("id_number"):
            customer.id_index = keys.index("id", identity)

    def _beside(self, each: Wanted, customer: Customer) -> None:
        self._book(each, customer)
        self._rate(each, customer)
        self._hold(each, customer)
        self._agree(each, customer)
        if each.children not in {"", "none"}:
            child = (
                ""
                if each.children == "under_14"
                else self.random.choice(
                    ("", "读高中", "住校") if each.children == "14_17" else ("", "在外地工作", "已成家")
                )
            )
            self.rows.relations.append(
                Relation(customer=customer, kind="child", age=each.children, note=child, source="import", at=self.began)
            )
        if self.random.random() < {"regular": 0.03, "gold": 0.08}.get(each.tier, 0.3):
            kind, said = self.random.choice(words.NEEDS)
            at = self.began - timedelta(days=self.random.randint(0, 20))
            self.rows.needs.append(
                Need(
                    customer=customer,
                    kind=kind,
                    words=said,
                    state="lapsed",
                    opened_at=at,
                    closed_at=self.began,
                    closed_why="导入时已过期",
                )
            )

    def _book(self, each: Wanted, customer: Customer) -> None:
        if each.rm is None:
            return
        rm = self.bank.staff[each.rm]
        since = each.since or self.day - timedelta(days=self.random.randint(200, 2400))
        if each.since is None and self.random.random() < 0.04:
            before = self.bank.staff[
                self.random.choice([seat.number for seat in self.bank.managers if seat.number != each.rm])
            ]
            moved = self.day - timedelta(days=self.random.randint(20, 180))
            self.rows.books.append(
                Book(customer=customer, rm=before, from_day=since, to_day=moved, reason="导入", at=self.began)
            )
            since, reason = moved, "原客户经理转岗"
        else:
            reason = "导入"
        self.rows.books.append(Book(customer=customer, rm=rm, from_day=since, reason=reason, at=self.began))
        self._acquaint(each, customer, rm, since)

    def _acquaint(self, each: Wanted, customer: Customer, rm: Staff, since: date) -> None:
        """Day one: "met before" and "called before" come along with the file."""
        last = self.began - timedelta(days=self.random.randint(5, 50), hours=self.random.randint(0, 6))
        first = max(last - timedelta(days=self.random.randint(30, 900)), last.replace(year=since.year, month=1, day=3))
        first = min(first, last)
        if each.met == "yes":
            customer.met_before_on = first.date()
        if each.called == "yes":
            customer.called_before_on = first.date()
        if "yes" in (each.met, each.called):
            customer.last_contact_at = last
            self.rows.acquaintances[customer.pk, rm.pk] = Acquaintance(
                customer=customer,
                rm=rm,
                first_met_at=first if each.met == "yes" else None,
                met_source="import" if each.met == "yes" else "",
                first_called_at=first if each.called == "yes" else None,
                called_source="import" if each.called == "yes" else "",
                last_contact_at=last,
                meetings=self.random.randint(1, 6) if each.met == "yes" else 0,
                calls=self.random.randint(1, 9) if each.called == "yes" else 0,
            )

    def _rate(self, each: Wanted, customer: Customer) -> None:
        """A year of averages, judged by the bank's own rule; the tier of this month is the customer's. Some have moved, some have come
        in the course of it, some stand below their threshold now.
        """
        averages, start = self._averages(each, customer)
        found = standings(averages, lambda _day: self.rules.tier_rules, start)
        rows = [row for row in found if months_before(row.month, 1) in averages]
        if len({row.tier for row in rows}) == 1 and each.tier == "regular":
            rows = [rows[0], rows[-1]]  # what did not move stands for itself
        changed = [after.month for before, after in pairwise(rows) if after.tier != before.tier]
        if changed:
            customer.tier_since = changed[-1]
        for row in rows:
            self.rows.ratings.append(
                Rating(
                    customer=customer,
                    month=row.month,
                    assets=averages[months_before(row.month, 1)],
                    tier=row.tier,
                    reason=row.reason.zh,
                )
            )

    def _averages(self, each: Wanted, customer: Customer) -> tuple[dict[date, Decimal], str]:
        """Of each of the twelve months that are over, and the tier with which they began."""
        tiers, draw = self.rules.tiers, self.moves
        rank = self.rules.rank(each.tier)
        own, low, high = tiers[rank], tiers[max(rank - 1, 0)], tiers[min(rank + 1, len(tiers) - 1)]
        floor = max(own.from_assets, Decimal(1_000))

        def about(amount: Decimal, least: float, most: float) -> Decimal:
            return (amount * Decimal(str(round(draw.uniform(least, most), 3)))).quantize(Decimal("0.01"))

        amounts = [max(about(each.assets, 0.94, 1.07), own.from_assets) for _month in range(MONTHS)]
        if high is not own:
            amounts = [min(amount, high.from_assets - 1) for amount in amounts]
        start, first, luck = each.tier, 0, draw.random() if each.drawn else 1
        # Hers are gone through again, act by act, with the tier of each month: she began with them as they are now.
        late = (self.today.year - self.day.year) * 12 + self.today.month - self.day.month if each.rm == "1001" else 0
        if luck < 0.08 and low is not own:
            start = low.key
            for at in range(draw.randint(1, MONTHS - 1 - late)):
                amounts[at] = about(floor, 0.6, 0.97)
        elif luck < 0.11 and high is not own:
            start = high.key
            for at in range(draw.randint(1, MONTHS - high.keep_months - late)):
                amounts[at] = about(high.from_assets, 1.0, 1.2)
        elif luck < 0.15:
            first = draw.randint(1, MONTHS - 2)
        elif luck < 0.19 and low is not own:
            customer.assets = about(floor, 0.9, 0.99)
            for at in range(MONTHS - draw.randint(0, own.keep_months - 1), MONTHS):
                amounts[at] = about(floor, 0.88, 0.98)
        begin = months_before(self.today.replace(day=1), MONTHS)
        months = [months_before(begin, -at) for at in range(MONTHS)]
        return dict(list(zip(months, amounts, strict=True))[first:]), start

    def _hold(self, each: Wanted, customer: Customer) -> None:
        if each.holdings:
            self._hold_named(each, customer)
            return
        draw = self.random
        count = {
            "regular": 1,
            "gold": draw.randint(1, 2),
            "platinum": draw.randint(2, 3),
            "diamond": draw.randint(2, 5),
        }.get(each.tier, 6)
        rest = each.assets
        for number in range(count):
            kind = draw.choices(("deposit", "wealth", "fund", "insurance"), (50, 35, 10, 5))[0] if number else "deposit"
            share = rest if number == count - 1 else (rest * Decimal(str(round(draw.uniform(0.2, 0.6), 2))))
            share = share.quantize(Decimal(1000)) if share > 5000 else share.quantize(Decimal("0.01"))
            rest -= share
            opened = self.day - timedelta(days=draw.randint(10, 700))
            matures = self.day + timedelta(days=draw.randint(93, 500)) if kind in {"deposit", "wealth"} else None
            self.rows.holdings.append(
                Holding(
                    customer=customer,
                    core_number=f"H{customer.pk:06d}{number}",
                    product=draw.choice(names.PRODUCTS[kind]),
                    kind=kind,
                    amount=share,
                    rate=Decimal(str(round(draw.uniform(1.1, 2.9), 2))) if kind == "deposit" else None,
                    risk_grade={"deposit": "", "wealth": "PR2", "fund": "PR4", "insurance": "PR1"}[kind],
                    opened_on=opened,
                    matures_on=matures,
                    as_of=self.today,
                )
            )

    def _hold_named(self, each: Wanted, customer: Customer) -> None:
        today = self.today
        for number, (kind, product, amount, ahead) in enumerate(each.holdings):
            self.rows.holdings.append(
                Holding(
                    customer=customer,
                    core_number=f"H{customer.pk:06d}{number}",
                    product=product,
                    kind=kind,
                    amount=Decimal(str(amount)) * 10_000,
                    rate=Decimal("2.60") if kind == "deposit" and ahead else None,
                    risk_grade={"wealth": "PR2", "fund": "PR3"}.get(kind, ""),
                    opened_on=today - timedelta(days=200),
                    matures_on=today + timedelta(days=ahead) if ahead else None,
                    as_of=today,
                )
            )

    def _agree(self, each: Wanted, customer: Customer) -> None:
        draw = self.random
        form = f"签约书 LH-{self.day.year - 1}-{customer.pk:06d}"
        for purpose, chance in (("greeting", 0.85), ("marketing", 0.5), ("profile", 0.3)):
            if draw.random() < chance:
                given = purpose != "marketing" or draw.random() < 0.85
                self.rows.consents.append(
                    Consent(
                        customer=customer,
                        purpose=purpose,
                        channel="sms" if purpose != "profile" else "any",
                        given=given,
                        evidence=form if given else "客户短信回复 TD",
                        source="import",
                        at=self.began - timedelta(days=draw.randint(1, 300)),
                    )
                )

    def _live_together(self, ids: Iterator[int]) -> None:
        """Some of one RM's better customers are couples."""
        alone: dict[int, dict[str, list[Customer]]] = {}
        for customer in self.rows.customers:
            if (
                customer.rm_id
                and customer.gender
                and customer.tier in {"gold", "platinum", "diamond"}
                and customer.household_id is None
            ):
                alone.setdefault(customer.rm_id, {"f": [], "m": []})[customer.gender].append(customer)
        for sides in alone.values():
            for wife, husband in list(zip(sides["f"], sides["m"], strict=False))[6::5]:
                if abs((wife.birth_year or 0) - (husband.birth_year or 99)) > 9:
                    continue
                self.marry(wife, husband, next(ids))

    def marry(self, one: Customer, other: Customer, id: int) -> None:
        """One household for two customers, who are each other's spouse."""
        household = Household(id=id, unit_id=one.unit_id)
        self.rows.households.append(household)
        one.household = other.household = household
        self.rows.relations.append(
            Relation(customer=one, kind="spouse", other=other, age="adult", source="import", at=self.began)
        )
