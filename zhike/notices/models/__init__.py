"""How staff want to be told, what was sent to them, which workers live, and what phones read."""

from .calendar import Calendar
from .choice import Choice
from .delivery import Delivery, Outcome
from .heartbeat import Heartbeat
from .notice import Notice
from .revision import Revision

__all__ = ["Calendar", "Choice", "Delivery", "Heartbeat", "Notice", "Outcome", "Revision"]
