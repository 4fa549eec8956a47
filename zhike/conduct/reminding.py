"""How each kind of obligation is remembered: the rows of the setting `reminders`, and the names of their steps."""

from dataclasses import dataclass

from zhike.conduct.words import Words


@dataclass(frozen=True, slots=True)
class Reminding:
    """How one kind of obligation is remembered: one row of the setting `reminders`.

    `before`: minutes before the minute that is meant (the promise, the time at the door), else before the deadline. `at_once`:
    as soon as it is owed. `morning`, `closing`: as the work of its last day begins, and before it ends. `spread`: where many of
    a kind fall on one morning, each has a quarter of an hour of its own.
    """

    kind: str
    before: tuple[int, ...] = ()
    at_once: bool = False
    morning: bool = False
    closing: bool = False
    spread: bool = False


def said(step: str) -> Words:
    """The name of a step on screen."""
    name, _, minutes = step.partition(":")
    if name != "before":
        return STEPS[name]
    return Words(f"提前 {minutes} 分", f"{minutes} min before") if minutes != "0" else Words("到点", "at the minute")


STEPS = {
    "once": Words("即时", "at once"),
    "morning": Words("当日上班", "that morning"),
    "closing": Words("下班前", "before closing"),
    "leave": Words("出发", "time to leave"),
    "undelivered": Words("未送达", "not delivered"),
    "test": Words("测试", "test"),
}
