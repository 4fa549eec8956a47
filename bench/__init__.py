"""What is measured, against what, and how: README.md beside this file. Run by ``zhike bench``."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

NAMES = ("today", "customer", "writeup", "search", "import", "sweep", "reminders", "sms_queue", "sms_submit", "records")


def measure(names: Sequence[str], *, customers: int, seconds: float, rounds: int) -> Iterator[dict[str, object]]:
    """Measures what is named, one after the other: ``{name, value, unit, limit, ratio, conditions}``, as it is known.

    Raises zhike.embedded.CannotServe, bench.databases.NotBuilt.
    """
    from dataclasses import asdict

    from bench import data, databases, load, messaging, reading, records, reminding, run, writing
    from zhike import embedded

    measures = {
        "today": reading.today, "customer": reading.customer, "writeup": writing.write_up, "search": reading.search,
        "import": writing.import_, "sweep": writing.sweep, "reminders": reminding.reminders,
        "sms_queue": messaging.queue, "sms_submit": messaging.submit, "records": records.records,
    }  # fmt: skip
    # The clock stands on the measured morning when the first one begins, and runs on.
    os.environ.update(ZHIKE_CLOCK=data.NOW.isoformat(), ZHIKE_CLOCK_SINCE=repr(time.time()))
    if not load.has_wrk():
        databases.say(load.ADVICE)
    with embedded.running(tuning=run.TUNING) as server, tempfile.TemporaryDirectory() as folder:
        bank = data.Bank(customers)
        run.prepare_django(server, bank)
        databases.build(server, bank)
        trial = run.Trial(server, bank, seconds, rounds, Path(folder))
        for name in names or NAMES:
            databases.say(f"measuring {name}")
            for figure in measures[name](trial):
                yield asdict(figure)
