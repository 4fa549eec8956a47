"""Personal data at rest and on screen."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from tests.cast import Cast, a_customer
from zhike.conduct.bank import Bank
from zhike.customers import vault as vaults
from zhike.customers.checks import Unaccepted
from zhike.customers.models import Customer
from zhike.customers.models.customer import Exhausted
from zhike.customers.vault import Unopened, mask_address, mask_email, mask_id, mask_phone, read_keys
from zhike.people.actor import acting

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # Monday, ten o'clock in Shanghai
OLD, NEW = (f"{name}:{base64.b64encode(name.encode() * 16).decode()}" for name in ("k1", "k2"))
PLACE = "customers_customer:profile.mobile:7"


def test_a_sealed_value_names_its_key_and_algorithm_and_never_looks_the_same_twice() -> None:
    vault = read_keys(OLD)
    one, two = vault.seal("13812345678", PLACE), vault.seal("13812345678", PLACE)
    assert one.startswith("k1:gcm:")
    assert one != two
    assert vault.open(one, PLACE) == vault.open(two, PLACE) == "13812345678"


def test_a_value_moved_to_another_row_or_changed_does_not_open() -> None:
    vault = read_keys(OLD)
    sealed = vault.seal("13812345678", PLACE)
    for moved in (PLACE.replace(":7", ":8"), PLACE.replace("mobile", "phone2")):
        with pytest.raises(Unopened):
            vault.open(sealed, moved)
    for damaged in (sealed[:-6] + "AAAA==", "k1:gcm:x", "k1:sm4:" + sealed[7:], "k9:gcm:" + sealed[7:], "nonsense"):
        with pytest.raises(Unopened):
            vault.open(damaged, PLACE)


def test_after_a_change_of_keys_the_old_values_open_and_are_found() -> None:
    before, after = read_keys(OLD), read_keys(f"{NEW},{OLD}")
    sealed = before.seal("13812345678", PLACE)
    assert after.open(sealed, PLACE) == "13812345678"
    assert not after.is_current(sealed)
    assert after.seal("x", PLACE).startswith("k2:")
    assert before.index("mobile", "13812345678") in after.indexes("mobile", "13812345678")


def test_an_index_serves_one_purpose() -> None:
    vault = read_keys(OLD)
    assert vault.index("mobile", "5678") != vault.index("tail", "5678")


@pytest.mark.parametrize("wrong", ["", "k1", "k1:zzz", "k1:" + base64.b64encode(b"short").decode(), f"{OLD},{OLD}"])
def test_keys_that_cannot_be_are_refused_at_start(wrong: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        read_keys(wrong)


def test_masks_show_enough_to_recognise() -> None:
    assert mask_phone("13812345678") == "138 **** 5678"
    assert mask_phone("02112345678").endswith("5678")
    assert mask_id("11010519491231002X") == "110*************2X"
    # Born on 31 December 1949, as the page says beside it: still a hundred thousand numbers that it could be.
    assert mask_id("11010519491231002X").replace("*", "") == "1102X"
    assert mask_email("wang@example.com") == "w***@example.com"
    assert mask_address("上海市浦东新区世纪大道1号") == "上海市浦东新****"


def test_what_is_learned_is_sealed_in_the_table_and_masked_on_screen(cast: Cast, owner: Any) -> None:
    with owner():
        customer = a_customer("沈静仪", cast.rm, cast.units["century"])
    with acting(cast.rm.id, NOW) as actor:
        customer = Customer.objects.visible_to(actor).get(pk=customer.pk)
        customer.learn("mobile", "138 1234 5678", source="contact", contact=5, actor=actor, now=NOW)
        assert customer.shown("mobile") == "138 **** 5678"
    with owner(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_jsonb(c)::text, changes::text FROM customers_customer c, trail_entry t WHERE t.customer_id = c.id"
        )
        kept = str(cursor.fetchall())
    assert "12345678" not in kept
    entry = customer.profile["mobile"]
    assert (entry["src"], entry["on"], entry["by"], entry["contact"]) == ("contact", "2026-03-02", cast.rm.id, 5)


def test_a_reveal_is_counted_kept_and_ends_at_the_days_limit(cast: Cast, owner: Any) -> None:
    with owner():
        customer = a_customer("沈静仪", cast.rm, cast.units["century"])
    bank = Bank(reveals_a_day=2)
    with acting(cast.rm.id, NOW) as actor:
        customer.learn("mobile", "13812345678", source="contact", actor=actor, now=NOW)
        for _once in range(2):
            assert customer.reveal("mobile", actor=actor, now=NOW, bank=bank) == "13812345678"
        with pytest.raises(Exhausted, match="2"):
            customer.reveal("mobile", actor=actor, now=NOW, bank=bank)
        tomorrow = NOW + timedelta(days=1)
        assert customer.reveal("mobile", actor=actor, now=tomorrow, bank=bank) == "13812345678"
    with owner(), connection.cursor() as cursor:
        cursor.execute("SELECT actor_id, customer_id, changes FROM trail_entry WHERE action = 'reveal' ORDER BY id")
        assert cursor.fetchall() == [(cast.rm.id, customer.id, '{"field": "mobile"}')] * 3


def test_an_identity_number_says_birthday_and_gender_and_is_checked(cast: Cast, owner: Any) -> None:
    with owner():
        customer = a_customer("沈静仪", cast.rm, cast.units["century"])
    with acting(cast.rm.id, NOW) as actor:
        with pytest.raises(Unaccepted) as refused:
            customer.learn("id_number", "110105194912310021", source="contact", actor=actor, now=NOW)
        assert "110105" not in str(refused.value)
        assert customer.learn("id_number", "11010519491231002x", source="contact", actor=actor, now=NOW) == []
        unknown_area = customer.learn("id_number", "990105194912310023", source="contact", actor=actor, now=NOW)
    assert len(unknown_area) == 1
    assert (customer.gender, customer.birth_calendar, customer.birth_year) == ("f", "solar", 1949)
    assert customer.birthday is not None
    assert customer.shown("id_number") == "990*************23"


def test_changes_of_two_at_once_do_not_lose_each_other(cast: Cast, owner: Any) -> None:
    with owner():
        first = a_customer("沈静仪", cast.rm, cast.units["century"])
    with acting(cast.rm.id, NOW) as actor:
        second = Customer.objects.get(pk=first.pk)
        first.learn("hobbies", "昆曲", source="contact", actor=actor, now=NOW)
        second.learn("employer", "柳浪实验小学", source="contact", actor=actor, now=NOW)
        first.learn("hobbies", "", source="contact", actor=actor, now=NOW)
        kept = Customer.objects.get(pk=first.pk)
    assert set(kept.profile) == {"employer"}
    assert kept.version == 4


def test_nobody_learns_about_anothers_customer(cast: Cast, owner: Any) -> None:
    with owner():
        customer = a_customer("沈静仪", cast.rm, cast.units["century"])
    with acting(cast.mate.id, NOW) as actor, pytest.raises(PermissionError):
        customer.learn("hobbies", "昆曲", source="contact", actor=actor, now=NOW)


def test_the_vault_is_read_once(settings: Any) -> None:
    assert vaults.vault() is vaults.vault()
