from django.apps import AppConfig


class Contacts(AppConfig):
    name = "zhike.contacts"

    def ready(self) -> None:
        from zhike.customers.feeds.take import WHEN_LIFTED, WHEN_STOPPED
        from zhike.customers.models.book import WHEN_HANDED_OVER
        from zhike.obligations.appointments import ANSWERS
        from zhike.obligations.ledger import WHEN_TOLD
        from zhike.obligations.stops import WHEN_TAKEN_BACK

        from .appointments import ANSWER
        from .course import at_the_stop, hand_over
        from .stopping import bring_back, lift_fed, stop_fed

        ANSWERS.append(ANSWER)
        WHEN_HANDED_OVER.append(hand_over)
        WHEN_STOPPED.append(stop_fed)
        WHEN_LIFTED.append(lift_fed)
        WHEN_TAKEN_BACK.append(bring_back)
        WHEN_TOLD.setdefault("stop_reached", []).append(at_the_stop)
