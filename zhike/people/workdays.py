"""The bank's workdays as its table says."""

from zhike.conduct.calendars import Workdays
from zhike.people.models import Workday


def workdays() -> Workdays:
    """Holidays and make-up workdays that the bank has entered or taken over; one statement."""
    return Workdays.of(dict(Workday.objects.values_list("day", "works")))
