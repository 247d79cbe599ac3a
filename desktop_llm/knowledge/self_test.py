"""Tests the search of a collection with questions made from its own passages: which come back, and how far up.

Each question is made of words of one passage without any model, so it measures how passages are told apart rather than
how people ask: a collection in which it finds little is one in which much is alike, or badly read.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from desktop_llm.knowledge import candidates
from desktop_llm.knowledge.candidates import Candidate, Scope
from desktop_llm.knowledge.embed import Embeds
from desktop_llm.knowledge.keywords import meaningful
from desktop_llm.knowledge.retrieve import Retriever
from desktop_llm.knowledge.sentences import sentences
from desktop_llm.knowledge.shapes import Probe, SelfTest
from desktop_llm.knowledge.store import Store
from desktop_llm.message import Citation
from desktop_llm.words import tr

SEED = 7
DEPTH = 10
"""A passage that does not come among so many is not found."""

_FEWEST_WORDS, _MOST_WORDS = 3, 7
_NEARLY_THE_SAME = 0.93  # cosine similarity of two passages that say the same
_BORDER = " | "
_NO_HEADING = re.compile(r"\S+ \d+(–\d+)?(:|$)")  # "line 3–7", "rows 2–9: name, town": no words of the document


@dataclass(frozen=True, slots=True)
class _Question:
    text: str
    kind: str
    passage: Candidate


def self_test(
    store: Store, retriever: Retriever, embedder: Embeds, collection: int, name: str, count: int
) -> Generator[tuple[int, int], None, SelfTest]:
    """Ask `count` questions (fewer if there are fewer passages); yields (asked, total)."""
    started = time.time()
    questions = _questions(store, collection, count)
    asked: list[Probe] = []
    for question in questions:
        yield len(asked), len(questions)
        asked.append(_ask(store, retriever, embedder, collection, question))
    ((documents,),) = store.rows("SELECT count(*) FROM document WHERE collection = ? AND status = 'ready'", collection)
    return SelfTest(name, tuple(asked), documents, round(time.time() - started, 1), started)


def _questions(store: Store, collection: int, count: int) -> list[_Question]:
    """Questions about passages picked by chance, with the same seed each time, from as many documents as possible."""
    rows = store.rows(
        "SELECT chunk.id, chunk.source FROM chunk WHERE source IN (SELECT source FROM document WHERE collection = ?) "
        "ORDER BY chunk.id",
        collection,
    )
    chance = random.Random(SEED)
    chance.shuffle(rows)
    turns: dict[int, int] = {}
    order = []
    for chunk, source in rows:
        turns[source] = turns.get(source, 0) + 1
        order.append((turns[source], chunk))
    order.sort(key=lambda pair: pair[0])  # every document's first passage, then every second one
    found: list[_Question] = []
    for start in range(0, len(order), 2 * count):
        part = [chunk for _, chunk in order[start : start + 2 * count]]
        passages = {each.chunk: each for each in candidates.read(store, Scope([collection]), part)}
        for chunk in part:
            question = _question(store, passages[chunk])
            if question is not None:
                found.append(question)
            if len(found) == count:
                return found
    return found


def _question(store: Store, passage: Candidate) -> _Question | None:
    """A question about a passage: about a row if it is of a table, with its heading if it has one, or with words of the
    sentence that tells most. None if the passage holds too few words.
    """
    rows = [row.split(_BORDER) for row in passage.text.split("\n") if row.count(_BORDER) >= 1]
    if (header := _header(store, passage.chunk)) and rows:
        row, columns = rows[len(rows) // 2], header.split(_BORDER if _BORDER in header else ", ")
        if len(row) > 1 and len(columns) > 1 and row[0].strip():
            return _Question(f"{columns[-1].strip()} {row[0].strip()}", "table", passage)
    spans = sentences(passage.text, lines_end=False)
    told = max((_telling(store, passage.text[start:end]) for start, end in spans), key=len, default=[])
    if len(told) < _FEWEST_WORDS:
        return None
    if passage.place and not _NO_HEADING.match(passage.place):
        return _Question(f"{passage.place} {' '.join(told[:2])}", "heading", passage)
    return _Question(" ".join(told), "words", passage)


def _header(store: Store, chunk: int) -> str:
    return str(store.rows("SELECT header FROM chunk WHERE id = ?", chunk)[0][0])


def _telling(store: Store, sentence: str) -> list[str]:
    """The meaningful words of a sentence in their order, without the rarest one: that would be the answer."""
    found = meaningful(sentence[:600])
    weights = candidates.weighed(store, found)
    words = [each.word for each in found]
    rarest = sorted(words, key=lambda word: -weights[word])[1 : _MOST_WORDS + 1]
    return [word for word in words if word in rarest]


def _ask(store: Store, retriever: Retriever, embedder: Embeds, collection: int, question: _Question) -> Probe:
    passage = question.passage
    found = retriever.search([collection], question.text, DEPTH)
    path = candidates.paths(store, [collection], {passage.source})[passage.source][0]
    rank = next((at for at, each in enumerate(found, 1) if _holds(each, path, passage)), 0)
    by_meaning, by_words = retriever.each_way(collection, question.text, DEPTH)
    meaning, words = _rank(by_meaning, passage.chunk), _rank(by_words, passage.chunk)
    reason = "" if rank == 1 else _why(embedder, passage, found, rank, meaning, words)
    where = (path, passage.page, passage.place, passage.start, passage.end)
    return Probe(question.text, *where, question.kind, rank, meaning, words, reason)


def _holds(found: Citation, path: str, passage: Candidate) -> bool:
    """Whether what was found has most of the passage: neighbours may have been joined."""
    common = min(found.end, passage.end) - max(found.start, passage.start)
    return found.document == path and found.page == passage.page and 2 * common > passage.end - passage.start


def _rank(chunks: Sequence[int], chunk: int) -> int:
    return chunks.index(chunk) + 1 if chunk in chunks else 0


def _why(embedder: Embeds, passage: Candidate, found: Sequence[Citation], rank: int, meaning: int, words: int) -> str:
    """Why a passage did not come first, as far as that can be seen."""
    if found and not embedder.problem:
        one, other = embedder.embed_batch([passage.text, found[0].text])
        if float(np.dot(one, other)) >= _NEARLY_THE_SAME:
            name = re.split(r"[\\/]", found[0].document)[-1]
            return tr("{file} says nearly the same and comes first.", file=name)
    if words == 1 or (words and not meaning):
        return tr("By its words it came {rank}., but other passages are nearer in meaning.", rank=words)
    if meaning == 1 or (meaning and not words):
        return tr("By its meaning it came {rank}., but other passages have more of the words.", rank=meaning)
    if rank:
        return tr("Other passages fit as well.")
    return tr("Not known.")
