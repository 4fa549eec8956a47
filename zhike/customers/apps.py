from importlib import import_module

from django.apps import AppConfig


class Customers(AppConfig):
    name = "zhike.customers"

    def ready(self) -> None:
        """Registers the approval of handing a customer over."""
        import_module(f"{self.name}.handover")
