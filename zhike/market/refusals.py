"""What cannot be, with a sentence in both languages."""

from __future__ import annotations

from zhike.conduct.words import Refused


class Unfit(Refused):
    """Something that cannot be as it is asked for; ``field`` is what would mend it."""

    def __init__(self, field: str, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.field = field


class NotNow(Refused):
    """Its state does not allow it: reload and see how it stands."""
