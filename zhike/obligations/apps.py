from django.apps import AppConfig


class Obligations(AppConfig):
    name = "zhike.obligations"

    def ready(self) -> None:
        from zhike.customers.models.book import WHEN_HANDED_OVER

        from .stops import hand_over

        WHEN_HANDED_OVER.append(hand_over)
