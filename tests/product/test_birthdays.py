"""R5: the birthdays to come are arranged ahead in one go; each greeting leaves on the day that its customer celebrates and does what is owed.

The book is the one of test_greetings. NOW is Monday, 2 March 2026, 14:00 in Shanghai; thirty days with today end on 31 March. The first day of the
lunar year was 17 February, so that 10 March is its 22nd (Hong Kong Observatory's tables).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime

import pytest

from tests.cast import Cast, a_customer
from tests.gateway import Gateway, arrives, taken
from tests.product.api import NOW, Program
from tests.product.test_greetings import BANK, book
from tests.product.test_messages import Line
from zhike import clock
from zhike.conduct.words import Refused
from zhike.customers.models import Consent, Customer
from zhike.obligations.models import Obligation
from zhike.obligations.sweep import greet, sweep
from zhike.sms import birthdays, composer, gate, greetings, texts
from zhike.sms.birthdays import Birthdays
from zhike.sms.models import LeftOut, Message, Template, Wording

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
HERE = "/messages/greetings/birthdays/"
COMING = Birthdays(date(2026, 3, 2))
EVERY = [tier.key for tier in BANK.tiers]
assert book


def moment(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00")


@pytest.fixture
def born(cast: Cast, book: list[Customer], owner: Role) -> list[Customer]:
    """Of the book: on 5 March (platinum), 6 March (gold, no consent), lunar 22/1 (platinum), 31 March (gold), 1 April (regular); and a private
    banking customer on 7 March, who is called or met.
    """
    with owner():
        private = a_customer("高远", cast.rm, cast.units["century"], tier="private")
        births = [
            ("solar", 3, 5),
            ("solar", 3, 6),
            None,
            ("lunar", 1, 22),
            ("solar", 3, 31),
            ("solar", 4, 1),
            ("solar", 3, 7),
        ]
        for customer, birth in zip([*book, private], births, strict=True):
            if birth:
                calendar, month, day = birth
                Customer.objects.filter(pk=customer.pk).update(
                    birth_calendar=calendar, birth_month=month, birth_day=day, birth_leap=False
                )
    return [*book, private]


def of_birthdays() -> Wording:
    return Wording.objects.get(template__key="birthday")


def counts(cast: Cast, coming: Birthdays = COMING) -> dict[str, int]:
    return greetings.covered([coming], [cast.rm.pk], BANK).get("birthdays", {}).get(cast.rm.pk, {})


def arrange(cast: Cast, now: datetime = NOW) -> int:
    with cast.acting("rm", now) as actor:
        return greetings.arrange(
            COMING, of_birthdays(), EVERY, actor=actor, staff=cast.rm.pk, now=now, bank=BANK
        ).messages


@pytest.mark.clause("R5", "OWE")
def test_those_who_celebrate_in_the_next_days_stand_as_with_festivals(cast: Cast, born: list[Customer]) -> None:
    with cast.acting("rm", NOW) as actor:
        assert counts(cast) == {"open": 3, "no_consent": 1, "in_person": 1}
        with pytest.raises(Refused, match="先选"):
            greetings.arrange(COMING, of_birthdays(), [], actor=actor, staff=cast.rm.pk, now=NOW, bank=BANK)
        words = Wording.objects.get(template__key="dragon_boat")
        with pytest.raises(Refused, match="不能用于这里"):
            greetings.arrange(COMING, words, EVERY, actor=actor, staff=cast.rm.pk, now=NOW, bank=BANK)
        assert greetings.leave_out(COMING, ["gold"], "当面祝贺", actor=actor, staff=cast.rm.pk, now=NOW, bank=BANK) == 1
        assert LeftOut.objects.get().occasion == "birthday:2026-03-31"
        assert counts(cast) == {"open": 2, "no_consent": 1, "in_person": 1, "left_out": 1}


def test_each_leaves_on_the_own_day_by_solar_or_lunar_calendar(cast: Cast, born: list[Customer]) -> None:
    assert (arrange(cast), arrange(cast)) == (3, 0), "nobody twice"
    with cast.acting("rm", NOW):
        assert counts(cast) == {"arranged": 3, "no_consent": 1, "in_person": 1}
        found = {each.customer_id: (each.not_before, each.not_after, each.state) for each in Message.objects.all()}
        assert found == {
            born[0].pk: (moment("2026-03-05T09:00"), moment("2026-03-06T00:00"), "waiting"),
            born[3].pk: (moment("2026-03-10T09:00"), moment("2026-03-11T00:00"), "waiting"),
            born[4].pk: (moment("2026-03-31T09:00"), moment("2026-04-01T00:00"), "waiting"),
        }


@pytest.mark.clause("R5", "OWE")
def test_what_was_arranged_does_what_is_owed_on_the_day(cast: Cast, born: list[Customer], worker: Role) -> None:
    arrange(cast)
    day = moment("2026-03-05T00:10")
    with worker():
        sweep(day.date(), now=day, bank=BANK)
    with cast.acting("rm", day) as actor:
        owed = Obligation.objects.get(kind="birthday", customer=born[0])
        message = Message.objects.get(customer=born[0])
        assert (owed.state, message.obligation_id) == ("open", owed.pk)
        assert composer.may_be_written(owed)
        with pytest.raises(gate.OnItsWay):  # nobody twice: not by hand either
            gate.send(
                born[0], "greeting", "生日快乐", actor=actor, now=moment("2026-03-05T08:30"), bank=BANK, obligation=owed
            )
    line = Line(worker, Gateway(answers=arrives))
    line.rounds(moment("2026-03-05T08:59:59"))
    assert line.gateway.texts() == []
    line.rounds(moment("2026-03-05T09:00"))
    (text,) = line.gateway.texts()
    assert text.startswith(f"【总行】{born[0].address_as}，生日快乐！")
    owed.refresh_from_db()
    assert (owed.state, owed.evidence["channel"], owed.settled_by_id) == ("done", "sms", cast.rm.pk)


def test_one_that_left_before_the_sweep_does_it_as_well(cast: Cast, born: list[Customer], worker: Role) -> None:
    arrange(cast)
    line = Line(worker, Gateway(answers=taken))
    line.rounds(moment("2026-03-05T09:00"))
    late = moment("2026-03-05T10:00")
    with worker():
        sweep(late.date(), now=late, bank=BANK)
        owed = Obligation.objects.get(kind="birthday", customer=born[0])
        assert (owed.state, owed.settled_at) == ("done", moment("2026-03-05T09:00"))


def test_a_corrected_birthday_is_not_greeted_on_the_wrong_day(
    cast: Cast, born: list[Customer], worker: Role, owner: Role
) -> None:
    arrange(cast)
    with owner():
        Customer.objects.filter(pk=born[0].pk).update(birth_day=25)
    early = moment("2026-03-05T00:10")
    with worker():
        greet(early.date(), now=early, bank=BANK)
    line = Line(worker, Gateway(answers=taken))
    line.rounds(moment("2026-03-05T09:00"))
    assert line.gateway.texts() == []
    with cast.acting("rm", early):
        message = Message.objects.get(customer=born[0])
        assert (message.state, message.why["name"]) == ("refused", "corrected")
        found = greetings.standing(Birthdays(early.date()), "open", cast.rm.pk, BANK)
        right = [(each["id"], each["occasion"]) for each in found]
        assert right == [(born[0].pk, "birthday:2026-03-25"), (born[5].pk, "birthday:2026-04-01")], (
            "the right day is open again"
        )


def test_who_was_greeted_otherwise_on_the_day_is_not_open(cast: Cast, born: list[Customer], worker: Role) -> None:
    day = moment("2026-03-05T08:00")
    with worker():
        sweep(day.date(), now=day, bank=BANK)
    today = Birthdays(day.date())
    with cast.acting("rm", day) as actor:
        assert counts(cast, today)["open"] == 4, "that of 1 April has come in sight"
        owed = Obligation.objects.get(kind="birthday", customer=born[0])
        words = texts.suiting(owed, cast.rm, BANK)[0]
        gate.send(
            born[0],
            "greeting",
            words.text.partition("{")[0] + "生日快乐",
            actor=actor,
            now=day,
            bank=BANK,
            obligation=owed,
        )
        assert counts(cast, today) == {"open": 3, "arranged": 1, "no_consent": 1, "in_person": 1}
        done = greetings.arrange(today, of_birthdays(), EVERY, actor=actor, staff=cast.rm.pk, now=day, bank=BANK)
        assert done.messages == 3


def test_the_page_shows_them_and_arranges_in_one_go(cast: Cast, born: list[Customer]) -> None:
    with clock.at(NOW):
        rm = cast.client("rm")
        listed = rm.get("/messages/greetings/").content.decode()
        assert "5 位客户，未安排 3，致电或面访 1，未同意 1" in listed
        assert f'href="{HERE}"' in listed
        page = rm.get(HERE).content.decode()
        listed = page[page.index('id="who"') :]
        assert not re.search(r'name="tier" value="\w+" checked', page), "nobody until chosen"
        assert "arrange/" not in page
        assert listed.index("3月5日") < listed.index("3月10日") < listed.index("3月31日")
        page = rm.get(f"{HERE}?tier=platinum").content.decode()
        assert "安排 2 人 · 白金 · 各自生日 09:00" in page
        assert f"【总行】{born[0].address_as}，生日快乐！" in page
        stale = rm.post(f"{HERE}arrange/", {"tier": ["platinum"], "wording": of_birthdays().pk, "count": "3"})
        assert (stale.status_code, "现在是 2 人" in stale.content.decode()) == (422, True)
        done = rm.post(f"{HERE}arrange/", {"tier": ["platinum"], "wording": of_birthdays().pk, "count": "2"})
        assert (done.status_code, done["Location"]) == (303, HERE)
        page = rm.get(f"{HERE}?stands=arranged").content.decode()
        assert "已安排 2，未安排 1" in page
        assert born[3].name in page
        (key,) = re.findall(r'name="greeting" value="([^"]+)"', page)
        assert "已撤回 2 条问候" in rm.post(f"{HERE}withdraw/", {"greeting": key}, follow=True).content.decode()
        with cast.acting("rm", NOW):
            assert not Message.objects.exists()
        assert cast.client("mate").get(f"{HERE}?rm={cast.rm.pk}").status_code == 404
        assert cast.client("leader").get(f"{HERE}?rm={cast.rm.pk}&tier=platinum").status_code == 200


def test_on_the_day_todays_row_says_that_it_is_arranged(
    cast: Cast, born: list[Customer], worker: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHIKE_SMS_URL", "demo:")
    arrange(cast)
    day = moment("2026-03-05T08:00")
    with worker():
        sweep(day.date(), now=day, bank=BANK)
    with clock.at(day):
        page = cast.client("rm", day).get("/").content.decode()
        assert "等到生日当天" in page


def test_a_long_list_of_birthdays_comes_page_by_page(cast: Cast, owner: Role) -> None:
    with owner():
        made = [a_customer(f"寿星{n:03}", cast.mate, cast.units["century"], tier="gold") for n in range(60)]
        for n, customer in enumerate(made):  # the later in the book the sooner the day
            Customer.objects.filter(pk=customer.pk).update(
                birth_calendar="solar", birth_month=3, birth_day=31 - n // 3, birth_leap=False
            )
    with clock.at(NOW):
        mate = cast.client("mate")
        page = mate.get(f"{HERE}?stands=no_mobile").content.decode()
        assert (made[59].name in page, made[0].name in page) == (True, False)
        (more,) = re.findall(r'href="([^"]*after=\d+[^"]*)#who"', page)
        page = mate.get(more.replace("&amp;", "&")).content.decode()
        assert (made[59].name in page, made[0].name in page) == (False, True)
        assert mate.get(f"{HERE}?stands=no_mobile&after=1&of=x").status_code == 200


def test_the_bank_that_greets_no_birthdays_shows_none(cast: Cast, born: list[Customer], owner: Role) -> None:
    from zhike.people.models import Setting

    with owner():
        Setting.objects.create(name="birthday_greeting", value=False, from_day=date(2026, 1, 1), at=NOW)
    with clock.at(NOW):
        assert HERE not in cast.client("rm").get("/messages/greetings/").content.decode()


def test_programs_arrange_them_too(cast: Cast, born: list[Customer]) -> None:
    with clock.at(NOW):
        rm = Program(cast, "rm")
        found = rm.get("greetings/birthdays")
        assert (found["first"], found["last"]) == ("2026-03-02", "2026-03-31")
        assert (found["counts"]["open"], found["counts"]["in_person"]) == (3, 1)
        wording = Template.objects.get(key="birthday").wordings.get(state="approved")
        assert found["wordings"][0] == str(wording.pk)
        first = rm.get("greetings/birthdays/customers?stands=open&limit=2")
        rest = rm.get(f"greetings/birthdays/customers?stands=open&limit=2&cursor={first['next']}")
        assert [(each["id"], each["occasion"]) for each in [*first["items"], *rest["items"]]] == [
            (str(born[0].pk), "birthday:2026-03-05"), (str(born[3].pk), "birthday:2026-03-10"), (str(born[4].pk), "birthday:2026-03-31"),
        ]  # fmt: skip
        body = {"tiers": ["platinum", "gold"], "wording": str(wording.pk), "expected": 3}
        done = rm.post("greetings/birthdays/arrangements", body, status=201)
        assert done["messages"] == 3
        assert rm.get("greetings/birthdays")["arrangements"][0]["left"] == 3
        assert rm.post(f"greetings/birthdays/arrangements/{done['id']}/withdrawal", {}) == {"withdrawn": 3}


def test_consent_taken_back_after_arranging_stops_it_on_the_day(cast: Cast, born: list[Customer], worker: Role) -> None:
    arrange(cast)
    with cast.acting("rm", NOW) as actor:
        Consent.objects.record(
            born[0], "greeting", "sms", given=False, evidence="电话", source="contact", actor=actor, now=NOW
        )
    line = Line(worker, Gateway(answers=taken))
    line.rounds(moment("2026-03-05T09:00"))
    assert line.gateway.texts() == []
    assert birthdays.day_of("birthday:2026-03-05") == date(2026, 3, 5)
