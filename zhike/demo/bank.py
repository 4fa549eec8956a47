"""The demonstration bank's tree and people: 澄江银行, one branch, three sub-branches, somebody in every role."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.contrib.auth.hashers import make_password

from zhike.conduct.bank import Bank as Rules
from zhike.conduct.setting import plain
from zhike.people.models import Post, Staff, Unit

# Known to everybody: the demonstration keeps nothing that is true.
PASSWORD = "liulang-2026"  # noqa: S105

UNITS = (
    ("0000", "澄江银行", "head", None),
    ("1000", "临湖分行", "branch", "0000"),
    ("1100", "柳浪支行", "sub_branch", "1000"),
    ("1200", "望湖支行", "sub_branch", "1000"),
    ("1300", "曲院支行", "sub_branch", "1000"),
)


@dataclass(frozen=True)
class Seat:
    """One staff member: number, name, role, scope, unit; ``care`` is how often what is owed is done in time, 0 to 1.

    ``forgets``: what was not done in time lately is still open.
    """

    number: str
    name: str
    role: str
    scope: str
    unit: str
    title: str = "客户经理"
    care: float = 0.95
    forgets: bool = True
    keeps: int = 0  # customers whom a leader keeps personally, beside leading
    language: str = "zh-hans"


SEATS = (
    Seat("1001", "林晓", "rm", "own", "1100", care=0.96, forgets=False),
    Seat("1002", "许一凡", "rm", "own", "1100", care=0.98),
    Seat("1003", "郑楠", "rm", "own", "1100", care=0.94),
    Seat("1004", "马骁", "rm", "own", "1100", care=0.82),
    Seat("1201", "唐予安", "rm", "own", "1200", care=0.97),
    Seat("1202", "苏蔓", "rm", "own", "1200", care=0.91),
    Seat("1203", "丁一", "rm", "own", "1200", care=0.93),
    Seat("1204", "季雨", "rm", "own", "1200", care=0.96),
    Seat("1301", "程思远", "rm", "own", "1300", care=0.78),
    Seat("1302", "周延", "rm", "own", "1300", care=0.99),
    Seat("1303", "白露", "rm", "own", "1300", care=0.92),
    Seat("1304", "韩冬", "rm", "own", "1300", care=0.95),
    Seat("1010", "顾敏", "leader", "team", "1100", "主管", keeps=8),
    Seat("1020", "罗建平", "leader", "team", "1200", "主管", keeps=8),
    Seat("1030", "解春明", "leader", "team", "1300", "主管", keeps=8),
    Seat("1040", "Alice Zhou", "leader", "tree", "1000", "分行副行长", language="en", keeps=8),
    Seat("1050", "夏知秋", "marketing", "own", "1000", "营销岗"),
    Seat("1060", "何静", "compliance", "tree", "1000", "合规岗"),
    Seat("1070", "冯毅", "risk", "tree", "1000", "风险岗"),
    Seat("1080", "沈鉴", "auditor", "all", "0000", "审计岗"),
    Seat("1090", "管平", "administrator", "own", "0000", "系统管理员"),
)

# Meetings were asked for by the rhythm from yesterday on: spread over their period from then, nobody begins late.
NO_MEETINGS: list[dict[str, Any]] = [{**row, "meeting_days": None} for row in plain(Rules().rhythm)]

# What the bank has changed, and how long ago: (setting, value, days before today).
CHANGED: tuple[tuple[str, Any, int], ...] = (
    # Nobody can scan a code for a bank that does not exist; a real one keeps the default, every role.
    ("second_factor_roles", [], 400),
    ("idle_minutes", 120, 400),
    ("rhythm", NO_MEETINGS, 400),
    ("visit_length", 40, 60),
    ("promise_workdays", 3, 45),
    ("satisfaction_after", ["reception", "visit"], 32),
    ("leave_reminder", 45, 20),
    ("waiver_needs_leader", True, 10),
    ("rhythm", plain(Rules().rhythm), 1),
)


@dataclass
class Bank:
    """Who and what there is, by number and by code."""

    units: dict[str, Unit] = field(default_factory=dict)
    staff: dict[str, Staff] = field(default_factory=dict)
    seats: dict[str, Seat] = field(default_factory=dict)

    @property
    def managers(self) -> list[Seat]:
        return [seat for seat in SEATS if seat.role == "rm"]

    @property
    def keepers(self) -> list[Seat]:
        """Everybody with a book: the RMs, and the leaders who keep a few customers themselves."""
        return [*self.managers, *(seat for seat in SEATS if seat.keeps)]

    def leader_of(self, seat: Seat) -> Staff | None:
        """Who leads the unit; nobody leads themselves."""
        leads = (each for each in SEATS if each.role == "leader" and each.unit == seat.unit and each != seat)
        return next((self.staff[each.number] for each in leads), None)


def found(today: date, now: datetime) -> Bank:
    """Units, staff with their posts, and the settings that the bank has changed."""
    bank = Bank()
    began = date(today.year - 12, 4, 1)
    for code, name, kind, parent in UNITS:
        bank.units[code] = Unit.objects.create(
            code=code, name=name, kind=kind, parent=bank.units.get(parent or ""), from_day=began
        )
    # One hash for all: they share the password, and a slow hash is meant to be slow.
    password = make_password(PASSWORD)
    for seat in SEATS:
        staff = Staff(
            number=seat.number,
            name=seat.name,
            title=seat.title,
            language=seat.language,
            password=password,
            phone=f"0000-8800{seat.number}",
        )
        staff.save()
        bank.staff[seat.number], bank.seats[seat.number] = staff, seat
        unit = bank.units[seat.unit]
        Post.objects.create(staff=staff, unit=unit, role=seat.role, scope=seat.scope, from_day=began)
        if seat.keeps:
            Post.objects.create(staff=staff, unit=unit, role="rm", scope="own", from_day=began)
    return bank
