"""What a gateway's connection carries: segments a second, each answered and with its receipt, through our SMPP and through smpplib
alone, in turns, to the same gateway (npm's smpp).

    python -m bench.gateway [--segments N] [--window W] [--rounds R]
"""

from __future__ import annotations

import argparse
import logging
import os
import socket
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from smpplib.client import Client

from bench.smsc import PASSWORD, USER, Smsc, running

TEXT = "【示例银行】尊敬的客户，感谢您今天的光临，祝您生活愉快。"
SENDER, TO = "95588", "15400000001"


@dataclass(frozen=True)
class Carried:
    """Of one round: segments a second, and microseconds of our own processor a segment."""

    rate: float
    processor: float


def timed(send: Callable[[], None], segments: int) -> Carried:
    begun, spent = time.perf_counter(), time.process_time()
    send()
    return Carried(segments / (time.perf_counter() - begun), 1e6 * (time.process_time() - spent) / segments)


def ours(smsc: Smsc, segments: int, window: int) -> Carried:
    """As the sender does it: numbers, one write for all that the window has room for, one reading, one acknowledgement."""
    from zhike.sms.segments import cut
    from zhike.sms.transports.smpp import open_smpp
    from zhike.sms.transports.transport import Answer, Part

    (one,) = cut(TEXT)
    with closing(open_smpp(smsc.address(f"&window={window}"), lambda: datetime.now(UTC))) as gateway:
        gateway.open()

        def send() -> None:
            sent = answered = told = 0
            while told < segments:
                numbers = gateway.numbers(min(window - (sent - answered), segments - sent))
                gateway.submit([Part(number, "", TO, one.text, one.coding, one.octets) for number in numbers])
                sent += len(numbers)
                events = gateway.events(10)
                gateway.took(events)
                answers = sum(isinstance(event, Answer) for event in events)
                answered += answers
                told += len(events) - answers

        return timed(send, segments)


def smpplib_alone(smsc: Smsc, segments: int, window: int) -> Carried:
    """Its own client, with the same window; without the kernel's waiting for more, which it does not switch off by itself."""
    octets = TEXT.encode("utf-16-be")
    heard = {"answered": 0, "told": 0}

    def count(name: str) -> Callable[..., None]:
        def counts(**_pdu: object) -> None:
            heard[name] += 1

        return counts

    client = Client("127.0.0.1", smsc.port, allow_unknown_opt_params=True)
    client.set_message_sent_handler(count("answered"))
    client.set_message_received_handler(count("told"))
    client.connect()
    client._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.bind_transceiver(system_id=USER, password=PASSWORD)

    def send() -> None:
        sent = 0
        while heard["told"] < segments:
            while sent < segments and sent - heard["answered"] < window:
                client.send_message(
                    source_addr=SENDER, source_addr_ton=0, source_addr_npi=1, destination_addr=TO, dest_addr_ton=0,
                    dest_addr_npi=1, esm_class=0, data_coding=8, short_message=octets, registered_delivery=True,
                )  # fmt: skip
                sent += 1
            client.read_once()

    carried = timed(send, segments)
    client.unbind()
    client.disconnect()
    return carried


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=20_000)
    parser.add_argument("--window", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    os.environ.setdefault("ZHIKE_MODE", "test")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.settings")
    logging.disable(logging.CRITICAL)  # smpplib writes a line for each PDU
    rounds: dict[str, list[Carried]] = {"ours": [], "smpplib alone": []}
    for _ in range(asked.rounds):
        for name, carry in (("ours", ours), ("smpplib alone", smpplib_alone)):
            with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as smsc:
                rounds[name].append(carry(smsc, asked.segments, asked.window))
                smsc.await_("deliver_sm_resp", asked.segments)
    for name, carried in rounds.items():
        rate = statistics.median(one.rate for one in carried)
        processor = statistics.median(one.processor for one in carried)
        print(f"{name:>14}: {rate:8,.0f} segments/s, {processor:6,.0f} µs of processor a segment")


if __name__ == "__main__":
    main()
