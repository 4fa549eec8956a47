"""Which file is which, whether it is whole, and what its columns mean."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from django.utils.translation import gettext as _

from zhike.customers.checks import Unaccepted
from zhike.customers.imports import columns as meanings
from zhike.customers.imports.rows import money
from zhike.people.tables import Table, open_table

# In this order they are read: holdings need their customers, maturities their holdings.
KINDS = ("customers", "holdings", "maturities", "ratings")
NAMES = {
    "customers": ("customer", "cust", "cif", "客户"),
    "holdings": ("holding", "position", "持有", "持仓", "资产明细"),
    "maturities": ("maturit", "matur", "到期"),
    "ratings": ("rating", "aum", "tier", "评级", "等级", "月日均"),
}
HEADINGS = {
    "core_number": "客户号 客户编号 核心客户号 customerno customernumber custno corenumber cif cifno",
    "holding": "持有编号 账号 账户 合同号 份额编号 holdingno holding account accountno contractno",
    "product": "产品 产品名称 product productname",
    "kind": "产品类型 类别 producttype kind type",
    "amount": "金额 余额 持有金额 本金 市值 amount balance",
    "currency": "币种 currency ccy",
    "rate": "利率 收益率 年化利率 rate",
    "risk_grade": "产品风险等级 风险等级 riskgrade",
    "opened_on": "开户日 起息日 购买日 openedon valuedate startdate",
    "matures_on": "到期日 到期日期 maturity maturitydate matureson",
    "as_of": "数据日期 日期 统计日期 asof date",
    "month": "月份 统计月份 月日均月份 month",
    "rated": "评级月份 ratingmonth",
    "assets": "月日均资产 月日均 资产 aum assets averageassets",
}
NEEDED = {
    "holdings": ("core_number", "holding", "product", "amount"),
    "maturities": ("core_number", "holding", "matures_on"),
    "ratings": ("core_number", "assets"),
}


@dataclass(frozen=True)
class Feed:
    """One file of a feed, proven whole."""

    kind: str
    path: Path
    table: Table
    mapping: dict[str, str]
    rows: int
    whole: bool = False  # somebody vouches that what it does not name has ended, however much that is


def opened(
    path: Path, *, kind: str = "", encoding: str = "", delimiter: str = "", flagged: bool = True, whole: bool = False
) -> Feed:
    """The feed in a file. Raises Unaccepted where it is not whole or not understood, UnreadableTable where it is no table."""
    kind = kind or _kind(path)
    totals = _flag(path) if flagged else {}
    table = open_table(path, encoding=encoding, delimiter=delimiter)
    mapping = _mapping(kind, table.columns)
    rows, amount = _totals(table, mapping)
    if "rows" in totals and Decimal(totals["rows"]) != rows:
        raise Unaccepted(
            _("%(file)s has %(has)d rows, its control total says %(says)s. Nothing of it is loaded; send it again.")
            % {"file": path.name, "has": rows, "says": totals["rows"]}
        )
    if "amount" in totals and Decimal(totals["amount"]) != amount:
        raise Unaccepted(
            _(
                "The amounts of %(file)s sum to %(has)s, its control total says %(says)s. Nothing of it is loaded; send it again."
            )
            % {"file": path.name, "has": amount, "says": totals["amount"]}
        )
    return Feed(kind, path, table, mapping, rows, whole)


def in_order(feeds: Iterable[Feed]) -> list[Feed]:
    return sorted(feeds, key=lambda feed: KINDS.index(feed.kind))


def _kind(path: Path) -> str:
    name = path.name.casefold()
    for kind in ("maturities", "holdings", "ratings", "customers"):
        if any(word in name for word in NAMES[kind]):
            return kind
    raise Unaccepted(
        _("%(file)s does not say what it holds. Name it customers, holdings, maturities or ratings, or use --kind.")
        % {"file": path.name}
    )


def _flag(path: Path) -> dict[str, str]:
    """The control totals in the flag beside the file (rows=4500, amount=1234.00). Raises Unaccepted while there is none."""
    flag = path.with_name(f"{path.name}.ok")
    if not flag.exists():
        raise Unaccepted(
            _(
                "%(file)s is not complete yet: its flag %(flag)s is not there. Run again when the core system has written it."
            )
            % {"file": path.name, "flag": flag.name}
        )
    return dict(re.findall(r"(rows|amount)\s*=\s*(-?\d+(?:\.\d+)?)", flag.read_text("utf-8", errors="replace")))


def _mapping(kind: str, columns: tuple[str, ...]) -> dict[str, str]:
    if kind == "customers":
        mapping = meanings.guess(columns)
        needed: tuple[str, ...] = ("core_number", "name")
    else:
        known = {heading: field for field, headings in HEADINGS.items() for heading in headings.split()}
        mapping = {}
        for column in columns:
            field = known.get(meanings.normal(column), "")
            if field and field not in mapping.values():
                mapping[column] = field
        needed = NEEDED[kind]
    missing = [field for field in needed if field not in mapping.values()]
    if missing:
        raise Unaccepted(
            _("A file of %(kind)s needs columns for %(missing)s; this one has %(columns)s.")
            % {"kind": kind, "missing": ", ".join(missing), "columns": ", ".join(columns)}
        )
    return mapping


def _totals(table: Table, mapping: dict[str, str]) -> tuple[int, Decimal]:
    column = next((name for name, field in mapping.items() if field in ("amount", "assets")), "")
    rows, amount = 0, Decimal(0)
    for row in table:
        rows += 1
        try:
            amount += money(row.cells.get(column) or "0")
        except Unaccepted:
            continue  # said of the row when it is read
    return rows, amount
