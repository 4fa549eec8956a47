"""The ledger: facts that happened, what is owed because of them, and when it wants to be remembered."""

from .acknowledgement import Acknowledgement
from .alarm import Alarm
from .fact import Fact
from .finding import Finding
from .obligation import Obligation, State
from .reminder import Reminder

__all__ = ["Acknowledgement", "Alarm", "Fact", "Finding", "Obligation", "Reminder", "State"]
