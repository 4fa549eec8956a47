"""WCAG 2.2 AA by axe-core: every main page, light and dark, at the desk and on the phone, without one violation."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from importlib import resources
from io import BytesIO
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests import files

from .conftest import DESK, MONDAY, PHONE, Arranged, Site
from .test_campaign import asked_for, running, who_agreed

TAGS = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
# What the dark scheme can change: every other rule looks at what is the same in both.
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
LOOK = """async rules => (await axe.run(document, {preload: false, runOnly: rules})).violations.map(
    found => [found.id, found.help, ...found.nodes.map(node => node.html.slice(0, 160) + " · " + (node.any[0]?.message ?? ""))])"""

# Who looks at what: the role, and the addresses in whose braces stands what was arranged
PAGES: dict[str, tuple[str, ...]] = {
    "rm": (
        "/", "/customers/", "/customers/structure/", "/customers/?need=open", "/customers/?silent=90&need=open", "/customers/round/?customer={customer}",
        "/customers/{customer}/", "/customers/{customer}/learned/", "/customers/{customer}/consents/", "/customers/{customer}/new/visit/",
        "/contacts/{reception}/prepare/", "/contacts/{visit}/write-up/", "/contacts/{call}/talk/",
        "/contacts/{meeting}/talk/", "/contacts/{reception}/move/", "/contacts/{closed}/record/",
        "/obligations/{thanks}/", "/search/?for={sought}", "/schedule/", "/schedule/new/", "/code/", "/code/R12/", "/me/", "/me/call-backs/", "/me/call-backs/?fate=never",
        "/me/access/", "/customers/differences/", "/contacts/{put_off}/outcome/amend/", "/customers/{quiet}/stops/",
        "/customers/{quiet}/stops/?why=deceased", "/customers/{quiet}/relations/", "/leave/", "/me/adherence/", "/me/satisfaction/", "/reminders/",
        "/messages/", "/messages/look/", "/messages/{customer}/", "/messages/{quiet}/", "/messages/{thanked}/?for={thanks}", "/handset/", "/handset/{customer}/",
        "/messages/greetings/", "/messages/greetings/dragon_boat:2026/?stands=no_consent", "/messages/greetings/birthdays/",
        "/messages/templates/new/", "/messages/campaigns/", "/messages/campaigns/{campaign}/?to=*",
        "/messages/campaigns/{campaign}/?customer={person}&stands=no_consent",
        "/work/outings/", "/work/outings/new/", "/work/outings/{outing}/", "/work/outings/{outing}/sheet/", "/work/deliveries/", "/work/deliveries/new/", "/work/deliveries/{delivery}/",
        "/work/promises/", "/work/assignments/", "/work/assignments/{assignment}/", "/market/prospects/", "/market/prospects/new/",
        "/market/prospects/{prospect}/", "/market/prospects/{prospect}/edit/", "/market/notes/", "/market/notes/{note}/", "/documents/", "/documents/new/",
        "/documents/{document}/", "/customers/{customer}/documents/", "/code/read/", "/code/manners/",
        "/work/plans/", "/work/plans/new/?period=week", "/work/plans/{plan}/",
    ),
    "mate": ("/", "/leave/"),
    "leader": ("/units/", "/approvals/", "/code/", "/customers/import/", "/customers/import/messages/", "/team/", "/leave/",
        "/team/call-backs/", "/team/call-backs/?fate=late", "/team/adherence/?by=unit", "/team/adherence/?clause=R1&all=yes", "/team/satisfaction/",
        "/reminders/", "/reminders/?of=all", "/messages/greetings/", "/messages/campaigns/", "/messages/campaigns/{campaign}/",
        "/work/outings/?of=team", "/work/outings/board/", "/work/outings/{outing}/", "/work/plans/?of=team", "/work/plans/morning/", "/work/plans/evening/",
        "/work/promises/?of=team", "/work/assignments/", "/work/assignments/new/", "/work/assignments/{assignment}/", "/market/prospects/?of=team",
        "/customers/structure/?months=6", "/market/prospects/funnel/", "/market/notes/digest/", "/market/notes/briefs/new/", "/market/notes/briefs/{brief}/", "/market/notes/passed/{routing}/",
        "/documents/", "/code/acknowledgements/"),
    "marketing": ("/messages/campaigns/", "/messages/campaigns/{campaign}/", "/messages/campaigns/new/", "/messages/templates/", "/messages/templates/{words}/", "/messages/templates/new/"),
    "administrator": (
        "/units/", "/staff/", "/staff/new/", "/staff/import/", "/settings/", "/settings/callback_tolerance/",
        "/settings/?only=differs", "/workdays/", "/approvals/", "/staff/{colleague}/",
        "/units/{unit}/", "/reminders/", "/reminders/?of=all", "/settings/reminders/", "/gateways/",
    ),
    "auditor": ("/trail/",),
    "": ("/sign-in/",),
}  # fmt: skip


@cache
def axe() -> str:
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


@pytest.fixture(scope="module")
def arranged(bank: Site) -> dict[str, Any]:
    """One of everything that pages show."""
    return one_of_everything(bank)


def one_of_everything(site: Site) -> dict[str, Any]:
    from zhike.conduct.bank import Bank
    from zhike.contacts import course
    from zhike.contacts.write_up import NeedHeard, NextContact, WriteUp
    from zhike.customers.models import Difference
    from zhike.obligations import stops
    from zhike.obligations.models import Obligation
    from zhike.pages.sought import sealed
    from zhike.people.actor import acting
    from zhike.people.tokens import give
    from zhike.sms.models import Pushed, Template

    made = Arranged(site)
    person, lady, company = site.cast.customers["rm"]
    closed = made.contact(
        "visit", person, at=MONDAY - timedelta(days=5),
        form=WriteUp(
            result="inclined", result_words="想存三年", needs=[NeedHeard("deposit", "四月有 30 万到账")],
            next=NextContact("call", MONDAY + timedelta(days=1), words="问到账时间"), demands=["查一下额度"],
            learned={"hobbies": "二胡", "birthday": "农历三月初八"},
        ),
    )  # fmt: skip
    visit = made.contact("visit", lady, at=MONDAY - timedelta(hours=1))
    made.contact("reception", company, at=MONDAY - timedelta(hours=2))
    reception = made.plan("reception", MONDAY + timedelta(hours=2), person, agreed=True)
    called = site.customer("单雪", "diamond")
    put_off = made.contact(
        "call", called, at=MONDAY - timedelta(minutes=30), minutes=1, purpose="care", outcome="busy",
        call_back_at=MONDAY + timedelta(minutes=3),
    )  # fmt: skip
    for minutes in (0, 2, 31, None):  # agreed for half past twelve: kept, kept, late, never
        waits = site.customer(f"侯{minutes}")
        made.contact(
            "call", waits, at=MONDAY - timedelta(hours=2), minutes=1, purpose="care", outcome="busy",
            call_back_at=MONDAY - timedelta(minutes=90),
        )  # fmt: skip
        if minutes is not None:
            with site.owner():
                waited = Obligation.objects.get(customer=waits, kind="call_back", state="open")
            made.contact(
                "call", waits, at=MONDAY - timedelta(minutes=89 - minutes), minutes=1, known=MONDAY, purpose="call_back",
                fulfils=waited.pk,
            )  # fmt: skip
    under_way = {}
    for kind, name in (("call", "钱小宁"), ("reception", "赵一曼")):
        contact = made.plan(kind, MONDAY + timedelta(minutes=5), site.customer(name), purpose="care")
        with acting(contact.rm_id, MONDAY) as actor:
            course.start(contact, actor=actor, now=MONDAY, bank=Bank())
        under_way[kind] = contact.pk
    with acting(site.cast.rm.pk, MONDAY) as actor:
        sought = quote(sealed("张", actor))
        quiet = site.customer("许静")
        stops.stop(
            quiet, "do_not_disturb", on=MONDAY.date(), evidence="客户来电要求", actor=actor, now=MONDAY, bank=Bank()
        )
    a_thread(site, person)
    on_leave(site)
    meant, campaign = campaigns(site)
    outing = an_outing(site, person.pk)
    unit = digests(site)
    with site.owner():
        lies = Pushed.on("replies", "/etc/zhike/platform.toml", b"mobile=13800000001&moid=7", MONDAY)
        lies.aside, lies.why = True, {"zh": "1 条中有 1 条信息不全", "en": "1 of 1 say too little"}
        lies.save()
        Difference.objects.create(customer=person, field="name", theirs="张卫明", seen_at=MONDAY)
        give(site.cast.rm, "晨间报表", MONDAY, days=30)
        thanks = Obligation.objects.filter(kind="thanks", state="open").first()
    assert thanks
    return {
        "customer": person.pk, "closed": closed.pk, "visit": visit.pk, "reception": reception.pk, "thanks": thanks.pk,
        "call": under_way["call"], "meeting": under_way["reception"],
        "words": Template.objects.get(key="mid_autumn").pk, "colleague": site.cast.rm.pk, "sought": sought, "put_off": put_off.pk, "quiet": quiet.pk,
        **entrusted(site, person), **of_the_market(site), "document": a_document(site, person),
        "unit": unit, "thanked": thanks.customer_id, "campaign": campaign, "person": meant, "outing": outing, "delivery": a_delivery(site, person.pk), "plan": a_plan(site),
    }  # fmt: skip


def entrusted(site: Site, customer: Any) -> dict[str, int]:
    """By the leader, and handed in."""
    from zhike.conduct.bank import Bank
    from zhike.people.actor import acting
    from zhike.work import assignments

    verb: dict[str, Any] = {"now": MONDAY, "bank": Bank()}
    due = MONDAY + timedelta(days=2)
    with acting(site.cast.leader.pk, MONDAY) as actor:
        (row,) = assignments.give(
            [site.cast.rm.pk], "清点到期客户", "名单交来", due, together=uuid4(), actor=actor, **verb
        )
    with acting(site.cast.rm.pk, MONDAY) as actor:
        assignments.take_on(row, actor=actor, **verb)
        assignments.hand_in(row, f"名单在此，{customer.name}已谈过", actor=actor, **verb)
    return {"assignment": row.pk}


def of_the_market(site: Site) -> dict[str, int]:
    """A prospect with a step to come; a note, worked up into a brief and passed on."""
    from zhike.conduct.bank import Bank
    from zhike.market import notes, prospects
    from zhike.people.actor import acting

    verb: dict[str, Any] = {"now": MONDAY, "bank": Bank()}
    with acting(site.cast.rm.pk, MONDAY) as actor:
        draft = prospects.Draft(
            "东海精工股份有限公司",
            "event",
            kind="company",
            mobile="13911112222",
            contact_name="钱工",
            interest="deposit",
        )
        step = prospects.Step("送产品单", MONDAY.date() + timedelta(days=3))
        prospect = prospects.enter(draft, step, actor=actor, **verb)
        note = notes.write(
            notes.Seen("rate", "对面三年期上浮十个基点", place="世纪大道", tags="存款"), actor=actor, **verb
        )
        desk = notes.desks(actor, **verb)[0]
        routing = notes.route(note, desk.post, "请看", actor=actor, **verb)
    with acting(site.cast.leader.pk, MONDAY) as actor:
        brief = notes.work_up("利率动向", "三年期普遍上浮", "可能转存", "准备应对", [note.pk], actor=actor, **verb)
    return {"prospect": prospect.pk, "note": note.pk, "brief": brief.pk, "routing": routing.pk}


def a_document(site: Site, customer: Any) -> int:
    from zhike.conduct.bank import Bank
    from zhike.documents import filing
    from zhike.documents.models import Label
    from zhike.people.actor import acting

    content = files.pdf()
    with acting(site.cast.rm.pk, MONDAY) as actor:
        brought = filing.Brought(BytesIO(content), "委托书.pdf", len(content))
        business, kind = (Label.objects.filter(sort=sort).order_by("pk")[0].pk for sort in ("business", "kind"))
        slip = filing.Slip(business, kind, MONDAY.date(), "")
        return int(filing.file(brought, slip, customer=customer, actor=actor, now=MONDAY, bank=Bank()).pk)


def a_plan(site: Site) -> int:
    """Fixed this morning, with a word of the leader's."""
    from zhike.conduct.bank import Bank
    from zhike.people.actor import acting
    from zhike.work import plans
    from zhike.work.models import Plan
    from zhike.work.models.plan import Period

    with acting(site.cast.rm.pk, MONDAY) as actor:
        own = [plans.Own("整理客户档案")]
        made = plans.fix(Period.DAY, MONDAY.date(), None, own, actor=actor, now=MONDAY, bank=Bank())
    with acting(site.cast.leader.pk, MONDAY) as actor:
        plans.comment(Plan.objects.get(pk=made.pk), "先约钻石客户", actor=actor, now=MONDAY, bank=Bank())
    return int(made.pk)


def a_delivery(site: Site, customer: int) -> int:
    """In hand, to be signed for."""
    from zhike.conduct.bank import Bank
    from zhike.people.actor import acting
    from zhike.work import deliveries

    with acting(site.cast.rm.pk, MONDAY) as actor:
        due = MONDAY + timedelta(days=1)
        return int(deliveries.enter(customer, "结息凭证", due, actor=actor, now=MONDAY, bank=Bank()).pk)


def an_outing(site: Site, customer: int) -> int:
    """Out, at the first stop, help asked for, a line of the leader's."""
    from zhike.conduct.bank import Bank
    from zhike.people.actor import acting
    from zhike.work import outings
    from zhike.work.models import Outing

    verb: dict[str, Any] = {"now": MONDAY, "bank": Bank()}
    with acting(site.cast.rm.pk, MONDAY) as actor:
        stops = [outings.Going(customer=customer, purpose="签合同"), outings.Going(place="市监局", purpose="办证")]
        outing = outings.report(stops, departs_at=MONDAY, returns_at=MONDAY + timedelta(hours=2), actor=actor, **verb)
        first = outing.stops.get(number=1)
        first.outing = outing
        outings.check_in(first, actor=actor, **verb)
        outings.ask_help(outing, "合同少一页", actor=actor, **verb)
    with acting(site.cast.leader.pk, MONDAY) as actor:
        held = Outing.objects.held(outing.pk, actor)
        assert held
        outings.answer(held, "好的", actor=actor, **verb)
    return int(outing.pk)


def a_thread(site: Site, customer: Any) -> None:
    """A message in each state, a question, an opt-out, and one inside a sentence."""
    from zhike.conduct.bank import Bank
    from zhike.sms import inbox
    from zhike.sms.models import Message, State

    with site.owner():
        for n, state in enumerate(State):
            at = MONDAY - timedelta(days=9 - n)
            message = Message(
                customer=customer, staff=site.cast.rm, by=site.cast.rm, kind="service", state=state, parts=1, created_at=at,
                not_before=at, done_at=at, why={"zh": "连接中断", "en": "the connection broke", "clause": "S5", "code": "8"},
            )  # fmt: skip
            message.text = "张先生，您好！您来行的时间已为您留好，恭候您。"
            message.save()
    with site.worker():
        for n, words in enumerate(("四月的利率是多少？", "我要退订，谢谢", "TD")):
            inbox.keep("demo", "13800138000", words, f"mo-{n}", MONDAY - timedelta(hours=3 - n), Bank())


def campaigns(site: Site) -> tuple[int, Any]:
    """One runs, one waits for a second person, one was stopped: of the one that runs a customer who is open, and its key."""
    from zhike.people.actor import acting
    from zhike.sms.campaigns.forwarding import stop

    meant, runs, stopped = (
        who_agreed(site),
        running(site, "稳健增利十二个月定期开放" * 3),
        running(site, "手机银行体验"),
    )
    asked_for(site, "养老专区上线")
    with acting(site.cast.marketing.pk, MONDAY) as actor:
        stop(stopped, "额度售罄", actor=actor, now=MONDAY)
    return int(meant["顾明"].pk), runs.key


def digests(site: Site) -> int:
    """世纪大道支行 has a robot in its group; of its digests one was sent, one was not, and a test waits."""
    from zhike.notices import webhooks
    from zhike.notices.models import Digest
    from zhike.people.actor import acting

    unit, day = site.cast.units["century"], MONDAY.date()
    with acting(site.cast.administrator.pk, MONDAY) as actor:
        webhooks.set_up(
            actor, unit.pk, kind="wecom", address="https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=4c1c-9d0f", secret="",
            language="zh-hans", relays=frozenset(), now=MONDAY, today=day,
        )  # fmt: skip
        webhooks.test(actor, unit.pk, now=MONDAY, today=day)
    with site.owner():
        for back, state, error in (
            (3, "sent", ""),
            (4, "failed", "当天没有后台任务发送\nno worker sent it on its day"),
        ):
            at = MONDAY - timedelta(days=back)
            Digest.objects.create(unit=unit, day=at.date(), at=at, try_at=at, state=state, done_at=at, error=error)
    return int(unit.pk)


def on_leave(site: Site) -> None:
    """林晓 is away and 陈彤 stands in; another time she cannot, and has not answered whether she can for their leader."""
    from zhike.conduct.bank import Bank
    from zhike.people import leave
    from zhike.people.actor import acting

    first = MONDAY.date()
    asked = {}
    for who, begins, back in (("rm", 0, 3), ("rm", 10, 12), ("leader", 5, 6)):
        with acting(site.cast.staff[who].pk, MONDAY) as actor:
            asked[who, begins] = leave.ask(
                actor.id, first + timedelta(days=begins), first + timedelta(days=back), site.cast.mate.pk,
                note="周二有回电", actor=actor, now=MONDAY, bank=Bank(),
            )  # fmt: skip
    with acting(site.cast.mate.pk, MONDAY) as actor:
        leave.accept(asked["rm", 0], actor=actor, now=MONDAY, bank=Bank())
        leave.decline(asked["rm", 10], "同一周培训", actor=actor, now=MONDAY, bank=Bank())


# A colour on its way to another is neither; a sheet that a script makes is nothing that the page's policy refuses.
STILL = """() => {
    const still = new CSSStyleSheet();
    still.replaceSync("*, ::before, ::after { transition: none !important; animation: none !important }");
    document.adoptedStyleSheets = [still];
}"""


def seen(page: Page, address: str) -> list[list[str]]:
    """Every rule in the light, those of colour in the dark once more."""
    page.emulate_media(color_scheme="light")
    answer = page.goto(address)
    assert answer, address
    assert answer.status == 200, f"{address}: {answer.status}"
    page.evaluate(STILL)
    page.evaluate("scrollTo(0, 0)")  # what a scrolled page shows half of below a bar that stays is no small target
    page.evaluate(axe())
    found: list[list[str]] = page.evaluate(LOOK, TAGS)
    page.emulate_media(color_scheme="dark")
    dark: list[list[str]] = page.evaluate(LOOK, COLOURS)
    return [*found, *([f"dark: {id}", *rest] for id, *rest in dark)]


@pytest.mark.parametrize("who", PAGES, ids=lambda who: who or "nobody")
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_no_violation(shared: Site, arranged: dict[str, Any], who: str, size: dict[str, int]) -> None:
    page = shared.person(who, size=size) if who else shared.page(shared.context(size))
    # axe measures with styles of its own, which the page's policy refuses: no fault of the page's
    page.remove_listener("console", shared.heard)
    violations = {}
    for each in PAGES[who]:
        if found := seen(page, shared.address + each.format(**arranged)):
            violations[each] = found
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            violations.setdefault(each, []).append([f"scrolls sideways by {wide} px"])
    assert not violations, "\n".join(f"{at}\n  " + "\n  ".join(map(str, found)) for at, found in violations.items())


@pytest.mark.parametrize(("size", "scheme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk", "phone-dark"])
def test_no_violation_in_a_reminder(shared: Site, arranged: dict[str, Any], size: dict[str, int], scheme: str) -> None:
    """The banner above the page of reminders, as it came."""
    page = shared.person(size=size, scheme=scheme)
    page.remove_listener("console", shared.heard)
    with shared.working():
        page.goto(f"{shared.address}/reminders/")
        expect(page.get_by_role("region", name="提醒").first).to_contain_text("单雪", timeout=60_000)
        page.evaluate(axe())
        assert page.evaluate(LOOK, TAGS) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
