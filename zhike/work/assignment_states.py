"""Which state of an assignment follows which, and by which verb. The documented diagram is drawn from this table."""

from zhike.conduct.words import Refused

from .models.assignment import Assignment, State

# (verb, from) → to
TRANSITIONS: dict[tuple[str, State], State] = {
    ("ask back", State.GIVEN): State.ASKED,
    ("answer", State.ASKED): State.GIVEN,
    ("take on", State.GIVEN): State.TAKEN_ON,
    ("take on", State.ASKED): State.TAKEN_ON,
    ("report", State.TAKEN_ON): State.TAKEN_ON,
    ("report", State.SENT_BACK): State.SENT_BACK,
    ("hand in", State.TAKEN_ON): State.HANDED_IN,
    ("hand in", State.SENT_BACK): State.HANDED_IN,
    ("accept", State.HANDED_IN): State.DONE,
    ("send back", State.HANDED_IN): State.SENT_BACK,
    ("call off", State.GIVEN): State.CALLED_OFF,
    ("call off", State.ASKED): State.CALLED_OFF,
    ("call off", State.TAKEN_ON): State.CALLED_OFF,
    ("call off", State.HANDED_IN): State.CALLED_OFF,
    ("call off", State.SENT_BACK): State.CALLED_OFF,
}
SAID = {
    State.GIVEN: ("尚未接受", "not yet taken on"),
    State.ASKED: ("已反问、待领导答复", "asked about and waits for the leader's answer"),
    State.TAKEN_ON: ("已接受、在办", "taken on"),
    State.HANDED_IN: ("已交、待领导看", "handed in and waits for the leader"),
    State.SENT_BACK: ("已退回、在办", "sent back"),
    State.DONE: ("已认可", "accepted and over"),
    State.CALLED_OFF: ("已取消", "called off"),
}


class WrongState(Refused):
    """A verb that the assignment's state does not allow; the sentence says what state it is in."""

    def __init__(self, assignment: Assignment) -> None:
        zh, en = SAID[State(assignment.state)]
        super().__init__(
            f"这项交办“{zh}”，不能这样办理。请刷新查看。",
            f"This assignment is {en}; that cannot be done with it now. Reload to see where it stands.",
        )


def follow(verb: str, assignment: Assignment) -> State:
    """The state after ``verb``. Raises WrongState where the table has none."""
    try:
        return TRANSITIONS[verb, State(assignment.state)]
    except KeyError:
        raise WrongState(assignment) from None


def diagram() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", "    [*] --> given"]
    lines += [f"    {before.value} --> {after.value} : {verb}" for (verb, before), after in TRANSITIONS.items()]
    return "\n".join([*lines, "    done --> [*]", "    called_off --> [*]"]) + "\n"
