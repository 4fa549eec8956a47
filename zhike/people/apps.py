from django.apps import AppConfig


class People(AppConfig):
    name = "zhike.people"

    def ready(self) -> None:
        from zhike.people import checks

        assert checks
