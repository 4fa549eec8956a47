"""What somebody searched for, as an address may hold it: a name or a phone's end is personal data, and addresses lie about.

A proxy's log, the browser's history and its suggestions keep addresses. So what is typed is sent as a form, and the list
that comes of it has an address in which the words stand sealed, for this reader alone: it can be reloaded and gone back to.
"""

from __future__ import annotations

from contextlib import suppress

from zhike.customers.vault import Unopened, vault
from zhike.people.actor import Actor

LONGEST = 100  # letters; no name, number or spelling is longer


def sealed(words: str, actor: Actor) -> str:
    """``words`` as an address may hold them."""
    return vault().seal(words, _place(actor))


def opened(text: str, actor: Actor) -> str:
    """The words again; none where somebody else sought them, or the address is made up."""
    with suppress(Unopened):
        return vault().open(text, _place(actor))
    return ""


def _place(actor: Actor) -> str:
    return f"search:{actor.id}"
