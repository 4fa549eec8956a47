"""The environment in which every page is rendered: Jinja2 with our words, dates, figures and marks.

Times come in aware; they are shown in the bank's zone (Django's default zone) and in the reader's language. A filter
that must know what day it is takes ``now`` from the page's context, put there by ``zhike.pages.shell``.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Choices
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext, ngettext, npgettext, override, pgettext
from jinja2 import Environment, StrictUndefined, Template, nodes, pass_context
from jinja2.runtime import Context
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from zhike.pages.compiled import Compiler, Part, piece

SPRITE = Path(__file__).parent / "static" / "img" / "icons.svg"
ICONS = frozenset(re.findall(r'<symbol id="i-([\w-]+)"', SPRITE.read_text("utf-8")))
TIERS = frozenset(re.findall(r'<symbol id="t-([\w-]+)"', SPRITE.read_text("utf-8")))


class Environments(Environment):
    """What ``TEMPLATES[…]["OPTIONS"]["environment"]`` names: a template in the reader's language, from that language's own
    environment.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.each = {code: environment(code, **options) for code, _name in settings.LANGUAGES}

    def get_template(self, name: Any, parent: str | None = None, globals: Any = None) -> Template:
        return self.each[get_language() or settings.LANGUAGE_CODE].get_template(name, parent, globals)


class Tongue(Environment):
    """An environment of one language: what depends on nothing else is looked up when a template is compiled, not on every
    page. Those are the words of the frame, the marks, the addresses of pages and files: most of what a page calls for.
    """

    code: str
    code_generator_class = Compiler
    piece, part = staticmethod(piece), Part

    def getattr(self, obj: Any, attribute: str) -> Any:
        # Rows are dictionaries: asking each for an attribute first, and catching that it has none, took longer than the rest.
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        with override(self.code):
            Constants(self).visit(source)
        return super()._generate(source, name, filename, defer_init)


class Constants(NodeTransformer):
    """Puts a value in the place of each call of a function of ``FIXED`` whose arguments are literals: it says the same on every
    page of one language."""

    FIXED = frozenset({"_", "gettext", "pgettext", "url", "static", "icon", "tier_mark", "scripted"})

    def __init__(self, env: Environment) -> None:
        self.env = env

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        self.generic_visit(node)
        if not (isinstance(node.node, nodes.Name) and node.node.name in self.FIXED) or node.dyn_args or node.dyn_kwargs:
            return node
        if node.kwargs or not all(isinstance(arg, nodes.Const) for arg in node.args):
            return node
        function: Any = self.env.globals["gettext" if node.node.name == "_" else node.node.name]
        value = function(*(arg.as_const() for arg in node.args))
        return nodes.Const(value, lineno=node.lineno, environment=self.env)


def environment(code: str, **options: Any) -> Tongue:
    """One language's environment. An undefined name is an error, never an empty place."""
    options["undefined"] = StrictUndefined
    env = Tongue(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.i18n"], **options)
    env.code = code
    env.install_gettext_callables(gettext, ngettext, newstyle=True, pgettext=pgettext, npgettext=npgettext)  # type: ignore[attr-defined]
    # What needs no number is looked up once in each language; Jinja's own way would ask Django for every word on every page.
    env.globals.update(gettext=partial(_gettext, code), pgettext=partial(_pgettext, code))
    env.globals.update(
        url=_url, static=static, icon=icon, tier_mark=tier_mark, language=language, language_tag=language_tag,
        scripted=scripted, percent=percent,
    )  # fmt: skip
    env.filters.update(
        clock=clock, day=day, date=iso_day, when=when, left=left, span=span, money=money, wan=wan, iso=iso,
    )  # fmt: skip
    return env


def _gettext(code: str, text: str, **values: Any) -> Markup:
    said = _said(code, text)
    return said % values if values or "%" in said else said


def _pgettext(code: str, context: str, text: str, **values: Any) -> Markup:
    said = _said(code, text, context)
    return said % values if values or "%" in said else said


@cache
def _said(code: str, text: str, context: str | None = None) -> Markup:
    with override(code):
        return Markup(pgettext(context, text) if context else gettext(text))  # noqa: S704 our own catalogue


def _url(name: str, *args: Any, **query: Any) -> str:
    """``url("customer", 12, tab="needs")``: the route's address, the rest as its query."""
    path = address(name, *args)
    return f"{path}?{urlencode(query)}" if query else path


def address(name: str, *args: Any) -> str:
    """Django's ``reverse``, which asks for whole numbers and texts; what it answers is kept, whatever the numbers."""
    numbers = tuple(arg for arg in args if type(arg) is int)
    return _around(name, *(None if type(arg) is int else arg for arg in args)) % numbers


@lru_cache(maxsize=1024)
def _around(name: str, *args: Any) -> str:
    """The route's address with ``%d`` for each None."""
    marks = [1234567890 + place if arg is None else arg for place, arg in enumerate(args)]
    path = reverse(name, args=marks).replace("%", "%%")
    for place, arg in enumerate(args):
        if arg is None:
            path = path.replace(str(1234567890 + place), "%d", 1)
    return path


# ---------------------------------------------------------------------------------------------------------- marks


@cache
def _sprite(_static_url: str) -> str:
    return static("img/icons.svg")


@cache
def icon(name: str, label: str | None = None) -> Markup:
    """A mark from the sprite. With a ``label`` it speaks, without one it is decoration. Unknown names are refused."""
    if name not in ICONS:
        raise KeyError(f"no icon named {name!r} in {SPRITE.name}")
    sprite = _sprite(settings.STATIC_URL)
    if label:
        return Markup('<svg class="icon" role="img" aria-label="{}"><use href="{}#i-{}"/></svg>').format(
            label, sprite, name
        )
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#i-{}"/></svg>').format(sprite, name)


@cache
def tier_mark(code: str) -> Markup:
    """The form of a tier: ring, half disc, hexagon, cut diamond, gate seal. A tier of the bank's own gets the ring."""
    form = code if code in TIERS else "regular"
    return Markup('<svg class="tier-mark" aria-hidden="true"><use href="{}#t-{}"/></svg>').format(
        _sprite(settings.STATIC_URL), form
    )


# ------------------------------------------------------------------------------------------------------- language


def language() -> str:
    """``zh`` or ``en``."""
    return "en" if (get_language() or "zh").startswith("en") else "zh"


def language_tag() -> str:
    """For the ``lang`` attribute: the Chinese face must be the simplified one."""
    return "en" if language() == "en" else "zh-Hans"


def label(choices: type[Choices], value: str) -> str:
    """What one of the choices is called, in the reader's language; one that there is no longer is called as it was kept."""
    return _names(choices, get_language()).get(value, value)


def names(choices: type[Choices]) -> list[tuple[str, str]]:
    """All of them, as a list to choose from."""
    return list(_names(choices, get_language()).items())


@cache
def _names(choices: type[Choices], _language: str | None) -> dict[str, str]:
    return {each.value: str(each.label) for each in choices}


def scripted() -> Markup:
    """What the scripts say, in the reader's language, as attributes; ``{n}`` and the like are filled in there."""
    said = {
        "minutes": gettext("%(n)s min") % {"n": "{n}"},
        "hours": gettext("%(n)s h") % {"n": "{n}"},
        "days": gettext("%(n)s d") % {"n": "{n}"},
        "left": gettext("%(span)s left") % {"span": "{span}"},
        "late": gettext("%(span)s late") % {"span": "{span}"},
        "now": gettext("now"),
        "ahead": gettext("in %(n)s min") % {"n": "{n}"},
        "behind": gettext("%(n)s min ago") % {"n": "{n}"},
        "soon": gettext("%(who)s in %(n)s minutes") % {"who": "{who}", "n": "{n}"},
        "due": gettext("%(who)s: now") % {"who": "{who}"},
        "saving": gettext("Saving…"),
        "saved": gettext("Draft saved %(time)s") % {"time": "{time}"},
        "kept": gettext("No connection: kept on this device, %(time)s") % {"time": "{time}"},
        "unkept": gettext(
            "No connection: not saved yet. This address keeps nothing on the device; leave the page open."
        ),
        "restored": gettext("Your draft of %(time)s is back") % {"time": "{time}"},
        "expired-unkept": gettext(
            "You were signed out. This address keeps nothing on the device: copy what you wrote before you sign in again."
        ),
        "expired": gettext("You were signed out. Everything you wrote is kept here; sign in and go on."),
        "offline": gettext("No connection since %(time)s. Trying again by itself.") % {"time": "{time}"},
        "unsent": gettext("Not sent: no connection. What you wrote is kept; press again once it is back."),
        "failed": gettext("That did not work. Nothing was changed; please try again."),
        "away": gettext("The database is away for a moment and comes back by itself. Please try again shortly."),
        "undo": gettext("Undo"),
        "signin": gettext("Sign in"),
        "copied": gettext("Copied"),
        "reminders": gettext("%(n)s reminders") % {"n": "{n}"},
    }
    return Markup("").join(Markup(' data-{}="{}"').format(name, text) for name, text in said.items())


# ---------------------------------------------------------------------------------------------------------- times

WEEKDAYS_ZH = "一二三四五六日"
WEEKDAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def local(value: datetime) -> datetime:
    """In the bank's zone, which the middleware has made the current one."""
    return value.astimezone(timezone.get_current_timezone())


def _date(value: date | datetime) -> date:
    return local(value).date() if isinstance(value, datetime) else value


def clock(value: datetime) -> str:
    """``14:56`` in the bank's zone."""
    return f"{local(value):%H:%M}"


def iso(value: datetime | date) -> str:
    """For ``datetime`` attributes."""
    return local(value).isoformat(timespec="seconds") if isinstance(value, datetime) else value.isoformat()


def iso_day(value: date | datetime) -> str:
    """``2027-01-20``."""
    return _date(value).isoformat()


@pass_context
def day(context: Context, value: date | datetime, weekday: bool = True) -> str:
    """``2月16日 周一`` · ``Mon 16 Feb``; with the year where it is not the current one."""
    shown = _date(value)
    return day_text(shown, _today(context), weekday)


def day_text(shown: date, today: date | None, weekday: bool = True) -> str:
    """The same without a page."""
    other_year = today is not None and shown.year != today.year
    if language() == "en":
        text = f"{shown.day} {MONTHS_EN[shown.month - 1]}" + (f" {shown.year}" if other_year else "")
        return f"{WEEKDAYS_EN[shown.weekday()]} {text}" if weekday else text
    text = f"{shown.year}年{shown.month}月{shown.day}日" if other_year else f"{shown.month}月{shown.day}日"
    return f"{text} 周{WEEKDAYS_ZH[shown.weekday()]}" if weekday else text


def _today(context: Context) -> date | None:
    now = context.get("now")
    return _date(now) if isinstance(now, datetime) else None


@pass_context
def when(context: Context, value: datetime) -> str:
    """A moment as short as it can be said: ``15:00`` today, ``周五 24:00`` in the days around, else the date too.

    Midnight belongs to the day that ends with it: 24:00."""
    return when_text(value, context["now"])


def when_text(value: datetime, now: datetime) -> str:
    """The same without a page."""
    moment, today = local(value), _date(now)
    shown, text = moment.date(), f"{moment:%H:%M}"
    if text == "00:00":
        shown, text = shown - timedelta(days=1), "24:00"
    if shown == today:
        return text
    if abs((shown - today).days) < 6:
        return f"{weekday_text(shown)} {text}"
    return f"{day_text(shown, today, weekday=False)} {text}"


def weekday_text(value: date) -> str:
    return WEEKDAYS_EN[value.weekday()] if language() == "en" else f"周{WEEKDAYS_ZH[value.weekday()]}"


def span(minutes: int) -> str:
    """A length of time in at most two units: ``64 分``, ``2 小时 34 分``, ``2 天 15 小时``."""
    minutes = abs(int(minutes))
    if minutes < 90:
        return gettext("%(n)s min") % {"n": minutes}
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        text = gettext("%(n)s h") % {"n": hours}
        return text if hours > 2 or not minutes else f"{text} {gettext('%(n)s min') % {'n': minutes}}"
    days, hours = divmod(hours, 24)
    text = gettext("%(n)s d") % {"n": days}
    return text if days > 6 or not hours else f"{text} {gettext('%(n)s h') % {'n': hours}}"


@pass_context
def left(context: Context, value: datetime) -> str:
    """``还有 64 分`` before a moment, ``晚 15 小时`` after it."""
    return left_text(value, context["now"])


def left_text(value: datetime, now: datetime) -> str:
    """The same without a page. Counted in started minutes, as the scripts count."""
    seconds = (value - now).total_seconds()
    if seconds >= 0:
        return gettext("%(span)s left") % {"span": span(-int(-seconds // 60))}
    return gettext("%(span)s late") % {"span": span(int(-seconds // 60))}


# -------------------------------------------------------------------------------------------------------- figures


def wan(value: Decimal | int | float) -> str:
    """Ten thousands without the word: ``386.4``."""
    return f"{(Decimal(value) / 10000).quantize(Decimal('0.1'), ROUND_HALF_UP):,}"


def money(value: Decimal | int | float | None) -> str:
    """Yuan as people say it: ``386.4 万``, ``1.28 亿``; English ``CNY 3.86 m``."""
    if value is None:
        return "—"
    amount = Decimal(value)
    if language() == "en":
        if abs(amount) >= 1_000_000:
            return f"CNY {(amount / 1_000_000).quantize(Decimal('0.01'), ROUND_HALF_UP):,} m"
        return f"CNY {amount.quantize(Decimal(1), ROUND_HALF_UP):,}"
    if abs(amount) >= 100_000_000:
        return f"{(amount / 100_000_000).quantize(Decimal('0.01'), ROUND_HALF_UP):,} 亿"
    if abs(amount) >= 10_000:
        return f"{wan(amount)} 万"
    return f"{amount.quantize(Decimal(1), ROUND_HALF_UP):,} 元"


def percent(part: float, whole: float) -> str:
    """A length for SVG attributes: ``57.1%``, never below 0 nor above 100."""
    share = 0.0 if not whole else max(0.0, min(100.0, 100.0 * float(part) / float(whole)))
    return f"{share:.1f}".rstrip("0").rstrip(".") + "%"
