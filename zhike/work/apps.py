from django.apps import AppConfig


class Work(AppConfig):
    name = "zhike.work"

    def ready(self) -> None:
        """Enters what it brings: who is at a visit's door has checked in at its stop."""
        from zhike.obligations.ledger import WHEN_TOLD

        from .outings import arrived

        WHEN_TOLD.setdefault("arrived", []).append(arrived)
