"""Customers: who they are, whose book they are in, what they want and hold, what they agreed to."""

from .acquaintance import Acquaintance
from .book import Book
from .consent import Consent
from .customer import Customer, Tier
from .difference import Difference
from .holding import Holding
from .need import Need
from .rating import Rating
from .relation import Household, Relation
from .run import Heading, Line, Part, Run

__all__ = [
    "Acquaintance",
    "Book",
    "Consent",
    "Customer",
    "Difference",
    "Heading",
    "Holding",
    "Household",
    "Line",
    "Need",
    "Part",
    "Rating",
    "Relation",
    "Run",
    "Tier",
]
