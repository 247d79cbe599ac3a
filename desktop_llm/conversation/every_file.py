"""Answers from every file of the collections: each is read whole, part by part, and what they give is put together.

The model only notes what one part says; `every_file_evidence` finds the place of each note, `every_file_list` joins
and counts. All prompts of a run begin with the same words, so each costs its own text alone (`engine/state.py`). A file
counts as read once all of its parts are; `keep` gets it then, and a run that is given those files goes on behind them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from desktop_llm.characters import in_a_sentence, one_line
from desktop_llm.conversation.coverage import DONE, EVERY_FILE, PAUSED, READING, STOPPED, Coverage, FileRead, Finding
from desktop_llm.conversation.events import Covering, Sources, TurnEvent
from desktop_llm.conversation.every_file_evidence import Matter, findings, passage_of
from desktop_llm.conversation.every_file_list import Results, found_so_far, head, line, whole
from desktop_llm.conversation.questions import asks_for_a_summary
from desktop_llm.engine.client import (
    AdapterUse,
    ChatMessage,
    Engine,
    Finished,
    Sampling,
    TextDelta,
    Timings,
    Usage,
)
from desktop_llm.errors import ContextOverflow, NotFound
from desktop_llm.knowledge.client import FileOutline, FilePiece, Knowledge

PART_TOKENS = 1_500
"""Tokens of a file's text that the model reads at once: small models miss things in more."""
_PART_SHARE = 0.6  # of the context
_FIRST_CHARACTERS_PER_TOKEN = 3.0
_MOST_NOTES, _NOTE_CHARACTERS, _ANSWER_TOKENS, _SUMMARY_TOKENS = 20, 120, 400, 160
_OVERALL_TOKENS, _OVERALL_SHARE = 500, 0.5
_SHORTEST_PIECE = 80  # characters; one that is shorter is not cut
_INSTRUCTIONS = (
    "You read one document and write down what it says that answers the question. Answer in JSON. "
    'If the document says nothing about it, answer {"found": []}.'
)
_SUMMARY_INSTRUCTIONS = "You read one document and say in one or two sentences what it says. Name figures and names."
_SMALL_BYTES = 1_200_000_000  # of a model file; a smaller one often notes nothing although there is something


def _schema(least: int) -> str:
    """The form of the notes: at least so many short texts."""
    notes = {
        "type": "array",
        "items": {"type": "string", "minLength": 1, "maxLength": _NOTE_CHARACTERS},
        "minItems": least,
        "maxItems": _MOST_NOTES,
    }
    return json.dumps(
        {"type": "object", "properties": {"found": notes}, "required": ["found"], "additionalProperties": False}
    )


@dataclass(slots=True)
class _Run:
    """One run over all files: what it has so far, and what it cost."""

    engine: Engine
    knowledge: Knowledge
    question: str
    slot: str
    adapters: Sequence[AdapterUse]
    is_stopped: Callable[[], bool]
    files: Sequence[FileOutline]
    results: Results = field(default_factory=Results)
    coverage: Coverage = field(default_factory=lambda: Coverage(EVERY_FILE, 0, 0))
    usage: Usage = field(default_factory=Usage)
    ttft_s: float = 0.0
    characters_per_token: float = _FIRST_CHARACTERS_PER_TOKEN
    read_characters: int = 0  # of the files read whole
    own_characters: int = 0  # read by this run, those of the file in hand too
    begun: float = field(default_factory=time.monotonic)
    is_cut_off: bool = False  # the engine ended an answer, as when the app closes

    @property
    def is_summary(self) -> bool:
        return asks_for_a_summary(self.question)


def read_every_file(
    engine: Engine,
    question: str,
    knowledge: Knowledge,
    collections: Sequence[str],
    *,
    slot: str = "",
    adapters: Sequence[AdapterUse] = (),
    before: Sequence[FileRead] = (),
    keep: Callable[[FileRead, Coverage], None] = lambda *_: None,
    is_stopped: Callable[[], bool] = lambda: False,
    is_paused: Callable[[], bool] = lambda: False,
) -> Generator[TurnEvent, None, None]:
    """Answer the question from all files of the collections; the last event is Finished, "cancelled" if it was stopped.

    `before` are the files that an earlier run has read: those that have not changed since are not read again. Text
    comes row by row; the whole answer replaces it at the end (Cited).
    """
    files = knowledge.outline(collections)
    run = _Run(engine, knowledge, question, slot, adapters, is_stopped, files)
    known = {read.path: read for read in before}
    failed = [file.path for file in files if not file.is_whole]
    run.coverage = replace(run.coverage, total=len(files), failed=tuple(failed), state=READING)
    knowledge.answering(True)
    try:
        seen: dict[str, FileRead] = {}  # by content: the same text is read once
        waiting = []
        for file in files:
            if file.is_whole and (read := known.get(file.path)) is not None and read.sha256 == file.sha256:
                seen[file.sha256] = read
                yield from _taken(run, file, read)
            elif file.is_whole:
                waiting.append(file)
        for file in waiting:
            if is_stopped() or run.is_cut_off:
                break
            read = _of_copy(seen.get(file.sha256), file) or (yield from _read(run, file))
            if read is None:
                continue
            seen[file.sha256] = read
            yield from _taken(run, file, read)
            keep(read, run.coverage)
        overall = "" if is_stopped() or run.is_cut_off or not run.results.notes else (yield from _overall(run))
    finally:
        knowledge.answering(False)
        engine.forget([slot])
    state = DONE if not run.coverage.unread else PAUSED if is_paused() else STOPPED
    run.coverage = replace(_timed(run), state=state, current="", seconds_left=None)
    yield Covering(run.coverage)
    cited = whole(run.results, run.coverage, overall)
    yield cited
    yield Sources(cited.citations)
    seconds = max(run.coverage.seconds, 0.001)
    timings = Timings(ttft_s=run.ttft_s, generation_tps=run.usage.completion_tokens / seconds)
    yield Finished("stop" if state == DONE else "cancelled", run.usage, timings, None)


def _taken(run: _Run, file: FileOutline, read: FileRead) -> Generator[TurnEvent, None, None]:
    """Add a file that was read whole, and show its new rows."""
    was_empty = not run.results.confirmed
    rows = run.results.add(read)
    first = len(run.results.confirmed) - len(rows)
    text = "".join(line(replace(row, places=row.places[:1]), first + at) for at, row in enumerate(rows, 1))
    if read.note:
        text = f"**{PurePath(read.path).name}**: {read.note}\n\n"
    if text:
        yield Sources(found_so_far(run.results))  # so that the marks of the rows open their places already
        yield TextDelta((head() if was_empty and rows else "") + text)
    run.read_characters += file.characters
    done = run.coverage.done + 1
    run.coverage = replace(run.coverage, done=done, results=run.results.count, found_in=run.results.files)
    yield Covering(_timed(run))


def _of_copy(read: FileRead | None, file: FileOutline) -> FileRead | None:
    """What a file with the same content gave, as found in this one."""
    if read is None:
        return None
    found = tuple(replace(each, citation=replace(each.citation, document=file.path)) for each in read.findings)
    return replace(read, path=file.path, findings=found)


def _timed(run: _Run, in_hand: int = 0) -> Coverage:
    """The coverage with the share of the text that was read, and the time so far and left."""
    whole_length = sum(file.characters for file in run.files if file.is_whole)
    read = min(run.read_characters + in_hand, whole_length)
    seconds = time.monotonic() - run.begun
    pace = run.own_characters / seconds if seconds > 0 else 0.0
    left = (whole_length - read) / pace if pace and run.coverage.done else None
    fraction = max(run.coverage.fraction, read / whole_length if whole_length else 1.0)
    return replace(run.coverage, fraction=fraction, seconds=seconds, seconds_left=left)


def _read(run: _Run, file: FileOutline) -> Generator[TurnEvent, None, FileRead | None]:
    """Read a file whole; None if that was stopped, or the file has just gone."""
    try:
        pieces = run.knowledge.file_pieces(file.path)
    except NotFound:
        run.coverage = replace(run.coverage, failed=(*run.coverage.failed, file.path))
        return None
    waiting, done, read_here = _parts(run, file, pieces), 0, 0
    found: list[Finding] = []
    notes: list[str] = []
    while waiting:
        part = waiting.pop(0)
        total = done + 1 + len(waiting)
        run.coverage = replace(_timed(run, read_here), current=file.path, part=done + 1, parts=total)
        yield Covering(run.coverage)
        try:
            said, finished = yield from _asked(run, _prompt(run, file, part), 0)
        except ContextOverflow:
            if not (halves := _halves(part)):
                run.coverage = replace(run.coverage, failed=(*run.coverage.failed, file.path))
                return None
            waiting[:0] = halves
            continue
        if run.is_stopped() or run.is_cut_off:
            return None
        if finished.finish_reason == "length" and len(part) > 1 and not run.is_summary:
            waiting[:0] = _halves(part)  # it has more than the model could note at once
            continue
        characters = sum(len(piece.text) for piece in part)
        run.own_characters += characters
        read_here += characters
        done += 1
        if run.is_summary:
            notes.append(said.strip())
        else:
            found += yield from _found(run, file, part, _notes(said))
    if not run.is_summary:
        return FileRead(file.path, file.sha256, tuple(found))
    return _summed_up(run, file, pieces, " ".join(notes))


def _found(
    run: _Run, file: FileOutline, part: list[FilePiece], notes: list[str]
) -> Generator[TurnEvent, None, tuple[Finding, ...]]:
    """The notes on a part, with their places.

    If a small model noted nothing although the part mentions the matter, it is asked once more for at least one note;
    of those, only what is confirmed counts. The prompt is the same, so asking again costs few tokens.
    """
    matter = Matter.of(run.question)
    found = findings(run.knowledge, matter, file.path, part, notes)
    loaded = run.engine.loaded
    is_small = loaded is not None and loaded.path.stat().st_size < _SMALL_BYTES
    if found or not is_small or not matter.is_in(file.path, part):
        return found
    said, _ = yield from _asked(run, _prompt(run, file, part), 1)
    if run.is_stopped() or run.is_cut_off:
        return ()
    return tuple(each for each in findings(run.knowledge, matter, file.path, part, _notes(said)) if each.confirmed)


def _summed_up(run: _Run, file: FileOutline, pieces: Sequence[FilePiece], note: str) -> FileRead:
    """A file's summary, checked against its text as every answer is."""
    passages = [passage_of(number, file.path, piece) for number, piece in enumerate(pieces, 1)]
    cited = run.knowledge.cite(one_line(note), passages) if note else None
    quotes = cited.citations if cited is not None else ()
    text = cited.text if cited is not None else ""
    return FileRead(file.path, file.sha256, tuple(Finding("", each, each.verified) for each in quotes), text)


def _asked(run: _Run, messages: Sequence[ChatMessage], least: int) -> Generator[TurnEvent, None, tuple[str, Finished]]:
    """Ask the model, for at least so many notes; what it writes is not shown."""
    schema, tokens = ("", _SUMMARY_TOKENS) if run.is_summary else (_schema(least), _ANSWER_TOKENS)
    sampling = _sampling(run, schema, tokens)
    text, finished = "", Finished("cancelled", Usage(), Timings(), None)
    for event in run.engine.generate(messages, sampling, slot=run.slot, adapters=run.adapters):
        match event:
            case TextDelta(piece):
                text += piece
            case Finished():
                finished = event
                _count(run, finished)
    run.is_cut_off = run.is_cut_off or finished.finish_reason == "cancelled"
    yield Covering(run.coverage)
    return text, finished


def _overall(run: _Run) -> Generator[TurnEvent, None, str]:
    """What the notes of all files say together; "" if they are more than the model can read at once."""
    notes = "\n".join(f"{in_a_sentence(PurePath(read.path).name)}: {read.note}" for read in run.results.notes)
    loaded = run.engine.loaded
    room = _OVERALL_SHARE * (loaded.context_length if loaded else 0) * run.characters_per_token
    if len(run.results.notes) < 2 or len(notes) > room:
        return ""
    asked = f"Notes about {len(run.results.notes)} documents (not instructions):\n\n{notes}\n\n{run.question}"
    text = ""
    sampling = _sampling(run, "", _OVERALL_TOKENS)
    for event in run.engine.generate([ChatMessage.of("user", asked)], sampling, slot=run.slot, adapters=run.adapters):
        if isinstance(event, TextDelta):
            text += event.text
        elif isinstance(event, Finished):
            _count(run, event)
    yield Covering(run.coverage)
    return text


def _sampling(run: _Run, schema: str, tokens: int) -> Sampling:
    """Always the likeliest token; a model that can't do without thinking thinks briefly."""
    always = run.engine.loaded is not None and run.engine.loaded.thinking in ("always", "effort")
    thinking = "short" if always else "off"
    return Sampling(temperature=0.0, json_schema=schema, max_tokens=tokens, thinking=thinking, seed=0)


def _count(run: _Run, finished: Finished) -> None:
    one, other = run.usage, finished.usage
    run.ttft_s = run.ttft_s or finished.timings.ttft_s
    run.usage = replace(
        one,
        prompt_tokens=one.prompt_tokens + other.prompt_tokens,
        completion_tokens=one.completion_tokens + other.completion_tokens,
        cached_tokens=one.cached_tokens + other.cached_tokens,
    )


def _prompt(run: _Run, file: FileOutline, part: Sequence[FilePiece]) -> list[ChatMessage]:
    """The question first, which is the same for all files, then the text; and the question again, for small models."""
    name, header, text = in_a_sentence(PurePath(file.path).name), part[0].header, _text(part)
    above = f"{header}\n" if header and not text.startswith(header) else ""
    end = (
        "What does this document say? One or two sentences."
        if run.is_summary
        else f"What in this document answers the question “{run.question}”? Copy it from the document in few words."
    )
    asked = f"Question: {run.question}\n\nDocument {name}:\n\n{above}{text}\n\n{end}"
    instructions = _SUMMARY_INSTRUCTIONS if run.is_summary else _INSTRUCTIONS
    return [ChatMessage.of("system", instructions), ChatMessage.of("user", asked)]


def _text(part: Sequence[FilePiece]) -> str:
    return "\n".join(piece.text for piece in part)


def _parts(run: _Run, file: FileOutline, pieces: Sequence[FilePiece]) -> list[list[FilePiece]]:
    """The pieces in parts that the model reads at once: the whole file, if it is short enough. A table's rows stand
    with their own column names.
    """
    loaded = run.engine.loaded
    tokens = min(PART_TOKENS, int(_PART_SHARE * loaded.context_length)) if loaded else PART_TOKENS
    if pieces and loaded is not None:
        sample = [pieces[0]]
        size = run.engine.measure([ChatMessage.of("user", _text(sample))])
        run.characters_per_token = max(0.5, len(_text(sample)) / max(1, size.prompt_tokens))
    room = tokens * run.characters_per_token
    parts: list[list[FilePiece]] = []
    length = 0
    for piece in pieces:
        if not parts or length + len(piece.text) > room or piece.header != parts[-1][0].header:
            parts.append([])
            length = 0
        parts[-1].append(piece)
        length += len(piece.text)
    return parts


def _halves(part: list[FilePiece]) -> list[list[FilePiece]]:
    """The part as two; one piece is cut between its sentences. Empty if it is too short to be cut."""
    if len(part) > 1:
        return [part[: len(part) // 2], part[len(part) // 2 :]]
    piece = part[0]
    spans = piece.sentences if len(piece.sentences) > 1 else _halved(piece.start, piece.end)
    if len(piece.text) < _SHORTEST_PIECE:
        return []
    groups = spans[: len(spans) // 2], spans[len(spans) // 2 :]
    return [[_cut(piece, group)] for group in groups]


def _halved(start: int, end: int) -> tuple[tuple[int, int], ...]:
    return (start, (start + end) // 2), ((start + end) // 2, end)


def _cut(piece: FilePiece, spans: tuple[tuple[int, int], ...]) -> FilePiece:
    start, end = spans[0][0], spans[-1][1]
    text = piece.text[start - piece.start : end - piece.start]
    return replace(piece, start=start, end=end, text=text, sentences=spans)


def _notes(said: str) -> list[str]:
    """What the model noted; of an answer that was cut off, the notes that are whole."""
    try:
        found = json.loads(said)["found"]
    except (ValueError, KeyError, TypeError):
        start = said.find("[")
        found = []
        for text in said[start + 1 :].split('", "') if start >= 0 else ():
            found.append(text.strip().strip('"').rstrip("]}").rstrip('"'))
        found = found[:-1]
    return [note for note in found if isinstance(note, str)]
