"""The window of a person with a token in the environment, who asks a model and has documents read.

python -m tests.end2end.private_session DOCUMENTS SEEN      writes what it saw as JSON (with DESKTOP_LLM_HOME)
"""

from __future__ import annotations

import ctypes
import functools
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from desktop_llm import __main__ as program
from desktop_llm.gui import app
from desktop_llm.gui.build import Wiring
from desktop_llm.gui.frame.window import MainWindow
from desktop_llm.paths import folders
from tests.end2end.person import Person, until

WRITTEN = "a-message-5d1f7c"  # found wherever a message went
_HEAVY = ("libllama", "libggml", "chromadb_rust", "onnxruntime", "hf_xet")
_PR_GET_DUMPABLE = 3


def main() -> None:
    """Run the program as a person starts it, and use its window."""
    program_run = app.run_window
    app.run_window = functools.partial(program_run, on_ready=lambda wiring: QTimer.singleShot(0, lambda: use(wiring)))
    sys.exit(program.main([]))


def use(wiring: Wiring) -> None:
    """Ask where the token is kept, ask a model, have documents read; note what can be seen of the processes."""
    person = Person(folders())
    person.app = cast(Any, SimpleNamespace(wiring=wiring))
    person.window = next(each for each in QApplication.topLevelWidgets() if isinstance(each, MainWindow))
    try:
        person.go("settings")
        until(lambda: person.find("settings_token_state").text())
        until(lambda: wiring.models.model is not None)
        person.new_chat()
        person.ask(f"Hello {WRITTEN}")
        wiring.collections.add("Papers", [sys.argv[1]])
        person.read("Papers")
        Path(sys.argv[2]).write_text(json.dumps(seen()))
    finally:
        person.window.close()


def seen() -> dict[str, Any]:
    """The heavy libraries in this process, whether it can be dumped, and what /proc tells of it and its children."""
    maps = Path("/proc/self/maps").read_text()
    return {
        "heavy": [name for name in _HEAVY if name in maps],
        "dumpable": ctypes.CDLL(None).prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0),
        "variables": sorted(name for name in os.environ if "TOKEN" in name),
        "told": "\n".join(told()),
        "children": sorted(argument for child in children() for argument in child.cmdline() if argument in _WORKERS),
        "backend_scanned": "keyring.backends.macOS" in sys.modules,
    }


_WORKERS = ("engine", "knowledge", "reader")


def children() -> list[psutil.Process]:
    """The workers, and what they started."""
    return psutil.Process().children(recursive=True)


def told() -> Iterator[str]:
    """The command lines and environments of this process and its children, as far as they can be read."""
    for number in [os.getpid(), *(child.pid for child in children())]:
        for name in ("cmdline", "environ"):
            try:
                yield Path(f"/proc/{number}/{name}").read_bytes().decode("utf-8", "replace")
            except PermissionError:
                yield ""


if __name__ == "__main__":
    main()
