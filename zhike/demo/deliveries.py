"""Papers on their way to customers: some received and signed for, one handed to a colleague, one that came back, some still to carry."""

from __future__ import annotations

import struct
import zlib
from datetime import datetime, time, timedelta
from typing import Any

from zhike.conduct.bank import Bank as Rules
from zhike.customers.models import Customer
from zhike.demo.bank import Bank
from zhike.people.actor import acting
from zhike.work import deliveries
from zhike.work.models import Delivery

# Who, which of their customers, what; entered and due so many days from today; how it went, so many days from today.
PAPERS = (
    ("1001", 0, "一季度结息凭证", -9, -6, "signed", -7),
    ("1001", 1, "房贷还款计划表", -8, -5, "typed", -5),
    ("1001", 2, "理财产品协议（客户联）", -6, -3, "signed", -2),
    ("1001", 3, "季度对账单", -2, 1, "nobody", -1),
    ("1001", 4, "贵金属结算单据", -1, 1, "", 0),
    ("1001", 5, "大额存单权利凭证", -1, 3, "handed", 0),
    ("1002", 0, "保险保单正本", -4, -1, "signed", -2),
    ("1002", 1, "贵金属提货单", -1, 2, "", 0),
)
TO = "1002"


def carry(bank: Bank, now: datetime, rules: Rules) -> None:
    """Entered at 9:20, received in the afternoon."""
    today = now.astimezone(rules.zone).date()

    def at(days: int, hour: int, minute: int = 0) -> datetime:
        return min(datetime.combine(today + timedelta(days=days), time(hour, minute), rules.zone), now)

    for number, place, what, begun, due, went, when in PAPERS:
        rm = bank.staff[number]
        customer = Customer.objects.filter(rm=rm, deceased_on=None, closed_on=None).order_by("-assets", "id")[place]
        entered = at(begun, 9, 20)
        limit = datetime.combine(today + timedelta(days=due), time(17), rules.zone)
        with acting(rm.pk, entered) as actor:
            row = deliveries.enter(customer.pk, what, limit, actor=actor, now=entered, bank=rules)
        moment = at(when, 15, 10)
        with acting(rm.pk, moment) as actor:
            verb: dict[str, Any] = {"actor": actor, "now": moment, "bank": rules}
            held = Delivery.objects.get(pk=row.pk)
            match went:
                case "signed":
                    deliveries.deliver(held, customer.name, how="signed", picture=_signature(row.pk), **verb)
                case "typed":
                    deliveries.deliver(held, customer.name, how="typed", confirmed=True, **verb)
                case "nobody":
                    deliveries.come_back(held, "nobody", "家中无人，电话约了改期", limit + timedelta(days=1), **verb)
                case "handed":
                    deliveries.hand_on(held, bank.staff[TO].pk, **verb)


def _signature(n: int) -> bytes:
    """A line that goes up and down, black on white, as a PNG."""
    width, height = 320, 120
    lines = [bytearray(b"\xff" * width) for _ in range(height)]
    y = 60
    for x in range(30, 290):
        step = ((x * (7 + n % 5)) // 19) % 9 - 4
        y = min(height - 12, max(12, y + step))
        for dy in range(3):
            lines[y + dy][x] = lines[y + dy][x + 1] = 0
    raw = b"".join(b"\0" + bytes(line) for line in lines)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
