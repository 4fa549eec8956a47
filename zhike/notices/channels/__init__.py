"""The channels (渠道): one file each, entered here. A newcomer copies a sibling.

The bank sets a channel up by one address in the environment; without it nobody can choose the channel. The page needs none.
"""

from __future__ import annotations

from collections.abc import Mapping

from zhike.conduct.words import Words

from . import dingtalk, feishu, mail, wecom
from .channel import Channel, Kind, Parcel, Undelivered, worded

__all__ = ["CHANNELS", "PAGE", "Channel", "Kind", "Parcel", "Undelivered", "offered", "open_all", "worded", "words"]

PAGE = "page"
CHANNELS: dict[str, Kind] = {
    "mail": mail.KIND,
    "wecom": wecom.KIND,
    "dingtalk": dingtalk.KIND,
    "feishu": feishu.KIND,
}


def words(name: str) -> Words:
    """The channel's name on screen; of one that a later release no longer has, what it was called here."""
    if name == PAGE:
        return Words("页面", "Page")
    return CHANNELS[name].words if name in CHANNELS else Words(name, name)


def offered(addresses: Mapping[str, str]) -> list[str]:
    """The channels that the bank has set up, beside the page."""
    return [name for name, kind in CHANNELS.items() if addresses.get(kind.variable)]


def open_all(addresses: Mapping[str, str]) -> dict[str, Channel]:
    """The channels that the bank has set up, by name; ``addresses`` by the name of their variable. Raises Refused for an address
    that cannot be one."""
    return {
        name: kind.open(addresses[kind.variable]) for name, kind in CHANNELS.items() if addresses.get(kind.variable)
    }
