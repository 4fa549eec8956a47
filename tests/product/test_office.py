"""The administrator's and the supervisors' pages: units, staff, posts, settings, workdays, approvals, trail."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client

from tests.cast import Cast
from zhike import clock
from zhike.conduct.words import Refused
from zhike.customers.models import Customer
from zhike.people import approvals, bank, workdays
from zhike.people.models import Approval, Post, Setting, Staff, Unit, Workday
from zhike.trail.models import Entry

pytestmark = pytest.mark.django_db
Role = Callable[[], AbstractContextManager[None]]
NOW = datetime(2026, 3, 16, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _monday() -> Iterator[None]:
    with clock.at(NOW):
        yield


def approve_what_waits(cast: Cast, who: str = "compliance") -> None:
    browser = cast.client(who)
    page = browser.get("/approvals/").content.decode()
    number = re.search(r'action="/approvals/(\d+)/"', page)
    digest = re.search(r'name="digest" value="(\w+)"', page)
    assert number
    assert digest
    done = browser.post(f"/approvals/{number[1]}/", {"act": "approve", "digest": digest[1]})
    assert done.status_code == 303, done.content.decode()


@pytest.mark.parametrize("who", ["administrator", "marketing", "auditor"])
def test_everybody_lands_somewhere(cast: Cast, who: str) -> None:
    browser = cast.client(who)
    landed = browser.get("/", follow=True)
    assert landed.status_code == 200


def test_posts_are_listed_in_the_readers_language(cast: Cast) -> None:
    with cast.acting("administrator", NOW):
        Staff.objects.filter(pk=cast.administrator.pk).update(language="en")
        second = {"unit": cast.units["century"], "role": "leader", "scope": "unit_tree", "from_day": date(2020, 1, 1)}
        Post.objects.create(staff=cast.rm, **second)
    page = cast.client("administrator").get("/staff/").content.decode()
    assert "、" not in page
    assert re.search(r"<td>[^<·]+ · [^<,]+, [^<·]+ · [^<]+</td>", page)


def test_units_are_made_moved_and_ended(cast: Cast) -> None:
    browser = cast.client("administrator")
    assert "世纪大道支行" in browser.get("/units/").content.decode()
    made = browser.post(
        "/units/new/", {"code": "1101", "name": "财富一组", "kind": "team", "parent": cast.units["century"].pk}
    )
    assert made.status_code == 303
    team = Unit.objects.get(code="1101")
    assert team.path.startswith(cast.units["century"].path)
    again = browser.post("/units/new/", {"code": "1101", "name": "又一组", "kind": "team"})
    assert (again.status_code, "已存在" in again.content.decode(), "又一组" in again.content.decode()) == (
        422,
        True,
        True,
    )
    circle = browser.post(f"/units/{cast.units['branch'].pk}/", {"act": "move", "parent": team.pk, "reason": "合并"})
    assert (circle.status_code, "隶属于自己的下级" in circle.content.decode()) == (422, True)
    assert browser.post(f"/units/{cast.units['century'].pk}/", {"act": "end"}).status_code == 422
    assert browser.post(f"/units/{team.pk}/", {"act": "end"}).status_code == 303


def names_seen(cast: Cast, who: str) -> bool:
    """Whether somebody sees the customers of Century Avenue."""
    with cast.acting(who, NOW) as actor:
        return Customer.objects.visible_to(actor).filter(name="张伟明").exists()


def test_a_unit_is_moved_by_two_and_shows_its_customers_only_then(cast: Cast, owner: Role) -> None:
    with owner():
        Post.objects.filter(staff=cast.other_leader).update(scope="tree")
    browser, century = cast.client("administrator"), cast.units["century"]
    address, asked = f"/units/{century.pk}/", {"act": "move", "parent": cast.units["lujiazui"].pk, "reason": "网点归并"}
    for refused, why in (({**asked, "reason": " "}, "理由"), ({**asked, "parent": century.parent_id}, "已经隶属于")):
        page = browser.post(address, refused)
        assert (page.status_code, why in page.content.decode()) == (422, True)
    assert browser.post(address, asked).status_code == 303
    assert browser.post(address, asked).status_code == 422  # it waits already
    assert (
        browser.post(
            address, {"name": "世纪大道中心支行", "kind": "sub_branch", "parent": cast.units["lujiazui"].pk}
        ).status_code
        == 303
    )
    century.refresh_from_db()
    assert (century.name, century.parent_id) == ("世纪大道中心支行", cast.units["branch"].pk)
    assert not names_seen(cast, "other_leader")
    page = cast.client("compliance").get("/approvals/").content.decode()
    assert "张江分行 → 陆家嘴支行" in page
    approve_what_waits(cast)
    century.refresh_from_db()
    assert century.parent_id == cast.units["lujiazui"].pk
    assert names_seen(cast, "other_leader")


def test_a_move_is_not_carried_out_by_who_gains_by_it_nor_from_another_place(cast: Cast, owner: Role) -> None:
    century = cast.units["century"]
    with owner():
        Post.objects.filter(staff=cast.compliance).update(unit=cast.units["lujiazui"])
    asked = {"act": "move", "parent": cast.units["lujiazui"].pk, "reason": "网点归并"}
    assert cast.client("administrator").post(f"/units/{century.pk}/", asked).status_code == 303
    with cast.acting("compliance", NOW) as actor:
        waiting = approvals.waiting_for(actor, NOW).get()
        with pytest.raises(Refused, match="您将看到"), transaction.atomic():
            approvals.approve(actor, waiting.pk, waiting.digest, NOW)
    with owner():
        moved = Unit.objects.get(pk=century.pk)
        moved.parent = cast.units["head"]
        moved.save()
    with cast.acting("second_administrator", NOW) as actor, pytest.raises(Refused, match="在此期间"):
        approvals.approve(actor, waiting.pk, waiting.digest, NOW)


def test_a_file_moves_units_only_when_a_second_person_agrees(cast: Cast) -> None:
    rows = "机构号\t机构名称\t机构类型\t上级机构号\n1100\t世纪大道支行\t支行\t1200"
    checked = cast.client("administrator").post("/staff/import/", {"text": rows, "act": "check"}).content.decode()
    assert re.search(r"待审批后调整的机构</dt>\s*<dd[^>]*>1<", checked)
    taken = cast.client("administrator").post("/staff/import/", {"text": rows, "act": "take", "reason": "归并"})
    assert "1 个机构经第二人审批后调整隶属" in taken.content.decode()
    century = Unit.objects.get(pk=cast.units["century"].pk)
    assert century.parent_id == cast.units["branch"].pk
    approve_what_waits(cast)
    century.refresh_from_db()
    assert century.path == f"{cast.units['lujiazui'].path}{century.pk}/"


def test_a_colleague_is_seated_corrected_invited_and_closed(cast: Cast) -> None:
    browser = cast.client("administrator")
    slips = browser.post("/staff/new/", {"number": "2001", "name": "高远", "email": "gao@bank.example"})
    password = re.search(r"<code class=\"big\">([\w-]+)</code>", slips.content.decode())
    assert password
    assert slips["Cache-Control"] == "no-store"
    gao = Staff.objects.get(number="2001")
    assert Client().post("/sign-in/", {"login": "2001", "password": password[1]}).status_code == 302
    assert browser.post("/staff/new/", {"number": "2001", "name": "别人"}).status_code == 422
    assert browser.post(f"/staff/{gao.pk}/correct/", {"name": "高远", "title": "财富顾问"}).status_code == 303
    assert browser.post(f"/staff/{gao.pk}/correct/", {"name": ""}).status_code == 422
    assert "一次性密码" in browser.post(f"/staff/{gao.pk}/invite/").content.decode()
    assert browser.post(f"/staff/{gao.pk}/turn/", {"act": "close"}).status_code == 303
    assert not Staff.objects.get(number="2001").is_active
    assert browser.post(f"/staff/{gao.pk}/invite/").status_code == 422
    own = browser.post(f"/staff/{cast.administrator.pk}/turn/", {"act": "close"})
    assert own.status_code == 422
    assert browser.post(f"/staff/{gao.pk}/turn/", {"act": "open"}).status_code == 303
    assert browser.get("/staff/999999/").status_code == 404


def test_a_post_is_asked_for_and_opened_by_another(cast: Cast) -> None:
    browser = cast.client("administrator")
    asked = browser.post(
        f"/staff/{cast.rm.pk}/posts/",
        {"role": "leader", "unit": cast.units["century"].pk, "scope": "team", "from": "2026-03-17", "reason": "接任"},
    )
    assert asked.status_code == 303
    assert not Post.objects.filter(staff=cast.rm, role="leader").exists()
    approve_what_waits(cast)
    post = Post.objects.get(staff=cast.rm, role="leader")
    assert post.from_day == date(2026, 3, 17)
    assert browser.post(f"/staff/{cast.rm.pk}/posts/{post.pk}/end/").status_code == 303  # begins tomorrow: taken back
    own = Post.objects.get(staff=cast.rm, role="rm")
    assert browser.post(f"/staff/{cast.rm.pk}/posts/{own.pk}/end/").status_code == 303
    bad = browser.post(f"/staff/{cast.rm.pk}/posts/", {"role": "rm", "unit": "", "scope": "own", "reason": "x"})
    assert bad.status_code == 422
    assert (
        browser.post(
            f"/staff/{cast.rm.pk}/posts/",
            {"role": "rm", "unit": "99999", "scope": "own", "from": "soon", "reason": "x"},
        ).status_code
        == 422
    )


FILE = """工号\t姓名\t机构号\t机构名称\t机构类型\t上级机构号\t角色
\t\t1300\t外高桥支行\t支行\t1000\t
3001\t钟意\t1300\t\t\t\t客户经理
3002\t汤圆\t1300\t\t\t\t大堂经理"""


def test_a_pasted_file_is_checked_mended_in_place_and_taken(cast: Cast) -> None:
    browser = cast.client("administrator")
    wrong = browser.post("/staff/import/", {"text": FILE, "act": "check"})
    page = wrong.content.decode()
    assert wrong.status_code == 422
    assert "大堂经理" in page
    assert "钟意" in page  # everything is still there
    assert not Unit.objects.filter(code="1300").exists()
    right = browser.post("/staff/import/", {"text": FILE.replace("大堂经理", "客户经理"), "act": "check"})
    assert right.status_code == 200
    assert not Unit.objects.filter(code="1300").exists()
    taken = browser.post(
        "/staff/import/", {"text": FILE.replace("大堂经理", "客户经理"), "act": "take", "reason": "新支行"}
    )
    assert len(re.findall(r'<code class="big">', taken.content.decode())) == 2
    assert Staff.objects.filter(number__startswith="300").count() == 2
    assert not Post.objects.filter(staff__number__startswith="300").exists()
    approve_what_waits(cast)
    assert Post.objects.filter(staff__number__startswith="300").count() == 2
    again = browser.post("/staff/import/", {"text": FILE.replace("大堂经理", "客户经理"), "act": "take"})
    assert "big" not in re.findall(r'<code class="(\w+)"', again.content.decode())


def test_an_uploaded_workbook_becomes_text_in_the_page(cast: Cast) -> None:
    data = io.BytesIO()
    book = xlsxwriter.Workbook(data)
    sheet = book.add_worksheet()
    for number, line in enumerate(FILE.split("\n")):
        sheet.write_row(number, 0, line.split("\t"))
    book.close()
    browser = cast.client("administrator")
    page = browser.post(
        "/staff/import/", {"file": SimpleUploadedFile("员工.xlsx", data.getvalue()), "text": "", "act": "check"}
    ).content.decode()
    assert "3001\t钟意" in page
    rubbish = browser.post(
        "/staff/import/", {"file": SimpleUploadedFile("a.xlsx", b"PK\x03\x04rubbish"), "text": "kept", "act": "check"}
    )
    assert rubbish.status_code == 422
    assert "kept" in rubbish.content.decode()


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("callback_tolerance", {"value": "10"}, 10),
        ("waiver_needs_leader", {"value": "yes"}, True),
        ("second_factor_roles", {"value": ["administrator", "compliance"]}, ["administrator", "compliance"]),
        ("visit_evening_from", {"value": "17:30"}, "17:30"),
        ("segment_price", {"value": "0.0385"}, "0.0385"),
        ("message_signature", {"value": "智客财富"}, "智客财富"),
        ("greeted_festivals", {"value": ["spring_festival", "qixi"]}, ["spring_festival", "qixi"]),
    ],
)
def test_a_setting_is_asked_for_and_approved(
    cast: Cast, name: str, values: dict[str, object], expected: object
) -> None:
    browser = cast.client("administrator")
    assert browser.get(f"/settings/{name}/").status_code == 200
    asked = browser.post(f"/settings/{name}/", {**values, "from_day": "2026-03-17", "reason": "本行口径"})
    assert asked.status_code == 303, re.findall(r"note--late.*?</div>", asked.content.decode())
    approve_what_waits(cast)
    assert Setting.objects.get(name=name, from_day="2026-03-17").value == expected
    assert "2026-03-17" in browser.get("/settings/").content.decode()


def test_settings_stand_in_groups_and_are_found_by_name_and_clause(cast: Cast) -> None:
    from zhike.conduct.bank import SETTINGS
    from zhike.conduct.setting import GROUPS

    browser = cast.client("administrator")

    def listed(query: str) -> list[str]:
        page = browser.get(f"/settings/{query}").content.decode()
        return re.findall(r'<tr id="(\w+)">', page)

    everything = listed("")
    assert sorted(everything) == sorted(SETTINGS)
    order = list(GROUPS)
    places = [order.index(SETTINGS[name].group) for name in everything]
    assert places == sorted(places)
    assert set(places) == set(range(len(order)))  # no group is empty
    assert listed("?q=锁定") == ["lockout_failures", "lockout_minutes"]
    assert {"callback_tolerance", "callback_leader_after"} <= set(listed("?q=c5"))
    assert "rhythm_soon_percent" in listed("?q=联系频次")  # by its group
    signature = browser.get("/settings/?q=message_signature").content.decode()
    assert re.search(r'<tr id="message_signature">.*?<td>无</td>', signature, re.DOTALL)  # nothing is said to be so
    nothing = browser.get("/settings/?q=无此字样").content.decode()
    assert "没有这样的参数" in nothing


def test_settings_say_what_differs_from_the_default_and_what_will_change(cast: Cast, owner: Role) -> None:
    with owner():
        for value, day in ((7, "2026-01-01"), (8, "2026-04-01")):
            Setting.objects.create(name="callback_tolerance", value=value, from_day=day, at=NOW)
        Setting.objects.create(name="rhythm_call_seconds", value=90, from_day="2026-05-01", at=NOW)
    browser = cast.client("rm")
    page = browser.get("/settings/?only=differs").content.decode()
    assert re.findall(r'<tr id="(\w+)">', page) == [
        "callback_tolerance",
        "outing_guard",
        "plan_periods",
        "acknowledge_roles",
        "second_factor_roles",
    ]
    assert "默认 5 分钟" in page
    page = browser.get("/settings/?only=ahead").content.decode()
    assert re.findall(r'<tr id="(\w+)">', page) == ["callback_tolerance", "rhythm_call_seconds"]
    assert "2026-04-01 起 8 分钟" in page
    assert "2026-05-01 起 90 秒" in page
    assert '即将变更<span class="count">2' in page


def test_every_setting_has_a_form_that_says_what_it_shows(cast: Cast) -> None:
    from zhike.conduct.bank import SETTINGS
    from zhike.conduct.setting import plain
    from zhike.pages.views.bank_settings import TABLES

    browser, now = cast.client("administrator"), bank.settings().at(date(2026, 4, 1))
    for name, setting in SETTINGS.items():
        page = browser.get(f"/settings/{name}/").content.decode()
        value = plain(getattr(now, name))
        form: dict[str, object] = {
            "value": {True: "yes", False: "no"}.get(value, value) if setting.kind == "bool" else value
        }
        if setting.kind == "words":
            form = {"value": "\n".join(value)}
        if setting.kind in TABLES:
            form = {f"value.{c}": [in_a_cell(row[c]) for row in value] for c in TABLES[setting.kind]}
        assert setting.label.zh in page
        same = browser.post(f"/settings/{name}/", {**form, "from_day": "2026-04-01", "reason": "r"})
        assert "与当时的值相同" in same.content.decode(), name  # what the form sends is what it showed


def in_a_cell(value: object) -> object:
    """As a table's form shows it."""
    if isinstance(value, bool):
        return "yes" if value else ""
    return "、".join(map(str, value)) if isinstance(value, list) else "" if value is None else value


def test_a_wrong_setting_is_said_and_kept_in_the_form(cast: Cast) -> None:
    browser = cast.client("administrator")
    wrong = browser.post("/settings/idle_minutes/", {"value": "much", "from_day": "2026-03-17", "reason": "口径"})
    assert (wrong.status_code, "整数" in wrong.content.decode(), "much" in wrong.content.decode()) == (422, True, True)
    assert browser.post("/settings/idle_minutes/", {"value": "20", "from_day": "", "reason": "x"}).status_code == 422
    assert browser.get("/settings/nothing/").status_code == 404


def test_refusing_and_withdrawing(cast: Cast) -> None:
    asker, other = cast.client("administrator"), cast.client("compliance")
    asker.post("/settings/idle_minutes/", {"value": "20", "from_day": "2026-03-17", "reason": "口径"})
    with cast.acting("compliance", NOW):
        approval = Approval.objects.get()
    assert asker.post(f"/approvals/{approval.pk}/", {"act": "approve", "digest": approval.digest}).status_code == 409
    assert other.post(f"/approvals/{approval.pk}/", {"act": "refuse"}).status_code == 409  # says why
    assert other.post(f"/approvals/{approval.pk}/", {"act": "refuse", "note": "太长"}).status_code == 303
    assert "太长" in asker.get("/approvals/").content.decode()
    asker.post("/settings/idle_minutes/", {"value": "30", "from_day": "2026-03-17", "reason": "口径"})
    with cast.acting("compliance", NOW):
        approval = Approval.objects.get(decision="open")
    assert asker.post(f"/approvals/{approval.pk}/", {"act": "withdraw"}).status_code == 303
    assert bank.settings().at(date(2026, 3, 17)).idle_minutes == 15


def test_workdays_are_seeded_entered_and_taken_back(cast: Cast, owner: Role) -> None:
    assert not workdays.workdays().is_workday(date(2026, 10, 1))
    browser = cast.client("administrator")
    assert "2026" in browser.get("/workdays/").content.decode()
    typhoon = {"day": "2026-09-15", "works": "no", "name": "台风停业"}
    assert browser.post("/workdays/?year=2026", typhoon).status_code == 303
    assert not workdays.workdays().is_workday(date(2026, 9, 15))
    assert browser.post("/workdays/?year=2026", {**typhoon, "works": "yes"}).status_code == 422
    assert browser.post("/workdays/?year=2026", {"day": "soon"}).status_code == 422
    assert browser.post("/workdays/?year=2026", {"act": "forget", "day": "2026-09-15"}).status_code == 303
    assert workdays.workdays().is_workday(date(2026, 9, 15))
    with owner():  # deadlines moved with it: who did that, to which day, is kept though the row is gone
        kept = Entry.objects.filter(object="people_workday", actor_id=cast.administrator.pk).order_by("id")
        assert [(entry.action, entry.changes["day"]) for entry in kept] == [
            ("insert", "2026-09-15"),
            ("delete", "2026-09-15"),
        ]
    assert "工作日" in cast.client("auditor").get("/trail/?who=1011").content.decode()
    assert browser.post("/workdays/?year=2050", {"act": "published"}).status_code == 422
    with owner():
        Workday.objects.filter(day__year=2025).delete()
    assert browser.post("/workdays/?year=2025", {"act": "published"}).status_code == 303
    assert Workday.objects.filter(day__year=2025).count() > 20
    assert cast.client("rm").post("/workdays/?year=2026", typhoon).status_code == 403


def test_the_trail_is_read_by_those_who_look_after_it(cast: Cast) -> None:
    cast.client("rm").get("/staff/new/")  # refused, and kept
    auditor = cast.client("auditor")
    page = auditor.get("/trail/?who=1001").content.decode()
    assert "林晓" in page
    assert "被拒" in page or "无权" in page or "refused" in page
    cast.client("administrator").post(f"/staff/{cast.rm.pk}/correct/", {"name": "林晓", "title": "财富顾问"})
    assert "修改 员工 林晓" in auditor.get("/trail/?who=1011").content.decode()
    assert auditor.get("/trail/?who=nobody&act=nonsense&before=x").status_code == 200
    assert auditor.get(f"/trail/?customer={cast.customers['rm'][0].core_number}").status_code == 200
    for who in ("rm", "leader", "marketing", "risk", "administrator"):
        assert cast.client(who).get("/trail/").status_code == 403


def test_the_number_of_statements_does_not_grow_with_the_rows(
    cast: Cast, owner: Role, django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    with owner():
        for n in range(60):
            someone = Staff.objects.seat(number=f"9{n:03}", name=f"员工{n}")
            Post.objects.create(
                staff=someone, unit=cast.units["century"], role="rm", scope="own", from_day=date(2026, 1, 1)
            )
    for who, address in (
        ("administrator", "/staff/"),
        ("administrator", "/units/"),
        ("auditor", "/trail/"),
        ("administrator", "/settings/"),
    ):
        browser = cast.client(who)
        browser.get(address)
        with django_assert_max_num_queries(9):
            assert browser.get(address).status_code == 200


def test_each_sees_what_others_did_to_their_account(cast: Cast) -> None:
    cast.client("administrator").post(f"/staff/{cast.rm.pk}/correct/", {"name": "林晓", "title": "财富顾问"})

    with cast.acting("rm", NOW):
        assert Entry.objects.filter(object="people_staff", row_id=cast.rm.pk, actor_id=cast.administrator.pk).exists()
        assert not Entry.objects.filter(object="people_staff", row_id=cast.mate.pk).exists()
    assert "修改" in cast.client("rm").get("/me/").content.decode()
