from __future__ import annotations

import base64
import uuid
from datetime import datetime

from django.db import models

from zhike.customers.reseal import simple
from zhike.customers.vault import vault


class Pushed(models.Model):
    """What a platform brought to our door, or handed out when it was asked, as it came: until the sender has kept what it says.

    ``aside``: it could not be understood, or not all of it, and waits for somebody to look.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    what = models.TextField(help_text="receipts or replies")
    platform = models.TextField(help_text="whose it is: the file that describes the platform")
    sealed = models.TextField()
    at = models.DateTimeField()
    aside = models.BooleanField(default=False)

    class Meta:
        db_table = "sms_pushed"
        indexes = [models.Index(fields=["platform", "id"], name="sms_pushed_waiting", condition=models.Q(aside=False))]

    def __str__(self) -> str:
        return f"{self.what} {self.at}"

    @property
    def body(self) -> bytes:
        return base64.b64decode(vault().open(self.sealed, self.place))

    @body.setter
    def body(self, octets: bytes) -> None:
        self.sealed = vault().seal(base64.b64encode(octets).decode(), self.place)

    @classmethod
    def on(cls, what: str, platform: str, body: bytes, at: datetime) -> Pushed:
        """A body that came."""
        pushed = cls(what=what, platform=platform, at=at)
        pushed.body = body
        return pushed

    @property
    def place(self) -> str:
        """Where the sealed body lives."""
        return place(self.key)


def place(key: object) -> str:
    return f"sms_pushed:sealed:{key}"


# For a change of keys (``zhike keys``): what lies aside may lie there for long.
SEALED = simple("sms_pushed", "sealed", lambda row: place(row["key"]), "key")
