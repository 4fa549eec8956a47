from importlib import import_module

from django.apps import AppConfig


class People(AppConfig):
    name = "zhike.people"

    def ready(self) -> None:
        """Each of these registers what it brings: checks, and kinds of approval."""
        for module in ("checks", "bank", "posts", "second_factor", "units"):
            import_module(f"{self.name}.{module}")
