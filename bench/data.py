"""A bank to measure on: N customers, 200 an RM; for 200 of the RMs a year of contacts with all that the ledger owed for them.

What is owed is not made up: the engine answers once for every kind of contact, tier and hour, and its answer is written
for each day on which such a contact was held. Filled by COPY and set-based SQL, with triggers and indexes away meanwhile.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.types.json import Jsonb

ROOT = Path(__file__).resolve().parent.parent
ZONE = ZoneInfo("Asia/Shanghai")
# The measured morning: a Monday, with a year behind it in which every clause was in force.
NOW = datetime(2026, 7, 6, 10, 0, tzinfo=ZONE)
TODAY = NOW.date()
BEGAN = datetime(2025, 7, 1, 9, 0, tzinfo=ZONE)

BOOK = 200  # customers an RM
WITH_A_YEAR = 200  # RMs who have one
CONTACTS = 2_000  # a year's contacts of one RM
OPEN = 50  # due or late, of one RM
NAMES = 30_000
TEAM = 10  # RMs in a sub-branch
SLOTS = tuple((9 + n * 55 // 60, n * 55 % 60) for n in range(8))  # when the day's eight contacts begin
MINUTES = {"call": 12, "reception": 35, "visit": 45}
OUTCOMES = ("reached",) * 12 + ("busy", "absent", "no_answer", "not_interested", "reached")
TIERS = ("regular",) * 60 + ("gold",) * 22 + ("platinum",) * 12 + ("diamond",) * 5 + ("private",)
RESULTS = (
    ("considering", "对固收类产品有兴趣，需与家人商量，下周答复"),
    ("inclined", "大额存单到期后拟转存，关心利率走势"),
    ("agreed", "同意办理定投，每月五千元，约好带身份证来行"),
    ("no_business", "日常问候，客户近期出差较多，暂无新需求"),
    ("business_done", "办理理财续期，风险评级已更新，资料齐全"),
    ("unhappy", "对网点排队时间不满，已当面致歉并说明预约渠道"),
)
NEEDS = ("maturity", "deposit", "wealth", "pension", "education", "loan", "insurance", "exchange")
PURPOSES = ("care", "maturity", "need", "service", "invitation")

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦"
    "付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤单解仇查区盖朴乐翟尉缪葛宁华燕"
)
COMPOUND = ("欧阳", "司马", "上官", "诸葛", "尉迟", "令狐", "单于", "夏侯")
GIVEN = (
    "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂建国华志文玉红梅春雪丹婷雨欣佳琪浩宇轩子涵梓晨思远博海燕飞鹏程光辉永福庆林森"
    "晓东云凤琴慧颖倩莉萍瑞祥德胜利成龙凯旋嘉怡诗琳可心若曦泽民启明振宏立新安然一诺俊熙景行清和知行乐天长青月如星河山川"
)
PLACES = ("上海", "杭州", "苏州", "宁波", "南京", "无锡", "嘉兴", "绍兴", "常州", "南通")
TRADES = ("贸易", "纺织", "软件", "机械", "物流", "建材", "食品", "电子", "医药", "装饰")
BRANDS = "宏达恒丰启明申达瑞祥永兴金辉华盛天成东方鼎新嘉禾联众安泰远景"


@dataclass(frozen=True)
class Bank:
    """How large the bank is. Staff ids 1..rms are its RMs; customer ``c`` belongs to RM ``(c - 1) // BOOK + 1``."""

    customers: int

    @property
    def rms(self) -> int:
        return -(-self.customers // BOOK)

    @property
    def busy(self) -> int:
        """RMs with a year of data: the first ones."""
        return min(WITH_A_YEAR, self.rms)

    @property
    def branches(self) -> int:
        """Each of ten sub-branches, the last of fewer."""
        return -(-self.rms // TEAM // 10) or 1

    def name(self, kind: str = "") -> str:
        return f"zhike_bench_{self.customers}{'_' + kind if kind else ''}"

    def rm_of(self, customer: int) -> int:
        return (customer - 1) // BOOK + 1


def fingerprint() -> str:
    """Changes with whatever decides what is in the database."""
    digest = hashlib.sha256()
    shaping = [*ROOT.glob("zhike/*/migrations/*.py"), *ROOT.glob("zhike/conduct/**/*.toml")]
    shaping += [
        ROOT / "zhike/trail/walls.py",
        ROOT / "zhike/schema.py",
        ROOT / "zhike/customers/names.py",
        Path(__file__),
    ]
    for path in sorted(shaping):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


# ── who they are ────────────────────────────────────────────────────────────────────────────────────────────────


def names() -> list[tuple[str, str]]:
    """(kind, name), all distinct, the commonest surnames the most often; the same every time."""
    dice = random.Random(20260706)
    surnames = [*SURNAMES, *COMPOUND]
    weights = [1 / (rank + 6) for rank in range(len(surnames))]
    found: dict[tuple[str, str], None] = {}
    while len(found) < NAMES * 19 // 20:
        (surname,) = dice.choices(surnames, weights)
        given = "".join(dice.choices(GIVEN, k=1 if dice.random() < 0.18 else 2))
        found["person", surname + given] = None
    while len(found) < NAMES:
        brand = "".join(dice.choices(BRANDS, k=2))
        found["company", f"{dice.choice(PLACES)}{brand}{dice.choice(TRADES)}有限公司"] = None
    return list(found)


def sealed(bank: Bank) -> Iterator[tuple[Any, ...]]:
    """Each customer's mobile number as it is kept: sealed, with its blind indexes."""
    from zhike.customers.vault import TAIL, place, vault

    keys = vault()
    for customer in range(1, bank.customers + 1):
        mobile = mobile_of(customer)
        yield (
            customer,
            keys.seal(mobile, place("mobile", customer)),
            keys.index("mobile", mobile),
            keys.index("tail", mobile[-TAIL:]),
        )


def mobile_of(customer: int) -> str:
    return f"13{(customer * 7_919_777 + 123_456_789) % 1_000_000_000:09d}"


# ── what happened ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Held:
    """One contact of the year."""

    id: int
    kind: str
    rm: int
    customer: int
    tier: str
    first: bool
    outcome: str
    day: date
    slot: int
    closed: bool
    number: int

    @property
    def started(self) -> datetime:
        return datetime(self.day.year, self.day.month, self.day.day, *SLOTS[self.slot], tzinfo=ZONE)

    @property
    def ended(self) -> datetime:
        return self.started + timedelta(minutes=MINUTES[self.kind])

    @property
    def connected(self) -> bool:
        return self.kind != "call" or self.outcome in {"reached", "not_interested"}


def workdays() -> list[date]:
    """The weekdays of the year before the measured morning, oldest first."""
    days = [TODAY - timedelta(days=back) for back in range(364, 0, -1)]
    return [day for day in days if day.weekday() < 5]


def held(bank: Bank, rm: int) -> Iterator[Held]:
    """An RM's year: eight contacts a workday, the last ten of which wait for their write-up."""
    dice = random.Random(rm)
    days = workdays()
    met: set[tuple[int, bool]] = set()
    for number in range(CONTACTS):
        customer = (rm - 1) * BOOK + 1 + dice.randrange(BOOK)
        if customer > bank.customers:
            continue
        kind = dice.choice(("call", "call", "call", "reception", "visit"))
        outcome = dice.choice(OUTCOMES) if kind == "call" else ""
        is_call = kind == "call"
        contact = Held(
            id=(rm - 1) * CONTACTS + number + 1,
            kind=kind,
            rm=rm,
            customer=customer,
            tier=tier_of(customer),
            first=(customer, is_call) not in met,
            outcome=outcome,
            day=days[number * len(days) // CONTACTS],
            slot=number % 8,
            closed=number < CONTACTS - 10,
            number=number,
        )
        if contact.connected:
            met.add((customer, is_call))
        yield contact


def tier_of(customer: int) -> str:
    return TIERS[customer * 37 % len(TIERS)]


def contact_row(c: Held) -> tuple[Any, ...]:
    result, words = RESULTS[c.number % len(RESULTS)] if c.closed and c.connected else ("", "")
    closed_at = c.ended + timedelta(hours=2) if c.closed or not c.connected else None
    return (
        c.id, c.kind, "closed" if closed_at else "ended", c.customer, c.rm, c.rm, PURPOSES[c.number % len(PURPOSES)],
        c.started, c.started, c.ended, c.first, c.tier, c.outcome, result, words, c.number % 7 != 0, closed_at,
        c.rm, c.started - timedelta(days=3), 3,
    )  # fmt: skip


CONTACT_COLUMNS = (
    "id, kind, state, customer_id, rm_id, held_by_id, purpose, planned_for, started_at, ended_at, first, tier, outcome, result,"
    " result_words, no_need, closed_at, by_id, created_at, version"
)


class Ledger:
    """The ledger's rows of the contacts, from the engine's answer to each kind of contact."""

    def __init__(self) -> None:
        self.fact = 0
        self.facts: list[tuple[Any, ...]] = []
        self.dues: list[tuple[Any, ...]] = []

    def take(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        rows = self.facts, self.dues
        self.facts, self.dues = [], []
        return rows

    def contact(self, c: Held) -> None:
        """What the contact, its thanks and its write-up left in the ledger."""
        document = answered(c.kind, c.outcome, c.tier, c.first, c.slot, c.closed and c.connected)
        self.write(document, c.rm, c.customer, f"contact:{c.id}", (c.day - REFERENCE).days)

    def write(self, document: dict[str, Any], rm: int, customer: int, subject: str, days: int = 0) -> None:
        by_number = {}
        shift = timedelta(days=days)

        def moved(text: str | None) -> datetime | None:
            return datetime.fromisoformat(text) + shift if text else None

        for fact in document["facts"]:
            self.fact += 1
            by_number[fact["n"]] = self.fact
            about = fact["subject"].replace("contact:0", subject)
            data = Jsonb(fact["data"])
            self.facts.append((self.fact, fact["kind"], moved(fact["at"]), moved(fact["known_at"]), fact["grade"], rm, rm,
                               customer, about, data, False))  # fmt: skip
        for due in document["dues"]:
            about = due["subject"].replace("contact:0", subject)
            done = due["state"] == "done"
            evidence = dict(due["evidence"])
            if "at" in evidence:
                evidence["at"] = moved(evidence["at"]).isoformat()  # type: ignore[union-attr]
            self.dues.append((
                by_number[due["fact"]], due["clause"], due["clause_from"], due["kind"], due["force"], due["origin"], rm,
                customer, about, due["tier"], Jsonb(due["what"]), Jsonb(due["why"]), Jsonb(due["detail"]),
                moved(due["opens"]), moved(due["due"]), due["due_counts"], moved(due["target"]), due["lapses"],
                due["channels"], due["state"], moved(due["settled_at"]), rm if done else None, Jsonb(evidence),
                by_number[due["settling"]] if due["settling"] is not None else None, moved(due["created_at"]),
                due["key"].replace("contact:0", subject).replace("customer:0", f"customer:{customer}"),
            ))  # fmt: skip


FACT_COLUMNS = "id, kind, at, known_at, grade, by_id, staff_id, customer_id, subject, data, void"
DUE_COLUMNS = (
    "fact_id, clause, clause_from, kind, force, origin, owner_id, customer_id, subject, tier, what, why, detail, opens, due,"
    " due_counts, target, lapses, channels, state, settled_at, settled_by_id, evidence, settling_id, created_at, key"
)
REFERENCE = date(2026, 6, 29)


@cache
def answered(kind: str, outcome: str, tier: str, first: bool, slot: int, written_up: bool) -> dict[str, Any]:
    """The engine's answer to one contact on the reference day, its thanks sent and its write-up closed two hours later."""
    c = Held(0, kind, 1, 0, tier, first, outcome, REFERENCE, slot, written_up, 0)
    data: dict[str, Any] = {"first": first, "missing": [], "purpose": "care"}
    if kind == "call":
        data |= {"outcome": outcome, "incoming": False, "started": c.started.isoformat(), "seconds": 720}
    happened: list[tuple[str, datetime, str, dict[str, Any]]] = [(f"{kind}_ended", c.ended, "contact:0", data)]
    if written_up:
        thanks = {"purpose": "thanks", "channel": "sms", "through": "platform", "introduces": first}
        happened.append(("message_sent", c.ended + timedelta(minutes=20), "contact:0", thanks))
        happened.append(("written_up", c.ended + timedelta(hours=2), "contact:0", {}))
    if outcome in {"no_answer", "busy", "absent"}:
        # The customer rings back the next day, which is written up: nothing of the year stays open by accident.
        at = c.ended + timedelta(days=1)
        rang = {"first": False, "outcome": "reached", "incoming": True, "started": at.isoformat(), "seconds": 240}
        happened.append(("call_ended", at + timedelta(minutes=4), "contact:0/again", rang))
        happened.append(("written_up", at + timedelta(minutes=30), "contact:0/again", {}))
    return asked(happened, tier)


def asked(happened: Sequence[tuple[str, datetime, str, dict[str, Any]]], tier: str) -> dict[str, Any]:
    """What the ledger would write for these facts about customer 0, contact 0."""
    from zhike.conduct.bank import Bank as Settings
    from zhike.conduct.facts import Case, Fact, Person
    from zhike.obligations import ledger

    facts = [Fact(kind, at, at, 1, 0, subject, data) for kind, at, subject, data in happened]
    entries = ledger.ask(facts, Case(Person(0, tier)), actor=None, now=facts[0].at, bank=Settings())
    return entries.document()


def still_open(ledger: Ledger, bank: Bank, rm: int) -> Iterator[tuple[Any, ...]]:
    """The rest of what an RM owes on the measured morning, to make fifty with what the last contacts owe.

    Yields the agreed visits, as rows of contacts.
    """
    dice = random.Random(-rm)
    visits = bank.busy * CONTACTS + (rm - 1) * 2
    waiting = len([1 for due in ledger.dues if due[19] == "open" and due[14] is not None])
    for number in range(OPEN - waiting):
        customer = min((rm - 1) * BOOK + 1 + dice.randrange(BOOK), bank.customers)
        tier = tier_of(customer)
        subject = f"contact:{(rm - 1) * CONTACTS + dice.randrange(CONTACTS) + 1}"
        ago = NOW - timedelta(hours=3 + dice.randrange(80))
        ahead = NOW + timedelta(minutes=15 * dice.randrange(1, 200))
        if number < 2:
            at = NOW.replace(hour=14 + number)
            visit = {"target": at.isoformat(), "place": "客户公司", "purpose": "到期资金安排"}
            document = asked([("visit_agreed", ago, "contact:0", visit)], tier)
            subject = f"contact:{visits + number + 1}"
            yield (
                visits + number + 1, "visit", "agreed", customer, rm, rm, "maturity", at, None, None, None, "", "", "", "",
                False, None, rm, ago, 2,
            )  # fmt: skip
        elif number % 3 == 0:
            promised = {"target": ahead.isoformat(), "outcome": "busy", "words": "开会中，约好再打"}
            document = asked([("call_back_promised", ago, f"contact:0/back:{number}", promised)], tier)
        elif number % 3 == 1:
            words = dice.choice(("发一份大额存单利率表", "核对上月扣费", "查询房贷提前还款手续", "准备教育金方案"))
            made = {"words": words, "to": "customer", "target": ahead.isoformat()}
            document = asked([("promise_made", ago, f"contact:0/promise:{number}", made)], tier)
        else:
            overdue = {"since": "2026-04-01", "days": 96, "target": (ahead + timedelta(days=2)).isoformat()}
            document = asked([("contact_overdue", ago, f"contact:0/rhythm:{number}", overdue)], tier)
        ledger.write(document, rm, customer, subject)


# ── filling ─────────────────────────────────────────────────────────────────────────────────────────────────────


def fill(connection: psycopg.Connection[Any], bank: Bank) -> None:
    """Fills a migrated, empty database, in one transaction. ``connection`` is the superuser's: it sets triggers aside."""
    with connection.transaction():
        run = connection.execute
        run("SET LOCAL session_replication_role = replica")
        run("SET LOCAL maintenance_work_mem = '1GB'")
        run(f"TRUNCATE {', '.join(LOADED)} CASCADE")
        indexes = set_aside(connection)
        people(connection, bank)
        customers(connection, bank)
        year(connection, bank)
        run(AFTERWARDS, {"now": NOW, "busy": bank.busy})
        for statement in indexes:
            run(statement)
        for table in WITH_SEQUENCE:
            run(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT coalesce(max(id), 1) FROM {table}))")
        run("SELECT trail_month(%s)", [TODAY])
    connection.execute("VACUUM (ANALYZE)")


LOADED = (
    "people_unit", "people_staff", "people_post", "people_session", "customers_customer", "customers_household",
    "contacts_contact", "obligations_fact", "obligations_obligation", "people_setting",
)  # fmt: skip
WITH_SEQUENCE = (
    "people_unit", "people_staff", "people_post", "people_setting", "customers_customer", "customers_household",
    "customers_need", "customers_rating", "customers_relation", "customers_book", "customers_acquaintance",
    "customers_holding", "contacts_contact", "contacts_demand", "obligations_fact", "obligations_obligation",
)  # fmt: skip


def set_aside(connection: psycopg.Connection[Any]) -> list[str]:
    """Drops the indexes that no constraint needs; returns the statements that make them again."""
    rows = connection.execute(
        """SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i
           JOIN pg_class t ON t.oid = i.indrelid
           WHERE t.relname ~ '^(customers|contacts|obligations)_' AND t.relkind = 'r' AND NOT i.indisunique
             AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)"""
    ).fetchall()
    for name, _ in rows:
        connection.execute(f"DROP INDEX {name}")
    return [definition for _, definition in rows]


def people(connection: psycopg.Connection[Any], bank: Bank) -> None:
    """A head office, a branch for every hundred RMs, a sub-branch for every ten. RMs see their own, a branch's leader the
    branch, compliance the bank.
    """
    connection.execute(
        f"""
        INSERT INTO people_unit (id, code, name, kind, parent_id, path, from_day)
        VALUES (1, '0000', '总行', 'head', NULL, '/1/', '2020-01-01');
        INSERT INTO people_unit (id, code, name, kind, parent_id, path, from_day)
        SELECT 1 + n, '1' || n, '第' || n || '分行', 'branch', 1, '/1/' || 1 + n || '/', '2020-01-01'
        FROM generate_series(1, {bank.branches}) n;
        INSERT INTO people_unit (id, code, name, kind, parent_id, path, from_day)
        SELECT 1 + {bank.branches} + n, '2' || n, '第' || n || '支行', 'sub_branch', 2 + (n - 1) / 10,
               '/1/' || 2 + (n - 1) / 10 || '/' || 1 + {bank.branches} + n || '/', '2020-01-01'
        FROM generate_series(1, {-(-bank.rms // TEAM)}) n;
        INSERT INTO people_staff (id, password, number, name, title, email, phone, language, theme, single_keys, is_active,
                                  must_change_password)
        SELECT n, '!', 'B' || n, '客户经理' || n, '', '', '', 'zh-hans', '', true, true, false
        FROM generate_series(1, {bank.rms} + {bank.branches} + 1) n;
        INSERT INTO people_post (staff_id, unit_id, role, scope, from_day)
        SELECT n, 2 + {bank.branches} + (n - 1) / {TEAM}, 'rm', 'own', '2020-01-01' FROM generate_series(1, {bank.rms}) n;
        INSERT INTO people_post (staff_id, unit_id, role, scope, from_day)
        SELECT {bank.rms} + n, 1 + n, 'leader', 'tree', '2020-01-01' FROM generate_series(1, {bank.branches}) n;
        INSERT INTO people_post (staff_id, unit_id, role, scope, from_day)
        VALUES ({bank.rms} + {bank.branches} + 1, 1, 'compliance', 'all', '2020-01-01');
        INSERT INTO people_setting (name, value, from_day, at) VALUES ('second_factor_roles', '[]', '2020-01-01', '2020-01-01');
        """
    )


def customers(connection: psycopg.Connection[Any], bank: Bank) -> None:
    from zhike.customers import names as spelling

    connection.execute(
        """CREATE TEMPORARY TABLE named (n int PRIMARY KEY, kind text, name text, grams text[], pinyin text[], sort_key text)
           ON COMMIT DROP;
           CREATE TEMPORARY TABLE sealed (id bigint PRIMARY KEY, v text, mobile bytea, tail bytea) ON COMMIT DROP"""
    )
    copy(
        connection,
        "named (n, kind, name, grams, pinyin, sort_key)",
        (
            (
                n, kind, name, spelling.grams(name), spelling.pinyin(name, company=kind == "company"),
                spelling.sort_key(name, company=kind == "company"),
            )
            for n, (kind, name) in enumerate(names())
        ),
    )  # fmt: skip
    copy(connection, "sealed (id, v, mobile, tail)", sealed(bank), binary="bigint text bytea bytea")
    connection.execute(
        CUSTOMERS.replace("%(tiers)s", "ARRAY[" + ",".join(f"'{tier}'" for tier in TIERS) + "]"),
        {"names": NAMES, "customers": bank.customers, "book": BOOK, "busy": bank.busy * BOOK, "began": BEGAN, "now": NOW,
         "team": TEAM, "branches": bank.branches},
    )  # fmt: skip


# The last contact lies within the part of the rhythm after which it is said to be soon: each day some fall due.
CUSTOMERS = """
INSERT INTO customers_customer (id, core_number, kind, name, honorific, gender, tier, tier_since, assets, assets_day, rm_id,
    unit_id, birth_calendar, birth_year, birth_month, birth_day, birth_leap, do_not_disturb, complaint_open, met_before,
    called_before, last_contact_at, profile, grams, pinyin, sort_key, mobile_index, tail_index, version, created_at, changed_at)
SELECT s.id, 'C' || lpad(s.id::text, 8, '0'), n.kind, n.name,
       CASE WHEN n.kind = 'person' THEN left(n.name, 1) || (ARRAY['女士', '先生'])[1 + s.id % 2] ELSE '' END,
       CASE WHEN n.kind = 'person' THEN (ARRAY['f', 'm'])[1 + s.id % 2] ELSE '' END,
       t.tier, '2025-07-01', 10000 + s.id * 7919 % 5000000, '2026-06-30', rm.id, 2 + %(branches)s + (rm.id - 1) / %(team)s,
       CASE WHEN n.kind = 'company' THEN '' WHEN s.id % 10 < 3 THEN 'lunar' ELSE 'solar' END,
       1940 + s.id % 65, 1 + s.id * 31 % 12, 1 + s.id / 12 * 17 % 28, false, false, false, 'yes', 'yes',
       %(now)s::timestamptz - make_interval(hours => (1 + s.id * 7919 % (24 * CASE t.tier
           WHEN 'private' THEN 11 WHEN 'diamond' THEN 24 WHEN 'platinum' THEN 72 ELSE 144 END))::int),
       jsonb_build_object(
           'mobile', jsonb_build_object('v', s.v, 'src', 'import', 'on', '2025-07-01', 'by', null, 'contact', null),
           'hobbies', jsonb_build_object('v', (ARRAY['钓鱼', '广场舞', '书法', '徒步', '茶'])[1 + s.id % 5], 'src', 'contact',
                                         'on', '2026-02-01', 'by', rm.id, 'contact', null),
           'preferred_time', jsonb_build_object('v', '工作日下午三点后', 'src', 'contact', 'on', '2026-02-01', 'by', rm.id,
                                                'contact', null)),
       n.grams, n.pinyin, n.sort_key, s.mobile, s.tail, 1, %(began)s, %(began)s
FROM sealed s JOIN named n ON n.n = s.id * 7907 %% %(names)s
CROSS JOIN LATERAL (SELECT (s.id - 1) / %(book)s + 1 AS id) rm
CROSS JOIN LATERAL (SELECT (%(tiers)s)[1 + s.id * 37 %% 100] AS tier) t
ORDER BY s.id;
INSERT INTO customers_book (customer_id, rm_id, from_day, reason, at)
SELECT id, rm_id, '2025-07-01', '', created_at FROM customers_customer;
INSERT INTO customers_rating (customer_id, month, assets, tier, reason)
SELECT id, m, assets * (1 + extract(month FROM m) / 100), tier, '' FROM customers_customer,
       generate_series(CASE WHEN id <= %(busy)s THEN '2025-08-01' ELSE '2026-07-01' END::timestamp, '2026-07-01', '1 month') m;
INSERT INTO customers_holding (customer_id, core_number, product, kind, amount, currency, rate, risk_grade, opened_on,
    matures_on, as_of)
SELECT id, 'H' || n, (ARRAY['一年期定期存款', '三年期大额存单', '稳健理财 90 天', '活期存款', '债券基金'])[1 + (id + n) % 5],
       'deposit', 10000 * (1 + (id * n) % 90), 'CNY', 1.85, 'PR' || 1 + (id + n) % 3, '2025-09-01',
       '2026-07-06'::date + (id * 13 * n % 400)::int, '2026-07-05'
FROM customers_customer, generate_series(1, CASE WHEN id <= %(busy)s THEN 5 ELSE 1 END) n;
INSERT INTO customers_relation (customer_id, kind, name, age, note, source, at)
SELECT id, 'child', '', 'under_14', '', 'contact', created_at FROM customers_customer WHERE id <= %(busy)s AND id % 2 = 0;
""".replace(" % ", " %% ")

AFTERWARDS = """
UPDATE customers_customer c SET last_contact_at = t.at
FROM (SELECT customer_id, max(ended_at) AS at FROM contacts_contact
      WHERE ended_at IS NOT NULL AND outcome IN ('', 'reached', 'not_interested') GROUP BY customer_id) t
WHERE t.customer_id = c.id;
INSERT INTO customers_acquaintance (customer_id, rm_id, first_met_at, met_source, first_called_at, called_source,
    last_contact_at, meetings, calls)
SELECT customer_id, rm_id, min(started_at) FILTER (WHERE kind <> 'call'), 'contact',
       min(ended_at) FILTER (WHERE kind = 'call'), 'contact', max(ended_at),
       count(*) FILTER (WHERE kind <> 'call'), count(*) FILTER (WHERE kind = 'call')
FROM contacts_contact WHERE ended_at IS NOT NULL AND outcome IN ('', 'reached', 'not_interested')
GROUP BY customer_id, rm_id;
INSERT INTO customers_need (customer_id, kind, words, state, opened_at, by_id, contact, closed_at, closed_why)
SELECT customer_id, (ARRAY['maturity', 'wealth', 'pension', 'education', 'loan'])[1 + id %% 5], '到期后想转较稳妥的产品',
       CASE WHEN id %% 5 = 0 THEN 'open' ELSE 'met' END, ended_at, rm_id, id,
       CASE WHEN id %% 5 > 0 THEN ended_at + interval '20 days' END, ''
FROM contacts_contact WHERE state = 'closed' AND NOT no_need AND result <> '';
"""


def year(connection: psycopg.Connection[Any], bank: Bank) -> None:
    """Contacts and ledger of the RMs who have a year, RM by RM, each with what is still open."""
    ledger = Ledger()
    ahead: list[tuple[Any, ...]] = []
    for rm in range(1, bank.busy + 1):
        contacts = list(held(bank, rm))
        copy(
            connection,
            f"contacts_contact ({CONTACT_COLUMNS}, {EMPTY_COLUMNS})",
            (contact_row(c) + EMPTY for c in contacts),
        )
        for c in contacts:
            ledger.contact(c)
        ahead += still_open(ledger, bank, rm)
        facts, dues = ledger.take()
        copy(connection, f"obligations_fact ({FACT_COLUMNS})", facts)
        copy(connection, f"obligations_obligation ({DUE_COLUMNS})", dues)
    copy(connection, f"contacts_contact ({CONTACT_COLUMNS}, {EMPTY_COLUMNS})", (row + EMPTY for row in ahead))


EMPTY_COLUMNS = (
    "purpose_words, place, invited_by_rm, customer_asked, told_customer, incoming, afterwards, surprise_reason, ticks, notes,"
    " grade, met_where, seen_off, invitation, cancelled_for, cancelled_why"
)
EMPTY: tuple[Any, ...] = (
    "", "", False, False, True, False, False, "", Jsonb({}), Jsonb([]), "tapped", "", "", "", "", "",
)  # fmt: skip


def copy(connection: psycopg.Connection[Any], into: str, rows: Any, binary: str = "") -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {into} FROM STDIN{' (FORMAT binary)' if binary else ''}") as write,
    ):
        if binary:
            write.set_types(binary.split())
        for row in rows:
            write.write_row(row)
