"""kill -9 at each point of a message's way, of the gateway, at random moments: no segment is taken twice, no message is without an end.

What a failed run did is done again by `python -m bench.killing_messages --rounds 20 --seed N`; 200 rounds without `--rounds`.
"""

from __future__ import annotations

import random
from typing import Any

from bench import killing_messages

ROUNDS = 20


def test_whoever_dies_and_whenever_nothing_is_sent_twice_and_every_end_explains_itself(django_db_blocker: Any) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    with django_db_blocker.unblock():
        told = killing_messages.kill(ROUNDS, seed)
    print(told)
    assert not told.complaints, f"seed {seed}: {told.complaints}"
    # That all of it was tried: somebody died in each round, and the gateway took more than went under.
    assert told.killed.total() == ROUNDS
    assert told.taken > ROUNDS
    assert told.states["delivered"] + told.states["submitted"] > ROUNDS // 4
