"""What an obligation says of itself on screen: what is owed, and because of what, in both languages.

Worded when it arises and kept with it: a row says tomorrow what it said today.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from zhike.conduct.bank import Bank
from zhike.conduct.facts import Fact
from zhike.conduct.words import Words

CHANNELS = {
    "sms": Words("短信", "SMS"),
    "call": Words("电话", "call"),
    "wecom": Words("企业微信", "WeCom"),
    "meeting": Words("面谈", "in person"),
    "email": Words("邮件", "e-mail"),
}
OUTCOMES = {
    "reached": Words("接通", "reached"),
    "absent": Words("客户不在", "customer absent"),
    "busy": Words("正忙", "customer busy"),
    "no_answer": Words("无人接听", "nobody answered"),
    "wrong_number": Words("号码错误", "wrong number"),
    "not_interested": Words("不感兴趣", "not interested"),
}
THANKS = {
    "reception": Words("接待后致谢", "Thanks after the reception"),
    "visit": Words("拜访后致谢", "Thanks after the visit"),
    "first_call": Words("首次通话后致谢，告知联系方式", "Thanks after the first call, with contact data"),
}
WRITE_UPS = {
    "reception_ended": Words("写接待记录", "Write up the reception"),
    "visit_ended": Words("写拜访记录", "Write up the visit"),
    "call_ended": Words("写通话记录", "Write up the call"),
}
FIELDS = {
    "mobile": Words("问清手机号码", "Find out the mobile number"),
    "email": Words("问清电子邮箱", "Find out the e-mail address"),
}
HISTORY = {
    "reception_ended": (Words("非首次见面", "met before"), Words("首次见面", "a first meeting")),
    "visit_ended": (Words("非首次见面", "met before"), Words("首次见面", "a first meeting")),
    "call_ended": (Words("非首次通话", "called before"), Words("首次通话", "a first call")),
}


def what(kind: str, fact: Fact, detail: Mapping[str, Any], channels: tuple[str, ...], bank: Bank) -> Words:
    """What is owed, as the row's first line."""
    match kind:
        case "thanks":
            return _joined(THANKS[detail["occasion"]], _channels(channels), _introducing(detail))
        case "write_up":
            return WRITE_UPS[fact.kind]
        case "find_out":
            return FIELDS[detail["field"]]
        case "call_back":
            return Words(f"约好 {_moment(fact, bank).zh} 回电", f"Call back at {_moment(fact, bank).en}")
        case "call_again":
            return Words("再打一次电话", "Call again")
        case "arrival":
            return _joined(Words("拜访：到门口", "Visit: be at the door"), _said(fact, "place"))
        case "apology":
            return Words("告知客户并致歉", "Tell the customer and apologise")
        case "answer":
            return Words(f"答复：{detail['words']}", f"Answer: {detail['words']}")
        case "promise" if fact.data.get("rating"):
            n = fact.data["rating"]
            return Words(f"客户满意度只给 {n} 分，问明原因并答复", f"The customer rated {n} of 5: ask why, and answer")
        case "promise" if fact.kind == "reply_received":
            return Words(f"答复短信：{detail['words']}", f"Answer the message: {detail['words']}")
        case "promise":
            return Words(f"兑现承诺：{detail['words']}", f"Keep the promise: {detail['words']}")
        case "sign_in":
            answer = f"{detail['leader']}：{detail['answer']}" if detail.get("answer") else ""
            answer_en = f"{detail['leader']}: {detail['answer']}" if detail.get("answer") else ""
            n = detail["stops"]
            stops = Words(f"外出 {n} 处，返回签到", f"Out, {n} {'stop' if n == 1 else 'stops'}: sign in on return")
            return _joined(stops, Words(answer, answer_en))
        case "outing_report":
            return Words("汇报外出结果", "Report on the outing")
        case "help":
            return Words(f"{detail['who']}求助：{detail['words']}", f"{detail['who']} asks for help: {detail['words']}")
        case "delivery":
            return Words(f"送达 {detail['who']}：{detail['words']}", f"Deliver to {detail['who']}: {detail['words']}")
        case "look_into" if fact.kind == "outing_overdue":
            return Words(
                f"过问：{detail['words']}外出逾时未返回", f"Look into it: {detail['words']} is not back from an outing"
            )
        case "look_into" if fact.kind == "rated_low":
            n, whose = fact.data["rating"], detail["words"]
            return Words(
                f"过问：客户对{whose}的满意度只给 {n} 分", f"Look into it: a customer of {whose} rated {n} of 5"
            )
        case "take_on":
            return Words(f"接受或反问：{detail['words']}", f"Take on, or ask back: {detail['words']}")
        case "assignment":
            return Words(f"交办：{detail['words']}", f"Assignment: {detail['words']}")
        case "look_over" if fact.data["asks"]:
            return Words(f"答复反问：{detail['words']}", f"Answer the question: {detail['words']}")
        case "look_over":
            return Words(f"看交来的：{detail['words']}", f"Look at what was handed in: {detail['words']}")
        case "look_into":
            return Words(
                f"过问：{detail['words']}约定的回电", f"Look into the call-back that {detail['words']} promised"
            )
        case "birthday":
            day = str(detail.get("day", ""))
            return _joined(Words("生日问候", "Birthday greeting"), Words(day, str(detail.get("day_en", day))))
        case "greetings":
            return Words(f"安排{detail['festival']}问候", f"Arrange the greetings for {detail['festival_en']}")
        case "forward":
            return Words(f"转发“{detail['campaign']}”", f"Forward “{detail['campaign']}”")
        case "prospect_step":
            first = Words("首次联系", "first contact")
            return Words(
                f"{detail['who']}：{detail['words'] or first.zh}", f"{detail['who']}: {detail['words'] or first.en}"
            )
        case "note_answer":
            return Words(
                f"答复{detail['who']}报送：{detail['words']}",
                f"Answer what {detail['who']} passed on: {detail['words']}",
            )
        case "answer_back":
            return Words(
                f"{detail['who']}答复了：{detail['words']}", f"{detail['who']} has answered: {detail['words']}"
            )
        case "prospect_keep":
            return Words(
                f"联系 {detail['who']}，否则退回公海", f"Contact {detail['who']}, or the prospect goes back to the pool"
            )
        case "acknowledge":
            return Words("阅读行为规范，确认遵守", "Read the conduct code and acknowledge it")
        case "work_plan":
            return _period(detail["period"], date.fromisoformat(detail["first_day"]))
        case "planned":
            return Words(f"计划：{detail['words']}", f"Planned: {detail['words_en']}")
        case "plan_comment":
            return Words(
                f"{detail['who']}批注计划：{detail['words']}", f"{detail['who']} on your plan: {detail['words']}"
            )
        case "rhythm":
            return Words("按节奏该联系了", "A contact is due")
        case "meet":
            return Words("按节奏该见面了", "A meeting is due")
    raise ValueError(f"No wording for an obligation named {kind!r}.")


def _period(period: str, first: date) -> Words:
    """W1: the plan of which day, week or month."""
    zh, en = f"{first.month}月{first.day}日", f"{first.day} {first:%b}"
    if period == "day":
        return Words(f"定日计划：{zh}", f"Plan the day: {en}")
    if period == "week":
        return Words(f"定周计划：{zh}起的一周", f"Plan the week from {en}")
    return Words(f"定月计划：{first.month}月", f"Plan the month: {first:%B}")


def why(because: Words, fact: Fact, tier: str, bank: Bank) -> Words:
    """Because of what: "14:32 接待结束，白金，非首次见面"."""
    return Words(
        because.zh.format(**_values(fact, tier, bank, "zh")), because.en.format(**_values(fact, tier, bank, "en"))
    )


def _values(fact: Fact, tier: str, bank: Bank, language: str) -> dict[str, str]:
    at = fact.at.astimezone(bank.zone)
    data = fact.data
    history = HISTORY[fact.kind][bool(data["first"])].say(language) if fact.kind in HISTORY else ""
    return {
        "day": _day(at).say(language),
        "time": f"{at:%H:%M}",
        "target": _moment(fact, bank, always_day=True).say(language) if data.get("target") else "",
        "tier": bank.tier(tier).name.say(language) if tier else "",
        "history": history,
        "outcome": OUTCOMES[data["outcome"]].say(language) if data.get("outcome") else "",
        "days": str(data.get("days", "")),
        "product": str(data.get("product", "")),
        "version": str(data.get("version", "")),
        "festival": str(data.get("festival" if language == "zh" else "festival_en", "")),
    }


def _day(at: datetime) -> Words:
    return Words(f"{at.month}月{at.day}日", f"{at.day} {at:%b}")


def _moment(fact: Fact, bank: Bank, *, always_day: bool = False) -> Words:
    """The agreed moment; with its day when that is another than the fact's."""
    at = fact.target.astimezone(bank.zone)
    if not always_day and at.date() == fact.at.astimezone(bank.zone).date():
        return Words(f"{at:%H:%M}", f"{at:%H:%M}")
    return Words(f"{_day(at).zh} {at:%H:%M}", f"{at:%H:%M} on {_day(at).en}")


def _channels(channels: tuple[str, ...]) -> Words:
    named = [CHANNELS[channel] for channel in channels]
    return Words("或".join(word.zh for word in named), " or ".join(word.en for word in named))


def _introducing(detail: Mapping[str, Any]) -> Words:
    return Words("含自我介绍", "introducing yourself") if detail["text"] == "first" else Words("", "")


def _said(fact: Fact, name: str) -> Words:
    value = str(fact.data.get(name, ""))
    return Words(value, value)


def _joined(*parts: Words) -> Words:
    return Words(" · ".join(part.zh for part in parts if part.zh), " · ".join(part.en for part in parts if part.en))
