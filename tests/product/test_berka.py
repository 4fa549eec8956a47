"""The Berka bank's files, twenty clients of its shape, made into a customer file and imported."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cast import Cast
from zhike.conduct.bank import Bank
from zhike.customers.examples import berka
from zhike.customers.imports import columns
from zhike.customers.imports.load import run_import
from zhike.customers.models import Customer, Run
from zhike.people.tables import open_table

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty clients: each second a woman; the last four are disponents of the first four accounts."""
    clients = [f'{n};"{40 + n}{(n % 12) + 1 + (50 if n % 2 else 0):02}{n + 5:02}";{n % 2 + 1}' for n in range(1, 21)]
    (tmp_path / "client.asc").write_text("\n".join(['"client_id";"birth_number";"district_id"', *clients]) + "\n")
    owners = [f'{n};{n};{n};"OWNER"' for n in range(1, 17)] + [f'{n};{n};{n - 16};"DISPONENT"' for n in range(17, 21)]
    (tmp_path / "disp.asc").write_text("\n".join(['"disp_id";"client_id";"account_id";"type"', *owners]) + "\n")
    (tmp_path / "district.asc").write_text('A1;A2;A3\n1;"Hl.m. Praha";"Prague"\n2;"Benesov";"central Bohemia"\n')
    (tmp_path / "trans.asc").write_text(
        '"trans_id";"account_id";"date";"type";"operation";"amount";"balance";"k_symbol";"bank";"account"\n'
        '4;3;930310;"VYDAJ";"VYBER";50;-50;;;\n'
        '1;1;930210;"PRIJEM";"VKLAD";1000;1000;;;\n2;1;930316;"PRIJEM";"VKLAD";3000;4000;;;\n3;2;930331;"PRIJEM";"VKLAD";310;310;;;\n'
    )
    return tmp_path


def test_birth_numbers_say_birthday_and_gender() -> None:
    assert berka.birth("706213") == (date(1970, 12, 13), "f")
    assert berka.birth("450204") == (date(1945, 2, 4), "m")


def test_the_average_counts_each_day_with_its_balance(folder: Path) -> None:
    found = {account: str(average) for account, average in berka.averages(folder).items()}
    assert found == {"1": f"{(15 * 1000 + 16 * 4000) / 31:.2f}", "2": "10.00", "3": "-35.48"}


def test_twenty_clients_go_all_the_way(cast: Cast, folder: Path, worker: Any, capsys: Any) -> None:
    out = folder / "berka.csv"
    assert berka.main([str(folder), str(out)]) == 0
    assert "20 rows" in capsys.readouterr().out
    assert berka.main([]) == 2
    with worker():
        mapping = columns.guess(open_table(out).columns)
        run = Run.objects.create(name=out.name, at=NOW, mapping=mapping, unit=cast.units["century"])
        run = run_import(run, out, bank=Bank(), now=lambda: NOW, language="en")
        assert (run.loaded, run.refused, run.doubtful) == (20, 0, 0)
        first = Customer.objects.get(core_number="BERKA-00001")
        assert first.name.endswith("(生成)")
        assert (first.gender, first.birth_year, first.birth_month, first.birth_day) == ("f", 1941, 2, 6)
        assert first.shown("address") == "centra****"
        assert first.assets is not None
        overdrawn = Customer.objects.get(core_number="BERKA-00003")
        assert (str(overdrawn.assets), overdrawn.tier) == ("-35.48", "regular")
        assert Customer.objects.get(core_number="BERKA-00017").assets is None
