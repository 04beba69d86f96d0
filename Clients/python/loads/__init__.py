"""Load tests in Python for Loads: `loads.run(scenario)` makes a program a runner; `loads.agent` is a whole agent."""

from .runner import Skip, User, run
from .session import RequestError, Response, Session, StatusError

__version__ = "0.1.0"
__all__ = ["RequestError", "Response", "Session", "Skip", "StatusError", "User", "run"]
