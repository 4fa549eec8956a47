"""Whether customers are content (W9): after which contact one is asked, which answer is a rating, until when it counts.

rating("５分")                  # 5
rating("5，下次早点")            # None: a sentence is read by a person
"""

import re
import unicodedata
from datetime import datetime, timedelta

from zhike.conduct.bank import Bank

SCALE = range(1, 6)
"""From not content at all to very content, as a leader rates an assignment."""
LOW = 2
"""So little, or less: somebody finds out why."""

ENDINGS = {"reception_ended": "reception", "visit_ended": "visit", "call_ended": "call"}
"""What may be asked about, by the fact that tells its end."""
# What a rating may be called: the digit by itself, of ten thousand telephones' ways to write it.
_NUMERALS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5}
_RATING = re.compile(r"([0-9]|[一二三四五])(?:分|颗?星)?")


def rating(text: str) -> int | None:
    """The rating that a reply is, where it is one digit of the scale and nothing else; blanks, full width, 分, stops and Chinese numerals
    are tolerated. None: it says something else.
    """
    said = "".join(unicodedata.normalize("NFKC", text).split())
    found = _RATING.fullmatch(re.sub(r"^[\W_]+|[\W_]+$", "", said))
    if found is None:
        return None
    value = _NUMERALS.get(found[1]) or int(found[1])
    return value if value in SCALE else None


def answers_until(sent: datetime, bank: Bank) -> datetime:
    """Until when an answer to a question that left at ``sent`` counts; the moment itself does."""
    return sent + timedelta(hours=bank.at(sent).satisfaction_answered_within)
