"""MEASURE: what was kept, computed from what happened. Counts first; a rate only beside its counts.

Punctuality is reported by the grade of its time: observed by the system, tapped at the moment, entered later. What the code
itself asks is never mixed with what the bank or the law adds (CLAUSES, Whose rule).
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from zhike.conduct.guard import SELLING
from zhike.conduct.satisfied import SCALE


@dataclass(frozen=True, slots=True)
class Kept:
    """One obligation as measured: its state now, its window, how it was settled."""

    clause: str
    origin: str
    force: str
    state: str
    due: datetime | None
    settled_at: datetime | None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    due_counts: bool = False

    def is_late(self, at: datetime) -> bool:
        """Whether something done at `at`, or still open then, is late: at 24:00 it is the next day."""
        if self.due is None:
            return False
        return at > self.due if self.due_counts else at >= self.due


@dataclass(frozen=True, slots=True)
class Measure:
    """One clause over a set: how many were owed, kept in time, kept late or too early, are open, late, missed, waived, impossible.

    `grades` counts the kept ones by how their time is known; `spread` counts what the clause measures beyond in time or late:
    arrivals by V2, call-backs by C5.
    """

    clause: str
    origin: str
    owed: int
    in_time: int
    late: int
    early: int
    open: int
    overdue: int
    missed: int
    waived: int
    cannot: int
    grades: Mapping[str, int]
    spread: Mapping[str, int]

    @property
    def counted(self) -> int:
        """What a rate may divide by: settled or past its time. Open in time, waived and impossible do not count."""
        return self.in_time + self.late + self.early + self.overdue + self.missed

    @property
    def rate(self) -> float | None:
        """Kept in time of what counts; None where nothing counts yet."""
        return self.in_time / self.counted if self.counted else None


def adherence(rows: Iterable[Kept], now: datetime) -> list[Measure]:
    """One measure for each clause and origin among `rows`. What only may be done is never a miss."""
    groups: dict[tuple[str, str], list[Kept]] = {}
    for row in rows:
        if row.force != "may" and row.state != "withdrawn":
            groups.setdefault((row.clause, row.origin), []).append(row)
    return [_measure(clause, origin, group, now) for (clause, origin), group in sorted(groups.items())]


def _measure(clause: str, origin: str, rows: list[Kept], now: datetime) -> Measure:
    count = Counter(fate(row, now) for row in rows)
    done = [row for row in rows if row.state == "done"]
    return Measure(
        clause=clause,
        origin=origin,
        owed=len(rows),
        in_time=count["in_time"],
        late=count["late"],
        early=count["early"],
        open=count["open"],
        overdue=count["overdue"],
        missed=count["missed"],
        waived=count["waived"],
        cannot=count["cannot"],
        grades=dict(Counter(str(row.evidence.get("grade", "observed")) for row in done)),
        spread=dict(Counter(word for row in done if (word := _spread(row)))),
    )


EARLY = frozenset({"early", "too_early"})


def fate(row: Kept, now: datetime) -> str:
    """What became of one: in_time, late, early, open, overdue, or its state where that says it (missed, waived, cannot)."""
    if row.state == "done":
        if _spread(row) in EARLY:
            return "early"
        return "in_time" if _in_time(row) else "late"
    if row.state == "open":
        return "overdue" if row.is_late(now) else "open"
    return row.state


def _in_time(row: Kept) -> bool:
    """C5 and V2 have measures of their own; for the rest it is done before its deadline."""
    if "kept" in row.evidence:
        return bool(row.evidence["kept"] == "kept")
    if "arrival" in row.evidence:
        return row.evidence["arrival"] in {"as_prescribed", "short_wait"}
    done_at = datetime.fromisoformat(row.evidence["at"]) if "at" in row.evidence else row.settled_at
    return row.due is None or (done_at is not None and not row.is_late(done_at))


def _spread(row: Kept) -> str:
    return str(row.evidence.get("kept") or row.evidence.get("arrival") or "")


# ── agreed call-backs, by their minutes (C5) ──────────────────────────────────────────────────────────────────────

FATES = ("early", "kept", "late", "never", "open")
# Minutes off the promised one, between which call-backs are put together: by the minute where it matters, wider further out.
EDGES = (-60, -30, -15, *range(-10, 11), 15, 30, 60)


@dataclass(frozen=True, slots=True)
class CallBack:
    """An agreed call-back as measured, or ``times`` of them that are alike in all of this.

    ``past``: its window is over. ``tolerance``: its window's minutes either way, by the setting with which it was promised.
    ``minutes``: how far off it was made, negative for early; None where it was not, and where the customer rang before its
    window. ``judged``: early, kept or late. ``told``: the leader has notice that it is missed.
    """

    state: str
    past: bool
    tolerance: int
    minutes: float | None = None
    judged: str = ""
    grade: str = ""
    incoming: bool = False
    told: bool = False
    times: int = 1

    @property
    def fate(self) -> str:
        """One of :data:`FATES`. Empty for what does not count: withdrawn, waived, cannot be done."""
        if self.state == "done":
            return self.judged or "kept"
        if self.state == "open":
            return "never" if self.past else "open"
        return "never" if self.state == "missed" else ""


@dataclass(frozen=True, slots=True)
class CallBacks:
    """Agreed call-backs together: how many were made early, kept, made late, never made, or have their minute still to come.

    ``grades``: for each fate of those that were made, how their times are known. ``by_customer``: of the kept ones, those that
    the customer satisfied by ringing first. ``told``: of those never made, those of which a leader has notice. ``bins``: how
    many of each fate lie between two of :data:`EDGES`, the first below all of them, the last above. ``tolerances``: how many
    were promised with which.
    """

    fates: Mapping[str, int]
    grades: Mapping[str, Mapping[str, int]]
    by_customer: int
    told: int
    bins: tuple[Mapping[str, int], ...]
    tolerances: Mapping[int, int]

    @property
    def owed(self) -> int:
        return sum(self.fates.values())


def call_backs(rows: Iterable[CallBack]) -> CallBacks:
    """The deviations in bins, and what became of each."""
    fates, tolerances, by_customer, told = Counter(dict.fromkeys(FATES, 0)), Counter[int](), 0, 0
    grades: dict[str, Counter[str]] = {}
    bins = [Counter[str]() for _ in range(len(EDGES) + 1)]
    for row in rows:
        if not (fate := row.fate):
            continue
        fates[fate] += row.times
        tolerances[row.tolerance] += row.times
        by_customer += row.times if row.incoming and fate == "kept" else 0
        told += row.times if row.told and fate == "never" else 0
        if row.state == "done":
            grades.setdefault(fate, Counter())[row.grade] += row.times
        if row.minutes is not None:
            bins[bin_of(row.minutes)][fate] += row.times
    return CallBacks(fates, grades, by_customer, told, tuple(bins), dict(sorted(tolerances.items())))


def bin_of(minutes: float) -> int:
    """Before the promised minute a bin holds its earlier edge, after it its later one, so that a tolerance holds its limits."""
    if minutes < 0:
        return bisect_right(EDGES, minutes)
    return bisect_left(EDGES, minutes, lo=EDGES.index(0) + 1)


def edges(bin: int) -> tuple[int | None, int | None]:
    """From which minute to which a bin reaches; None: without end."""
    return EDGES[bin - 1] if bin else None, EDGES[bin] if bin < len(EDGES) else None


# ── outings (W7) ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Outing:
    """One outing that took place, as measured. ``returns_at``: the return that was said last; ``told``: of how many of its ``stops`` it was
    reported what came of them."""

    reported_at: datetime
    left_at: datetime
    returns_at: datetime
    back_at: datetime | None = None
    stops: int = 0
    told: int = 0


@dataclass(frozen=True, slots=True)
class Outings:
    """Outings together: how many, how many of them were reported before leaving; signed back in until the return that was said last, or
    later, or not at all past it; how many stops they had and of how many it was reported what came of it. Who is out still, in time,
    counts as reported alone."""

    of: int
    beforehand: int
    in_time: int
    late: int
    missing: int
    stops: int
    told: int


def outings(rows: Iterable[Outing], now: datetime) -> Outings:
    """The return that was said itself is still in time."""
    rows = list(rows)
    back = [row for row in rows if row.back_at is not None]
    in_time = sum(row.back_at <= row.returns_at for row in back if row.back_at is not None)
    return Outings(
        of=len(rows),
        beforehand=sum(row.reported_at <= row.left_at for row in rows),
        in_time=in_time,
        late=len(back) - in_time,
        missing=sum(row.back_at is None and row.returns_at < now for row in rows),
        stops=sum(row.stops for row in back),
        told=sum(row.told for row in back),
    )


# ── deliveries (W8) ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Deliveries together, what was called off aside: received by the date that was said last, or later; not yet, in time or overdue."""

    of: int
    in_time: int
    late: int
    open: int
    overdue: int

    @property
    def rate(self) -> float | None:
        """In time of those whose time has told; None where none has."""
        told = self.in_time + self.late + self.overdue
        return self.in_time / told if told else None


def deliveries(rows: Iterable[tuple[datetime, datetime | None]], now: datetime) -> Deliveries:
    """``rows``: of each its date and when it was received, None while it was not. The moment itself is still in time."""
    fates = Counter(
        ("in_time" if received <= due else "late") if received else ("overdue" if now > due else "open") for due, received in rows
    )  # fmt: skip
    return Deliveries(fates.total(), fates["in_time"], fates["late"], fates["open"], fates["overdue"])


# ── assignments (W2), and how content the leader was (W9) ─────────────────────────────────────────────────────────

FEW = 5
"""Below so many ratings nobody is shown one of a person."""


@dataclass(frozen=True, slots=True)
class Errand:
    """One assignment as measured: its date as it stands, whether it was called off or accepted, when it was handed in, how often handed in
    and sent back, how content the leader was.
    """

    due: datetime
    done: bool
    called_off: bool = False
    handed_in_at: datetime | None = None
    waits: bool = False  # it lies before the leader
    hand_ins: int = 0
    sent_back: int = 0
    rating: int | None = None


@dataclass(frozen=True, slots=True)
class Errands:
    """Assignments together. ``late``: handed in after their date, or not at all and it is over. Called off, and not due yet, does not
    count. ``looked_at``: hand-ins that were accepted or sent back.
    """

    given: int
    on_time: int
    late: int
    open: int
    looked_at: int
    sent_back: int
    ratings: tuple[int, ...]

    @property
    def on_time_rate(self) -> float | None:
        """On time of those whose time has told; None where none has."""
        return self.on_time / (self.on_time + self.late) if self.on_time + self.late else None

    @property
    def sent_back_rate(self) -> float | None:
        """Sent back of the hand-ins that the leader has looked at."""
        return self.sent_back / self.looked_at if self.looked_at else None

    @property
    def rating(self) -> float | None:
        """The mean of the ratings, from :data:`FEW` on; None below."""
        return sum(self.ratings) / len(self.ratings) if len(self.ratings) >= FEW else None


def errands(rows: Iterable[Errand], now: datetime) -> Errands:
    """On time, late and sent back; the minute that was named still counts itself."""
    some = [row for row in rows if not row.called_off]
    fates = Counter(_errand(row, now) for row in some)
    done = sum(row.done for row in some)
    back = sum(row.sent_back for row in some)
    ratings = tuple(row.rating for row in some if row.rating is not None)
    return Errands(len(some), fates["on_time"], fates["late"], fates["open"], done + back, back, ratings)


def _errand(row: Errand, now: datetime) -> str:
    if (row.done or row.waits) and row.handed_in_at is not None:
        if row.handed_in_at > row.due:
            return "late"
        return "on_time" if row.done else "open"
    return "late" if now > row.due else "open"


# ── how content customers are (W9) ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """Customers' ratings together. ``asked``: questions that left; ``ratings``: how many gave 1, 2, … 5; ``least``: from how many on a figure
    is shown (bank).
    """

    asked: int
    ratings: tuple[int, ...]
    least: int

    @property
    def answered(self) -> int:
        return sum(self.ratings)

    @property
    def few(self) -> bool:
        """Whether there are too few for a figure: neither how many, nor what they said, is shown then."""
        return self.answered < self.least

    @property
    def mean(self) -> float | None:
        """The mean rating; None below the least number."""
        if self.few:
            return None
        return sum(value * many for value, many in zip(SCALE, self.ratings, strict=True)) / self.answered


def satisfaction(ratings: Iterable[int | None], least: int) -> Satisfaction:
    """``ratings``: of each question that left its answer, None without one."""
    given = list(ratings)
    count = Counter(given)
    return Satisfaction(len(given), tuple(count[value] for value in SCALE), least)


def sayable(ratings: Mapping[int, int], least: int) -> set[int]:
    """Of the parts of a whole that is shown, by how many ratings each has, those whose figures are shown beside it. One that is too small is
    shown nowhere, and cannot be reckoned from the rest either: so long as what is hidden is too little, the smallest that is shown is hidden
    with it.
    """
    shown = sorted((key for key, many in ratings.items() if many >= least), key=lambda key: (-ratings[key], key))
    while shown and 0 < sum(many for key, many in ratings.items() if key not in shown) < least:
        shown.pop()
    return set(shown)


@dataclass(frozen=True, slots=True)
class Content:
    """How content customers and leaders are with one person's work, or several people's together, and what of it stays open: ``late``, past
    its time; ``unseen``: of that, what nobody was ever reminded of.
    """

    customers: Satisfaction
    leader: tuple[int, ...] = ()
    late: int = 0
    unseen: int = 0

    @property
    def leader_mean(self) -> float | None:
        """The mean of the leaders' ratings, from :data:`FEW` on; None below."""
        return sum(self.leader) / len(self.leader) if len(self.leader) >= FEW else None


@dataclass(frozen=True, slots=True)
class Sayable:
    """Whose figures are shown beside those of the whole: of customers' ratings, and of leaders'."""

    customers: set[int]
    leader: set[int]

    @classmethod
    def of(cls, parts: Mapping[int, Content], least: int) -> "Sayable":
        """Each by its own least number."""
        answered = {key: part.customers.answered for key, part in parts.items()}
        return cls(sayable(answered, least), sayable({key: len(part.leader) for key, part in parts.items()}, FEW))

    def within(self, shown: tuple[bool, bool]) -> "Sayable":
        """Where the whole's own are not shown, neither is any part's."""
        return Sayable(self.customers if shown[0] else set(), self.leader if shown[1] else set())

    def both(self, key: int) -> tuple[bool, bool]:
        """Of one part."""
        return key in self.customers, key in self.leader


@dataclass(frozen=True, slots=True)
class Shown:
    """Whose two figures a reader is shown, in whatever way they ask: of the whole; of a unit with all ``below``; of who serves in a unit ``itself``
    (0: in none). From above downwards, so that no two figures of which one holds the other tell of a third that is too small.
    """

    whole: tuple[bool, bool]
    below: dict[int, tuple[bool, bool]]
    itself: dict[int, tuple[bool, bool]]

    @classmethod
    def of(cls, people: Mapping[int, Content], ways: Mapping[int, Sequence[int]], least: int) -> "Shown":
        """``ways``: the units from the root down to where each serves."""
        found = cls(Sayable.of({0: together(people.values(), least)}, least).both(0), {}, {})
        found._descend(people, ways, least, 0, found.whole)
        return found

    def _descend(
        self, people: Mapping[int, Content], ways: Mapping[int, Sequence[int]], least: int, unit: int, shown: tuple[bool, bool], depth: int = 0
    ) -> None:  # fmt: skip
        parts: dict[int, dict[int, Content]] = {}
        for id, part in people.items():
            way = ways.get(id, ())
            parts.setdefault(way[depth] if depth < len(way) else 0, {})[id] = part
        seen = Sayable.of({key: together(some.values(), least) for key, some in parts.items()}, least).within(shown)
        for key, some in parts.items():
            if key:
                self.below[key] = seen.both(key)
                self._descend(some, ways, least, key, seen.both(key), depth + 1)
            else:
                self.itself[unit] = seen.both(key)


def content(
    people: Iterable[int], rated: Iterable[tuple[int, int | None]], leader: Mapping[int, tuple[int, ...]],
    left: Mapping[int, tuple[int, int]], least: int,
) -> dict[int, Content]:  # fmt: skip
    """Person by person. ``rated``: whom each question was about, and its rating; ``left``: late and unseen."""
    given: dict[int, list[int | None]] = {each: [] for each in people}
    for staff, rating in rated:
        given[staff].append(rating)
    return {
        staff: Content(satisfaction(ratings, least), leader.get(staff, ()), *left.get(staff, (0, 0)))
        for staff, ratings in given.items()
    }


def together(parts: Iterable[Content], least: int) -> Content:
    """Several people's as one."""
    some = list(parts)
    columns = zip(*(each.customers.ratings for each in some), strict=True)
    asked = sum(each.customers.asked for each in some)
    customers = Satisfaction(asked, tuple(map(sum, columns)) or (0,) * len(SCALE), least)
    leader = tuple(rating for each in some for rating in each.leader)
    return Content(customers, leader, sum(each.late for each in some), sum(each.unseen for each in some))


# ── contacts as they were conducted: what owes nothing by itself is measured on the contacts ──────────────────────


@dataclass(frozen=True, slots=True)
class Talk:
    """One reception, visit or call that took place, as the clauses without obligations look at it.

    ``ticks``: what was attested by a tap. ``agreed``: the customer was told when and where, or asked to come now.
    ``need_said``: a need, or "none". ``reached``: the customer was talked with. ``found``: clauses with a finding against it.
    """

    kind: str
    first: bool = False
    incoming: bool = False
    reached: bool = True
    met_outside_owed: bool = False
    met_where: str = ""
    seen_off: str = ""
    card_handed: bool = False
    prepared_at: datetime | None = None
    started_at: datetime | None = None
    minutes: int | None = None
    planned_minutes: int | None = None
    purpose: str = ""
    outcome: str = ""
    invitation: str = ""
    agreed: bool = False
    need_said: bool = False
    noted: bool = False
    learned: int = 0
    closed: bool = False
    ticks: frozenset[str] = frozenset()
    found: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Tally:
    """One clause over a set of contacts: it applied to ``of``, and ``kept`` of them kept it.

    ``attested``: known from the RM's own tap alone, never mixed with what the system observed. ``may``: offered, so that
    what was not done is no miss. ``minutes``: the lengths, for clauses that ask for brevity.
    """

    clause: str
    of: int
    kept: int
    attested: bool = False
    may: bool = False
    minutes: tuple[int, ...] = ()

    @property
    def rate(self) -> float | None:
        """Kept of what it applied to; None where it applied to nothing, and for what is only offered."""
        return None if self.may or not self.of else self.kept / self.of


Judge = Callable[[Talk], bool | None]
ATTESTED = frozenset({"R8", "R9", "R10", "C2"})
OFFERED = frozenset({"R11", "S2"})
LAWFUL = frozenset({"S5"})
BRIEF_ONES = frozenset({"V4", "C7"})


def tallies(talks: Iterable[Talk], *, visit_length: int, call_length: int) -> list[Tally]:
    """One tally for each clause of :data:`JUDGES` that applied to any of the talks.

    ``visit_length`` counts where no length was planned; both in minutes, by the bank's settings.
    """
    talks = list(talks)
    found = []
    for clause, judge in judges(visit_length=visit_length, call_length=call_length).items():
        judged = [(talk, kept) for talk in talks if (kept := judge(talk)) is not None]
        if judged:
            minutes = tuple(talk.minutes or 0 for talk, _ in judged) if clause in BRIEF_ONES else ()
            done = sum(kept for _, kept in judged)
            found.append(Tally(clause, len(judged), done, clause in ATTESTED, clause in OFFERED, minutes))
    return found


def judges(*, visit_length: int, call_length: int) -> Mapping[str, Judge]:
    """For each clause that owes nothing by itself: whether a talk kept it; None where it did not apply."""
    return {
        **JUDGES,
        "V4": lambda talk: _short(talk, "visit", talk.planned_minutes or visit_length),
        "C7": lambda talk: _short(talk, "call", call_length) if talk.reached else None,
    }


def _short(talk: Talk, kind: str, limit: int) -> bool | None:
    return talk.minutes <= limit if talk.kind == kind and talk.minutes is not None else None


def _reception(judge: Judge) -> Judge:
    return lambda talk: judge(talk) if talk.kind == "reception" else None


def _prepared(talk: Talk) -> bool:
    """R1: prepared before the start."""
    return talk.prepared_at is not None and talk.started_at is not None and talk.prepared_at <= talk.started_at


def _introduced(talk: Talk) -> bool | None:
    """C9: a first call that the RM made and that connected introduces and does nothing else."""
    if talk.kind != "call" or not talk.first or talk.incoming or not talk.reached:
        return None
    return talk.purpose == "introduction"


def _sold_lawfully(talk: Talk) -> bool | None:
    """S5 (law): when and how often calls sell; what was recorded afterwards may have gone past it."""
    if talk.kind != "call" or talk.incoming or talk.purpose not in SELLING:
        return None
    return "S5" not in talk.found


# True: kept; False: not kept; None: the clause did not apply to this contact.
JUDGES: dict[str, Judge] = {
    "R1": _reception(_prepared),
    "R2": lambda talk: talk.met_where == "outside_door" if talk.met_outside_owed else None,
    "R3": lambda talk: talk.card_handed if talk.kind != "call" and talk.first else None,
    "R6": _reception(lambda talk: talk.need_said or talk.noted),
    "R8": _reception(lambda talk: bool(talk.ticks & {"silent", "manners"})),
    "R9": _reception(lambda talk: "manners" in talk.ticks),
    "R10": _reception(lambda talk: "manners" in talk.ticks),
    "R11": _reception(lambda talk: bool(talk.seen_off)),
    "R14": lambda talk: talk.learned > 0 if talk.kind != "call" and talk.closed else None,
    "V1": lambda talk: talk.agreed if talk.kind == "visit" else None,
    "W7": lambda talk: "W7" not in talk.found if talk.kind == "visit" else None,
    "C1": lambda talk: bool(talk.purpose) if talk.kind == "call" and not talk.incoming else None,
    "C2": lambda talk: "manners" in talk.ticks if talk.kind == "call" and talk.reached else None,
    "C8": lambda talk: talk.need_said if talk.outcome == "not_interested" else None,
    "C9": _introduced,
    "S5": _sold_lawfully,
}


# ── messages, by the way that they went (S1, S2) ───────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Texted:
    """``times`` messages to customers that went alike: from one's own phone or through a platform of the bank's; ``thanks``: after a
    reception, a visit or a first call; ``found``: it was found against S1.
    """

    own_phone: bool
    thanks: bool
    found: bool = False
    times: int = 1


# True: kept; False: not kept, of S2 merely not used; None: the clause did not apply to the message.
TEXT_JUDGES: dict[str, Callable[[Texted], bool | None]] = {
    "S1": lambda text: False if text.found else None if text.own_phone else True,
    "S2": lambda text: text.own_phone if text.thanks and not text.found else None,
}


def texts_tallied(texts: Iterable[Texted]) -> list[Tally]:
    """One tally for each of S1 and S2 that applied to any of them."""
    texts = list(texts)
    found = []
    for clause, judge in TEXT_JUDGES.items():
        judged = [(text.times, kept) for text in texts if (kept := judge(text)) is not None]
        if judged:
            done = sum(times for times, kept in judged if kept)
            found.append(Tally(clause, sum(times for times, _ in judged), done, may=clause in OFFERED))
    return found


# ── files, by what they are to hold (W10) ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Completeness:
    """Files of customers, one a business: how many are whole; of the kinds of paper that they are to hold, how many are there."""

    files: int
    whole: int
    wanted: int
    there: int

    @property
    def rate(self) -> float | None:
        """Whole files of all; None where there are none."""
        return self.whole / self.files if self.files else None


def completeness(files: Iterable[tuple[int, int]]) -> Completeness:
    """``files``: of each, how many kinds it is to hold and how many of them it holds. What is to hold nothing is no file."""
    rows = [(wanted, there) for wanted, there in files if wanted]
    return Completeness(
        len(rows),
        sum(there >= wanted for wanted, there in rows),
        sum(wanted for wanted, _ in rows),
        sum(min(row) for row in rows),
    )
