from django.apps import AppConfig


class Sms(AppConfig):
    name = "zhike.sms"

    def ready(self) -> None:
        """Enters what it brings: festivals and campaigns, which the calendar owes, the greetings that were arranged for birthdays, the questions how
        content customers are, what becomes of waiting messages when a customer changes hands, and which of its acts want a second person.
        """
        from zhike.customers.models.book import WHEN_HANDED_OVER
        from zhike.obligations.sweep import WHEN_GREETED, WHEN_SWEPT

        from . import birthdays, greetings, handover, satisfaction, templates
        from .campaigns import asking, following

        assert templates.KINDS
        assert asking.KIND
        WHEN_SWEPT.extend((greetings.sweep, following.sweep, satisfaction.ask))
        WHEN_GREETED.append(birthdays.join)
        WHEN_HANDED_OVER.append(handover.hand_over)
