"""What product tests share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.cast import Cast, seat
from tests.conftest import Database, stepping_into


@pytest.fixture
def cast(db: None, owner: Callable[[], AbstractContextManager[None]]) -> Cast:
    """The people and customers of :mod:`tests.cast`, in this test's transaction."""
    with owner():
        return seat()


@pytest.fixture
def seated(database: Database) -> Cast:
    """The same in a database of this test's own, where what is committed stays: for several at once."""
    with stepping_into("zhike_owner")():
        return seat()
