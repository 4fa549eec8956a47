"""The bank's settings: CLAUSES.md's defaults, their changes from a day on, and what is refused."""

import json
from datetime import date, time
from decimal import Decimal

import pytest

from zhike.conduct.bank import ROLES, SETTINGS, Bank, Change, Settings
from zhike.conduct.setting import SettingRefused, plain, read
from zhike.conduct.tiers import Tier

TIERS = plain(Bank().tiers)
RHYTHM = plain(Bank().rhythm)


def test_the_defaults_are_those_of_the_table():
    bank = Bank()
    assert bank.zone.key == "Asia/Shanghai"
    assert (bank.reception_late_from, bank.reception_late_due) == (time(21), time(12))
    assert (bank.reception_thanks_below_platinum, bank.visit_thanks_below_platinum) == (False, True)
    assert (bank.visit_evening_from, bank.visit_evening_to, bank.visit_late_from) == (time(18), time(22), time(21))
    assert bank.visit_first_needs_sms
    assert bank.visit_call_where_sms_impossible
    assert bank.one_message_closes_day
    assert bank.tier_counts == "contact_end"
    assert bank.callback_tolerance == 5
    assert (bank.arrival_earliest, bank.arrival_target, bank.arrival_prescribed_to) == (25, 15, 10)
    assert bank.own_phone_thanks == ("reception", "visit", "first_call")
    assert bank.birthday_leap_month == "own_month"
    assert (bank.birthday_lunar_30, bank.birthday_feb_29) == ("last_day", "feb_28")
    assert bank.writeup_days == 0
    assert (bank.quiet_from, bank.quiet_to) == (time(21), time(9))
    assert bank.optout_words == ("T", "TD", "R", "退订", "拒收")
    assert (bank.message_signature, bank.optout_hint, bank.greetings_carry_hint) == ("", "拒收请回复R", False)
    assert bank.segment_price == Decimal("0.045")
    assert not bank.links_in_messages
    assert bank.greeted_festivals == ("new_year", "spring_festival", "dragon_boat", "mid_autumn", "national_day")
    assert (bank.greetings_arranged_before, bank.greeting_at) == (14, time(9))
    assert (bank.sales_call_from, bank.sales_call_to) == (time(9), time(20))
    assert (bank.sales_calls_a_day, bank.sales_calls_a_week) == (1, 2)
    assert (bank.callback_leader_after, bank.callback_leaders_leader) == (30, False)
    assert not bank.wecom_counts_as_sms
    assert bank.next_day == "calendar"
    assert bank.second_factor_roles == ROLES


def test_every_setting_survives_json_and_is_worded():
    for name, setting in SETTINGS.items():
        value = getattr(Bank(), name)
        assert read(setting, json.loads(json.dumps(plain(value)))) == value, name
        assert setting.name == name
        assert setting.label.zh != setting.label.en
        assert setting.unit or setting.kind != "number", name
        assert setting.choices or setting.kind not in ("choice", "choices"), name


def test_platinum_and_above():
    bank = Bank()
    assert [tier.key for tier in bank.tiers if bank.at_least(tier.key, "platinum")] == [
        "platinum",
        "diamond",
        "private",
    ]
    assert [bank.rank(tier.key) for tier in bank.tiers] == [0, 1, 2, 3, 4]
    assert bank.tier("private").keep_months == 6
    assert bank.rhythm_of("diamond").contact_days == 30
    with pytest.raises(ValueError, match="silver"):
        bank.rank("silver")


def test_a_bank_may_have_tiers_of_its_own():
    affluent = {"key": "affluent", "zh": "富裕", "en": "Affluent", "from_assets": "20000.50", "keep_months": 2}
    rhythm = {"tier": "affluent", "contact_days": 365, "meeting_days": None, "review_days": None, "book_limit": None}
    bank = Settings(
        [
            Change("tiers", [TIERS[0], affluent, *TIERS[1:]], date(2026, 1, 1)),
            Change("rhythm", [*RHYTHM, rhythm], date(2026, 1, 1)),
        ]
    ).at(date(2026, 1, 1))
    assert bank.rank("platinum") == 3
    assert bank.tier("affluent") == Tier("affluent", bank.tier("affluent").name, Decimal("20000.50"), 2)


def test_a_change_counts_from_its_day_on():
    settings = Settings(
        [
            Change("callback_tolerance", 3, date(2026, 4, 1)),
            Change("callback_tolerance", 10, date(2026, 2, 1)),
            Change("reception_late_from", "20:30", date(2026, 4, 1)),
        ]
    )
    seen = {
        day: settings.at(day).callback_tolerance for day in (date(2026, 1, 31), date(2026, 2, 1), date(2026, 3, 31))
    }
    assert list(seen.values()) == [5, 10, 10]
    april = settings.at(date(2026, 4, 1))
    assert (april.callback_tolerance, april.reception_late_from) == (3, time(20, 30))
    assert settings.at(date(2030, 1, 1)) == april
    later = settings.with_change(Change("callback_tolerance", 4, date(2026, 4, 1)))
    assert later.at(date(2026, 4, 1)).callback_tolerance == 4
    assert settings.at(date(2026, 4, 1)).callback_tolerance == 3


@pytest.mark.parametrize(
    ("name", "raw", "sentence"),
    [
        ("callback_tolerance", 61, "应为 0 到 60 之间的整数"),
        ("callback_tolerance", "5", "应为 0 到 60 之间的整数"),
        ("callback_tolerance", True, "应为 0 到 60 之间的整数"),
        ("idle_minutes", 0, "应为 1 到 120 之间的整数"),
        ("quiet_from", "25:00", "应为 00:00 到 23:59 之间的时刻"),
        ("quiet_from", "9:00", "应为 00:00 到 23:59 之间的时刻"),
        ("visit_first_needs_sms", "on", "只能为开或关"),
        ("next_day", "someday", "calendar, workday"),
        ("own_phone_thanks", ["reception", "birthday"], "reception, visit, first_call"),
        ("optout_words", ["退订", " "], "每项应为 1 到 20 个字符"),
        ("optout_words", "退订", "应为至多 50 项的列表"),
        ("segment_price", "0.04501", "至多四位小数"),
        ("segment_price", "-0.01", "应为 0 到 10 之间的数"),
        ("segment_price", "11", "应为 0 到 10 之间的数"),
        ("segment_price", "NaN", "应为 0 到 10 之间的数"),
        ("segment_price", 0.045, "应为 0 到 10 之间的数"),
        ("optout_hint", " ", "应为一行 1 到 20 个字"),
        ("message_signature", "【智客银行】", "不含【】"),
        ("message_signature", "智客\n银行", "应为一行"),
        ("message_signature", "智" * 21, "应为一行 0 到 20 个字"),
        ("greeted_festivals", ["spring_festival", "singles_day"], "须从所列选项中选择"),
        ("zone", "Asia/Peking", "应为时区名"),
        ("zone", "../etc/passwd", "应为时区名"),
        ("tiers", TIERS[:2], "platinum 与 diamond"),
        ("tiers", [*TIERS, TIERS[0]], "不得重复"),
        ("tiers", TIERS[1:], "最低等级门槛应为 0"),
        ("tiers", [{**TIERS[0], "from_assets": "1.005"}, *TIERS[1:]], "至多两位小数"),
        ("tiers", [{**TIERS[0], "from_assets": "NaN"}, *TIERS[1:]], "至多两位小数"),
        ("tiers", [{**TIERS[0], "zh": ""}, *TIERS[1:]], "中英文名称"),
        ("tiers", [{"key": "regular"}], "每行应恰有这些栏"),
        ("rhythm", [{**RHYTHM[0], "contact_days": 0}, *RHYTHM[1:]], "应为 1 到 3660 之间的整数"),
        ("rhythm", RHYTHM[1:], "为每个客户等级各列一行"),
        ("arrival_target", 9, "应介于"),
        ("visit_evening_to", "20:59", "延至午夜"),
        ("sales_call_to", "08:00", "应晚于起点"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(name, raw, sentence):
    with pytest.raises(SettingRefused) as refused:
        Settings().with_change(Change(name, raw, date(2026, 1, 1)))
    assert sentence in refused.value.words.zh
    assert SETTINGS[name].label.zh in refused.value.words.zh
    assert SETTINGS[name].label.en in refused.value.words.en


def test_a_later_change_that_an_earlier_one_would_break_is_refused():
    settings = Settings([Change("arrival_earliest", 20, date(2026, 6, 1))])
    with pytest.raises(SettingRefused):
        settings.with_change(Change("arrival_target", 22, date(2026, 1, 1)))


def test_an_unknown_setting_is_refused():
    with pytest.raises(KeyError):
        Settings([Change("tea", "green", date(2026, 1, 1))])
