"""SUITABILITY (law): what a customer may be told of. A product riskier than the customer's valid grade is never offered, whoever insists.

    unsuited("R3", Assessment("C2", "2026-08-01"), day)        # why it does not suit; None where it does

PostgreSQL says the same over many customers at once (`sms_unsuited`), and a test holds both against one table.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

from zhike.conduct.words import Words

# None: no investment risk at all, such as a deposit or a service.
RISKS: dict[str, Words] = {
    "none": Words("无投资风险", "no investment risk"),
    "R1": Words("R1 低风险", "R1 low"),
    "R2": Words("R2 中低风险", "R2 medium-low"),
    "R3": Words("R3 中风险", "R3 medium"),
    "R4": Words("R4 中高风险", "R4 medium-high"),
    "R5": Words("R5 高风险", "R5 high"),
}
Why = Literal["", "unassessed", "too_risky"]

# Banks write C3, C3（稳健型）, 三级, Ⅲ; the names alone (稳健, 平衡) mean another grade at another bank and say nothing.
_DIGITS = str.maketrans("一二三四五１２３４５ⅠⅡⅢⅣⅤ", "123451234512345")
_DAY = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?([ T].*)?")


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is known of a customer's risk assessment, as it was written down: the grade, until when it is valid, when it was made."""

    grade: str = ""
    until: str = ""
    on: str = ""


def why_not(risk: str, assessed: Assessment, day: date) -> Why:
    """Why a product does not suit a customer on a day: no valid assessment, or too risky. Empty: it does."""
    if risk == "none":
        return ""
    grade = grade_of(assessed.grade)
    if not grade or not is_valid(assessed, day):
        return "unassessed"
    return "too_risky" if int(risk[1]) > grade else ""


def unsuited(risk: str, assessed: Assessment, day: date) -> Words | None:
    """The same in words."""
    match why_not(risk, assessed, day):
        case "too_risky":
            grade = grade_of(assessed.grade)
            return Words(
                f"产品风险 {risk}，高于客户的风险承受能力 C{grade}。",
                f"Its risk is {risk}, above the customer's grade C{grade}.",
            )
        case "unassessed" if not grade_of(assessed.grade):
            return Words(
                "客户没有风险测评结果（C1 至 C5）。", "There is no risk assessment of the customer (C1 to C5)."
            )
        case "unassessed":
            return Words(
                "客户的风险测评已过期，或没有写明有效期。",
                "The customer's risk assessment has expired, or does not say until when it is valid.",
            )
    return None


def grade_of(written: str) -> int:
    """The grade from 1 to 5 that is written; 0 where none is, or more than one."""
    digits = re.sub(r"[^0-9]", "", written.translate(_DIGITS))
    return int(digits[0]) if re.fullmatch(r"([1-5])\1*", digits) else 0


def is_valid(assessed: Assessment, day: date) -> bool:
    """An assessment holds on its last day still; where that is not said, for twelve months from its own day."""
    today = day.strftime("%Y%m%d")
    if until := _day(assessed.until):
        return today <= until
    made = _day(assessed.on)
    return bool(made) and today < f"{int(made[:4]) + 1}{made[4:]}"


def _day(written: str) -> str:
    """A day as digits that compare; empty where none is written."""
    text = written.strip(" ")
    if re.fullmatch(r"[0-9]{8}", text):
        return text
    found = _DAY.fullmatch(text)
    return f"{found[1]}{found[2]:0>2}{found[3]:0>2}" if found else ""
