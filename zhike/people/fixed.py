"""One row, whole, by a statement that never changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)


class Fixed(Generic[M]):
    """A model's row found by ``found_by`` (SQL behind ``SELECT columns``, with ``%s`` for what differs).

    For the two or three rows with which nearly every request begins. Django's own ``raw`` works the columns out anew
    each time, from what PostgreSQL says of them: with forty columns that is a quarter of a write-up.
    """

    def __init__(self, model: type[M], found_by: str) -> None:
        self.model, self.found_by = model, found_by

    def one(self, parameters: Sequence[Any], using: str = "default") -> M | None:
        with connection.cursor() as cursor:
            cursor.execute(self._statement, parameters)
            row = cursor.fetchone()
        return None if row is None else self.of(row, using)

    def of(self, row: Sequence[Any], using: str = "default") -> M:
        """The row of a statement that asked for :meth:`columns`."""
        values = list(row)
        for place, converters, expression in self._converted:
            for convert in converters:
                values[place] = convert(values[place], expression, connection)
        return self.model.from_db(using, self._names, values)

    @cached_property
    def _names(self) -> list[str]:
        return [field.attname for field in self.model._meta.concrete_fields]

    def columns(self, table: str = "t") -> str:
        """SQL of what a row consists of; ``table`` is what the statement calls it."""
        return ", ".join(f'{table}."{field.column}"' for field in self.model._meta.concrete_fields)

    @cached_property
    def _statement(self) -> str:
        return f"SELECT {self.columns()} {self.found_by}"

    @cached_property
    def _converted(self) -> list[tuple[int, list[Callable[..., Any]], Any]]:
        """What PostgreSQL's values still need to become Python's (JSON), as Django's compiler asks for it."""
        columns = [field.get_col("t") for field in self.model._meta.concrete_fields]
        converters = (
            [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)] for column in columns
        )
        return [
            (place, needed, column)
            for place, (needed, column) in enumerate(zip(converters, columns, strict=True))
            if needed
        ]
