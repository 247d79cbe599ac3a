"""Whole documents for a model to read, in order, instead of the passages of them that fit a question best."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from desktop_llm.knowledge.candidates import paths
from desktop_llm.knowledge.store import Store
from desktop_llm.message import Citation

_MOST_CHARACTERS_PER_TOKEN = 8
# The number, name and place of each page cost tokens too.
_HEADING_TOKENS = 24


def whole_documents(
    store: Store, collections: Sequence[int], count_tokens: Callable[[str], int], token_budget: int
) -> list[Citation]:
    """All pages of the collections' documents, numbered, in order; empty if they do not fit into the budget, or if a
    document still waits to be read.
    """
    marks = ",".join("?" * len(collections))
    query = f"SELECT min(id), source, max(waiting) FROM document WHERE collection IN ({marks}) "
    documents = store.rows(f"{query} AND status <> 'failed' GROUP BY source ORDER BY min(id)", *collections)
    sources = [source for _, source, _ in documents]
    if any(waiting for *_, waiting in documents) or None in sources:
        return []
    if not _fits(store, sources, count_tokens, token_budget):
        return []
    all_paths = paths(store, collections, sources)
    found: list[Citation] = []
    for _, source, _ in documents:
        query = "SELECT number, text FROM page WHERE source = ? AND trim(text) <> '' ORDER BY position"
        for number, text in store.rows(query, source):
            first, *others = all_paths[source]
            citation = Citation(
                len(found) + 1, first, number, 0, len(text), text, 1.0, verified=True, also_in=tuple(others)
            )
            found.append(citation)
    return found


def _fits(store: Store, sources: Sequence[int], count_tokens: Callable[[str], int], left: int) -> bool:
    marks = ",".join("?" * len(sources))
    ((pages, length),) = store.rows(f"SELECT count(*), sum(length(text)) FROM page WHERE source IN ({marks})", *sources)
    left -= pages * _HEADING_TOKENS
    if left * _MOST_CHARACTERS_PER_TOKEN < (length or 0):
        return False
    for (text,) in store.rows(f"SELECT text FROM chunk WHERE source IN ({marks})", *sources):
        left -= count_tokens(text)
    return left >= 0
