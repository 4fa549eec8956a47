"""What the worker does for files of messages that another platform sent."""

from procrastinate.contrib.django import app

from zhike import clock
from zhike.customers.tasks import carry_out
from zhike.people import bank

from .imports.load import run_import


@app.task(name="import_messages", retry=3)
def import_messages(run: int) -> None:
    """Runs an uploaded file from where it stands; a killed worker's job is put back and goes on."""
    now = clock.now()
    rules = bank.settings().now(now)
    carry_out(run, lambda found, path, language: run_import(found, path, bank=rules, now=clock.now, language=language))
