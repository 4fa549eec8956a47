"""Work that is planned, entrusted and reported: outings."""

from .outing import Help, Outing, Stop

__all__ = ["Help", "Outing", "Stop"]
