"""Messages on their way: templates, messages, segments, connections; receipts, replies and opt-outs that come back."""

from .campaign import Campaign, Forwarding
from .connection import Connection
from .greeting import Greeting, LeftOut
from .message import Kind, Lane, Message, State
from .opt_out import OptOut
from .pushed import Pushed
from .question import Question
from .receipt import Receipt
from .reply import Reply, ReplyPart
from .segment import Segment
from .template import Template, Wording
from .typed import Typed

__all__ = [
    "Campaign",
    "Connection",
    "Forwarding",
    "Greeting",
    "Kind",
    "Lane",
    "LeftOut",
    "Message",
    "OptOut",
    "Pushed",
    "Question",
    "Receipt",
    "Reply",
    "ReplyPart",
    "Segment",
    "State",
    "Template",
    "Typed",
    "Wording",
]
