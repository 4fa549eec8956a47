"""One row of a customer file, checked: what will be loaded, or every reason why it will not.

The hot spot of an import. What depends on the file alone is looked up once; sealing and indexing are a few microseconds
each; what PostgreSQL's COPY reads is written here, so that the thread that speaks to it has nothing left to compute.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import Any

from django.utils.translation import gettext as _

from zhike.conduct.bank import Bank
from zhike.conduct.calendars import Birthday
from zhike.customers import birthdays, checks, names, profile
from zhike.customers.checks import Unaccepted
from zhike.customers.imports import columns as meanings
from zhike.customers.models import Run
from zhike.customers.vault import TAIL, place, vault
from zhike.people.actor import Actor
from zhike.people.models import Post, Role, Staff, Unit
from zhike.people.tables import Problem, Row

YES = frozenset(["是", "有", "y", "yes", "true", "1", "√", "✓", "见过", "打过", "已见面", "已面访", "已通话"])
NO = frozenset(["否", "无", "没有", "n", "no", "false", "0", "×", "未", "未见过", "未打过"])
UNKNOWN = frozenset(["未知", "不详", "unknown", "-"]) | {""}
KINDS = {
    **dict.fromkeys(["个人", "对私", "零售", "自然人", "person", "personal", "individual", "p", "1"], "person"),
    **dict.fromkeys(
        ["企业", "公司", "对公", "单位", "法人", "机构", "company", "corporate", "business", "c", "2"], "company"
    ),
}
GENDERS = {
    **dict.fromkeys(["女", "女性", "f", "female", "女士"], "f"),
    **dict.fromkeys(["男", "男性", "m", "male", "先生"], "m"),
    **dict.fromkeys(["未知", "不详", "unknown"], ""),
}
DOCUMENTS = {
    **dict.fromkeys(["身份证", "居民身份证", "二代身份证", "idcard", "1", "10100"], "idcard"),
    **dict.fromkeys(["护照", "passport"], "passport"),
    **dict.fromkeys(["港澳通行证", "港澳居民来往内地通行证", "港澳居民居住证", "hk_macao"], "hk_macao"),
    **dict.fromkeys(["台胞证", "台湾居民来往大陆通行证", "taiwan"], "taiwan"),
    **dict.fromkeys(["其他", "户口簿", "军官证", "other"], "other"),
}
COMPANY_NAME = re.compile(r"公司|有限|合伙|合作社|商行|经营部|厂$|Ltd|Inc\b|LLC|GmbH", re.IGNORECASE)
NAMED = re.compile(r"[^\W\d_]")
LONGEST_NAME = 120
DAY = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))(?:[ T]\d{1,2}:\d{2}(?::\d{2})?)?")
MOST_MONEY = Decimal(10) ** 16
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True)
class Keepers:
    """Who may keep customers, as files name them: staff number → (id, unit), unit code → id."""

    staff: Mapping[str, tuple[int, int]]
    others: frozenset[str]
    units: Mapping[str, int]
    default_unit: int | None
    foreign: frozenset[str] = frozenset()
    ended: frozenset[str] = frozenset()

    @classmethod
    def for_run(cls, run: Run, day: date, actor: Actor | None) -> Keepers:
        """Those that a run may give customers to: everybody, or, loaded by a leader, those in the leader's scope."""
        everybody, leader = cls.on(day, run.unit_id), limited(actor)
        return everybody.within(leader) if leader else everybody

    @classmethod
    def on(cls, day: date, default_unit: int | None = None) -> Keepers:
        posts = Post.objects.filter(role=Role.RM, from_day__lte=day).exclude(to_day__lte=day).order_by("from_day")
        staff = {number: (who, unit) for number, who, unit in posts.values_list("staff__number", "staff_id", "unit_id")}
        everybody = frozenset(Staff.objects.values_list("number", flat=True))
        units = {code: id for code, id, to in Unit.objects.values_list("code", "id", "to_day") if not to or to > day}
        ended = frozenset(Unit.objects.values_list("code", flat=True)) - units.keys()
        return cls(staff, everybody - staff.keys(), units, default_unit, ended=ended)

    def within(self, actor: Actor) -> Keepers:
        staff = {number: kept for number, kept in self.staff.items() if kept[0] in actor.directs}
        units = {code: unit for code, unit in self.units.items() if -unit in actor.directs}
        default = self.default_unit if self.default_unit in units.values() else None
        return Keepers(staff, self.others, units, default, frozenset(self.staff.keys() - staff.keys()), self.ended)


def limited(actor: Actor | None) -> Actor | None:
    """Whose scope a run keeps to. None: the operator's and the administrator's, who seat a bank, reach all of it."""
    return None if actor is None or "administrator" in actor.roles else actor


@dataclass(slots=True)
class Checked:
    """A row that can be loaded. ``columns`` are those of customers_customer; indexes are what duplicates are found by."""

    line: int
    name: str = ""
    kind: str = "person"
    key: bytes = b""
    columns: dict[str, Any] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    book_since: date | None = None
    warnings: list[str] = field(default_factory=list)


class Checker:
    """Checks rows of one file against its mapping and the bank. ``check`` raises nothing: it returns problems."""

    def __init__(
        self,
        mapping: Mapping[str, str],
        keepers: Keepers,
        bank: Bank,
        day: date,
        by: int | None,
        source: str = "import",
    ) -> None:
        self.mapping = mapping
        self.keepers = keepers
        self.day = day
        self.stamp = f'"src":"{source}","on":"{day.isoformat()}"' + (f',"by":{by}' if by else "")
        self.column_of = {meaning: column for column, meaning in mapping.items()}
        self.lunar = meanings.lunar_columns(mapping)
        self.tiers = {
            alias.casefold(): tier.key for tier in bank.tiers for alias in (tier.key, tier.name.zh, tier.name.en)
        }
        self.tier_names = [tier.name.zh for tier in bank.tiers]
        self.rules = bank.tier_rules
        self.readers: dict[str, Callable[[Checked, str], None]] = {
            "name": self._name, "core_number": self._core_number, "gender": self._gender, "honorific": self._honorific,
            "tier": self._tier, "assets": self._assets, "rm": self._rm, "unit": self._unit, "book_since": self._book_since,
            "birthday": self._birthday, "id_number": self._id_number, "id_kind": self._id_kind,
            "met_before": self._met_before, "called_before": self._called_before, "do_not_disturb": self._do_not_disturb,
            "deceased_on": self._deceased_on, "closed_on": self._closed_on, "children": self._children,
        }  # fmt: skip
        # What others depend on comes first; what stands in no order of its own follows.
        first = ["kind", "uscc", "name", "id_kind", "birth_calendar"]
        wanted = [name for name in first if name in self.column_of]
        order = [*wanted, *(meaning for meaning in self.column_of if meaning not in first)]
        self.order = [
            (self.column_of[each], self._reader(each)) for each in order if each not in ("kind", "birth_calendar")
        ]
        self.place_later = False
        self._cells: Mapping[str, str] = {}

    def check(self, row: Row) -> tuple[Checked, list[Problem]]:
        """The row as it would be loaded, and what is wrong with it; loaded only if nothing is."""
        checked = Checked(row.line)
        problems = list(row.problems)
        self._cells = row.cells
        checked.kind = self._kind()
        cell = row.cells.get
        for column, read in self.order:
            if text := cell(column, ""):
                try:
                    read(checked, text if text.isascii() else checks.clean(text))
                except Unaccepted as error:
                    problems.append(Problem(column, str(error)))
        if not checked.name and not problems:
            problems.append(Problem(self.column_of["name"], _("The row has no name.")))
        if not problems and not self._tells_apart(checked):
            problems.append(
                Problem(
                    self.column_of["name"],
                    _(
                        "Nothing in the row tells this person from others of the same name. Add a customer number, an "
                        "identity number, a telephone or a birthday."
                    ),
                )
            )
        if not problems:
            try:
                self._place(checked)
            except Unaccepted as error:
                problems.append(Problem(self.placeless()[0], str(error)))
        return checked, problems

    def _tells_apart(self, checked: Checked) -> bool:
        telling = ("mobile", "phone2", "id_number", "uscc", "email", "birthday")
        return "core_number" in checked.columns or any(name in checked.known for name in telling)

    def _reader(self, meaning: str) -> Callable[[Checked, str], None]:
        """What reads a column: its own reader, or the check of the profile's field."""
        if meaning in self.readers:
            return self.readers[meaning]
        known = profile.FIELDS[meaning]

        def read(checked: Checked, text: str) -> None:
            # A file for both kinds has columns that are empty or meaningless for one of them.
            if checked.kind in known.of:
                checked.known[meaning] = known.accept(text)

        return read

    def _kind(self) -> str:
        column = self.column_of.get("kind")
        given = KINDS.get(self._cells.get(column, "").strip().casefold(), "") if column else ""
        if given:
            return given
        if (column := self.column_of.get("uscc")) and self._cells.get(column):
            return "company"
        name = self._cells.get(self.column_of["name"], "")
        return "company" if COMPANY_NAME.search(name) else "person"

    def _name(self, checked: Checked, text: str) -> None:
        if not NAMED.search(text):
            raise Unaccepted(_("This is no name: it has no letter and no character."))
        if len(text) > LONGEST_NAME:
            raise Unaccepted(_("The name has %(has)d characters; is it another column?") % {"has": len(text)})
        checked.name = text

    def _core_number(self, checked: Checked, text: str) -> None:
        if len(text) > 64 or " " in text:
            raise Unaccepted(_("A customer number has no spaces and up to 64 characters."))
        checked.columns["core_number"] = text

    def _gender(self, checked: Checked, text: str) -> None:
        gender = GENDERS.get(text.casefold())
        if gender is None:
            raise Unaccepted(_("The gender is 男 or 女 (m or f), or empty."))
        if gender:
            checked.known["gender"] = gender

    def _honorific(self, checked: Checked, text: str) -> None:
        checked.known["honorific"] = profile.FIELDS["honorific"].accept(text)

    def _tier(self, checked: Checked, text: str) -> None:
        tier = self.tiers.get(text.casefold()) or self.tiers.get(text.removesuffix("客户").casefold())
        if tier is None:
            raise Unaccepted(
                _("There is no such tier. The bank's tiers are: %(tiers)s.") % {"tiers": "、".join(self.tier_names)}
            )
        checked.columns["tier"] = tier

    def _assets(self, checked: Checked, text: str) -> None:
        checked.columns["assets"] = money(text)

    def _rm(self, checked: Checked, text: str) -> None:
        keeper = self.keepers.staff.get(text)
        if text in self.keepers.foreign:
            raise Unaccepted(
                _("The staff member %(number)s is outside of your scope. Leave the row to whoever leads them.")
                % {"number": text}
            )
        if keeper is None and text in self.keepers.others:
            raise Unaccepted(
                _(
                    "The staff member %(number)s holds no post as a relationship manager today. Enter the post, or name another."
                )
                % {"number": text}
            )
        if keeper is None:
            raise Unaccepted(
                _("There is no staff member with the number %(number)s. Import the staff first, or correct the number.")
                % {"number": text[:20]}
            )
        checked.columns["rm_id"], home = keeper
        checked.columns.setdefault("unit_id", home)

    def _unit(self, checked: Checked, text: str) -> None:
        unit = self.keepers.units.get(text)
        if text in self.keepers.ended:
            raise Unaccepted(_("The unit %(code)s has ended. Name one that stands.") % {"code": text[:20]})
        if unit is None:
            raise Unaccepted(
                _("There is no unit with the code %(code)s. Enter the unit first, or correct the code.")
                % {"code": text[:20]}
            )
        checked.columns["unit_id"] = unit

    def _place(self, checked: Checked) -> None:
        """Somebody must keep the customer: an RM, or a unit until there is one."""
        checked.columns.setdefault("rm_id", None)
        if "unit_id" not in checked.columns:
            if self.keepers.default_unit is None and not self.place_later:
                raise Unaccepted(self.placeless()[1])
            checked.columns["unit_id"] = self.keepers.default_unit
        if checked.book_since is None:
            checked.book_since = self.day

    def placeless(self) -> tuple[str, str]:
        """Column and sentence for a row of a new customer that nobody would keep."""
        return self.column_of.get("rm") or self.column_of.get("unit", ""), _(
            "The row names neither a relationship manager nor a unit. Add one, or choose a unit for the whole file."
        )

    def _book_since(self, checked: Checked, text: str) -> None:
        checked.book_since = self._past(text)

    def _deceased_on(self, checked: Checked, text: str) -> None:
        checked.columns["deceased_on"] = self._past(text)

    def _closed_on(self, checked: Checked, text: str) -> None:
        checked.columns["closed_on"] = self._past(text)

    def _past(self, text: str) -> date:
        day = a_day(text)
        if day > self.day:
            raise Unaccepted(_("The date %(day)s lies in the future.") % {"day": day})
        return day

    def _birthday(self, checked: Checked, text: str) -> None:
        if checked.kind == "company":
            return
        column = self.column_of["birthday"]
        stated = self._cells.get(self.column_of.get("birth_calendar", ""), "") or (
            "农历" if column in self.lunar else ""
        )
        self._born(checked, birthdays.told(text, self.day, stated))

    def _born(self, checked: Checked, birthday: Birthday) -> None:
        checked.known["birthday"] = birthdays.written(birthday)
        checked.columns |= {
            "birth_calendar": birthday.calendar,
            "birth_year": birthday.year,
            "birth_month": birthday.month,
            "birth_day": birthday.day,
            "birth_leap": birthday.leap,
        }

    def _id_kind(self, checked: Checked, text: str) -> None:
        kind = DOCUMENTS.get(text.casefold())
        if kind is None and checked.kind == "person":
            raise Unaccepted(_("This kind of document is not known. Known are 身份证, 护照, 港澳通行证, 台胞证, 其他."))
        if kind:
            checked.known["id_kind"] = kind

    def _id_number(self, checked: Checked, text: str) -> None:
        if checked.kind == "company":
            checked.known["uscc"] = checks.uscc(text)
            return
        if checked.known.get("id_kind", "idcard") != "idcard":
            checked.known["id_number"] = checks.document(text)
            return
        identity = checks.identity(text, self.day)
        checked.known["id_number"] = identity.number
        if not identity.area_known:
            checked.warnings.append("area")
        checked.known.setdefault("gender", identity.gender)
        column = self.column_of.get("birthday", "")
        if not self._cells.get(column, ""):
            self._born(checked, birthdays.of_date(identity.born))

    def _met_before(self, checked: Checked, text: str) -> None:
        checked.columns["met_before"], checked.columns["met_before_on"] = self._before(text)

    def _called_before(self, checked: Checked, text: str) -> None:
        checked.columns["called_before"], checked.columns["called_before_on"] = self._before(text)

    def _before(self, text: str) -> tuple[str, date | None]:
        """Yes, no, unknown, or the day (which is a yes)."""
        word = text.casefold()
        if word in YES:
            return "yes", None
        if word in NO:
            return "no", None
        if word in UNKNOWN:
            return "unknown", None
        try:
            return "yes", self._past(text)
        except Unaccepted as error:
            raise Unaccepted(_("Write 是, 否, 未知 or a past date such as 2024-05-20.")) from error

    def _do_not_disturb(self, checked: Checked, text: str) -> None:
        word = text.casefold()
        if word not in YES and word not in NO and word not in UNKNOWN:
            raise Unaccepted(_("Write 是 or 否."))
        if word not in UNKNOWN:
            checked.columns["do_not_disturb"] = word in YES

    def _children(self, checked: Checked, text: str) -> None:
        word = text.casefold()
        if word in UNKNOWN or checked.kind == "company":
            return
        if word in NO:
            checked.known["children"] = "none"
        elif word in YES or re.fullmatch(r"[1-9一二两三四五六]个?|[一二两三四五六1-9]?[儿女子]+", word):
            # Names and ages of children under fourteen are not kept, whatever the file holds.
            checked.known["children"] = "yes"
        else:
            raise Unaccepted(_("Write 有 or 无: of children under fourteen nothing else is kept."))

    # What follows from a row that is good

    def finish(self, checked: Checked, customer: int) -> None:
        """Seals and indexes what the row says, for the customer's number; computes what search and lists need."""
        known, columns, keys = checked.known, checked.columns, vault()
        # By core number, else by all that the row says: how a row that was loaded once is known again.
        content = columns.get("core_number") or repr(
            (checked.name, checked.kind, sorted(known.items()), columns.get("rm_id"), columns.get("unit_id"))
        )
        checked.key = keys.index("row", content)
        mobile, number = known.get("mobile"), known.get("id_number") or known.get("uscc")
        columns["mobile_index"] = keys.index("mobile", mobile) if mobile else None
        columns["tail_index"] = keys.index("tail", mobile[-TAIL:]) if mobile else None
        other = known.get("phone2")
        columns["other_tail_index"] = keys.index("tail", other[-TAIL:]) if other else None
        columns["id_index"] = keys.index("id", number) if number else None
        # A profile is written by hand: json.dumps makes an encoder for each call and costs as much as all the sealing.
        entries = [
            f'"{name}":{{"v":"{keys.seal(value, place(name, customer))}",{self.stamp}}}'
            if name in profile.SEALED
            else f'"{name}":{{"v":{quoted(value)},{self.stamp}}}'
            for name, value in known.items()
        ]
        columns["profile"] = "{" + ",".join(entries) + "}"
        columns["gender"] = known.get("gender", "")
        columns["honorific"] = known.get("honorific", "")
        if "tier" not in columns:
            assets = columns.get("assets")
            columns["tier"] = self.rules.reached(assets or Decimal(0)).key

    def again(self, row: Row) -> Checked:
        """A row that was good before, checked anew. Raises Unaccepted where it no longer is."""
        checked, problems = self.check(row)
        if problems:
            raise Unaccepted(" ".join(problem.reason for problem in problems))
        return checked


@lru_cache(maxsize=20_000)
def a_day(text: str) -> date:
    found = DAY.fullmatch(text)
    try:
        if found:
            year, month, day, month_too, day_too = found.groups()
            return date(int(year), int(month or month_too), int(day or day_too))
    except ValueError:
        pass
    raise Unaccepted(_("This is no date. Write it as 2024-05-20."))


def money(text: str) -> Decimal:
    """An amount in yuan; thousands separators, ¥ and 万 are understood."""
    plain = re.sub(r"[,\s¥￥元]", "", text)
    times = Decimal(10_000) if plain.endswith("万") else Decimal(1)
    try:
        amount = (Decimal(plain.removesuffix("万")) * times).quantize(Decimal("0.01"))
    except InvalidOperation as error:
        raise Unaccepted(_("This is no amount. Write it in yuan, as in 386400.00.")) from error
    if amount.is_nan():  # what other programs write into an empty cell
        raise Unaccepted(_("This is no amount. Write it in yuan, as in 386400.00."))
    if not -MOST_MONEY < amount < MOST_MONEY:
        raise Unaccepted(_("The amount is too large to be in yuan."))
    return amount


# What COPY reads into the staging table, in this order.
STAGED = (
    "id bigint", "line integer", "key bytea", "core_number text", "kind text", "name text", "honorific text", "gender text",
    "tier text", "assets numeric(18,2)", "rm_id bigint", "unit_id bigint", "birth_calendar text", "birth_year smallint",
    "birth_month smallint", "birth_day smallint", "birth_leap boolean", "deceased_on date", "closed_on date",
    "do_not_disturb boolean", "met_before text", "met_before_on date", "called_before text", "called_before_on date",
    "profile jsonb", "grams text[]", "pinyin text[]", "sort_key text", "mobile_index bytea", "tail_index bytea",
    "other_tail_index bytea", "id_index bytea", "book_since date",
)  # fmt: skip
NULL = "\\N"


def staged(checked: Checked, customer: int) -> str:
    """A finished row as one line of COPY's text format."""
    take = checked.columns.get
    company = checked.kind == "company"
    name = _text(checked.name)
    return "\t".join(
        (
            str(customer), str(checked.line), _bytes(checked.key), _text(take("core_number")), checked.kind, name,
            _text(take("honorific") or ""), take("gender") or "", take("tier") or "", _plain(take("assets")),
            _plain(take("rm_id")), _plain(take("unit_id")), take("birth_calendar") or "", _plain(take("birth_year")),
            _plain(take("birth_month")), _plain(take("birth_day")), "t" if take("birth_leap") else "f",
            _plain(take("deceased_on")), _plain(take("closed_on")), "t" if take("do_not_disturb") else "f",
            take("met_before") or "unknown", _plain(take("met_before_on")), take("called_before") or "unknown",
            _plain(take("called_before_on")), _text(take("profile")), _array(names.grams(checked.name)),
            _array(names.pinyin(checked.name, company=company)), _text(names.sort_key(checked.name, company=company)),
            _bytes(take("mobile_index")), _bytes(take("tail_index")),
            _bytes(take("other_tail_index")), _bytes(take("id_index")), _plain(checked.book_since),
        )
    ) + "\n"  # fmt: skip


def _text(value: str | None) -> str:
    if value is None:
        return NULL
    return value if value.isprintable() and "\\" not in value else value.translate(ESCAPES)


def _plain(value: object) -> str:
    return NULL if value is None else str(value)


def _bytes(value: bytes | None) -> str:
    return NULL if value is None else f"\\\\x{value.hex()}"


def _array(values: list[str]) -> str:
    if not values:
        return "{}"
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') > 2 * len(values) - 2 or not joined.isprintable():
        joined = '","'.join(value.replace("\\", "\\\\").replace('"', '\\"') for value in values).translate(ESCAPES)
    return '{"' + joined + '"}'
