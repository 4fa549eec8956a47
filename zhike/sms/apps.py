from django.apps import AppConfig


class Sms(AppConfig):
    name = "zhike.sms"

    def ready(self) -> None:
        """Enters what it brings: the festivals that the calendar owes, the greetings that were arranged for birthdays, and which of its acts
        want a second person.
        """
        from zhike.obligations.sweep import WHEN_GREETED, WHEN_SWEPT

        from . import birthdays, greetings, templates

        assert templates.KINDS
        WHEN_SWEPT.append(greetings.sweep)
        WHEN_GREETED.append(birthdays.join)
