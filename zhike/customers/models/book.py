from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from zhike.customers.checks import Unaccepted
from zhike.people.models import Post, Role

if TYPE_CHECKING:
    from zhike.customers.models.customer import Customer
    from zhike.people.actor import Actor

# What else happens when a customer changes hands: each is called with the customer, who kept it (None: nobody), who
# keeps it now, who acts (None: the calendar) and when. What lies above customers enters itself here at start (open
# obligations go along), because nothing here may know of it.
WHEN_HANDED_OVER: list[Callable[[Customer, int | None, int, Actor | None, datetime], None]] = []


class BookQuerySet(models.QuerySet["Book"]):
    def on(self, day: date) -> BookQuerySet:
        """Who is responsible on a day."""
        return self.filter(Q(to_day=None) | Q(to_day__gt=day), from_day__lte=day)

    def due(self, day: date) -> BookQuerySet:
        """Whose new RM begins by ``day`` and has not begun."""
        return self.on(day).exclude(customer__rm_id=F("rm_id")).order_by("id")

    def stuck(self, day: date) -> BookQuerySet:
        """Of these, who cannot begin: the new RM holds no such post any more."""
        held = Post.objects.filter(Q(to_day=None) | Q(to_day__gt=day), role=Role.RM, from_day__lte=day)
        return self.due(day).exclude(Exists(held.filter(staff=OuterRef("rm_id"))))

    def take_effect(self, day: date, now: datetime) -> int:
        """Hands over the customers whose new RM begins by ``day``; the nightly run calls it. Twice is as once.

        Where the new RM has left meanwhile the customer stays where he is, still due, and nobody else waits for that.
        """
        handed_over = 0
        for row in self.due(day).select_related("customer"):
            with suppress(Unaccepted), transaction.atomic():
                row.hand_over(None, now)
                handed_over += 1
        return handed_over


class Book(models.Model):
    """Which RM is responsible for a customer, from a day until before another (管户).

    An exclusion constraint in the database keeps it at exactly one RM at a time.
    """

    customer = models.ForeignKey("customers.Customer", models.CASCADE, related_name="books")
    rm = models.ForeignKey("people.Staff", models.PROTECT, related_name="books")
    from_day = models.DateField()
    to_day = models.DateField(null=True, blank=True)
    reason = models.TextField(default="", blank=True, help_text=_("why it changed hands"))
    by = models.ForeignKey("people.Staff", models.PROTECT, null=True, related_name="+", db_index=False)
    at = models.DateTimeField()

    objects = BookQuerySet.as_manager()

    class Meta:
        db_table = "customers_book"
        constraints = [
            models.CheckConstraint(condition=Q(to_day=None) | Q(to_day__gte=F("from_day")), name="customers_book_days")
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.rm_id} {self.from_day}"

    def hand_over(self, actor: Actor | None, now: datetime) -> None:
        """Makes this row's RM the customer's, in the RM's unit, with all that goes along."""
        customer, before = self.customer, self.customer.rm_id
        unit = post_of(self.rm_id, max(self.from_day, timezone.localdate(now))).unit_id
        type(customer).objects.filter(pk=customer.pk).update(
            rm_id=self.rm_id, unit_id=unit, version=F("version") + 1, changed_at=now
        )
        customer.rm_id, customer.unit_id = self.rm_id, unit
        customer.version += 1
        for follow in WHEN_HANDED_OVER:
            follow(customer, before, self.rm_id, actor, now)


def post_of(staff_id: int, day: date) -> Post:
    """The post in which somebody keeps customers on a day. Raises Unaccepted where there is none."""
    held = Post.objects.filter(Q(to_day=None) | Q(to_day__gt=day), staff_id=staff_id, role=Role.RM, from_day__lte=day)
    post = held.order_by("from_day").last()
    if post is None:
        raise Unaccepted(
            gettext("On %(day)s this person holds no post as a relationship manager. Enter the post first.")
            % {"day": day}
        )
    return post


def reassign(customer: Customer, rm_id: int, from_day: date, reason: str, actor: Actor, now: datetime) -> Book:
    """Another RM for a customer from a day on: at once, or when that day comes. Raises Unaccepted."""
    if not reason.strip():
        raise Unaccepted(gettext("Say why the customer changes hands; the reason stays with the customer."))
    post_of(rm_id, from_day)
    standing = list(Book.objects.filter(Q(to_day=None) | Q(to_day__gt=from_day), customer=customer).select_for_update())
    for row in standing:
        if row.from_day > from_day:
            raise Unaccepted(
                gettext("Another change from %(day)s on is already entered. Choose a day from then on.")
                % {"day": row.from_day}
            )
        if row.rm_id == rm_id:
            raise Unaccepted(gettext("The customer is already in this person's book."))
        row.to_day = from_day
        row.save(update_fields=["to_day"])
    book = Book.objects.create(
        customer=customer, rm_id=rm_id, from_day=from_day, reason=reason.strip(), by_id=actor.id, at=now
    )
    if from_day <= timezone.localdate(now):
        book.hand_over(actor, now)
    return book
