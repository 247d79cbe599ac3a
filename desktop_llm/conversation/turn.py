"""One turn: a question, its answer, and both in the store.

Every front end runs `answer`: retrieve, show the sources, generate, run tools and go on, check the citations. `Turn`
also stores the question and the answer. Both are generators of events, run in one of the front end's threads; closing
one ends it.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from desktop_llm.conversation.continuing import Continuation
from desktop_llm.conversation.coverage import EVERY_FILE, PASSAGES, Coverage, FileRead
from desktop_llm.conversation.events import (
    Covering,
    Failed,
    Mixed,
    NotSaved,
    Offer,
    QuestionStored,
    Saved,
    Searched,
    Sources,
    TurnEvent,
    TurnState,
    fold,
)
from desktop_llm.conversation.every_file import read_every_file
from desktop_llm.conversation.follow_ups import retrieval_query
from desktop_llm.conversation.mixing import mixed
from desktop_llm.conversation.offering import way_for
from desktop_llm.conversation.prompt import (
    Given,
    for_eyes,
    given_passages,
    messages_for_model,
    nothing_found,
    prompt_for,
)
from desktop_llm.conversation.questions import asks_for_every_file
from desktop_llm.conversation.rounds import STOPPED_EARLY, rounds
from desktop_llm.conversation.storing import Correction, Question, StreamedPieces, Write, store_answer, store_question
from desktop_llm.conversation.tools import Toolbox, tools_of
from desktop_llm.engine.client import (
    USUAL_CONTEXT_LENGTH,
    AdapterUse,
    ChatMessage,
    Engine,
    Finished,
    InLine,
    Loading,
    LoadSettings,
    Sampling,
    TextDelta,
    Timings,
    Usage,
)
from desktop_llm.engine.engines import Engines
from desktop_llm.engine.room import Memory
from desktop_llm.errors import ContextOverflow, UserError, WorkerDied
from desktop_llm.knowledge.client import CHAT_PREFIX, Knowledge
from desktop_llm.message import Citation, Text
from desktop_llm.models.library import Library, Model
from desktop_llm.words import tr

log = logging.getLogger(__name__)

# Passages may take a third of the context, and no more than the model reads in the time that a person would wait.
PASSAGE_SHARE = 3
PASSAGES_S = 15
# As long as it is unknown how fast the model reads; and at least, for a slow one.
USUAL_PASSAGE_TOKENS, LEAST_PASSAGE_TOKENS = 1000, 600
CHOICES = 5
"""The number of likeliest tokens that are kept for each place of an answer, if they are."""

_NOTHING_GENERATED = Finished("stop", Usage(), Timings(), 0)


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """The model that is to answer, how it is loaded, the sampling that it gets with a chat's own settings, and the
    memory that it will take, as far as known; `needs` reads the file's header.
    """

    model: Model
    load: LoadSettings
    sampling: Callable[[Mapping[str, Any]], Sampling] = Sampling.known
    needs: Callable[[], Memory] = Memory


def answer(
    engine: Engine,
    messages: Sequence[ChatMessage],
    sampling: Sampling,
    knowledge: Knowledge | None = None,
    collections: Sequence[str] = (),
    *,
    tools: Sequence[str] = (),
    earlier: Given | None = None,
    slot: str = "",
    is_stopped: Callable[[], bool] = lambda: False,
    adapters: Sequence[AdapterUse] = (),
    continues: Continuation | None = None,
    corrects: Correction | None = None,
) -> Generator[TurnEvent, None, None]:
    """Answer the last message; the last event is Finished. The engine's model must be loaded, and `adapters` fit it;
    `slot` names this answer for `Engine.stop`. `earlier` are the passages of the questions before.

    Meanwhile, `knowledge` reads documents more slowly. With `collections`, the answer is based on their documents:
    Sources come first, Cited just before Finished. If nothing relevant is found, no model runs and the answer says so,
    unless it has `tools` to find more. `is_stopped` is asked between the model and its tools. An answer that
    `continues` an earlier one has the passages of that one.
    """
    passages: list[Citation] = []
    if continues is not None:
        passages = list(continues.sources)
        yield Sources(continues.sources)
    elif knowledge is not None and collections:
        budget, whole = _passage_budget(engine), _is_attached(collections)
        query = retrieval_query(messages)
        passages, trace = knowledge.retrieve_traced(collections, query, budget, whole=whole)
        trace = replace(trace, rewritten=query.strip() != messages[-1].text.strip())
        if corrects is not None:
            passages = _with_first(corrects.passage, passages)
            messages = [*messages[:-1], _corrected(messages[-1], corrects)]
        yield Sources(tuple(passages))
        yield Searched(trace)
        yield Covering(_covered(knowledge, collections, passages, messages[-1].text))
        if not passages and not tools:
            files, unread = knowledge.file_count(collections), knowledge.unread_counts(collections)
            yield TextDelta(nothing_found(collections, files, *unread))
            yield _NOTHING_GENERATED
            return
    given = passages if continues is None else continues.given
    messages = prompt_for(engine, messages, given, earlier or {})
    context_length = engine.loaded.context_length if engine.loaded else USUAL_CONTEXT_LENGTH
    toolbox = Toolbox(tools, knowledge, collections, context_length, passages)
    if knowledge is not None:
        knowledge.answering(True)
    try:
        write = functools.partial(engine.generate, sampling=sampling, slot=slot, adapters=adapters)
        stop = functools.partial(engine.stop, slot)
        yield from rounds(write, messages, toolbox, stop, is_stopped, continues)
    finally:
        if knowledge is not None:
            knowledge.answering(False)


def _with_first(first: Citation, passages: Sequence[Citation]) -> list[Citation]:
    """The passages with one put before all others."""
    place = (first.document, first.page, first.start)
    others = [each for each in passages if (each.document, each.page, each.start) != place]
    return [replace(each, number=number) for number, each in enumerate([first, *others], 1)]


def _corrected(question: ChatMessage, corrects: Correction) -> ChatMessage:
    """The question with what was wrong in an earlier answer."""
    note = (
        f"\n\n(An earlier answer said: “{corrects.sentence.strip()}” That is wrong: passage [1] says "
        f"“{corrects.quote.strip()}” Keep to what the passage says.)"
    )
    return ChatMessage(question.role, (*question.parts, Text(note)))


def _covered(knowledge: Knowledge, collections: Sequence[str], passages: Sequence[Citation], question: str) -> Coverage:
    """How far the best passages look into the collections."""
    files, asks = len({passage.document for passage in passages}), asks_for_every_file(question)
    total = knowledge.file_count(collections)
    return Coverage(PASSAGES, files, total, passages=len(passages), asks_for_all=asks)


class Turn:
    """One question on its way to a stored answer. `stop` may be called from any thread."""

    def __init__(
        self,
        question: Question,
        chosen: ChosenModel,
        engines: Engines,
        knowledge: Knowledge,
        library: Library,
        write: Write,
    ) -> None:
        self.question, self.chosen = question, chosen
        self.state = TurnState()
        self._engines, self._knowledge, self._library, self._write = engines, knowledge, library, write
        self._stopped = self._paused = False
        self._chosen_way = ""

    def run(self) -> Generator[TurnEvent, None, None]:
        """Store the question, answer it, and save the answer while it streams and at its end.

        The first event is QuestionStored, the last Saved or NotSaved. Raises UserError if the question can't be stored
        or is too long for the model. If closed early, it stores the text so far as interrupted.
        """
        self._check_length()
        model = self.chosen.model
        store = functools.partial(store_question, question=self.question, model_id=model.id, model_name=model.name)
        asked = self._write(store).result()
        self.state = fold(self.state, asked)
        pieces = StreamedPieces(self._write, self.state.message_id)
        try:
            yield asked
            for event in self._answer(asked):
                self.state = fold(self.state, event)
                pieces.take(event)
                yield event
        except BaseException:  # the front end closes, or there is a bug
            ended = self.state.finished
            if ended is None or (ended.finish_reason == "cancelled" and not self._stopped):
                self.state = fold(replace(self.state, finished=None), Failed(_cut_off(), interrupted=True))
            self.save()
            raise
        yield self.save()

    def stop(self) -> None:
        """End the answer; the text so far stays."""
        self._stopped = True
        for slot in (self._slot, self._files_slot):
            self._engines.stop(slot)

    def pause(self) -> None:
        """End reading every file for now; it goes on with a question that names this answer in `goes_on`."""
        self._paused = True
        self.stop()

    def choose(self, way: str) -> None:
        """Say how the documents are used, after an Offer: "passages" or "every_file"."""
        self._chosen_way = way

    def save(self) -> Saved | NotSaved:
        """Store the whole answer, again if the first attempt failed."""
        continues = self.question.continues
        store = functools.partial(store_answer, message_id=self.state.message_id, state=self.state, continues=continues)
        try:
            event: Saved | NotSaved = Saved(self._write(store).result())
        except UserError as error:
            event = NotSaved(error)
        self.state = fold(self.state, event)
        return event

    @property
    def _slot(self) -> str:
        return self.question.chat.id or ""

    @property
    def _files_slot(self) -> str:
        """The conversation in which the model reads files; what it keeps of the chat itself stays."""
        return f"{self._slot}/files"

    def _answer(self, asked: QuestionStored) -> Generator[TurnEvent, None, None]:
        """Load the model and answer. A stop before the model writes ends it here; later, the engine ends it with the
        text so far.
        """
        try:
            for event in self._load_and_answer(asked):
                if self._stopped:
                    self._engines.stop(self._slot)
                    if isinstance(event, InLine | Loading | Offer | Searched | Sources) and not self.state.parts:
                        yield STOPPED_EARLY
                        return
                yield event
        except UserError as error:
            yield Failed(error, interrupted=isinstance(error, WorkerDied))

    def _load_and_answer(self, asked: QuestionStored) -> Generator[TurnEvent, None, None]:
        chosen = self.chosen
        way = yield from self._way(asked)
        needs = chosen.needs() if self._engines.of(chosen.model.path) is None else None
        engine = yield from self._engines.take(chosen.model.path, chosen.load, needs)
        try:
            yield from self._answer_with(engine, asked, way)
        finally:
            self._engines.give_back(engine)

    def _answer_with(self, engine: Engine, asked: QuestionStored, way: str) -> Generator[TurnEvent, None, None]:
        model, conversation, loaded = self.chosen.model, asked.conversation, engine.loaded
        try:
            self._library.mark_used(model.id)
        except UserError as error:  # only the default of the next start
            log.warning("the use of a model could not be noted: %s", error.title)
        if self._stopped:  # the engine does not know of this answer yet
            yield STOPPED_EARLY
            return
        sampling = self.chosen.sampling(conversation.sampling)
        if sampling.thinking is None and loaded is not None:
            sampling = replace(sampling, thinking=loaded.own_thinking)
        if self.question.with_choices or self.question.continues is not None:
            sampling = replace(sampling, alternatives=sampling.alternatives or CHOICES)
        adapters, used = mixed(self._library, model, conversation.adapters)
        if adapters:
            yield Mixed(adapters)
        sees = loaded is not None and loaded.sees_pictures
        messages = for_eyes(messages_for_model(conversation, asked.messages[:-1]), sees=sees)
        if way == EVERY_FILE:
            yield from self._every_file(engine, retrieval_query(messages), conversation.collections, used)
            return
        yield from answer(
            engine,
            messages,
            sampling,
            self._knowledge,
            conversation.collections if self.question.with_documents else (),
            tools=tools_of(conversation),
            earlier=given_passages(conversation, asked.messages[:-1]),
            slot=self._slot,
            is_stopped=lambda: self._stopped,
            adapters=used,
            continues=self.question.continues,
            corrects=self.question.corrects,
        )

    def _way(self, asked: QuestionStored) -> Generator[TurnEvent, None, str]:
        question, chosen = self.question, self.chosen
        uses_documents = question.with_documents and question.continues is None
        return (
            yield from way_for(
                asked.conversation,
                asked.conversation.collections if uses_documents else (),
                next((each.text for each in reversed(asked.messages) if each.role == "user"), ""),
                EVERY_FILE if question.goes_on else question.way,
                self._knowledge,
                self._engines.installation.paces.prompt_tps(chosen.model.path, chosen.load),
                lambda: PASSAGES if self._stopped else self._chosen_way,
            )
        )

    def _every_file(
        self, engine: Engine, question: str, collections: Sequence[str], adapters: Sequence[AdapterUse]
    ) -> Generator[TurnEvent, None, None]:
        """Answer from every file, and store what each gives, so that the answer can go on after whatever happens."""
        id = self.state.message_id
        stored = self._write(lambda store: store.files_read(id)).result()
        yield from read_every_file(
            engine,
            question,
            self._knowledge,
            collections,
            slot=self._files_slot,
            adapters=adapters,
            before=[read for each in stored if (read := FileRead.from_json(each)) is not None],
            keep=lambda read, coverage: _keep(self._write, id, read, coverage),
            is_stopped=lambda: self._stopped,
            is_paused=lambda: self._paused,
        )

    def _check_length(self) -> None:
        """Raises ContextOverflow if the question alone is too long for the model, as far as that is known by now."""
        engine, text = self._engines.of(self.chosen.model.path), self.question.text
        if text is None or engine is None:
            return
        try:
            engine.measure([ChatMessage.of("user", text)])
        except ContextOverflow:
            raise
        except UserError:  # it was unloaded meanwhile, or died; answering will show
            log.info("a question could not be measured")


def _keep(write: Write, message_id: str, read: FileRead, coverage: Coverage) -> None:
    """Store what a file gave; it is not waited for, and on a full disk the file is read again another time."""
    write(lambda store: store.save_file_read(message_id, read.path, read.to_json(), coverage.to_json()))


def _passage_budget(engine: Engine) -> int:
    """How many tokens of passages the model gets. How fast it reads is known from the last long prompt that it
    processed on this machine (`engine/paces.py`): 100 tokens a second make 1,500.
    """
    context_length = engine.loaded.context_length if engine.loaded else USUAL_CONTEXT_LENGTH
    readable = int(engine.prompt_tps * PASSAGES_S) or USUAL_PASSAGE_TOKENS
    return min(context_length // PASSAGE_SHARE, max(readable, LEAST_PASSAGE_TOKENS))


def _is_attached(collections: Sequence[str]) -> bool:
    """Whether the documents were put into the chat itself: the model then reads all of them if they fit."""
    return all(name.startswith(CHAT_PREFIX) for name in collections)


def _cut_off() -> UserError:
    return UserError(tr("The app was closed while this was being written."), tr("The text so far is kept."))
