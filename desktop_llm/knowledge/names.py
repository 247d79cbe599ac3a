"""The names of documents in a question: a file that is named in it, and files whose name or folder holds its words.

Names belong to documents and not to their content, so they are kept out of the index: a renamed file is found by its
new name at once.
"""

from __future__ import annotations

import functools
import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from desktop_llm.knowledge.keywords import plain, plain_words, stem
from desktop_llm.knowledge.store import Store

_PARTS = 3  # of a path: the file and two folders
_MOST_NAMED = 20
_SHORT = 4
# A name without its ending counts as named only if nobody would write it by chance: "contrat-dupont", "report2021".
_UNUSUAL = re.compile(r"[^\W_]+[-_.\d][-_.\w]*")
# Between the words of "AnnualReport2021".
_JOINTS = re.compile(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")


@dataclass(frozen=True, slots=True)
class _Name:
    """The file's name as plain text, without its ending, and the stems of all words in the path's end and the title."""

    file: str
    root: str
    words: frozenset[str]


class Names:
    """The names of all documents, read again when the store has changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._state = -1
        self._of_collection: dict[int, list[tuple[int, _Name]]] = {}

    def in_question(self, collections: Sequence[int], question: str) -> set[int]:
        """The sources of the documents that the question names by their file's name; empty if it names none."""
        text = plain(question)
        unusual = set(_UNUSUAL.findall(text))
        found = {
            source
            for source, name in self._all(collections)
            if (name.file != name.root and name.file in text and _stands_alone(name.file, text))
            or (name.root in unusual and len(name.root) > _SHORT)
        }
        return found if len(found) <= _MOST_NAMED else set()

    def matching(self, collections: Sequence[int], words: Iterable[str]) -> dict[int, dict[str, float]]:
        """For each source whose document's name, folder or title holds some of the words (as they are stemmed): these
        words, with the logarithm of how rare they are among the documents. A word of most names says nothing.
        """
        wanted = frozenset(words)
        every = self._all(collections)
        held: dict[int, set[str]] = {}
        for source, name in every:
            if not wanted.isdisjoint(name.words):
                held.setdefault(source, set()).update(wanted & name.words)
        counts = Counter(word for common in held.values() for word in common)
        weights = {word: math.log((len(every) + 0.5) / n) for word, n in counts.items() if n <= len(every) / 2}
        return {
            source: {word: weights[word] for word in common if word in weights}
            for source, common in held.items()
            if not common.isdisjoint(weights)
        }

    def _all(self, collections: Sequence[int]) -> list[tuple[int, _Name]]:
        if self._state != self._store.changes:
            self._state, self._of_collection = self._store.changes, {}
        query = (
            "SELECT source, path, title FROM document JOIN source ON source.id = document.source WHERE collection = ?"
        )
        for collection in collections:
            if collection not in self._of_collection:
                rows = self._store.rows(query, collection)
                self._of_collection[collection] = [(source, _name(path, title)) for source, path, title in rows]
        return [each for collection in collections for each in self._of_collection[collection]]


@functools.lru_cache(100_000)
def _name(path: bytes, title: str) -> _Name:
    end = PurePath(*PurePath(os.fsdecode(path)).parts[-_PARTS:])
    file, root, folders = end.name, end.stem, end.parent.parts
    words = "\n".join([*folders, root, title])
    apart = _JOINTS.sub(" ", words)
    return _Name(plain(file), plain(root), frozenset(map(stem, plain_words(f"{words}\n{apart}"))))


def _stands_alone(name: str, text: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name)}(?!\w)", text) is not None
