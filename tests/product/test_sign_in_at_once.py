"""One code and several who come with it at the same moment: connections of their own, real commits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connection
from django.test import Client
from pytest_django import Settings

from tests.cast import seat
from tests.conftest import Database, stepping_into
from tests.product.test_sign_in import (
    EACH_PROCESS_ITS_OWN,
    SECRET,
    code_of,
    early_in_the_half_minute,
    half_signed_in,
    with_authenticator,
)


def test_of_four_that_come_with_one_code_one_is_let_in(database: Database, settings: Settings) -> None:
    settings.CACHES = EACH_PROCESS_ITS_OWN
    with stepping_into("zhike_owner")():
        cast = seat()
        with_authenticator(cast)
    browsers = [half_signed_in() for _ in range(4)]
    early_in_the_half_minute()
    code, together = code_of(SECRET), Barrier(len(browsers))

    def enter(browser: Client) -> str:
        together.wait()
        try:
            return browser.post("/sign-in/code/", {"code": code}).headers.get("Location", "refused")
        finally:
            connection.close()

    with ThreadPoolExecutor(len(browsers)) as pool:
        assert sorted(pool.map(enter, browsers)) == ["/", "refused", "refused", "refused"]
