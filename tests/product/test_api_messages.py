"""Messages, greetings and templates through the JSON edge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.cast import Cast
from tests.gateway import Gateway, nothing
from tests.product.api import NOW, Program
from tests.product.test_greetings import book
from tests.product.test_messages import Line
from zhike import clock
from zhike.customers.models import Customer
from zhike.sms.models import Message, Wording

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
ANSWER = "您要的利率已查到，明天给您电话。"
assert book


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


@pytest.fixture
def program(cast: Cast, worker: Role) -> Callable[[str], Program]:
    """A program with a colleague's token."""

    def of(who: str) -> Program:
        with worker():
            return Program(cast, who)

    return of


@pytest.fixture
def rm(program: Callable[[str], Program], book: list[Customer]) -> Program:
    return program("rm")


def said(book: list[Customer], n: int = 0, **more: Any) -> dict[str, Any]:
    return {"customer": str(book[n].pk), "kind": "answer", "text": ANSWER, **more}


@pytest.mark.clause("S1", "RECORD")
def test_a_message_is_sent_once_whatever_is_sent_again(rm: Program, book: list[Customer], worker: Role) -> None:
    key = {"Idempotency-Key": "answer-1"}
    sent = rm.post("messages", said(book), status=201, **key)
    again = rm.post("messages", said(book), status=201, **key)
    assert (again["id"], sent["state"], sent["text"]) == (sent["id"], "queued", ANSWER)
    line = Line(worker, Gateway())
    line.rounds()
    assert line.gateway.texts() == [f"【总行】{ANSWER}"]
    found = rm.get(f"messages/{sent['id']}")
    (segment,) = found["segments"]
    assert (found["state"], found["parts"], segment["state"], segment["code"]) == (
        "delivered",
        1,
        "delivered",
        "DELIVRD",
    )


def test_the_newest_come_first_page_by_page(rm: Program, book: list[Customer]) -> None:
    ids = [rm.post("messages", said(book, n % 2))["id"] for n in range(3)]
    first = rm.get("messages?limit=2")
    rest = rm.get(f"messages?limit=2&cursor={first['next']}")
    assert [each["id"] for each in first["items"] + rest["items"]] == ids[::-1]
    assert [each["id"] for each in rm.get(f"messages?customer={book[1].pk}")["items"]] == [ids[1]]
    assert rm.get("messages?state=delivered")["items"] == []


@pytest.mark.clause("S5", "GUARD")
def test_what_sells_leaves_as_a_campaign_alone(rm: Program, book: list[Customer]) -> None:
    """Whether a product suits is checked where the product is named: free words to one customer name none."""
    refused = rm.post("messages", said(book, kind="marketing"), status=422)
    assert "营销转发" in refused["detail"]
    assert not Message.objects.exists()


@pytest.mark.clause("S5", "GUARD")
def test_what_the_gate_refuses_is_a_problem_with_its_clause_and_is_kept(
    rm: Program, cast: Cast, book: list[Customer]
) -> None:
    """The second customer has not agreed to greetings: law (S5)."""
    refused = rm.post("messages", said(book, 1, kind="greeting"), status=422, **{"Idempotency-Key": "greet-1"})
    assert (refused["type"], refused["clause"]) == ("urn:zhike:problem:blocked", "S5")
    assert "同意" in refused["detail"]
    kept = rm.get(f"messages/{refused['message']}")
    assert (kept["state"], kept["why"]["clause"], kept["why"]["name"]) == ("refused", "S5", "no_consent")
    asked_again = rm.post("messages", said(book, 1, kind="greeting"), status=422, **{"Idempotency-Key": "greet-1"})
    assert asked_again["clause"] == "S5", "judged anew, not answered from memory"


@pytest.mark.clause("S5", "GUARD")
def test_forbidden_words_are_refused_at_their_field(rm: Program, book: list[Customer]) -> None:
    refused = rm.post("messages", said(book, text="这款产品保本保息，您放心。", kind="service"), status=422)
    assert (refused["clause"], refused["errors"][0]["field"]) == ("S5", "text")
    empty = rm.post("messages", said(book, text=" "), status=422)
    assert "没有内容" in empty["detail"]


def test_a_wording_says_it_filled_in(rm: Program, book: list[Customer]) -> None:
    (words,) = [
        each for each in rm.get("templates?kind=greeting")["items"] if each["occasion"] == "festival:dragon_boat"
    ]
    assert (words["version"], words["owner"]) == (1, None)
    sent = rm.post("messages", {"customer": str(book[0].pk), "kind": "greeting", "wording": words["wording"]})
    assert sent["text"].startswith(f"{book[0].address_as}，端午安康！")
    assert rm.post("messages", said(book, wording="99999"), status=422)["errors"][0]["field"] == "wording"


def test_taken_back_it_is_a_draft_and_a_second_time_it_is_too_late(rm: Program, book: list[Customer]) -> None:
    id = rm.post("messages", said(book))["id"]
    assert rm.post(f"messages/{id}/withdrawal")["state"] == "drafted"
    assert rm.post(f"messages/{id}/withdrawal", status=409)["type"] == "urn:zhike:problem:wrong-state"


def test_of_an_unknown_one_a_person_says_what_became_of_it_or_has_it_sent_again(
    rm: Program, cast: Cast, book: list[Customer], worker: Role
) -> None:
    line = Line(worker, Gateway(answers=nothing))
    ids = [rm.post("messages", said(book, n))["id"] for n in (0, 1)]
    line.rounds()
    line.tick(NOW + timedelta(minutes=2))
    assert {rm.get(f"messages/{id}")["state"] for id in ids} == {"unknown"}
    assert "凭什么" in rm.post(f"messages/{ids[0]}/settlement", {"arrived": True, "evidence": ""}, status=422)["detail"]
    settled = rm.post(f"messages/{ids[0]}/settlement", {"arrived": True, "evidence": "客户说收到了"})
    assert (settled["state"], "客户说收到了" in settled["why"]["words"]) == ("delivered", True)
    again = rm.post(f"messages/{ids[1]}/resending")
    assert (again["state"], again["attempt"]) == ("queued", 2)


def test_nobody_else_reads_or_moves_them(rm: Program, program: Callable[[str], Program], book: list[Customer]) -> None:
    id = rm.post("messages", said(book))["id"]
    mate = program("mate")
    assert mate.get("messages")["items"] == []
    assert mate.send("get", f"messages/{id}").status_code == 404
    assert mate.send("post", f"messages/{id}/withdrawal").status_code == 404
    assert mate.send("post", "messages", said(book)).status_code == 404
    watching = program("compliance")
    assert watching.get(f"messages/{id}")["state"] == "queued"
    assert watching.send("post", f"messages/{id}/withdrawal").status_code == 403


def test_a_festival_is_arranged_withdrawn_and_left_out(rm: Program, book: list[Customer]) -> None:
    first = rm.get("greetings")["items"][0]
    assert (first["occasion"], first["day"], first["lunar"], first["late"]) == (
        "dragon_boat:2026",
        "2026-06-19",
        "五月初五",
        False,
    )
    assert first["counts"] == {
        "arranged": 0, "open": 4, "in_person": 0, "no_consent": 1, "no_mobile": 0, "stopped": 1, "left_out": 0,
    }  # fmt: skip
    here = "greetings/dragon_boat:2026"
    wording = rm.get(here)["wordings"][0]
    asked = {"tiers": ["platinum"], "wording": wording}
    assert "现在是 2 人" in rm.post(f"{here}/arrangements", {**asked, "expected": 5}, status=422)["detail"]
    made = rm.post(f"{here}/arrangements", {**asked, "expected": 2}, status=201)
    assert (made["messages"], datetime.fromisoformat(made["sent_from"])) == (
        2,
        datetime.fromisoformat("2026-06-19T09:00+08:00"),
    )
    assert [each["id"] for each in rm.get(f"{here}/customers?stands=arranged")["items"]] == [
        str(book[0].pk),
        str(book[3].pk),
    ]
    assert rm.post(f"{here}/exclusions", {"tiers": ["regular"], "reason": "当面问候"})["left_out"] == 1
    (out,) = rm.get(f"{here}/customers?stands=left_out")["items"]
    assert rm.post(f"{here}/exclusions/withdrawal", {"customers": [out["id"]]})["brought_back"] == 1
    assert (
        "现在是 1 人"
        in rm.post(f"{here}/exclusions", {"tiers": ["regular"], "reason": "当面问候", "expected": 2}, status=422)[
            "detail"
        ]
    )
    assert rm.post(f"{here}/exclusions", {"tiers": ["regular"], "reason": "当面问候", "expected": 1})["left_out"] == 1
    assert rm.post(f"{here}/arrangements/{made['id']}/withdrawal")["withdrawn"] == 2
    assert rm.get(here)["counts"]["open"] == 3
    assert (
        rm.post(f"{here}/arrangements", {"tiers": [], "wording": wording}, status=422)["errors"][0]["field"] == "tiers"
    )
    assert rm.send("get", "greetings/qixi:2026").status_code == 404, "the bank does not greet it"


def test_a_book_that_one_does_not_see_is_none(
    cast: Cast, program: Callable[[str], Program], book: list[Customer]
) -> None:
    mate = program("mate")
    assert mate.send("get", f"greetings?staff={cast.rm.pk}").status_code == 404
    wording = str(Wording.objects.get(template__key="dragon_boat").pk)
    body = {"tiers": ["platinum"], "wording": wording, "staff": str(cast.rm.pk)}
    assert mate.send("post", "greetings/dragon_boat:2026/arrangements", body).status_code == 404
    assert program("leader").post("greetings/dragon_boat:2026/arrangements", body)["messages"] == 2
    with cast.acting("rm", NOW):
        assert Message.objects.count() == 2
