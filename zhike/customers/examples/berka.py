"""The Berka bank (PKDD 1999, Czech, 1993-1998) as a customer file: ``python -m zhike.customers.examples.berka FOLDER OUT.csv``.

Birth numbers give birthday and gender (a woman's month counts from 50 on), accounts and their owners the customers since when,
districts the address, transactions the average of the last month that they cover. The set has no names: they are drawn,
always the same for a client, and marked （生成）.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TextIO

MARK = "（生成）"
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈单解仇查"
)
GIVEN = {
    "f": "秀英桂兰玉梅静丽敏芳娟艳霞萍红燕玲洁琳雪佳欣怡婷颖慧蓉薇",
    "m": "建国志强伟军勇杰涛明超平刚辉鹏飞宇浩轩峰斌海龙波亮健成林东",
}
COLUMNS = ("客户号", "姓名", "性别", "生日", "地址", "月日均资产", "见过面", "通过电话")


def rows(folder: Path) -> Iterator[dict[str, str]]:
    """One row a client, owners and disponents alike, in the order of their numbers."""
    districts = {row["A1"]: f"{row['A3']}, {row['A2']}" for row in _table(folder / "district.asc")}
    owner_of = {row["account_id"]: row["client_id"] for row in _table(folder / "disp.asc") if row["type"] == "OWNER"}
    assets: dict[str, Decimal] = defaultdict(Decimal)
    for account, average in averages(folder).items():
        if account in owner_of:
            assets[owner_of[account]] += average
    for row in _table(folder / "client.asc"):
        born, gender = birth(row["birth_number"])
        client = row["client_id"]
        yield {
            "客户号": f"BERKA-{int(client):05}",
            "姓名": name(client, gender),
            "性别": "女" if gender == "f" else "男",
            "生日": born.isoformat(),
            "地址": districts.get(row["district_id"], ""),
            "月日均资产": f"{assets[client]:.2f}" if client in assets else "",
            "见过面": "未知",
            "通过电话": "未知",
        }


def birth(number: str) -> tuple[date, str]:
    """Birthday and gender from a birth number: yymmdd, with 50 added to the month for women. All were born before 2000."""
    year, month, day = int(number[:2]), int(number[2:4]), int(number[4:6])
    gender = "f" if month > 50 else "m"
    return date(1900 + year, month - 50 if gender == "f" else month, day), gender


def name(client: str, gender: str) -> str:
    """A drawn name, marked so; the same client is always called the same."""
    draw = hashlib.sha256(f"berka {client}".encode()).digest()
    given = GIVEN[gender]
    second = given[draw[2] % len(given)] if draw[3] % 4 else ""
    return f"{SURNAMES[draw[0] % len(SURNAMES)]}{given[draw[1] % len(given)]}{second}{MARK}"


def averages(folder: Path) -> dict[str, Decimal]:
    """Average balance of each account over the last month of the transactions that the folder has, in CZK."""
    path = next(folder.glob("trans*.asc*"), None)
    if path is None:
        return {}
    balances: dict[str, dict[date, Decimal]] = defaultdict(dict)
    for row in _table(path):
        text = row["date"]
        day = date(1900 + int(text[:2]), int(text[2:4]), int(text[4:6]))
        balances[row["account_id"]][day] = Decimal(row["balance"])
    last = max(day for account in balances.values() for day in account)
    days = [last.replace(day=1) + timedelta(days=n) for n in range(last.day)]
    return {account: _average(known, days) for account, known in balances.items()}


def _average(known: dict[date, Decimal], days: list[date]) -> Decimal:
    """Each day counts with the balance that it ends with; days before the first entry with nothing."""
    before = [day for day in known if day < days[0]]
    balance = known[max(before)] if before else Decimal(0)
    total = Decimal(0)
    for day in days:
        balance = known.get(day, balance)
        total += balance
    return (total / len(days)).quantize(Decimal("0.01"))


def _table(path: Path) -> Iterator[dict[str, str]]:
    opened: TextIO
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as opened:
        yield from csv.DictReader(opened, delimiter=";")


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        sys.stderr.write("python -m zhike.customers.examples.berka FOLDER OUT.csv\n")
        return 2
    folder, out = map(Path, arguments)
    count = 0
    with out.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for count, row in enumerate(rows(folder), 1):  # noqa: B007
            writer.writerow(row)
    sys.stdout.write(f"{count} rows: {out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
