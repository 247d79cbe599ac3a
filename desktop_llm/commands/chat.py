"""One answer, or a conversation in the terminal."""

from __future__ import annotations

import base64
import contextlib
import json
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from desktop_llm import settings
from desktop_llm.characters import one_line
from desktop_llm.chats.records import ChatAdapter
from desktop_llm.commands.adapters import chosen as chosen_adapters
from desktop_llm.commands.documents import SharedWorker, follow_changes, knowledge
from desktop_llm.commands.less_memory import add_hint
from desktop_llm.commands.library import chat_model
from desktop_llm.commands.library import library as open_library
from desktop_llm.commands.load_flags import load_settings
from desktop_llm.commands.options import filters
from desktop_llm.commands.sampling import sampling_of
from desktop_llm.commands.search import also_in, trace_json
from desktop_llm.commands.terminal import drain, print_json, read_text, tell
from desktop_llm.conversation.continuing import Continuation
from desktop_llm.conversation.coverage import Coverage
from desktop_llm.conversation.events import Covering, Failed, Mixed, ToolEnded, ToolStarted, TurnEvent, TurnState, fold
from desktop_llm.conversation.every_file import read_every_file
from desktop_llm.conversation.follow_ups import retrieval_query
from desktop_llm.conversation.mixing import mixed
from desktop_llm.conversation.search_details import SearchDetails
from desktop_llm.conversation.storing import Exchange
from desktop_llm.conversation.tool_words import arguments_of, step_words
from desktop_llm.conversation.tools import TOOLS, as_messages, came_back
from desktop_llm.conversation.turn import answer
from desktop_llm.engine.client import (
    AdapterUse,
    ChatMessage,
    Engine,
    LeftOut,
    LoadedModel,
    LoadSettings,
    Rethought,
    Sampling,
    TextDelta,
    Timings,
)
from desktop_llm.errors import CHOOSE_FORMAT, BadRequest, UserError
from desktop_llm.knowledge.client import Knowledge
from desktop_llm.message import Check, Citation, Image, Text, ToolCall, ToolResult
from desktop_llm.models.library import Library, Model, with_projector
from desktop_llm.models.templates import FORMATS
from desktop_llm.paths import Folders
from desktop_llm.pictures.client import Pictures
from desktop_llm.words import plural, tr


def run_chat(options: Namespace, home: Folders) -> None:
    """Answer the prompt; without one, chat in the terminal until the end of input."""
    pictures = Pictures(home.pictures)
    messages = _earlier(options, pictures)
    shown = tuple(Image(str(pictures.take(path).path)) for path in options.images)
    if (prompt := _prompt(options, messages)) is not None:
        messages = [*messages, ChatMessage("user", (*shown, Text(prompt)))]
    elif shown:
        raise BadRequest(tr("The pictures have no message."), tr("Give the question as an argument or on stdin."))
    begun = _begun(options, messages)
    if options.every_file and not options.collections:
        raise BadRequest(tr("There are no files to read."), tr("--every-file needs -c with a collection."))
    if filters(options) and (options.every_file or not options.collections):
        raise BadRequest(
            tr("--file, --folder, --type, --since and --before limit a search."),
            tr("Use them with -c and a collection, and without --every-file."),
        )
    chat = _Chat(options, messages[:-1] if begun else messages, begun)
    try:
        with _loaded(options, home) as workers:
            if chat.messages and chat.messages[-1].role == "user":
                chat.answer(workers)
            else:
                chat.converse(workers)
    except UserError as error:
        raise _with_flag(error) from error
    finally:
        if options.save and (chat.state.parts or chat.earlier_answers):
            try:
                _save(home, chat, workers.model)
            except UserError as error:  # the answer is here all the same
                tell(tr("The chat was not kept. {reason}", reason=error.message))
    if options.json:
        print_json(_as_json(workers, chat))


def _with_flag(error: UserError) -> UserError:
    """The error, with the option that helps if it is about the chat template."""
    if error.action != CHOOSE_FORMAT:
        return error
    text = tr("Nothing was lost. --chat-template gives it another one: a file, or {names}.", names=", ".join(FORMATS))
    return UserError(error.title, text, details=error.details)


@dataclass(frozen=True, slots=True)
class _Workers:
    """The engine with its model loaded, the adapters for it, and the knowledge client if documents are searched."""

    engine: Engine
    documents: Knowledge | None
    model: Model
    loaded: LoadedModel
    sampling: Sampling
    library: Library
    adapters: tuple[ChatAdapter, ...]


class _Chat:
    """The messages so far, and the answer to the last one as far as it has come."""

    def __init__(self, options: Namespace, messages: list[ChatMessage], begun: str = "") -> None:
        """`begun` is the text that the answer goes on from."""
        self.options, self.messages = options, messages
        self.continues = Continuation((), begun, "", "") if begun else None
        self.state = TurnState()
        self.earlier_answers = 0
        self.tools = _tools(options)
        self._told = (0, "")
        self.earlier_passages: dict[int, tuple[Citation, ...]] = {}  # by the place of the question

    def answer(self, workers: _Workers) -> None:
        """Answer the last message and print the answer as it comes. If it raises UserError, the text so far stays in
        the state.
        """
        if workers.documents is not None and not self.options.no_update:
            follow_changes(workers.documents, self.options.collections)
        adapters, used = mixed(workers.library, workers.model, workers.adapters)
        self.state = fold(TurnState(), Mixed(adapters))
        steps = self._every_file(workers, used) if self.options.every_file else self._from_passages(workers, used)
        try:
            for event in steps:
                self.state = fold(self.state, event)
                self._show(event)
        except (UserError, KeyboardInterrupt) as error:
            told = error if isinstance(error, UserError) else UserError(tr("The answer was interrupted."))
            self.state = fold(self.state, Failed(told, interrupted=True))
            raise
        self._show_end()

    def _from_passages(self, workers: _Workers, adapters: Sequence[AdapterUse]) -> Iterator[TurnEvent]:
        return answer(
            workers.engine,
            self.messages,
            workers.sampling,
            workers.documents,
            self.options.collections,
            tools=self.tools,
            earlier=self.earlier_passages,
            adapters=adapters,
            continues=self.continues,
        )

    def _every_file(self, workers: _Workers, adapters: Sequence[AdapterUse]) -> Iterator[TurnEvent]:
        assert workers.documents is not None, "run_chat asks for collections"
        question = retrieval_query(self.messages)
        return read_every_file(workers.engine, question, workers.documents, self.options.collections, adapters=adapters)

    def converse(self, workers: _Workers) -> None:
        """Read questions and answer them until the end of input."""
        tell(tr("Write a message and press Enter. Ctrl+D ends the chat."))
        earlier = self.messages
        while True:
            try:
                text = input("> ")
            except EOFError:
                return
            if not text.strip():
                continue
            self.messages = [*earlier, ChatMessage.of("user", text)]
            try:
                self.answer(workers)
            except UserError as error:
                tell(error.message)
            else:
                if not any(isinstance(part, ToolResult) for part in self.state.parts):
                    self.earlier_passages[len(self.messages) - 1] = self.state.sources
                earlier = [*self.messages, *as_messages("assistant", self.state.parts)]
                self.earlier_answers += 1

    def _show(self, event: TurnEvent) -> None:
        match event:
            case TextDelta(text) if not self.options.every_file:
                self._print(text)
            case Covering(coverage):
                self._tell_coverage(coverage)
            case Rethought():
                self._print("\n" + tr("(All of this was thinking. The answer:)") + "\n\n")
            case ToolStarted() if self.state.text:
                self._print("\n")
            case ToolEnded(result):
                call = next(part for part in self.state.parts if isinstance(part, ToolCall) and part.id == result.id)
                tell(f"{step_words(call, result, self.state.sources)} ({result.seconds:.1f} s)")
            case LeftOut(count):
                tell(tr("The first {count} messages are left out: the model can't keep more in mind.", count=count))

    def _tell_coverage(self, coverage: Coverage) -> None:
        """ "12 of 40 files, 9 results" on stderr, once for each file."""
        if (coverage.done, coverage.state) != self._told:
            self._told = coverage.done, coverage.state
            results = plural("%n result", "%n results", coverage.results)
            tell(tr("{done} of {total} files, {results}", done=coverage.done, total=coverage.total, results=results))

    def _show_end(self) -> None:
        self._print(f"{self.state.text}\n" if self.options.every_file else "\n")
        for citation in dict.fromkeys(self.state.citations):
            page = tr(", page {page}", page=citation.page) if citation.page is not None else ""
            line = one_line(f"[{citation.number}] {citation.document}{page}: “{' '.join(citation.text.split())}”")
            self._print(f"{line}\n")
        if not self.state.text and any(isinstance(part, ToolResult) for part in self.state.parts):
            tell(tr("The model asked for tools and wrote no answer."))
        if self.state.thinking and not self.state.text:
            tell(tr("The model kept thinking and wrote no answer. --thinking short, or a larger --max-tokens, helps."))

    def _print(self, text: str) -> None:
        if not self.options.json:
            sys.stdout.write(text)
            sys.stdout.flush()


def _tools(options: Namespace) -> tuple[str, ...]:
    unknown = [name for name in options.named_tools if name not in TOOLS]
    if unknown:
        raise BadRequest(
            tr("There is no tool “{name}”.", name=unknown[0]), tr("The tools are: {names}.", names=", ".join(TOOLS))
        )
    return tuple(name for name in TOOLS if options.tools or name in options.named_tools)


def _prompt(options: Namespace, earlier: Sequence[ChatMessage]) -> str | None:
    """The message to add; None if the earlier messages end in a question or in an answer to go on with, or for a
    conversation in the terminal.
    """
    if options.goes_on or (options.prompt is None and earlier and earlier[-1].role == "user"):
        return None
    if options.prompt == "-" or (options.prompt is None and not sys.stdin.isatty()):
        text = sys.stdin.read()
    elif options.prompt is None:
        if options.json:
            raise BadRequest(tr("--json answers one prompt."), tr("Give it as an argument or on stdin."))
        return None
    else:
        text = options.prompt
    if not text.strip():
        raise BadRequest(tr("The message is empty."), tr("Write something to ask."))
    return str(text)


def _begun(options: Namespace, earlier: Sequence[ChatMessage]) -> str:
    """The text of the answer to go on with, "" if that is not wanted. Raises BadRequest if there is none."""
    if not options.goes_on:
        return ""
    roles = [message.role for message in earlier[-2:]]
    if options.prompt is not None or roles != ["user", "assistant"] or not earlier[-1].text:
        raise BadRequest(
            tr("There is no answer to go on with."), tr("--continue needs --messages that end in one, and no prompt.")
        )
    return earlier[-1].text


def _earlier(options: Namespace, pictures: Pictures) -> list[ChatMessage]:
    system = [ChatMessage.of("system", options.system)] if options.system else []
    if options.messages is None:
        return system
    try:
        messages = [_message(row, pictures) for row in json.loads(read_text(options.messages))]
        return system + [message for message in messages if not (system and message.role == "system")]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadRequest(
            tr("{file} is not a list of messages.", file=options.messages),
            tr("It must be JSON like {example}.", example='[{"role": "user", "content": "…"}]'),
        ) from error


def _message(row: dict[str, Any], pictures: Pictures) -> ChatMessage:
    """A message in the format of OpenAI's API: its content is a text, or a list of parts: texts and pictures."""
    role, content = row["role"], row["content"]
    if role not in ("system", "user", "assistant"):
        raise ValueError(role)
    shown: list[Image] = []
    if isinstance(content, list):
        if any(part["type"] not in ("text", "image_url") for part in content):
            raise BadRequest(
                tr("The messages have parts that are neither text nor pictures."), tr("Leave these parts out.")
            )
        shown = [_picture(part["image_url"]["url"], pictures) for part in content if part["type"] == "image_url"]
        content = "\n".join(part["text"] for part in content if part["type"] == "text")
    if not isinstance(content, str):
        raise TypeError(role)
    return ChatMessage(role, (*shown, Text(content)))


def _picture(url: str, pictures: Pictures) -> Image:
    """The picture at a path, a file: URL or in a data: URL; nothing is fetched from elsewhere."""
    scheme, _, rest = url.partition(":")
    if scheme == "data":
        kind, _, data = rest.partition(",")
        if not kind.endswith(";base64"):
            raise BadRequest(tr("A picture in the messages is not in base64."), tr("Write data:image/png;base64,…"))
        taken = pictures.take_bytes(base64.b64decode(data, validate=True), tr("Picture"))
    elif scheme == "file":
        taken = pictures.take(Path(url2pathname(urlsplit(url).path)))
    elif "://" in url:
        raise BadRequest(
            tr("A picture in the messages is not on this computer."),
            tr("Nothing was fetched. Save the picture and give its path, or its data in base64."),
        )
    else:
        taken = pictures.take(Path(url))
    return Image(str(taken.path))


@contextlib.contextmanager
def _loaded(options: Namespace, home: Folders) -> Iterator[_Workers]:
    library, chosen = open_library(home), settings.load(home.settings)[0]
    model = chat_model(library, options.model)
    adapters = chosen_adapters(options.adapters, library, model)
    sampling = sampling_of(options, model, home)
    defaults = LoadSettings(context_length=chosen.context_length, threads=chosen.threads)
    asked = load_settings(options, threads=options.threads, kv_types=options.kv_type).or_else(defaults)
    load = with_projector(asked, model)
    with contextlib.ExitStack() as stack:
        documents = None
        if options.collections:
            documents = stack.enter_context(knowledge(home))
            documents.only = filters(options)
            for name in options.collections:
                documents.status(name)  # raises NotFound
        engine = stack.enter_context(contextlib.closing(Engine(home)))
        try:
            loaded = drain(
                engine.load(model.path, load, asked_for=bool(options.model)),
                lambda step: tr("Loading {percent:.0f} %", percent=100 * (step.fraction or 0)),
            )
            library.mark_used(model.id)
            _check_thinking(sampling.thinking, loaded)
            yield _Workers(engine, documents, model, loaded, sampling, library, adapters)
        except UserError as error:
            add_hint(error, home, library, model, load)
            raise


def _check_thinking(level: str | None, loaded: LoadedModel) -> None:
    if level == "off" and loaded.thinking in ("always", "effort"):
        raise BadRequest(tr("This model always thinks."), tr("--thinking short lets it think the least."))
    if level not in (None, "off") and loaded.thinking == "none":
        tell(tr("This model can't think, so --thinking changes nothing."))


def _as_json(workers: _Workers, chat: _Chat) -> dict[str, Any]:
    state = chat.state
    finished = state.finished
    assert finished is not None, "answer() always ends with Finished"
    answer_json = {
        "text": state.text,
        "thinking": state.thinking,
        "model": workers.model.id,
        "finish_reason": finished.finish_reason,
        "usage": asdict(finished.usage),
        "timings": _timings(finished.timings) | {"load_s": workers.loaded.load_s},
        "citations": [_citation_json(citation) for citation in state.citations],
        "sources": [_citation_json(source) for source in state.sources],
    }
    if chat.options.collections:
        answer_json["unsupported"] = [{"start": start, "end": end} for start, end in state.unsupported]
        answer_json["checks"] = [_check_json(check) for check in state.checks]
    if (coverage := state.coverage) is not None:
        answer_json["coverage"] = {"done": coverage.done, "total": coverage.total}
    if chat.options.explain:
        answer_json |= _explained(workers, state.details)
    if workers.sampling.alternatives:
        answer_json["alternatives"] = list(finished.alternatives)
    return answer_json | ({"tool_calls": _tool_calls(state)} if chat.tools else {})


def _explained(workers: _Workers, details: SearchDetails) -> dict[str, Any]:
    """The search for the passages, None if there was none, and the exact prompt with its parts."""
    trace = None
    if details.trace is not None and workers.documents is not None:
        trace = trace_json(details.trace, workers.documents.beginnings(details.trace.candidates))
    return {"trace": trace, "prompt": {"text": details.text, "parts": [asdict(part) for part in details.prompt]}}


def _timings(timings: Timings) -> dict[str, float]:
    """The times of an answer, that of thinking only if the model thought."""
    return {name: seconds for name, seconds in asdict(timings).items() if name != "thinking_s" or seconds}


def _tool_calls(state: TurnState) -> list[dict[str, Any]]:
    results = {part.id: came_back(part) for part in state.parts if isinstance(part, ToolResult)}
    return [
        {"name": part.name, "arguments": arguments_of(part) or part.arguments, "result": results.get(part.id)}
        for part in state.parts
        if isinstance(part, ToolCall)
    ]


_CITATION_FIELDS = ("number", "document", "page", "start", "end", "text", "score", "verified")


def _check_json(check: Check) -> dict[str, Any]:
    quotes = [_citation_json(quote) for quote in check.quotes]
    return {
        "start": check.start,
        "end": check.end,
        "verdict": check.verdict,
        "reason": check.reason,
        "quotes": quotes,
    }


def _citation_json(citation: Citation) -> dict[str, Any]:
    return {name: getattr(citation, name) for name in _CITATION_FIELDS} | also_in(citation)


def _save(home: Folders, chat: _Chat, model: Model) -> None:
    kept = [message for message in chat.messages if message.text]
    exchange = Exchange(
        tuple((message.role, message.text) for message in kept),
        chat.state,
        model.id,
        model.name,
        tuple(chat.options.collections),
        tuple(tuple(part.path for part in message.parts if isinstance(part, Image)) for message in kept),
    )
    with contextlib.closing(SharedWorker(home)) as worker:
        worker.call("save_exchange", exchange.to_json())
