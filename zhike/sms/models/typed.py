from __future__ import annotations

import uuid

from django.db import models

from zhike.customers.vault import vault


class Typed(models.Model):
    """What was typed into the demonstration's handset, until the demonstration's gateway takes it along. Only there."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    number = models.TextField(help_text="sealed")
    sealed = models.TextField()
    at = models.DateTimeField()

    class Meta:
        db_table = "sms_typed"

    def __str__(self) -> str:
        return f"{self.at}"

    @property
    def number_in_clear(self) -> str:
        return vault().open(self.number, f"sms_typed:number:{self.key}")

    @property
    def text(self) -> str:
        return vault().open(self.sealed, f"sms_typed:text:{self.key}")

    @classmethod
    def on(cls, number: str, text: str, **more: object) -> Typed:
        """What the owner of a number types."""
        key = uuid.uuid4()
        return cls(
            key=key, number=vault().seal(number, f"sms_typed:number:{key}"), sealed=vault().seal(text, f"sms_typed:text:{key}"), **more
        )  # fmt: skip
