"""One turn: a question, its answer, and both in the store.

Every front end runs `answer`: retrieve, show the sources, generate, run tools and go on, check the citations. `Turn`
also stores the question and the answer. Both are generators of events, run in one of the front end's threads; closing
one ends it.
"""

from __future__ import annotations

import functools
import itertools
import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from desktop_llm.conversation.continuing import Continuation
from desktop_llm.conversation.coverage import PASSAGES, Coverage
from desktop_llm.conversation.events import (
    Cited,
    Covering,
    Failed,
    Mixed,
    NotSaved,
    QuestionStored,
    Saved,
    Sources,
    ToolEnded,
    ToolStarted,
    TurnEvent,
    TurnState,
    fold,
)
from desktop_llm.conversation.follow_ups import retrieval_query
from desktop_llm.conversation.mixing import mixed
from desktop_llm.conversation.prompt import (
    Given,
    for_eyes,
    given_passages,
    messages_for_model,
    nothing_found,
    prompt_for,
)
from desktop_llm.conversation.storing import Question, StreamedPieces, Write, store_answer, store_question
from desktop_llm.conversation.tools import MOST_ROUNDS, Toolbox, definitions, tools_of
from desktop_llm.engine.client import (
    USUAL_CONTEXT_LENGTH,
    AdapterUse,
    Beginning,
    ChatMessage,
    Engine,
    Event,
    Finished,
    InLine,
    Loading,
    LoadSettings,
    Rethought,
    Sampling,
    TextDelta,
    ThinkingDelta,
    Timings,
    ToolCalled,
    Usage,
)
from desktop_llm.engine.engines import Engines
from desktop_llm.engine.room import Memory
from desktop_llm.errors import ContextOverflow, UserError, WorkerDied
from desktop_llm.knowledge.client import CHAT_PREFIX, Knowledge
from desktop_llm.message import Citation, Part, Text, Thinking, ToolCall, ToolResult, appended, text_of
from desktop_llm.models.library import Library, Model
from desktop_llm.tokens import ids_of
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
_STOPPED_EARLY = Finished("cancelled", Usage(), Timings(), None)


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
        passages = knowledge.retrieve(collections, retrieval_query(messages), budget, whole=whole)
        yield Sources(tuple(passages))
        yield Covering(_covered(knowledge, collections, passages))
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
        yield from _rounds(write, messages, toolbox, stop, is_stopped, continues)
    finally:
        if knowledge is not None:
            knowledge.answering(False)


def _covered(knowledge: Knowledge, collections: Sequence[str], passages: Sequence[Citation]) -> Coverage:
    """How far the best passages look into the collections."""
    files = len({passage.document for passage in passages})
    return Coverage(PASSAGES, files, knowledge.file_count(collections), passages=len(passages))


def _rounds(
    write: Callable[..., Generator[Event, None, None]],
    before: Sequence[ChatMessage],
    toolbox: Toolbox,
    stop: Callable[[], None],
    is_stopped: Callable[[], bool],
    continues: Continuation | None,
) -> Generator[TurnEvent, None, None]:
    """The model writes; if it asks for tools they run, and it goes on with their results until it only writes. The
    tools stay in the prompt when it may ask no more, so that nothing is read anew, and it is stopped if it asks then.

    An answer that would end without a word is written anew without any tools, and with what they returned in the
    question: small models, shown how to call tools, go on calling.
    """
    messages, offered = list(before), definitions(toolbox.names)
    beginning: Beginning | None = None
    if continues is not None:
        yield from map(_told_again, continues.parts)
        messages += continues.messages
        beginning = Beginning(ids_of(continues.beginning), continues.text)
    joint = "\n\n" if any(each.text for each in messages[len(before) :]) else ""
    total: Finished | None = None
    for number in itertools.count(1 + (len(messages) - len(before)) // 2):
        may_ask = toolbox.is_open
        events = write(messages, tools=offered, beginning=beginning)
        said, calls, finished = yield from _written(events, joint, None if may_ask else stop)
        joint = joint or ("\n\n" if text_of(said) else "")
        total = finished if total is None else _added(total, finished)
        if is_stopped():
            total = replace(total, finish_reason="cancelled") if calls else total
            break
        goes_on = len(messages) > len(before) and beginning is None
        beginning = None
        if offered and goes_on and not (calls and may_ask) and _is_wordless(said, calls):
            messages, offered = [*before[:-1], toolbox.closed(before[-1], messages[len(before) :])], []
            continue
        if not calls or not may_ask or finished.finish_reason == "cancelled":
            break
        made = sum(isinstance(part, ToolCall) for message in messages for part in message.parts)
        asked = [ToolCall(f"call{made + at:05}", *call) for at, call in enumerate(toolbox.new_calls(calls), 1)]
        for call in asked:
            yield ToolStarted(call)
        toolbox.is_open = toolbox.is_open and number < MOST_ROUNDS
        results = yield from _results(toolbox, asked, is_stopped)
        if is_stopped():
            yield replace(total, finish_reason="cancelled")
            return
        messages += [ChatMessage("assistant", (*said, *asked)), ChatMessage("tool", tuple(results))]
    assert total is not None
    if toolbox.knowledge is not None and toolbox.passages:
        yield _cite(toolbox.knowledge, text_of(said), toolbox.passages)
    yield replace(total, finish_reason="stop") if total.finish_reason == "tool_calls" else total


def _is_wordless(said: Sequence[Part], calls: Sequence[tuple[str, str]]) -> bool:
    """Whether the model wrote no answer, but called tools or nothing; one that only thought had no room for more."""
    thought = any(isinstance(part, Thinking) for part in said)
    return not text_of(said).strip() and (bool(calls) or not thought)


def _told_again(part: Part) -> TurnEvent:
    """The event that tells of this part of an answer."""
    match part:
        case Thinking(text):
            return ThinkingDelta(text)
        case ToolCall():
            return ToolStarted(part)
        case ToolResult():
            return ToolEnded(part)
        case _:
            return TextDelta(text_of([part]))


def _results(
    toolbox: Toolbox, calls: Sequence[ToolCall], is_stopped: Callable[[], bool]
) -> Generator[TurnEvent, None, list[Part]]:
    """Run the tools, one after the other."""
    results: list[Part] = []
    for call in calls:
        if is_stopped():
            break
        known = len(toolbox.passages)
        result = toolbox.run(call)
        yield ToolEnded(result)
        results.append(result)
        if len(toolbox.passages) > known:
            yield Sources(tuple(toolbox.passages))
    return results


def _written(
    events: Generator[Event, None, None], joint: str, stop_at_a_call: Callable[[], None] | None
) -> Generator[TurnEvent, None, tuple[tuple[Part, ...], list[tuple[str, str]], Finished]]:
    """Pass on what the model writes, its text behind `joint`; returns its text and thinking, the tools that it asks
    for, and how it ended. If it may ask for none, `stop_at_a_call` ends its answer when it does.
    """
    said: tuple[Part, ...] = ()
    calls: list[tuple[str, str]] = []
    finished = _STOPPED_EARLY
    for event in events:
        match event:
            case Finished():
                finished = event
                continue
            case ToolCalled(name, arguments):
                calls.append((name, arguments))
                if stop_at_a_call is not None:
                    stop_at_a_call()
                continue
            case TextDelta(text):
                event, joint = TextDelta(joint + text), ""
                said = appended(said, Text(event.text))
            case ThinkingDelta(text):
                said = appended(said, Thinking(text))
            case Rethought():
                said = (Thinking(text_of(said)),)
        yield event
    return said, calls, replace(finished, finish_reason="tool_calls") if calls and stop_at_a_call else finished


def _added(one: Finished, other: Finished) -> Finished:
    """Both as one answer: their tokens, the mean of their speeds, and the end of the second. The prompt is that of the
    second, which holds the first; as many of its tokens count as cached as neither had to process.
    """
    usage = {name: value + getattr(other.usage, name) for name, value in asdict(one.usage).items()}
    processed = usage["prompt_tokens"] - usage["cached_tokens"]
    usage["prompt_tokens"] = max(one.usage.prompt_tokens, other.usage.prompt_tokens)
    usage["cached_tokens"] = max(0, usage["prompt_tokens"] - processed)

    def speed(name: str, tokens: Callable[[Usage], int]) -> float:
        parts = [(tokens(each.usage), getattr(each.timings, name)) for each in (one, other)]
        seconds = sum(count / tps for count, tps in parts if tps)
        return sum(count for count, tps in parts if tps) / seconds if seconds else 0.0

    timings = Timings(
        load_s=one.timings.load_s,
        ttft_s=one.timings.ttft_s,
        prompt_tps=speed("prompt_tps", lambda each: each.prompt_tokens - each.cached_tokens),
        generation_tps=speed("generation_tps", lambda each: each.completion_tokens),
        thinking_s=one.timings.thinking_s + other.timings.thinking_s,
    )
    usage["thinking_limit"] = other.usage.thinking_limit
    tokens, alternatives = one.tokens + other.tokens, one.alternatives + other.alternatives
    return replace(other, usage=Usage(**usage), timings=timings, tokens=tokens, alternatives=alternatives)


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
        self._stopped = False

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
        self._engines.stop(self._slot)

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

    def _answer(self, asked: QuestionStored) -> Generator[TurnEvent, None, None]:
        """Load the model and answer. A stop before the model writes ends it here; later, the engine ends it with the
        text so far.
        """
        try:
            for event in self._load_and_answer(asked):
                if self._stopped:
                    self._engines.stop(self._slot)
                    if isinstance(event, InLine | Loading | Sources) and not self.state.parts:
                        yield _STOPPED_EARLY
                        return
                yield event
        except UserError as error:
            yield Failed(error, interrupted=isinstance(error, WorkerDied))

    def _load_and_answer(self, asked: QuestionStored) -> Generator[TurnEvent, None, None]:
        chosen = self.chosen
        needs = chosen.needs() if self._engines.of(chosen.model.path) is None else None
        engine = yield from self._engines.take(chosen.model.path, chosen.load, needs)
        try:
            yield from self._answer_with(engine, asked)
        finally:
            self._engines.give_back(engine)

    def _answer_with(self, engine: Engine, asked: QuestionStored) -> Generator[TurnEvent, None, None]:
        model, conversation, loaded = self.chosen.model, asked.conversation, engine.loaded
        try:
            self._library.mark_used(model.id)
        except UserError as error:  # only the default of the next start
            log.warning("the use of a model could not be noted: %s", error.title)
        if self._stopped:  # the engine does not know of this answer yet
            yield _STOPPED_EARLY
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
        yield from answer(
            engine,
            for_eyes(messages_for_model(conversation, asked.messages[:-1]), sees=sees),
            sampling,
            self._knowledge,
            conversation.collections if self.question.with_documents else (),
            tools=tools_of(conversation),
            earlier=given_passages(conversation, asked.messages[:-1]),
            slot=self._slot,
            is_stopped=lambda: self._stopped,
            adapters=used,
            continues=self.question.continues,
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


def _cite(knowledge: Knowledge, text: str, passages: Sequence[Citation]) -> Cited:
    try:
        cited = knowledge.cite(text, passages)
    except UserError as error:
        # The answer is whole and must not be lost because its quotes could not be checked.
        log.warning("citations could not be checked: %s", error)
        return Cited(text, (), ())
    # An answer of nothing but marks stays as it is: an empty one would say less.
    return Cited(cited.text, cited.citations, cited.unsupported) if cited.text.strip() else Cited(text, (), ())


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
