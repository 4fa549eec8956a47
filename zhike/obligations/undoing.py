"""An import that is undone takes along what the calendar alone brought its customers: birthdays and rhythm that the sweep of a night
told of, owed since, perhaps remembered or missed. What a person did about one of them stays, and the import with it.
"""

from __future__ import annotations

from zhike.customers.models import Line, Run

from .models import Fact, Obligation
from .sweep import TELLS


def clear(run: Run) -> None:
    """Runs in the transaction of the undo, which is refused, with all of this, where something a person did remains."""
    loaded = Line.objects.filter(run=run, state=Line.State.LOADED).values("customer")
    told = Fact.objects.filter(customer__in=loaded, by=None, grade=Fact.Grade.OBSERVED, kind__in=TELLS)
    owed = Obligation.objects.filter(fact__in=told, settled_by=None, settling=None, approval=None)
    owed.delete()
    told.exclude(pk__in=Obligation.objects.filter(fact__in=told).values("fact")).delete()
