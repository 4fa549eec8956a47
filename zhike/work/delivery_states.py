"""Which state of a delivery follows which, and by which verb. The documented diagram is drawn from this table."""

from zhike.conduct.words import Refused

from .models.delivery import Delivery, State

# (verb, from) → to
TRANSITIONS: dict[tuple[str, State], State] = {
    ("hand on", State.TO_CARRY): State.OFFERED,
    ("accept", State.OFFERED): State.TO_CARRY,
    ("keep", State.OFFERED): State.TO_CARRY,
    # The customer's RM has it in hand again: brought back, or the customer came with the book.
    ("take", State.TO_CARRY): State.TO_CARRY,
    ("take", State.OFFERED): State.TO_CARRY,
    ("come back", State.TO_CARRY): State.TO_CARRY,
    ("deliver", State.TO_CARRY): State.DELIVERED,
    ("call off", State.TO_CARRY): State.CALLED_OFF,
    ("call off", State.OFFERED): State.CALLED_OFF,
}
SAID = {
    State.TO_CARRY: ("待送达", "to be delivered"),
    State.OFFERED: ("转交中、待同事接手", "being handed on and waits for the colleague"),
    State.DELIVERED: ("已送达", "delivered"),
    State.CALLED_OFF: ("已取消", "called off"),
}


class WrongState(Refused):
    """A verb that the delivery's state does not allow; the sentence says what state it is in."""

    def __init__(self, delivery: Delivery) -> None:
        zh, en = SAID[State(delivery.state)]
        super().__init__(
            f"这项送达“{zh}”，不能这样办理。请刷新查看。",
            f"This delivery is {en}; that cannot be done with it now. Reload to see where it stands.",
        )


def follow(verb: str, delivery: Delivery) -> State:
    """The state after ``verb``. Raises WrongState where the table has none."""
    try:
        return TRANSITIONS[verb, State(delivery.state)]
    except KeyError:
        raise WrongState(delivery) from None


def diagram() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", "    [*] --> to_carry"]
    lines += [f"    {before.value} --> {after.value} : {verb}" for (verb, before), after in TRANSITIONS.items()]
    return "\n".join([*lines, "    delivered --> [*]", "    called_off --> [*]"]) + "\n"
