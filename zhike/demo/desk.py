"""What lies on other desks of the demonstration bank: settings changed by two, requests that wait, talks going on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import UUID

from django.db.models import Q

from zhike.conduct.bank import Bank as Rules
from zhike.contacts import completion, course
from zhike.contacts.completion import How
from zhike.contacts.models import Contact
from zhike.customers.handover import ask_to_hand_over
from zhike.customers.imports import columns, load
from zhike.customers.models import Customer, Run
from zhike.demo import names
from zhike.demo.bank import CHANGED, Bank
from zhike.demo.book import IMPORTED
from zhike.obligations import promises
from zhike.obligations.models import Obligation
from zhike.people import approvals, leave, posts
from zhike.people import bank as settings
from zhike.people.actor import acting
from zhike.people.posts import NewPost
from zhike.people.tables import open_table
from zhike.work import assignments
from zhike.work.models import Assignment

ADMINISTRATOR, COMPLIANCE = "1090", "1060"


def change_settings(bank: Bank, now: datetime, rules: Rules) -> Rules:
    """What the bank has changed over time, each asked for by one and approved by another; returns what holds today."""
    for name, value, back in CHANGED:
        at = (now.astimezone(rules.zone) - timedelta(days=back)).replace(hour=10, minute=0)
        day = at.date()
        with acting(bank.staff[ADMINISTRATOR].pk, at) as asker:
            asked = settings.ask_to_change(asker, name, value, day, WHY[name], today=day, now=at)
        later = at + timedelta(minutes=35)
        with acting(bank.staff[COMPLIANCE].pk, later) as decider:
            approvals.approve(decider, asked.pk, asked.digest, later, "同意")
    return settings.settings().at(now.astimezone(rules.zone).date())


WHY = {
    "second_factor_roles": "演示银行没有真实客户，口令即可登录",
    "idle_minutes": "演示时常被打断，延长空闲时限",
    "rhythm": "面访间隔分步推行",
    "visit_length": "近半年拜访平均不到四十分钟",
    "promise_workdays": "跨部门答复两天常不够",
    "satisfaction_after": "先问来行与拜访的客户，电话暂不问",
    "leave_reminder": "支行都在三公里内，提前一小时过早",
    "waiver_needs_leader": "豁免多了起来，主管先看一眼",
}


def fill(bank: Bank, now: datetime, rules: Rules) -> None:
    """Requests that wait for a decision, a file taken in, numbers looked at, and who is in a talk at this moment."""
    _requests(bank, now, rules)
    _import(bank, now, rules)
    _look(bank, now, rules)
    _let_go(bank, now)
    _look_into(now, rules)
    _give_their_word(bank, now, rules)
    _assign(bank, now, rules)
    _hand_over(bank, now, rules)
    _leave(bank, now, rules)
    if 9 <= now.astimezone(rules.zone).hour < 18:
        _under_way(bank, now, rules)


def _requests(bank: Bank, now: datetime, rules: Rules) -> None:
    today = now.astimezone(rules.zone).date()
    asked_at = now - timedelta(hours=5)
    with acting(bank.staff[ADMINISTRATOR].pk, asked_at) as asker:
        settings.ask_to_change(
            asker, "callback_tolerance", 3, today + timedelta(days=7), "客户反映五分钟偏长", today=today, now=asked_at
        )
        settings.ask_to_change(
            asker, "reveals_a_day", 60, today + timedelta(days=3), "上月人均每日只看二十次", today=today, now=asked_at
        )
        post = NewPost(
            bank.staff["1304"].pk, bank.units["1300"].pk, "leader", "team", (today + timedelta(days=10)).isoformat()
        )
        posts.ask_to_grant(asker, [post], "解春明休假期间代理主管", asked_at)
    refused_at = now - timedelta(days=12)
    with acting(bank.staff[ADMINISTRATOR].pk, refused_at) as asker:
        day = refused_at.astimezone(rules.zone).date()
        refused = settings.ask_to_change(asker, "visit_evening_to", "21:30", day, "客户嫌晚", today=day, now=refused_at)
    later = refused_at + timedelta(hours=3)
    with acting(bank.staff[COMPLIANCE].pk, later) as decider:
        approvals.refuse(decider, refused.pk, later, "规范写明当晚，先不改")


def _import(bank: Bank, now: datetime, rules: Rules) -> None:
    """Two weeks ago a leader took in a list of payroll customers: most rows are good, some come back, two may be known."""
    at = now - timedelta(days=14)
    people = names.People(Random("import"))
    unit = bank.units["1100"]
    lines = ["姓名,性别,手机,出生日期,工作单位,客户号"]
    for number in range(IMPORTED):
        person = people.relative(people.random.choice(people.surnames), people.random.choice("fm"))
        gender = {"f": "女", "m": "男"}[person.gender]
        born = f"{person.born}-{number % 12 + 1:02d}-{number % 27 + 1:02d}"
        lines.append(f"{person.name},{gender},{people.mobile(90_000 + number)},{born},汇川物流,99{number:08d}")
    for known in (
        Customer.objects.filter(rm=bank.staff["1002"], kind="person", birth_calendar="solar")
        .exclude(mobile_index=None)
        .order_by("pk")[:2]
    ):
        born = f"{known.birth_year}-{known.birth_month:02d}-{known.birth_day:02d}"
        lines.append(f"{known.name},,{known.open_value('mobile')},{born},汇川物流,")
    lines += [
        "赵铁,男,1380013,1990-02-03,汇川物流,",
        "钱多,女,15400000001,1988-02-30,汇川物流,",
        ",男,15400000002,,汇川物流,",
    ]
    with NamedTemporaryFile("w", suffix=".csv", encoding="gb18030") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        path = Path(file.name)
        run = Run.objects.create(
            name="代发工资名单.csv", size=path.stat().st_size, by=bank.staff["1010"], at=at, unit=unit,
            mapping=columns.guess(open_table(path).columns),
        )  # fmt: skip
        load.run_import(run, path, bank=rules, now=lambda: at, language="zh-hans")


def _look(bank: Bank, now: datetime, rules: Rules) -> None:
    """Numbers that were looked at: each is counted, and compliance sees by whom."""
    for number, times in (("1001", 6), ("1004", 9), ("1202", 3), ("1010", 2)):
        rm = bank.staff[number]
        customers = Customer.objects.filter(unit=bank.units[bank.seats[number].unit]).exclude(mobile_index=None)
        if number != "1010":
            customers = customers.filter(rm=rm)
        for place, customer in enumerate(customers.order_by("pk")[:times]):
            at = now - timedelta(days=place * 3 + 1, minutes=17 * place)
            with acting(rm.pk, at) as actor:
                customer.reveal("mobile", actor=actor, now=at, bank=rules)


def _give_their_word(bank: Bank, now: datetime, rules: Rules) -> None:
    """What was promised in one line, to leaders and departments too, and what was asked for and not promised."""
    today = now.astimezone(rules.zone).replace(hour=0, minute=0, second=0)
    for place, (number, words, to, days, answered) in enumerate(
        (
            ("1001", "交一季度到期客户的跟进安排", "leader", 4, ""),
            ("1001", "给零售部报养老金账户的客户反馈", "department", -1, "已发汇总，共 12 条"),
            ("1002", "交节后走访名单", "leader", -2, ""),
            ("1003", "给公司部补一份授信资料清单", "department", 2, ""),
            ("1004", "回复收单费率能否再低", "department", -3, "最低千分之三，已转告"),
        )
    ):
        at, due = (
            today + timedelta(days=min(days, 0) - 4, hours=10, minutes=place),
            today + timedelta(days=days, hours=17),
        )
        with acting(bank.staff[number].pk, at) as actor:
            made = promises.make(
                words, key=UUID(int=place + 1), to=to, customer=None, due=due, actor=actor, now=at, bank=rules
            )
        if answered:
            told = due - timedelta(hours=3) if number == "1001" else due + timedelta(hours=20)
            with acting(bank.staff[number].pk, told) as actor:
                completion.complete(made, How(words=answered, channel="email"), actor=actor, now=told, bank=rules)
    at = now - timedelta(hours=26)
    with acting(bank.staff["1001"].pk, at) as actor:
        customer = Customer.objects.visible_to(actor).get(name="罗文彬", rm=actor.id)
        promises.refuse(
            "代他去税务局取完税证明",
            "不能代客办理",
            key=UUID(int=100),
            to="customer",
            customer=customer,
            actor=actor,
            now=at,
            bank=rules,
        )


def _assign(bank: Bank, now: datetime, rules: Rules) -> None:
    """What the leader of 柳浪支行 has entrusted: accepted, sent back once, handed in, under way, asked about, just given."""
    today = now.astimezone(rules.zone).replace(hour=0, minute=0, second=0)

    def at(days: int, hour: int, minute: int = 0) -> datetime:
        return min(today + timedelta(days=days, hours=hour, minutes=minute), now)

    def act(
        number: str, verb: Callable[..., Assignment], row: Assignment, when: datetime, *said: Any, **more: Any
    ) -> None:
        with acting(bank.staff[number].pk, when) as actor:
            held = Assignment.objects.held(row.pk, actor)
            assert held
            verb(held, *said, actor=actor, now=when, bank=rules, **more)

    def give(days: int, what: str, counts: str, due: int, *whom: str, every: str = "") -> list[Assignment]:
        when = at(days, 8, 40)
        with acting(bank.staff["1010"].pk, when) as actor:
            return assignments.give(
                [bank.staff[each].pk for each in whom], what, counts, today + timedelta(days=due, hours=17),
                together=UUID(int=1000 + days + due), every=every, actor=actor, now=when, bank=rules,
            )  # fmt: skip

    for place, days in enumerate((-33, -26, -19, -12)):
        for row in give(
            days, "报一周到期客户承接情况", "每位客户一行：金额、去向、下次联系", days + 4, "1001", "1002", "1003"
        ):
            number = row.staff.number
            act(number, assignments.take_on, row, at(days, 9, 10))
            late = timedelta(days=1) if number == "1003" and place == 1 else timedelta(0)
            act(number, assignments.hand_in, row, at(days + 4, 15) + late, "承接情况已按户填好，见明细")
            if number == "1002" and place == 2:
                act(
                    "1010",
                    assignments.send_back,
                    row,
                    at(days + 5, 9),
                    "两户没有写去向",
                    today + timedelta(days=days + 6, hours=17),
                )
                act(number, assignments.hand_in, row, at(days + 6, 11), "补了两户的去向")
            act("1010", assignments.accept, row, at(days + 7, 9), "", rating=4 + (number == "1001"))
    mine, colleague = give(-4, "节前走访名下白金以上客户", "走访名单与每户一句纪要，节后第一天上会", 3, "1001", "1002")
    act("1001", assignments.take_on, mine, at(-4, 9, 5))
    act("1001", assignments.report, mine, at(-1, 16), "已走访 9 户，还剩 4 户")
    act("1002", assignments.ask_back, colleague, at(-4, 10), "外地客户改为电话可以吗？")
    (handed_in,) = give(-6, "整理收单商户费率意见", "按行业分，写明竞争对手报价与依据", 1, "1001")
    act("1001", assignments.take_on, handed_in, at(-6, 9, 30))
    act("1001", assignments.hand_in, handed_in, at(-1, 17), "共 14 户，餐饮 6 户反映偏高，依据附在每户后面")
    give(0, "每周报一条同业利率动态", "产品、期限、利率、来源", 4, "1001", "1003", every="week")


def _let_go(bank: Bank, now: datetime) -> None:
    """What RMs want to let go: their leaders agree, refuse, or have not looked yet."""
    at, later = now - timedelta(hours=3), now - timedelta(hours=2, minutes=20)
    for number, leader, reason, decision in (
        ("1003", "1010", "客户要求节日期间不收短信", ""),
        ("1004", "1010", "客户在外地，近期不便联系", ""),
        ("1204", "1020", "当面谢过，客户不看短信", "approve"),
        ("1302", "1030", "客户出国，号码停用", "refuse"),
    ):
        rows = Obligation.objects.filter(~Q(force="must"), owner=bank.staff[number], state="open", created_at__lt=at)
        row = rows.filter(kind__in=["thanks", "rhythm", "find_out"]).order_by("-kind", "due", "pk").first()
        if row is None:
            continue
        with acting(bank.staff[number].pk, at) as actor:
            asked = completion.waive(row, reason, actor=actor, now=at).approval
        if asked is None or not decision:
            continue
        with acting(bank.staff[leader].pk, later) as decider:
            if decision == "approve":
                approvals.approve(decider, asked.pk, asked.digest, later, "同意")
            else:
                approvals.refuse(decider, asked.pk, later, "换个渠道再试一次")


def _look_into(now: datetime, rules: Rules) -> None:
    """What leaders made of call-backs that were not made; the newest still wait for them."""
    told = Obligation.objects.filter(kind="look_into", state="open", created_at__lt=now - timedelta(days=2))
    for missed in told.order_by("created_at", "pk"):
        at = missed.created_at + timedelta(minutes=25)
        with acting(missed.owner_id, at) as leader:
            how = completion.How(words="问过了，那时在接待客户，已请他补打。")
            completion.complete(missed, how, actor=leader, now=at, bank=rules)


def _hand_over(bank: Bank, now: datetime, rules: Rules) -> None:
    """A leader wants another RM for a customer, and the branch decides."""
    at = now - timedelta(hours=4)
    customer = Customer.objects.filter(rm=bank.staff["1004"]).exclude(tier="regular").order_by("pk").first()
    if customer is not None:
        with acting(bank.staff["1010"].pk, at) as leader:
            day = (now + timedelta(days=5)).astimezone(rules.zone).date()
            ask_to_hand_over(customer, bank.staff["1002"].pk, day, "马骁管户偏多，客户就近", actor=leader, now=at)


def _leave(bank: Bank, now: datetime, rules: Rules) -> None:
    """郑楠 is away this week and 许一凡 stands in; 林晓 has asked for the week after next, and nobody has answered yet."""
    today, at = now.astimezone(rules.zone).date(), now - timedelta(days=2)
    days = [("1003", "1002", 0, 4, "宋总的对公回单周三前要寄出"), ("1001", "1004", 12, 17, "年假")]
    for number, stand_in, first, back, note in days:
        with acting(bank.staff[number].pk, at) as actor:
            asked = leave.ask(
                actor.id, today + timedelta(days=first), today + timedelta(days=back), bank.staff[stand_in].pk,
                note=note, actor=actor, now=at, bank=rules,
            )  # fmt: skip
        if first == 0:
            with acting(bank.staff[stand_in].pk, at + timedelta(hours=1)) as actor:
                leave.accept(asked, actor=actor, now=at + timedelta(hours=1), bank=rules)


def _under_way(bank: Bank, now: datetime, rules: Rules) -> None:
    """Colleagues with whom somebody sits at this moment."""
    for number, minutes in (("1002", 26), ("1004", 51), ("1201", 8), ("1302", 17)):
        rm, began = bank.staff[number], now - timedelta(minutes=minutes)
        customer = (
            Customer.objects.filter(rm=rm, tier__in=["platinum", "diamond"], deceased_on=None, closed_on=None)
            .order_by("pk")
            .first()
        )
        if customer is None or Contact.objects.filter(customer=customer, state="under_way").exists():
            continue
        with acting(rm.pk, began) as actor:
            contact = course.plan(
                customer, "reception", actor=actor, now=began, planned_for=began, purpose="business", place="贵宾二室"
            )
            course.start(contact, actor=actor, now=began, bank=rules)
