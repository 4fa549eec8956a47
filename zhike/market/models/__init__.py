"""Prospects with all that happened to them."""

from .event import Event
from .prospect import Prospect

__all__ = ["Event", "Prospect"]
