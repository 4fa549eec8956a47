"""Today, the customer page and the search."""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from urllib.parse import quote, urlsplit

from bench import data, load
from bench.run import Figure, Trial, both, cookie, get, in_turns, pgbench, same, sign_in

SEARCHES = 2_000
SEARCH_LIMIT = 50.0  # ms at p95
FORM = "application/x-www-form-urlencoded"
FORMS = "b" * 32  # a token for forms, as cookie and header alike: what a browser has from its page


def today(trial: Trial) -> Iterator[Figure]:
    """What Today is made of, and the page, for the RMs who have a year of data and fifty obligations due or late each."""
    from zhike.obligations.today import TODAY, moments

    staff = range(1, trial.bank.busy + 1)
    cookies = sign_in(trial, trial.bank.name(), staff)
    asked = {name: f"timestamptz '{moment}'" for name, moment in moments(data.NOW).items()}
    alone = pgbench(trial, TODAY, {"owner": ":owner", "covers": "'{}'", **asked})
    with both(trial, trial.bank.name(), trial.bank.name("bare")) as (ours, bare):
        path = "/api/v1/obligations?due=today"
        body = get(ours, path, cookie(cookies[1]))
        same(body, get(bare, "/today/1"), "today")
        rows = len(json.loads(body)["rows"])
        there = [load.request("GET", f"/today/{each}") for each in staff]
        here = [load.request("GET", path, cookie(cookies[each])) for each in staff]
        said = f"data as JSON, {rows} rows, {len(body):,} bytes; {trial.said}; the statement {alone}"
        yield in_turns(trial, (ours, here), (bare, there)).figure("today", said)
        page = get(ours, "/", cookie(cookies[1], FORMS))
        here = [load.request("GET", "/", cookie(cookies[each], FORMS)) for each in staff]
        said = f"html: the whole page, {len(page):,} bytes, beside the bare data; {trial.said}"
        yield in_turns(trial, (ours, here), (bare, there)).figure("today", said)


def customer(trial: Trial) -> Iterator[Figure]:
    """What a customer's page is made of, and the page, for customers with a year of contacts."""
    from zhike.contacts.card import CARD, CONTACTS

    cookies = sign_in(trial, trial.bank.name(), range(1, trial.bank.busy + 1))
    chosen = random.Random(1).sample(range(1, min(trial.bank.customers, trial.bank.busy * data.BOOK) + 1), 2_000)
    alone = pgbench(trial, CARD, {"customer": ":customer", "contacts": str(CONTACTS)})
    with both(trial, trial.bank.name(), trial.bank.name("bare")) as (ours, bare):

        def asked(path: str, forms: str = "") -> list[bytes]:
            theirs = {each: cookie(cookies[trial.bank.rm_of(each)], forms) for each in chosen}
            return [load.request("GET", path.format(each), theirs[each]) for each in chosen]

        path = "/api/v1/customers/{}/card"
        body = get(ours, path.format(1), cookie(cookies[1]))
        same(body, get(bare, "/customer/1"), "customer")
        there = [load.request("GET", f"/customer/{each}") for each in chosen]
        said = f"data as JSON, {len(body):,} bytes; {trial.said}; the statement {alone}"
        yield in_turns(trial, (ours, asked(path)), (bare, there)).figure("customer", said)
        page = get(ours, "/customers/1/", cookie(cookies[1], FORMS))
        said = f"html: the whole page, {len(page):,} bytes, beside the bare data; {trial.said}"
        yield in_turns(trial, (ours, asked("/customers/{}/", FORMS)), (bare, there)).figure("customer", said)


def search(trial: Trial) -> Iterator[Figure]:
    """What is typed into the box, one after the other: the time until the answer is there, sign-in and policies included."""
    lookers = {"rm": 1, "branch": trial.bank.rms + 1, "bank": trial.bank.rms + trial.bank.branches + 1}
    cookies = sign_in(trial, trial.bank.name(), list(lookers.values()))
    with both(trial, trial.bank.name(), trial.bank.name("bare")) as (ours, _bare):
        parts = urlsplit(ours)
        connection = HTTPConnection(parts.hostname or "", parts.port)
        took: dict[str, list[float]] = {who: [] for who in lookers}
        for number, (who, words) in enumerate(typed(trial.bank)):
            begun = time.perf_counter()
            form = {**cookie(cookies[lookers[who]], FORMS), "X-CSRFToken": FORMS, "Content-Type": FORM}
            connection.request("POST", "/search/hits/", f"q={quote(words)}", form)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"searching {words!r} answered {answer.status}")
            if number >= 100:
                took[who].append(1000 * (time.perf_counter() - begun))
    by_scope = ", ".join(f"{who} {_p95(times):.1f}" for who, times in took.items())
    said = (
        f"ms at p95 over {SEARCHES:,} searches, one at a time over HTTP: two and three characters, given names, initials, "
        f"pinyin, surname readings, phone tails; p95 by scope of who asks: {by_scope}; {trial.bank.customers:,} customers"
    )
    every = [each for times in took.values() for each in times]
    yield Figure("search", round(_p95(every), 1), "ms", SEARCH_LIMIT, None, said)


def _p95(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def typed(bank: data.Bank) -> Iterator[tuple[str, str]]:
    """Who types what: half by RMs in their own book, the rest by leaders of a branch and of the whole bank."""
    from zhike.customers import names as spelling

    dice = random.Random(7)
    named = [name for kind, name in data.names() if kind == "person"]
    for number in range(SEARCHES + 100):
        name = dice.choice(named)
        keys = spelling.pinyin(name)
        words = (
            name[:2],
            name,
            name[-2:],
            "".join(spelling.plain(spelling.toned(c)[0])[0] for c in name),
            keys[min(len(keys) - 1, 4)],
            dice.choice(("shan", "dan", "xie", "jie", "qiu", "chou", "zha", "cha", "ouyang", "oy", "sima", "zhaiw")),
            data.mobile_of(dice.randrange(1, bank.customers + 1))[-4:],
            data.mobile_of(dice.randrange(1, bank.customers + 1))[-6:],
        )[number % 8]
        yield ("rm", "rm", "branch", "rm", "bank", "branch")[number // 8 % 6], words
