"""Our door (推送入口), at which the bank's own SMS platform brings receipts and replies: known by a secret path, whose hash alone is kept.

What is brought is put down as it is; the sender makes something of it.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from zhike.conduct.words import Refused

from . import gateways
from .models import Pushed
from .platform.platform import Platform
from .transports import http

LARGEST = 1024 * 1024  # octets of one push

log = logging.getLogger("zhike.sms")


def bring(secret: str, body: bytes, environment: Mapping[str, str], now: datetime) -> str | None:
    """Puts down what was brought and says what whoever brings it wants to hear; None where there is no such door."""
    asked = sha256(secret.encode()).hexdigest()
    found = None
    for address in gateways.addresses(environment):
        if not address.startswith(f"{http.SCHEME}:"):
            continue
        try:
            file = http.described(address)
            platform = Platform.read(file)
        except Refused as refused:
            log.warning("Nothing can be taken in for a platform: %s", refused)
            continue
        for coming in platform.coming:
            if coming.door and hmac.compare_digest(coming.door, asked):
                found = coming, file
    if found is None:
        return None
    coming, file = found
    Pushed.on(coming.what, str(file), body, now).put_down()
    return coming.say
