from django.apps import AppConfig


class Market(AppConfig):
    name = "zhike.market"

    def ready(self) -> None:
        """Enters what the calendar does: prospects whom nobody contacts go back to the pool."""
        from zhike.obligations.sweep import WHEN_SWEPT

        from . import pool

        WHEN_SWEPT.append(pool.sweep)
