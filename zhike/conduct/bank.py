"""The bank's own settings: what CLAUSES marks (bank) or (law), each with its default, its label and its limits.

A setting is changed from a day on; what was owed before that day keeps the old value. `Settings` holds the changes,
`Settings.at(day)` is the `Bank` of that day.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import groupby
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

from zhike.conduct.calendars import BirthdayPolicy
from zhike.conduct.fields import DAYS, HOURS, MINUTES, PEOPLE, SECONDS, TIMES, choice, clock, number, setting, switch
from zhike.conduct.message_settings import MessageSettings
from zhike.conduct.reminding import Reminding
from zhike.conduct.setting import Setting, SettingRefused, read
from zhike.conduct.tiers import Rhythm, Tier, TierRules
from zhike.conduct.words import Words

ROLES = ("rm", "leader", "marketing", "compliance", "risk", "auditor", "administrator")

_REVIEWS = Words(
    "“检视”一栏尚未生效：检视要有客户签收的检视报告，待报告功能上线后生效",
    "Nothing is owed by the column “review” yet: a review is a report that the customer signs, and takes effect with it",
)

_ROLE_WORDS = {
    "rm": Words("客户经理", "Relationship manager"),
    "leader": Words("主管", "Team leader"),
    "marketing": Words("营销", "Marketing"),
    "compliance": Words("合规", "Compliance"),
    "risk": Words("风险", "Risk"),
    "auditor": Words("审计", "Auditor"),
    "administrator": Words("管理员", "Administrator"),
}

_TIERS = (
    Tier("regular", Words("普通", "Regular"), Decimal(0)),
    Tier("gold", Words("金卡", "Gold"), Decimal(50_000)),
    Tier("platinum", Words("白金", "Platinum"), Decimal(200_000)),
    Tier("diamond", Words("钻石", "Diamond"), Decimal(1_000_000)),
    Tier("private", Words("私人银行", "Private banking"), Decimal(6_000_000), keep_months=6),
)

_RHYTHM = (
    Rhythm("regular", None, None, None, None),
    Rhythm("gold", 180, None, 365, 400),
    Rhythm("platinum", 90, 365, 180, 200),
    Rhythm("diamond", 30, 180, 90, 120),
    Rhythm("private", 14, 90, 90, 60),
)

_REMINDERS = (
    Reminding("call_back", before=(15, 2, 0)),
    Reminding("call_again", closing=True),
    Reminding("arrival", before=(10,)),
    Reminding("apology", at_once=True, closing=True),
    Reminding("answer", morning=True, closing=True),
    Reminding("promise", morning=True, closing=True),
    Reminding("take_on", at_once=True, closing=True),
    Reminding("assignment", morning=True, closing=True),
    Reminding("look_over", at_once=True, closing=True),
    Reminding("thanks", closing=True),
    Reminding("write_up", closing=True),
    Reminding("birthday", morning=True, closing=True, spread=True),
    Reminding("rhythm", morning=True, spread=True),
    Reminding("meet", morning=True, spread=True),
    Reminding("look_into", at_once=True),
    Reminding("greetings", morning=True),
    Reminding("forward", morning=True, closing=True),
    Reminding("sign_in", before=(15, 0)),
    Reminding("outing_report", closing=True),
    Reminding("help", at_once=True, before=(10,)),
    Reminding("delivery", morning=True, closing=True),
    Reminding("prospect_step", morning=True, closing=True),
    Reminding("prospect_keep", morning=True),
    Reminding("note_answer", morning=True, closing=True),
    Reminding("answer_back", at_once=True),
    Reminding("acknowledge", morning=True),
    Reminding("work_plan", before=(10,)),
    Reminding("planned", closing=True),
    Reminding("plan_comment", at_once=True),
)


@dataclass(frozen=True)
class Bank(MessageSettings):
    """Every setting as it stands on one day. Field order is the order on the settings page, within each group."""

    # The settings through time of which this is one day; None for a bank that stands by itself.
    _through: ClassVar["Settings | None"] = None

    zone: ZoneInfo = setting(ZoneInfo("Asia/Shanghai"), "时区", "Time zone", "zone", group="hours")

    # Thanks
    reception_late_from: time = clock(
        21,
        0,
        "接待送别晚于此时，致谢可延至次日",
        "Farewell later than this: thanks may wait for the next day",
        "R12",
        group="hours",
    )
    reception_late_due: time = clock(
        12, 0, "晚间送别后的致谢，次日截止", "Thanks after a late farewell: due next day at", "R12", group="deadlines"
    )
    reception_thanks_below_platinum: bool = switch(
        False, "接待后也向白金以下客户致谢", "Thanks after a reception below platinum too", "R12", group="thanks"
    )
    visit_thanks_below_platinum: bool = switch(
        True, "拜访后也向白金以下客户致谢", "Thanks after a visit below platinum too", "V5", group="thanks"
    )
    visit_evening_from: time = clock(18, 0, "拜访当晚：起", "The evening of a visit: from", "V5", group="hours")
    visit_evening_to: time = clock(22, 0, "拜访当晚：止", "The evening of a visit: to", "V5", group="hours")
    visit_late_from: time = clock(
        21,
        0,
        "拜访结束晚于此时，当晚延至午夜",
        "Visit ending later than this: the evening lasts till midnight",
        "V5",
        group="hours",
    )
    visit_thanks_before_evening: bool = switch(
        True,
        "拜访结束后至当晚开始前的致谢也算",
        "Thanks between the end of a visit and the evening count",
        "V5",
        group="hours",
    )
    visit_first_needs_sms: bool = switch(
        True, "首次拜访须发短信致谢", "A first visit needs an SMS", "V5", group="thanks"
    )
    visit_call_where_sms_impossible: bool = switch(
        True,
        "发不了短信的白金客户，拜访后可改打电话",
        "A call instead where an SMS is impossible (platinum visit)",
        "V5",
        group="thanks",
    )
    one_message_closes_day: bool = switch(
        True,
        "同一客户同日多次联系，最后一次之后的一条短信一并了结",
        "Several contacts with one customer on one day: one message after the last closes all",
        "R12 V5 C10",
        group="thanks",
    )
    tier_counts: str = choice(
        "以何时的等级为准",
        "The tier that counts",
        {
            "contact_end": ("联系结束时", "At the end of the contact"),
            "contact_start": ("联系开始时", "At the start of the contact"),
        },
        "R2 R11 R12 V5",
        group="tiers",
    )
    own_phone_thanks: tuple[str, ...] = setting(
        ("reception", "visit", "first_call"),
        "可用自己手机致谢的场合",
        "Thanks allowed from one's own phone",
        "choices",
        "S2",
        "code",
        choices={
            "reception": Words("接待后", "After a reception"),
            "visit": Words("拜访后", "After a visit"),
            "first_call": Words("首次通话后", "After a first call"),
        },
        group="thanks",
    )
    wecom_counts_as_sms: bool = switch(
        False, "规范要求短信之处，企业微信也算", "WeCom counts where the code says SMS", "R12 V5 C10", group="thanks"
    )
    stand_in_thanks: str = choice(
        "代班人代发致谢",
        "Thanks sent by a stand-in",
        {
            "names_own_rm": ("写明客户自己的客户经理，不得冒称", "Names the customer's own RM, never claims to be it"),
            "not_sent": ("不代发，等本人", "Not sent; waits for the RM"),
        },
        "R12 V5 C10",
        group="thanks",
    )

    # Visits and calls
    arrival_earliest: int = number(
        25, "早于约定多少分钟算过早到达", "Too early: more than so long before", MINUTES, 180, "V2", group="hours"
    )
    arrival_target: int = number(
        15, "提前多少分钟到门口", "To be at the door before the time", MINUTES, 120, "V2", origin="code", group="hours"
    )
    arrival_prescribed_to: int = number(
        10,
        "不晚于约定前多少分钟算合规到达",
        "As prescribed: at least so long before",
        MINUTES,
        120,
        "V2",
        group="hours",
    )
    leave_reminder: int = number(
        60, "出发提醒提前", "Reminder to leave, before the time", MINUTES, 480, "V2", group="reminders"
    )
    visit_length: int = number(
        45, "拜访计划时长（默认）", "Planned length of a visit (proposed)", MINUTES, 480, "V4", low=5, group="hours"
    )
    callback_tolerance: int = number(
        5, "约定回电允许偏差", "Call-back tolerance, either way", MINUTES, 60, "C5", group="hours"
    )
    callback_leader_after: int = number(
        30,
        "约定回电过时仍未打，多久后告知主管",
        "Leader told of a missed call-back after",
        MINUTES,
        1440,
        "C5",
        group="deadlines",
    )
    callback_leaders_leader: bool = switch(
        False,
        "错过的约定回电也告知上级主管",
        "The leader's leader is told of a missed call-back too",
        "C5",
        group="deadlines",
    )
    outing_guard: str = choice(
        "拜访前没有报备外出",
        "A visit outside without a reported outing",
        {
            "warn": ("提醒，并记为发现", "Warn, and keep it as a finding"),
            "block": ("不能开始；事后补记的记为发现", "Does not begin; recorded afterwards it is a finding"),
            "off": ("不管", "Nothing"),
        },
        "W7",
        group="deadlines",
    )
    outing_leader_after: int = number(
        30,
        "外出逾时未返回签到，多久后告知主管",
        "Leader told of somebody who is not back after",
        MINUTES,
        1440,
        "W7",
        group="deadlines",
    )
    help_answer_within: int = number(
        30,
        "外出中的求助，主管须在多久内答复",
        "A request for help from an outing is answered within",
        MINUTES,
        1440,
        "W7",
        low=1,
        group="deadlines",
    )
    try_again_days: int = number(
        1, "无人接听，再打的期限", "Nobody answered: try again within", DAYS, 30, "C3", group="deadlines"
    )
    call_length: int = number(5, "通话多久即提示简短", "A call is long after", MINUTES, 120, "C7", low=1, group="hours")
    acquaintance: str = choice(
        "首次见面、首次通话按谁算",
        "First meeting and first call are counted",
        {"rm": ("按客户与客户经理", "Per customer and RM"), "bank": ("按客户与本行", "Per customer and bank")},
        "R3 R12 V5 C9 C10",
        group="rhythm",
    )

    # What follows
    writeup_days: int = number(
        0, "联系记录：当日之后宽限", "Write-up: grace after the day itself", DAYS, 5, "R13 V6 C6", group="deadlines"
    )
    next_day: str = choice(
        "“次日”指",
        "“The next day” is",
        {"calendar": ("次日（日历日）", "The calendar day after"), "workday": ("下一工作日", "The next working day")},
        "V7",
        group="deadlines",
    )
    promise_workdays: int = number(
        2,
        "承诺答复的默认时限（工作日）",
        "A promise is answered within, proposed (working days)",
        DAYS,
        30,
        "W11",
        low=1,
        group="deadlines",
    )
    assignment_workdays: int = number(
        1,
        "交办：接受或反问、领导看交来的，时限（工作日）",
        "Assignments: taken on or asked about, and looked at once handed in, within (working days)",
        DAYS,
        30,
        "W2",
        low=1,
        group="deadlines",
    )
    plan_periods: tuple[str, ...] = setting(
        ("day", "week"),
        "客户经理须定哪些工作计划（都不选：不要求）",
        "Which plans each RM makes (none chosen: they are not asked for)",
        "choices",
        "W1",
        choices={
            "day": Words("日计划", "Of each working day"),
            "week": Words("周计划", "Of each week"),
            "month": Words("月计划", "Of each month"),
        },
        group="deadlines",
    )
    plan_due_at: time = clock(
        9, 0, "工作计划须在当日几点前定好", "On its day a plan is made by", "W1", group="deadlines"
    )
    acknowledge_roles: tuple[str, ...] = setting(
        ("rm", "leader"),
        "谁须阅知行为规范，每一新版一次（都不选：不要求）",
        "Who acknowledges the conduct code, each new version once (nobody chosen: it is not asked for)",
        "choices",
        "W6",
        choices={role: _ROLE_WORDS[role] for role in ("rm", "leader")},
        group="deadlines",
    )
    acknowledge_days: int = number(
        7,
        "行为规范须在几日内阅知（含当日）",
        "The conduct code is acknowledged within, the first day included",
        DAYS,
        14,
        "W6",
        low=1,
        group="deadlines",
    )
    waiver_needs_leader: bool = switch(
        False, "豁免须主管批准", "A waiver needs the leader's approval", group="deadlines"
    )

    # Reminders
    reminders: tuple[Reminding, ...] = setting(
        _REMINDERS, "各类应办何时提醒", "When each kind is remembered", "reminders", "C5 V2 V7", group="reminders"
    )
    work_from: time = clock(8, 30, "上班时间：起", "Working hours: from", group="reminders")
    work_to: time = clock(17, 30, "上班时间：止", "Working hours: to", group="reminders")
    reminder_closing: int = number(
        30, "下班前多久提醒", "Reminded before closing, by", MINUTES, 240, low=1, group="reminders"
    )
    reminder_latest: time = clock(
        21,
        0,
        "下班后才产生的应办，最晚提醒到",
        "What is owed only after work is reminded of until",
        group="reminders",
    )
    # A personal phone lies outside the bank's walls: nothing goes there before the bank says so, and then as little as serves.
    calendar_feed: bool = switch(
        False,
        "员工可在自己的手机上订阅日历",
        "Staff may subscribe to their calendar on a phone of their own",
        uncertified=True,
        group="reminders",
    )
    calendar_detail: Literal["kind", "address", "name"] = choice(
        "手机日历写到哪一步",
        "What the calendar on a phone says",
        {
            "kind": ("只写几点、什么事", "Only when and what"),
            "address": ("另写称谓", "The form of address as well"),
            "name": ("另写姓名和地点", "Name and place as well"),
        },
        uncertified=True,
        group="reminders",
    )
    digest_at: time = clock(
        17,
        0,
        "每个工作日几点向机构的群发团队汇总（设置了群机器人的机构）",
        "When each working day a unit's group is sent the team digest (units with a group robot)",
        group="reminders",
    )

    # Birthdays
    birthday_greeting: bool = switch(True, "生日当天问候客户", "A greeting on the birthday", "R5", group="birthdays")
    birthday_leap_month: Literal["own_month", "ordinary_month"] = choice(
        "闰月生日",
        "Birthday in a leap month",
        {
            "own_month": (
                "有该闰月之年在闰月过，无则在平月过",
                "In its own leap month where there is one, else the ordinary month",
            ),
            "ordinary_month": ("一律在平月过", "Always in the ordinary month"),
        },
        "R5",
        group="birthdays",
    )
    birthday_lunar_30: Literal["last_day", "next_first"] = choice(
        "生于农历三十，当月只有廿九",
        "Lunar 30th in a 29-day month",
        {
            "last_day": ("廿九过", "The last day of that month"),
            "next_first": ("次月初一过", "The first of the month after"),
        },
        "R5",
        group="birthdays",
    )
    birthday_feb_29: Literal["feb_28", "mar_1"] = choice(
        "生于 2 月 29 日，平年",
        "29 February in a common year",
        {"feb_28": ("2 月 28 日过", "28 February"), "mar_1": ("3 月 1 日过", "1 March")},
        "R5",
        group="birthdays",
    )
    child_age_known_from: int = number(
        14,
        "子女满多少周岁方可记详情",
        "Details of a child are kept from the age of",
        Words("周岁", "years"),
        18,
        "R5",
        origin="law",
        low=14,
        uncertified=True,
        group="birthdays",
    )

    # Tiers and rhythm
    tiers: tuple[Tier, ...] = setting(
        _TIERS, "客户等级", "Tiers", "tiers", "R2 R12 V5", uncertified=True, group="tiers"
    )
    upgrade: Literal["next_month", "same_month"] = choice(
        "达标后升级自",
        "An upgrade is in force from",
        {"next_month": ("次月起", "The month after"), "same_month": ("当月起", "The same month")},
        uncertified=True,
        group="tiers",
    )
    tier_near_percent: int = number(
        10,
        "距上一等级门槛多少以内视为可能升级",
        "About to rise: short of the next tier's threshold by at most",
        Words("%", "%"),
        50,
        "W5",
        low=1,
        uncertified=True,
        group="tiers",
    )
    rhythm: tuple[Rhythm, ...] = setting(
        _RHYTHM,
        "联系频次与管户上限",
        "Contact rhythm and size of a book",
        "rhythm",
        "W5",
        uncertified=True,
        waits=_REVIEWS,
        group="rhythm",
    )
    rhythm_call_seconds: int = number(
        60,
        "通话满多少秒算有效联系",
        "A call counts as contact from",
        SECONDS,
        600,
        "W5",
        uncertified=True,
        group="rhythm",
    )
    rhythm_soon_percent: int = number(
        20,
        "周期剩余多少即提示临期",
        "Rhythm: said to be soon with this much left",
        Words("%", "%"),
        90,
        "W5",
        uncertified=True,
        group="rhythm",
    )

    # Prospects and market notes
    prospects_held: int = number(
        80, "一人至多持有潜在客户", "Prospects that one RM may hold", PEOPLE, 2000, "W5", low=1, group="market"
    )
    prospects_claimed: int = number(
        10, "一人每日至多从公海认领", "Prospects that one RM may claim a day", PEOPLE, 500, "W5", low=1, group="market"
    )
    prospect_idle_days: int = number(
        30, "多久没有联系即退回公海", "A prospect goes back to the pool after so long without a contact",
        DAYS, 730, "W5", low=2, group="market",
    )  # fmt: skip
    prospect_idle_days_high: int = number(
        15, "预计白金及以上的，多久没有联系即退回公海", "The same where platinum or above is expected",
        DAYS, 730, "W5", low=2, group="market",
    )  # fmt: skip
    prospect_told_days: int = number(
        3, "退回公海前多久告知", "Told so long before it goes back", DAYS, 60, "W5", low=1, group="market"
    )

    note_answers: bool = switch(
        True, "收到报送的市场信息须答复", "Whoever receives a market note owes an answer", "W12", group="market"
    )
    note_answer_workdays: int = number(
        3,
        "市场信息的答复时限（工作日）",
        "A market note is answered within (working days)",
        DAYS,
        30,
        "W12",
        low=1,
        group="market",
    )

    market_letters: bool = switch(
        False,
        "每周一将上周市场信息周报发到主管邮箱（须已配置邮件服务器）",
        "Each Monday the market's week goes to leaders by e-mail (where a mail server is set up)",
        "W12",
        group="market",
    )

    # Leave and cover
    leave_days: int = number(
        30, "一次休假代班最长", "One leave is covered for at most", DAYS, 180, low=1, group="leave"
    )
    stand_in_from: str = choice(
        "代班人可来自",
        "A stand-in may come from",
        {
            "unit": ("本机构及其上级机构", "The same unit, or one above it"),
            "bank": ("全行", "Anywhere in the bank"),
        },
        group="leave",
    )

    # Records
    document_mb: int = number(
        50,
        "归档单个文件最大",
        "A file of the records has at most",
        Words("MB", "MB"),
        500,
        "W10",
        low=1,
        group="records",
    )
    document_archives: bool = switch(
        False,
        "允许归档 ZIP 压缩包（内容不可查找）",
        "ZIP archives are kept (their content is not searched)",
        "W10",
        group="records",
    )

    # Access
    second_factor_roles: tuple[str, ...] = setting(
        ROLES,
        "须双因素登录的角色",
        "Roles that sign in with a second factor",
        "choices",
        choices=_ROLE_WORDS,
        group="security",
    )
    idle_minutes: int = number(
        15, "空闲多久即退出登录", "An idle session ends after", MINUTES, 120, low=1, group="security"
    )
    session_hours: int = number(12, "登录最长持续", "A session lasts at most", HOURS, 24, low=1, group="security")
    lockout_failures: int = number(
        5, "连续登录失败多少次即锁定", "Locked after failed sign-ins", TIMES, 20, low=1, group="security"
    )
    lockout_minutes: int = number(15, "锁定时长", "Locked for", MINUTES, 1440, low=1, group="security")
    token_days: int = number(
        90, "API 令牌最长有效期", "A program's token is good for at most", DAYS, 366, low=1, group="security"
    )
    # Each call to one's own customer shows a number: forty calls, and as much again that is looked up.
    reveals_a_day: int = number(
        80,
        "每人每日查看明文至多",
        "Personal data shown in clear, a day and person",
        TIMES,
        1000,
        uncertified=True,
        group="security",
    )

    def __post_init__(self) -> None:
        for name, ok, zh, en in self._coherence():
            if not ok:
                raise SettingRefused(SETTINGS[name], zh, en)

    def _coherence(self) -> Iterable[tuple[str, bool, str, str]]:
        """What must hold between settings."""
        yield (
            "visit_evening_to",
            self.visit_evening_from < self.visit_late_from <= self.visit_evening_to,
            "应不早于“延至午夜”的时刻，且后者应晚于当晚的起点。",
            "must not lie before the hour from which the evening lasts till midnight, nor that before its start.",
        )
        yield (
            "arrival_target",
            self.arrival_earliest >= self.arrival_target >= self.arrival_prescribed_to,
            "应介于“过早”与“合规”两个界限之间。",
            "must lie between the too-early limit and the prescribed limit.",
        )
        yield (
            "reminders",
            {row.kind for row in self.reminders} <= {row.kind for row in _REMINDERS},
            "只能列知客所知的应办种类。",
            "may only list kinds of obligations that Zhike knows.",
        )
        yield (
            "work_to",
            self.work_from < self.work_to < self.reminder_latest,
            "应晚于起点，且早于下班后最晚提醒的时刻。",
            "must be later than its start, and earlier than the latest reminder after work.",
        )
        yield (
            "sales_call_to",
            self.sales_call_from < self.sales_call_to,
            "应晚于起点。",
            "must be later than its start.",
        )
        yield (
            "rhythm",
            sorted(row.tier for row in self.rhythm) == sorted(tier.key for tier in self.tiers),
            "应为每个客户等级各列一行，请与“客户等级”一并修改。",
            "needs one row for each tier; change it together with Tiers.",
        )

    def at(self, moment: datetime) -> "Bank":
        """The settings as they stood on the bank's day at another moment: what is owed keeps the values of its own day."""
        return self._through.now(moment) if self._through else self

    def since(self, day: date, look: Callable[["Bank"], object]) -> date | None:
        """From which day on what one looks at is as it is on `day`; None: since ever."""
        return self._through.since(day, look) if self._through else None

    def tier_moment(self, ended: datetime, started: datetime | None) -> datetime:
        """The moment whose month's tier counts for a contact: its end, or its start where the setting of its day says so."""
        return started if started and self.at(ended).tier_counts == "contact_start" else ended

    @property
    def birthday_policy(self) -> BirthdayPolicy:
        return BirthdayPolicy(self.birthday_leap_month, self.birthday_lunar_30, self.birthday_feb_29)

    @property
    def tier_rules(self) -> TierRules:
        return TierRules(self.tiers, self.upgrade)

    def rank(self, tier: str) -> int:
        """Position of a tier, lowest first. Raises ValueError for a tier that the bank does not have."""
        return [row.key for row in self.tiers].index(tier)

    def at_least(self, tier: str, floor: str) -> bool:
        """Whether `tier` is `floor` or above it ("platinum+")."""
        return self.rank(tier) >= self.rank(floor)

    def tier(self, key: str) -> Tier:
        return self.tiers[self.rank(key)]

    def rhythm_of(self, tier: str) -> Rhythm:
        return next(row for row in self.rhythm if row.tier == self.tier(tier).key)

    def reminding(self, kind: str) -> Reminding | None:
        """How a kind of obligation is remembered; None: not at all."""
        return next((row for row in self.reminders if row.kind == kind), None)


SETTINGS: dict[str, Setting] = {row.name: replace(row.metadata["setting"], name=row.name) for row in fields(Bank)}
"""Every setting by its name, in the order of the page."""


@dataclass(frozen=True, slots=True)
class Change:
    """Setting `name` has `value` (plain JSON) from `from_day` on, until a later change."""

    name: str
    value: object
    from_day: date


class Settings:
    """A bank's settings through time: the defaults, and the changes to them.

    Raises SettingRefused where a value, or what stands beside it on a day, cannot be; KeyError for an unknown name.
    Of two changes to one setting from the same day the later in order counts.
    """

    def __init__(self, changes: Iterable[Change] = ()) -> None:
        self.changes = tuple(sorted(changes, key=lambda change: change.from_day))
        self._days: list[date] = []
        self._banks = [Bank()]
        values: dict[str, object] = {}
        for day, group in groupby(self.changes, key=lambda change: change.from_day):
            values.update((change.name, read(SETTINGS[change.name], change.value)) for change in group)
            self._days.append(day)
            self._banks.append(Bank(**values))  # type: ignore[arg-type]  # read() gives each name its field's type
        for bank in self._banks:
            object.__setattr__(bank, "_through", self)

    def at(self, day: date) -> Bank:
        """The bank's settings on `day` (a date of the bank's zone)."""
        return self._banks[bisect_right(self._days, day)]

    def zone(self, moment: datetime) -> ZoneInfo:
        """The zone of the bank's clocks: the setting as it stands on the day in UTC, which needs no zone to be told.

        The database says the same (``people_zone``), so that a post ends for both at the same midnight.
        """
        return self.at(moment.astimezone(UTC).date()).zone

    def today(self, moment: datetime) -> date:
        """The bank's day at a moment."""
        return moment.astimezone(self.zone(moment)).date()

    def now(self, moment: datetime) -> Bank:
        """The settings as they stand on the bank's day at a moment."""
        return self.at(self.today(moment))

    def since(self, day: date, look: Callable[[Bank], object]) -> date | None:
        """From which day on what one looks at is as it is on `day`; None: since ever."""
        place = bisect_right(self._days, day)
        while place and look(self._banks[place - 1]) == look(self._banks[place]):
            place -= 1
        return self._days[place - 1] if place else None

    def with_change(self, *changes: Change) -> "Settings":
        """The same with more changes; refused when any day from theirs on would not hold together."""
        return Settings((*self.changes, *changes))
