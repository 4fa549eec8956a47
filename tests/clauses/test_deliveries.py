"""单据送达 · W8: what is to be carried is owed by its date, goes from hand to hand, and is received with a signature that is filed."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.files import PNG
from zhike.documents.models import Document
from zhike.obligations.models import Obligation

from .door import Door, Refused
from .moments import moment, shown
from .test_measured import measured

pytestmark = pytest.mark.django_db
SIGNED = {"how": "signed", "picture": base64.b64encode(PNG).decode()}


def entered(door: Door, due: str, what: str = "结息凭证", at: str = "09:00") -> Any:
    body = {"customer": str(door.customer(met=True).pk), "what": what, "due": moment(due)}
    return door.send("post", "deliveries", body, moment(at))


def step(door: Door, delivery: Any, verb: str, at: str, who: str = "rm", **more: Any) -> Any:
    return door.send("post", f"deliveries/{delivery['id']}/{verb}", more, moment(at), who)


def owing(door: Door, delivery: Any) -> Obligation:
    with door.owner():
        (row,) = Obligation.objects.filter(subject=f"delivery:{delivery['id']}").select_related("owner")
    assert (row.clause, row.kind, row.force, row.origin) == ("W8", "delivery", "should", "bank")
    return row


@pytest.mark.clause("W8", "RECORD")
def test_w8_record(door: Door) -> None:
    """Nobody met, handed on, received with the receiver's signature: the signature is a document of the customer, each hand is kept."""
    delivery = entered(door, "2026-03-03 17:00")
    owed = owing(door, delivery)
    assert (owed.what["zh"], shown(owed.due), owed.owner.name) == (
        f"送达 {delivery['recipient']}：结息凭证", "2026-03-03 17:00", "林晓",
    )  # fmt: skip
    step(door, delivery, "return", "15:00", kind="nobody", words="家中无人", due=moment("2026-03-04 12:00"))
    assert shown(owing(door, delivery).due) == "2026-03-04 12:00"
    step(door, delivery, "offer", "16:00", to=str(door.cast.mate.pk))
    assert owing(door, delivery).owner.name == "林晓", "until it is accepted"
    step(door, delivery, "acceptance", "16:10", "mate")
    assert owing(door, delivery).owner.name == "陈彤"
    with pytest.raises(Refused, match="422"):
        step(door, delivery, "receipt", "2026-03-04 12:00", "mate", received_by="王芳", how="signed")
    over = step(door, delivery, "receipt", "2026-03-04 12:00", "mate", received_by="王芳", **SIGNED)
    assert (over["state"], over["late"], over["received_by"]) == ("delivered", False, "王芳")
    assert [(each["kind"], each["by"]["name"], each["words"]) for each in over["handlings"]] == [
        ("taken", "林晓", ""), ("nobody", "林晓", "家中无人"), ("taken", "陈彤", ""),
    ]  # fmt: skip
    done = owing(door, delivery)
    assert (done.state, done.evidence["how"], done.evidence["words"], done.evidence["late"]) == (
        "done", "signed", "王芳", False,
    )  # fmt: skip
    with door.owner():
        filed = Document.objects.select_related("business", "kind").get(pk=over["receipt"])
        assert (str(filed.customer_id), filed.business.key, filed.kind.key, filed.versions.get().format) == (
            delivery["customer"], "delivery", "receipt", "png",
        )  # fmt: skip


@pytest.mark.clause("W8", "RECORD")
def test_w8_called_off_owes_nothing(door: Door) -> None:
    delivery = entered(door, "17:00")
    step(door, delivery, "cancellation", "10:00", why="客户改用电子回单")
    assert owing(door, delivery).state == "withdrawn"
    with pytest.raises(Refused, match="409"):
        step(door, delivery, "receipt", "11:00", received_by="王芳", how="typed", confirmed=True)


@pytest.mark.clause("W8", "MEASURE")
def test_w8_measure(door: Door) -> None:
    """Five due on Monday: two received in time, 17:00 itself among them, one a minute late, one not at all, one called off; a sixth is due
    on Friday. Of the four that count two were in time."""
    for at in ("10:00", "17:00", "17:01"):
        step(door, entered(door, "17:00"), "receipt", at, received_by="王芳", how="typed", confirmed=True)
    entered(door, "17:00")
    step(door, entered(door, "17:00"), "cancellation", "10:00", why="作废")
    entered(door, "2026-03-06 17:00")
    kept, rate = measured(door, "W8", origin="bank")
    assert (kept["in_time"], kept["late"], kept["overdue"], rate) == (2, 1, 1, 0.5)
