"""What the columns of a file mean: guessed from their headings, corrected by a person once, then remembered. Those of a customer file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.customers import profile
from zhike.customers.models import Heading
from zhike.customers.vault import mask_email
from zhike.people.tables import COLUMN, LINE, REASON

# Fields of a row that are no profile fields, with their names on screen.
OWN: dict[str, str | Promise] = {
    "core_number": gettext_lazy("customer number"),
    "kind": gettext_lazy("kind of customer"),
    "tier": gettext_lazy("tier"),
    "assets": gettext_lazy("monthly average assets"),
    "rm": gettext_lazy("relationship manager's staff number"),
    "unit": gettext_lazy("unit's code"),
    "book_since": gettext_lazy("in the book since"),
    "birth_calendar": gettext_lazy("birthday's calendar"),
    "met_before": gettext_lazy("met before"),
    "called_before": gettext_lazy("called before"),
    "do_not_disturb": gettext_lazy("do not disturb"),
    "deceased_on": gettext_lazy("deceased on"),
    "closed_on": gettext_lazy("account closed on"),
}
FIELDS: dict[str, str | Promise] = {**OWN, **{name: field.label for name, field in profile.FIELDS.items()}}

# Headings as banks write them, normalised (see normal): Chinese and English.
HEADINGS: dict[str, str] = {
    heading: field
    for field, headings in {
        "core_number": "客户号 客户编号 客户代码 核心客户号 核心号 ecif号 ecif客户号 cif号 cif customerno customernumber customerid custno custid corenumber clientid clientno",
        "name": "姓名 客户姓名 客户名称 名称 企业名称 公司名称 单位名称 name customername clientname fullname companyname",
        "kind": "客户类型 客户类别 客户性质 公私标志 对公对私 customertype clienttype kind",
        "gender": "性别 gender sex",
        "honorific": "称谓 称呼 尊称 honorific salutation formofaddress",
        "tier": "等级 客户等级 客户级别 级别 客户层级 层级 卡等级 贵宾等级 tier level grade segment",
        "assets": "资产 月日均资产 月日均 月均资产 日均资产 管理资产 金融资产 aum 月日均aum 资产余额 assets averageassets monthlyaverage monthlyaverageassets",
        "rm": "客户经理 客户经理号 客户经理工号 客户经理编号 理财经理 理财经理工号 管户经理 管户经理工号 管户人 管户工号 工号 rm rmnumber rmno manager managerno relationshipmanager staffnumber",
        "unit": "机构 机构号 机构代码 机构编号 网点 网点号 支行 支行号 开户机构 所属机构 管户机构 unit unitcode branch branchcode branchno",
        "book_since": "管户日期 管户开始日期 管户起始日 分配日期 booksince assignedon since",
        "birthday": "生日 出生日期 出生年月日 出生年月 客户生日 农历生日 阴历生日 公历生日 birthday birthdate dateofbirth dob",
        "birth_calendar": "生日类型 历法 生日历法 公历农历 阴阳历 calendar birthcalendar birthdaytype",
        "mobile": "手机 手机号 手机号码 移动电话 联系手机 手机1 mobile mobilephone cellphone cell mobileno mobilenumber",
        "phone2": "电话 联系电话 固定电话 座机 家庭电话 办公电话 其他电话 备用电话 手机2 电话2 phone telephone tel landline phone2",
        "email": "邮箱 电子邮箱 电子邮件 邮件 email emailaddress mail",
        "address": "地址 联系地址 家庭地址 通讯地址 住址 注册地址 办公地址 address homeaddress",
        "id_kind": "证件类型 证件种类 证件类别 idtype documenttype",
        "id_number": "证件号 证件号码 身份证 身份证号 身份证号码 身份证件号码 idnumber idno idcard identitynumber documentnumber",
        "uscc": "统一社会信用代码 社会信用代码 信用代码 uscc creditcode",
        "employer": "单位 工作单位 就职单位 employer company",
        "position": "职务 职位 position title",
        "occupation": "职业 occupation job profession",
        "industry": "行业 所属行业 行业类别 industry",
        "hobbies": "爱好 兴趣 兴趣爱好 客户爱好 hobbies hobby interests",
        "children": "子女 子女情况 有无子女 children",
        "income": "收入 年收入 月收入 收入情况 income",
        "goals": "理财目标 目标 goals",
        "preferred_time": "偏好时间 联系时间 方便联系时间 preferredtime",
        "preferred_channel": "偏好渠道 联系方式偏好 preferredchannel",
        "language": "语言 短信语言 沟通语言 书面语言 language",
        "taboos": "忌讳 禁忌 注意事项 taboos",
        "introducer": "介绍人 推荐人 introducer",
        "wecom": "企业微信 微信 微信号 wecom wechat",
        "risk_grade": "风险等级 风险承受等级 风险承受能力 风险测评等级 riskgrade risklevel",
        "risk_graded_on": "风险测评日期 测评日期",
        "risk_grade_until": "风险测评有效期 测评有效期 风险测评到期日",
        "legal_person": "法定代表人 法人 法人代表 legalperson legalrepresentative",
        "controller": "实际控制人 controller",
        "contact_name": "联系人 联系人姓名 企业联系人 contactname contactperson",
        "contact_position": "联系人职务 contactposition",
        "employees": "员工人数 人数 employees",
        "revenue": "营业收入 年营业额 revenue",
        "met_before": "见过面 是否见过面 是否面访 面访过 曾见面 已见面 首次见面日期 是否认识 metbefore met",
        "called_before": "通过电话 是否通过电话 曾通话 已通话 首次通话日期 calledbefore called",
        "do_not_disturb": "免打扰 勿扰 是否免打扰 donotdisturb dnd",
        "deceased_on": "死亡日期 去世日期 deceasedon",
        "closed_on": "销户日期 closedon",
    }.items()
    for heading in headings.split()
}
LUNAR_HEADINGS = frozenset(("农历生日", "阴历生日"))
# What most files have, in the order in which one reads a file; the rest is understood as well.
USUAL = ("name", "core_number", "mobile", "tier", "rm", "unit", "birthday", "assets")


@dataclass(frozen=True)
class Vocabulary:
    """One kind of file: what its columns may hold, how banks head them, which are the usual ones. What is remembered of its headings
    stands under its ``name``; that of customers has none.
    """

    fields: Mapping[str, str | Promise]
    headings: Mapping[str, str]
    usual: tuple[str, ...]
    name: str = ""

    def recalled(self) -> dict[str, str]:
        """What this bank's headings were said to mean."""
        kept = dict(Heading.objects.values_list("heading", "field"))
        front = self._kept_as("")
        return {heading[len(front) :]: field for heading, field in kept.items() if heading.startswith(front)}

    def remember(self, mapping: Mapping[str, str], columns: Iterable[str], by: int | None, now: datetime) -> None:
        """Keeps what a person decided about the columns where it differs from the guess."""
        for column in columns:
            heading, field = normal(column), mapping.get(column, "")
            kept = self._kept_as(heading)
            if self.headings.get(heading, "") != field or Heading.objects.filter(heading=kept).exists():
                Heading.objects.update_or_create(heading=kept, defaults={"field": field, "by_id": by, "at": now})

    def _kept_as(self, heading: str) -> str:
        return f"{self.name}:{heading}" if self.name else heading  # no normal heading has a colon

    def misnamed(self, columns: Iterable[str], mapping: Mapping[str, str]) -> str:
        """Why these columns cannot mean this, in one sentence; empty if they can."""
        unknown = sorted(set(mapping.values()) - set(self.fields))
        if unknown:
            return _("There is no field %(name)s. The fields are: %(fields)s.") % {
                "name": unknown[0],
                "fields": ", ".join(self.fields),
            }
        absent = sorted(set(mapping) - set(columns))
        if absent:
            return _("The file has no column %(name)s. It has: %(columns)s.") % {
                "name": absent[0],
                "columns": ", ".join(columns),
            }
        return ""


CUSTOMERS = Vocabulary(FIELDS, HEADINGS, USUAL)

LONG_NUMBER = re.compile(r"\d{8,}[\dXx]?")


def normal(heading: str) -> str:
    """A heading without what varies: width, case, spaces, punctuation, marks of what must be filled in."""
    text = unicodedata.normalize("NFKC", heading).casefold()
    return re.sub(r"[\s_\-./*:：()（）\[\]【】]|必填|选填|required|optional", "", text)


def guess(
    columns: Iterable[str], remembered: Mapping[str, str] | None = None, of: Vocabulary = CUSTOMERS
) -> dict[str, str]:
    """Column → field, for the columns that are understood; of two for one field the first counts."""
    known = of.recalled() if remembered is None else remembered
    mapping: dict[str, str] = {}
    for column in columns:
        heading = normal(column)
        field = known.get(heading, of.headings.get(heading, ""))
        if field and field in of.fields and field not in mapping.values():
            mapping[column] = field
    return mapping


def guide(*, english: bool, of: Vocabulary = CUSTOMERS) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """What a column may hold and how it may be headed, in the reader's writing: of the usual ones, and of the rest."""
    headed: dict[str, list[str]] = {}
    for heading, field in of.headings.items():
        if heading.isascii() == english:
            headed.setdefault(field, []).append(heading)

    def rows(fields: Iterable[str]) -> list[tuple[str, str]]:
        return [(str(of.fields[name]), _(", ").join(headed[name][:3])) for name in fields if name in headed]

    return rows(of.usual), rows(name for name in of.fields if name not in of.usual)


def unread(columns: Iterable[str], mapping: Mapping[str, str], of: Vocabulary = CUSTOMERS) -> list[str]:
    """Columns that mean nothing here, unless somebody once said to leave them out; not those that a file of refused rows has."""
    known = of.recalled()
    return [
        column
        for column in columns
        if column not in (*mapping, LINE, COLUMN, REASON, "") and known.get(normal(column), "?") != ""
    ]


def masked(field: str, text: str) -> str:
    """A cell as a screen shows it. Of a column that nobody has named yet, long numbers and addresses are hidden too."""
    if field in profile.FIELDS:
        return profile.masked(profile.named(field), text)
    if field:
        return text
    if "@" in text:
        return mask_email(text)
    return LONG_NUMBER.sub(lambda number: f"{number[0][:3]}****{number[0][-4:]}", text)


def lunar_columns(mapping: Mapping[str, str]) -> set[str]:
    """Birthday columns whose heading says that they are lunar."""
    return {column for column, field in mapping.items() if field == "birthday" and normal(column) in LUNAR_HEADINGS}


def faults(columns: Iterable[str], mapping: Mapping[str, str]) -> str:
    """Why a file with these columns cannot be a customer file, in one sentence with what to do; empty if it can."""
    if wrong := CUSTOMERS.misnamed(columns, mapping):
        return wrong
    if "name" not in mapping.values():
        return _(
            "No column holds the customers' names, so the rows name nobody and none is loaded. The file has the columns "
            "%(columns)s. If one of them is the name, say so when mapping the columns; otherwise export the customer list "
            "with customer number, name, mobile and relationship manager."
        ) % {"columns": ", ".join(column for column in columns if column)}
    return ""
