"""The bank's settings of messages, and of calls that sell."""

from dataclasses import dataclass
from datetime import time
from decimal import Decimal

from zhike.conduct.festivals import FESTIVALS
from zhike.conduct.fields import ANSWERS, DAYS, HOURS, TIMES, YUAN, amount, choice, clock, line, number, setting, switch
from zhike.conduct.words import Words

_GREETED = ("new_year", "spring_festival", "dragon_boat", "mid_autumn", "national_day")


@dataclass(frozen=True)
class MessageSettings:
    """Those of `Bank` that say what a message must hold to, and when the bank greets and sells."""

    message_signature: str = line(
        "",
        "短信签名（空则用本行名称）",
        "Signature of messages (empty: the bank's own name)",
        20,
        "S5",
        group="messages",
    )
    service_number: str = line(
        "",
        "本行客服电话（发送人没有电话时，{电话} 用它）",
        "The bank's service number ({电话} gives it where the sender has none)",
        20,
        "S5",
        group="messages",
    )
    segment_price: Decimal = amount("0.045", "每条短信的价格", "Price of one segment", YUAN, 10, group="messages")
    links_in_messages: bool = switch(
        False, "短信中可以有网址", "Messages may carry web addresses", "S5", group="messages"
    )
    quiet_from: time = clock(
        21,
        0,
        "短信静默时段：起",
        "Quiet hours of messages: from",
        "S5",
        origin="law",
        uncertified=True,
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
        group="messages",
    )
    service_in_quiet_hours: str = choice(
        "静默时段发致谢、答复、服务短信",
        "Thanks, answers and service messages in quiet hours",
        {"warn": ("提醒后照发", "Sent, with a warning"), "block": ("等到时段结束再发", "Wait until they end")},
        "S5",
        origin="law",
        uncertified=True,
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
        group="messages",
    )
    marketing_a_week: int = number(
        2,
        "同一客户营销短信每周（连续七日）至多",
        "Marketing messages, a week (any seven days) and customer",
        TIMES,
        50,
        "S5",
        origin="law",
        uncertified=True,
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
        group="messages",
    )
    optout_hint: str = line(
        "拒收请回复R",
        "营销短信末尾的退订提示",
        "Hint at the end of marketing messages, how to opt out",
        20,
        "S5",
        low=1,
        origin="law",
        uncertified=True,
        group="messages",
    )
    optout_hint_english: str = line(
        "Reply R to opt out",
        "英文营销短信末尾的退订提示",
        "The same at the end of English messages",
        40,
        "S5",
        low=1,
        origin="law",
        uncertified=True,
        group="messages",
    )
    greetings_carry_hint: bool = switch(
        False,
        "问候短信也带退订提示",
        "Greetings carry the hint how to opt out too",
        "S5",
        uncertified=True,
        group="messages",
    )
    greeted_festivals: tuple[str, ...] = setting(
        _GREETED,
        "发问候短信的节日",
        "Festivals on which customers are greeted",
        "choices",
        "S3",
        choices={row.key: row.name for row in FESTIVALS},
        group="messages",
    )
    greetings_arranged_before: int = number(
        14,
        "节日问候须提前安排好",
        "Greetings are arranged before the festival by",
        DAYS,
        90,
        "S3",
        low=1,
        group="messages",
    )
    greeting_at: time = clock(9, 0, "问候短信几点发", "Greetings are sent at", "S3", group="messages")
    # A customer is asked nothing before the bank has decided so.
    satisfaction_after: tuple[str, ...] = setting(
        (),
        "次日发短信询问满意度的联系（都不选：不询问）",
        "Contacts after which the customer is asked by SMS, the next day, how content they are (none chosen: nobody is)",
        "choices",
        "W9",
        choices={"reception": Words("接待", "Receptions"), "visit": Words("拜访", "Visits"), "call": Words("接通的电话", "Calls that connected")},
        uncertified=True,
        group="messages",
    )  # fmt: skip
    satisfaction_at: time = clock(
        14, 0, "满意度询问几点发", "The question how content they are is sent at", "W9", group="messages"
    )
    satisfaction_every: int = number(
        90,
        "同一客户、同一号码两次满意度询问至少相隔",
        "A customer, and a number, is asked how content they are not more often than every",
        DAYS,
        365,
        "W9",
        low=30,
        group="messages",
    )
    satisfaction_answered_within: int = number(
        72,
        "满意度回复在发出后多久内有效",
        "A rating counts when it comes within, after the question left",
        HOURS,
        168,
        "W9",
        low=1,
        group="messages",
    )
    satisfaction_least: int = number(
        10,
        "满意度至少几份评分才显示",
        "Satisfaction is shown from so many ratings on",
        ANSWERS,
        100,
        "W9",
        low=5,
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
