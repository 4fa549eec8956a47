"""What the columns of the other platform's file mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhike.customers.imports import columns
from zhike.customers.imports.columns import Vocabulary

FIELDS: dict[str, str | Promise] = {
    "mobile": gettext_lazy("mobile number"),
    "core_number": gettext_lazy("customer number"),
    "text": gettext_lazy("what it said"),
    "at": gettext_lazy("when it was sent"),
    "kind": gettext_lazy("kind of message"),
    "state": gettext_lazy("what became of it"),
    "name": pgettext_lazy("message", "the platform's own number for it"),
    "sender": gettext_lazy("sender's staff number"),
}
HEADINGS: dict[str, str] = {
    heading: field
    for field, headings in {
        "mobile": "手机号码 手机 手机号 接收号码 接收手机 接收手机号 目标号码 收信号码 收件号码 号码 mobile recipient to phone msisdn destination mobilenumber phonenumber",
        "core_number": " ".join(heading for heading, field in columns.HEADINGS.items() if field == "core_number"),
        "text": "短信内容 内容 正文 消息内容 发送内容 文本 text content message body",
        "at": "发送时间 时间 发出时间 提交时间 下发时间 发送日期时间 发送日期 sentat time senttime sendtime submittime date",
        "kind": "短信类型 类型 短信类别 类别 业务类型 用途 kind type category purpose",
        "state": "状态 发送状态 回执 回执状态 状态报告 结果 发送结果 state status result receipt",
        "name": "短信编号 消息编号 流水号 平台流水号 平台编号 短信id 消息id 编号 messageid id msgid smsid serial",
        "sender": "发送人工号 发送人 操作员 操作员号 工号 客户经理工号 sender senderid operator staffnumber",
    }.items()
    for heading in headings.split()
}
MESSAGES = Vocabulary(FIELDS, HEADINGS, ("mobile", "core_number", "text", "at", "kind", "state", "name"), "messages")


def faults(given: Iterable[str], mapping: Mapping[str, str]) -> str:
    """Why a file with these columns cannot be one of messages, in one sentence with what to do; empty if it can."""
    if wrong := MESSAGES.misnamed(given, mapping):
        return wrong
    meant = set(mapping.values())
    lacking = [str(FIELDS[name]) for name in ("text", "at", "kind") if name not in meant]
    if not meant & {"mobile", "core_number"}:
        lacking.insert(0, _("%(one)s or %(other)s") % {"one": FIELDS["mobile"], "other": FIELDS["core_number"]})
    if not lacking:
        return ""
    return _(
        "No column holds: %(lacking)s. The file has the columns %(columns)s. If one of them does, say so when mapping the columns; "
        "otherwise export the list with number, text, time and kind."
    ) % {"lacking": _(", ").join(lacking), "columns": ", ".join(column for column in given if column)}
