"""Records: how long a search for words takes while the bank has a hundred thousand documents with their texts."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg

from bench import data, databases
from bench.reading import FORM, FORMS
from bench.run import Figure, Trial, cookie, free_port, serving, sign_in
from zhike import processes

LIMIT = 200.0  # ms at p95
SEARCHES = 600
LETTERS = 900  # characters a text
# What papers of a bank speak of; rare and common words, so that every plan is asked for.
COMMON = [
    "客户",
    "合同",
    "协议",
    "甲方",
    "乙方",
    "本行",
    "账户",
    "资金",
    "利率",
    "期限",
    "金额",
    "日期",
    "签字",
    "风险",
    "产品",
    "服务",
    "办理",
    "约定",
    "条款",
    "有效",
]
RARE = [
    "学区房",
    "罗汉松",
    "青花瓷",
    "远期结汇",
    "信托受益权",
    "保函格式",
    "船舶抵押",
    "养老社区",
    "海外置业",
    "家族信托",
    "古籍修复",
    "冷链仓储",
]


def records(trial: Trial) -> Iterator[Figure]:
    """One document a customer: words that stand everywhere, in one of fifty, in one of ten thousand and nowhere, by who asks."""
    lookers = {"rm": 1, "branch": trial.bank.rms + 1, "bank": trial.bank.rms + trial.bank.branches + 1}
    with databases.spent(trial.server, trial.bank, "spent") as name:
        with databases.superuser(trial.server, name) as connection:
            file(connection, trial.bank)
        cookies = sign_in(trial, name, list(lookers.values()))
        port = free_port()
        environment = databases.environment(trial.server, name) | {"ZHIKE_ROLE": "app"}
        with serving(processes.own("web", "--port", str(port), "--processes", "1"), environment, port) as ours:
            parts = urlsplit(ours)
            line = HTTPConnection(parts.hostname or "", parts.port)
            took: dict[str, list[float]] = {who: [] for who in lookers}
            for number, (who, words) in enumerate(typed(lookers)):
                form = {**cookie(cookies[lookers[who]], FORMS), "X-CSRFToken": FORMS, "Content-Type": FORM}
                begun = time.perf_counter()
                line.request("POST", "/search/hits/", f"q={quote(words)}", form)
                answer = line.getresponse()
                answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"searching {words!r} answered {answer.status}")
                if number >= 30:
                    took[who].append(1000 * (time.perf_counter() - begun))
    every = [each for times in took.values() for each in times]
    by_scope = ", ".join(f"{who} {_p95(times):.1f} (most {max(times):.1f})" for who, times in took.items())
    said = (
        f"ms at p95 over {SEARCHES} searches of {trial.bank.customers:,} documents of {LETTERS} characters, one at a time over HTTP, customers "
        f"and documents together; p95 by scope of who asks: {by_scope}"
    )
    yield Figure("records", round(_p95(every), 1), "ms", LIMIT, None, said)


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def typed(lookers: dict[str, int]) -> Iterator[tuple[str, str]]:
    dice = random.Random(11)
    for number in range(SEARCHES + 30):
        words = (
            dice.choice(COMMON),
            dice.choice(RARE),
            f"{dice.choice(COMMON)} {dice.choice(COMMON)}",
            f"{dice.choice(RARE)} {dice.choice(COMMON)}",
            f"编号{dice.randrange(100_000):05}"[:6],
            "天外飞仙",
            f"{dice.choice(COMMON)}{dice.choice(COMMON)}",
        )[number % 7]
        yield list(lookers)[(number // 7) % 3], words


def text(number: int, dice: random.Random) -> str:
    """What one paper says: common words, now and then a rare one, its own number."""
    words = [f"编号{number:05}"]
    while sum(map(len, words)) < LETTERS:
        words.append(dice.choice(RARE) if dice.random() < 0.004 else dice.choice(COMMON))
        if dice.random() < 0.35:
            words.append("，" if dice.random() < 0.7 else chr(dice.randrange(0x4E00, 0x9FA5)))
    return "".join(words)


def file(connection: psycopg.Connection[Any], bank: data.Bank) -> None:
    """Documents with their texts, as filing and reading would have left them; the index made afterwards, as it is."""
    from zhike.documents.models import Text

    dice = random.Random(3)
    with connection.transaction():
        run = connection.execute
        run("SET LOCAL session_replication_role = replica")
        labels = dict(run("SELECT key, id FROM documents_label").fetchall())
        run(
            "INSERT INTO documents_document (id, customer_id, unit_id, keeper, business_id, kind_id, title, dated, by_id, at, version,"
            " reading, trouble, counts_from, years, deleted_why)"
            " SELECT c.id, c.id, c.unit_id, c.keeper, %s, %s, '贷款合同', '2026-01-05', coalesce(c.rm_id, 1), '2026-01-05', 1, 'read', '',"
            " '2026-01-05', 10, '' FROM customers_customer c",
            [labels["loan"], labels["agreement"]],
        )
        (definition,) = run("SELECT pg_get_indexdef('documents_text_grams'::regclass)").fetchone()  # type: ignore[misc]
        run("DROP INDEX documents_text_grams")
        keepers = dict(run("SELECT id, keeper FROM documents_document").fetchall())
        with (
            connection.cursor() as cursor,
            cursor.copy("COPY documents_text (document_id, keeper, sealed, grams) FROM STDIN") as into,
        ):
            for id, keeper in keepers.items():
                row = Text(document_id=id, keeper=keeper)
                row.say("贷款合同", "贷款合同.docx", text(id, dice))
                into.write_row((id, keeper, row.sealed, row.grams))
        run("SET LOCAL maintenance_work_mem = '512MB'")
        run(definition)
    connection.execute("VACUUM (ANALYZE) documents_text, documents_document")
