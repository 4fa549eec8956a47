from django.apps import AppConfig


class Work(AppConfig):
    name = "zhike.work"

    def ready(self) -> None:
        """Enters what it brings: who is at a visit's door has checked in at its stop; the next turn of what is assigned each week or month; the
        plans that a day's work begins with.
        """
        from zhike.obligations.ledger import WHEN_TOLD
        from zhike.obligations.sweep import WHEN_SWEPT

        from . import plans_due, recurring
        from .outings import arrived

        WHEN_TOLD.setdefault("arrived", []).append(arrived)
        WHEN_SWEPT.extend([recurring.sweep, plans_due.sweep])
