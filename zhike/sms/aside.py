"""What a gateway brought and nobody understood (搁置): looked at by an administrator, tried once more, or dismissed with a reason."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import datetime
from urllib.parse import parse_qsl

from django.db.models import F

from zhike.conduct.words import Refused
from zhike.people.actor import Actor
from zhike.people.permissions import check
from zhike.trail.models import note

from .models import Pushed

MANAGE = "gateways.manage"
LONGEST = 4_000  # characters of one that are shown
ENCODINGS = ("utf-8", "gb18030")
# Telephone numbers, also as people write them, and whatever else is so long that it might name somebody.
NUMBER = re.compile(r"\d{7,}|1[3-9]\d[ -]\d{4}[ -]\d{4}")


def waiting(actor: Actor, *, most: int, before: int | None = None) -> list[Pushed]:
    """What lies aside and nobody has dismissed, the newest first."""
    check(actor, MANAGE)
    rows = Pushed.objects.filter(aside=True, dismissed_at=None).order_by("-pk")
    return list((rows.filter(pk__lt=before) if before else rows)[:most])


def shown(pushed: Pushed) -> str:
    """What came, as far as it can be read, its long numbers masked: whoever looks has to see its form, not whose it is."""
    body = pushed.body
    for encoding in ENCODINGS:
        with suppress(UnicodeDecodeError):
            return NUMBER.sub(_masked, _laid_out(body.decode(encoding)))[:LONGEST]
    return NUMBER.sub(_masked, body.decode("latin-1").encode("unicode_escape").decode())[:LONGEST]


def _masked(number: re.Match[str]) -> str:
    return f"{number[0][:3]}****{number[0][-4:]}"


def _laid_out(text: str) -> str:
    """JSON and forms so that one can read them."""
    with suppress(ValueError, RecursionError):
        told = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
        return json.dumps(told, ensure_ascii=False, indent=2)
    if "=" in text and "<" not in text:
        for encoding in ENCODINGS:
            with suppress(ValueError):  # a wrong encoding, or too many fields
                pairs = parse_qsl(text, True, encoding=encoding, errors="strict", max_num_fields=10_000)
                return "\n".join(f"{name} = {value}" for name, value in pairs)
    return text


def again(pushed: Pushed, *, actor: Actor, now: datetime) -> None:
    """The sender looks at it once more, by the rules that hold by then. What it had understood already it takes once."""
    check(actor, MANAGE)
    if not Pushed.objects.filter(pk=pushed.pk, aside=True, dismissed_at=None).update(
        aside=False, why={}, tries=F("tries") + 1
    ):
        raise _over()
    note(action="try again", object="sms_pushed", now=now, row_id=pushed.pk)


def dismiss(pushed: Pushed, reason: str, *, actor: Actor, now: datetime) -> None:
    """Nothing is to be made of it, and why; what came stays kept, sealed."""
    check(actor, MANAGE)
    if not reason.strip():
        raise Refused("请写明为什么不必处理。", "Say why nothing is to be made of it.")
    dismissed = {"dismissed_at": now, "dismissed_by_id": actor.id, "reason": reason.strip()}
    if not Pushed.objects.filter(pk=pushed.pk, aside=True, dismissed_at=None).update(**dismissed):
        raise _over()
    note(action="dismiss", object="sms_pushed", now=now, row_id=pushed.pk, reason=reason.strip())


def _over() -> Refused:
    return Refused("这一条已有人处理过了。", "Somebody has dealt with this one already.")
