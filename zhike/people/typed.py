"""Text as somebody typed it, without what nobody sees: control characters, and marks that turn the direction of what follows.

They come along with what is pasted. A name that holds one reads as another on screen (U+202E shows "gpj.exe" as "exe.jpg"), is not found
by search, and breaks lines where they are written. They say nothing, so they go without a word; joiners that scripts and signs are
made of stay, as do line ends and tabs.
"""

from __future__ import annotations

import re

UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")


def typed(text: str) -> str:
    """The text without them."""
    return text if text.isprintable() else UNSEEN.sub("", text)
