"""The pages as a Django application: it brings templates, static files and the catalogue's check."""

from typing import Any

from django.apps import AppConfig
from django.core import checks


class PagesConfig(AppConfig):
    """Registers the check that the Chinese catalogue has been compiled."""

    name = "zhike.pages"
    label = "pages"

    def ready(self) -> None:
        checks.register(catalogue_is_compiled)


def catalogue_is_compiled(app_configs: Any, **options: Any) -> list[checks.CheckMessage]:
    """Without the compiled catalogue every screen would quietly be English."""
    from zhike.pages.language import stale

    if not stale():
        return []
    return [
        checks.Warning(
            "The Chinese catalogue is not compiled or older than its source.",
            hint="Run: python -m zhike.pages.language",
            id="pages.W001",
        )
    ]
