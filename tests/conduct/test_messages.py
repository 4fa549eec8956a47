"""GUARD of messages (S5): which kind is bound by what, quiet hours to the minute, caps, stops, opting out.

The table is that of CLAUSES ("messages: what binds which kind", Stops, opt-out words); the times are worked out by hand.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhike.conduct.bank import Bank, Change, Settings
from zhike.conduct.messages import KINDS, Judgement, Recipient, dressed, judge, lacks_contact
from zhike.conduct.opting_out import opt_out
from zhike.conduct.permitted import look
from zhike.conduct.quiet_hours import quiet_until
from zhike.conduct.words import Words

patient = settings(deadline=None)
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=SHANGHAI)
EVENING = datetime(2026, 3, 4, 21, 30, tzinfo=SHANGHAI)
WILLING = Recipient("platinum", consents=frozenset({"greeting", "marketing"}))
TEXTS = {
    "thanks": "王先生您好，感谢您今天到访。李明 13800138000",
    "call_back": "王先生您好，您看何时方便，我给您回电？李明",
    "answer": "王先生您好，您问的销户手续本人持证件即可办理。李明",
    "service": "您的定期存款将于3月8日到期，请留意。",
    "greeting": "值此新春佳节，祝您阖家幸福！李明",
    "question": "您对今天的服务满意吗？请直接回复一个数字：5很满意，4满意，3一般，2不满意，1很不满意。",
    "marketing": "本行周六举办财富讲座，欢迎光临，详询李明 13800138000",
}


def judged(
    kind: str, to: Recipient = WILLING, now: datetime = NOON, bank: Bank | None = None, **more: Any
) -> Judgement:
    text = more.pop("text", TEXTS[kind])
    return judge(kind, text, to, now=now, bank=bank or Bank(), **more)


def names(judgement: Judgement) -> list[tuple[str, str]]:
    return [(verdict.name, verdict.effect) for verdict in judgement.verdicts]


def blocks(kind: str, to: Recipient = WILLING, **more: Any) -> list[str]:
    return [name for name, effect in names(judged(kind, to, **more)) if effect == "block"]


PERSONAL = ("thanks", "call_back", "answer", "service")
UNASKED = ("greeting", "question", "marketing")


@pytest.mark.parametrize("kind", KINDS)
def test_an_ordinary_message_to_somebody_who_agreed_goes(kind):
    assert judged(kind) == Judgement(())


# ── stops ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS)
def test_to_the_deceased_nothing_is_sent_and_nothing_else_is_said(kind):
    dead = replace(WILLING, deceased_on=date(2026, 3, 1), complaint_open=True, has_mobile=False, consents=frozenset())
    assert names(judged(kind, dead, now=EVENING, text="")) == [("deceased", "block")]
    assert judged(kind, dead, now=EVENING).wait is None


@pytest.mark.parametrize(
    ("stop", "name"),
    [("closed", "closed"), ("do_not_disturb", "do_not_disturb"), ("complaint_open", "complaint")],
)
def test_a_stop_stops_greetings_and_marketing_alone(stop, name):
    stopped = replace(WILLING, **{stop: True})
    assert {kind: blocks(kind, stopped) for kind in KINDS} == {
        **{kind: [] for kind in PERSONAL},
        **{kind: [name] for kind in UNASKED},
    }


def test_without_a_mobile_number_there_is_nothing_to_send_to():
    nowhere = replace(WILLING, has_mobile=False)
    assert [blocks(kind, nowhere) for kind in KINDS] == [["no_mobile"] for kind in KINDS]


# ── consent and opting out ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("consents", "refused"),
    [
        ((), ["greeting", "marketing"]),
        (("greeting",), ["marketing"]),
        (("marketing",), ["greeting"]),
        (("greeting", "marketing"), []),
        (("service", "profile"), ["greeting", "marketing"]),
    ],
)
def test_consent_for_the_very_purpose(consents, refused):
    to = replace(WILLING, consents=frozenset(consents))
    assert [kind for kind in KINDS if blocks(kind, to) == ["no_consent"]] == refused


def test_a_bank_may_greet_without_asking_but_never_sell():
    bank, to = replace(Bank(), greeting_needs_consent=False), replace(WILLING, consents=frozenset())
    assert (blocks("greeting", to, bank=bank), blocks("marketing", to, bank=bank)) == ([], ["no_consent"])


@pytest.mark.parametrize(
    ("carry", "stopped"), [(False, ["question", "marketing"]), (True, ["greeting", "question", "marketing"])]
)
def test_opting_out_stops_marketing_and_questions_and_greetings_where_they_offer_it(carry, stopped):
    bank, to = replace(Bank(), greetings_carry_hint=carry), replace(WILLING, opted_out=True)
    assert [kind for kind in KINDS if "opted_out" in blocks(kind, to, bank=bank)] == stopped


# ── whom, how, how many ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_tier_that_is_not_meant_is_refused_by_name():
    (verdict,) = judged("greeting", audience=("diamond", "private")).verdicts
    assert (verdict.name, verdict.effect, verdict.origin) == ("other_tier", "block", "bank")
    assert "钻石、私人银行" in verdict.words.zh
    assert "Diamond, Private banking" in verdict.words.en
    assert judged("greeting", audience=("platinum", "diamond")) == Judgement(())


def test_who_is_not_suited_is_refused_with_the_reason():
    to = replace(WILLING, unsuited=Words("产品为中风险，客户为稳健型。", "Medium risk, a cautious customer."))
    (verdict,) = judged("marketing", to).verdicts
    assert verdict.name == "unsuited"
    assert "中风险" in verdict.words.zh
    assert "cautious" in verdict.words.en


def test_a_question_says_which_digits_and_holds_no_link():
    """W9: answered with one digit; customers are warned off links, so not even a bank that allows them puts one in."""
    assert blocks("question", text="您对今天的服务满意吗？") == ["no_scale"]
    bank = replace(Bank(), links_in_messages=True)
    assert blocks("question", text="满意吗？回复1到5，或点 http://a.cn/x", bank=bank) == ["text_link"]
    assert blocks("question", text="回复1到5。另有新品理财，收益稳健，欢迎选购。") == ["text_selling"]


def test_a_private_product_never_goes_to_many():
    assert blocks("marketing", bulk=True, private_product=True) == ["private_in_bulk"]
    assert blocks("marketing", private_product=True) == []
    assert blocks("marketing", bulk=True) == []


def test_what_is_written_to_one_is_not_sent_to_many():
    refused = [kind for kind in KINDS if blocks(kind, bulk=True) == ["not_in_bulk"]]
    assert refused == ["thanks", "call_back", "answer"]
    assert all(blocks(kind, bulk=True) == [] for kind in KINDS if kind not in refused)


@pytest.mark.parametrize(
    ("today", "week", "refused"),
    [
        (0, 0, []),
        (0, 1, []),
        (1, 1, ["day_used_up"]),
        (0, 2, ["week_used_up"]),
        (1, 2, ["day_used_up", "week_used_up"]),
    ],
)
def test_one_a_day_and_two_in_seven_days(today, week, refused):
    to = replace(WILLING, marketing_today=today, marketing_this_week=week)
    assert blocks("marketing", to) == refused
    assert [kind for kind in KINDS if kind != "marketing" and blocks(kind, to)] == []


def test_what_waits_for_tomorrow_does_not_count_against_today():
    to = replace(WILLING, marketing_today=1, marketing_this_week=1)
    evening = judged("marketing", to, EVENING)
    assert names(evening) == []
    assert evening.wait is not None
    small_hours = datetime(2026, 3, 4, 3, 0, tzinfo=SHANGHAI)
    assert blocks("marketing", to, now=small_hours) == ["day_used_up"]


def test_a_bank_that_sells_by_no_message_at_all():
    assert blocks("marketing", bank=replace(Bank(), marketing_a_day=0)) == ["day_used_up"]


def test_nobody_is_greeted_twice():
    to = replace(WILLING, greeted_already=True)
    assert blocks("greeting", to) == ["greeted_already"]
    assert [kind for kind in KINDS if kind != "greeting" and blocks(kind, to)] == []


# ── quiet hours ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", PERSONAL)
def test_a_thank_you_owed_at_half_past_nine_is_sent_with_a_warning(kind):
    judgement = judged(kind, now=EVENING)
    assert names(judgement) == [("quiet_hours", "warn")]
    assert not judgement.blocked
    assert judgement.wait is None
    (verdict,) = judgement.verdicts
    assert "21:30" in verdict.words.zh
    assert "21:00 至 09:00" in verdict.words.zh
    assert verdict.kept.zh
    assert "请" not in verdict.kept.zh


@pytest.mark.parametrize("kind", UNASKED)
def test_a_greeting_at_half_past_nine_waits_for_nine_in_the_morning(kind):
    judgement = judged(kind, now=EVENING)
    assert judgement.verdicts == ()
    assert judgement.wait is not None
    assert judgement.wait.until == datetime(2026, 3, 5, 9, 0, tzinfo=SHANGHAI)
    assert "3月5日 09:00" in judgement.wait.why.zh
    assert "5 Mar 09:00" in judgement.wait.why.en


def test_a_bank_may_let_thanks_wait_too():
    judgement = judged("thanks", now=EVENING, bank=replace(Bank(), service_in_quiet_hours="block"))
    assert judgement.verdicts == ()
    assert judgement.wait is not None
    assert judgement.wait.until == datetime(2026, 3, 5, 9, 0, tzinfo=SHANGHAI)


def test_what_is_blocked_waits_for_nothing():
    judgement = judged("greeting", replace(WILLING, consents=frozenset()), EVENING)
    assert (names(judgement), judgement.wait) == ([("no_consent", "block")], None)


def at(day: int, clock: str) -> datetime:
    return datetime.combine(date(2026, 3, day), time.fromisoformat(clock), SHANGHAI)


@pytest.mark.parametrize(
    ("hours", "now", "until"),
    [
        (("21:00", "09:00"), at(4, "20:59:59"), None),
        (("21:00", "09:00"), at(4, "21:00"), at(5, "09:00")),
        (("21:00", "09:00"), at(4, "23:59:59"), at(5, "09:00")),
        (("21:00", "09:00"), at(5, "00:00"), at(5, "09:00")),
        (("21:00", "09:00"), at(5, "08:59:59"), at(5, "09:00")),
        (("21:00", "09:00"), at(5, "09:00"), None),
        (("12:00", "14:00"), at(4, "11:59"), None),
        (("12:00", "14:00"), at(4, "12:00"), at(4, "14:00")),
        (("12:00", "14:00"), at(4, "14:00"), None),
        (("21:00", "21:00"), at(4, "21:00"), None),
        (("00:00", "00:00"), at(4, "00:00"), None),
        (("21:00", "00:00"), at(4, "23:00"), at(5, "00:00")),
        (("00:00", "09:00"), at(5, "00:00"), at(5, "09:00")),
        (("21:00", "20:59"), at(4, "21:00"), at(5, "20:59")),
    ],
)
def test_quiet_hours_to_the_minute(hours, now, until):
    start, end = map(time.fromisoformat, hours)
    bank = replace(Bank(), quiet_from=start, quiet_to=end)
    assert quiet_until(now, bank) == until
    assert quiet_until(now.astimezone(UTC), bank) == until


@pytest.mark.parametrize(
    ("changes", "until"),
    [
        ([("quiet_to", "08:00")], at(5, "08:00")),
        ([("quiet_to", "10:30")], at(5, "10:30")),
        ([("quiet_from", "22:00"), ("quiet_to", "07:00")], at(5, "07:00")),
        ([("quiet_from", "09:00")], at(5, "00:00")),  # from and to the same: no quiet hours from that midnight on
        ([("quiet_from", "12:00"), ("quiet_to", "14:00")], at(5, "00:00")),
        ([("quiet_from", "00:00"), ("quiet_to", "12:00")], at(5, "12:00")),
    ],
)
def test_the_morning_is_that_of_the_next_days_settings(changes, until):
    settings = Settings([Change(name, value, date(2026, 3, 5)) for name, value in changes])
    assert quiet_until(EVENING, settings.now(EVENING)) == until


def test_what_waited_is_judged_by_the_settings_of_its_own_day():
    settings = Settings([Change("marketing_a_day", 0, date(2026, 3, 5))])
    assert judged("marketing", bank=settings.now(NOON)) == Judgement(())
    assert blocks("marketing", now=NOON + timedelta(days=1), bank=settings.now(NOON)) == ["day_used_up"]


def test_a_bank_that_moves_its_clocks_changes_at_midnight_in_utc():
    """In New York it is 19:00 then, in the middle of its quiet hours; in Shanghai 08:00, which is not quiet."""
    changes = [("zone", "America/New_York", 1), ("quiet_from", "18:00", 1), ("quiet_to", "23:00", 1)]
    settings = Settings(
        [
            *(Change(name, value, date(2026, 1, day)) for name, value, day in changes),
            Change("zone", "Asia/Shanghai", date(2026, 3, 5)),
        ]
    )
    now = datetime(2026, 3, 4, 18, 30, tzinfo=ZoneInfo("America/New_York"))
    assert quiet_until(now, settings.now(now)) == datetime(2026, 3, 5, 8, 0, tzinfo=SHANGHAI)


CLOCKS = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
MOMENTS = st.datetimes(datetime(2026, 3, 1), datetime(2026, 3, 8)).map(lambda moment: moment.replace(tzinfo=SHANGHAI))


@patient
@given(st.lists(st.tuples(CLOCKS, CLOCKS, st.integers(1, 9)), max_size=3), MOMENTS, st.booleans())
def test_a_wait_ends_at_the_first_moment_that_is_not_quiet(hours, now, abroad):
    changes = [
        Change(name, f"{clock:%H:%M}", date(2026, 3, day))
        for start, end, day in hours
        for name, clock in (("quiet_from", start), ("quiet_to", end))
    ]
    if abroad:
        changes.append(Change("zone", "Europe/London", date(2026, 3, 5)))
    settings = Settings(changes)
    until = quiet_until(now, settings.now(now))
    if until is None:
        return
    assert until > now
    assert quiet_until(until, settings.now(until)) is None
    steps = int((until - now) / timedelta(minutes=7))
    between = [now + timedelta(minutes=7) * step for step in range(steps)] + [until - timedelta(microseconds=1)]
    assert all(quiet_until(moment, settings.now(moment)) for moment in between)


# ── the text ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_verdict_for_each_rule_with_every_place():
    judgement = judged("marketing", text="保本且零风险，全国最佳，刚兑，收益安全")
    assert names(judgement) == [
        ("text_promised_return", "block"),
        ("text_no_risk", "block"),
        ("text_absolute", "block"),
        ("text_unfit", "warn"),
    ]
    first, warned = judgement.verdicts[0], judgement.verdicts[-1]
    assert "第 1 字起“保本”；第 13 字起“刚兑”" in first.words.zh
    assert "第二十五条" in first.words.zh
    assert "from character 13" in first.words.en
    assert (first.needs, first.origin, first.clause) == ("text", "law", "S5")
    assert warned.kept.zh == "短信含有第 18 字起“安全”。"


def test_a_warning_of_wording_stops_nothing():
    assert not judged("marketing", text="本行周六举办讲座，保证精彩").blocked


def test_a_private_number_is_not_repeated_by_who_refuses_it():
    (verdict,) = judged("service", text="您的卡4111111111111111已激活").verdicts
    assert verdict.name == "text_card_number"
    assert "4111" not in verdict.words.zh + verdict.words.en


def test_addresses_are_the_banks_own_rule():
    text = "详见 www.example.com"
    (verdict,) = judged("service", text=text).verdicts
    assert (verdict.name, verdict.origin) == ("text_link", "bank")
    assert judged("service", text=text, bank=replace(Bank(), links_in_messages=True)) == Judgement(())


@pytest.mark.parametrize("text", ["", "  ", "\u3000\n"])
def test_an_empty_message_is_none(text):
    assert blocks("thanks", text=text) == ["no_text"]


@pytest.mark.parametrize("text", ["【他行】感谢您", " 【智客银行】感谢您", "感谢您【智客银行】"])
def test_nobody_signs_by_hand(text):
    assert blocks("thanks", text=text) == ["own_signature"]
    assert blocks("thanks", text="感谢您参加【春季】讲座") == []


def test_a_wealth_product_wants_its_notice():
    assert names(judged("marketing", text="稳健理财产品A款，1万元起购")) == [("no_risk_notice", "warn")]
    assert names(judged("marketing", text="理财产品A款，理财非存款，产品有风险，投资须谨慎")) == []


@pytest.mark.parametrize(
    ("text", "well"),
    [
        ("{称谓}，本周有新品。{本人} {电话}", True),
        ("本周有新品，请致电 021-5558 0000。", True),
        ("本周有新品，请致电13800000001。", True),
        ("本周有新品，客服热线 955 00", False),
        ("本周有新品，客服９５５００。", True),
        ("本周有新品，客服 400-800-1234。", True),
        ("本周有新品，起点 95000元。", False),
        ("本周有新品，第 95001 期。", False),
        ("本周有新品。{机构} {本人}", False),
    ],
)
def test_what_sells_says_how_to_be_reached(text, well):
    said = lacks_contact("marketing", text, Bank())
    assert (said is None) == well
    assert said is None or "联系方式" in said.words.zh
    assert lacks_contact("greeting", text, Bank()) is None
    assert lacks_contact("marketing", "新品，热线 12580-1", replace(Bank(), service_number="12580-1")) is None


def test_a_hint_that_names_no_word_would_let_nobody_out():
    bank = replace(Bank(), optout_words=("T", "退订"), optout_hint="拒收请回复R")
    assert blocks("marketing", bank=bank) == ["hint_without_word"]
    assert blocks("greeting", bank=bank) == []
    assert blocks("marketing", bank=replace(bank, optout_hint="拒收请回复t")) == []


def test_what_was_looked_at_once_is_not_looked_at_again():
    phrases = look("零风险", "greeting")
    assert blocks("greeting", text="祝您新年好", phrases=phrases) == ["text_no_risk"]
    assert blocks("greeting", text="零风险", phrases=()) == []


def test_a_message_is_signed_and_says_how_to_opt_out():
    bank = Bank()
    assert dressed("祝您新年好！ ", "greeting", bank, "智客银行") == "【智客银行】祝您新年好！"
    assert dressed("周六有讲座", "marketing", bank, "智客银行") == "【智客银行】周六有讲座，拒收请回复R"
    assert dressed("周六有讲座。", "marketing", bank, "智客银行") == "【智客银行】周六有讲座。拒收请回复R"
    assert dressed("周六有讲座，拒收请回复R", "marketing", bank, "智客") == "【智客】周六有讲座，拒收请回复R"
    english = "Dear 王女士, a talk on Saturday."
    assert dressed(english, "marketing", bank, "智客") == f"【智客】{english} Reply R to opt out"
    own = replace(bank, message_signature="智客财富", greetings_carry_hint=True)
    assert dressed("祝您新年好！", "greeting", own, "智客银行") == "【智客财富】祝您新年好！拒收请回复R"
    assert dressed("感谢您", "thanks", own, "智客银行") == "【智客财富】感谢您"


# ── all of it ───────────────────────────────────────────────────────────────────────────────────────────────────

ORDER = [
    "no_mobile", "closed", "do_not_disturb", "complaint", "other_tier", "unsuited", "not_in_bulk", "private_in_bulk",
    "no_consent", "opted_out", "greeted_already", "day_used_up", "week_used_up", "quiet_hours", "no_text",
    "own_signature", "hint_without_word", "text_promised_return", "text_no_risk", "text_high_return", "text_absolute",
    "text_unfit", "text_like_a_deposit", "text_inducement", "text_selling", "text_identity_number",
    "text_card_number", "text_secret", "text_link", "no_scale", "no_risk_notice",
]  # fmt: skip

RECIPIENTS = st.builds(
    Recipient,
    tier=st.sampled_from(["regular", "platinum", "private"]),
    has_mobile=st.booleans(),
    deceased_on=st.none() | st.just(date(2026, 1, 1)),
    closed=st.booleans(),
    do_not_disturb=st.booleans(),
    complaint_open=st.booleans(),
    opted_out=st.booleans(),
    consents=st.frozensets(st.sampled_from(["greeting", "marketing"])),
    marketing_today=st.integers(0, 2),
    marketing_this_week=st.integers(0, 3),
    greeted_already=st.booleans(),
    unsuited=st.none() | st.just(Words("不适合。", "Unsuited.")),
)
PIECES = st.lists(
    st.sampled_from(["保本", "收益率", "最佳", "安全", "您好", " ", "，", "【", "】", "icbc.com", "密码123456"])
)


@patient
@given(
    st.sampled_from(list(KINDS)),
    PIECES.map("".join) | st.text(max_size=40),
    RECIPIENTS,
    MOMENTS,
    st.booleans(),
    st.booleans(),
    st.sets(st.sampled_from(["platinum", "diamond", "no_such_tier"])),
)
def test_it_never_crashes_and_says_things_in_one_order(kind, text, to, now, bulk, private, audience):
    given_ = {"now": now, "bank": Bank(), "bulk": bulk, "private_product": private, "audience": audience}
    judgement = judge(kind, text, to, **given_)
    assert judge(kind, text, to, **given_) == judgement
    told = [verdict.name for verdict in judgement.verdicts]
    if to.deceased_on:
        assert told == ["deceased"]
    else:
        assert [ORDER.index(name) for name in told] == sorted({ORDER.index(name) for name in told})
    for verdict in judgement.verdicts:
        assert verdict.clause == "S5"
        assert verdict.origin in {"law", "bank"}
        assert verdict.words.zh.endswith("。")
        assert verdict.words.en.endswith(".")
        assert verdict.effect == "block" or verdict.kept.zh
    if judgement.wait:
        assert not judgement.blocked
        assert judgement.wait.until.tzinfo
        assert judge(kind, text, to, **{**given_, "now": judgement.wait.until}).wait is None


# ── opting out ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    ["T", "t", "TD", "td", "R", "r", "退订", "拒收", " T ", "Ｔ", "ｔｄ", "T。", "TD!", "退订！", "退訂", "“T”", "R\n", "T D", "退 订", "\u200bT"],
)  # fmt: skip
def test_an_opt_out_word_alone_stops_at_once(text):
    assert opt_out(text, Bank()) == "yes"


@pytest.mark.parametrize(
    "text",
    ["产品广告就不用发给我了。T", "我要退订", "T，不用再发了", "请帮我拒收", "回复T", "TD 谢谢", "不要发了 r", "我要退訂", "T退订", "T T"],
)  # fmt: skip
def test_inside_a_sentence_the_rm_is_asked(text):
    assert opt_out(text, Bank()) == "ask"


@pytest.mark.parametrize(
    "text",
    ["TD-LTE手机", "Robert", "", "。", "好的", "T恤什么时候到", "I don't know", "don’t", "AT&T", "R&D", "R2产品", "td_lte", "start", "收到", "N"],
)  # fmt: skip
def test_anything_else_is_none(text):
    assert opt_out(text, Bank()) == "no"


def test_the_words_are_the_banks_own():
    bank = replace(Bank(), optout_words=("STOP", "。"))
    assert (opt_out("stop.", bank), opt_out("please stop", bank), opt_out("T", bank)) == ("yes", "ask", "no")
    assert opt_out("", bank) == "no"
    assert opt_out("T", replace(bank, optout_words=())) == "no"


@patient
@given(st.text(max_size=60), st.lists(st.text(min_size=1, max_size=20), max_size=5))
def test_no_reply_is_too_strange(text, words):
    assert opt_out(text, replace(Bank(), optout_words=tuple(words))) in {"yes", "ask", "no"}
