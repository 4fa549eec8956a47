"""The ledger: facts that happened, and what is owed because of them."""

from .fact import Fact
from .finding import Finding
from .obligation import Obligation, State

__all__ = ["Fact", "Finding", "Obligation", "State"]
