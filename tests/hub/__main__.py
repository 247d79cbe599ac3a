"""`python -m tests.hub FOLDER [PORT]`: a hub with the folder's models, to try things by hand."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from tests.hub import LocalHub


def main() -> None:
    """Serve a folder of repositories until Ctrl+C."""
    hub = LocalHub(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    hub.add_folder(Path(sys.argv[1]))
    with hub, contextlib.suppress(KeyboardInterrupt):
        print(hub.url, flush=True)  # noqa: T201
        hub.stopping.wait()


if __name__ == "__main__":
    main()
