"""The console script: the first argument decides what this process is. Everything is imported only when needed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from desktop_llm.environment import take_secrets


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a worker, as a command, or (without a command, or to `open` files) as the window; returns the exit
    status."""
    os.umask(0o077)
    take_secrets()
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

    return run(arguments, open_window=_window)


def _window(home: str | Path | None, files: Sequence[str] = ()) -> int:
    if home is not None:
        os.environ["DESKTOP_LLM_HOME"] = os.path.abspath(os.path.expanduser(home))  # noqa: PTH100, PTH111 - never raises
    try:
        from desktop_llm.gui.app import run_window
    except ImportError as error:  # a library of the system that Qt needs is missing, so there can't be a dialog either
        if sys.stderr is not None:
            sys.stderr.write(f"Desktop LLM's window can't be opened: {error}\n")
        return 1
    return run_window(files=[Path.cwd() / file for file in files])


def _worker(arguments: list[str]) -> int:
    kind, *rest = arguments or [""]
    if kind == "engine":
        from desktop_llm.engine.worker import main as engine

        engine(_path(rest, "--modules"), _path(rest, "--cache"))
    elif kind == "renderer":
        from desktop_llm.engine.renderer import main as renderer

        renderer()
    elif kind == "knowledge":
        from desktop_llm.knowledge.worker import main as knowledge
        from desktop_llm.paths import folders

        knowledge(folders(_path(rest, "--home")))
    elif kind == "pictures":
        from desktop_llm.pictures.worker import main as pictures

        pictures()
    elif kind == "reader":
        from desktop_llm.knowledge.reader import main as reader

        reader()
    elif kind == "embedder":
        from desktop_llm.knowledge.embedder import main as embedder

        embedder()
    else:
        return 2
    return 0


def _path(arguments: list[str], option: str) -> Path | None:
    return Path(arguments[arguments.index(option) + 1]) if option in arguments else None


if __name__ == "__main__":
    sys.exit(main())
