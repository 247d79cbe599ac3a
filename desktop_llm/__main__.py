"""The console script: the first argument decides what this process is. Everything is imported only when needed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a worker, as a command, or (with no arguments) as the window; the exit status."""
    os.umask(0o077)
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if arguments[:1] == ["worker"]:
        return _worker(arguments[1:])
    match arguments:
        case []:
            return _window(None)
        case ["--home", home]:
            return _window(home)
        case [option] if option.startswith("--home="):
            return _window(option.partition("=")[2])
    from desktop_llm.cli import run

    return run(arguments)


def _window(home: str | None) -> int:
    if home:
        os.environ["DESKTOP_LLM_HOME"] = str(Path(home).expanduser().absolute())
    from desktop_llm.errors import UserError
    from desktop_llm.gui.app import run_window

    try:
        return run_window()
    except UserError as error:  # before there is a window that could show it
        sys.stderr.write(f"{error.message}\n")
        return 1


def _worker(arguments: list[str]) -> int:
    kind, *rest = arguments or [""]
    if kind == "engine":
        from desktop_llm.engine.worker import main as engine

        engine(Path(rest[rest.index("--modules") + 1]) if "--modules" in rest else None)
    elif kind == "knowledge":
        from desktop_llm.knowledge.worker import main as knowledge
        from desktop_llm.paths import folders

        knowledge(folders(Path(rest[rest.index("--home") + 1]) if "--home" in rest else None))
    elif kind == "reader":
        from desktop_llm.knowledge.reader import main as reader

        reader()
    else:
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
