"""A telephone is gone, and the recovery codes with it: two persons let its owner set up the second factor anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client

from tests.cast import Cast
from tests.product.test_sign_in import demand_second_factor, sign_in
from zhike import clock
from zhike.people.models import Approval
from zhike.trail.models import Entry

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 16, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


def carried_out(asked: Approval) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT people_second_factor_off(%s)", [asked.pk])
        return bool(cursor.fetchone()[0])


def test_the_second_factor_is_set_up_anew_once_two_agree(cast: Cast, owner: Role) -> None:
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal.auth import TOTP

    demand_second_factor(owner)
    with owner():
        TOTP.activate(cast.rm, "JBSWY3DPEHPK3PXP")
        RecoveryCodes.activate(cast.rm)
    finder, address = cast.client("rm"), f"/staff/{cast.rm.pk}/second-factor/"
    assert finder.get("/").status_code == 200
    for who in ("leader", "compliance", "rm"):
        assert cast.client(who).post(address, {"why": "手机丢失"}).status_code == 403
    administrator = cast.client("administrator")
    assert administrator.post(address, {"why": " "}).status_code == 422
    assert administrator.post(f"/staff/{cast.mate.pk}/second-factor/", {"why": "x"}).status_code == 422  # has none
    assert "手机丢失或更换" in administrator.get(f"/staff/{cast.rm.pk}/").content.decode()
    assert administrator.post(address, {"why": "手机丢失，本人到场"}).status_code == 303
    assert sign_in(Client(), "1001")["Location"] == "/sign-in/code/"  # nothing has happened yet
    with cast.acting("administrator", NOW):
        asked = Approval.objects.get()
        assert not carried_out(asked), "the database asks for the second person, too"
    own = administrator.post(f"/approvals/{asked.pk}/", {"act": "approve", "digest": asked.digest})
    assert own.status_code == 409
    decided = cast.client("compliance").post(f"/approvals/{asked.pk}/", {"act": "approve", "digest": asked.digest})
    assert decided.status_code == 303
    assert finder.get("/").status_code == 302
    again = Client()
    sign_in(again, "1001")
    assert again.get("/")["Location"] == "/me/second-factor/on/"
    with owner():
        TOTP.activate(cast.rm, "JBSWY3DPEHPK3PXP")
    with cast.acting("compliance", NOW + timedelta(minutes=1)):
        assert not carried_out(asked), "what was agreed to is carried out once"
    with cast.acting("rm"):
        assert Entry.objects.filter(action="second_factor_off", row_id=cast.rm.pk, actor_id=cast.compliance.pk).exists()
