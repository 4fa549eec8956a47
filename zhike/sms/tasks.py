"""What the worker does: files of messages that another platform sent; of campaigns, it tells all in scope that one has begun, takes back what
waits of one that was stopped; of these and of greetings, it settles what was done by somebody who stands in."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from procrastinate.contrib.django import app

from zhike import clock
from zhike.customers.checks import Unaccepted
from zhike.customers.models import Run
from zhike.customers.tasks import carry_out
from zhike.people import bank
from zhike.people.actor import acting

from . import greetings
from .campaigns import duties, following
from .imports.load import run_import
from .imports.undo import undo
from .models import Campaign


@app.task(name="import_messages", retry=3)
def import_messages(run: int) -> None:
    """Runs an uploaded file from where it stands; a killed worker's job is put back and goes on."""
    now = clock.now()
    rules = bank.settings().now(now)
    carry_out(run, lambda found, path, language: run_import(found, path, bank=rules, now=clock.now, language=language))


@app.task(name="undo_messages")
def undo_messages(run: int, by: int) -> None:
    """Undoes an import of messages; why it cannot be stands in its row."""
    now = clock.now()
    with acting(by, now):
        try:
            undo(Run.objects.get(pk=run), now, bank.settings().now(now))
        except Unaccepted as error:
            Run.objects.filter(pk=run).update(error=str(error))


@app.task(name=duties.FOLLOW, retry=5)
def follow_campaign(campaign: int) -> None:
    """Twice is as once: the nightly sweep looks again."""
    now = clock.now()
    found = Campaign.objects.filter(pk=campaign).first()
    if found is not None:
        with transaction.atomic():
            following.follow(found, now, bank.settings().now(now))


@app.task(name=duties.SETTLE, retry=5)
def settle_campaign(campaign: int, staff: int, at: str, again: bool) -> None:
    """Done by whom it is not owed, at a moment that counts."""
    now = clock.now()
    with transaction.atomic():
        following.settle(
            Campaign.objects.get(pk=campaign), staff, datetime.fromisoformat(at), again=again, now=now, bank=bank.settings().now(now)
        )  # fmt: skip


@app.task(name=greetings.SETTLE, retry=5)
def settle_greetings(occasion: str, staff: int, at: str, again: bool) -> None:
    """Likewise of a festival's greetings."""
    now = clock.now()
    with transaction.atomic():
        greetings.settle(
            occasion, staff, datetime.fromisoformat(at), again=again, now=now, bank=bank.settings().now(now)
        )
