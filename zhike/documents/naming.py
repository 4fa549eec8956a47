"""What an uploaded file may be called: its own name without folders, scripts, marks that turn what follows, or more than a disk takes."""

from __future__ import annotations

import re
import unicodedata

from zhike.people.typed import typed

LONGEST = 255  # bytes in UTF-8: what every disk takes
FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)


def sanitised(name: str) -> str:
    """``name`` as it is kept, shown and served. Of a path only its last part stays; "文件" where nothing does."""
    name = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode())
    name = re.split(r"[/\\]", name)[-1]
    name = "".join(
        letter
        for letter in typed(name)
        if unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    )
    name = FORBIDDEN.sub("_", name).strip(" .")
    if RESERVED.match(name):
        name = f"_{name}"
    stem, dot, ending = name.rpartition(".")
    stem, ending = (stem, f".{ending}") if dot and stem and len(ending) <= 10 else (name, "")
    return f"{_cut(stem or '文件', LONGEST - len(ending.encode()))}{ending}"


def _cut(text: str, most: int) -> str:
    return text.encode()[:most].decode("utf-8", "ignore")
