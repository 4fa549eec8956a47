"""The access walk: every route and API operation, for every role, on own, a team-mate's and a stranger's rows.

Nothing here is listed by hand but what a route's parameters stand for: a new route is walked from the day it exists, and
fails if it states no policy or takes a parameter that nobody has told the walk about. Each answer is searched for the
names of customers out of sight, so search, counts, exports, autocompletion and error messages are walked with the rest.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.cast import CUSTOMERS, STAFF, Cast
from tests.conftest import ROOT
from zhike import clock
from zhike.contacts.models import Contact, Demand
from zhike.customers.models import Customer, Need, Relation, Run
from zhike.customers.vault import vault
from zhike.documents import store
from zhike.documents.models import Document, Label, Text, Version
from zhike.market.models import Brief, Prospect, Routing
from zhike.market.models import Note as MarketNote
from zhike.obligations.models import Fact, Obligation
from zhike.pages.middleware import paths_behind, stated_policy
from zhike.pages.shell import LEADS
from zhike.people.approvals import KINDS
from zhike.people.models import Approval, Leave, Post, Staff, Token
from zhike.people.permissions import MAY, PUBLIC, SIGNED_IN
from zhike.sms.models import Campaign, Forwarding, Greeting, Message, Pushed, Reply, Template, Wording
from zhike.work.models import Assignment, Delivery, Help, Outing, Plan, Stop

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 16, 2, tzinfo=UTC)

SEES = {
    "rm": {"rm"},
    "mate": {"mate"},
    "stranger": {"stranger"},
    "leader": {"rm", "mate", "century"},
    "other_leader": {"stranger", "lujiazui"},
    "branch_leader": set(CUSTOMERS),
    "marketing": set(),
    "compliance": set(CUSTOMERS),
    "risk": set(CUSTOMERS),
    "auditor": set(CUSTOMERS),
    "administrator": set(),
}
WHOSE = ("rm", "mate", "stranger")
# The last part of a name that nobody can have typed: what a query echoes is not a leak.
TELLTALE = {name: name[-2:] if len(name) < 5 else name[2:6] for names in CUSTOMERS.values() for name in names}
NOT_TOLD = {400, 404, 405, 409, 415, 422, 428}  # of 409: only where the route's own row is in sight


@dataclass
class Rows:
    """What belongs to one of the RMs, by the name of the parameter that stands for it."""

    values: dict[str, dict[str, Any]] = field(default_factory=dict)

    def of(self, whose: str, name: str, noun: str) -> Any:
        values = self.values[whose]
        return values[noun] if name == "id" else values[name]


# API nouns whose {id} is a row of an RM; parameters that stand for a row of an RM.
NOUNS = {
    "contacts": "contact",
    "appointments": "contact",
    "obligations": "obligation",
    "promises": "obligation",
    "assignments": "assignment",
    "customers": "customer",
    "demands": "demand",
    "needs": "need",
    "approvals": "approval",
    "leaves": "leave",
    "outings": "outing",
    "deliveries": "delivery",
    "work-plans": "plan",
    "staff": "staff",
    "units": "unit",
    "clauses": "clause",
    "messages": "message",
    "templates": "template",
    "prospects": "prospect",
    "documents": "document",
}
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\{(\w+)\}")
OF_AN_RM = {
    "assignment",
    "customer",
    "contact",
    "obligation",
    "need",
    "relation",
    "leave",
    "demand",
    "message",
    "reply",
    "arrangement",
    "forwarding",
    "template",
    "outing",
    "delivery",
    "plan",
    "comment",
    "stop",
    "help",
    "prospect",
    "document",
}
# Who is asked to stand in for whom, so that nobody sees a leave who does not see the RM as well.
STANDS_IN = {"rm": "leader", "mate": "leader", "stranger": "other_leader"}


@dataclass(frozen=True)
class Route:
    """One address in one method."""

    path: str
    method: str
    policy: str | None
    api: bool

    @property
    def parameters(self) -> set[str]:
        return {self.noun if "id" in found else found[0] or found[1] for found in PARAMETER.findall(self.path)}

    @property
    def noun(self) -> str:
        match = re.match(r"api/v1/([\w-]+)", self.path)
        return NOUNS.get(match[1], match[1]) if match else ""

    def about(self, rows: Rows, whose: str) -> str:
        def value(match: re.Match[str]) -> str:
            return str(rows.of(whose, match[1] or match[2], self.noun))

        return "/" + PARAMETER.sub(value, self.path)

    def __str__(self) -> str:
        return f"{self.method} /{self.path}"


def routes() -> list[Route]:
    """Every URL pattern, each API operation by itself."""
    found: dict[tuple[str, str], Route] = {}
    for path, view in _patterns(get_resolver().url_patterns, ""):
        api = path.startswith("api/")
        paths = paths_behind(view)
        methods = [m for op in paths.operations for m in op.methods] if paths else ["GET", "POST"]
        for method in methods:
            found.setdefault((path, method), Route(path, method, stated_policy(view, method), api))
    return list(found.values())


def _patterns(patterns: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern.url_patterns, path)
        else:
            assert isinstance(pattern, URLPattern)
            yield path, pattern.callback


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


@pytest.fixture
def rows(cast: Cast, owner: Role) -> Rows:
    """A contact, an obligation and a need of each RM; what stands for the other parameters."""
    made = Rows()
    with owner():
        asked = Approval.objects.create(
            kind="people.setting",
            subject="setting:idle_minutes",
            payload={"name": "idle_minutes", "value": 20, "from_day": "2026-04-01"},
            digest="0" * 64,
            asked_by=cast.second_administrator,
            asked_at=NOW,
            reason="口径",
        )
        token = Token.objects.create(
            staff=cast.second_administrator, hash="0" * 64, created_at=NOW, expires_at=NOW + timedelta(days=1)
        )
        words = Template.objects.create(key="walk", kind="marketing", title={"zh": "活动", "en": "campaign"})
        campaign = Campaign.objects.create(
            title="月月盈", product="月月盈", risk="R2", tiers=["gold"], kinds=["person"], unit=cast.units["branch"],
            wording=Wording.objects.create(template=words, number=1, text="{称谓}，您好", at=NOW), approval=asked,
            deadline=NOW + timedelta(days=3), ends_at=NOW + timedelta(days=9), by=cast.marketing, started_at=NOW,
        )  # fmt: skip
        run = Run.objects.create(name="customers.csv", at=NOW, by=cast.second_administrator, state="done")
        pushed = Pushed.on("replies", "/etc/zhike/platform.toml", b"T", NOW)
        pushed.aside = True
        pushed.save()
        for whose in WHOSE:
            made.values[whose] = {
                **_rows_of(cast, whose),
                "campaign": campaign.key,
                "forwarding": Forwarding.objects.create(
                    campaign=campaign,
                    staff=cast.staff[whose],
                    line=cast.customers[whose][0].name,
                    by=cast.staff[whose],
                    at=NOW,
                ).key,
                "approval": asked.pk,
                "run": run.pk,
                "pushed": pushed.pk,
                "unit": cast.units["century"].pk,
                "staff": cast.staff[whose].pk,
                "post": cast.staff[whose].posts.get().pk,
                "token": token.pk,
                "name": "idle_minutes",
                "occasion": "dragon_boat:2026",
                "field": "mobile",
                "kind": "call",
                "clause": "R12",
                "card": "reception",
                **_passed(cast, whose),
                "rest": "nowhere",
                "why": "complaint",
                "number": 1,
                "secret": "of nobody",
            }
    return made


def _rows_of(cast: Cast, whose: str) -> dict[str, Any]:
    customer, rm = cast.customers[whose][0], cast.staff[whose]
    contact = Contact.objects.create(
        kind="call", state="agreed", customer=customer, rm=rm, held_by=rm, by=rm, purpose="care", told_customer=True,
        planned_for=NOW + timedelta(hours=1), place="支行", created_at=NOW,
    )  # fmt: skip
    fact = Fact.objects.create(
        kind="promise_made", data={"words": "回复"}, at=NOW, known_at=NOW, staff=rm, by=rm, customer=customer
    )
    obligation = Obligation.objects.create(
        fact=fact, clause="W11", clause_from=date(2020, 1, 1), kind="promise", force="must", owner=rm, customer=customer,
        what={"zh": "答复客户", "en": "answer"}, why={"zh": "承诺", "en": "promised"},
        opens=NOW, due=NOW + timedelta(days=1), created_at=NOW, key=f"walk:{whose}",
    )  # fmt: skip
    need = Need.objects.create(customer=customer, kind="loan", words="房贷", opened_at=NOW, by=rm)
    demand = Demand.objects.create(contact=contact, customer=customer, number=1, words="换卡", at=NOW)
    relation = Relation.objects.create(customer=customer, kind="spouse", other=cast.customers[whose][1], at=NOW)
    message = Message(
        customer=customer,
        staff=rm,
        by=rm,
        kind="service",
        state="waiting",
        why={"name": "lost", "zh": "断开", "en": "lost"},
        created_at=NOW,
        not_before=NOW,
    )
    message.text = f"{customer.name}，您好"
    message.save()
    reply = Reply(customer=customer, gateway="demo", sender_index=b"", stops="ask", at=NOW)
    reply.text = f"我是{customer.name}，不要退订"
    reply.sender = vault().seal("13800000000", f"sms_reply:sender:{reply.key}")
    reply.save()
    leave = Leave.objects.create(
        staff=rm, from_day=date(2026, 3, 23), to_day=date(2026, 3, 25), stand_in=cast.staff[STANDS_IN[whose]],
        asked_by=rm, asked_at=NOW,
    )  # fmt: skip
    outing = Outing.objects.create(
        staff=rm,
        state="out",
        reported_at=NOW,
        departs_at=NOW,
        left_at=NOW,
        returns_at=NOW + timedelta(hours=2),
        note=customer.name,
    )
    stop = Stop.objects.create(outing=outing, number=1, customer=customer, purpose=customer.name)
    asked = Help.objects.create(
        outing=outing,
        staff=rm,
        leader=cast.staff[STANDS_IN[whose]],
        words=customer.name,
        asked_at=NOW,
        due=NOW + timedelta(minutes=30),
    )
    template = Template.objects.create(
        key=f"walk:{whose}", kind="greeting", owner=rm, title={"zh": customer.name, "en": customer.name}
    )
    words = Wording.objects.create(template=template, number=1, text=f"{customer.name}，节日好！", at=NOW)
    greeting = Greeting.objects.create(
        occasion="dragon_boat:2026", day=date(2026, 6, 19), staff=rm, tiers=["gold"], wording=words, sent_from=NOW, by=rm, at=NOW
    )  # fmt: skip
    assignment = Assignment.objects.create(
        by=cast.staff[STANDS_IN[whose]], staff=rm, what=f"走访{customer.name}", counts_as_done="纪要", due=NOW + timedelta(days=2), given_at=NOW
    )  # fmt: skip
    prospect = Prospect.objects.create(
        name=customer.name, source="fair", rm=rm, since=NOW, unit=customer.unit, by=rm, at=NOW, employer=customer.name
    )
    prospect.seal("mobile", "13911112222")
    prospect.save()
    prospect.events.create(what="entered", stage="new", rm=rm, by=rm, at=NOW, known_at=NOW, words=customer.name)
    document = _filed(customer, rm)
    delivery = Delivery.objects.create(
        customer=customer, recipient=customer.name, what=f"{customer.name}的凭证", due=NOW + timedelta(days=1), by=rm, made_at=NOW, holder=rm
    )  # fmt: skip
    delivery.handlings.create(kind="taken", by=rm, at=NOW)
    plan = Plan.objects.create(staff=rm, period="day", first_day=NOW.date(), fixed_at=NOW)
    plan.lines.create(place=0, about=obligation.key, obligation=obligation)
    plan.lines.create(place=1, about=contact.subject)
    said = plan.comments.create(by=cast.staff[STANDS_IN[whose]], at=NOW, words=f"先约{customer.name}")
    return {
        "plan": plan.pk, "comment": said.pk,
        "assignment": assignment.pk, "prospect": prospect.pk, "document": document.pk, "delivery": delivery.pk,
        "template": template.pk, "arrangement": greeting.key,
        "customer": customer.pk, "contact": contact.pk, "obligation": obligation.pk, "need": need.pk, "relation": relation.pk,
        "demand": demand.pk, "message": message.pk, "reply": reply.pk,
        "leave": leave.pk, "outing": outing.pk, "stop": stop.pk, "help": asked.pk,
    }  # fmt: skip


def _passed(cast: Cast, whose: str) -> dict[str, Any]:
    """A note about a customer, a brief of it, passed to the RM's leader: they are read by others too, the customer's name is not."""
    customer, rm = cast.customers[whose][0], cast.staff[whose]
    about = {"by": rm, "unit": customer.unit, "at": NOW}
    note = MarketNote.objects.create(
        kind="need",
        text="想换短期",
        source="customer",
        seen_on=date(2026, 3, 16),
        customer=customer,
        grams=["短期"],
        **about,
    )
    brief = Brief.objects.create(title="短期", text="都想换短期", for_bank="备货", **about)
    brief.worked.create(note=note)
    routing = Routing.objects.create(note=note, to=cast.staff[STANDS_IN[whose]], **about)
    return {"note": note.pk, "brief": brief.pk, "routing": routing.pk}


def _filed(customer: Customer, rm: Staff) -> Document:
    """A document whose title, name and text all name the customer."""
    labels = {label.sort: label for label in Label.objects.filter(key__in=["account", "agreement"])}
    said = f"{customer.name}的开户协议"
    document = Document.objects.create(
        customer=customer, unit=customer.unit, keeper=0, business=labels["business"], kind=labels["kind"], title=said, dated=NOW.date(),
        by=rm, at=NOW, counts_from=NOW.date(), years=10,
    )  # fmt: skip
    text = Text(document=document, keeper=0)
    text.say(said, f"{said}.txt", said)
    text.save()
    blob = store.keep(BytesIO(said.encode()), NOW)
    Version.objects.create(
        document=document, number=1, name=f"{said}.txt", format="txt", size=blob.size, sha256=blob.sha256, by=rm, at=NOW
    )
    return document


def ask(browser: Client, route: Route, address: str, body: dict[str, Any] | None = None) -> HttpResponse:
    """The answer, with whatever it did undone, in the database and in the browser."""
    cookies = browser.cookies.output(header="")
    with transaction.atomic():
        if route.api and route.method != "GET":
            answer = browser.generic(route.method, address, json.dumps(body or {}), "application/json")
        elif route.method == "POST":
            answer = browser.post(address, body or {})
        else:
            answer = browser.generic(route.method, address)
        answer.written = written()  # type: ignore[attr-defined]
        transaction.set_rollback(True)
    browser.cookies.clear()
    browser.cookies.load(cookies)
    return answer  # type: ignore[return-value]


def written() -> set[int | None]:
    """Whose rows the trail says were touched in this transaction, beyond row-level security. A new customer stands for whose it became."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE zhike_owner")
        cursor.execute(
            "SELECT DISTINCT coalesce((SELECT min(o.id) FROM customers_customer c JOIN customers_customer o ON o.keeper = c.keeper"
            " WHERE c.id = e.customer_id AND c.created_at >= %s), e.customer_id)"
            " FROM trail_entry e WHERE e.action IN ('insert', 'update', 'delete')",
            [NOW],
        )
        touched = {row[0] for row in cursor.fetchall()}
        cursor.execute("SET LOCAL ROLE zhike_app")
    return touched


def allowed(who: str, stated: str | None) -> bool:
    return stated in (PUBLIC, SIGNED_IN) or STAFF[who][2] in MAY[stated or ""]


def leaks(cast: Cast, who: str, answer: HttpResponse, sees: set[str] | None = None) -> list[str]:
    """Names of customers out of sight in the answer."""
    sees = SEES[who] if sees is None else sees
    content = b"".join(answer) if answer.streaming else answer.content
    text = content.decode(errors="replace") + str(answer.headers)
    text = re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), text)
    return [name for whose, names in CUSTOMERS.items() if whose not in sees for name in names if TELLTALE[name] in text]


def test_every_route_states_its_policy() -> None:
    unstated = [str(route) for route in routes() if route.policy is None]
    assert not unstated
    assert len(routes()) > 80


def test_every_capability_opens_something() -> None:
    """A route, a verb, what two persons decide, a place of the rail: a line of the table that nothing asks for says what is not so."""
    stated = {route.policy for route in routes()}
    kinds = {capability for kind in KINDS.values() for capability in (kind.ask, kind.decide)}
    asked = set()
    for path in ROOT.glob("zhike/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in {"check", "may", "Refused"}:
                asked |= {each.value for each in node.args if isinstance(each, ast.Constant)}
    assert set(MAY) - stated - kinds - asked - set(LEADS.values()) == set()


def test_what_is_public_is_known() -> None:
    """A route that becomes public must be put here too, by whoever reviews it."""
    public = {route.path for route in routes() if route.policy == PUBLIC}
    assert public == {
        "sign-in/", "sign-in/code/", "sign-in/closed/", "sign-out/", "healthz", "readyz", "metrics",
        "api/v1/openapi.json", "api/v1/docs", "api/", "api/<path:rest>", "calendar/<str:secret>.ics", "api/pushed/<str:secret>",
    }  # fmt: skip


def test_nobody_reads_nothing(cast: Cast, rows: Rows) -> None:
    browser = Client()
    for route in routes():
        answer = ask(browser, route, route.about(rows, "rm"))
        if route.policy == PUBLIC:
            assert answer.status_code < 500 or route.path == "readyz", route
        else:
            assert answer.status_code == (401 if route.api else 302), f"{route}: {answer.status_code}"
        assert not leaks_to_nobody(answer), route


def leaks_to_nobody(answer: HttpResponse) -> list[str]:
    assert not answer.streaming
    text = answer.content.decode(errors="replace")
    return [name for name, telltale in TELLTALE.items() if telltale in text]


# One of those who differ by their unit alone: what the RM is told of a stranger's rows, the stranger is told of the RM's.
WALKS = [who for who in SEES if who not in {"mate", "stranger", "other_leader"}]


@pytest.mark.parametrize("who", WALKS)
def test_the_walk(cast: Cast, rows: Rows, who: str) -> None:
    assert not walked(cast, rows, who, SEES[who])


def test_the_walk_of_a_stand_in(cast: Cast, rows: Rows, owner: Role) -> None:
    """The colleague's own customers besides one's own; of a leader on leave those of the leader's team are none."""
    with owner():
        for whose in ("rm", "leader"):
            Leave.objects.create(
                staff=cast.staff[whose], from_day=date(2026, 3, 16), to_day=date(2026, 3, 17), stand_in=cast.stranger,
                asked_by=cast.staff[whose], asked_at=NOW, answer="accepted", answered_by=cast.stranger, answered_at=NOW,
            )  # fmt: skip
    assert not walked(
        cast, rows, "stranger", {"stranger", "rm"}, but={"leave", "outing", "help", "assignment", "plan", "comment"}
    )


def walked(cast: Cast, rows: Rows, who: str, sees: set[str], but: set[str] = frozenset()) -> str:
    """Each route on everybody's rows, those ``but`` whose parameters are of another kind; what is wrong, a line each."""
    browser = cast.client(who, raise_request_exception=False)
    before = written()
    in_sight = {None, *(c.pk for whose in sees for c in cast.customers[whose])}
    wrong: list[str] = []
    for route in routes():
        of_an_rm = OF_AN_RM & route.parameters
        if but & route.parameters:
            continue
        for whose in WHOSE if of_an_rm and allowed(who, route.policy) else WHOSE[:1]:
            answer = ask(browser, route, route.about(rows, whose))
            told = judge(route, who, whose if of_an_rm else None, answer, sees)
            found = leaks(cast, who, answer, sees)
            touched = answer.written - before - in_sight  # type: ignore[attr-defined]
            if told:
                wrong.append(f"{route} on {whose}'s: {told}")
            if found:
                wrong.append(f"{route} on {whose}'s: shows {found}")
            if touched:
                wrong.append(f"{route} on {whose}'s: wrote rows of {touched}")
    return "\n".join(wrong)


def judge(route: Route, who: str, whose: str | None, answer: HttpResponse, sees: set[str]) -> str:
    """What is wrong with the answer; empty if nothing is."""
    status = answer.status_code
    if status >= 500 and route.path != "readyz":  # which says that no worker runs in a test
        return f"failed with {status}"
    if not allowed(who, route.policy):
        return "" if status == 403 else f"{status} for a role that may not"
    if whose is not None and whose not in sees:
        return "" if status in NOT_TOLD - {409} else f"{status} for a row out of sight"
    if status == 403 and route.method == "GET":
        return "403 for a role that may"
    return ""


@pytest.mark.parametrize("who", ["rm", "leader", "compliance", "marketing", "administrator"])
def test_search_finds_nobody_out_of_sight(cast: Cast, who: str) -> None:
    browser = cast.client(who)
    for text in ("欧阳", "开户协议", "单", "王", "苏州", "金", "张", "o", "oysy", "shan", "wang", "C-stranger"):
        for address in (f"/customers/?q={text}", f"/trail/?customer={text}"):
            assert not leaks(cast, who, browser.get(address)), f"{address} for {who}"
        for address in ("/search/", "/search/hits/"):
            assert not leaks(cast, who, browser.post(address, {"q": text}, follow=True)), f"{text} for {who}"


def test_somebody_elses_book_is_not_opened_by_its_number(cast: Cast) -> None:
    browser = cast.client("rm")
    for keeper in (cast.mate.pk, cast.stranger.pk, -cast.units["century"].pk, 0, 10**20, "x"):
        answer = browser.get(f"/customers/?rm={keeper}")
        assert answer.status_code in (200, 404)
        assert not leaks(cast, "rm", answer)


def test_a_book_counts_ones_own(cast: Cast) -> None:
    for who, count in (("rm", 3), ("mate", 3)):
        page = cast.client(who).get("/customers/").content.decode()
        assert re.search(rf"<small>[^<]*\b{count}</small>", page)


REFERENCES = {
    "customer",
    "customer_id",
    "rm",
    "rm_id",
    "staff",
    "owner",
    "owner_id",
    "unit",
    "need",
    "contact",
    "follows",
    "to",
    "stand_in",
}


@pytest.mark.parametrize("who", ["rm", "leader"])
def test_nothing_is_made_for_others(cast: Cast, rows: Rows, who: str) -> None:
    """Every operation that writes, told to write for a stranger: in the body, where the address does not say whose."""
    browser = cast.client(who, raise_request_exception=False)
    before = written()
    in_sight = {None, *(c.pk for whose in SEES[who] for c in cast.customers[whose])}
    foreign = {**rows.values["stranger"], "staff": cast.stranger.pk, "unit": cast.units["lujiazui"].pk}
    for route in routes():
        if route.method == "GET" or route.path == "readyz" or not allowed(who, route.policy):
            continue
        body: dict[str, Any] = {
            "customer": foreign["customer"], "customer_id": foreign["customer"], "rm": foreign["staff"],
            "staff": foreign["staff"], "owner": foreign["staff"], "unit": foreign["unit"], "need": foreign["need"],
            "contact": foreign["contact"], "follows": foreign["contact"], "kind": "call", "how": "now", "name": "新",
            "purpose": "care", "words": "话", "reason": "理由", "to": foreign["staff"], "day": "2026-03-17", "time": "10:00",
            "stand_in": foreign["staff"], "from_day": "2026-03-17", "to_day": "2026-03-20", "act": "another",
        }  # fmt: skip
        if route.api:
            body = filled(route, body)
        answer = ask(browser, route, route.about(rows, "rm"), body)
        assert answer.status_code < 500, f"{route}: {answer.content.decode()[:500]}"
        touched = answer.written - before - in_sight  # type: ignore[attr-defined]
        assert not touched, f"{route} wrote rows of {touched}"
        assert not leaks(cast, who, answer), route


def filled(route: Route, body: dict[str, Any]) -> dict[str, Any]:
    """A body that the operation's own description calls valid, with a stranger wherever it names somebody."""
    from zhike.api.edge import described

    document = json.loads(described())
    path = "/" + route.path.replace("<id>", "{id}")
    operation = document["paths"].get(path, {}).get(route.method.lower(), {})
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    value = example(content.get("schema", {}), document, body)
    return value if isinstance(value, dict) else {}


def example(schema: dict[str, Any], document: dict[str, Any], said: dict[str, Any], name: str = "") -> Any:
    """The least that a schema takes; fields that name a row get the stranger's."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    for option in schema.get("anyOf", schema.get("oneOf", [])):
        if option.get("type") != "null":
            return example(option, document, said, name)
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        wanted = set(schema.get("required", ())) | (REFERENCES & set(schema.get("properties", {})))
        return {key: example(schema["properties"][key], document, said, key) for key in wanted}
    if name in REFERENCES and name in said:
        return str(said[name]) if kind == "string" else said[name]
    if kind == "array":
        return [example(schema.get("items", {}), document, said, name)] if schema.get("minItems") else []
    if kind == "string" and schema.get("format") == "date-time":
        return (NOW - timedelta(minutes=5)).isoformat()
    if kind == "string" and schema.get("format") == "date":
        return said.get(name, "2026-03-17")
    return {"string": str(said.get(name, "话")), "integer": 1, "number": 1, "boolean": True}.get(str(kind))


def test_who_leads_here_and_looks_on_there_changes_nothing_there(cast: Cast, owner: Role) -> None:
    """Several posts in one person: what the one may see, the other may not write; said, not stumbled over."""
    with owner():
        Post.objects.create(
            staff=cast.leader, unit=cast.units["branch"], role="compliance", scope="tree", from_day=date(2020, 1, 1)
        )
    browser, customer = cast.client("leader"), cast.customers["stranger"][0].pk
    assert browser.get(f"/customers/{customer}/").status_code == 200
    for path, form in (
        ("needs/", {"kind": "loan", "words": "x"}),
        ("known/", {"what": "met"}),
        ("learned/", {"hobbies": "x"}),
        ("new/reception/", {"how": "now", "purpose": "care"}),
        ("new/call/", {"how": "now", "purpose": "care"}),
        ("hand-over/", {"rm": cast.rm.pk, "from_day": "2026-03-16", "reason": "x"}),
    ):
        answer = browser.post(f"/customers/{customer}/{path}", form)
        assert answer.status_code == 403, path
    with cast.acting("leader"):
        assert not Approval.objects.exists()


def test_the_walk_of_a_leader_who_stands_in(cast: Cast, rows: Rows, owner: Role) -> None:
    """A leader elsewhere gains the customers of whoever is away, and nothing of their own; of a leader those of the team are none."""
    with owner():
        for whose in ("rm", "leader"):
            Leave.objects.create(
                staff=cast.staff[whose], from_day=date(2026, 3, 16), to_day=date(2026, 3, 17), stand_in=cast.other_leader,
                asked_by=cast.staff[whose], asked_at=NOW, answer="accepted", answered_by=cast.other_leader, answered_at=NOW,
            )  # fmt: skip
    assert not walked(
        cast,
        rows,
        "other_leader",
        {*SEES["other_leader"], "rm"},
        but={"leave", "outing", "help", "assignment", "plan", "comment"},
    )


def test_the_walk_after_the_last_day(cast: Cast, rows: Rows, owner: Role) -> None:
    """With the day that is over the right is gone, on pages, for programs and for tokens."""
    with owner():
        Leave.objects.create(
            staff=cast.rm, from_day=date(2026, 3, 9), to_day=date(2026, 3, 16), stand_in=cast.stranger,
            asked_by=cast.rm, asked_at=NOW, answer="accepted", answered_by=cast.stranger, answered_at=NOW,
        )  # fmt: skip
    assert not walked(
        cast, rows, "stranger", {"stranger"}, but={"leave", "outing", "help", "assignment", "plan", "comment"}
    )
