"""Django's `migrate`, which in front of each of our migrations keeps its fingerprint, and touches no tables of another release."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections

from zhike import embedded, schema


class Command(migrate.Command):
    """Raises CommandError with what to do where these tables cannot become those of this release."""

    def handle(self, *args: Any, **options: Any) -> Any:
        self.database = options["database"]
        found = schema.standing(connections[self.database])
        if not found.upgradable:
            raise CommandError(schema.advice(found, demo=settings.DEMO)[embedded.language() == "en"])
        return super().handle(*args, **options)

    def migration_progress_callback(self, action: str, migration: Any = None, fake: bool = False) -> None:
        """Before and not after: whatever breaks off in between, an applied migration has its fingerprint."""
        if action == "apply_start" and schema.is_ours(migration):
            schema.keep(connections[self.database], migration)
        super().migration_progress_callback(action, migration, fake)
