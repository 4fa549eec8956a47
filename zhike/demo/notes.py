"""Market notes of the demonstration bank: rates, products, competitors, policies and needs of the last weeks; a brief, some answers, one that waits."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from zhike.conduct.bank import Bank as Rules
from zhike.demo.bank import Bank
from zhike.market import notes
from zhike.market.models import Note, Routing
from zhike.market.notes import Seen
from zhike.people.actor import acting
from zhike.people.models import Post

# Who, so many days ago: what was seen.
SEEN: tuple[tuple[str, int, Seen], ...] = (
    (
        "1001",
        1,
        Seen(
            "rate",
            "对面望江银行三年期定存挂牌上浮到 2.35%，柜台有人排队",
            "eyes",
            "望江银行柳浪网点",
            "柳浪路",
            tags="存款 同业",
        ),
    ),
    ("1001", 2, Seen("need", "几位老客户问有没有一个月左右的理财，到期资金不想锁太久", "customer", tags="理财 短期")),
    ("1001", 6, Seen("policy", "首套房贷利率下限取消，临湖晚报登了细则", "media", "临湖晚报 3 版", tags="房贷")),
    (
        "1002",
        2,
        Seen(
            "competitor",
            "湖滨银行上门给园区企业办结算卡，开户送一年网银",
            "colleague",
            place="高新园区",
            tags="对公 同业",
        ),
    ),
    ("1002", 9, Seen("need", "小微企业主普遍问周转贷款能不能线上续", "customer", tags="小微 贷款")),
    ("1003", 3, Seen("product", "同业月月盈类产品起购降到一千元", "media", "某行公众号", tags="理财 同业")),
    ("1201", 4, Seen("rate", "周边两家银行大额存单三年 2.4%，额度紧", "eyes", tags="存款 同业")),
    ("1302", 5, Seen("need", "留学家庭集中在三月换汇，问限额和手续费", "customer", tags="外汇 留学")),
)


def note(bank: Bank, now: datetime, rules: Rules) -> None:
    """Written when they were seen; those of 林晓 are worked up and passed on."""
    today = now.astimezone(rules.zone).date()
    for place, (number, back, seen) in enumerate(SEEN):
        at = datetime.combine(today - timedelta(days=back), time(11 + place % 6, 10), rules.zone)
        with acting(bank.staff[number].pk, at) as actor:
            notes.write(seen, actor=actor, now=at, bank=rules)
    at = datetime.combine(today - timedelta(days=1), time(16, 30), rules.zone)
    rm = bank.staff["1001"].pk
    with acting(rm, at) as actor:
        made = list(Note.objects.filter(by=rm).order_by("pk"))
        brief = notes.work_up(
            "短期资金在找去处", "周边存款利率上浮，老客户却不愿锁三年，一个月左右的理财最常被问到。", "把到期资金先放短期，等利率明朗再定。",
            "三月到期的存款可能流走，建议备足短期理财额度。", [each.pk for each in made[:2]], actor=actor, now=at, bank=rules,
        )  # fmt: skip
        to_leader = notes.route(
            brief, _post(bank, "1010"), "月底前到期客户怎么跟，请定", actor=actor, now=at, bank=rules
        )
        notes.route(brief, _post(bank, "1050"), "额度能否提前", actor=actor, now=at, bank=rules)
    early = datetime.combine(today - timedelta(days=1), time(17, 20), rules.zone)
    with acting(bank.staff["1010"].pk, early) as leader:
        row = Routing.objects.get(pk=to_leader.pk)
        notes.answer(row, "used", "周会上讲，先把本月到期的客户排一遍", actor=leader, now=early, bank=rules)


def _post(bank: Bank, number: str) -> int:
    return Post.objects.filter(staff=bank.staff[number], role__in=notes.DESK).values_list("pk", flat=True)[0]
