"""Contacts with customers: planned, agreed, prepared, under way, written up."""

from .amendment import Amendment
from .contact import Contact, Kind, Outcome, Result, State
from .demand import Demand
from .draft import Draft

__all__ = ["Amendment", "Contact", "Demand", "Draft", "Kind", "Outcome", "Result", "State"]
