"""Permitted wording: what a message may not say, found however it is spaced or written, and where.

    look("本产品 保 本，稳賺不赔", "marketing")    # two phrases, each with its place, the reason and whose rule it is

The phrases, the honest words that hold one by chance ("担保本人") and what turns one round ("不保本") are data: `phrases.toml`.
Beside them numbers that are private (identity, card, password) and web addresses are found by their form.
"""

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from itertools import accumulate
from operator import mul
from typing import Any, Literal

import ahocorasick

from zhike.conduct.characters import simplified
from zhike.conduct.words import Words

Effect = Literal["warn", "block"]


@dataclass(frozen=True, slots=True)
class Group:
    """Phrases that one rule forbids. `place`: its place among the groups; `private`: what is found is not repeated to anybody."""

    name: str
    place: int
    reason: Words
    source: Words
    origin: Literal["bank", "law"]
    effects: Mapping[str, Effect]
    commas: bool
    private: bool

    def effect(self, kind: str) -> Effect | None:
        return self.effects.get(kind) or self.effects.get("*")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase in a text: `text[start:end]` is `found`, as it was written."""

    group: Group
    found: str
    start: int
    end: int
    effect: Effect

    @property
    def why(self) -> Words:
        return self.group.reason

    @property
    def where(self) -> Words:
        """The place as a reader counts; what is private is pointed at, not repeated."""
        if self.group.private:
            return Words(f"第 {self.start + 1} 至 {self.end} 字", f"characters {self.start + 1} to {self.end}")
        return Words(f"第 {self.start + 1} 字起“{self.found}”", f"“{self.found}”, from character {self.start + 1}")


def look(text: str, kind: str) -> list[Phrase]:
    """What a message of this kind may not say as it stands, in the order of the text."""
    found = sorted((*_forbidden(text, kind), *_private(text, kind)), key=lambda each: (each.start, -each.end))
    return list(_outermost(found))


def _outermost(found: list[Phrase]) -> Iterator[Phrase]:
    """Of "保本保息" the two halves need no telling; a block is told though a wider phrase warns."""
    blocked = warned = 0
    for each in found:
        if each.end > (blocked if each.effect == "block" else max(blocked, warned)):
            yield each
        if each.effect == "block":
            blocked = max(blocked, each.end)
        else:
            warned = max(warned, each.end)


def lacks_risk_notice(text: str) -> bool:
    """Whether it speaks of a wealth product and does not say that this is no deposit and bears risk."""
    return _of_wealth_product(text) and not all(_notices(text))


def tells_of_risk(text: str) -> bool:
    """Whether it speaks of a wealth product, or gives the notice that one bears risk: what it is about can be lost in part."""
    return _of_wealth_product(text) or all(_notices(text))


def gives_number(text: str) -> bool:
    """Whether it holds a telephone number: a mobile, a landline with its area code, a 400, 800, 95 or 96 number. What is counted or paid
    is none.
    """
    return bool(_TELEPHONE.search(unicodedata.normalize("NFKC", text)))


_TELEPHONE = re.compile(
    r"(?<![\d.])(?:1[3-9]\d[ -]?\d{4}[ -]?\d{4}|\(?0\d{2,3}\)?[ -]?\d{3,4}[ -]?\d{4}|[48]00[ -]?\d{3,4}[ -]?\d{3,4}|9[56]\d{3,4})"
    r"(?!\d|[.%]\d|\s?[元万%期号份])",
    re.ASCII,
)


def _of_wealth_product(text: str) -> bool:
    letters = text.translate(_LETTERS)
    return any(word in letters for word in _table()["wealth_products"].split())


def _notices(text: str) -> list[bool]:
    """Of each part of the notice, whether it is there."""
    letters = text.translate(_LETTERS)
    return [any(word in letters for word in either.split("|")) for either in _table()["risk_notice"].split()]


# ── how a text is read ──────────────────────────────────────────────────────────────────────────────────────────


class _Reading(dict[int, str]):
    """Each character, by its code, as it is compared, as `str.translate` wants it: width, case and traditional characters made one;
    what is not `kept` gone. Filled as characters are met."""

    def __init__(self, kept: Callable[[str], bool]) -> None:
        super().__init__()
        self.kept = kept

    def __missing__(self, code: int) -> str:
        plain = unicodedata.normalize("NFKC", chr(code)).casefold().translate(simplified())
        self[code] = "".join(_table()["lookalikes"].get(char, char) for char in plain if self.kept(char))
        return self[code]

    def places(self, text: str) -> list[int]:
        """For each character of the text as it is compared, where it stands in the text as it was written."""
        return [place for place, char in enumerate(text) for _ in self[ord(char)]]


_LETTERS = _Reading(str.isalnum)
"""Letters and digits alone: what was put between them is gone."""
_SIGNS = _Reading(lambda char: unicodedata.category(char) not in {"Cf", "Mn", "Me"})
"""Signs and spaces as well, but nothing that cannot be seen."""


@dataclass(frozen=True, slots=True)
class _Text:
    """A text that is looked at more closely: its letters, and what stands between them as it was written."""

    written: str
    letters: str
    places: list[int]

    def between(self, at: int) -> str:
        """What was written between a letter and the next."""
        return self.written[self.places[at] + 1 : self.places[at + 1]]

    def breaks(self, at: int) -> bool:
        """Whether a sentence or a part of it ends between a letter and the next."""
        return not _PAUSES.isdisjoint(self.between(at))

    def flows(self, first: int, last: int) -> bool:
        return not any(self.breaks(at) for at in range(first, last))


_PAUSES = frozenset("，,、：:。！!？?；;…\n\r")


# ── phrases ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Span:
    """From letter `first` to letter `last`, both included."""

    first: int
    last: int


def _forbidden(text: str, kind: str) -> Iterator[Phrase]:
    data, letters = _data(), text.translate(_LETTERS)
    hits = list(data.automaton.iter(letters))
    if not any(group and group.effect(kind) for _, (group, _) in hits):
        return
    read = _Text(text, letters, _LETTERS.places(text))
    spans = [(group, _Span(end - length + 1, end)) for end, (group, length) in hits]
    honest = {span.first: span for group, span in spans if group is None}  # the longest of those that begin together
    reach, breath = -1, set[int]()  # how far denials reach; where those end that reach to the next phrase too
    for group, span in sorted(spans, key=lambda each: (each[1].first, -each[1].last)):
        if group is None or not _meant(read, span, group):
            continue
        along, negation = _in_one_breath(read, span, breath), _negation(read, span)
        if along or negation or span.last <= reach:
            reach = max(reach, span.last)
            if along or len(negation) > 1:
                breath.add(span.last)
        elif not _by_chance(read, span, honest) and (effect := group.effect(kind)):
            start, end = read.places[span.first], read.places[span.last] + 1
            yield Phrase(group, text[start:end], start, end, effect)


def _meant(read: _Text, span: _Span, group: Group) -> bool:
    """Letters with a pause between them are a phrase only where all of them are kept apart: "保，本" is a disguise, "净值较高，收益稳定"
    is none; neither is "平安，全家", of two letters, unless the group says that it is looked for even so."""
    gaps = range(span.first, span.last)
    if read.flows(span.first, span.last):
        return True
    return all(read.between(at) for at in gaps) and (len(gaps) > 1 or group.commas)


def _by_chance(read: _Text, span: _Span, honest: Mapping[int, _Span]) -> bool:
    """Honest words hold the phrase: "担保本人", and "有担保，本人已到", but not "由我承担。保本！人人有份"."""
    contexts = (honest[first] for first in range(span.first - _LONGEST, span.first + 1) if first in honest)
    return any(
        context.last >= span.last and read.flows(context.first, span.first) and read.flows(span.last, context.last)
        for context in contexts
    )


_LONGEST = 12  # letters of the longest honest words


def _in_one_breath(read: _Text, span: _Span, breath: set[int]) -> bool:
    """What reaches further than the phrase behind it ("不承诺保本、保息", while "不保本、保息" promises) turns round what is told with it."""
    for last in range(span.first - 1, span.first - 4, -1):
        if last in breath and read.letters[last + 1 : span.first] in _ANDS:
            gap = "".join(read.between(at) for at in range(last, span.first)).strip()
            return gap in {"", "、"}
    return False


_ANDS = frozenset(["", "和", "或", "与", "及", "以及", "或者"])


def _negation(read: _Text, span: _Span) -> str:
    """The word directly before the phrase that turns it round; none where a second one turns it back."""
    data, at = _data(), span.first
    while filler := _ending(read.letters[max(0, at - 8) : at], data.fillers):
        at -= len(filler)
    # "不承诺" is a word itself, though "承诺" may also stand between.
    words: list[str] = []
    for start in (span.first, at):
        words, end = [], start
        while word := _ending(read.letters[max(0, end - 8) : end], data.negations):
            words.append(word)
            end -= len(word)
        if words:
            return words[0] if len(words) % 2 and read.flows(end, span.first) else ""
    return ""


def _ending(text: str, words: tuple[str, ...]) -> str:
    return next((word for word in words if text.endswith(word)), "")


# ── what is found by its form ───────────────────────────────────────────────────────────────────────────────────

_NUMBER = re.compile(r"\d(?:[ ._-]?\d){15,}(?:[ ._-]?x(?![a-z]))?")
_GROUP = re.compile(r"\d+x?|x")
_SECRETS = ("码", "令", "c")
_WORD = r"(?:(?:验\s?证|校\s?验|动\s?态|动\s?态\s?密|密|安\s?全)\s?码|口\s?令|c\s?v\s?[vc]\s?2?)"
_CODE = r"(?<!\d)(?!95\d{3}(?!\d)|400|1[3-9]\d{9})\d(?:[ -]?\d){2,11}"  # a hotline or a mobile number beside the word is none
_SECRET = re.compile(
    rf"{_WORD}[ :=“\"'(是为的您你改设置成已重初始]{{0,8}}{_CODE}"
    rf"|{_CODE}[ )”\"']{{0,2}}(?:\(|[是为][您你]?的?(?:本次)?){_WORD}"
)
_DOTTED = re.compile(r"[a-z0-9\u4e00-\u9fff]\s?[.:]|[a-z0-9]\s?。")
_LABEL = "[a-z0-9-]+"
_REST = "[!-'*-~]*"
_ENDING = "(?:com|cn|net|org|gov|edu|cc|me|co|io|info|biz|vip|top|xyz|club|shop|site|online|app|mobi|wang|ltd|ink|link|tv|asia|hk|tw)"
_LINK = re.compile(
    rf"[a-z][a-z0-9+.-]{{0,20}}\s?:\s?/\s?/\s?{_REST}"
    rf"|(?<![@a-z0-9.-])(?:{_LABEL}[.。])*{_LABEL}(?:[.。]{_ENDING}|\s?[.。]\s?(?:com|cn|net))(?![a-z0-9@])(?:[:/]{_REST})?"
    r"|[a-z0-9\u4e00-\u9fff-]{1,40}\.(?:中国|网址|公司)"
    rf"|(?<![\d.])\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?![\d.])(?:[:/]{_REST})?"
)


def _private(text: str, kind: str) -> Iterator[Phrase]:
    signs = text.translate(_SIGNS)
    found = list(_numbers(signs))
    if any(word in signs for word in _SECRETS):
        found += [("secret", each.start(), each.end()) for each in _SECRET.finditer(signs)]
    if _DOTTED.search(signs):
        found += [("link", each.start(), each.end()) for each in _LINK.finditer(signs)]
    if not found:
        return
    groups, places = _data().groups, _SIGNS.places(text)
    for name, first, after in found:
        if effect := groups[name].effect(kind):
            start, end = places[first], places[after - 1] + 1
            yield Phrase(groups[name], text[start:end], start, end, effect)


def _numbers(signs: str) -> Iterator[tuple[str, int, int]]:
    """Identity and card numbers, in one piece or in groups."""
    for run in _NUMBER.finditer(signs):
        pieces = list(_GROUP.finditer(signs, run.start(), run.end()))
        at = 0
        while at < len(pieces):
            taken = 1
            for count, number in enumerate(accumulate(piece[0] for piece in pieces[at : at + 19]), 1):
                if name := _kind_of_number(number):
                    yield name, pieces[at].start(), pieces[at + count - 1].end()
                    taken = count
                    break
            at += taken


def _kind_of_number(number: str) -> str:
    if _is_identity(number):
        return "identity_number"
    return "card_number" if _is_card(number) else ""


_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def _is_identity(number: str) -> bool:
    """GB 11643: a day of birth, and the last sign follows from the others."""
    if not re.fullmatch(r"[1-9]\d{16}[\dx]", number, re.ASCII):
        return False
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return "10x98765432"[sum(map(mul, _WEIGHTS, map(int, number[:17]))) % 11] == number[17]


def _is_card(number: str) -> bool:
    """ISO/IEC 7812: 16 to 19 digits of which the last follows from the others (Luhn); 3 to 6, 8 and 9 begin cards."""
    if not re.fullmatch(r"[345689]\d{15,18}", number, re.ASCII):
        return False
    digits = [int(digit) for digit in reversed(number)]
    return (sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0


# ── the data ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Data:
    groups: Mapping[str, Group]
    automaton: Any  # of ahocorasick, which has no types: each word with its group (None: honest) and its length
    negations: tuple[str, ...]
    fillers: tuple[str, ...]


@cache
def _data() -> _Data:
    table = _table()
    rows = {name: row for name, row in table.items() if isinstance(row, dict) and name != "lookalikes"}
    groups = {name: _group(name, place, row) for place, (name, row) in enumerate(rows.items())}
    automaton = ahocorasick.Automaton()
    for name in groups:
        for word in table[name].get("harmless", "").split():
            plain = word.translate(_LETTERS)
            automaton.add_word(plain, (None, len(plain)))
        for word in table[name].get("phrases", "").split():
            plain = word.translate(_LETTERS)
            automaton.add_word(plain, (groups[name], len(plain)))
    automaton.make_automaton()
    return _Data(groups, automaton, _longest_first(table["negations"]), _longest_first(table["fillers"]))


def _group(name: str, place: int, row: Mapping[str, Any]) -> Group:
    effects: dict[str, Effect] = dict.fromkeys(row.get("block", ()), "block")
    effects |= dict.fromkeys(row.get("warn", ()), "warn")
    return Group(
        name,
        place,
        Words(**row["reason"]),
        Words(**row["source"]),
        row.get("origin", "law"),
        effects,
        row.get("commas", False),
        row.get("private", False),
    )


def _longest_first(words: str) -> tuple[str, ...]:
    return tuple(sorted(words.split(), key=len, reverse=True))


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("zhike.conduct").joinpath("phrases.toml").read_text("utf-8"))
