"""A bank's people from one table: units, who serves in them, in which role. Run twice, it changes nothing the second time.

A row without a staff number is a unit. A row with one is a staff member, with a post if it names a role; several posts
are several rows. Order does not matter: units first, parents before children, whatever the file says. A row that
cannot be taken comes back with its line, column and reason; the others are taken all the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from zhike.conduct.words import Refused
from zhike.people import invitation, posts
from zhike.people.models import Post, Role, Staff, Unit
from zhike.people.posts import NewPost
from zhike.people.tables import COLUMN, LINE, REASON, Problem, Row, Table, UnreadableTable
from zhike.people.units import Move

# What banks call the columns; the first Chinese one is what our template and sentences say.
COLUMNS: dict[str, tuple[str, ...]] = {
    "number": ("工号", "员工号", "员工编号", "staff number", "number"),
    "name": ("姓名", "员工姓名", "name"),
    "title": ("职务", "岗位", "title"),
    "email": ("邮箱", "电子邮件", "email", "e-mail"),
    "phone": ("电话", "手机", "联系电话", "phone"),
    "unit": ("机构号", "机构代码", "机构编号", "部门编号", "部门代码", "unit", "unit code"),
    "unit_name": ("机构名称", "机构", "部门", "unit name"),
    "unit_kind": ("机构类型", "unit kind"),
    "parent": ("上级机构号", "上级机构", "parent", "parent unit"),
    "role": ("角色", "role"),
    "scope": ("数据范围", "范围", "scope"),
    "from": ("起", "开始日期", "起始日", "起始日期", "任职起", "任职开始", "任职起始日", "任职日期", "from"),
    "to": ("止", "结束日期", "终止日", "终止日期", "任职止", "任职结束", "任职终止日", "to"),
}
ROLES = {
    "rm": ("客户经理", "relationship manager"),
    "leader": ("主管", "团队长", "团队主管", "行长", "网点主任", "team leader"),
    "marketing": ("营销", "市场", "营销岗"),
    "compliance": ("合规", "合规岗"),
    "risk": ("风险", "风险经理"),
    "auditor": ("审计", "审计员"),
    "administrator": ("管理员", "系统管理员"),
}
SCOPES = {
    "own": ("本人", "仅本人"),
    "team": ("团队", "本团队", "本机构"),
    "tree": ("机构树", "辖内", "本机构及下级", "unit tree"),
    "all": ("全行", "全部"),
}
KINDS = {
    "head": ("总行", "head office"),
    "branch": ("分行", "一级分行", "二级分行"),
    "sub_branch": ("支行", "网点", "sub-branch"),
    "team": ("团队", "部门", "小组"),
}
NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")


@dataclass
class TakenIn:
    """What came of a file. ``invitations``: number, name and one-time password of those seated now, shown once."""

    units_made: int = 0
    units_changed: int = 0
    staff_made: int = 0
    staff_changed: int = 0
    posts_made: int = 0
    unchanged: int = 0
    refused: list[tuple[Row, list[Problem]]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)  # columns that were not understood
    posts_asked: list[NewPost] = field(default_factory=list)
    moves_asked: dict[int, Move] = field(default_factory=dict)  # by the unit that is to hang elsewhere
    invitations: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def taken(self) -> int:
        return self.units_made + self.units_changed + self.staff_made + self.staff_changed + self.posts_made


@dataclass
class _Entry:
    row: Row
    problems: list[Problem]
    cells: dict[str, str]


class Roster:
    """One table on its way in. ``grant``: write posts and move units at once (the operator's command) or leave it to be approved."""

    def __init__(self, table: Table, *, today: date, now: datetime, grant: bool) -> None:
        self.table, self.today, self.now, self.grant = table, today, now, grant
        self.named = _named(table.columns)
        known = {*self.named.values(), LINE, COLUMN, REASON, ""}
        self.result = TakenIn(unread=[column for column in table.columns if column not in known])
        self.units = {unit.code: unit for unit in Unit.objects.select_related("parent")}
        self.staff = {staff.number: staff for staff in Staff.objects.all()}
        self.posts = {
            (post.staff_id, post.unit_id, post.role): post
            for post in Post.objects.order_by("from_day")  # of two that follow each other the later one
            if post.to_day is None or post.to_day > today
        }

    def take_in(self) -> TakenIn:
        """Takes what can be taken. Runs inside the caller's transaction, who rolls back for a dry run."""
        entries = [self._entry(row) for row in self.table]
        self._units([entry for entry in entries if entry.cells.get("unit") and self._describes_unit(entry)])
        for entry in entries:
            if entry.cells.get("number") or entry.cells.get("name"):
                self._staff(entry)
            elif not entry.cells.get("unit"):
                self._complain(entry, "", _("The row names neither a staff number nor a unit."))
        self.result.refused = [(entry.row, entry.problems) for entry in entries if entry.problems]
        return self.result

    def _entry(self, row: Row) -> _Entry:
        cells = {name: row.cells.get(column, "") for name, column in self.named.items()}
        return _Entry(row, list(row.problems), cells)

    def _complain(self, entry: _Entry, name: str, sentence: str) -> None:
        entry.problems.append(Problem(self.named.get(name, name and COLUMNS[name][0]), sentence))

    # ------------------------------------------------------------------ units

    @staticmethod
    def _describes_unit(entry: _Entry) -> bool:
        """A unit row, or a staff row that also says what its unit is."""
        return not entry.cells.get("number") or bool(entry.cells.get("unit_name") and entry.cells.get("unit_kind"))

    def _units(self, entries: list[_Entry]) -> None:
        """Parents before children: what waits for a parent of the file is taken up again after it."""
        waiting, in_file = list(entries), {entry.cells["unit"] for entry in entries}
        while waiting:
            ready = [e for e in waiting if not self._parent(e) or self._parent(e) not in in_file or self._settled(e)]
            if not ready:
                for entry in waiting:
                    self._complain(entry, "parent", _("The units hang on each other in a circle."))
                return
            for entry in ready:
                self._unit(entry)
                in_file.discard(entry.cells["unit"])
            waiting = [entry for entry in waiting if entry not in ready]

    @staticmethod
    def _parent(entry: _Entry) -> str:
        return entry.cells.get("parent", "")

    def _settled(self, entry: _Entry) -> bool:
        """A second row about the same unit does not wait for its own first."""
        return self._parent(entry) == entry.cells["unit"]

    def _unit(self, entry: _Entry) -> None:
        cells = entry.cells
        unit = self.units.get(cells["unit"])
        parent = self.units.get(self._parent(entry))
        kind = self._one_of(entry, "unit_kind", KINDS, unit.kind if unit else ("sub_branch" if parent else "head"))
        if self._parent(entry) and parent is None:
            self._complain(
                entry, "parent", _("There is no unit with the code %(code)s.") % {"code": self._parent(entry)}
            )
        if parent is not None and unit is not None and parent.path.startswith(unit.path):
            self._complain(entry, "parent", _("A unit cannot hang below itself."))
        if unit is None and not cells.get("unit_name"):
            self._complain(entry, "unit_name", _("A new unit needs a name."))
        if entry.problems:
            return
        if unit is None:
            unit = Unit(code=cells["unit"], name=cells["unit_name"], kind=kind, parent=parent, from_day=self.today)
            unit.save()
            self.units[unit.code] = unit
            self.result.units_made += 1
            return
        changed = {"name": cells.get("unit_name") or unit.name, "kind": kind, "parent": parent or unit.parent}
        if not self.grant and changed.pop("parent") != unit.parent:
            self.result.moves_asked[unit.pk] = Move(unit.pk, unit.parent_id, parent.pk if parent else None)
        if any(getattr(unit, name) != value for name, value in changed.items()):
            for name, value in changed.items():
                setattr(unit, name, value)
            unit.save()
            self.units = {row.code: row for row in Unit.objects.select_related("parent")}  # paths below have moved
            self.result.units_changed += 1
        elif not cells.get("number") and unit.pk not in self.result.moves_asked:
            self.result.unchanged += 1

    # ------------------------------------------------------------------ staff and posts

    def _staff(self, entry: _Entry) -> None:
        cells = entry.cells
        staff = self.staff.get(cells.get("number", ""))
        if not NUMBER.fullmatch(cells.get("number", "")):
            self._complain(entry, "number", _("A staff number is 1 to 32 letters and digits."))
        if not staff and not cells.get("name"):
            self._complain(entry, "name", _("The name is missing."))
        if cells.get("email"):
            self._check_email(entry)
        post = self._post(entry)
        if entry.problems:
            return
        staff, changed = self._seat(cells, staff)
        if post is not None and self._grant(staff, post):
            changed = True
        if not changed:
            self.result.unchanged += 1

    def _check_email(self, entry: _Entry) -> None:
        try:
            validate_email(entry.cells["email"])
        except ValidationError:
            self._complain(entry, "email", _("This is no e-mail address."))

    def _seat(self, cells: dict[str, str], staff: Staff | None) -> tuple[Staff, bool]:
        told = {name: cells[name] for name in ("name", "title", "email", "phone") if cells.get(name)}
        if staff is None:
            password, kept = invitation.draw()
            staff = Staff.objects.create(number=cells["number"], password=kept, must_change_password=True, **told)
            self.staff[staff.number] = staff
            self.result.staff_made += 1
            self.result.invitations.append((staff.number, staff.name, password))
            return staff, True
        differs = {name: value for name, value in told.items() if getattr(staff, name) != value}
        if not differs:
            return staff, False
        for name, value in differs.items():
            setattr(staff, name, value)
        staff.save(update_fields=list(differs))
        self.result.staff_changed += 1
        return staff, True

    def _post(self, entry: _Entry) -> NewPost | None:
        cells = entry.cells
        if not cells.get("role"):
            return None
        role = self._one_of(entry, "role", ROLES, "")
        scope = self._one_of(entry, "scope", SCOPES, posts.USUAL_SCOPE[Role(role)].value if role else "")
        unit = self.units.get(cells.get("unit", "")) or self._called(cells.get("unit", ""))
        if unit is None:
            self._complain(
                entry, "unit", _("There is no unit with the code %(code)s.") % {"code": cells.get("unit", "")}
            )
        elif unit.to_day and unit.to_day <= self.today:
            self._complain(entry, "unit", _("The unit %(code)s has ended. Name one that stands.") % {"code": unit.code})
        begins, ends = self._day(entry, "from") or self.today, self._day(entry, "to")
        if ends and ends <= begins:
            self._complain(entry, "to", _("It must end after it begins."))
        for name, start, end in (("from", begins, None), ("to", self.today, ends)):
            try:
                posts.near(start, end, self.today)
            except Refused as refused:
                self._complain(entry, name, refused.words.say(get_language() or ""))
        if entry.problems or unit is None:
            return None
        return NewPost(0, unit.pk, role, scope, begins.isoformat(), ends.isoformat() if ends else None)

    def _called(self, name: str) -> Unit | None:
        """The unit of that name, where there is one alone."""
        found = [unit for unit in self.units.values() if unit.name == name]
        return found[0] if len(found) == 1 else None

    def _grant(self, staff: Staff, told: NewPost) -> bool:
        """Whether the post is new or differs; one that stands already stays as it began."""
        there = self.posts.get((staff.pk, told.unit, told.role))
        if there and there.scope == told.scope and (there.to_day.isoformat() if there.to_day else None) == told.to_day:
            return False
        goes_on = there is not None and there.scope == told.scope
        begins = there.from_day.isoformat() if there and goes_on else told.from_day
        post = NewPost(staff.pk, told.unit, told.role, told.scope, begins, told.to_day)
        if self.grant:
            self.posts[(staff.pk, told.unit, told.role)] = posts.write(post)
            self.result.posts_made += 1
        else:
            self.result.posts_asked.append(post)
        return True

    def _one_of(self, entry: _Entry, name: str, words: dict[str, tuple[str, ...]], default: str) -> str:
        said = entry.cells.get(name, "")
        if not said:
            return default
        for value, names in words.items():
            if said.lower() == value or said.lower() in names:
                return value
        listed = "、".join(names[0] for names in words.values())
        self._complain(
            entry, name, _("“%(said)s” is not known here. Possible: %(list)s.") % {"said": said, "list": listed}
        )
        return ""

    def _day(self, entry: _Entry, name: str) -> date | None:
        said = entry.cells.get(name, "")
        if not said:
            return None
        digits = re.fullmatch(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?", said)
        try:
            if digits:
                return date(*(int(part) for part in digits.groups()))
        except ValueError:
            pass  # February 30
        self._complain(entry, name, _("“%(said)s” is no date. Write it like 2026-03-01.") % {"said": said})
        return None


def _named(columns: Sequence[str]) -> dict[str, str]:
    """Which column of the file is which of ours. Raises UnreadableTable where nothing can be made of it."""
    found: dict[str, str] = {}
    for column in columns:
        for name, words in COLUMNS.items():
            if column.strip().lower() in (name, *words) and name not in found:
                found[name] = column
    # Files of staff say 机构 and 岗位 for where somebody serves and as what, where nothing else says it.
    for name, plain, other in (("unit", "机构", "unit_name"), ("role", "岗位", "title")):
        if "number" in found and name not in found and found.get(other, "").strip() == plain:
            found[name] = found.pop(other)
            for column in columns:
                if column.strip().lower() == COLUMNS[other][0]:
                    found[other] = column
    if "number" not in found and "unit" not in found:
        raise UnreadableTable(
            _("The file has neither a column 工号 (staff number) nor 机构号 (unit code). Its columns: %(columns)s.")
            % {"columns": "、".join(columns)}
        )
    return found
