"""huggingface_hub, tamed: brought in at its first use, told to ask nothing by itself, and put on our own client."""

from __future__ import annotations

import os
import threading

from desktop_llm.net import Net

# The library reads these once, at its import. Without them it would tell a server of its maker's which program runs,
# fetch files by sockets of its own (xet), and send a token that it found on this computer.
QUIET = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}
_lock = threading.Lock()
_user: Net | None = None


def attach(net: Net) -> None:
    """Have the library's requests go through `net` from now on; before the first use of anything of it."""
    global _user
    with _lock:
        if _user is net:
            return
        os.environ.update(QUIET)
        from huggingface_hub import set_client_factory

        set_client_factory(net.client)
        _user = net
