"""The people of the tests: one branch with two sub-branches, somebody in every role, a few customers each.

    head office 总行
    └─ Zhangjiang branch 张江分行   Zhou Wei 周薇, branch leader · marketing, compliance, risk, auditor, administrator
       ├─ Century Avenue 世纪大道支行        Wu Min 吴敏, leader · Lin Xiao 林晓 and Chen Tong 陈彤, RMs (team-mates)
       └─ Lujiazui 陆家嘴支行                Sun Hao 孙浩, leader · Zhao Lei 赵磊, RM (a stranger to Lin Xiao)

Each RM has three customers, and each sub-branch one customer without an RM.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection
from django.test import Client

from zhike import clock
from zhike.customers.models import Customer
from zhike.customers.models.customer import found_by
from zhike.people.actor import Actor, acting
from zhike.people.models import Post, Staff, Unit
from zhike.people.session import SessionStore

LONG_AGO = date(2020, 1, 1)
PASSWORD = "a good long password"

UNITS = {
    "head": ("0000", "总行", "head", None),
    "branch": ("1000", "张江分行", "branch", "head"),
    "century": ("1100", "世纪大道支行", "sub_branch", "branch"),
    "lujiazui": ("1200", "陆家嘴支行", "sub_branch", "branch"),
}
STAFF = {
    "rm": ("1001", "林晓", "rm", "own", "century"),
    "mate": ("1002", "陈彤", "rm", "own", "century"),
    "leader": ("1003", "吴敏", "leader", "team", "century"),
    "stranger": ("1004", "赵磊", "rm", "own", "lujiazui"),
    "other_leader": ("1005", "孙浩", "leader", "team", "lujiazui"),
    "branch_leader": ("1006", "周薇", "leader", "tree", "branch"),
    "marketing": ("1007", "马琳", "marketing", "own", "branch"),
    "compliance": ("1008", "何静", "compliance", "tree", "branch"),
    "risk": ("1009", "冯刚", "risk", "tree", "branch"),
    "auditor": ("1010", "审慎", "auditor", "all", "head"),
    "administrator": ("1011", "管原", "administrator", "own", "head"),
    "second_administrator": ("1012", "管平", "administrator", "own", "head"),
}
# Names that nobody else of the cast has, so that one leaking anywhere is found by looking for it.
CUSTOMERS = {
    "rm": ("张伟明", "李秀兰", "上海申达贸易有限公司"),
    "mate": ("王建国", "刘桂英", "杭州启明软件有限公司"),
    "stranger": ("欧阳思远", "单雪梅", "苏州恒丰纺织有限公司"),
    "century": ("钱有财",),
    "lujiazui": ("金满堂",),
}
TIERS = ("platinum", "gold", "diamond")


@dataclass
class Cast:
    """Everybody by name: ``cast.rm``, ``cast.leader``; customers by whose they are: ``cast.customers["mate"]``."""

    units: dict[str, Unit] = field(default_factory=dict)
    staff: dict[str, Staff] = field(default_factory=dict)
    customers: dict[str, list[Customer]] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Staff:
        try:
            return self.__dict__["staff"][name]
        except KeyError:
            raise AttributeError(name) from None

    def acting(self, who: str, now: datetime | None = None) -> AbstractContextManager[Actor]:
        """``with cast.acting("rm") as actor:`` for what the domain does without pages."""
        return acting(self.staff[who].pk, now or clock.now())

    def client(self, who: str | None, now: datetime | None = None, **extra: Any) -> Client:
        """A browser in which ``who`` is signed in, or nobody."""
        browser = Client(**extra)
        if who is not None:
            browser.cookies["zhike_session"] = signed_in(self.staff[who], now or clock.now())
        return browser


def opened(browser: Client, address: str) -> Any:
    """A page by its address; ``/search/?q=…`` as the search box sends it, which is no address, and where that leads."""
    path, _, words = address.partition("?q=")
    if path.startswith("/search/") and words:
        return browser.post(path, {"q": words}, follow=True)
    return browser.get(address)


def signed_in(staff: Staff, now: datetime) -> str:
    """The cookie of a session that has just begun."""
    store = SessionStore(None, now)
    store["_auth_user_id"] = str(staff.pk)
    store["_auth_user_backend"] = "allauth.account.auth_backends.AuthenticationBackend"
    store["_auth_user_hash"] = staff.get_session_auth_hash()
    store.create()
    assert store.session_key
    return store.session_key


def seat() -> Cast:
    """The cast, made by whoever may (``with owner():``)."""
    cast = Cast()
    for name, (code, title, kind, parent) in UNITS.items():
        cast.units[name] = Unit.objects.create(
            code=code, name=title, kind=kind, parent=cast.units.get(parent or ""), from_day=LONG_AGO
        )
    for name, (number, who, role, scope, unit) in STAFF.items():
        cast.staff[name] = Staff.objects.seat(number=number, name=who, password=PASSWORD)
        Post.objects.create(staff=cast.staff[name], unit=cast.units[unit], role=role, scope=scope, from_day=LONG_AGO)
    made = datetime(2026, 1, 5, 2, tzinfo=UTC)
    for whose, names in CUSTOMERS.items():
        rm = cast.staff.get(whose)
        unit = cast.units[STAFF[whose][4] if rm else whose]
        cast.customers[whose] = [
            Customer.objects.create(
                core_number=f"C-{whose}-{number}",
                kind="company" if "公司" in name else "person",
                name=name,
                **found_by(name, "company" if "公司" in name else "person"),
                tier=TIERS[number % 3],
                rm=rm,
                unit=unit,
                created_at=made,
                changed_at=made,
            )
            for number, name in enumerate(names)
        ]
    without_second_factor()
    without_outings()
    without_acknowledgements()
    without_plans()
    return cast


def without_second_factor() -> None:
    """The bank of the tests demands no second factor, as the demonstration's; the tests of sign-in demand it again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO people_setting (name, value, from_day, at) VALUES ('second_factor_roles', '[]', %s, %s)",
            [LONG_AGO, datetime(2020, 1, 1, tzinfo=UTC)],
        )


def without_outings() -> None:
    """The bank of the tests asks for no outing before a visit; the tests of outings ask for it again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO people_setting (name, value, from_day, at) VALUES ('outing_guard', '\"off\"', %s, %s)",
            [LONG_AGO, datetime(2020, 1, 1, tzinfo=UTC)],
        )


def without_acknowledgements() -> None:
    """The bank of the tests has nobody acknowledge the code; the tests of acknowledgement have it again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO people_setting (name, value, from_day, at) VALUES ('acknowledge_roles', '[]', %s, %s)",
            [LONG_AGO, datetime(2020, 1, 1, tzinfo=UTC)],
        )


def without_plans() -> None:
    """The bank of the tests asks for no work plans; the tests of plans ask for them again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO people_setting (name, value, from_day, at) VALUES ('plan_periods', '[]', %s, %s)",
            [LONG_AGO, datetime(2020, 1, 1, tzinfo=UTC)],
        )


def a_worker_lives() -> None:
    """Somebody works on reminders, whatever the clock says; else every page would say that nobody does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO notices_heartbeat (worker, name, begun_at, seen_at) VALUES (gen_random_uuid(), 'test', now(), '9998-12-31')"
        )


def a_customer(name: str, rm: Staff, unit: Unit, **fields: Any) -> Customer:
    """One more customer, found by the search; call it as the owner."""
    moment = datetime(2026, 1, 5, 2, tzinfo=UTC)
    searched = found_by(name, fields.get("kind", "person"))
    return Customer.objects.create(
        name=name, rm=rm, unit=unit, created_at=moment, changed_at=moment, **searched, **fields
    )
