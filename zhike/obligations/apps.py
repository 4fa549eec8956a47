from django.apps import AppConfig


class Obligations(AppConfig):
    name = "zhike.obligations"

    def ready(self) -> None:
        """Enters what it brings: what goes along when a customer changes hands, and which of its acts want a second person."""
        from zhike.customers.feeds.take import OF_PEOPLE, WHEN_LIFTED, WHEN_STOPPED
        from zhike.customers.imports.decide import BEFORE_UNDONE
        from zhike.customers.models.book import WHEN_HANDED_OVER
        from zhike.customers.models.customer import WHEN_LEARNED

        from . import lifting, waivers
        from .learning import learned
        from .stops import hand_over, lift_fed, of_people, stop_fed
        from .undoing import clear

        assert waivers.WAIVER
        assert lifting.LIFT

        WHEN_HANDED_OVER.append(hand_over)
        WHEN_STOPPED.append(stop_fed)
        WHEN_LIFTED.append(lift_fed)
        OF_PEOPLE.append(of_people)
        WHEN_LEARNED.append(learned)
        BEFORE_UNDONE.append(clear)
