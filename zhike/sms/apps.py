from django.apps import AppConfig


class Sms(AppConfig):
    name = "zhike.sms"

    def ready(self) -> None:
        """Enters what it brings: the festivals that the calendar owes, and which of its acts want a second person."""
        from zhike.obligations.sweep import WHEN_SWEPT

        from . import greetings, templates

        assert templates.KINDS
        WHEN_SWEPT.append(greetings.sweep)
