"""The pictures in docs/pictures: taken from the demonstration bank on its day. ZHIKE_PICTURES=1 takes them anew."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import ROOT, clone, connected, stepping_into
from zhike.conduct.bank import Bank
from zhike.embedded import Server

from .conftest import PHONE, SHANGHAI, Site, tap

PICTURES = ROOT / "docs/pictures"
NOW = datetime(2026, 2, 16, 14, 56, 20, tzinfo=SHANGHAI)
DESK = {"width": 1280, "height": 740}

pytestmark = pytest.mark.skipif(not os.environ.get("ZHIKE_PICTURES"), reason="pictures are taken when asked for")


@pytest.fixture(scope="module")
def demonstration(
    cluster: Server, template: str, django_db_blocker: Any, chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The demonstration bank with its web server, at the moment of the pictures."""
    from zhike.demo import build

    worker, log = stepping_into("zhike_worker"), tmp_path_factory.mktemp("web") / "web.log"
    with (
        pytest.MonkeyPatch.context() as patch,
        clone(cluster, template) as own,
        django_db_blocker.unblock(),
        connected(own),
    ):
        patch.setenv("ZHIKE_SMS_URL", "demo:")  # as a demonstration has it
        with worker():
            list(build(NOW, size=0.2))
        site = Site(own, chromium, stepping_into("zhike_owner"), worker, log)
        site.at(NOW)
        with site.working():
            yield site
        for context in site.contexts:
            context.close()
        site.stop()


def opened(site: Site, number: str, address: str, size: dict[str, int] = DESK, scheme: str = "light") -> Page:
    from tests.cast import signed_in
    from zhike.people.models import Staff

    with site.owner():
        staff = Staff.objects.get(number=number)
    context = site.context(size, scheme)
    key = signed_in(staff, NOW)
    context.add_cookies([{"name": "zhike_session", "value": key, "url": site.address}])
    page = site.page(context)
    page.goto(site.address + address)
    expect(page.locator("main form, main h2, main table, main .row").filter(visible=True).first).to_be_visible()
    return page


def take(page: Page, name: str) -> None:
    (PICTURES / f"{name}.png").write_bytes(packed(page.screenshot(animations="disabled", caret="hide")))


def packed(picture: bytes) -> bytes:
    """The same picture in a quarter less: letters on flat areas pack better without PNG's row filters. RGB of eight bits."""
    chunks, at = [], 8
    while at < len(picture):
        (length,) = struct.unpack(">I", picture[at : at + 4])
        chunks.append((picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]))
        at += 12 + length
    head = next(body for kind, body in chunks if kind == b"IHDR")
    assert head[8:10] == b"\x08\x02", "as Chromium writes them"
    lines = unfiltered(
        zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT")), int.from_bytes(head[:4], "big") * 3
    )
    data = zlib.compress(b"".join(b"\0" + line for line in lines), 9)
    made = ((b"IHDR", head), (b"IDAT", data), (b"IEND", b""))
    return picture[:8] + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in made
    )


def unfiltered(raw: bytes, width: int) -> Iterator[bytes]:
    """The lines of a picture as its pixels are: what each filter had taken off is put back (PNG, 9)."""
    above = bytes(width)
    for start in range(0, len(raw), width + 1):
        kind, line = raw[start], bytearray(raw[start + 1 : start + 1 + width])
        for x in range(width if kind else 0):
            left, up, corner = (line[x - 3], above[x], above[x - 3]) if x >= 3 else (0, above[x], 0)
            guess = left + up - corner
            nearest = min((left, up, corner), key=lambda each: abs(guess - each))
            line[x] = (line[x] + (0, left, up, (left + up) // 2, nearest)[kind]) & 255
        above = bytes(line)
        yield above


def address_of(site: Site, state: str, kind: str, page: str) -> tuple[str, int]:
    """Where Lin Xiao's next contact in this state and of this kind stands; and whose it is."""
    from zhike.contacts.models import Contact

    with site.owner():
        found = Contact.objects.filter(rm__number="1001", state=state, kind=kind).order_by("planned_for", "pk").last()
        if state == "agreed":
            ahead = Contact.objects.filter(rm__number="1001", state=state, kind=kind, planned_for__gt=NOW)
            found = ahead.order_by("planned_for").first() or found
    assert found, f"the demonstration has no {kind} that is {state}"
    return f"/contacts/{found.pk}/{page}/", found.customer_id


def test_today(demonstration: Site) -> None:
    for name, size, scheme in (("today", DESK, "light"), ("today-dark", DESK, "dark"), ("today-phone", PHONE, "light")):
        take(opened(demonstration, "1001", "/", size, scheme), name)


def test_a_customer_and_the_preparation(demonstration: Site) -> None:
    address, customer = address_of(demonstration, "agreed", "reception", "prepare")
    take(opened(demonstration, "1001", address), "prepare")
    take(opened(demonstration, "1001", f"/customers/{customer}/"), "customer")


def test_a_write_up(demonstration: Site) -> None:
    from zhike.contacts.models import Contact

    with demonstration.owner():
        found = Contact.objects.filter(rm__number="1001", state="ended").order_by("kind").last()
    assert found
    take(opened(demonstration, "1001", f"/contacts/{found.pk}/write-up/", PHONE), "write-up-phone")


def test_a_message(demonstration: Site) -> None:
    """Thanks about to be sent to the customer just met, below what a morning's messages have come to."""
    from zhike.obligations.models import Obligation
    from zhike.sms import inbox
    from zhike.sms.models import Message

    with demonstration.owner():
        thanks = Obligation.objects.filter(
            kind="thanks", state="open", owner__number="1001", channels__contains=["sms"]
        ).latest("opens")
        whom = thanks.customer
        assert whom
        for text, state, at, why in (
            ("您好！您今天 14:05 来行的时间已为您留好，恭候您。", "unknown", timedelta(days=5), {"zh": "连接中断，没有收到网关的应答", "en": ""}),
            ("您好！贵宾室停车位已为您登记。", "delivered", timedelta(hours=5), {}),
        ):  # fmt: skip
            message = Message(
                customer=whom, staff_id=whom.rm_id, by_id=whom.rm_id, kind="service", state=state, why=why, parts=1, created_at=NOW - at,
                not_before=NOW - at, sent_at=NOW - at, done_at=NOW - at,
            )  # fmt: skip
            message.text = f"【澄江银行】{whom.address_as}，{text}"
            message.save()
    with demonstration.worker():
        inbox.keep("demo", _number(whom), "收到，谢谢小林。", "picture", NOW - timedelta(hours=4), Bank())
    for name, size in (("message", DESK), ("message-phone", PHONE)):
        page = opened(demonstration, "1001", f"/messages/{whom.pk}/?for={thanks.pk}", size)
        expect(page.locator("#body")).not_to_have_value("")
        take(page, name)


def _number(customer: Any) -> str:
    from zhike.sms.gate import addressees

    return addressees([customer.pk], NOW, Bank())[customer.pk].number


def test_a_reminder_on_another_page(demonstration: Site) -> None:
    page = opened(demonstration, "1001", "/customers/")
    expect(page.get_by_role("region", name="提醒")).to_contain_text("回电", timeout=60_000)
    take(page, "reminder")


@pytest.mark.parametrize(
    ("name", "number", "address"),
    [
        ("schedule", "1001", "/schedule/"),
        ("code", "1001", "/code/"),
        ("settings", "1090", "/settings/"),
        ("reminders", "1001", "/reminders/"),
        ("adherence", "1010", "/team/adherence/"),
        ("greetings", "1001", "/messages/greetings/"),
        ("greeting", "1001", "/messages/greetings/spring_festival:2026/?tier=platinum"),
        ("templates", "1001", "/messages/templates/"),
        ("promises", "1001", "/work/promises/"),
        ("meeting-evening", "1010", "/work/plans/evening/"),
        ("outings-board", "1010", "/work/outings/board/"),
        ("structure", "1010", "/customers/structure/"),
        ("prospects", "1001", "/market/prospects/"),
        ("funnel", "1010", "/market/prospects/funnel/"),
        ("notes", "1001", "/market/notes/"),
        ("satisfaction", "1010", "/team/satisfaction/"),
    ],
)
def test_other_places(demonstration: Site, name: str, number: str, address: str) -> None:
    take(opened(demonstration, number, address), name)


def test_a_plan(demonstration: Site) -> None:
    """Lin Xiao's of the day, at the desk and on the phone."""
    from zhike.work.models import Plan

    with demonstration.owner():
        plan = Plan.objects.filter(staff__number="1001", period="day", first_day=NOW.date()).get()
    for name, size in (("plan", DESK), ("plan-phone", PHONE)):
        take(opened(demonstration, "1001", f"/work/plans/{plan.pk}/", size), name)


def test_campaigns(demonstration: Site) -> None:
    """The one that runs: not begun in Lin Xiao's book, who is about to forward it with a line of her own; marketing's board of it."""
    from zhike.sms.models import Campaign

    with demonstration.owner():
        here = f"/messages/campaigns/{Campaign.objects.get().key}/"
    take(opened(demonstration, "1001", "/messages/campaigns/"), "campaigns")
    asked = f"{here}?{urlencode({'to': '*', 'line': '上次您问起的短期产品来了'})}"
    for name, size in (("campaign", DESK), ("campaign-phone", PHONE)):
        page = opened(demonstration, "1001", asked, size)
        page.locator("#plan .button").first.scroll_into_view_if_needed()
        take(page, name)
    take(opened(demonstration, "1050", here), "campaign-board")


def test_an_import(demonstration: Site) -> None:
    from zhike.customers.models import Run

    with demonstration.owner():
        run = Run.objects.select_related("by").latest("pk")
    take(opened(demonstration, run.by.number, f"/customers/import/{run.pk}/"), "import")


def test_a_call(demonstration: Site) -> None:
    page = opened(demonstration, "1001", "/")
    page.get_by_role("button", name="回电").first.click()
    page.wait_for_url("**/talk/**")
    tap(page, "outcome", "busy")
    take(page, "call")
