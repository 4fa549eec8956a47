from __future__ import annotations

import base64
import uuid
from datetime import datetime

from django.db import connection, models

from zhike.customers.reseal import simple
from zhike.customers.vault import vault


class Pushed(models.Model):
    """What a platform brought to our door, or handed out when it was asked, as it came: until the sender has kept what it says.

    ``aside``: it could not be understood, or not all of it (``why``), and waits for somebody to look.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    what = models.TextField(help_text="receipts or replies")
    platform = models.TextField(help_text="whose it is: the file that describes the platform")
    sealed = models.TextField()
    at = models.DateTimeField()
    aside = models.BooleanField(default=False)
    why = models.JSONField(default=dict, help_text="why it was not understood, in both languages")
    tries = models.SmallIntegerField(default=0, help_text="how often somebody had it tried once more")
    dismissed_by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+", db_index=False)
    dismissed_at = models.DateTimeField(null=True)
    reason = models.TextField(default="", help_text="why nothing is to be made of it")

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

    def put_down(self) -> None:
        """Keeps it and reads nothing back: whoever serves the door may see nothing of what lies here."""
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO sms_pushed (key, what, platform, sealed, at, aside, why, tries, reason) VALUES (%s, %s, %s, %s, %s, false, '{}', 0, '')",
                [self.key, self.what, self.platform, self.sealed, self.at],
            )

    @property
    def place(self) -> str:
        """Where the sealed body lives."""
        return place(self.key)


def place(key: object) -> str:
    return f"sms_pushed:sealed:{key}"


# For a change of keys (``zhike keys``): what lies aside may lie there for long.
SEALED = simple("sms_pushed", "sealed", lambda row: place(row["key"]), "key")
