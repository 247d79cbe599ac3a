"""Input and output of every command: JSON, progress on one line, small text files, the standard streams.

Everything that a command writes goes through `Screen`, because a terminal obeys the control characters in it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO, TypeVar, cast

from desktop_llm.characters import escaped_in_json, one_line, without_controls
from desktop_llm.errors import BadRequest
from desktop_llm.steps import Run
from desktop_llm.words import tr

T = TypeVar("T")


class Screen:
    """A standard stream that takes every text and passes on no control characters but the ends of lines and tabs.

    Text may come in pieces: each character is judged by itself, so no sequence can pass in two halves.
    """

    def __init__(self, stream: TextIO) -> None:
        self.raw = stream

    def write(self, text: str) -> int:
        """Write the text."""
        self.raw.write(without_controls(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write all of them."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


@contextlib.contextmanager
def prepared_streams() -> Iterator[None]:
    """Make the standard streams take every character, and clean what is written to them, until the block ends."""
    before = sys.stdout, sys.stderr
    for stream in before:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    sys.stdout, sys.stderr = cast(TextIO, Screen(sys.stdout)), cast(TextIO, Screen(sys.stderr))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def tell(sentence: str) -> None:
    """Write a sentence for people on stderr."""
    sys.stderr.write(f"{one_line(sentence)}\n")
    sys.stderr.flush()


def forget_output() -> None:
    """Discard buffered output, because nobody reads it any more and Python would still flush it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def print_json(value: Any, *, indent: int | None = 1) -> None:
    """Print one JSON document on stdout, UTF-8; `indent` None puts it on one line."""
    text = escaped_in_json(json.dumps(value, ensure_ascii=False, indent=indent, default=str))
    sys.stdout.buffer.write(text.encode("utf-8") + b"\n")
    sys.stdout.flush()


def drain(steps: Generator[Any, None, T], show: Callable[[Any], str]) -> T:
    """Run a long action to its end; show its progress on one line of stderr if that is a terminal."""
    live = sys.stderr.isatty()
    run = Run(steps)
    for step in run:
        if live:
            _replace_line(one_line(show(step)))
    if live:
        _replace_line("")
    return run.result


def _replace_line(text: str) -> None:
    """Put a text in place of the last line of the terminal."""
    screen = sys.stderr.raw if isinstance(sys.stderr, Screen) else sys.stderr
    screen.write(f"\r\033[K{text}")
    screen.flush()


def read_text(path: Path) -> str:
    """The text of a file named on the command line, with or without a byte order mark. Raises BadRequest if it can't be
    read as text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:  # a ValueError for bytes or a name that are no text
        raise BadRequest(
            tr("{file} can't be read as text.", file=path), tr("Nothing was changed. Check the name and try again.")
        ) from error
