"""A bank's customer file goes in: understood, checked, loaded once, given back where refused, undone while nothing rests on it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import xlsxwriter
from django.db import connection

from tests.cast import Cast
from zhike.conduct.bank import Bank
from zhike.contacts.completion import waive
from zhike.customers.checks import Unaccepted
from zhike.customers.imports import columns
from zhike.customers.imports.decide import decide, undo
from zhike.customers.imports.load import LIKE_CUSTOMERS, LOOK, STAGING, Overtaken, refused_file, run_import
from zhike.customers.models import Acquaintance, Book, Customer, Holding, Line, Need, Run
from zhike.customers.search import find
from zhike.obligations.models import Alarm, Fact, Obligation
from zhike.obligations.sweep import sweep
from zhike.people.actor import acting
from zhike.people.tables import open_table

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
HEAD = "客户号,姓名,性别,证件号码,手机号,生日,等级,月日均资产,管户经理工号,见过面,通过电话,管户日期"
GOOD = [
    "C1,沈静仪,女,11010519491231002X,13812345678,,钻石,386.4万,1001,是,2024-05-20,2019-04-01",
    "C2,单雪梅,女,,13900000001,农历三月初八,金卡,120000,1001,否,否,",
    "C3,王伟,男,,13900000002,1980-02-29,,5000,1002,未知,,",
    'C4,上海宏达贸易有限公司,,,13900000003,,白金,"1,200,000.00",1004,,,',
]


@pytest.fixture
def load(cast: Cast, worker: Any, tmp_path: Path) -> Callable[..., Run]:
    """Writes the rows into a file and imports it, as the worker does."""

    def go(rows: list[str], head: str = HEAD, language: str = "zh-hans", encoding: str = "utf-8", **more: Any) -> Run:
        path = tmp_path / "customers.csv"
        path.write_bytes("\n".join([head, *rows]).encode(encoding))
        with worker():
            table = open_table(path)
            mapping = columns.guess(table.columns)
            assert columns.faults(table.columns, mapping) == ""
            run = Run.objects.create(name=path.name, at=NOW, mapping=mapping, by=cast.administrator, **more)
            return run_import(run, path, bank=Bank(), now=lambda: NOW, language=language)

    return go


def counts(run: Run) -> tuple[int, int, int, int]:
    return run.loaded, run.already, run.refused, run.doubtful


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_good_rows_become_customers_with_all_that_they_say(
    cast: Cast, load: Callable[..., Run], encoding: str, owner: Any
) -> None:
    run = load(GOOD, encoding=encoding)
    assert counts(run) == (4, 0, 0, 0)
    with acting(cast.rm.id, NOW) as rm:
        shen = Customer.objects.visible_to(rm).get(core_number="C1")
        assert (shen.name, shen.gender, shen.tier, str(shen.assets)) == ("沈静仪", "f", "diamond", "3864000.00")
        assert (shen.birth_calendar, shen.birth_year, shen.birth_month) == ("solar", 1949, 12)
        assert shen.shown("mobile") == "138 **** 5678"
        assert shen.shown("id_number") == "110*************2X"
        assert (
            shen.profile["mobile"].items() >= {"src": "import", "on": "2026-03-02", "by": cast.administrator.id}.items()
        )
        assert (shen.met_before, shen.called_before_on) == ("yes", date(2024, 5, 20))
        assert Book.objects.get(customer=shen).from_day == date(2019, 4, 1)
        known = Acquaintance.objects.get(customer=shen, rm=cast.rm)
        assert (known.met_source, known.called_source) == ("import", "import")
        assert known.first_called_at is not None
        assert [hit.name for hit in find("sxm", rm, NOW, Bank()).hits] == ["单雪梅"]
        assert [hit.name for hit in find("5678", rm, NOW, Bank()).hits] == ["沈静仪"]
        shan = Customer.objects.get(core_number="C2")
        assert (shan.birth_calendar, shan.birth_month, shan.birth_day, shan.birth_year) == ("lunar", 3, 8, None)
        assert not Acquaintance.objects.filter(customer=shan).exists()
    with owner():
        assert Customer.objects.get(core_number="C3").tier == "regular"
        assert Customer.objects.get(core_number="C4").kind == "company"
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*), max(actor_id), max(request) FROM trail_entry WHERE object = 'customers_customer' AND at = %s",
                [NOW],
            )
            assert cursor.fetchone() == (4, cast.administrator.id, f"import {run.id}")
            for table in ("customers_customer", "customers_book", "customers_acquaintance"):
                cursor.execute(
                    f"SELECT id, {'id' if table == 'customers_customer' else 'customer_id'} FROM {table} ORDER BY id"
                )
                there = cursor.fetchall()
                cursor.execute(
                    "SELECT row_id, customer_id FROM trail_entry WHERE object = %s AND action = 'insert' ORDER BY row_id",
                    [table],
                )
                assert cursor.fetchall() == there != []


def test_who_has_a_landline_alone_is_found_by_it(cast: Cast, load: Callable[..., Run], worker: Any, owner: Any) -> None:
    assert counts(load(["L1,蒋晓云,021-88001188,1001"], "客户号,姓名,联系电话,管户经理工号")) == (1, 0, 0, 0)
    with acting(cast.rm.id, NOW) as rm:
        for text in ("1188", "88001188", "02188001188"):
            assert [hit.core_number for hit in find(text, rm, NOW, Bank()).hits] == ["L1"], text
        Customer.objects.get(core_number="L1").learn("phone2", "", source="contact", actor=rm, now=NOW)
        assert find("1188", rm, NOW, Bank()).hits == []


def test_however_often_it_is_run_the_rows_load_once(cast: Cast, load: Callable[..., Run], owner: Any) -> None:
    no_number = "姓名,手机号,管户经理工号"
    assert counts(load(GOOD)) == (4, 0, 0, 0)
    assert counts(load(GOOD)) == (0, 4, 0, 0)
    assert counts(load(["张三,13700000001,1001"], no_number)) == (1, 0, 0, 0)
    assert counts(load(["张三,13700000001,1001"], no_number)) == (0, 1, 0, 0)
    assert counts(load([*GOOD, "C5,李四,男,,13700000002,,,,1001,,,"])) == (1, 4, 0, 0)


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("X,赵,男,110105194912310021,13812345678,,,,1001,,,", "证件号码", "last character"),
        ("X,赵,男,,1381234567,,,,1001,,,", "手机号", "11 digits; this has 10"),
        ("X,赵,男,,,1990-02-30,,,1001,,,", "生日", "no day 30"),
        ("X,赵,男,,,,钛金,,1001,,,", "等级", "普通、金卡、白金、钻石、私人银行"),
        ("X,赵,男,,,,,很多,1001,,,", "月日均资产", "no amount"),
        ("X,赵,男,,,,,,7777,,,", "管户经理工号", "no staff member with the number 7777"),
        ("X,赵,男,,,,,,1003,,,", "管户经理工号", "no post as a relationship manager"),
        ("X,赵,男,,,,,,,,,", "管户经理工号", "neither a relationship manager nor a unit"),
        ("X,赵,不男,,,,,,1001,,,", "性别", "gender"),
        ("X,赵,男,,,,,,1001,也许,,", "见过面", "past date"),
        ("X,赵,男,,,,,,1001,2031-01-01,,", "见过面", "past date"),
        ("X,赵,男,,,,,NaN,1001,,,", "月日均资产", "no amount"),
        (",赵,男,,,,,,1001,,,", "姓名", "tells this person"),
        ("X,,男,,,,,,1001,,,", "姓名", "no name"),
        ("X,12345,男,,,,,,1001,,,", "姓名", "no letter"),
        ("X,赵,男,,,,,,1001,,,2030-01-01", "管户日期", "future"),
    ],
)  # fmt: skip
def test_a_refused_row_comes_back_with_line_column_and_reason(
    load: Callable[..., Run], worker: Any, row: str, column: str, reason: str
) -> None:
    run = load([GOOD[0], row], language="en")
    assert counts(run) == (1, 0, 1, 0)
    with worker():
        back = io.StringIO()
        assert refused_file(run, back) == 1
        text = back.getvalue()
        line = Line.objects.get(run=run, state="refused")
        assert line.reasons[0]["column"] == column
        assert reason in line.reasons[0]["reason"]
        assert f",3,{column}," in text
        # what is kept of the row meanwhile is sealed
        assert "赵" not in line.cells


def test_reasons_are_in_the_readers_language(load: Callable[..., Run], worker: Any) -> None:
    run = load(["X,赵,男,,1381234567,,,,1001,,,"])
    with worker():
        assert Line.objects.get(run=run).reasons == [
            {"column": "手机号", "reason": "手机号应为 11 位，这里是 10 位。请更正；境外号码请写 + 和国家代码。"}
        ]


def test_the_corrected_file_of_refused_rows_loads(
    load: Callable[..., Run], worker: Any, tmp_path: Path, cast: Cast
) -> None:
    run = load([GOOD[0], "X,赵云,男,,1381234567,,,,1001,,,"])
    with worker():
        back = io.StringIO(newline="")
        refused_file(run, back)
        head, row = back.getvalue().lstrip("\ufeff").splitlines()
    again = load([row.replace("1381234567", "13812345679")], head)
    assert counts(again) == (1, 0, 0, 0)


def test_one_row_twice_in_a_file_is_said_so(load: Callable[..., Run], worker: Any) -> None:
    run = load([GOOD[0], GOOD[1], GOOD[0]], language="en")
    assert counts(run) == (2, 0, 1, 0)
    with worker():
        assert "line 2 already" in Line.objects.get(run=run, line=4).reasons[0]["reason"]


def test_who_may_be_known_already_waits_for_a_decision(cast: Cast, load: Callable[..., Run], worker: Any) -> None:
    load(GOOD)
    run = load(
        [
            "D1,沈静怡,女,11010519491231002X,,,,,1001,,,",  # the same identity number
            "D2,单雨,女,,13900000001,,,,1001,,,",  # the same mobile
            "D3,王伟,男,,,1980-02-29,,,1002,,,",  # the same name and birthday
            "D4,王伟,男,,,1980-03-01,,,1002,,,",  # another birthday
            "D5,沈小明,男,33010619800101011X,13812345678,,,,1001,,,",  # a shared telephone, two identity numbers
        ]
    )
    assert counts(run) == (2, 0, 0, 3)
    with worker():
        doubts = list(Line.objects.filter(run=run, state="doubtful").order_by("line"))
        assert [line.matches[0]["why"] for line in doubts] == ["id", "mobile", "birthday"]
        assert (
            doubts[0].matches[0].items()
            >= {"name": "沈静仪", "core_number": "C1", "mobile": "138 **** 5678", "rm": "林晓"}.items()
        )


def test_decisions_are_carried_out_once(cast: Cast, load: Callable[..., Run], worker: Any) -> None:
    load(["王伟,13900000002,1980-02-29,1002"], "姓名,手机号,生日,管户经理工号")
    head = "客户号,姓名,手机号,邮箱,爱好,管户经理工号"
    run = load(
        ["D1,王伟,13900000002,w@example.com,书法,1002", "D2,王薇,13900000002,,,1002", "D3,王维,13900000002,,,1002"],
        head,
    )
    assert counts(run) == (0, 0, 0, 3)
    with worker(), acting(cast.administrator.id, NOW) as administrator:
        one, two, three = Line.objects.filter(run=run).order_by("line")
        say = {"actor": administrator, "now": NOW, "bank": Bank()}
        decide(one, "same", **say)
        decide(two, "other", **say)
        decide(three, "skip", **say)
        with pytest.raises(Unaccepted):
            decide(three, "other", **say)
        known = Customer.objects.get(name="王伟")
        assert (known.core_number, known.known("hobbies"), known.shown("email")) == ("D1", "书法", "w***@example.com")
        assert Customer.objects.get(name="王薇").core_number == "D2"
        assert not Customer.objects.filter(name="王维").exists()
        run.refresh_from_db()
        assert (run.loaded, run.doubtful) == (1, 0)
    assert counts(load(["D2,王薇,13900000002,,,1002", "D3,王维,13900000002,,,1002"], head)) == (0, 2, 0, 0)


def test_of_several_whom_a_row_may_be_the_decision_names_one(cast: Cast, load: Callable[..., Run], worker: Any) -> None:
    head = "姓名,手机号,生日,邮箱,爱好,管户经理工号,见过面,通过电话"
    load(["共机甲,13900000002,,,,1001,,"], head)
    first = load(["共机乙,,1980-02-29,,,1001,,", "共机乙,13700000002,1980-03-01,,,1001,,"], head)
    with worker():
        Customer.objects.filter(name="共机乙", birth_month=3).update(
            mobile_index=Customer.objects.get(name="共机甲").mobile_index
        )
        one, two, three = Customer.objects.filter(name__startswith="共机").order_by("id")
    assert counts(first) == (2, 0, 0, 0)
    run = load(["共机乙,13900000002,1980-02-29,w@example.com,书法,1001,2024-05-20,否"], head)
    assert counts(run) == (0, 0, 0, 1)
    with worker(), acting(cast.administrator.id, NOW) as administrator:
        line = Line.objects.get(run=run)
        assert [(match["customer"], match["why"]) for match in line.matches] == [
            (three.pk, "mobile"), (two.pk, "birthday"), (one.pk, "mobile"),
        ]  # fmt: skip
        say = {"actor": administrator, "now": NOW, "bank": Bank()}
        with pytest.raises(Unaccepted):
            decide(line, "same", **say)
        with pytest.raises(Unaccepted):
            decide(line, "same", customer=cast.customers["rm"][0].pk, **say)
        decide(line, "same", customer=two.pk, **say)
        assert Customer.objects.get(pk=one.pk).profile.keys() == {"mobile"}
        two = Customer.objects.get(pk=two.pk)
        assert (two.known("hobbies"), two.open_value("mobile")) == ("书法", "13900000002")
        assert (two.met_before, str(two.met_before_on), two.called_before) == ("yes", "2024-05-20", "no")
        known = Acquaintance.objects.get(customer=two, rm=cast.rm)
        assert (known.met_source, known.called_source) == ("import", "")


def test_an_undo_takes_back_what_was_filled_in_unless_somebody_has_said_otherwise(
    cast: Cast, load: Callable[..., Run], worker: Any
) -> None:
    head = "客户号,姓名,手机号,证件号码,邮箱,爱好,管户经理工号,见过面"
    load([",共机甲,13900000002,,,,1001,"], head)
    with worker():
        before = Customer.objects.get(name="共机甲")
    row = "D9,共机甲,13900000002,11010519491231002X,w@example.com,书法,1001,是"
    run = load([row], head)
    with worker(), acting(cast.administrator.id, NOW) as administrator:
        decide(Line.objects.get(run=run), "same", actor=administrator, now=NOW, bank=Bank())
        customer = Customer.objects.get(pk=before.pk)
        assert (customer.core_number, customer.gender, customer.birth_year) == ("D9", "f", 1949)
    with acting(cast.rm.id, NOW) as rm:
        customer.learn("hobbies", "围棋", source="contact", actor=rm, now=NOW)
    with worker():
        assert undo(run, NOW) == (0, 1)
        customer = Customer.objects.get(pk=before.pk)
        assert customer.profile.keys() == {"mobile", "hobbies"}
        assert customer.known("hobbies") == "围棋", "that was learned since"
        for column in ("core_number", "gender", "birth_year", "id_index", "mobile_index", "met_before"):
            assert getattr(customer, column) == getattr(before, column), column
        assert not Acquaintance.objects.filter(customer=customer).exists()
    run = load([row], head)
    with worker(), acting(cast.administrator.id, NOW) as administrator:
        decide(Line.objects.get(run=run), "same", actor=administrator, now=NOW, bank=Bank())
        Holding.objects.create(customer=customer, core_number="H1", product="x", amount=1, as_of=NOW.date())
    with worker(), pytest.raises(Unaccepted, match="customers_holding 1"):
        undo(run, NOW)


def test_a_trial_says_whom_rows_resemble_also_in_the_same_file(
    cast: Cast, load: Callable[..., Run], worker: Any
) -> None:
    load(GOOD)
    run = load(
        ["D1,甲,男,,13800000077,,,,1001,,,", "D2,乙,女,,13800000077,,,,1001,,,", "D3,单雨,女,,13900000001,,,,1001,,,"],
        dry=True,
    )
    with worker(), acting(cast.administrator.id, NOW) as administrator:
        earlier, known = Line.objects.filter(run=run, state="doubtful").order_by("line")
        assert earlier.matches == [{"why": "mobile", "line": 2}]
        assert known.matches[0]["name"] == "单雪梅"
        with pytest.raises(Unaccepted):
            decide(known, "other", actor=administrator, now=NOW, bank=Bank())


def test_a_dry_run_says_the_same_and_loads_nothing(load: Callable[..., Run], worker: Any) -> None:
    rows = [*GOOD, GOOD[0], "X,赵,男,,1381234567,,,,1001,,,", "D2,单雨,女,,13900000001,,,,1001,,,"]
    before = load(rows, dry=True)
    with worker():
        assert not Customer.objects.filter(core_number__startswith="C1").exists()
    assert counts(before) == counts(load(rows)) == (4, 0, 2, 1)


def test_a_run_is_undone_until_something_is_recorded(cast: Cast, load: Callable[..., Run], worker: Any) -> None:
    run = load(GOOD)
    with worker():
        assert undo(run, NOW) == (4, 0)
        assert not Customer.objects.filter(core_number="C1").exists()
        assert not Book.objects.exists()
    run = load(GOOD)
    assert run.loaded == 4
    with acting(cast.rm.id, NOW) as rm:
        Need.objects.hear(Customer.objects.get(core_number="C1"), "pension", "养老", actor=rm, now=NOW)
    with worker(), pytest.raises(Unaccepted, match="customers_need 1"):
        undo(run, NOW)
    with worker():
        assert Customer.objects.filter(core_number="C1").exists()


def test_what_a_night_alone_brought_goes_with_an_undone_import_and_what_a_person_did_does_not(
    cast: Cast, load: Callable[..., Run], worker: Any, owner: Any
) -> None:
    """C2's birthday (农历三月初八) is 2026-04-24: the sweep of that night owes its greeting, and what the rhythm has come to."""
    night = datetime(2026, 4, 23, 17, tzinfo=UTC)
    run = load(GOOD)
    with worker():
        sweep(date(2026, 4, 24), now=night, bank=Bank())
        owed = Obligation.objects.filter(customer__core_number="C2")
        assert "birthday" in set(owed.values_list("kind", flat=True))
        assert set(owed.values_list("fact__by", flat=True)) == {None}
        assert Alarm.objects.filter(obligation__in=owed).exists()
    with acting(cast.rm.id, night + timedelta(hours=9)) as rm:
        greeting = Obligation.objects.get(customer__core_number="C2", kind="birthday")
        waive(greeting, "客户不过生日", actor=rm, now=night + timedelta(hours=9))
    with worker(), pytest.raises(Unaccepted, match="obligations_obligation 1"):
        undo(run, night + timedelta(hours=10))
    with worker():
        assert owed.exists()  # refused as a whole
    with owner():
        Obligation.objects.filter(pk=greeting.pk).update(state="open", settled_at=None, settled_by=None, evidence={})
    with worker():
        there = list(Line.objects.filter(run=run).values_list("customer", flat=True))
        assert undo(run, night + timedelta(hours=10)) == (4, 0)
        assert not Obligation.objects.filter(customer__in=there).exists()
        assert not Fact.objects.filter(customer__in=there).exists()


def test_a_run_that_was_killed_goes_on_where_it_stopped(
    cast: Cast, load: Callable[..., Run], worker: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from zhike.customers.imports import load as loading

    monkeypatch.setattr(loading, "CHUNK", 2)
    before = loading.Loading._chunk
    seen = []

    def killed(self: Any, chunk: Any) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(chunk)
        before(self, chunk)

    monkeypatch.setattr(loading.Loading, "_chunk", killed)
    with pytest.raises(KeyboardInterrupt):
        load(GOOD)
    monkeypatch.setattr(loading.Loading, "_chunk", before)
    with worker():
        run = Run.objects.get()
        assert (run.checked, run.loaded, run.state) == (2, 2, "running")
        run = run_import(run, tmp_path / "customers.csv", bank=Bank(), now=lambda: NOW, language="en")
    assert (run.checked, *counts(run)) == (4, 4, 0, 0, 0)


def test_excel_loads_as_csv_does(cast: Cast, worker: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["客户编号", "客户名称", "手机号码", "出生日期", "客户经理工号"])
    sheet.write_row(1, 0, ["E1", "周瑜", "13812345678"])
    sheet.write_datetime(1, 3, datetime(1975, 5, 1), book.add_format({"num_format": "yyyy-mm-dd"}))
    sheet.write_number(1, 4, 1001)
    book.close()
    with worker():
        mapping = columns.guess(open_table(path).columns)
        run = Run.objects.create(name="a.xlsx", at=NOW, mapping=mapping)
        run = run_import(run, path, bank=Bank(), now=lambda: NOW, language="en")
        assert counts(run) == (1, 0, 0, 0)
        assert Customer.objects.get(core_number="E1").birth_year == 1975


def test_headings_are_understood_in_two_languages_and_remembered(cast: Cast, worker: Any) -> None:
    assert columns.guess(["Customer No.", "Full Name", "Mobile Phone", "RM", "Date of Birth"], {}) == {
        "Customer No.": "core_number", "Full Name": "name", "Mobile Phone": "mobile", "RM": "rm", "Date of Birth": "birthday",
    }  # fmt: skip
    with worker():
        columns.CUSTOMERS.remember({"甲": "name", "备注": "taboos"}, ["甲", "备注", "姓名"], cast.administrator.id, NOW)
        assert columns.guess(["甲", "备注", "姓名"]) == {"甲": "name", "备注": "taboos"}


def test_names_are_looked_up_with_their_birthday_though_the_table_has_no_statistics(
    cast: Cast, worker: Any, owner: Any
) -> None:
    """As while a bank's first file comes in: by the birthday alone each chunk would read a hundred times as many rows."""
    with owner(), connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO customers_customer (core_number, kind, name, honorific, gender, tier, unit_id, rm_id,
                birth_calendar, birth_month, birth_day, birth_leap, do_not_disturb, complaint_open, met_before,
                called_before, profile, grams, pinyin, sort_key, version, created_at, changed_at)
            SELECT 'B' || n, 'person', 'N' || n, '', '', 'gold', %s, %s, 'solar', 1 + n %% 12, 1 + n %% 28, false, false,
                false, 'no', 'no', '{}', '{}', '{}', '', 1, now(), now() FROM generate_series(1, 20000) n""",
            [cast.units["lujiazui"].pk, cast.rm.pk],
        )
    with worker(), connection.cursor() as cursor:
        cursor.execute(STAGING)
        cursor.execute(
            "INSERT INTO staged (line, key, name, birth_calendar, birth_month, birth_day)"
            " SELECT n, n::text::bytea, 'N' || n, 'solar', 1 + n % 12, 1 + n % 28 FROM generate_series(1, 4000) n"
        )
        cursor.execute(LOOK)
        # What is right as long as there are few customers: to read them all. Which of the two, versions of PostgreSQL differ in.
        cursor.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")
        (statement,) = (each for each in LIKE_CUSTOMERS.split(";") if "why = 'birthday'" in each)
        cursor.execute(f"EXPLAIN {statement}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Scan using customers_name" in plan


UCI = '"age";"job";"marital";"education";"default";"balance";"housing";"loan";"contact";"day";"month";"duration";"campaign";"pdays";"previous";"poutcome";"y"'


def test_a_file_that_names_nobody_is_refused_with_a_sentence(tmp_path: Path, db: None) -> None:
    path = tmp_path / "bank-full.csv"
    path.write_text(
        f'{UCI}\n58;"management";"married";"tertiary";"no";2143;"yes";"no";"unknown";5;"may";261;1;-1;0;"unknown";"no"\n'
    )
    table = open_table(path)
    sentence = columns.faults(table.columns, columns.guess(table.columns))
    assert "age" in sentence
    assert "poutcome" in sentence


def test_other_peoples_runs_are_nobody_elses(cast: Cast, load: Callable[..., Run]) -> None:
    run = load([*GOOD, "X,赵,男,,1381234567,,,,1001,,,"])
    with acting(cast.administrator.id, NOW):
        assert Run.objects.filter(pk=run.pk).exists()
        assert Line.objects.filter(run=run, state="refused").exists()
    for who in (cast.rm, cast.branch_leader, cast.second_administrator):
        with acting(who.id, NOW):
            assert not Run.objects.exists()
            assert not Line.objects.exists()


def test_the_command_loads_says_and_returns_three_when_rows_are_refused(database: Any, tmp_path: Path) -> None:
    """The whole way: a process of its own, the worker's role, real commits, and back by undo."""
    with psycopg.connect(database.url("zhike_owner")) as connection:
        connection.execute(
            "INSERT INTO people_unit (code, name, kind, path, from_day) VALUES ('01', '支行', 'team', '/1/', '2020-01-01')"
        )
    path = tmp_path / "customers.csv"
    path.write_text("客户号,姓名,手机号,机构号\nC1,沈静仪,13812345678,01\nC2,王伟,1381234567,01\n", encoding="gb18030")
    run = partial(
        subprocess.run,
        env={**os.environ, **database.environment, "LANG": "zh_CN.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    zhike = [sys.executable, "-m", "zhike"]
    tried = run([*zhike, "import", "customers", str(path), "--dry-run", "--json"])
    assert (tried.returncode, json.loads(tried.stdout)["loaded"]) == (3, 1)
    done = run([*zhike, "import", "customers", str(path)])
    assert done.returncode == 3
    assert "导入 1" in done.stdout
    back = (tmp_path / "customers.refused.csv").read_text("utf-8-sig")
    assert "3,手机号,手机号应为 11 位，这里是 10 位。" in back
    fixed = tmp_path / "fixed.csv"
    fixed.write_text(back.replace("1381234567", "13812345679"), "utf-8")
    again = run([*zhike, "import", "customers", str(fixed), "--json"])
    assert (again.returncode, json.loads(again.stdout)["loaded"]) == (0, 1)
    fixed.write_text("客户号,姓名,手机号,机构号,备注二\nC2,王伟,13812345679,01,x\n", "utf-8")
    unread = run([*zhike, "import", "customers", str(fixed), "--json"])
    assert (unread.returncode, json.loads(unread.stdout)["unread"]) == (3, ["备注二"])
    assert "未识别、未导入的列：备注二" in unread.stderr
    assert run([*zhike, "import", "customers", str(fixed), "--leave-out", "备注二"]).returncode == 0
    # The core system's file: named too, and its new number with somebody's mobile loads; without a number it is decided here.
    feed = tmp_path / "customers-0302.csv"
    feed.write_text("客户号,姓名,手机号,备注二\nC3,王薇,13812345679,x\n,王芳,13812345679,x\n", "utf-8")
    fed = run([*zhike, "feed", str(feed), "--no-flag", "--unit", "01", "--json"])
    told = json.loads(fed.stdout)
    assert (fed.returncode, told["loaded"], told["doubtful"], told["unread"]) == (3, 1, 1, ["备注二"])
    assert "新增客户中有 1 位与已有客户相似" in fed.stderr
    deciding = [*zhike, "import", "decide", str(told["run"]), "3"]
    assert "没有工号为 1 的在职员工" in run([*deciding, "other", "--by", "1"]).stderr
    with psycopg.connect(database.url("zhike_owner")) as connection:
        connection.execute(
            """INSERT INTO people_staff (number, name, password, is_active, title, email, phone, language, theme, single_keys, must_change_password)
               VALUES ('1', '管', '!', true, '', '', '', 'zh-hans', '', true, false)"""
        )
    several = run([*deciding, "same", "--by", "1"])
    assert (several.returncode, "与 2 位客户相似" in several.stderr) == (1, True), several.stderr
    assert run([*deciding, "skip", "--by", "1"]).returncode == 0
    assert run([*zhike, "import", "undo", str(json.loads(again.stdout)["run"])]).returncode == 0
    names_nobody = tmp_path / "uci.csv"
    names_nobody.write_text(
        f'{UCI}\n58;"management";"married";"tertiary";"no";2143;"yes";"no";"x";5;"may";261;1;-1;0;"x";"no"\n'
    )
    # That "job" is the name helps nothing, and is not remembered: the next file is refused with the same sentence.
    for mapping in ([], ["--map", "job=name"], []):
        refused = run([*zhike, "import", "customers", str(names_nobody), *mapping])
        assert refused.returncode == 3
        if mapping:
            assert "1 行，导入 0，早已导入 0，被拒 1" in refused.stdout
        else:
            assert "1 行均未导入。没有一列是客户姓名" in refused.stderr.replace(" 没", "没")
    assert ",2,job,这一行无法与同名的人区分" in (tmp_path / "uci.refused.csv").read_text("utf-8-sig")
    for number, mapping in enumerate((["--map", "甲=name"], [])):
        path.write_text(f"甲,手机号,机构号\n沈静仪,1391234567{number},01\n", "utf-8")
        understood = run([*zhike, "import", "customers", str(path), "--json", *mapping])
        assert json.loads(understood.stdout)["loaded"] == 1


def test_one_file_in_two_processes_at_once_loads_its_rows_once(database: Any, tmp_path: Path) -> None:
    with psycopg.connect(database.url("zhike_owner")) as connection:
        connection.execute(
            "INSERT INTO people_unit (code, name, kind, path, from_day) VALUES ('01', '支行', 'team', '/1/', '2020-01-01')"
        )
    rows = 12_000  # three chunks
    path = tmp_path / "customers.csv"
    people = (f"沈静{chr(0x4E00 + n % 500)},155{n:08d},01" for n in range(rows))
    path.write_text("\n".join(["姓名,手机号,机构号", *people]), "utf-8")
    command = [sys.executable, "-m", "zhike", "import", "customers", str(path), "--json"]
    environment = {**os.environ, **database.environment}
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [json.loads(process.communicate(timeout=120)[0]) for process in both]
    assert sum(each["loaded"] for each in told) == sum(each["already"] for each in told) == rows
    with psycopg.connect(database.url("zhike_owner")) as connection:
        assert connection.execute("SELECT count(*) FROM customers_customer").fetchone() == (rows,)


def test_a_run_that_another_worker_goes_on_with_is_left_to_it(
    cast: Cast, load: Callable[..., Run], worker: Any, tmp_path: Path
) -> None:
    run = load(GOOD)
    with worker():
        behind = Run.objects.get(pk=run.pk)
        behind.last_line = 0
        with pytest.raises(Overtaken):
            run_import(behind, tmp_path / "customers.csv", bank=Bank(), now=lambda: NOW, language="en")
        assert counts(Run.objects.get(pk=run.pk)) == counts(run)
