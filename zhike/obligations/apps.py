from django.apps import AppConfig


class Obligations(AppConfig):
    name = "zhike.obligations"

    def ready(self) -> None:
        """Enters what it brings: what goes along when a customer changes hands, and which of its acts want a second person."""
        from zhike.customers.feeds.take import WHEN_STOPPED
        from zhike.customers.models.book import WHEN_HANDED_OVER

        from . import lifting, waivers
        from .stops import hand_over, stop_fed

        assert waivers.WAIVER
        assert lifting.LIFT

        WHEN_HANDED_OVER.append(hand_over)
        WHEN_STOPPED.append(stop_fed)
