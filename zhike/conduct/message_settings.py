"""The bank's settings of messages, and of calls that sell."""

from dataclasses import dataclass
from datetime import time

from zhike.conduct.fields import TIMES, choice, clock, number, setting, switch
from zhike.conduct.words import Words

_SMS_PLATFORM = Words(
    "短信平台上线后生效，目前不起作用", "Takes effect with the SMS platform; nothing is decided by it yet"
)


@dataclass(frozen=True)
class MessageSettings:
    """Those of `Bank` that say what a message must hold to, and when the bank greets and sells."""

    quiet_from: time = clock(
        21,
        0,
        "短信静默时段：起",
        "Quiet hours of messages: from",
        "S5",
        origin="law",
        uncertified=True,
        waits=_SMS_PLATFORM,
        group="messages",
    )
    quiet_to: time = clock(
        9,
        0,
        "短信静默时段：止",
        "Quiet hours of messages: to",
        "S5",
        origin="law",
        uncertified=True,
        waits=_SMS_PLATFORM,
        group="messages",
    )
    service_in_quiet_hours: str = choice(
        "静默时段发致谢、答复、服务短信",
        "Thanks, answers and service messages in quiet hours",
        {"warn": ("提醒", "Warn"), "block": ("拦截", "Block")},
        "S5",
        origin="law",
        uncertified=True,
        waits=_SMS_PLATFORM,
        group="messages",
    )
    greeting_needs_consent: bool = switch(
        True,
        "问候短信须客户同意",
        "Greetings need the customer's consent to greetings",
        "S5",
        origin="law",
        uncertified=True,
        group="messages",
    )
    marketing_a_day: int = number(
        1,
        "同一客户营销短信每日至多",
        "Marketing messages, a day and customer",
        TIMES,
        10,
        "S5",
        origin="law",
        uncertified=True,
        waits=_SMS_PLATFORM,
        group="messages",
    )
    marketing_a_week: int = number(
        2,
        "同一客户营销短信每周至多",
        "Marketing messages, a week and customer",
        TIMES,
        50,
        "S5",
        origin="law",
        uncertified=True,
        waits=_SMS_PLATFORM,
        group="messages",
    )
    optout_words: tuple[str, ...] = setting(
        ("T", "TD", "R", "退订", "拒收"),
        "退订词（整条短信）",
        "Opt-out words (the whole message)",
        "words",
        "S5",
        "law",
        uncertified=True,
        waits=_SMS_PLATFORM,
        group="messages",
    )
    sales_call_from: time = clock(
        9, 0, "营销电话：起", "Calls that sell: from", "S5", origin="law", uncertified=True, group="messages"
    )
    sales_call_to: time = clock(
        20, 0, "营销电话：止", "Calls that sell: to", "S5", origin="law", uncertified=True, group="messages"
    )
    sales_calls_a_day: int = number(
        1,
        "同一客户营销电话每日至多",
        "Calls that sell, a day and customer",
        TIMES,
        10,
        "S5",
        origin="law",
        uncertified=True,
        group="messages",
    )
    sales_calls_a_week: int = number(
        2,
        "同一客户营销电话每周至多",
        "Calls that sell, a week and customer",
        TIMES,
        50,
        "S5",
        origin="law",
        uncertified=True,
        group="messages",
    )
