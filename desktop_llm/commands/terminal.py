"""What every command reads and writes in the same way: JSON, progress in one line, small text files, the streams."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TypeVar

from desktop_llm.errors import BadRequest
from desktop_llm.steps import Run
from desktop_llm.words import tr

T = TypeVar("T")


def prepare_streams() -> None:
    """Let no character be an error: file names and what is piped in need not be text."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")


def forget_output() -> None:
    """After the reader of our output left: what is still buffered goes nowhere, also when Python flushes at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def print_json(value: Any, *, indent: int | None = 1) -> None:
    """One JSON document on stdout, UTF-8; `indent` None puts it on one line."""
    # File names need not be text: what is not becomes an escape instead of an error.
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
    sys.stdout.flush()


def drain(steps: Generator[Any, None, T], show: Callable[[Any], str]) -> T:
    """Run a long action to its end with its progress in one line on stderr, if that is a terminal."""
    live = sys.stderr.isatty()
    run = Run(steps)
    for step in run:
        if live:
            print(f"\r\033[K{show(step)}", end="", file=sys.stderr, flush=True)  # noqa: T201
    if live:
        print("\r\033[K", end="", file=sys.stderr)  # noqa: T201
    return run.result


def read_text(path: Path) -> str:
    """The text of a file named on the command line; raises BadRequest where it can't be read as such."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(
            tr("{file} can't be read as text. Nothing was changed. Check the name and try again.", file=path)
        ) from error
