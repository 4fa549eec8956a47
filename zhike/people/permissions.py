"""Who may do what: one table, read by pages, API and the domain alike. Whose rows is another question: the scope.

A route says its policy with ``@policy("customers.view")``; a route that says nothing is refused to everybody. What may
be read without signing in is said just so: ``@policy(PUBLIC)``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from zhike.people.actor import Actor

RM, LEADER, MARKETING, COMPLIANCE, RISK, AUDITOR, ADMINISTRATOR = ROLES = (
    "rm",
    "leader",
    "marketing",
    "compliance",
    "risk",
    "auditor",
    "administrator",
)
SERVING = frozenset({RM, LEADER})
LOOKING = SERVING | {COMPLIANCE, RISK, AUDITOR}
EVERYBODY = frozenset(ROLES)

# Said by a route: no sign-in asked; or any signed-in person, whatever the role (one's own account, one's own trail).
PUBLIC, SIGNED_IN = "public", "signed in"

MAY: dict[str, frozenset[str]] = {
    # Customers and what is known of them
    "customers.view": LOOKING,
    "customers.create": SERVING,
    "customers.change": SERVING,
    "customers.reveal": LOOKING - {AUDITOR},
    "customers.import": frozenset({LEADER, ADMINISTRATOR}),
    "customers.reassign": frozenset({LEADER}),
    "customers.approve_reassign": frozenset({LEADER}),
    "customers.resume": SERVING,
    "customers.approve_resume": frozenset({LEADER}),
    # Receptions, visits, calls and their write-ups
    "contacts.view": LOOKING,
    "contacts.change": SERVING,
    # The ledger
    "obligations.view": LOOKING,
    "obligations.settle": SERVING,
    "obligations.waive": SERVING,
    "obligations.approve_waive": frozenset({LEADER}),
    "obligations.approve_unled": frozenset({COMPLIANCE}),
    # Promises: one's own word, and what became of the words of those one sees
    "promises.view": LOOKING,
    "promises.change": SERVING,
    # Work plans: one's own is fixed, who leads comments, whoever oversees looks
    "plans.view": LOOKING,
    "plans.change": SERVING,
    "plans.comment": frozenset({LEADER}),
    # Assignments: a leader gives them, whoever serves takes them on
    "assignments.view": LOOKING,
    "assignments.change": SERVING,
    "assignments.give": frozenset({LEADER}),
    # Messages to customers, and the texts that lie ready: an RM's own is decided by their leader, the bank's by another
    "messages.view": LOOKING,
    "messages.send": SERVING,
    "templates.view": LOOKING | {MARKETING},
    "templates.change": frozenset({LEADER, MARKETING, COMPLIANCE}),
    "templates.approve": frozenset({MARKETING, COMPLIANCE}),
    "templates.approve_own": frozenset({LEADER}),
    # Campaigns: marketing asks, another of the bank decides, and RMs forward; who may let one run may stop it
    "campaigns.view": LOOKING | {MARKETING},
    "campaigns.change": frozenset({MARKETING}),
    "campaigns.approve": frozenset({MARKETING, COMPLIANCE}),
    # Prospects: one's own and the pool of one's unit; who leads assigns
    "prospects.view": LOOKING,
    "prospects.change": SERVING,
    "prospects.assign": frozenset({LEADER}),
    # Market notes: RMs and leaders write and pass on, leaders and marketing answer, compliance looks
    "notes.view": LOOKING | {MARKETING},
    "notes.change": SERVING | {MARKETING},
    "notes.answer": frozenset({LEADER, MARKETING}),
    # Records: whoever sees a customer sees the file; a hold is lifted by compliance alone, labels and times are theirs too
    "documents.view": LOOKING,
    "documents.change": SERVING,
    "documents.hold": frozenset({LEADER, COMPLIANCE}),
    "documents.lift": frozenset({COMPLIANCE}),
    "documents.delete": frozenset({LEADER}),
    "documents.labels": frozenset({COMPLIANCE}),
    # The code and how it is kept
    "clauses.view": EVERYBODY,
    "clauses.acknowledge": SERVING,
    "adherence.view": LOOKING,
    # The books of others' reminders: counts. What others have late: those who lead them, and those who watch over the code
    "reminders.view": frozenset({LEADER, COMPLIANCE, AUDITOR, ADMINISTRATOR}),
    "team.view": frozenset({LEADER, COMPLIANCE, RISK, AUDITOR}),
    # Leave: one's own, or of those one leads; who may be asked serves customers too, and answers
    "leave.ask": SERVING,
    # Outings: one's own are told and seen; who leads answers, and signs back in whoever cannot
    "outings.view": LOOKING,
    "outings.change": SERVING,
    "outings.answer": frozenset({LEADER}),
    # Deliveries: whoever has a paper in hand, whoever it is offered to, and whoever sees the customer
    "deliveries.view": LOOKING,
    "deliveries.change": SERVING,
    # People
    "staff.view": EVERYBODY,
    "staff.change": frozenset({ADMINISTRATOR}),
    "staff.invite": frozenset({ADMINISTRATOR}),
    "staff.unlock": frozenset({ADMINISTRATOR}),
    "staff.revoke": frozenset({ADMINISTRATOR}),
    "units.view": EVERYBODY,
    "units.change": frozenset({ADMINISTRATOR}),
    "posts.change": frozenset({ADMINISTRATOR}),
    "posts.approve": frozenset({ADMINISTRATOR, COMPLIANCE}),
    "settings.view": EVERYBODY,
    "settings.change": frozenset({ADMINISTRATOR, COMPLIANCE}),
    "settings.approve": frozenset({ADMINISTRATOR, COMPLIANCE}),
    "gateways.manage": frozenset({ADMINISTRATOR}),
    "workdays.change": frozenset({ADMINISTRATOR}),
    "approvals.view": EVERYBODY,
    "approvals.decide": frozenset({LEADER, MARKETING, COMPLIANCE, ADMINISTRATOR}),
    # The trail of others; everybody sees what is kept about themselves
    "trail.view": frozenset({COMPLIANCE, AUDITOR}),
}

View = TypeVar("View", bound=Callable[..., Any])


class Refused(Exception):
    """Not allowed; the sentence says why. ``capability`` is what was missing, for the trail."""

    def __init__(self, sentence: str, capability: str = "") -> None:
        super().__init__(sentence)
        self.capability = capability


def policy(name: str) -> Callable[[View], View]:
    """States who may use a view or an API operation: a capability of the table, SIGNED_IN or PUBLIC."""
    if name not in MAY and name not in (PUBLIC, SIGNED_IN):
        raise LookupError(f"No capability is called {name!r}; zhike/people/permissions.py has the table.")

    def state(view: View) -> View:
        view.policy = name  # type: ignore[attr-defined]
        return view

    return state


def may(actor: Actor | None, capability: str) -> bool:
    """Whether one of the actor's roles has the capability."""
    return actor is not None and not actor.roles.isdisjoint(MAY[capability])


def check(actor: Actor | None, capability: str) -> None:
    """Raises Refused, with a reason, unless one of the actor's roles has the capability."""
    if not may(actor, capability):
        raise Refused(_("Your role does not include this. Ask your leader or the administrator."), capability)


def check_route(actor: Actor | None, stated: str | None) -> None:
    """What a route's policy asks of the actor. A route that states none is refused to everybody."""
    if stated == PUBLIC:
        return
    if stated is None:
        raise Refused(_("This page states no policy and is closed."), "unstated")
    if actor is None:
        raise Refused(_("Please sign in."), "sign-in")
    if stated != SIGNED_IN:
        check(actor, stated)
