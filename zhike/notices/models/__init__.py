"""How staff want to be told, what was sent to them, and which workers live."""

from .choice import Choice
from .delivery import Delivery, Outcome
from .heartbeat import Heartbeat
from .notice import Notice

__all__ = ["Choice", "Delivery", "Heartbeat", "Notice", "Outcome"]
