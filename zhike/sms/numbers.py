"""Mobile numbers as gateways write them, and as the bank does."""

import re

from zhike.customers.vault import vault

# In which the networks' times are, wherever the bank's own clock stands.
CHINA = "Asia/Shanghai"
# Gateways put the country in front, with or without a plus or zeros.
COUNTRY = re.compile(r"^(?:\+|00)?86(?=1\d{10}$)")


def plain(number: str) -> str:
    """A number as the bank writes it: 11 digits where it is a mainland mobile."""
    return COUNTRY.sub("", re.sub(r"[\s-]", "", number))


def indexes(number: str) -> list[bytes]:
    """Every keyed hash under which customers with this mobile are found."""
    return vault().indexes("mobile", plain(number))


def index(number: str) -> bytes:
    """The keyed hash under which a number is kept."""
    return vault().index("mobile", plain(number))
