"""Prospects with all that happened to them; notes of the market, what was made of them and to whom they were passed."""

from .event import Event
from .note import Brief, Note, Routing, Worked
from .prospect import Prospect

__all__ = ["Brief", "Event", "Note", "Prospect", "Routing", "Worked"]
