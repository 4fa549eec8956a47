"""Whether customers are content (W9): which answer is a rating, until when it counts, and from how many on it is a figure."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhike.conduct.bank import Bank
from zhike.conduct.measure import Content, Satisfaction, Sayable, Shown, content, satisfaction, sayable, together
from zhike.conduct.satisfied import answers_until, rating


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5), ("１", 1), (" 3 ", 3), ("4分", 4), ("5 分。", 5), ("（2）", 2), ("5️⃣", 5), ("五", 5), ("三分", 3), ("4星", 4), ("⑤", 5),
        ("0", None), ("6", None), ("９", None), ("10", None), ("55", None), ("4.5", None), ("-1", 1), ("5分钟", None), ("满意", None),
        ("给5分", None), ("5 谢谢", None), ("一般", None), ("", None), ("……", None), ("T", None),
    ],
)  # fmt: skip
def test_one_digit_of_the_scale_and_nothing_else(text: str, value: int | None) -> None:
    assert rating(text) == value


@given(st.text(max_size=30))
def test_whatever_comes_is_a_rating_or_none(text: str) -> None:
    assert rating(text) in {None, 1, 2, 3, 4, 5}


def test_an_answer_counts_for_seventy_two_hours() -> None:
    sent = datetime(2026, 3, 3, 6, tzinfo=UTC)
    assert answers_until(sent, Bank()) == sent + timedelta(days=3)


@pytest.mark.clause("W9", "MEASURE")
def test_customers_and_leader_side_by_side_by_hand() -> None:
    """One RM: twelve asked, ten answered, 5+5+5+4+4+4+4+3+2+1 = 37, so 3.7; the leader's six ratings 5+4+4+5+3+4 = 25, so 4.17.

    Another: nine answers, one too few; four ratings of the leader, one too few. Together nineteen answers: 37 + 9×5 = 82, so 4.32.
    """
    first = [5, 5, 5, 4, 4, 4, 4, 3, 2, 1, None, None]
    rated = [*((7, each) for each in first), *((8, 5) for _ in range(9)), (8, None)]
    leader = {7: (5, 4, 4, 5, 3, 4), 8: (5, 5, 5, 5)}
    found = content([7, 8, 9], rated, leader, {7: (3, 1), 9: (2, 0)}, 10)
    one, other, nobody = found[7], found[8], found[9]
    assert (one.customers.asked, one.customers.answered, one.customers.ratings) == (12, 10, (1, 1, 1, 4, 3))
    assert (one.customers.mean, round(one.leader_mean or 0, 2), one.late, one.unseen) == (3.7, 4.17, 3, 1)
    assert (other.customers.asked, other.customers.mean, other.leader_mean) == (10, None, None), "nine, and four"
    assert nobody == Content(Satisfaction(0, (0, 0, 0, 0, 0), 10), (), 2, 0)
    whole = together(found.values(), 10)
    assert (whole.customers.asked, whole.customers.answered, round(whole.customers.mean or 0, 2)) == (22, 19, 4.32)
    assert (whole.leader, whole.late, whole.unseen) == ((5, 4, 4, 5, 3, 4, 5, 5, 5, 5), 5, 1)
    assert together([], 10).customers.answered == 0


@pytest.mark.parametrize(
    ("answers", "shown"),
    [
        ((), set()),
        ((9,), set()),
        ((10,), {0}),
        ((12, 11), {0, 1}),
        ((12, 0), {0}),  # nothing is hidden
        ((30, 4), set()),  # the four would be the whole less the thirty
        ((30, 12, 4), {0}),  # sixteen of two together say of neither
        ((30, 12, 6, 5), {0, 1}),  # eleven are hidden already
    ],
)
def test_what_is_too_few_cannot_be_reckoned_from_the_rest(answers: tuple[int, ...], shown: set[int]) -> None:
    assert sayable(dict(enumerate(answers)), 10) == shown


def test_a_unit_is_shown_to_whoever_sees_the_whole_where_the_rest_says_nothing() -> None:
    """Customers from ten ratings on, leaders from five; each by itself."""

    def of(customers: int, leader: int) -> Content:
        return Content(satisfaction([4] * customers, 10), (5,) * leader)

    def seen(*parts: Content) -> tuple[bool, bool]:
        """Of the first of some units below one root."""
        shown = Shown.of(dict(enumerate(parts)), {n: (1, n + 10) for n in range(len(parts))}, 10)
        assert shown.itself == {n + 10: shown.below[n + 10] for n in range(len(parts))}
        return shown.below[10]

    assert seen(of(10, 5), of(0, 0)) == (True, True)
    assert seen(of(10, 5), of(4, 5)) == (False, True)
    assert seen(of(10, 5), of(10, 1)) == (True, False)
    assert seen(of(9, 4), of(0, 0)) == (False, False)
    assert seen(of(12, 0), of(12, 0), of(4, 0)) == (True, False)
    assert seen(of(12, 0), of(14, 0), of(4, 0)) == (False, False), "shown with its neighbour it would tell of the four"
    parts = Sayable.of({7: of(12, 6), 8: of(11, 3)}, 10)
    assert (parts.both(7), parts.both(8)) == ((True, False), (True, False)), (
        "three of the leader would be what is left of nine"
    )
    assert parts.within((False, True)).both(7) == (False, False)


def test_units_below_units_are_judged_from_above() -> None:
    """Root 1 with 2 and 3; below 2 the units 4 (twelve) and 5 (four), and one who serves in 2 itself (eleven)."""

    def of(customers: int) -> Content:
        return Content(satisfaction([4] * customers, 10))

    shown = Shown.of(
        {1: of(12), 2: of(4), 3: of(11), 4: of(30), 5: of(0)}, {1: (1, 2, 4), 2: (1, 2, 5), 3: (1, 2), 4: (1, 3)}, 10
    )
    assert shown.whole == (True, False)
    assert {unit: each[0] for unit, each in shown.below.items()} == {1: True, 2: True, 3: True, 4: True, 5: False}
    assert {unit: each[0] for unit, each in shown.itself.items()} == {0: False, 2: False, 3: True, 4: True, 5: False}
