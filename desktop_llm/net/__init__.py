"""The only way out of this computer: one client that refuses while Offline is on and records every request.

`models/` uses it (search, model files); nothing else may open a connection to another machine. Children have no
network at all. Importing this room costs nothing; the HTTP library comes in with the first request.
"""

from desktop_llm.net.net import Incoming, Net, Response, Transfer, Unanswered

__all__ = ["Incoming", "Net", "Response", "Transfer", "Unanswered"]
