"""What values look like in JSON, whatever the noun: ids, moments, money, texts, lists."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from django.http import HttpRequest
from django.utils.functional import Promise
from ninja import Schema
from ninja.parser import Parser
from ninja.renderers import JSONRenderer
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from zhike.people.typed import typed

EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _in_our_times(value: datetime) -> datetime:
    if not EARLIEST <= value.replace(tzinfo=UTC) <= LATEST:
        raise PydanticCustomError("zhike_moment", "outside 1900 to 2200")
    return value.astimezone(UTC)


def storable(value: Any) -> Any:
    """PostgreSQL keeps no NUL, and half of a surrogate pair is no character; what nobody sees goes."""
    if not isinstance(value, str):
        return value
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise PydanticCustomError("zhike_text", "not a text")
    return typed(value)


# Ids are strings: a program in JavaScript would round a large number.
Id = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,17}$")]
IdOut = Annotated[str, BeforeValidator(str)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_our_times)]
Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2199, 12, 31))]
Money = Annotated[Decimal, PlainSerializer(str, return_type=str)]
Line = Annotated[str, StringConstraints(max_length=200), BeforeValidator(storable)]
Text = Annotated[str, StringConstraints(max_length=4000), BeforeValidator(storable)]


class In(BaseModel):
    """What a program sends: an unknown name is refused, for it would be silently lost.

    Not ninja's Schema: that asks each field of what might be one of Django's objects, and this is always a dictionary.
    """

    model_config = ConfigDict(extra="forbid")


class Out(Schema):
    """What a program gets."""


class Named(Out):
    """Somebody or something that is pointed to."""

    id: IdOut
    name: str


def named(each: Any) -> dict[str, Any] | None:
    """What is pointed to, as :class:`Named` has it; None for nothing."""
    return {"id": each.pk, "name": each.name} if each else None


class Json(Parser):
    """Bodies as JSON says they are: no NaN, no text that cannot be kept."""

    def parse_body(self, request: HttpRequest) -> Any:
        try:
            value = json.loads(request.body, parse_constant=_refuse_constant)
            json.dumps(value, ensure_ascii=False).encode()
        except (UnicodeError, RecursionError) as error:
            raise ValueError("The body is not UTF-8.") from error
        if b"\\u0000" in request.body:
            raise ValueError("The body holds a NUL character.")
        return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON.")


class Rendered(JSONRenderer):
    """JSON as UTF-8, moments in ISO 8601 with their offset, money as text."""

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> str:
        return dumps(data)


def dumps(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, default=_plain, separators=(",", ":"))


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal | Promise):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON.")
