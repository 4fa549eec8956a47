"""Customer tiers."""

from dataclasses import dataclass
from decimal import Decimal

from zhike.conduct.words import Words


@dataclass(frozen=True, slots=True)
class Tier:
    """A customer tier: from `from_assets` yuan of monthly average assets on (inclusive), up to the next tier's.

    Below its threshold a customer keeps the tier for `keep_months` months in a row and leaves it in the month after.
    """

    key: str
    name: Words
    from_assets: Decimal
    keep_months: int = 3


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often customers of a tier are met, in days; None: none is owed. `book_limit`: customers that an RM keeps."""

    tier: str
    contact_days: int | None
    meeting_days: int | None
    review_days: int | None
    book_limit: int | None
