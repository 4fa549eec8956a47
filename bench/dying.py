"""A worker that kills itself (kill -9) at a point of a message's way that a file names, once: `python -m bench.dying FILE`.

The points: before the journal's commit, after it, when the bytes have left, when the answer is read, when the answer is committed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

POINTS = ("before the journal's commit", "after it", "after the write", "after the answer is read", "after its commit")


def main(file: Path) -> int:
    """The worker as it runs in earnest, with a death at each point of its way."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "zhike.settings"
    import django

    django.setup()
    from zhike.cli import main as zhike
    from zhike.sms import journal, sender

    def die(point: str) -> None:
        try:
            wanted = file.read_text("utf-8")
        except FileNotFoundError:
            return
        if wanted == point:
            file.unlink()
            os.kill(os.getpid(), signal.SIGKILL)

    def at(place: Any, name: str, *, before: str = "", after: str = "") -> None:
        whole: Callable[..., Any] = getattr(place, name)

        def with_death(*args: Any, **more: Any) -> Any:
            if before:
                die(before)
            given = whole(*args, **more)
            if after and given is not False:
                die(after)
            return given

        setattr(place, name, with_death)

    at(journal, "enter", after=POINTS[0])
    at(sender.Sender, "_leave", before=POINTS[1], after=POINTS[2])
    at(journal, "heard", before=POINTS[3])
    at(sender.Sender, "take_in", after=POINTS[4])
    sys.argv = ["zhike", "worker"]
    return zhike(["worker"])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
