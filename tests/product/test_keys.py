"""A change of data keys: everything sealed anew, the old key dropped, and what stops it in the middle."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from django.test import Client
from pytest_django import Settings

from tests.cast import Cast, seat
from tests.conftest import Database, stepping_into
from zhike import clock, processes
from zhike.contacts.models import Contact
from zhike.contacts.models.draft import Draft
from zhike.customers.models import Customer, Difference, Line, Run
from zhike.customers.models.run import row_place
from zhike.customers.vault import place, vault
from zhike.people.tokens import give

NOW = datetime(2026, 3, 16, 2, tzinfo=UTC)
OLD = django_settings.DATA_KEYS
NEW = "k2:" + base64.b64encode(b"the next key of this bank, 32 B.").decode()
SECRET = "JBSWY3DPEHPK3PXP"
SEALED = {
    "mobile": "13812345678",
    "email": "wei@example.com",
    "address": "上海市浦东新区世纪大道 88 号",
    "id_number": "310105199003070014",
}
USCC = "91310115MA1K4BQX57"
owner, worker = stepping_into("zhike_owner"), stepping_into("zhike_worker")


def zhike(database: Database, *arguments: str, keys: str = f"{NEW},{OLD}") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **database.environment, "ZHIKE_LANG": "en", "ZHIKE_DATA_KEYS": keys}
    return subprocess.run(processes.own(*arguments), env=environment, capture_output=True, text=True, cwd="/")


@pytest.fixture
def cast(database: Database) -> Iterator[Cast]:
    """A bank that has sealed something in every place there is."""
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal.auth import TOTP

    with clock.at(NOW):
        with owner():
            cast = seat()
            TOTP.activate(cast.rm, SECRET)
            RecoveryCodes.activate(cast.rm)
            token = give(cast.mate, "program", NOW, days=30)
        customer = cast.customers["rm"][0]
        with cast.acting("rm", NOW) as actor:
            customer.learn_all(SEALED, source="contact", actor=actor, now=NOW)
            cast.customers["rm"][2].learn("uscc", USCC, source="contact", actor=actor, now=NOW)
            call = Contact.objects.create(
                kind="call", state="ended", customer=customer, rm=cast.rm, held_by=cast.rm, by=cast.rm, purpose="care", created_at=NOW,
                started_at=NOW, ended_at=NOW, outcome="reached",
            )  # fmt: skip
            Draft.keep(call, [["mobile", "13812345678"]], actor=actor, now=NOW)
        with worker():
            theirs = vault().seal("13900001111", place("mobile", customer.pk))
            Difference.objects.create(customer=customer, field="mobile", theirs=theirs, seen_at=NOW)
            Difference.objects.create(customer=customer, field="name", theirs="张卫明", seen_at=NOW)
            run = Run.objects.create(name="名单.csv", at=NOW, by=cast.administrator, state="done")
            cells = vault().seal(json.dumps({"手机": "13812345678"}), row_place(run.pk, 2))
            Line.objects.create(run=run, line=2, state="refused", cells=cells)
            Line.objects.create(run=run, line=3, state="loaded", cells="")
        program = Client(headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "once"})
        assert remembered(program, cast).status_code == 201
        yield cast


def remembered(program: Client, cast: Cast) -> Any:
    body = {"kind": "loan", "words": "房贷", "customer": str(cast.customers["mate"][0].pk)}
    return program.post(f"/api/v1/customers/{cast.customers['mate'][0].pk}/needs", {k: body[k] for k in ("kind", "words")},
                        content_type="application/json")  # fmt: skip


def where_it_stands(database: Database, front: str) -> list[str]:
    """Every column of every table but the trail that holds what a key of that name sealed."""
    with psycopg.connect(database.url("zhike_owner")) as connection:
        columns = connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND data_type IN ('text', 'jsonb', 'json', 'character varying') AND table_name !~ '^trail_'"
        ).fetchall()
        return [
            f"{table}.{column}" for table, column in columns
            if connection.execute(f'SELECT 1 FROM "{table}" WHERE "{column}"::text LIKE %s LIMIT 1', [f"%{front}:gcm:%"]).fetchone()
        ]  # fmt: skip


def trail(database: Database) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.url("zhike_owner")) as connection:
        return connection.execute("SELECT action, object, actor_id, changes FROM trail_entry ORDER BY id").fetchall()


def everything_opens(cast: Cast, settings: Settings, keys: str) -> None:
    settings.DATA_KEYS = keys
    with cast.acting("rm", NOW):
        customer = Customer.objects.get(pk=cast.customers["rm"][0].pk)
        assert {name: customer.open_value(name) for name in SEALED} == SEALED
    browser = cast.client("rm", NOW)
    for words in ("13812345678", "5678", "310105199003070014"):
        found = browser.post("/search/hits/", {"q": words}).content.decode()
        assert "张伟明" in found, words
    assert "139 **** 1111" in browser.get("/customers/differences/").content.decode()
    with owner():
        assert Draft.objects.get().values == [["mobile", "13812345678"]]
        company = Customer.objects.get(pk=cast.customers["rm"][2].pk)
        assert company.profile["uscc"]["v"] == USCC
        assert bytes(company.id_index) in vault().indexes("id", USCC)
        assert Line.objects.get(state="refused").row == {"手机": "13812345678"}


def test_after_it_the_old_key_can_be_dropped(cast: Cast, database: Database, settings: Settings) -> None:
    places = where_it_stands(database, "d1")
    assert sorted(places) == [
        "api_answer.body", "contacts_draft.sealed", "customers_customer.profile", "customers_difference.theirs", "customers_line.cells",
        "mfa_authenticator.data",
    ]  # fmt: skip
    before = trail(database)

    looked = zhike(database, "keys", "--check", "--json")
    assert looked.returncode == 0, looked.stderr
    assert json.loads(looked.stdout)["tables"]["customers_customer"]["renewed"] == 2
    assert json.loads(looked.stdout)["droppable"] == []
    assert where_it_stands(database, "k2") == []

    done = zhike(database, "keys", "--by", "1011")
    assert done.returncode == 0, done.stderr
    assert "d1 is no longer needed" in done.stdout
    assert where_it_stands(database, "d1") == []
    added = trail(database)[len(before) :]
    assert added == [("reseal", "data_keys", cast.administrator.pk, {"to": "k2"})]

    again = json.loads(zhike(database, "keys", "--json").stdout)
    assert all(table["renewed"] == 0 for table in again["tables"].values())
    assert again["droppable"] == ["d1"]
    assert len(trail(database)) == len(before) + 1  # nothing done, nothing kept

    everything_opens(cast, settings, NEW)
    from tests.product.test_sign_in import code_of, early_in_the_half_minute

    browser = Client()
    assert browser.post("/sign-in/", {"login": "1001", "password": "a good long password"}).status_code == 302
    early_in_the_half_minute()
    assert browser.post("/sign-in/code/", {"code": code_of(SECRET)}).status_code == 302
    assert browser.get("/me/recovery-codes/").status_code in (200, 302)
    program = Client(headers={"Authorization": f"Bearer {token_again(cast)}", "Idempotency-Key": "once"})
    assert remembered(program, cast)["Idempotency-Replayed"] == "true"


def token_again(cast: Cast) -> str:
    with owner():
        return give(cast.mate, "another program", NOW, days=30)


def test_while_both_keys_are_there_everything_opens_and_is_found(cast: Cast, settings: Settings) -> None:
    everything_opens(cast, settings, f"{NEW},{OLD}")


def test_a_key_that_is_missing_is_said_and_nothing_is_lost(cast: Cast, database: Database, settings: Settings) -> None:
    lost = zhike(database, "keys", keys=NEW)
    assert lost.returncode == 1
    assert "put the missing key back" in lost.stderr
    assert "d1" in lost.stderr
    assert "no longer needed" not in lost.stdout
    everything_opens(cast, settings, f"{NEW},{OLD}")


def test_no_file_is_taken_in_before_duplicates_would_be_found(cast: Cast, database: Database, tmp_path: Path) -> None:
    file = tmp_path / "名单.csv"
    file.write_text("姓名,手机,客户经理\n张伟,13812345678,1001\n")
    early = zhike(database, "import", "customers", str(file))
    assert (early.returncode, "until zhike keys has run" in early.stderr) == (1, True)
    assert zhike(database, "keys").returncode == 0
    taken = zhike(database, "import", "customers", str(file), "--json")
    assert json.loads(taken.stdout)["doubtful"] == 1, taken.stderr


def test_production_wants_the_keys_named(database: Database) -> None:
    environment = {
        **os.environ, **database.environment, "ZHIKE_MODE": "production", "ZHIKE_LANG": "en",
        "ZHIKE_SECRET_KEY": "x" * 50, "ZHIKE_DATA_KEYS": "",
    }  # fmt: skip
    done = subprocess.run(processes.own("keys"), env=environment, capture_output=True, text=True, cwd="/")
    assert (done.returncode, "ZHIKE_DATA_KEYS is not set" in done.stderr) == (1, True)


def many(cast: Cast, count: int) -> None:
    """Customers whose mobile the old key sealed."""
    keys = vault()
    with owner():
        made = Customer.objects.bulk_create(
            Customer(core_number=f"M-{n}", kind="person", name=f"客户{n}", rm=cast.rm, unit=cast.units["century"],
                     tier="gold", created_at=NOW, changed_at=NOW) for n in range(count)
        )  # fmt: skip
        for n, customer in enumerate(made):
            mobile = f"1390000{n:04}"
            customer.profile = {
                "mobile": {"v": keys.seal(mobile, place("mobile", customer.pk)), "src": "import", "on": "2026-01-01"}
            }
            customer.mobile_index, customer.tail_index = keys.index("mobile", mobile), keys.index("tail", mobile[-4:])
        Customer.objects.bulk_update(made, ["profile", "mobile_index", "tail_index"])


def test_killed_in_the_middle_it_goes_on_and_loses_nothing(cast: Cast, database: Database, settings: Settings) -> None:
    many(cast, 600)
    count = "SELECT count(*) FROM customers_customer WHERE profile -> 'mobile' ->> 'v' LIKE %s"
    environment = {**os.environ, **database.environment, "ZHIKE_DATA_KEYS": f"{NEW},{OLD}"}
    with (
        psycopg.connect(database.url("zhike_owner"), autocommit=True) as connection,
        psycopg.connect(database.url("zhike_owner")) as holding,
    ):
        # It waits at the last row, so that it is in the middle when it is killed, however slow we are.
        holding.execute("SELECT id FROM customers_customer ORDER BY id DESC LIMIT 1 FOR UPDATE")
        process = subprocess.Popen(processes.own("keys", "--batch", "2"), env=environment, stdout=subprocess.DEVNULL)
        while process.poll() is None and not connection.execute(count, ["k2:%"]).fetchone()[0]:  # type: ignore[index]
            time.sleep(0.002)
        process.kill()
        process.wait()
        old, new = (connection.execute(count, [f"{front}:%"]).fetchone()[0] for front in ("d1", "k2"))  # type: ignore[index]
    assert old > 0, "it was not killed in the middle"
    assert new > 0
    everything_opens(cast, settings, f"{NEW},{OLD}")
    done = zhike(database, "keys", "--json")
    assert json.loads(done.stdout)["droppable"] == ["d1"]
    everything_opens(cast, settings, NEW)
    with cast.acting("rm", NOW):
        mobiles = sorted(
            customer.open_value("mobile") for customer in Customer.objects.filter(core_number__startswith="M-")
        )
    assert mobiles == [f"1390000{n:04}" for n in range(600)]


def test_what_somebody_enters_meanwhile_stays(cast: Cast, database: Database, settings: Settings) -> None:
    """The row was read before it was changed; it is read again when its turn comes."""
    settings.DATA_KEYS = f"{NEW},{OLD}"
    customer = cast.customers["rm"][0]
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database.url("zhike_owner"), autocommit=True) as watching:
        with cast.acting("rm", NOW) as actor:
            customer.learn("mobile", "13700007777", source="contact", actor=actor, now=NOW)
            running = pool.submit(zhike, database, "keys")
            while not watching.execute(waits, [database.name]).fetchone()[0]:  # type: ignore[index]
                assert not running.done(), running.result().stderr
                time.sleep(0.01)
        done = running.result()
    assert "d1 is no longer needed" in done.stdout, done.stderr
    settings.DATA_KEYS = NEW
    with cast.acting("rm", NOW):
        found = Customer.objects.get(pk=customer.pk)
        assert found.open_value("mobile") == "13700007777"
        assert found.open_value("email") == SEALED["email"]


def test_only_the_owner_passes_by_the_trail_and_only_with_what_is_sealed(cast: Cast, database: Database) -> None:
    customer = cast.customers["rm"][0].pk
    quiet = "SELECT set_config('zhike.resealing', 'on', false)"
    for role, change, kept in (
        ("zhike_worker", 'profile = profile || \'{"hobbies": {"v": "钓鱼"}}\'', 1),
        ("zhike_owner", "tier = 'private'", 1),
        ("zhike_owner", "tail_index = '\\x00'", 0),
    ):
        before = len(trail(database))
        with psycopg.connect(database.url(role), autocommit=True) as connection:
            connection.execute(quiet)
            connection.execute(f"UPDATE customers_customer SET {change} WHERE id = %s", [customer])
        assert len(trail(database)) - before == kept, change
