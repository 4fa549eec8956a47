"""What no log may hold: the address of a calendar is its key, and so is that of the door for what a platform brings."""

from __future__ import annotations

import logging
import re

SECRET = re.compile(r"(/calendar/)\S+?(\.ics)|(/api/pushed/)[^\s'\"]+")


class Secrets(logging.Filter):
    """Takes the secret out of whatever is said of a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        if SECRET.search(said):
            record.msg, record.args = SECRET.sub(r"\1\3…\2", said), ()
        return True
