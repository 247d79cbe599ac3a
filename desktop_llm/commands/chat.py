"""One answer, a conversation in the terminal, and the benchmark of a model."""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from desktop_llm import settings
from desktop_llm.answer import Cited, Sources, answer
from desktop_llm.chats.saving import Exchange
from desktop_llm.commands.documents import SharedWorker, knowledge
from desktop_llm.commands.library import library as open_library
from desktop_llm.commands.terminal import drain, print_json, read_text
from desktop_llm.engine.client import (
    ChatMessage,
    Engine,
    Finished,
    LeftOut,
    LoadedModel,
    LoadSettings,
    Sampling,
    TextDelta,
    ThinkingDelta,
)
from desktop_llm.errors import BadRequest, UserError
from desktop_llm.knowledge.client import Citation, Knowledge, Passage
from desktop_llm.models.library import Library, Model
from desktop_llm.paths import Folders
from desktop_llm.words import tr


@dataclass(slots=True)
class Turn:
    """One answer as it comes."""

    text: str = ""
    thinking: str = ""
    finished: Finished | None = None
    citations: tuple[Citation, ...] = ()
    sources: tuple[Passage, ...] = ()
    verified: tuple[bool, ...] = ()
    unsupported: tuple[tuple[int, int], ...] = ()
    messages: list[ChatMessage] = field(default_factory=list)


def run_chat(options: Namespace, home: Folders) -> None:
    """Answer the prompt, or chat until the end of input when there is none and this is a terminal."""
    messages = _earlier(options)
    if (prompt := _prompt(options, messages)) is not None:
        messages = [*messages, ChatMessage("user", prompt)]
    with _session(options, home) as (engine, documents, model, loaded):
        if messages and messages[-1].role == "user":
            turn = _turn(options, engine, documents, messages)
        else:
            turn = _converse(options, engine, documents, messages)
    if options.json:
        print_json(_as_json(model, loaded, turn))
    if options.save and turn.finished:
        _save(home, model, options, turn)


def run_bench(options: Namespace, home: Folders) -> dict[str, Any]:
    """The median of `--repeat` runs, each in a fresh process so that loading counts."""
    model = _model(open_library(home), options.model)
    runs = []
    for _ in range(options.repeat):
        with contextlib.closing(Engine(home)) as engine:
            drain(engine.load(model.path, LoadSettings(threads=options.threads)), lambda _: tr("Loading"))
            runs.append(engine.bench(prompt_tokens=options.prompt_tokens, tokens=options.tokens))
    return {name: _median([run[name] for run in runs]) for name in runs[0]}


def _median(values: list[Any]) -> Any:
    """The median of numbers, in their own type; of anything else the first."""
    kind = type(values[0])
    return kind(statistics.median(values)) if kind in (int, float) else values[0]


def _prompt(options: Namespace, earlier: Sequence[ChatMessage]) -> str | None:
    """The message to add; None where the earlier ones end in a question, and for a conversation in the terminal."""
    if options.prompt is None and earlier and earlier[-1].role == "user":
        return None
    if options.prompt == "-" or (options.prompt is None and not sys.stdin.isatty()):
        text = sys.stdin.read()
    elif options.prompt is None:
        if options.json:
            raise BadRequest(tr("--json answers one prompt. Give it as an argument or on stdin."))
        return None
    else:
        text = options.prompt
    if not text.strip():
        raise BadRequest(tr("The message is empty. Write something to ask."))
    return str(text)


def _earlier(options: Namespace) -> list[ChatMessage]:
    system = [ChatMessage("system", options.system)] if options.system else []
    if options.messages is None:
        return system
    try:
        messages = [_message(row) for row in json.loads(read_text(options.messages))]
        return system + [message for message in messages if not (system and message.role == "system")]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadRequest(
            tr(
                "{file} is not a list of messages. It must be JSON like {example}.",
                file=options.messages,
                example='[{"role": "user", "content": "…"}]',
            )
        ) from error


def _message(row: dict[str, Any]) -> ChatMessage:
    role, content = row["role"], row["content"]
    if role not in ("system", "user", "assistant") or not isinstance(content, str):
        raise ValueError(role)
    return ChatMessage(role, content)


@contextlib.contextmanager
def _session(options: Namespace, home: Folders) -> Iterator[tuple[Engine, Knowledge | None, Model, LoadedModel]]:
    library, chosen = open_library(home), settings.load(home.settings)[0]
    model = _model(library, options.model)
    with contextlib.ExitStack() as stack:
        documents = stack.enter_context(knowledge(home)) if options.collections else None
        if documents is not None:
            _must_exist(documents, options.collections)
        engine = stack.enter_context(contextlib.closing(Engine(home)))
        load = LoadSettings(
            context_length=options.context_length or chosen.context_length,
            threads=options.threads or chosen.threads,
        )
        loaded = drain(
            engine.load(model.path, load),
            lambda step: tr("Loading {percent:.0f} %", percent=100 * (step.fraction or 0)),
        )
        library.mark_used(model.id)
        yield engine, documents, model, loaded


def _model(library: Library, id: str | None) -> Model:
    model = library.get(id) if id else library.default()
    if model.kind != "chat":
        raise BadRequest(
            tr("{id} is not a chat model. `{command}` shows those that are.", id=model.id, command="desktop-llm list")
        )
    return model


def _must_exist(documents: Knowledge, names: Sequence[str]) -> None:
    for name in names:
        documents.status(name)  # raises NotFound with its sentence


def _turn(options: Namespace, engine: Engine, documents: Knowledge | None, messages: list[ChatMessage]) -> Turn:
    turn = Turn(messages=messages)
    for event in answer(engine, messages, _sampling(options), documents, options.collections):
        match event:
            case TextDelta(text):
                turn.text += text
                _stream(options, text)
            case ThinkingDelta(text):
                turn.thinking += text
            case Sources(passages):
                turn.sources = passages
                turn.verified = tuple(_is_stored(documents, passage) for passage in passages)
            case Cited(text, citations, unsupported):
                turn.text, turn.citations, turn.unsupported = text, citations, unsupported
            case LeftOut(count):
                text = tr("The first {count} messages are left out: the model can't keep more in mind.", count=count)
                sys.stderr.write(f"{text}\n")
            case Finished():
                turn.finished = event
    _stream(options, "\n")
    for citation in turn.citations:
        page = tr(", page {page}", page=citation.page) if citation.page is not None else ""
        _stream(options, f"[{citation.number}] {citation.document}{page}: “{' '.join(citation.text.split())}”\n")
    return turn


def _is_stored(documents: Knowledge | None, passage: Passage) -> bool:
    """Whether the passage is the very span of its page's stored text, read once more."""
    if documents is None:
        return False
    page = documents.page_text(passage.document, passage.page)
    return page.text[passage.start : passage.end] == passage.text


def _stream(options: Namespace, text: str) -> None:
    if not options.json:
        sys.stdout.write(text)
        sys.stdout.flush()


def _sampling(options: Namespace) -> Sampling:
    given = {
        "temperature": options.temperature,
        "top_p": options.top_p,
        "seed": options.seed,
        "max_tokens": options.max_tokens,
    }
    return Sampling(**{name: value for name, value in given.items() if value is not None})


def _converse(options: Namespace, engine: Engine, documents: Knowledge | None, messages: list[ChatMessage]) -> Turn:
    """Questions and answers until the end of input; returns the last one, whose messages are all before it."""
    sys.stderr.write(f"{tr('Write a message and press Enter. Ctrl+D ends the chat.')}\n")
    turn = Turn()
    while True:
        try:
            text = input("> ")
        except EOFError:
            return turn
        if text.strip():
            try:
                turn = _turn(options, engine, documents, [*messages, ChatMessage("user", text)])
            except UserError as error:
                sys.stderr.write(f"{error.message}\n")
                continue
            messages = [*turn.messages, ChatMessage("assistant", turn.text)]


def _as_json(model: Model, loaded: LoadedModel, turn: Turn) -> dict[str, Any]:
    finished = turn.finished
    assert finished is not None, "answer() always ends with Finished"
    return {
        "text": turn.text,
        "thinking": turn.thinking,
        "model": model.id,
        "finish_reason": finished.finish_reason,
        "usage": asdict(finished.usage),
        "timings": asdict(finished.timings) | {"load_s": loaded.load_s},
        "citations": [asdict(citation) for citation in turn.citations],
        "sources": _sources(turn),
    }


def _sources(turn: Turn) -> list[dict[str, Any]]:
    """The passages that the model was given, in the fields of a citation."""
    fields = ("number", "document", "page", "start", "end", "text", "score")
    return [
        {name: getattr(source, name) for name in fields} | {"verified": verified}
        for source, verified in zip(turn.sources, turn.verified, strict=True)
    ]


def _save(home: Folders, model: Model, options: Namespace, turn: Turn) -> None:
    places = {source.number: source.place for source in turn.sources}
    exchange = Exchange(
        tuple((message.role, message.text) for message in turn.messages),
        turn.text,
        model.id,
        model.name,
        tuple(options.collections),
        asdict(turn.finished) if turn.finished else {},
        tuple(asdict(citation) | {"place": places.get(citation.number, "")} for citation in turn.citations),
        tuple(source | {"place": places[source["number"]]} for source in _sources(turn)),
        turn.unsupported,
    )
    with contextlib.closing(SharedWorker(home)) as worker:
        worker.call("save_exchange", asdict(exchange))
