"""Which state of an outing follows which, and by which verb. The documented diagram is drawn from this table."""

from zhike.conduct.words import Refused

from .models.outing import Outing, State

# (verb, from) → to
TRANSITIONS: dict[tuple[str, State], State] = {
    ("answer", State.REPORTED): State.REPORTED,
    ("answer", State.OUT): State.OUT,
    ("add a stop", State.REPORTED): State.REPORTED,
    ("add a stop", State.OUT): State.OUT,
    ("extend", State.REPORTED): State.REPORTED,
    ("extend", State.OUT): State.OUT,
    ("leave", State.REPORTED): State.OUT,
    # Who forgot to say that they left is out all the same: at a stop, or when they are back.
    ("check in", State.REPORTED): State.OUT,
    ("check in", State.OUT): State.OUT,
    ("ask for help", State.OUT): State.OUT,
    ("report", State.OUT): State.OUT,
    ("return", State.REPORTED): State.BACK,
    ("return", State.OUT): State.BACK,
    ("report", State.BACK): State.BACK,
    ("close", State.BACK): State.CLOSED,
    # Tapped by mistake, within ten minutes.
    ("not back", State.BACK): State.OUT,
    ("not back", State.CLOSED): State.OUT,
    ("report", State.CLOSED): State.CLOSED,
    ("call off", State.REPORTED): State.CANCELLED,
}
SAID = {
    State.REPORTED: ("已报备、尚未出发", "reported and has not begun"),
    State.OUT: ("外出中", "under way"),
    State.BACK: ("已返回、待汇报", "over and waits for its report"),
    State.CLOSED: ("已返回并汇报", "over and reported on"),
    State.CANCELLED: ("已取消", "called off"),
}


class WrongState(Refused):
    """A verb that the outing's state does not allow; the sentence says what state it is in."""

    def __init__(self, outing: Outing) -> None:
        zh, en = SAID[State(outing.state)]
        super().__init__(
            f"这次外出“{zh}”，不能再这样办理。请刷新查看。",
            f"This outing is {en}, and no longer changed this way. Reload to see where it stands.",
        )


def follow(verb: str, outing: Outing) -> State:
    """The state after ``verb``. Raises WrongState where the table has none."""
    try:
        return TRANSITIONS[verb, State(outing.state)]
    except KeyError:
        raise WrongState(outing) from None


def diagram() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", "    [*] --> reported", "    [*] --> out"]
    lines += [f"    {before.value} --> {after.value} : {verb}" for (verb, before), after in TRANSITIONS.items()]
    return "\n".join([*lines, "    closed --> [*]", "    cancelled --> [*]"]) + "\n"
