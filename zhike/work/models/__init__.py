"""Work that is entrusted and reported: assignments, outings, deliveries."""

from .assignment import Assignment, Entry
from .delivery import Delivery, Handling
from .outing import Help, Outing, Stop

__all__ = ["Assignment", "Delivery", "Entry", "Handling", "Help", "Outing", "Stop"]
