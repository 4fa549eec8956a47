"""The week as it leaves the house (周报, W12): its lines, and the PDF of them. No customer is named: whoever gets the paper may hand it on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import translation

from zhike.conduct.words import Words
from zhike.documents.naming import sanitised
from zhike.people.models import Unit

from .digest import Week
from .models import Brief, Note, Routing

TITLE = Words("市场信息周报", "The market's week")
NOTHING = Words("本周没有市场信息。", "Nothing was noted in this week.")


@dataclass(frozen=True)
class Line:
    """What was said, and whence and by whom."""

    text: str
    about: str = ""

    def __str__(self) -> str:
        return _joined(self.text, self.about)


@dataclass(frozen=True)
class Paper:
    """A week of a unit, in one language: a heading with its lines for each brief, each kind of note and the answers."""

    title: str
    under: str
    counts: str
    parts: Sequence[tuple[str, Sequence[Line]]]
    nothing: str
    language: str
    name: str

    def pdf(self) -> bytes:
        """On A4; the same lines are the same bytes."""
        from .pdf import drawn  # what draws is 18 MB in memory, for processes that draw alone

        return drawn(self)


def paper(unit: Unit, monday: date, week: Week, language: str) -> Paper:
    """The week of the unit in the reader's language; ``name`` is its file's, without an ending."""
    with translation.override(language):
        parts = [
            *(_brief(each, language) for each in week.briefs),
            *(_kind(kind, some) for kind, some in week.kinds.items()),
        ]
        if week.answered:
            head = Words("本周答复", "Answered this week").say(language)
            parts.append((head, [_answer(each, language) for each in week.answered]))
    counts = Words(
        f"信息 {week.notes} 条，综述 {len(week.briefs)} 篇，已答复 {len(week.answered)} 项，未答复 {week.open} 项。",
        f"Notes {week.notes}, briefs {len(week.briefs)}, answered {len(week.answered)}, still without an answer {week.open}.",
    )
    title = TITLE.say(language)
    return Paper(
        title,
        f"{unit.name} · {monday} – {monday + timedelta(days=6)}",
        counts.say(language),
        parts,
        "" if parts else NOTHING.say(language),
        language,
        sanitised(f"{title} {unit.name} {monday}".replace("/", "_")),
    )


def _kind(kind: str, some: Sequence[Note]) -> tuple[str, list[Line]]:
    return f"{Note.Kind(kind).label} {len(some)}".capitalize(), [
        Line(each.text, _joined(str(each.get_source_display()), each.source_words, each.place, str(each.seen_on), each.by.name, each.unit.name))
        for each in some
    ]  # fmt: skip


def _brief(each: Brief, language: str) -> tuple[str, list[Line]]:
    *words, last = _meaning(each, language)
    return each.title, [*map(Line, words), Line(last, _joined(each.by.name, each.unit.name))]


def _meaning(each: Brief, language: str) -> Iterator[str]:
    yield each.text
    for head, words in (
        (Words("对客户：", "For customers: "), each.for_customers),
        (Words("对本行：", "For the bank: "), each.for_bank),
    ):
        if words:
            yield f"{head.say(language)}{words}"


def _answer(each: Routing, language: str) -> Line:
    answer = Words("：", ": ").say(language).join(filter(None, (str(each.get_answer_display()), each.answer_words)))
    return Line(f"{each.title} → {answer}", each.answered_by.name if each.answered_by else "")


def _joined(*parts: str) -> str:
    return " · ".join(filter(None, parts))
