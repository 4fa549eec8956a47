"""The bank's settings as its rows say, read once a version and not once a request."""

from __future__ import annotations

from functools import lru_cache

from zhike.conduct.bank import Change, Settings
from zhike.people.models import Setting


@lru_cache(maxsize=4)
def settings_of(version: int) -> Settings:
    """The settings through time at ``version`` (as a request's beginning tells it); a new version is read anew."""
    return Settings(Change(row.name, row.value, row.from_day) for row in Setting.objects.order_by("from_day", "at"))


def settings() -> Settings:
    """The settings as they stand now, for the worker and commands; two statements."""
    return settings_of(settings_version())


def settings_version() -> int:
    """Changes whenever a setting does."""
    last = Setting.objects.order_by("-at").values_list("at", flat=True).first()
    return 0 if last is None else round(last.timestamp() * 1_000_000)
