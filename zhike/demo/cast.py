"""林晓's better known customers and what is between them today: the story that Today, the card and the write-up tell.

Hours are chosen around ``now``: in working hours the day is in full swing; at night it is over, or has not begun, and
what cannot be at that hour lies in the next morning or the evening before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from zhike.conduct.bank import Bank as Rules
from zhike.conduct.calendars import Birthday, ImpossibleDate, to_lunar
from zhike.contacts import completion, correction, course, write_up
from zhike.contacts.completion import How
from zhike.contacts.models import Contact, Draft
from zhike.contacts.write_up import NeedHeard, NextContact, PromiseMade, WriteUp
from zhike.customers.models import Acquaintance, Customer, Household, Need, Relation
from zhike.demo.book import Library, Wanted, numbers
from zhike.demo.diary import Diary
from zhike.obligations.models import Obligation
from zhike.people.actor import Actor

COUNT = 14


@dataclass
class People:
    """The cast by name."""

    names: dict[str, Customer] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Customer:
        return self.names[name]


def wanted(today: date) -> list[Wanted]:
    """Who they are. Birthdays of some lie around today."""

    def hers(name: str, tier: str, gender: str, honorific: str, assets: float, **more: Any) -> Wanted:
        values = {"address": "澄江市临湖区柳浪路 12 号 湖畔花园 3 幢 602 室", **more.pop("values", {})}
        return Wanted(
            name, tier, "1001", "1100", gender=gender, honorific=honorific, assets=Decimal(str(assets)) * 10_000,
            values=values, since=more.pop("since", date(today.year - 4, 9, 1)), **more,
        )  # fmt: skip

    return [
        hers(
            "沈静仪", "diamond", "f", "沈女士", 386.4, birthday=Birthday("lunar", 3, 8, 1972), since=date(today.year - 7, 4, 1),
            values={
                "employer": "柳浪实验小学", "position": "副校长", "hobbies": "昆曲、种兰花", "taboos": "不谈保险",
                "preferred_time": "下午三点后来电", "risk_grade": "稳健 · 三级", "risk_grade_until": f"{today + timedelta(days=176)}",
                "email": "",
            },
            holdings=(
                ("deposit", "三年定期", 80, 17), ("wealth", "稳利 180 天", 120, 122), ("deposit", "大额存单 三年", 100, 205),
                ("wealth", "月月盈", 60, 338), ("current", "活期与其他", 26.4, None),
            ),
        ),
        hers("梁雪梅", "platinum", "f", "梁老师", 68.2, birthday=Birthday("solar", 11, 3, 1964), values={"position": "退休教师", "email": ""}),
        hers(
            "周桂兰", "platinum", "f", "周阿姨", 45.7, birthday=_around(today + timedelta(days=2), 75),
            values={"position": "退休会计", "hobbies": "越剧"}, holdings=(("deposit", "三年定期", 30, 240), ("current", "活期与其他", 15.7, None)),
        ),
        hers("何国栋", "gold", "m", "何工", 14.3, birthday=_solar(today + timedelta(days=3), 52), values={"employer": "临湖设计院", "position": "工程师"}),
        hers(
            "欧阳明", "private", "m", "欧阳教授", 812.5, birthday=_around(today, 70), since=date(today.year - 8, 1, 6),
            values={"employer": "澄江大学", "position": "教授", "hobbies": "评弹、书法", "preferred_time": "上午十点后", "risk_grade": "谨慎 · 二级"},
        ),
        hers(
            "单宏伟", "diamond", "m", "单总", 142.8, birthday=Birthday("solar", 5, 9, today.year - 46), met="no", called="no",
            since=today - timedelta(days=40),
            values={"employer": "宏远精工", "position": "总经理", "hobbies": "跑马拉松、喝岩茶", "introducer": "周桂兰", "risk_grade": "进取 · 四级"},
            holdings=(("wealth", "安享 360 天", 50, 14), ("deposit", "一年定期", 30, 96), ("current", "活期", 62.8, None)),
        ),
        hers(
            "邵怀远", "private", "m", "邵总", 1206.0, birthday=Birthday("solar", 8, 26, 1957),
            values={"address": "澄江市滨江区望江路 88 号 滨江壹号 6 幢 1801 室", "position": "董事长", "employer": "金穗食品", "hobbies": "围棋"},
        ),
        hers("蒋晓云", "regular", "f", "蒋女士", 3.1, birthday=Birthday("solar", 2, 29, 1988), values={"mobile": "", "phone2": "0000-88001188"}),
        hers("罗文彬", "platinum", "m", "罗总", 88.0, birthday=Birthday("lunar", 8, 30), values={"employer": "汇川物流", "position": "总经理"}),
        hers("潘丽", "gold", "f", "潘女士", 17.5, birthday=Birthday("solar", 6, 18, 1985), values={"employer": "望湖酒店", "position": "经理"}),
        hers("方学文", "diamond", "m", "方老师", 233.0, birthday=Birthday("lunar", 4, 8, 1974, True), values={"position": "书法老师"}),
        hers("秦秋菊", "platinum", "f", "秦女士", 51.9, birthday=Birthday("solar", 10, 1, 1969)),
        hers("许卫东", "platinum", "m", "许先生", 36.0, birthday=Birthday("solar", 1, 12, 1970)),
        Wanted(
            "宏远精工机械有限公司", "diamond", "1001", "1100", "company", "", "单总", assets=Decimal(3_600_000), since=today - timedelta(days=40),
            values={"industry": "机械制造", "contact_name": "吕芳", "contact_position": "财务总监", "legal_person": "单宏伟", "employees": "126"},
        ),
    ]  # fmt: skip


def _around(day: date, age: int) -> Birthday:
    """A lunar birthday that is celebrated on ``day``; where the month may have a thirtieth and this year's has not, on that."""
    lunar = to_lunar(day)
    next_day = to_lunar(day + timedelta(days=1))
    ends = next_day.day == 1 and lunar.day == 29
    for month_day, year in (
        (30 if ends else lunar.day, lunar.year - age),
        (lunar.day, lunar.year - age),
        (lunar.day, None),
    ):
        try:
            return Birthday("lunar", lunar.month, month_day, year, lunar.leap)
        except ImpossibleDate:
            continue
    raise AssertionError(day)


def _solar(day: date, age: int) -> Birthday:
    return Birthday("solar", day.month, day.day, day.year - age if (day.month, day.day) != (2, 29) else None)


def complete(people: People, library: Library) -> None:
    """What belongs to them beside their rows: a couple, a mother, an introduction."""
    library.marry(people["沈静仪"], people["许卫东"], next(numbers(Household, 1)))
    for customer, kind, name, age, note in (
        ("沈静仪", "parent", "蒋阿姨", "adult", "79 岁，他行客户"),
        ("单宏伟", "spouse", "吕女士", "adult", ""),
        ("欧阳明", "child", "", "adult", "在外地教书"),
        ("潘丽", "child", "", "under_14", ""),
    ):
        library.rows.relations.append(
            Relation(
                customer=people[customer], kind=kind, name=name, age=age, note=note, source="contact", at=library.began
            )
        )
    rm = people["梁雪梅"].rm
    assert rm
    library.rows.acquaintances[people["梁雪梅"].pk, rm.pk] = Acquaintance(
        customer=people["梁雪梅"], rm=rm, first_met_at=library.began - timedelta(days=700), met_source="import",
        first_called_at=library.began - timedelta(days=720), called_source="import",
        last_contact_at=library.began - timedelta(days=30), meetings=5, calls=7,
    )  # fmt: skip


# ── the hours ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Hours:
    """When today's story happens, as seen from ``now``."""

    now: datetime
    rules: Rules

    @property
    def local(self) -> datetime:
        return self.now.astimezone(self.rules.zone)

    @property
    def early(self) -> bool:
        return self.local.hour * 60 + self.local.minute < 9 * 60 + 30

    @property
    def over(self) -> bool:
        return self.local.hour * 60 + self.local.minute > 20 * 60

    def day(self, back: int, hour: int, minute: int = 0) -> datetime:
        """An hour of a day that lies ``back`` days behind (negative: ahead)."""
        then = self.local.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return then - timedelta(days=back)

    @property
    def farewell(self) -> datetime:
        """The end of 梁老师's reception: minutes ago; before opening time, late last evening, so that thanks wait till noon."""
        if self.early:
            return self.day(1, 21, 8)
        return self.day(0, 17, 32) if self.over else self.minute(self.now - timedelta(minutes=24))

    @property
    def morning_call(self) -> datetime:
        if self.early:
            return self.day(1, 16, 42)
        if self.over:
            return self.day(0, 16, 42)
        return max(self.minute(self.now - timedelta(hours=4, minutes=14)), self.day(0, 8, 41))

    @property
    def call_back(self) -> datetime:
        """Promised for a few minutes from now, or for the next morning."""
        if self.early:
            return max(self.day(0, 9, 30), self.next_five(self.now + timedelta(minutes=3)))
        if self.over:
            return self.day(-1, 9, 30)
        return self.next_five(self.now + timedelta(minutes=3))

    @property
    def reception(self) -> datetime:
        """单总 comes: at the next full hour that leaves time to prepare."""
        at = (self.local + timedelta(minutes=110)).replace(minute=0, second=0, microsecond=0)
        if at.hour < 10 and not self.over and at.date() == self.local.date():
            return self.day(0, 10)
        return at if at.hour <= 18 and at.date() == self.local.date() and not self.over else self.day(-1, 10)

    @property
    def visit(self) -> datetime:
        at = self.reception + timedelta(minutes=75)
        return at if at.astimezone(self.rules.zone).hour < 20 else self.day(-1, 14, 15)

    @staticmethod
    def minute(at: datetime) -> datetime:
        return at.replace(second=0, microsecond=0)

    @staticmethod
    def next_five(at: datetime) -> datetime:
        at = at.replace(second=0, microsecond=0) + timedelta(minutes=1)
        return at + timedelta(minutes=-at.minute % 5)


# ── the story ────────────────────────────────────────────────────────────────────────────────────────────────────


class Talk:
    """One contact of the story, act by act."""

    def __init__(
        self, diary: Diary, customer: Customer, kind: str, purpose: str, words: str = "", place: str = ""
    ) -> None:
        self.diary, self.customer, self.kind, self.purpose, self.words, self.place = (
            diary,
            customer,
            kind,
            purpose,
            words,
            place,
        )
        self.contact: Contact | None = None

    @property
    def real(self) -> Contact:
        assert self.contact is not None
        return self.contact

    def subject(self) -> str:
        return self.real.subject

    def plan(self, at: datetime, planned_for: datetime, **more: Any) -> Talk:
        def act(actor: Actor, now: datetime, rules: Rules) -> None:
            self.contact = course.plan(
                Customer.objects.get(pk=self.customer.pk), self.kind, actor=actor, now=now, planned_for=planned_for,
                purpose=self.purpose, purpose_words=self.words, place=self.place, **more,
            )  # fmt: skip

        self.diary.on(at, act)
        return self

    def agree(self, at: datetime, planned_for: datetime, **more: Any) -> Talk:
        self.plan(at, planned_for)
        self.diary.on(
            at,
            lambda actor, now, rules: course.agree(
                self.real, at=planned_for, place=self.place, actor=actor, now=now, bank=rules, **more
            ),
        )
        return self

    def take_up(self, other: Talk, at: datetime) -> Talk:
        """Goes on with the contact that another's write-up proposed."""

        def act(actor: Actor, now: datetime, rules: Rules) -> None:
            self.contact = Contact.objects.get(follows=other.real)

        self.diary.on(at, act)
        return self

    def arrive(self, at: datetime) -> Talk:
        self.diary.on(at, lambda actor, now, rules: course.arrive(self.real, actor=actor, now=now, bank=rules))
        return self

    def start(self, at: datetime, **more: Any) -> Talk:
        if self.kind == "visit":
            self.diary.go_out(at, self.customer.pk, self.place)
        self.diary.on(at, lambda actor, now, rules: course.start(self.real, actor=actor, now=now, bank=rules, **more))
        return self

    def jot(self, at: datetime, words: str) -> Talk:
        self.diary.on(at, lambda actor, now, rules: course.jot(self.real, words, now=now))
        return self

    def end(self, at: datetime, **seen: Any) -> Talk:
        if self.kind == "visit":
            self.diary.come_back(at)
        self.diary.on(at, lambda actor, now, rules: course.end(self.real, actor=actor, now=now, bank=rules, **seen))
        return self

    def put_through(self, at: datetime, outcome: str, **more: Any) -> Talk:
        def act(actor: Actor, now: datetime, rules: Rules) -> None:
            promised = self.diary.owed("call_back", customer=self.customer.pk)
            fulfils = promised.pk if promised and self.purpose == "call_back" else None
            course.put_through(self.real, outcome, actor=actor, now=now, bank=rules, fulfils=fulfils, **more)

        self.diary.on(at, act)
        return self

    def thank(self, at: datetime, *, introduces: bool = False, channel: str = "sms", through: str = "platform") -> Talk:
        self.diary.settle("thanks", at, How(channel=channel, through=through, introduces=introduces), self.subject)
        return self

    def write_up(self, at: datetime, form: WriteUp) -> Talk:
        self.diary.on(at, lambda actor, now, rules: write_up.close(self.real, form, actor=actor, now=now, bank=rules))
        return self

    def answer(self, at: datetime, words: str, kind: str = "answer", demand: str = "met") -> Talk:
        place = "demand" if kind == "answer" else "promise"
        self.diary.settle(
            kind, at, How(channel="call", words=words, demand=demand), lambda: f"{self.subject()}/{place}:1"
        )
        return self


def tell(diary: Diary, people: People, now: datetime, rules: Rules) -> None:
    """Enters the whole story into the diary."""
    hours = Hours(now, rules)
    for scene in (_shen, _liang, _zhou, _he, _ouyang, _shan, _shao, _jiang, _luo, _pan, _fang, _qin, _others):
        scene(diary, people, hours)


def _shen(diary: Diary, people: People, hours: Hours) -> None:
    """A diamond customer with eighty thousand maturing: a reception, a call, and the call-back that is promised for now."""
    shen = people["沈静仪"]
    day = hours.day
    met = Talk(diary, shen, "reception", "business", "年终检视", "贵宾一室")
    met.agree(day(62, 10), day(59, 14), invited_by_rm=True).start(day(59, 14, 2)).end(
        day(59, 14, 50), met_where="outside_door", seen_off="car_park"
    )
    met.thank(day(59, 16)).write_up(
        day(59, 16, 20), WriteUp("business_done", "年终检视，书面提案一份，已签收。", no_need=True, by_rhythm=True)
    )
    asked = Talk(diary, shen, "call", "maturity", "三月到期的 80 万")
    asked.plan(day(25, 9), day(23, 15)).start(day(23, 15, 1)).put_through(day(23, 15, 6), "reached")
    asked.write_up(
        day(23, 15, 20),
        WriteUp(
            "considering", "谈到三月到期的 80 万，要稳、能随时取。",
            needs=[NeedHeard("maturity", "三月到期的 80 万，想要稳、能随时取"), NeedHeard("pension", "给母亲办一张养老金账户")],
            promises=[PromiseMade("告知养老金账户要带哪些证件", "customer", day(-9, 17))],
            next=NextContact("call", hours.morning_call, "invitation", "80 万承接，请她来行面谈"),
        ),
    )  # fmt: skip
    busy = Talk(diary, shen, "call", "invitation").take_up(asked, hours.morning_call)
    busy.start(hours.morning_call).put_through(
        hours.morning_call + timedelta(seconds=32), "busy", call_back_at=hours.call_back, note="在开年会，约好再打。"
    )


def _liang(diary: Diary, people: People, hours: Hours) -> None:
    """A reception that has just ended: thanks and write-up are owed, four things are jotted down, a draft is begun."""
    began = hours.farewell - timedelta(minutes=27)
    talk = Talk(diary, people["梁雪梅"], "reception", "business", "退休金与存折换卡", "贵宾一室")
    talk.agree(hours.day(3, 9, 40), began, invited_by_rm=True).start(began)
    for minutes, words in (
        (4, "四月退休金到账 30 万"),
        (9, "想知道养老金账户怎么领"),
        (15, "存折换卡，老号码"),
        (22, "最近在学二胡"),
    ):
        talk.jot(began + timedelta(minutes=minutes), words)
    talk.end(hours.farewell, met_where="hall", seen_off="branch_door")
    values = [["result", "inclined"], ["need", "deposit"], ["need", "pension"], ["learn_hobbies", "二胡"]]

    def draft(actor: Actor, now: datetime, rules: Rules) -> None:
        Draft.keep(talk.real, values, actor=actor, now=now)

    diary.on(hours.farewell + timedelta(minutes=6), draft)


def _zhou(diary: Diary, people: People, hours: Hours) -> None:
    """A demand raised at a visit four days ago, whose answer was due the day after."""
    day = hours.day
    talk = Talk(diary, people["周桂兰"], "visit", "care", "", "周阿姨家 · 柳浪新村 4 幢")
    talk.agree(day(6, 10), day(4, 15)).arrive(day(4, 14, 46)).start(day(4, 15)).end(day(4, 15, 38))
    talk.write_up(
        day(4, 17),
        WriteUp(
            "considering",
            "身体好，想把一笔定存提前取出来给孙子付首付。",
            no_need=True,
            by_rhythm=True,
            demands=["定存提前支取，利息怎么算"],
        ),
    )
    talk.thank(day(4, 18, 40))


def _he(diary: Diary, people: People, hours: Hours) -> None:
    """A call of yesterday that was never written up."""
    at = hours.day(1, 11, 20)
    Talk(diary, people["何国栋"], "call", "service", "房贷还款日").plan(hours.day(2, 9), at).start(at).put_through(
        at + timedelta(minutes=6), "reached"
    )


def _ouyang(diary: Diary, people: People, hours: Hours) -> None:
    """Private banking, met every two weeks; today is the birthday."""
    day = hours.day
    for back in (86, 72, 58, 44, 31, 19, 8):
        visit = back % 3 == 0
        talk = Talk(
            diary,
            people["欧阳明"],
            "visit" if visit else "reception",
            "care",
            "",
            "澄江大学静园 2 号" if visit else "贵宾三室",
        )
        talk.agree(day(back + 2, 11), day(back, 10))
        if visit:
            talk.arrive(day(back, 9, 46))
        talk.start(day(back, 10)).end(day(back, 10, 35))
        talk.write_up(
            day(back, 11, 10), WriteUp("no_business", "聊评弹与身体，资金安排不动。", no_need=True, by_rhythm=True)
        )
        talk.thank(day(back, 18, 30 + back % 20))


def _shan(diary: Diary, people: People, hours: Hours) -> None:
    """Introduced by 周阿姨: a first call six days ago, the first visit to the bank today; his surname is read Shàn."""
    day = hours.day
    first = Talk(diary, people["单宏伟"], "call", "introduction")
    first.plan(day(7, 17), day(6, 9, 30)).start(day(6, 9, 30)).put_through(day(6, 9, 34), "reached")
    first.thank(day(6, 9, 50), introduces=True).write_up(
        day(6, 10),
        WriteUp(
            "inclined", "年后厂里要换两台机床，问过设备贷款；答应来行坐坐。", needs=[NeedHeard("loan", "年后厂里要换两台机床，问设备贷款")],
            promises=[PromiseMade("带一份设备贷款的材料清单给他", "customer", day(-1, 17))],
            next=NextContact("reception", hours.reception, "business", "首次来行", "贵宾二室"), seen={"invitation": "accepted"},
        ),
    )  # fmt: skip
    coming = Talk(diary, people["单宏伟"], "reception", "business", place="贵宾二室").take_up(first, day(6, 10, 1))
    diary.on(
        day(6, 10, 1),
        lambda actor, now, rules: course.agree(
            coming.real, at=hours.reception, place="贵宾二室", actor=actor, now=now, bank=rules, invited_by_rm=True
        ),
    )


def _shao(diary: Diary, people: People, hours: Hours) -> None:
    """A visit agreed for today, after receptions and calls every two weeks."""
    day = hours.day
    for back in (84, 70, 55, 41, 27, 13):
        talk = Talk(diary, people["邵怀远"], "reception" if back % 2 else "call", "service", "", "贵宾一室")
        talk.plan(day(back + 1, 15), day(back, 16)).start(day(back, 16))
        if back % 2:
            talk.end(day(back, 16, 30), met_where="outside_door", seen_off="car_park").thank(day(back, 18))
        else:
            talk.put_through(day(back, 16, 3), "reached")
        talk.write_up(day(back, 17), WriteUp("agreed", "流动资金周转，存单照旧。", no_need=True, by_rhythm=True))
    Talk(diary, people["邵怀远"], "visit", "care", "登门拜望", "滨江壹号 6 幢").agree(day(3, 15), hours.visit)


def _jiang(diary: Diary, people: People, hours: Hours) -> None:
    """Nobody knows her mobile: the card was never asked for."""
    at = hours.day(7, 10, 10)
    talk = Talk(diary, people["蒋晓云"], "reception", "business", "补登存折")
    talk.plan(at, at, incoming=True).start(at).end(at + timedelta(minutes=12), met_where="seat")
    talk.write_up(
        at + timedelta(minutes=30),
        WriteUp(
            "business_done",
            "来行填单时漏记手机，固定电话可用。",
            no_need=True,
            next=NextContact("call", hours.day(-21, 10, 20), "care", "问到手机号"),
        ),
    )


def _luo(diary: Diary, people: People, hours: Hours) -> None:
    """A visit that the RM had to put off, with apology; and one without appointment, whose reason is kept."""
    day = hours.day
    moved = Talk(diary, people["罗文彬"], "visit", "service", "", "汇川物流园")
    moved.agree(day(34, 9), day(31, 14))
    diary.on(
        day(32, 16),
        lambda actor, now, rules: course.call_off(
            moved.real, whose="rm", why="分行临时开会", actor=actor, now=now, bank=rules, told_how="call", told_at=now, apologised=True,
            moved_to=day(30, 14),
        ),
    )  # fmt: skip
    moved.arrive(day(30, 13, 44)).start(day(30, 14)).end(day(30, 14, 40))
    moved.write_up(
        day(30, 16),
        WriteUp("agreed", "代发工资下月起走本行。", no_need=True, by_rhythm=True, demands=["代发文件能不能网银上传"]),
    )
    moved.thank(day(30, 19)).answer(day(29, 10), "可以，模板已发财务。")
    surprise = Talk(diary, people["罗文彬"], "visit", "service", "", "汇川物流园")
    surprise.plan(day(20, 14), day(20, 15)).start(
        day(20, 15), surprise_reason="送对公回单到隔壁公司，顺路当面交一份资料"
    ).end(day(20, 15, 15))
    surprise.write_up(day(20, 17), WriteUp("no_business", "资料已收。", no_need=True, by_rhythm=True)).thank(
        day(20, 18, 30)
    )
    Talk(diary, people["罗文彬"], "visit", "service", "签代发协议", "汇川物流园").agree(day(2, 10), day(-2, 10))


def _pan(diary: Diary, people: People, hours: Hours) -> None:
    """Not interested, which is recorded with what she does need; an answer sent from the RM's own phone, a breach."""
    day = hours.day
    talk = Talk(diary, people["潘丽"], "call", "need")
    talk.plan(day(16, 9), day(15, 10, 30)).start(day(15, 10, 30)).put_through(day(15, 10, 32), "not_interested")
    talk.write_up(
        day(15, 10, 50),
        WriteUp("", "不想谈理财，问过孩子的教育金。", needs=[NeedHeard("education", "孩子的教育金怎么备")],
                next=NextContact("call", day(-12, 10, 30), "service", "教育金"),
                promises=[PromiseMade("发一份教育金的对比表", "customer", day(12, 17))]),
    )  # fmt: skip

    def send(actor: Actor, now: datetime, rules: Rules) -> None:
        promise = diary.owed("promise", subject=f"{talk.subject()}/promise:1")
        if promise is not None:
            how = How(channel="sms", through="own_phone", words="对比表已发给客户，平台当时登不上。")
            completion.complete(promise, how, actor=actor, now=now, bank=rules)

    diary.on(day(13, 16), send)


def _fang(diary: Diary, people: People, hours: Hours) -> None:
    """A call-back kept to the minute, one made early because he asked for it, one made late; a write-up amended afterwards."""
    day = hours.day
    for back, late in ((48, 1), (34, -9), (21, 17)):
        busy = Talk(diary, people["方学文"], "call", "care")
        busy.plan(day(back + 1, 9), day(back, 10)).start(day(back, 10)).put_through(
            day(back, 10, 1), "busy", call_back_at=day(back, 16, 30), note="在上课"
        )
        again = Talk(diary, people["方学文"], "call", "call_back")
        early = {"early_reason": "他发消息说课提前散了，请现在打"} if late < 0 else {}
        again.plan(day(back, 16, 30 + late), day(back, 16, 30)).start(day(back, 16, 30 + late), **early).put_through(
            day(back, 16, 36 + late), "reached"
        )
        again.write_up(day(back, 17), WriteUp("considering", "想看看书画院的团体账户。", no_need=True, by_rhythm=True))
        diary.on(day(back - 1, 9), _amend(again, "想看看书画院的团体账户，月底给名单。", "漏记了月底"))
    met = Talk(diary, people["方学文"], "reception", "care", "", "贵宾二室")
    met.agree(day(12, 9), day(9, 10)).start(day(9, 10, 4)).end(
        day(9, 10, 40), met_where="outside_door", seen_off="branch_door"
    )
    met.write_up(day(9, 11), WriteUp("inclined", "名单已给，开户下周办。", no_need=True, by_rhythm=True)).thank(
        day(9, 11, 20)
    )


def _amend(talk: Talk, words: str, reason: str) -> Callable[[Actor, datetime, Rules], Any]:
    return lambda actor, now, rules: correction.amend(
        Contact.objects.get(pk=talk.real.pk), {"result_words": words}, reason=reason, actor=actor, now=now, bank=rules
    )


def _qin(diary: Diary, people: People, hours: Hours) -> None:
    """Thanks let go because she asks for no messages; a need met since."""
    day = hours.day
    talk = Talk(diary, people["秦秋菊"], "reception", "business", "", "理财室")
    talk.agree(day(28, 9), day(26, 9, 30)).start(day(26, 9, 31)).end(
        day(26, 10, 2), met_where="hall", seen_off="branch_door"
    )
    talk.write_up(
        day(26, 10, 20),
        WriteUp("business_done", "办了大额存单，还想换些欧元。", needs=[NeedHeard("exchange", "暑假要换一些欧元")],
                next=NextContact("call", day(18, 10), "service", "换欧元")),
    )  # fmt: skip

    def let_go(actor: Actor, now: datetime, rules: Rules) -> None:
        thanks = Obligation.objects.filter(subject=talk.subject(), kind="thanks", state="open").first()
        if thanks is not None:
            completion.waive(thanks, "客户说不必发短信，当面谢过即可", actor=actor, now=now)

    diary.on(day(26, 17), let_go)
    later = Talk(diary, people["秦秋菊"], "call", "service").take_up(talk, day(18, 9))
    later.start(day(18, 10)).put_through(day(18, 10, 3), "reached")

    def met(actor: Actor, now: datetime, rules: Rules) -> None:
        for need in Need.objects.filter(customer=people["秦秋菊"].pk, state="open"):
            need.close("met", "已换 5,000 欧元", now)

    diary.on(day(18, 10, 10), met)
    later.write_up(day(18, 10, 15), WriteUp("business_done", "欧元已换好。", no_need=True, by_rhythm=True))


def _others(diary: Diary, people: People, hours: Hours) -> None:
    """沈女士's husband, and 单总's company, whose accounts are in the same book."""
    day = hours.day
    call = Talk(diary, people["许卫东"], "call", "service", "信用卡账单日")
    call.plan(day(31, 9), day(30, 16)).start(day(30, 16)).put_through(day(30, 16, 4), "reached")
    call.write_up(day(30, 16, 20), WriteUp("agreed", "账单日改到十五号。", no_need=True, by_rhythm=True))
    for back in (37, 11):
        met = Talk(diary, people["宏远精工机械有限公司"], "reception", "business", "对公结算", "理财室")
        met.agree(day(back + 2, 9), day(back, 14), invited_by_rm=True).start(day(back, 14, 3))
        met.end(day(back, 14, 36), met_where="outside_door", seen_off="branch_door")
        met.write_up(
            day(back, 15),
            WriteUp("business_done", "财务吕芳来办回单，说下月起代发工资。", no_need=True, by_rhythm=True),
        )
        met.thank(day(back, 15, 20))
