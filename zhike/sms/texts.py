"""Texts: which template suits, and what its variables say. The signature is not the writer's: it is added as the message leaves."""

from __future__ import annotations

import re
import tomllib
from calendar import month_name
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from django.db import connection

from zhike.conduct.bank import Bank
from zhike.conduct.words import Refused, Words
from zhike.customers import names
from zhike.customers.models import Customer
from zhike.obligations.models import Obligation
from zhike.people.models import Staff, Unit

from .models import Wording
from .models.template import WordingQuerySet

# What may stand in braces, and what it becomes.
VARIABLES: dict[str, Words] = {
    "称谓": Words("客户的称谓", "the customer's form of address"),
    "本人": Words("发送人姓名", "the sender's name"),
    "客户经理": Words("客户自己的客户经理", "the customer's own manager"),
    "机构": Words("客户所属机构", "the customer's unit"),
    "电话": Words(
        "发送人的电话，没有则为本行客服电话", "the sender's telephone number, else the bank's service number"
    ),
    "日子": Words("见面或通话的日子：今天、昨天、2月16日", "the day of the talk: today, yesterday, 16 February"),
    "内容": Words("客户问的事", "what the customer asked"),
}
# What is known of every customer: a text for many has no other variables.
OF_EVERYBODY = frozenset({"称谓", "本人", "客户经理", "机构", "电话"})
TELEPHONE = "电话"
CHINESE, ENGLISH = "zh-hans", "en"
SIGNATURE = re.compile(r"^【[^】]*】")
VARIABLE = re.compile(r"\{([^{}]*)\}")


class Unfilled(Refused):
    """A text with a variable that has no value, or that nobody knows; the sentence names it."""


@dataclass(frozen=True)
class Shipped:
    """A text as it comes with Zhike."""

    key: str
    kind: str
    title: Words
    words: str
    occasion: str = ""
    variant: str = ""
    introduces: bool = False
    language: str = CHINESE


@cache
def shipped() -> tuple[Shipped, ...]:
    """The texts that come with Zhike, in their order."""
    rows = tomllib.loads(files("zhike.sms").joinpath("texts.toml").read_text("utf-8"))["text"]
    return tuple(Shipped(**{**row, "title": Words(**row["title"])}) for row in rows)


def check(text: str) -> None:
    """Raises Unfilled for a variable that is none, or a brace that stands alone."""
    unknown = [name for name in VARIABLE.findall(text) if name not in VARIABLES]
    if unknown:
        names = "、".join(f"{{{name}}}" for name in unknown)
        known = "、".join(f"{{{name}}}" for name in VARIABLES)
        raise Unfilled(
            f"没有名为 {names} 的变量。可用的有 {known}。", f"No variable is called {names}. There are {known}."
        )
    if re.search(r"[{}]", VARIABLE.sub("", text)):
        raise Unfilled(
            "大括号须成对，且中间写变量名，如 {称谓}。",
            "Braces come in pairs with a variable's name between, as in {称谓}.",
        )


def check_for_many(text: str, *besides: str) -> None:
    """Raises Unfilled for a variable that has no value where many get the same words; ``besides``: what has one all the same."""
    if used := set(VARIABLE.findall(text)) - OF_EVERYBODY - {*besides}:
        named = "、".join(f"{{{name}}}" for name in sorted(used))
        raise Unfilled(f"群发的短信不能用变量 {named}。", f"A message to many cannot use the variables {named}.")


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its variables' values. Raises Unfilled, which names every variable without one."""
    check(text)
    lacking = sorted({name for name in VARIABLE.findall(text) if not values.get(name)})
    if lacking:
        zh = "、".join(f"{{{name}}}（{VARIABLES[name].zh}）" for name in lacking)
        en = ", ".join(f"{{{name}}} ({VARIABLES[name].en})" for name in lacking)
        how = Words("请补全资料或直接改写这一处。", "fill in what is missing, or reword that place.")
        if lacking == [TELEPHONE]:
            how = Words(
                "请管理员在员工页补上电话，或在参数中填写本行客服电话；也可直接改写这一处。",
                "an administrator enters the telephone on the page of staff, or the bank's service number in the settings; or reword that place.",
            )
        raise Unfilled(f"变量 {zh} 没有值，{how.zh}", f"No value for {en}: {how.en}")
    return VARIABLE.sub(lambda found: values[found[1]], text)


def bank_name() -> str:
    """What the bank calls itself: its head office's name."""
    return Unit.objects.filter(parent=None).values_list("name", flat=True).first() or ""


def bare(text: str) -> str:
    """The text without the signature that it left with."""
    return SIGNATURE.sub("", text)


def shortened(text: str, most: int = 16) -> str:
    """How a text begins: the name of one that was given none."""
    words = VARIABLE.sub("", text).strip("，,！!。 ")
    return words if len(words) <= most else f"{words[:most]}…"


def values(customer: Customer, staff: Staff, bank: Bank, *, day: str = "", content: str = "") -> dict[str, str]:
    """What the variables are for this customer, when ``staff`` writes."""
    return {
        "称谓": customer.address_as,
        "本人": staff.name,
        "客户经理": customer.rm.name if customer.rm else staff.name,
        "机构": customer.unit.name,
        "电话": staff.phone or bank.service_number,
        "日子": day,
        "内容": content,
    }


def language_of(customer: Customer | None) -> str:
    """In which language one writes to a customer: Chinese, unless the profile says otherwise."""
    said = (customer.profile.get("language") or {}).get("v") if customer else None
    return str(said or CHINESE)


def suiting(obligation: Obligation, staff: Staff, bank: Bank) -> list[Wording]:
    """The wordings in use that do for an obligation, the best first: in the customer's language, by its occasion, by whether it must introduce, by
    who writes (a stand-in names the customer's own manager and never claims to be it). Empty where the bank lets no stand-in write.
    """
    own = obligation.customer.rm if obligation.customer else None
    stands_in = own is not None and own.pk != staff.pk
    if stands_in and obligation.kind == "thanks" and bank.stand_in_thanks == "not_sent":
        return []
    return _in_their_language(_suiting(obligation, Wording.objects.in_use(staff.pk), stands_in), obligation.customer)


def _in_their_language(rows: list[Wording], customer: Customer | None) -> list[Wording]:
    """Those in the customer's language first, the others behind them in the same order."""
    language = language_of(customer)
    return sorted(rows, key=lambda row: row.template.language != language)


def _suiting(obligation: Obligation, rows: WordingQuerySet, stands_in: bool) -> list[Wording]:
    match obligation.kind:
        case "thanks":
            must = obligation.detail.get("text", "later")
            introduces = must != "later"
            found = [
                row
                for row in rows.filter(template__kind="thanks").order_by("template__pk")
                if _does(row, obligation, stands_in) and (row.template.introduces or not introduces)
            ]
            return sorted(found, key=lambda row: row.template.introduces != introduces)
        case "birthday":
            greets = rows.filter(template__kind="greeting", template__occasion="birthday").order_by("template__pk")
            return sorted(greets, key=lambda row: row.template.owner_id is not None)
        case "apology":
            return list(rows.filter(template__kind="service", template__occasion="apology").order_by("template__pk"))
        case "answer" | "promise":
            return list(rows.filter(template__kind="answer").order_by("template__pk"))
    return []


def _does(row: Wording, obligation: Obligation, stands_in: bool) -> bool:
    template = row.template
    if template.tiers and obligation.tier not in template.tiers:
        return False
    if stands_in != template.variant.startswith("stand_in"):
        return False
    return not template.occasion or template.occasion == obligation.detail.get("occasion")


def day_of(obligation: Obligation, now: datetime, bank: Bank, language: str = CHINESE) -> str:
    """The day of the talk as a message calls it on the day it is sent: a farewell after nine in the evening is thanked for in the
    morning, and then it was yesterday.
    """
    day, today = (moment.astimezone(bank.zone).date() for moment in (obligation.fact.at, now))
    return day_called(day, today, language)


def day_called(day: date, today: date, language: str) -> str:
    """What a message calls a day that is over, on the day it is sent."""
    match (today - day).days:
        case 0:
            return "today" if language == ENGLISH else "今天"
        case 1:
            return "yesterday" if language == ENGLISH else "昨天"
    return f"on {day.day} {month_name[day.month]}" if language == ENGLISH else f"{day.month}月{day.day}日"


def worded(wording: Wording, obligation: Obligation, staff: Staff, *, now: datetime, bank: Bank) -> str:
    """A wording filled in for an obligation; a variable without a value stays in its braces, to be seen and filled by hand."""
    assert obligation.customer is not None
    known: dict[str, Any] = values(
        obligation.customer, staff, bank, day=day_of(obligation, now, bank, wording.template.language),
        content=str(obligation.detail.get("words", "")),
    )  # fmt: skip
    return shown(wording.text, known)


def shown(text: str, values: Mapping[str, str]) -> str:
    """The text as far as it can be filled; a variable without a value stays in its braces, to be seen."""
    return VARIABLE.sub(lambda found: values.get(found[1]) or found[0], text)


def of_many(messages: Iterable[int], bank: Bank) -> dict[int, tuple[str, dict[str, str]]]:
    """Of messages that many get in the same words: the words, and each one's own values for them, in the name of whose customer it is by
    now; one query.
    """
    with connection.cursor() as cursor:
        cursor.execute(OF_MANY, [list(messages)])
        return {id: (text, one_of_many(*row, bank=bank)) for id, text, *row in cursor.fetchall()}


def one_of_many(
    name: str, honorific: str, gender: str, kind: str, staff: str, phone: str, rm: str | None, unit: str, *, bank: Bank
) -> dict[str, str]:
    """The values for one of many customers, whose columns these are."""
    return {
        "称谓": honorific or (kind == "person" and names.honorific(name, gender)) or name,
        "本人": staff,
        "客户经理": rm or staff,
        "机构": unit,
        "电话": phone or bank.service_number,
    }


OF_MANY = """
SELECT m.id, coalesce(f.line, '') || w.text, c.name, c.honorific, c.gender, c.kind, s.name, s.phone, rm.name, u.name
FROM sms_message m JOIN sms_wording w ON w.id = m.wording_id JOIN customers_customer c ON c.id = m.customer_id
JOIN people_staff s ON s.id = coalesce(c.rm_id, m.staff_id) JOIN people_unit u ON u.id = c.unit_id LEFT JOIN people_staff rm ON rm.id = c.rm_id
LEFT JOIN sms_forwarding f ON f.id = m.forwarding_id
WHERE m.id = ANY (%s::bigint[])"""
