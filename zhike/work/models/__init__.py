"""Work that is entrusted and reported: assignments, outings."""

from .assignment import Assignment, Entry
from .outing import Help, Outing, Stop

__all__ = ["Assignment", "Entry", "Help", "Outing", "Stop"]
