"""The demonstration's gateway (演示手机): a handset in the browser shows what a customer would get, and lets one answer.

It behaves as a gateway does: it answers, then sends receipts, and replies come in by themselves. Nothing leaves the machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import count

from django.db import transaction

from zhike.conduct.words import Refused, Words
from zhike.sms.models import Typed

from .transport import Answer, Event, Kind, Part, Receipt, Reply


class Demo:
    """Whatever it is handed arrives. What is typed into the handset waits in a table of its own until it is taken."""

    whole = False
    window = 200
    rate = 0

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._sequence = count(1)
        self._came: list[Event] = []
        self._begun = ""

    def open(self) -> None:
        self._sequence = count(1)
        self._came.clear()
        self._begun = f"{self._clock():%y%m%d%H%M%S}"

    def numbers(self, count: int) -> list[int]:
        return [next(self._sequence) for _ in range(count)]

    def submit(self, parts: Sequence[Part]) -> None:
        for part in parts:
            name = f"{self._begun}-{part.sequence}"
            self._came.append(Answer(part.sequence, taken=True, id=name))
            self._came.append(Receipt(name, "delivered", "DELIVRD", at=self._clock(), to=part.to))

    def events(self, timeout: float) -> list[Event]:
        if not self._came:
            time.sleep(timeout)
        came, self._came = self._came, []
        with transaction.atomic():
            typed = list(Typed.objects.select_for_update(skip_locked=True).order_by("pk")[:100])
        return came + [
            Reply(each.number_in_clear, "", each.text, id=str(each.key), at=each.at, handle=each.pk) for each in typed
        ]

    def took(self, events: Sequence[Event]) -> None:
        """What is kept leaves the handset's table; what is not is told again, under the same name."""
        Typed.objects.filter(pk__in=[each.handle for each in events if isinstance(each, Reply)]).delete()

    def close(self) -> None:
        """Nobody is signed in."""


def make(address: str, clock: Callable[[], datetime]) -> Demo:
    """The handset. Raises Refused in production: there a message that only seems to be sent is worse than none."""
    from django.conf import settings

    if not settings.DEMO:
        raise Refused(
            "演示手机只用于演示和培训，生产环境请在 ZHIKE_SMS_URL 写明本行的短信网关。",
            "The handset is for demonstration and training; in production ZHIKE_SMS_URL names the bank's gateway.",
        )
    return Demo(clock)


KIND = Kind(Words("演示手机", "Demonstration handset"), ("demo",), "demo:", make)
