from django.apps import AppConfig


class Contacts(AppConfig):
    name = "zhike.contacts"

    def ready(self) -> None:
        from zhike.customers.models.book import WHEN_HANDED_OVER

        from .course import hand_over

        WHEN_HANDED_OVER.append(hand_over)
