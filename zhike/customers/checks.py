"""What a value must look like to be kept: phones, e-mail, identity numbers, credit codes. Each check returns the value in
its one written form or raises :class:`Unaccepted` with a sentence that never repeats the value."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from operator import mul

from django.utils.translation import gettext as _
from stdnum import numdb
from stdnum.cn import uscc as credit_code
from stdnum.exceptions import ValidationError as BadNumber

MOBILE = re.compile(r"1[3-9]\d{9}")
LANDLINE = re.compile(r"0\d{2,3}\d{7,8}(?:[-x转]\d{1,6})?|[48]00\d{7}")
FOREIGN = re.compile(r"\+(?!86)\d{6,15}")
EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"
)
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_DIGITS = "10X98765432"


class Unaccepted(ValueError):
    """A value that cannot be kept; the message is the sentence for the reader."""


@dataclass(frozen=True)
class Identity:
    """A Chinese identity number (GB 11643) and what it says. ``area_known`` is false for areas no list has: a warning."""

    number: str
    born: date
    gender: str
    area_known: bool


def clean(text: str) -> str:
    """Full-width forms made plain, surrounding space and invisible characters gone."""
    if text.isascii():
        return text.strip()
    text = unicodedata.normalize("NFKC", text)
    if not text.isprintable():
        text = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cc"))
    return text.strip()


def mobile(text: str) -> str:
    """A mobile number: eleven digits, or + and a foreign number."""
    number = _digits(text)
    if MOBILE.fullmatch(number) or FOREIGN.fullmatch(number):
        return number
    if number.isdecimal() and len(number) != 11:
        raise Unaccepted(
            _("A mobile number has 11 digits; this has %(has)d. Correct it, or write a foreign one with + and country.")
            % {"has": len(number)}
        )
    raise Unaccepted(_("This is no mobile number: 11 digits beginning with 13 to 19, or + and a foreign number."))


def phone(text: str) -> str:
    """Any telephone number: mobile, landline with its area code, 400 and 800 numbers, foreign."""
    number = _digits(text)
    if MOBILE.fullmatch(number) or LANDLINE.fullmatch(number) or FOREIGN.fullmatch(number):
        return number
    raise Unaccepted(_("This is no telephone number. A landline needs its area code, as in 021-12345678."))


def _digits(text: str) -> str:
    number = re.sub(r"[\s\-()·.]", "", clean(text))
    number = re.sub(r"^(?:\+86|0086|86(?=1[3-9]\d{9}$))", "", number)
    return re.sub(r"^00(?=[1-9])", "+", number)


def email(text: str) -> str:
    address = clean(text)
    if len(address) > 254 or ".." in address or not EMAIL.fullmatch(address):
        raise Unaccepted(_("This is no e-mail address. It looks like name@example.com."))
    name, _at, host = address.rpartition("@")
    return f"{name}@{host.lower()}"


def identity(text: str, today: date) -> Identity:
    """An identity number of 18 characters, or of 15 (before 1999), which is written out to 18."""
    number = re.sub(r"\s", "", clean(text)).upper()
    if re.fullmatch(r"\d{15}", number):
        number = f"{number[:6]}19{number[6:]}"
        number += _check_digit(number)
    if not re.fullmatch(r"\d{17}[\dX]", number):
        raise Unaccepted(
            _("An identity number has 18 characters, the last a digit or X; this has %(has)d.") % {"has": len(number)}
        )
    if number[17] != _check_digit(number):
        raise Unaccepted(_("The last character does not fit the rest of the identity number: a digit is mistyped."))
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError as error:
        raise Unaccepted(_("The identity number holds a birth date that does not exist.")) from error
    if not date(1880, 1, 1) <= born <= today:
        raise Unaccepted(_("The identity number holds a birth date that cannot be."))
    return Identity(number, born, "m" if int(number[16]) % 2 else "f", _area_known(number[:6]))


def _check_digit(number: str) -> str:
    return CHECK_DIGITS[sum(map(mul, map(int, number[:17]), WEIGHTS)) % 11]


@lru_cache(maxsize=10_000)
def _area_known(area: str) -> bool:
    """Abolished areas are on many valid cards and on no list, so an unknown one is only told."""
    found = numdb.get("cn/loc").info(area)
    return any(values for _part, values in found)


def document(text: str) -> str:
    """The number of a passport or another document: letters and digits, 5 to 20."""
    number = re.sub(r"[\s\-()/]", "", clean(text)).upper()
    if not re.fullmatch(r"[0-9A-Z]{5,20}", number):
        raise Unaccepted(_("A document's number has 5 to 20 letters and digits."))
    return number


def uscc(text: str) -> str:
    """A company's unified social credit code (GB 32100)."""
    try:
        return str(credit_code.validate(clean(text)))
    except BadNumber as error:
        raise Unaccepted(
            _("This is no unified social credit code: 18 characters with a check character at the end.")
        ) from error
