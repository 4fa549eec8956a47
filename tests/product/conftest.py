"""What product tests share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.cast import Cast, seat


@pytest.fixture
def cast(db: None, owner: Callable[[], AbstractContextManager[None]]) -> Cast:
    """The people and customers of :mod:`tests.cast`, in this test's transaction."""
    with owner():
        return seat()
