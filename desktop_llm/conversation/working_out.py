"""Works out what else each token of a stored answer might have been."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from desktop_llm.chats.records import Conversation, StoredMessage
from desktop_llm.conversation.continuing import passages_before, rounds_in
from desktop_llm.conversation.mixing import mixed
from desktop_llm.conversation.prompt import for_eyes, given_passages, messages_for_model, prompt_for
from desktop_llm.conversation.tools import as_messages, definitions, offered
from desktop_llm.conversation.turn import CHOICES, ChosenModel
from desktop_llm.engine.client import (
    ChatMessage,
    Engine,
    InLine,
    LoadedModel,
    Loading,
    PromptProgress,
    Unloaded,
    Written,
)
from desktop_llm.engine.engines import Engines
from desktop_llm.message import Text, Thinking
from desktop_llm.models.library import Library
from desktop_llm.steps import Run
from desktop_llm.tokens import Rounds, Token, ids_of, rounds_of


def work_out(
    engines: Engines,
    library: Library,
    chosen: ChosenModel,
    conversation: Conversation,
    before: Sequence[StoredMessage],
    answer: StoredMessage,
    rounds: Rounds,
) -> Generator[InLine | Loading | Unloaded | PromptProgress, None, Rounds]:
    """What else each token of a stored answer might have been, worked out by the model that wrote it; yields progress.

    `before` are the messages up to its question, `rounds` its tokens, as far as they are known: of an answer with tools
    whose tokens are not known, only what was written last is worked out. Raises UserError.
    """
    engine = yield from engines.take(chosen.model.path, chosen.load, chosen.needs())
    try:
        return (yield from _worked_out(engine, library, chosen, conversation, before, answer, rounds))
    finally:
        engines.give_back(engine)


def _worked_out(
    engine: Engine,
    library: Library,
    chosen: ChosenModel,
    conversation: Conversation,
    before: Sequence[StoredMessage],
    answer: StoredMessage,
    rounds: Rounds,
) -> Generator[Loading | PromptProgress, None, Rounds]:
    loaded = yield from engine.load(chosen.model.path, chosen.load)  # it is, unless it died just now
    asked = _asked(engine, loaded, conversation, before, answer)
    level = chosen.sampling(conversation.sampling).thinking or loaded.own_thinking
    _, used = mixed(library, chosen.model, answer.adapters)
    tools = offered(conversation)
    pieces = rounds_in(answer.parts)
    known = len(rounds) == len(pieces)
    found: list[tuple[Token, ...]] = []
    for number, piece in enumerate(pieces) if known else [(len(pieces) - 1, pieces[-1])]:
        earlier = tuple(part for each in pieces[:number] for part in each)
        written = Written(
            conversation.id,
            [*asked, *as_messages("assistant", earlier)],
            ids_of(rounds[number]) if known else (),
            "".join(part.text for part in piece if isinstance(part, Text)).lstrip("\n"),
            "".join(part.text for part in piece if isinstance(part, Thinking)),
            tuple(definitions(tools)),
            tuple(used),
            level,
            CHOICES,
        )
        run = Run(engine.alternatives(written))
        yield from run
        found += rounds_of([[each["id"] for each in run.result]], run.result)
    return tuple(found) if known else (*((),) * (len(pieces) - 1), *found)


def _asked(
    engine: Engine,
    loaded: LoadedModel,
    conversation: Conversation,
    before: Sequence[StoredMessage],
    answer: StoredMessage,
) -> list[ChatMessage]:
    """What the model read before it wrote this answer."""
    messages = for_eyes(messages_for_model(conversation, before), sees=loaded.sees_pictures)
    return prompt_for(engine, messages, passages_before(answer), given_passages(conversation, before))
