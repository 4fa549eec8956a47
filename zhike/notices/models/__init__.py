"""How staff want to be told, what was sent to them and to their groups, which workers live, and what phones read."""

from .calendar import Calendar
from .choice import Choice
from .delivery import Delivery, Outcome
from .digest import Digest
from .heartbeat import Heartbeat
from .letter import Letter
from .notice import Notice
from .revision import Revision
from .webhook import Webhook

__all__ = [
    "Calendar",
    "Choice",
    "Delivery",
    "Digest",
    "Heartbeat",
    "Letter",
    "Notice",
    "Outcome",
    "Revision",
    "Webhook",
]
