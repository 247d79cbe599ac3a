"""The only way out of this computer: one client that refuses while Offline is on and records every request.

Only `models/` uses it (search, model files); nothing else may open a connection to another machine. Child
processes have no network at all. Importing this room costs nothing; the first request imports the HTTP library.
"""

from desktop_llm.net.net import Incoming, Net, Response, Transfer, Unanswered

__all__ = ["Incoming", "Net", "Response", "Transfer", "Unanswered"]
