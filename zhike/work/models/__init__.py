"""Work that is planned, entrusted and reported: plans, assignments, outings, deliveries."""

from .assignment import Assignment, Entry
from .delivery import Delivery, Handling
from .outing import Help, Outing, Stop
from .plan import Plan, PlanComment, PlanLine

__all__ = ["Assignment", "Delivery", "Entry", "Handling", "Help", "Outing", "Plan", "PlanComment", "PlanLine", "Stop"]
