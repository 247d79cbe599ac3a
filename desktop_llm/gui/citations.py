"""What an answer stands on, in three shapes: as the knowledge worker tells it, as it is stored, as it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from desktop_llm.chats.records import StoredCitation
from desktop_llm.knowledge.client import Citation, Passage


def stored_citation(citation: Citation, sources: Sequence[Passage]) -> StoredCitation:
    """A checked quote, with the place of the passage that it is from."""
    place = next((source.place for source in sources if source.number == citation.number), "")
    return StoredCitation(**asdict(citation), place=place)


def stored_passage(passage: Passage) -> StoredCitation:
    """A passage that the model was given; it is its own proof."""
    return StoredCitation(**asdict(passage), verified=True)


def citation_of(stored: StoredCitation) -> Citation:
    """A stored quote, or a stored passage shown as one."""
    values = asdict(stored)
    del values["place"]
    return Citation(**values)


def passage_of(stored: StoredCitation) -> Passage:
    """A stored passage."""
    values = asdict(stored)
    del values["verified"]
    return Passage(**values)
