"""Staff, the units they serve in, what they may do, and what needs a second person."""

from .approval import Approval
from .leave import Leave
from .post import Post, Role, Scope
from .session import Session, Token
from .setting import Setting, Workday
from .staff import Staff
from .unit import Unit

__all__ = ["Approval", "Leave", "Post", "Role", "Scope", "Session", "Setting", "Staff", "Token", "Unit", "Workday"]
