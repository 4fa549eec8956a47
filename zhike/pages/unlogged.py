"""What no log may hold: the address of a calendar is its key."""

from __future__ import annotations

import logging
import re

SECRET = re.compile(r"(/calendar/)\S+?(\.ics)")


class Secrets(logging.Filter):
    """Takes the secret out of whatever is said of a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        if SECRET.search(said):
            record.msg, record.args = SECRET.sub(r"\1…\2", said), ()
        return True
