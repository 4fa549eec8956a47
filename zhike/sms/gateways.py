"""The bank's gateways (网关), named in ``ZHIKE_SMS_URL``; a demonstration without one has a handset in the browser instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from django.conf import settings

from zhike.conduct.words import Refused, Words

from .transports import KINDS, Kind, Transport
from .transports.transport import VARIABLE

DEMO = "demo:"


def addresses(environment: Mapping[str, str]) -> list[str]:
    """The addresses as they are set, one a gateway; those of a demonstration where none is."""
    return environment.get(VARIABLE, "").split() or ([DEMO] if settings.MODE == "demo" else [])


def is_set_up(environment: Mapping[str, str]) -> bool:
    """Whether messages leave from here at all."""
    return bool(addresses(environment))


def kind_of(address: str) -> Kind:
    """Which transport an address is for. Raises Refused for a scheme that none has."""
    scheme = address.partition(":")[0].lower()
    for kind in KINDS:
        if scheme in kind.schemes:
            return kind
    known = "、".join(f"{scheme}:" for kind in KINDS for scheme in kind.schemes)
    raise Refused(
        f"{VARIABLE} 中有以 {scheme}: 开头的地址，没有这种网关。可用的开头：{known}。",
        f"{VARIABLE} has an address that begins with {scheme}:, and there is no such gateway. They begin with {known}.",
    )


def words(gateway: str) -> Words:
    """A gateway's name on screen."""
    scheme = gateway.partition(":")[0]
    return next((kind.words for kind in KINDS if scheme in kind.schemes), Words(gateway, gateway))


def name_of(address: str) -> str:
    """What the journal calls a gateway: its scheme and host, never its secret."""
    scheme, _, rest = address.partition(":")
    host = rest.removeprefix("//").rpartition("@")[2].partition("?")[0]
    return f"{scheme}:{host}" if host else scheme


def open_all(environment: Mapping[str, str], clock: Callable[[], datetime]) -> list[tuple[str, Transport]]:
    """A connection for each gateway, by its name. Raises Refused for an address that cannot be one."""
    return [(name_of(each), kind_of(each).make(each, clock)) for each in addresses(environment)]
