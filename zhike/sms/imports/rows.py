"""One row of the other platform's file, checked: what it says of a message, or every reason why it cannot be kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from zhike.customers import checks
from zhike.customers.checks import Unaccepted
from zhike.people.tables import Problem, Row
from zhike.sms import numbers
from zhike.sms.models import Kind, State

# A kind as platforms call it; a birthday's greeting is a greeting that also says for which day.
BIRTHDAY = "birthday"
KINDS = {
    **dict.fromkeys(["致谢", "感谢", "答谢", "致谢短信", "感谢短信", "thanks", "thank you"], Kind.THANKS.value),
    **dict.fromkeys(["回电", "约回电", "约定回电", "call-back", "call_back", "callback"], Kind.CALL_BACK.value),
    **dict.fromkeys(["答复", "回复", "answer", "reply"], Kind.ANSWER.value),
    **dict.fromkeys(["服务", "服务通知", "通知", "提醒", "告知", "service", "notice", "notification"], Kind.SERVICE.value),
    **dict.fromkeys(["问候", "祝福", "节日", "节日问候", "节日祝福", "greeting", "holiday"], Kind.GREETING.value),
    **dict.fromkeys(["生日", "生日问候", "生日祝福", "birthday"], BIRTHDAY),
    **dict.fromkeys(["营销", "推广", "产品", "营销短信", "marketing", "promotion"], Kind.MARKETING.value),
}  # fmt: skip
STATES = {
    **dict.fromkeys(["", "已发送", "已提交", "发送成功", "提交成功", "已发", "submitted", "sent", "accepted", "acceptd"], State.SUBMITTED.value),
    **dict.fromkeys(["已送达", "送达", "成功", "已到达", "到达", "delivered", "delivrd", "success", "ok"], State.DELIVERED.value),
    **dict.fromkeys(["失败", "发送失败", "未送达", "拒绝", "undelivered", "undeliv", "failed", "rejected", "rejectd"], State.UNDELIVERED.value),
    **dict.fromkeys(["过期", "已过期", "超时", "expired"], State.EXPIRED.value),
    **dict.fromkeys(["未知", "不明", "无回执", "unknown"], State.UNKNOWN.value),
}  # fmt: skip
# One word for each, for the sentence that says which there are.
SHOWN_KINDS = ("致谢", "回电", "答复", "服务", "问候", "生日", "营销")
SHOWN_STATES = ("已发送", "已送达", "失败", "过期", "未知")
MOMENT = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?[ T]*(\d{1,2})[:：时](\d{1,2})分?(?:[:：]?(\d{1,2})(?:\.\d+)?秒?)?"
    r"|(\d{4})(\d{2})(\d{2})[ T]?(\d{2})(\d{2})(\d{2})?"
)
LONGEST = 2_000  # characters; what is longer is another column
LONGEST_NAME = 200
LONGEST_NUMBER = 64
UNSAID = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Checked:
    """What a row says. ``number``: as the bank writes it; ``name``: the platform's own name for it, where it has one."""

    line: int
    number: str = ""
    core_number: str = ""
    text: str = ""
    at: datetime = UNSAID
    kind: str = ""
    state: str = State.SUBMITTED
    name: str = ""
    sender: str = ""

    @property
    def greets_a_birthday(self) -> bool:
        """As the platform says, or as the text does."""
        told = self.kind == Kind.GREETING and ("生日" in self.text or "birthday" in self.text.lower())
        return self.kind == BIRTHDAY or told


class Checker:
    """Checks rows of one file against its mapping. ``check`` raises nothing: it returns problems."""

    def __init__(self, mapping: Mapping[str, str], zone: ZoneInfo, now: datetime) -> None:
        self.column_of = {meaning: column for column, meaning in mapping.items()}
        self.zone = zone
        self.now = now
        self.readers: dict[str, Callable[[Checked, str], None]] = {
            "mobile": self._mobile, "core_number": self._core_number, "text": self._text, "at": self._at, "kind": self._kind,
            "state": self._state, "name": self._name, "sender": self._sender,
        }  # fmt: skip

    def check(self, row: Row) -> tuple[Checked, list[Problem]]:
        """What the row says and what is wrong in it, cell by cell."""
        checked, problems = Checked(row.line), list(row.problems)
        spoiled = {problem.column for problem in problems}
        for meaning, column in self.column_of.items():
            if column in spoiled:
                continue
            try:
                self.readers[meaning](checked, row.cells.get(column, ""))
            except Unaccepted as error:
                problems.append(Problem(column, str(error)))
        whose = self.column_of.get("mobile") or self.column_of["core_number"]
        if not (checked.number or checked.core_number) and not {whose, ""} & {problem.column for problem in problems}:
            problems.append(
                Problem(whose, _("The row does not say to whom: neither a mobile number nor a customer number."))
            )
        return checked, problems

    def _mobile(self, checked: Checked, text: str) -> None:
        if text:
            checked.number = checks.mobile(numbers.plain(text))

    def _core_number(self, checked: Checked, text: str) -> None:
        if len(text) > LONGEST_NUMBER or " " in text:
            raise Unaccepted(_("A customer number has no spaces and up to 64 characters."))
        checked.core_number = text

    def _text(self, checked: Checked, text: str) -> None:
        if not text:
            raise Unaccepted(_("The message says nothing."))
        if len(text) > LONGEST:
            raise Unaccepted(_("The text has %(has)d characters; is it another column?") % {"has": len(text)})
        checked.text = text

    def _at(self, checked: Checked, text: str) -> None:
        found = MOMENT.fullmatch(text)
        parts = [int(part) for part in found.groups() if part is not None] if found else []
        try:
            year, month, day, hour, minute, second = [*parts, 0][:6]  # seconds may be left out
            at = datetime(year, month, day, hour, minute, second, tzinfo=self.zone)
        except ValueError as error:
            raise Unaccepted(_("Write day and time as 2026-02-16 18:05.")) from error
        if at > self.now:
            raise Unaccepted(_("That time lies ahead: what is not sent yet cannot be taken in."))
        checked.at = at

    def _kind(self, checked: Checked, text: str) -> None:
        kind = KINDS.get(text.strip().casefold())
        if kind is None:
            raise Unaccepted(
                _("There is no such kind of message. Known are: %(known)s.") % {"known": "、".join(SHOWN_KINDS)}
            )
        checked.kind = kind

    def _state(self, checked: Checked, text: str) -> None:
        state = STATES.get(text.strip().casefold())
        if state is None:
            raise Unaccepted(_("There is no such state. Known are: %(known)s.") % {"known": "、".join(SHOWN_STATES)})
        checked.state = state

    def _name(self, checked: Checked, text: str) -> None:
        if len(text) > LONGEST_NAME:
            raise Unaccepted(_("The number has %(has)d characters; is it another column?") % {"has": len(text)})
        checked.name = text

    def _sender(self, checked: Checked, text: str) -> None:
        checked.sender = text
