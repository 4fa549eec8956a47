"""The fields of a customer's profile: what each is called, what it must look like, whether it is sealed, who asks for it.

One table decides for forms, write-ups, imports, feeds and the gaps that R4 and R5 want closed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.customers import checks
from zhike.customers.checks import Unaccepted
from zhike.customers.vault import MASKS

Kind = Literal["person", "company"]
BOTH: tuple[Kind, ...] = ("person", "company")
PERSON: tuple[Kind, ...] = ("person",)
COMPANY: tuple[Kind, ...] = ("company",)
LONGEST = 500


@dataclass(frozen=True)
class Field:
    """One profile field. ``clause`` is the clause that asks for it (R4, R5); ``mask`` names how a sealed value is shown."""

    name: str
    label: str | Promise
    of: tuple[Kind, ...] = PERSON
    check: Callable[[str], Any] = field(default=lambda value: _text(value))
    mask: str = ""
    clause: str = ""
    asked_of: tuple[Kind, ...] = ()
    choices: Mapping[str, str | Promise] | None = None
    column: bool = False  # the value lives in a column of its own; the profile keeps its source, date and who

    @property
    def sealed(self) -> bool:
        return bool(self.mask)

    def accept(self, value: str) -> str:
        """The value in its one written form. Raises Unaccepted."""
        if self.choices is not None:
            return _one_of(self.choices, value)
        return str(self.check(value))


def _text(value: str) -> str:
    text = checks.clean(value)
    if len(text) > LONGEST:
        raise Unaccepted(
            gettext("The text has %(has)d characters; up to %(most)d are kept.") % {"has": len(text), "most": LONGEST}
        )
    return text


def _one_of(choices: Mapping[str, str | Promise], value: str) -> str:
    text = checks.clean(value)
    for key, label in choices.items():
        if text in (key, str(label)):
            return key
    listed = gettext(", ").join(str(label) for label in choices.values())
    raise Unaccepted(gettext("This is not one of: %(listed)s.") % {"listed": listed})


DOCUMENTS = {
    "idcard": _("resident identity card"),
    "passport": _("passport"),
    "hk_macao": _("Hong Kong or Macao permit"),
    "taiwan": _("Taiwan permit"),
    "other": _("other document"),
}
CHANNELS = {
    "phone": _("phone"),
    "sms": _("SMS"),
    "wecom": _("WeCom"),
    "email": _("e-mail"),
    "visit": _("in person"),
}
# In which language one writes to the customer; nothing said: in Chinese.
LANGUAGES = {"zh-hans": _("Chinese"), "en": _("English")}
CHILDREN = {"none": _("none"), "yes": _("has children")}

GENDERS = {"f": _("female"), "m": _("male")}

_ALL = (
    Field("name", _("name"), BOTH, column=True),
    Field("honorific", _("form of address"), BOTH, column=True),
    Field("gender", _("gender"), choices=GENDERS, column=True),
    Field("mobile", _("mobile"), BOTH, checks.mobile, "phone", "R4", BOTH),
    Field("email", _("e-mail address"), BOTH, checks.email, "email", "R4", BOTH),
    Field("phone2", _("second telephone"), BOTH, checks.phone, "phone"),
    Field("address", _("address"), BOTH, mask="address"),
    Field("id_kind", _("kind of document"), choices=DOCUMENTS),
    Field("id_number", _("identity number"), PERSON, checks.document, "id"),
    Field("hobbies", _("hobbies"), BOTH, clause="R5", asked_of=PERSON),
    Field("birthday", _("birthday"), PERSON, clause="R5", asked_of=PERSON, column=True),
    Field("children", _("children"), clause="R5", asked_of=PERSON, choices=CHILDREN),
    Field("employer", _("employer")),
    Field("position", _("position")),
    Field("occupation", _("occupation")),
    Field("industry", _("line of business"), BOTH),
    Field("income", _("income and when it comes")),
    Field("assets_elsewhere", _("assets at other banks, estimated"), BOTH),
    Field("mortgage", _("home loan")),
    Field("goals", _("goals (pension, education, inheritance)")),
    Field("liquidity", _("need of ready money"), BOTH),
    Field("experience", _("experience with investments"), BOTH),
    Field("risk_grade", _("risk grade"), PERSON),
    Field("risk_graded_on", _("risk graded on"), PERSON),
    Field("risk_grade_until", _("risk grade valid until"), PERSON),
    Field("tax_residence", _("tax residence"), BOTH),
    Field("public_office", _("public office")),
    Field("preferred_time", _("preferred time"), BOTH),
    Field("preferred_channel", _("preferred channel"), BOTH, choices=CHANNELS),
    Field("language", _("written to in"), BOTH, choices=LANGUAGES),
    Field("taboos", _("not to be mentioned"), BOTH),
    Field("introducer", _("introduced by"), BOTH),
    Field("relative_in_bank", _("relatives at the bank"), BOTH),
    Field("wecom", _("WeCom"), BOTH),
    Field("uscc", _("unified social credit code"), COMPANY, checks.uscc),
    Field("legal_person", _("legal representative"), COMPANY),
    Field("controller", _("actual controller"), COMPANY),
    Field("beneficial_owner", _("beneficial owner"), COMPANY),
    Field("contact_name", _("contact person"), COMPANY, clause="R4", asked_of=COMPANY),
    Field("contact_position", _("contact person's position"), COMPANY),
    Field("employees", _("number of employees"), COMPANY),
    Field("revenue", _("revenue"), COMPANY),
)
FIELDS: dict[str, Field] = {each.name: each for each in _ALL}
SEALED = frozenset(each.name for each in _ALL if each.sealed)


def named(name: str) -> Field:
    """The field of that name. Raises Unaccepted for an unknown one."""
    try:
        return FIELDS[name]
    except KeyError:
        raise Unaccepted(gettext("The profile has no field %(name)s.") % {"name": name}) from None


def masked(field: Field, value: str) -> str:
    return MASKS[field.mask](value) if field.mask else value


def asked(kind: str) -> list[Field]:
    """What the code wants known of every customer of a kind (R4, R5)."""
    return [each for each in _ALL if kind in each.asked_of]


def spoken_birthday(written: str) -> str:
    """A birthday as it is stored ("lunar 1972-03-08"), as people write it: what learning takes."""
    calendar, _space, day = written.partition(" ")
    leap, day = "闰" in day, day.replace("闰", "")
    year, month, number = day.rsplit("-", 2)
    front = "农历" if calendar == "lunar" else ""
    return f"{front}{'' if year in ('', '-') else f'{year}年'}{'闰' if leap else ''}{int(month)}月{int(number)}日"
