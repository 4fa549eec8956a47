"""Which state of a message follows which, and what makes it so. The documented diagram is drawn from this table."""

from .models import State

# (what happens, from) → to
TRANSITIONS: dict[tuple[str, State], State] = {
    ("sent by a person, the guards let it pass", State.DRAFTED): State.QUEUED,
    ("quiet hours, or a day that lies ahead", State.DRAFTED): State.WAITING,
    ("a guard stops it", State.DRAFTED): State.REFUSED,
    ("taken back", State.WAITING): State.DRAFTED,
    ("taken back before it left", State.QUEUED): State.DRAFTED,
    ("a guard makes it wait", State.QUEUED): State.WAITING,
    ("a guard stops it at sending", State.QUEUED): State.REFUSED,
    ("a guard stops it at sending", State.WAITING): State.REFUSED,
    ("the customer has another manager by now", State.QUEUED): State.REFUSED,
    ("the customer has another manager by now", State.WAITING): State.REFUSED,
    ("no longer wanted by now", State.QUEUED): State.EXPIRED,
    ("no longer wanted by now", State.WAITING): State.EXPIRED,
    ("in the journal, the bytes leave", State.QUEUED): State.SUBMITTING,
    ("its hour has come", State.WAITING): State.SUBMITTING,
    ("the gateway took every part", State.SUBMITTING): State.SUBMITTED,
    ("the gateway refused a part", State.SUBMITTING): State.UNDELIVERED,
    ("connection lost, no answer, restart", State.SUBMITTING): State.UNKNOWN,
    ("a receipt: arrived", State.SUBMITTED): State.DELIVERED,
    ("a receipt: did not arrive", State.SUBMITTED): State.UNDELIVERED,
    ("a receipt: the network gave up", State.SUBMITTED): State.EXPIRED,
    ("a late answer, a receipt, or a person's word", State.UNKNOWN): State.DELIVERED,
    ("a late answer", State.UNKNOWN): State.SUBMITTED,
    ("a receipt: did not arrive, or a person's word", State.UNKNOWN): State.UNDELIVERED,
    ("a person has it sent again", State.UNKNOWN): State.QUEUED,
    ("a person has it sent again", State.UNDELIVERED): State.QUEUED,
    ("a person has it sent again", State.EXPIRED): State.QUEUED,
    ("reworded and sent", State.REFUSED): State.QUEUED,
}


def diagram() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", "    [*] --> drafted"]
    # A label holds no colon in Mermaid.
    lines += [
        f"    {before.value} --> {after.value} : {what.replace(':', ',')}"
        for (what, before), after in TRANSITIONS.items()
    ]
    return "\n".join(lines) + "\n"
