"""计划 · Work plans in the reader's words: a line, how it stands, why it is proposed, what a period is called. Domain: :mod:`zhike.work.plans`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext, ngettext, pgettext

from zhike.conduct.bank import Bank
from zhike.obligations.appointments import Appointment
from zhike.obligations.models import Obligation
from zhike.pages import kinds, owed
from zhike.pages.jinja import address, clock, day_text, local, when_text
from zhike.work.models.plan import Period, Plan
from zhike.work.plan_lines import Reckoned, Standing
from zhike.work.proposals import Proposed


def named(period: str, first: date, today: date) -> str:
    """What a plan is called: "2月16日 周一的日计划", "周计划 2月16日 – 22日"."""
    last = Period(period).last(first)
    match period:
        case "day":
            return gettext("Plan of %(day)s") % {"day": day_text(first, today)}
        case "week":
            days = f"{day_text(first, today, weekday=False)} – {day_text(last, today, weekday=False)}"
            return gettext("Plan of the week %(days)s") % {"days": days}
    return gettext("Plan of the month %(month)s") % {"month": f"{first:%Y-%m}"}


def periods() -> dict[str, str]:
    return {"day": pgettext("plan", "Day"), "week": pgettext("plan", "Week"), "month": pgettext("plan", "Month")}


def because(name: str) -> str:
    """Why a line is proposed: the head of its group."""
    return {
        "moved_on": gettext("Moved on from the last plan"), "late": gettext("Late"), "due": gettext("Due and agreed"),
        "birthday": gettext("Birthdays"), "maturity": gettext("Maturing"), "before": gettext("Due before it begins"), "soon": gettext("Due soon after"),
        "need": gettext("Open needs"),
    }[name]  # fmt: skip


def moved_on(carried: int) -> str:
    """第 3 次顺延 · How often it has moved on."""
    return ngettext("moved on once", "moved on %(n)s times", carried) % {"n": carried} if carried else ""


def states(kept: Reckoned) -> str:
    """What became of what is not done, in one line."""
    words = (
        (kept.open, gettext("%(n)s still open")), (kept.moved_on, gettext("%(n)s moved on")),
        (kept.missed, gettext("%(n)s missed")), (kept.off, gettext("%(n)s fell away")),
    )  # fmt: skip
    return " · ".join(text % {"n": n} for n, text in words if n)


def line(row: Standing, bank: Bank, now: datetime, *, does: bool = False) -> dict[str, Any]:
    """A line of a plan; with ``does`` the one button of what is to be done still."""
    shown = _said(row.obligation, row.appointment, row.line.falls_on, row.at, now)
    to_do = does and row.stands == "open"
    return {
        **shown,
        "about": row.line.about,
        "who": _who(row, bank),
        "carried": moved_on(row.line.carried),
        "often": row.line.carried >= 3,
        "added": row.line.added_at is not None,
        "stands": row.stands,
        "state": state(row, now),
        "do": _does(row, now) if to_do else None,
        "own": row.obligation is not None and row.obligation.kind == "planned" and row.stands == "open",
    }


def proposed(row: Proposed, bank: Bank, now: datetime) -> dict[str, Any]:
    """A line that may stand on the plan."""
    shown = _said(row.obligation, row.appointment, row.falls_on if row.words is None else None, row.at, now)
    if row.words is not None:
        shown["what"] = row.words.say(owed.speaks())
        shown["when"] = day_text(row.falls_on, local(now).date()) if row.falls_on else ""
    return {
        **shown,
        "about": row.about,
        "who": _who(row, bank),
        "carried": moved_on(row.carried),
        "often": row.carried >= 3,
        "added": False,
    }


def state(row: Standing, now: datetime) -> tuple[str, str | None, str | None]:
    """How it stands, with look and mark."""
    match row.stands:
        case "done":
            words = clock(row.ended) if row.ended and local(row.ended).date() == local(now).date() else ""
            done = pgettext("plan", "done late") if row.late else pgettext("plan", "done")
            return " ".join(part for part in (done, words) if part), "soon" if row.late else "on", "check"
        case "open":
            return (
                (pgettext("plan", "late"), "late", "alert") if row.late else (pgettext("plan", "open"), None, "clock")
            )
        case "moved_on" if row.done_since and row.ended:
            return gettext("moved on, done %(when)s") % {"when": when_text(row.ended, now)}, "soon", "next"
        case "moved_on":
            return pgettext("plan", "moved on"), "late", "next"
        case "missed":
            return pgettext("plan", "missed"), "late", "x"
    return off(row.off), None, "x"


def off(name: str) -> str:
    return {
        "waived": gettext("let go"), "withdrawn": gettext("no longer owed"), "cannot": gettext("cannot be done"),
        "called_off": pgettext("plan", "called off"), "rescheduled": pgettext("plan", "another day"), "before": gettext("done beforehand"), "gone": gettext("with somebody else now"),
    }[name]  # fmt: skip


def _who(row: Standing | Proposed, bank: Bank) -> dict[str, Any] | None:
    c = row.customer
    return owed.person(c.pk, c.name, c.honorific, c.tier, bank, c.kind) if c else None


def _said(
    row: Obligation | None, met: Appointment | None, falls_on: date | None, at: datetime | None, now: datetime
) -> dict[str, Any]:
    """What, when, by which clause, where it is looked at."""
    if row is not None:
        due = {"due": row.due, "target": row.target, "kind": row.kind}
        return {
            "what": owed.words(row.what), "when": owed.until(due, now), "clause": row.clause, "tip": owed.tip(row.clause),
            "icon": owed.ICONS[row.kind], "href": address("obligation", row.pk),
        }  # fmt: skip
    if met is not None:
        about = kinds.purpose(met.purpose, met.words)
        what = " · ".join(part for part in (kinds.noun(met.kind), about, met.place) if part)
        when = when_text(at, now) if at else ""
        return {"what": what, "when": when, "clause": "", "tip": "", "icon": kinds.ICONS[met.kind], "href": address("contact", int(met.about.removeprefix("contact:")))}  # fmt: skip
    what = gettext("Birthday greeting") if falls_on else gettext("no longer in sight")
    when = day_text(falls_on, local(now).date()) if falls_on else ""
    return {
        "what": what,
        "when": when,
        "clause": "R5" if falls_on else "",
        "tip": owed.tip("R5"),
        "icon": "phone",
        "href": "",
    }


def _does(row: Standing, now: datetime) -> dict[str, Any] | None:
    if row.appointment is not None:
        href = address("contact", int(row.appointment.about.removeprefix("contact:")))
        return {"text": pgettext("button", "Open"), "href": href, "method": "get", "icon": None}
    if row.obligation is None:
        return None
    o = row.obligation
    shown = {
        "id": o.pk, "kind": o.kind, "clause": o.clause, "subject": o.subject, "opens": o.opens, "due": o.due, "target": o.target,
        "channels": o.channels, "detail": o.detail, "customer": {"id": o.customer_id} if o.customer_id else None,
    }  # fmt: skip
    return owed.does(shown, owed.look(shown, now), now)


def entry(plan: Plan, kept: Reckoned, now: datetime) -> dict[str, Any]:
    """A plan as a list has it."""
    today = local(now).date()
    return {
        "href": reverse("work_plan", args=[plan.pk]),
        "name": named(plan.period, plan.first_day, today),
        "who": plan.staff.name,
        "fixed": when_text(plan.fixed_at, now),
        "kept": kept,
        "rest": states(kept),
    }
