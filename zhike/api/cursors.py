"""Pages of a list: an opaque cursor says after which row the next one begins, so that rows that come or go move nothing."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from ninja import Query
from pydantic import Field

from zhike.api.problems import field_invalid
from zhike.api.shapes import In, storable

ROWS, MOST = 50, 200


class Page(In):
    """Which part of a list: ``cursor`` is the ``next`` of the page before."""

    cursor: Annotated[str, Field(max_length=500)] = ""
    limit: Annotated[int, Field(ge=1, le=MOST)] = ROWS


Paged = Annotated[Page, Query()]


def cursor(*position: Any) -> str:
    """The place of a row in its order."""
    text = json.dumps(
        [value.isoformat() if isinstance(value, datetime) else value for value in position], ensure_ascii=False
    )
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def position(text: str, *kinds: Callable[[Any], Any]) -> list[Any] | None:
    """Where the page begins, or None for the first. Raises the problem that the cursor is none of ours."""
    if not text:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if len(values) != len(kinds):
            raise ValueError("another list's cursor")
        return [storable(kind(value)) for kind, value in zip(kinds, values, strict=True)]
    except (ValueError, TypeError, KeyError, OverflowError, binascii.Error) as error:
        raise field_invalid(
            "cursor", _("This cursor is none of this list. Take `next` of the page before, or leave it out.")
        ) from error


def moment(value: Any) -> datetime:
    """A cursor's part that is a moment."""
    read = datetime.fromisoformat(value)
    if read.tzinfo is None:
        raise ValueError("no offset")
    return read


def page(rows: Sequence[Any], limit: int, place: Callable[[Any], Sequence[Any]]) -> tuple[Sequence[Any], str | None]:
    """Of one row more than asked for: the rows of the page and the cursor of the next."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], cursor(*place(rows[limit - 1]))


def last_first(found: QuerySet[Any], asked: Page, shown: Callable[[Any], Any]) -> dict[str, Any]:
    """A page of the rows found, the one that was made last first, as a list's answer."""
    if after := position(asked.cursor, int):
        found = found.filter(pk__lt=after[0])
    some, more = page(list(found.order_by("-pk")[: asked.limit + 1]), asked.limit, lambda each: (each.pk,))
    return {"items": [shown(each) for each in some], "next": more}
