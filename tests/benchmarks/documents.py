"""Reads the documents of an index and says which of its strings are found on their page.

    python -m tests.benchmarks.documents INDEX.jsonl... [--kind docx,pptx] [--level must] [--through reader] [--all]

Each line of an index is {"file", "kind", "expect", "strings": [{"text", "page", "level"}], "password"}; the files are
in `files/` beside it, or right beside it. `expect` is "extract" (every string of the level is found), "fail_clean" (one
sentence, no text), "empty_text" (no text, or one sentence), or anything else: no crash. A string without a page may be
on any. White space and soft hyphens do not count. `--through reader` sends the bytes to a reader process, with its
limits, instead of reading them here. The exit status is 1 if anything is missing.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from desktop_llm.errors import DocumentError, UserError
from desktop_llm.knowledge import readers
from desktop_llm.knowledge.clock import Clock
from desktop_llm.knowledge.limits import LARGER
from desktop_llm.knowledge.readahead import Reader
from desktop_llm.knowledge.readers import Source


@dataclass(slots=True)
class Found:
    """What reading a file gave: its pages by number, the sentence if it was refused, the traceback if it crashed."""

    pages: list[tuple[int | None, str]] = field(default_factory=list)
    refusal: str = ""
    crash: str = ""
    seconds: float = 0.0


def main() -> int:
    """Check every index that is given and print what is missing."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("index", type=Path, nargs="+")
    options.add_argument("--kind", default="", help="only these kinds, with commas between them")
    options.add_argument("--level", default="must", choices=("must", "should"), help="should: both levels count")
    options.add_argument("--through", default="here", choices=("here", "reader"))
    options.add_argument("--all", action="store_true", help="print the files without a fault too")
    given = options.parse_args()
    kinds = frozenset(filter(None, given.kind.split(",")))
    child = Reader(None) if given.through == "reader" else None
    files = strings = missing = 0
    for file, entry in (pair for index in given.index for pair in _entries(index)):
        if kinds and entry["kind"] not in kinds:
            continue
        found = _read(file, entry.get("password"), child)
        wanted = [each for each in entry.get("strings", ()) if each["level"] == "must" or given.level == "should"]
        faults = [*_faults(entry["expect"], found), *_missing(wanted, found)]
        files, strings, missing = files + 1, strings + len(wanted), missing + len(faults)
        if faults or given.all:
            length = sum(len(text) for _, text in found.pages)
            said = f"{len(found.pages)} pages, {length:,} characters" if found.pages else found.refusal
            print(f"{file.name} ({entry['kind']}, {entry['expect']}): {said}, {found.seconds:.2f} s")
            print("".join(f"    {fault}\n" for fault in faults), end="")
    if child is not None:
        child.close()
    print(f"{files} files, {strings} strings, {missing} faults")
    return 1 if missing else 0


def _entries(index: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for line in index.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        places = (index.parent / "files" / entry["file"], index.parent / entry["file"])
        if file := next((place for place in places if place.is_file()), None):
            yield file, entry


def _read(file: Path, password: str | None, child: Reader | None) -> Found:
    found, data, begun = Found(), file.read_bytes(), time.perf_counter()
    try:
        if child is None:
            for page in readers.read(Source(file.name, data, password)):
                found.pages.append((page.number, page.text))
        else:
            reading = child.read(file.name, data, password, LARGER, Clock(LARGER))
            found.pages = [(page.number, page.text) for page in reading.pages]
    except DocumentError as error:
        found.refusal = error.message
    except UserError as error:
        found.crash = error.message
    except Exception:  # noqa: BLE001 - whatever it is, the other files are checked too
        found.crash = traceback.format_exc()
    found.seconds = time.perf_counter() - begun
    return found


def _faults(expect: str, found: Found) -> Iterator[str]:
    text = any(text.strip() for _, text in found.pages)
    if found.crash:
        yield f"crashed: {found.crash}"
    elif expect == "extract" and found.refusal:
        yield f"refused: {found.refusal}"
    elif expect == "fail_clean" and not found.refusal:
        yield "read, and should be refused"
    elif expect == "empty_text" and text:
        yield "has text, and should have none"


def _missing(wanted: list[dict[str, Any]], found: Found) -> Iterator[str]:
    pages = [(number, _plain(text)) for number, text in found.pages]
    for each in wanted:
        text, page = _plain(each["text"]), each.get("page")
        at = [number for number, whole in pages if text in whole]
        if not at:
            yield f"missing ({each['level']}): {each['text']!r}"
        elif page is not None and page not in at:
            yield f"on page {at} instead of {page}: {each['text']!r}"


def _plain(text: str) -> str:
    return re.sub(r"[\s\u00ad]+", " ", text).strip()


if __name__ == "__main__":
    sys.exit(main())
