from django.apps import AppConfig


class Sms(AppConfig):
    name = "zhike.sms"

    def ready(self) -> None:
        """Enters what it brings: festivals and campaigns, which the calendar owes, the greetings that were arranged for birthdays, and which of
        its acts want a second person.
        """
        from zhike.obligations.sweep import WHEN_GREETED, WHEN_SWEPT

        from . import birthdays, greetings, templates
        from .campaigns import asking, following

        assert templates.KINDS
        assert asking.KIND
        WHEN_SWEPT.extend((greetings.sweep, following.sweep))
        WHEN_GREETED.append(birthdays.join)
