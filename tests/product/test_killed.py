"""kill -9 of workers, of the web server and of PostgreSQL at random moments: no reminder is lost, and the books add up.

What a failed run did is done again by `python -m bench.killing --rounds 20 --seed N`; 200 rounds without `--rounds`.
"""

from __future__ import annotations

import random
from typing import Any

from bench import killing

ROUNDS = 20


def test_killed_at_random_moments_every_reminder_is_delivered_and_nothing_acknowledged_is_lost(
    django_db_blocker: Any,
) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    with django_db_blocker.unblock():
        told = killing.kill(ROUNDS, seed)
    print(told)
    assert not told.complaints, f"seed {seed}: {told.complaints}"
    # That all of it was tried: somebody died in each round, and copies came to the receiving end or could have.
    assert told.killed.total() == ROUNDS
    assert told.taken > ROUNDS
    assert told.outcomes["wecom delivered"] > ROUNDS
