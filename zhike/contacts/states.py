"""Which state of a contact follows which, and by which verb. The documented diagram is drawn from this table."""

from django.utils.translation import gettext as _

from .models.contact import Contact, Kind, State

# (verb, from) → to
TRANSITIONS: dict[tuple[str, State], State] = {
    ("agree", State.PLANNED): State.AGREED,
    ("agree", State.AGREED): State.AGREED,
    ("start", State.PLANNED): State.UNDER_WAY,
    ("start", State.AGREED): State.UNDER_WAY,
    ("arrive", State.AGREED): State.AGREED,
    ("arrive", State.PLANNED): State.PLANNED,
    # Tapped by mistake, within ten minutes and with nothing recorded (zhike/contacts/retraction.py).
    ("not arrived", State.AGREED): State.AGREED,
    ("not arrived", State.PLANNED): State.PLANNED,
    ("back to the plan", State.UNDER_WAY): State.PLANNED,
    ("back to the appointment", State.UNDER_WAY): State.AGREED,
    ("back to the talk", State.ENDED): State.UNDER_WAY,
    ("back to the talk", State.CLOSED): State.UNDER_WAY,
    ("end", State.UNDER_WAY): State.ENDED,
    ("put off", State.UNDER_WAY): State.CLOSED,
    ("write up", State.ENDED): State.CLOSED,
    ("amend", State.CLOSED): State.CLOSED,
    ("connect after all", State.CLOSED): State.ENDED,
    # A call's outcome was tapped wrongly, and it waits for its write-up still.
    ("amend the outcome", State.ENDED): State.ENDED,
    ("put off after all", State.ENDED): State.CLOSED,
    # A plan that a struck contact had left behind goes with it.
    ("strike", State.PLANNED): State.STRUCK,
    ("strike", State.AGREED): State.STRUCK,
    ("strike", State.UNDER_WAY): State.STRUCK,
    ("strike", State.ENDED): State.STRUCK,
    ("strike", State.CLOSED): State.STRUCK,
    # What a stop had called off that was a mistake (zhike/contacts/stopping.py).
    ("back to the plan", State.CANCELLED): State.PLANNED,
    ("back to the appointment", State.CANCELLED): State.AGREED,
    ("call off", State.PLANNED): State.CANCELLED,
    ("call off", State.AGREED): State.CANCELLED,
}


class WrongState(Exception):
    """A verb that the contact's state does not allow; the sentence says what state it is in."""

    def __init__(self, verb: str, contact: Contact) -> None:
        super().__init__(
            _("This %(kind)s is “%(state)s” and can no longer be changed this way. Reload to see where it stands.")
            % {"kind": Kind(contact.kind).label, "state": State(contact.state).label}
        )
        self.verb, self.contact = verb, contact


def follow(verb: str, contact: Contact) -> State:
    """The state after ``verb``. Raises WrongState where the table has none."""
    try:
        return TRANSITIONS[verb, State(contact.state)]
    except KeyError:
        raise WrongState(verb, contact) from None


def diagram() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", "    [*] --> planned", "    [*] --> agreed"]
    lines += [f"    {before.value} --> {after.value} : {verb}" for (verb, before), after in TRANSITIONS.items()]
    return "\n".join([*lines, "    closed --> [*]", "    cancelled --> [*]", "    struck --> [*]"]) + "\n"
