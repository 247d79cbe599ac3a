"""The terminal is a screen too: nothing that comes from outside can give it orders."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest

from desktop_llm.characters import one_line, without_controls
from desktop_llm.cli import run
from desktop_llm.commands.terminal import Screen, prepared_streams, print_json
from desktop_llm.words import tr
from tests.hostile_text import ACTING

HOSTILE = (
    "\x1b]0;title\x07",
    "\x1b[2J\x1b[1;1H",
    "\x9b31mred",
    "one\rtwo\r\nthree\x85four\u2028five\vsix",
    "invoice\u202efdp.exe",
    "\u2066a\u2069 \u200fb\u061c",
    "nul\x00 bell\x07 back\x08 delete\x7f",
    "\x1bP1$r\x1b\\\x1bc",
    "half \ud83d pair",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_text_for_a_terminal_has_no_orders_in_it(text: str) -> None:
    assert not ACTING.search(without_controls(text))
    assert "\n" not in one_line(text)
    assert re.sub(r"\W", "", text, flags=re.ASCII) in re.sub(r"\\x..|\W", "", without_controls(text), flags=re.ASCII)


def test_usual_text_is_unchanged() -> None:
    text = "Grüße\tמה שלומך 👩‍👩‍👧\nif x:\n\treturn 'é'\n"
    assert without_controls(text) == text


def test_a_sequence_in_two_pieces_does_not_pass() -> None:
    raw = io.StringIO()
    screen = Screen(raw)
    for piece in ("a\x1b", "]0;x", "\x07b", "\xc2", "\x9b1m"):
        screen.write(piece)
    screen.writelines(["\x1b", "[0m"])
    assert raw.getvalue() == "a\\x1b]0;x\\x07bÂ\\x9b1m\\x1b[0m"


@pytest.mark.parametrize("text", HOSTILE)
def test_json_keeps_every_character_as_an_escape(capfdbinary: pytest.CaptureFixture[bytes], text: str) -> None:
    value = {text: [text, {"x": text}]}
    print_json(value, indent=None)
    printed = capfdbinary.readouterr().out.decode()
    assert not ACTING.search(printed)
    assert len(printed.splitlines()) == 1
    assert json.loads(printed) == value


def test_a_name_in_a_sentence_stays_on_its_line() -> None:
    said = tr("{file} is damaged.", file=Path("a\nError: all is well"))
    assert said == "a Error: all is well is damaged."


@pytest.mark.parametrize(
    "arguments",
    [
        ("import", "/tmp/a\x1b[31m\nDone: ok\u202e\x9b.gguf"),
        ("chat", "hello", "-m", "\x1b]0;x\x07\nid"),
        ("chat", "hello", "--messages", "a\x1b\nb.json"),
        ("list", "\x1b[1m\nsecond line"),
        ("\x1b[1m",),
        ("index", "add", "x", "y", "--password-file", "\x1b\n\ud800"),
        ("pull", "\x1b[31m\n/\u202e"),
    ],
)
def test_a_complaint_is_one_clean_line(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    try:
        status: object = run(arguments, open_window=lambda *_: 2)
    except SystemExit as wrong_usage:
        status = wrong_usage.code
    said = capsys.readouterr().err
    assert status == (2 if said.startswith("usage:") else 1)
    assert not ACTING.search(said)
    # The usage may take several lines; the complaint is the last one.
    complaint = [line for line in said.splitlines() if not line.startswith(("usage:", "   "))]
    assert len(complaint) == 1


def test_the_streams_are_given_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with prepared_streams():
        print("\x1b", "\ud800")  # noqa: T201
        print("\x07", file=sys.stderr)  # noqa: T201
    assert (sys.stdout, sys.stderr) == before
    assert "\\x07" in capsys.readouterr().err


def test_help_has_no_orders_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(["--help"], open_window=lambda *_: 2)
    assert not ACTING.search(capsys.readouterr().out)
