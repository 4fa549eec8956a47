"""What the tests of the clauses share: the cast, and a door to do things through."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .door import Door

Role = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def door(db: None, owner: Role, worker: Role) -> Door:
    """Lin Xiao at work, with the cast around."""
    # Django is not up yet when this file is read.
    from tests.cast import seat

    from .door import Door

    with owner():
        cast = seat()
    return Door(cast, owner, worker)
