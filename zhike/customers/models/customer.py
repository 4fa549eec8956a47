from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Literal, cast

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import connection, models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.conduct.bank import Bank
from zhike.conduct.calendars import Birthday
from zhike.customers import birthdays, checks, names
from zhike.customers import profile as fields
from zhike.customers.checks import Unaccepted
from zhike.customers.vault import TAIL, place, vault
from zhike.people.fixed import Fixed
from zhike.people.turn import take_turn
from zhike.trail.models import note

if TYPE_CHECKING:
    from zhike.people.actor import Actor


class Tier(models.TextChoices):
    """Lowest to highest; names, order and thresholds on screen are the bank's own settings."""

    REGULAR = "regular", _("regular")
    GOLD = "gold", _("gold")
    PLATINUM = "platinum", _("platinum")
    DIAMOND = "diamond", _("diamond")
    PRIVATE = "private", _("private banking")


class CustomerQuerySet(models.QuerySet["Customer"]):
    def visible_to(self, actor: Actor) -> CustomerQuerySet:
        """The customers in the actor's scope: nothing else reaches a customer's row (PostgreSQL's policies say the same)."""
        return self.filter(keeper__among=actor.sees)

    def seen(self, id: int, actor: Actor) -> Customer | None:
        """One of them; None as for one that does not exist."""
        return SEEN.one([id, list(actor.sees)])

    def held(self, id: int, actor: Actor) -> Customer | None:
        """One whom the actor may change, kept from others until the transaction ends; None as for one that does not exist."""
        return HELD.one([id, list(actor.writes)])

    def enter(
        self,
        *,
        name: str,
        unit_id: int,
        rm_id: int | None,
        actor: Actor,
        now: datetime,
        kind: str = "person",
        **columns: Any,
    ) -> Customer:
        """A new customer, in the book of ``rm_id`` from today on. Profile fields are learned afterwards."""
        from zhike.customers.models.book import Book

        name = checks.clean(name)
        if not name:
            raise Unaccepted(gettext("A customer needs a name."))
        customer = Customer(
            name=name,
            kind=kind,
            unit_id=unit_id,
            rm_id=rm_id,
            created_at=now,
            changed_at=now,
            **columns,
            **found_by(name, kind),
        )
        customer.save()
        if rm_id is not None:
            day = timezone.localdate(now)
            Book.objects.create(customer=customer, rm_id=rm_id, from_day=day, by_id=actor.id, at=now)
        return customer


class Exhausted(Unaccepted):
    """The day's number of reveals is used up."""

    def __init__(self, bank: Bank) -> None:
        super().__init__(
            gettext(
                "You have looked at %(most)d numbers today, and that is the day's limit. It begins anew at midnight; "
                "if you need more today, ask the administrator."
            )
            % {"most": bank.reveals_a_day}
        )


def reveals_left(actor: Actor, now: datetime, bank: Bank) -> int:
    """How many sensitive fields ``actor`` may still have shown today, or look for by their whole number."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM trail_entry WHERE actor_id = %s AND action IN ('reveal', 'search') AND at >= %s",
            [actor.id, _midnight(now, bank)],
        )
        (seen,) = cursor.fetchone()
    return bank.reveals_a_day - int(seen)


def may_look_for(number: str, found: Sequence[int | None], actor: Actor, now: datetime, bank: Bank) -> bool:
    """Counts that ``actor`` looks for a whole number beyond their own customers, and keeps whom it ``found``, never the number: a
    keyed hash alone, by which the same number is counted once a day. False when the day's number is used up.
    """
    hashed = vault().index("sought", number).hex()
    take_turn("reveals", actor.id)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM trail_entry WHERE actor_id = %s AND action = 'search' AND at >= %s"
            " AND changes ->> 'hash' = %s)",
            [actor.id, _midnight(now, bank), hashed],
        )
        (before,) = cursor.fetchone()
    if before:
        return True
    if reveals_left(actor, now, bank) <= 0:
        return False
    for customer in found or [None]:
        note(action="search", object="customers_customer", now=now, row_id=customer, customer_id=customer, hash=hashed)
    return True


def _midnight(now: datetime, bank: Bank) -> datetime:
    return datetime.combine(now.astimezone(bank.zone).date(), time(), bank.zone)


def found_by(name: str, kind: str) -> dict[str, Any]:
    """The columns that search and lists need, from a name."""
    company = kind == "company"
    return {
        "grams": names.grams(name),
        "pinyin": names.pinyin(name, company=company),
        "sort_key": names.sort_key(name, company=company),
    }


class Customer(models.Model):
    """A person or a company that the bank serves (客户).

    ``profile`` holds what is known, field by field, each with its source, date and who:
    ``{"mobile": {"v": "d1:…", "src": "contact", "on": "2026-02-01", "by": 12, "contact": 99}}``.
    Sensitive values in it are sealed (:mod:`zhike.customers.vault`); earlier values are in the trail.
    """

    class Kind(models.TextChoices):
        PERSON = "person", _("person")
        COMPANY = "company", _("company")

    class Calendar(models.TextChoices):
        SOLAR = "solar", _("solar calendar")
        LUNAR = "lunar", _("lunar calendar")

    class Before(models.TextChoices):
        """Day one: what the imported book says of meetings and calls before Zhike."""

        YES = "yes", _("yes")
        NO = "no", _("no")
        UNKNOWN = "unknown", _("unknown")

    core_number = models.TextField(unique=True, null=True, blank=True, help_text=_("the core system's customer number"))
    kind = models.TextField(choices=Kind, default=Kind.PERSON)
    name = models.TextField()
    honorific = models.TextField(default="", blank=True, help_text=_("form of address (称谓)"))
    gender = models.TextField(default="", blank=True, choices=[("f", _("female")), ("m", _("male"))])
    tier = models.TextField(choices=Tier, default=Tier.REGULAR)
    tier_since = models.DateField(null=True, blank=True)
    assets = models.DecimalField(
        max_digits=18, decimal_places=2, null=True, blank=True, help_text=_("monthly average, CNY")
    )
    assets_day = models.DateField(null=True, blank=True)

    rm = models.ForeignKey("people.Staff", models.PROTECT, null=True, blank=True, related_name="+")
    unit = models.ForeignKey("people.Unit", models.PROTECT, related_name="+")
    # Who keeps this row: the RM, or the unit (negated) while there is none. One column, so one array decides who sees it.
    keeper = models.GeneratedField(
        expression=Coalesce(F("rm_id"), Value(0) - F("unit_id")), output_field=models.BigIntegerField(), db_persist=True
    )
    household = models.ForeignKey("customers.Household", models.SET_NULL, null=True, blank=True, related_name="members")

    birth_calendar = models.TextField(choices=Calendar, default="", blank=True)
    birth_year = models.SmallIntegerField(null=True, blank=True, help_text=_("in that calendar; unknown years happen"))
    birth_month = models.SmallIntegerField(null=True, blank=True)
    birth_day = models.SmallIntegerField(null=True, blank=True)
    birth_leap = models.BooleanField(default=False, help_text=_("born in a leap month"))

    deceased_on = models.DateField(null=True, blank=True)
    closed_on = models.DateField(null=True, blank=True)
    do_not_disturb = models.BooleanField(default=False)
    complaint_open = models.BooleanField(default=False)

    met_before = models.TextField(choices=Before, default=Before.UNKNOWN)
    met_before_on = models.DateField(null=True, blank=True)
    called_before = models.TextField(choices=Before, default=Before.UNKNOWN)
    called_before_on = models.DateField(null=True, blank=True)
    last_contact_at = models.DateTimeField(null=True, blank=True, help_text=_("the last real contact, by whoever"))

    profile = models.JSONField(default=dict, blank=True)
    # What the search finds: one- and two-character grams of the name, and pinyin with its initials, every plausible reading.
    grams = ArrayField(models.TextField(), default=list)
    pinyin = ArrayField(models.TextField(), default=list)
    sort_key = models.TextField(default="")
    mobile_index = models.BinaryField(null=True)
    tail_index = models.BinaryField(null=True)
    other_tail_index = models.BinaryField(null=True)
    id_index = models.BinaryField(null=True)

    version = models.IntegerField(default=1)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    objects = CustomerQuerySet.as_manager()

    class Meta:
        db_table = "customers_customer"
        indexes = [
            models.Index(fields=["keeper", "sort_key"], name="customers_keeper"),  # a book in order of names
            # What is not sorted in yet is little enough for a search to read through (docs/decisions/import-speed.md).
            GinIndex(fields=["grams"], name="customers_grams", fastupdate=True, gin_pending_list_limit=256),
            GinIndex(fields=["pinyin"], name="customers_pinyin", fastupdate=True, gin_pending_list_limit=256),
            models.Index(fields=["mobile_index"], name="customers_mobile", condition=Q(mobile_index__isnull=False)),
            models.Index(fields=["tail_index"], name="customers_tail", condition=Q(tail_index__isnull=False)),
            models.Index(
                fields=["other_tail_index"], name="customers_other_tail", condition=Q(other_tail_index__isnull=False)
            ),
            models.Index(fields=["id_index"], name="customers_id", condition=Q(id_index__isnull=False)),
            # whether an imported row may be somebody known, by name and birthday
            models.Index(fields=["name", "birth_month", "birth_day"], name="customers_name"),
            # the nightly sweep asks for birthdays by calendar, month and day
            models.Index(fields=["birth_calendar", "birth_month", "birth_day"], name="customers_birthday"),
        ]

    def __str__(self) -> str:
        return self.name

    def changeable_by(self, actor: Actor) -> bool:
        """Whether the customer is the actor's to change: his own, or his people's."""
        return (self.rm_id or -self.unit_id) in actor.writes

    def known(self, field: str) -> Any:
        """The value of a profile field as stored (sealed if sensitive), or None."""
        return (self.profile.get(field) or {}).get("v")

    # What is learned

    def learn(
        self, field: str, value: str, *, source: str, actor: Actor, now: datetime, contact: int | None = None
    ) -> list[str]:
        """Keeps one field with its source, date and who; an empty value forgets it. Returns warnings, as sentences.

        Raises Unaccepted where the value cannot be kept, PermissionError where the actor may not change this customer.
        """
        return self.learn_all({field: value}, source=source, actor=actor, now=now, contact=contact)

    def learn_all(
        self, values: Mapping[str, str], *, source: str, actor: Actor, now: datetime, contact: int | None = None
    ) -> list[str]:
        """Keeps several fields in one statement; see :meth:`learn`."""
        day = timezone.localdate(now)
        stamp = {"src": source, "on": day.isoformat(), "by": actor.id} | ({"contact": contact} if contact else {})
        learned = Learned(self, day)
        for name, value in values.items():
            learned.take(fields.named(name), checks.clean(value))
        self._keep(learned, stamp, now)
        return learned.warnings

    def forget(self, names: Iterable[str], *, now: datetime) -> None:
        """Fields are known no longer, as if they had never been learned; see :meth:`learn`."""
        learned = Learned(self, timezone.localdate(now))
        for name in names:
            learned.take(fields.named(name), "")
        if learned.forgotten:
            self._keep(learned, {}, now)

    def _keep(self, learned: Learned, stamp: dict[str, Any], now: datetime) -> None:
        entries = {name: {"v": value, **stamp} for name, value in learned.values.items()}
        gone = Value(learned.forgotten, output_field=ArrayField(models.TextField()))
        changed = Customer.objects.filter(pk=self.pk).update(
            profile=Merged(F("profile"), gone, Value(json.dumps(entries), output_field=models.TextField())),
            version=F("version") + 1,
            changed_at=now,
            **learned.columns,
        )
        if not changed:
            raise PermissionError(gettext("This customer is not yours to change."))
        self.profile = {k: v for k, v in self.profile.items() if k not in learned.forgotten} | entries
        for column, value in learned.columns.items():
            setattr(self, column, value)
        self.version += 1
        self.changed_at = now

    def open_value(self, field: str) -> str:
        """A profile field in clear, for the program's own use (dialling, sending); showing it to somebody is reveal()."""
        stored = self.known(field)
        if stored is None:
            return ""
        return vault().open(stored, place(field, self.pk)) if field in fields.SEALED else str(stored)

    def shown(self, field: str) -> str:
        """A profile field as a screen shows it: sensitive ones masked."""
        value = self.open_value(field)
        return fields.masked(fields.named(field), value) if value else ""

    def reveal(self, field: str, *, actor: Actor, now: datetime, bank: Bank, contact: int | None = None) -> str:
        """A sensitive field in clear, shown to ``actor``: counted against the day's number and kept in the trail, with the
        ``contact`` that it was for.

        Raises Exhausted when the number is used up.
        """
        take_turn("reveals", actor.id)
        if reveals_left(actor, now, bank) <= 0:
            raise Exhausted(bank)
        value = self.open_value(fields.named(field).name)
        purpose = {} if contact is None else {"contact": contact}
        note(
            action="reveal",
            object="customers_customer",
            now=now,
            row_id=self.pk,
            customer_id=self.pk,
            field=field,
            **purpose,
        )
        return value

    @property
    def birthday(self) -> Birthday | None:
        if not self.birth_calendar or not self.birth_month or not self.birth_day:
            return None
        calendar = cast(Literal["solar", "lunar"], self.birth_calendar)
        return Birthday(calendar, self.birth_month, self.birth_day, self.birth_year, self.birth_leap)

    def next_birthdays(self, day: date, bank: Bank, count: int = 5) -> list[date]:
        """The next days from ``day`` on when the birthday is celebrated, by the bank's settings."""
        birthday = self.birthday
        return birthday.next_dates(day, bank.birthday_policy, count) if birthday else []

    def knows(self, field: str) -> bool:
        return bool(self.birth_calendar) if field == "birthday" else field in self.profile

    def gaps(self) -> list[fields.Field]:
        """What R4 and R5 want known of this customer and is not."""
        return [field for field in fields.asked(self.kind) if not self.knows(field.name)]

    @property
    def reading(self) -> str:
        """How an unusual surname is read (Shàn); empty otherwise."""
        return names.unusual_reading(self.name) if self.kind == "person" else ""

    @property
    def address_as(self) -> str:
        """The form of address: the customer's own, else the proposed one, else the name."""
        return self.honorific or (self.kind == "person" and names.honorific(self.name, self.gender)) or self.name


class Merged(models.Func):
    """A JSON object without some keys and with others."""

    template = "%(expressions)s"
    output_field = models.JSONField()

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        parts = [compiler.compile(each) for each in self.source_expressions]
        (stored, one), (gone, two), (new, three) = parts
        return f"({stored} - {gone}::text[]) || {new}::jsonb", [*one, *two, *three]


class Learned:
    """Values on their way into a profile: checked, sealed, with the columns that follow from them."""

    def __init__(self, customer: Customer, day: date) -> None:
        self.customer = customer
        self.day = day
        self.values: dict[str, str] = {}
        self.columns: dict[str, Any] = {}
        self.forgotten: list[str] = []
        self.warnings: list[str] = []

    def take(self, field: fields.Field, value: str) -> None:
        if self.customer.kind not in field.of:
            raise Unaccepted(gettext("%(field)s is not kept of this kind of customer.") % {"field": field.label})
        if not value:
            self._forget(field)
            return
        accepted = self._accept(field, value)
        if field.sealed:
            self.values[field.name] = vault().seal(accepted, place(field.name, self.customer.pk))
        else:
            self.values[field.name] = accepted
        if found := INDEXED.get(field.name):
            self.columns |= {column: vault().index(*of(accepted)) for column, of in found.items()}

    def _accept(self, field: fields.Field, value: str) -> str:
        match field.name:
            case "birthday":
                return self._birthday(birthdays.told(value, self.day))
            case "id_number":
                return self._identity(value)
            case "name":
                name = field.accept(value)
                self.columns |= {"name": name, **found_by(name, self.customer.kind)}
                return name
        accepted = field.accept(value)
        if field.column:
            self.columns[field.name] = accepted
        return accepted

    def _birthday(self, birthday: Birthday) -> str:
        self.columns |= born(birthday)
        return birthdays.written(birthday)

    def _identity(self, value: str) -> str:
        """A resident identity number is checked; it also says birthday and gender, where these are not known."""
        kind = self.values.get("id_kind") or self.customer.known("id_kind") or "idcard"
        if kind != "idcard":
            return checks.document(value)
        identity = checks.identity(value, self.day)
        if not identity.area_known:
            self.warnings.append(
                gettext(
                    "The area in the identity number is on no list today; it may have been abolished. Compare the card."
                )
            )
        if not self.customer.gender and "gender" not in self.columns:
            self.columns["gender"] = self.values["gender"] = identity.gender
        if not self.customer.birth_calendar and "birth_calendar" not in self.columns:
            self.values["birthday"] = self._birthday(birthdays.of_date(identity.born))
        return identity.number

    def _forget(self, field: fields.Field) -> None:
        if field.name == "name":
            raise Unaccepted(gettext("A customer needs a name."))
        self.forgotten.append(field.name)
        self.columns |= dict.fromkeys(INDEXED.get(field.name, ()), None)
        if field.name == "birthday":
            self.columns |= born(None)
        elif field.column:
            self.columns[field.name] = ""


# What else happens when a file or a decision about one fills in fields of customers (customer → fields), in the same
# transaction: what lies above enters itself here at start, because nothing here may know of it.
WHEN_LEARNED: list[Callable[[Mapping[int, set[str]], datetime, Bank], None]] = []

# The columns of blind indexes that a field fills: purpose and value of each.
INDEXED: dict[str, dict[str, Any]] = {
    "mobile": {
        "mobile_index": lambda number: ("mobile", number),
        "tail_index": lambda number: ("tail", number[-TAIL:]),
    },
    # A landline has no index of its own as a whole: of those with its tail the opened numbers are compared.
    "phone2": {"other_tail_index": lambda number: ("tail", number[-TAIL:])},
    "id_number": {"id_index": lambda number: ("id", number)},
    "uscc": {"id_index": lambda code: ("id", code)},
}


def born(birthday: Birthday | None) -> dict[str, Any]:
    """A birthday as columns."""
    if birthday is None:
        return {"birth_calendar": "", "birth_year": None, "birth_month": None, "birth_day": None, "birth_leap": False}
    return {
        "birth_calendar": birthday.calendar,
        "birth_year": birthday.year,
        "birth_month": birthday.month,
        "birth_day": birthday.day,
        "birth_leap": birthday.leap,
    }


SEEN = Fixed(Customer, "FROM customers_customer t WHERE t.id = %s AND t.keeper = ANY (%s::bigint[])")
HELD = Fixed(Customer, f"{SEEN.found_by} FOR UPDATE")
