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

from desktop_llm import cli, settings
from desktop_llm.answer import Cited, Sources, answer
from desktop_llm.chats.saving import Exchange, save_exchange
from desktop_llm.chats.store import ChatStore
from desktop_llm.commands.documents import knowledge
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
from desktop_llm.errors import BadRequest
from desktop_llm.instance import Owner, OwnersWorker
from desktop_llm.knowledge.client import Citation, Knowledge, Passage
from desktop_llm.models.library import Library, Model
from desktop_llm.paths import Folders


@dataclass(slots=True)
class Turn:
    """One answer as it comes."""

    text: str = ""
    thinking: str = ""
    finished: Finished | None = None
    citations: tuple[Citation, ...] = ()
    sources: tuple[Passage, ...] = ()
    messages: list[ChatMessage] = field(default_factory=list)


def run_chat(options: Namespace, home: Folders) -> None:
    """Answer the prompt, or chat until the end of input when there is none and this is a terminal."""
    prompt = _prompt(options)
    messages = _earlier(options)
    with _session(options, home) as (engine, documents, model, loaded):
        if prompt is None:
            _converse(options, engine, documents, messages)
            return
        turn = _turn(options, engine, documents, [*messages, ChatMessage("user", prompt)])
        if options.save:
            _save(home, model, options, turn)
    if options.json:
        cli._print_json(_as_json(model, loaded, turn))


def run_bench(options: Namespace, home: Folders) -> dict[str, Any]:
    """The median of `--repeat` runs, each in a fresh process so that loading counts."""
    model = _model(Library(home), options.model)
    runs = []
    for _ in range(options.repeat):
        with contextlib.closing(Engine(home)) as engine:
            cli._drain(engine.load(model.path, LoadSettings(threads=options.threads)), lambda _: "Loading")
            runs.append(engine.bench(prompt_tokens=options.prompt_tokens, tokens=options.tokens))
    return {
        name: statistics.median(run[name] for run in runs) if isinstance(value, int | float) else value
        for name, value in runs[0].items()
    }


def _prompt(options: Namespace) -> str | None:
    if options.prompt == "-" or (options.prompt is None and not sys.stdin.isatty()):
        text = sys.stdin.read()
    elif options.prompt is None:
        if options.json:
            raise BadRequest("--json answers one prompt. Give it as an argument or on stdin.")
        return None
    else:
        text = options.prompt
    if not text.strip():
        raise BadRequest("The message is empty. Write something to ask.")
    return str(text)


def _earlier(options: Namespace) -> list[ChatMessage]:
    messages = [ChatMessage("system", options.system)] if options.system else []
    if options.messages is None:
        return messages
    try:
        rows = json.loads(cli._read_text(options.messages))
        return messages + [ChatMessage(_role(row["role"]), str(row["content"])) for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise BadRequest(
            f'{options.messages} is not a list of messages. It must be JSON like [{{"role": "user", "content": "…"}}].'
        ) from error


def _role(text: str) -> str:
    if text not in ("system", "user", "assistant"):
        raise ValueError(text)
    return text


@contextlib.contextmanager
def _session(options: Namespace, home: Folders) -> Iterator[tuple[Engine, Knowledge | None, Model, LoadedModel]]:
    library, chosen = Library(home), settings.load(home.settings)[0]
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
        loaded = cli._drain(engine.load(model.path, load), lambda step: f"Loading {100 * (step.fraction or 0):.0f} %")
        library.mark_used(model.id)
        yield engine, documents, model, loaded


def _model(library: Library, id: str | None) -> Model:
    model = library.get(id) if id else library.default()
    if model.kind != "chat":
        raise BadRequest(f"{model.id} is not a chat model. `desktop-llm list` shows those that are.")
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
            case Cited(text, citations, _):
                turn.text, turn.citations = text, citations
            case LeftOut(count):
                print(f"The first {count} messages are left out: the model can't keep more in mind.", file=sys.stderr)  # noqa: T201
            case Finished():
                turn.finished = event
    _stream(options, "\n")
    for citation in turn.citations:
        page = f", page {citation.page}" if citation.page is not None else ""
        _stream(options, f"[{citation.number}] {citation.document}{page}: “{' '.join(citation.text.split())}”\n")
    return turn


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


def _converse(options: Namespace, engine: Engine, documents: Knowledge | None, messages: list[ChatMessage]) -> None:
    sys.stderr.write("Write a message and press Enter. Ctrl+D ends the chat.\n")
    while True:
        try:
            text = input("> ")
        except EOFError:
            return
        if text.strip():
            turn = _turn(options, engine, documents, [*messages, ChatMessage("user", text)])
            messages = [*turn.messages, ChatMessage("assistant", turn.text)]


def _as_json(model: Model, loaded: LoadedModel, turn: Turn) -> dict[str, Any]:
    finished = turn.finished
    assert finished is not None, "answer() always ends with Finished"
    fields = ("number", "document", "page", "start", "end", "text", "score")
    return {
        "text": turn.text,
        "thinking": turn.thinking,
        "model": model.id,
        "finish_reason": finished.finish_reason,
        "usage": asdict(finished.usage),
        "timings": asdict(finished.timings) | {"load_s": loaded.load_s},
        "citations": [asdict(citation) for citation in turn.citations],
        "sources": [{name: getattr(source, name) for name in fields} | {"verified": True} for source in turn.sources],
    }


def _save(home: Folders, model: Model, options: Namespace, turn: Turn) -> None:
    exchange = Exchange(
        tuple((message.role, message.text) for message in turn.messages),
        turn.text,
        model.id,
        model.name,
        tuple(options.collections),
        asdict(turn.finished) if turn.finished else {},
    )
    owner = Owner.acquire(home)
    if owner is None:
        OwnersWorker(home).call("save_exchange", asdict(exchange))
        return
    with contextlib.closing(ChatStore(home.chats_db)) as store:
        save_exchange(store, exchange)
    owner.release()
