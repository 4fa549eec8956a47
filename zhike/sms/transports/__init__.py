"""The transports (网关): one file each, entered here. A newcomer copies a sibling."""

from __future__ import annotations

from . import cmpp, demo, file, http, smpp
from .transport import Answer, Kind, Lost, Part, Receipt, Reply, Transport, Unbound

__all__ = ["KINDS", "Answer", "Kind", "Lost", "Part", "Receipt", "Reply", "Transport", "Unbound"]

KINDS: tuple[Kind, ...] = (cmpp.KIND, smpp.KIND, http.KIND, file.KIND, demo.KIND)
