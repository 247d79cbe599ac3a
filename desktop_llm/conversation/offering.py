"""How a question is answered from documents: from the best passages, or from every file, which is offered first."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence

from desktop_llm.chats.records import Conversation
from desktop_llm.conversation.coverage import EVERY_FILE, EVERY_FILE_IF_ASKED, PASSAGES
from desktop_llm.conversation.events import Offer, TurnEvent
from desktop_llm.conversation.questions import asks_for_every_file
from desktop_llm.knowledge.client import Knowledge

MANY_FILES = 6
"""The best passages come from about so many files, so with more a list could miss some."""
_CHARACTERS_PER_TOKEN, _TOKENS_PER_FILE, _USUAL_TPS = 3.5, 120, 60.0
_WATCH_S = 0.05


def way_for(
    conversation: Conversation,
    collections: Sequence[str],
    question: str,
    asked: str,
    knowledge: Knowledge,
    prompt_tps: float,
    choice: Callable[[], str],
) -> Generator[TurnEvent, None, str]:
    """The way to answer, "passages" or "every_file": what was `asked` with this question, what the chat's way says, or
    what the person chooses. Until `choice` returns it, the offer is said again and again. It never begins by itself to
    read every file.
    """
    if not collections:
        return PASSAGES
    if asked or conversation.way in (PASSAGES, EVERY_FILE):
        return asked or conversation.way
    if not asks_for_every_file(question):
        return PASSAGES
    files = knowledge.outline(collections)
    if len(files) <= MANY_FILES:
        return PASSAGES
    if conversation.way == EVERY_FILE_IF_ASKED:
        return EVERY_FILE
    tokens = sum(file.characters for file in files) / _CHARACTERS_PER_TOKEN + _TOKENS_PER_FILE * len(files)
    offer = Offer(len(files), round(tokens / (prompt_tps or _USUAL_TPS)))
    while not (chosen := choice()):
        yield offer
        time.sleep(_WATCH_S)
    return chosen
