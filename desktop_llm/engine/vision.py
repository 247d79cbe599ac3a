"""Pictures for the model: its projector turns each into embeddings, which stand in the context like tokens.

In a prompt's list of tokens, a picture's places are negative numbers made from its content. So the lists of two prompts
are equal as far as their text and pictures are, and whatever compares prompts need not know about pictures. The places
of one piece of a picture all have the same number; they are processed together and kept together.

The projector is opened when a picture first needs it: it may take a gigabyte, and most chats have no picture.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop_llm.engine.log import EngineLog
from desktop_llm.engine.native import bindings, multimodal
from desktop_llm.engine.picture_marks import content_of, mark_of
from desktop_llm.errors import Cancelled, ModelFileError, UserError
from desktop_llm.picture_files import MAX_BYTES, size_of
from desktop_llm.words import tr

_TEXT = 0  # mtmd_input_chunk_type
_ABORTED = 2  # llama_decode was stopped by the abort callback
_NODES_AT_ONCE = 16  # how often the encoder looks whether it was stopped
_LARGEST = 0x7FFFFFFF


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a picture that is encoded and processed as one: the how manieth it is, and what it takes."""

    content: str
    index: int
    tokens: int
    positions: int

    @property
    def number(self) -> int:
        """The number that stands in its places."""
        digest = hashlib.sha256(f"{self.content} {self.index}".encode()).digest()
        return -1 - int.from_bytes(digest[:4], "little") % _LARGEST


class Vision:
    """The eyes of one loaded model; lives as long as the model, and is used by the worker's one thread."""

    def __init__(self, model: Any, projector: Path, *, threads: int, on_gpu: bool, batch_tokens: int) -> None:
        self._model, self._projector = model, projector
        self._threads, self._on_gpu, self._batch_tokens = threads, on_gpu, batch_tokens
        self._context: Any = None
        self._files: dict[str, Path] = {}  # the picture's file by its content
        self._seen: dict[tuple[Path, int, int], str] = {}
        self._tokens: dict[str, list[int]] = {}
        self._pieces: dict[int, _Piece] = {}
        self._cancelled: threading.Event | None = None
        self._nodes = 0
        self._callback: Any = None
        self._log = EngineLog()
        self._log_callback = self._log.callback(bindings())

    def mark(self, path: Path) -> str:
        """The mark for the picture in this file, which must be a copy of the app's own; raises UserError."""
        try:
            status = path.stat()
            stamp = (path, status.st_size, status.st_mtime_ns)
            if stamp not in self._seen:
                self._seen[stamp] = hashlib.sha256(_read(path)).hexdigest()
        except OSError as error:
            raise _gone(path) from error
        content = self._seen[stamp]
        self._files[content] = path
        return mark_of(content)

    def tokens_of(self, mark: str) -> list[int]:
        """What stands in a prompt for the picture with this mark: its places, and tokens that the model wants around
        it. Raises ModelFileError if the projector can't be opened.
        """
        content = content_of(mark)
        if content not in self._tokens:
            self._tokens[content] = self._counted(content)
        return self._tokens[content]

    def places_at(self, tokens: Sequence[int], start: int) -> int:
        """The number of places of the piece of a picture that begins at `start`; 0 if there is none."""
        piece = self._pieces.get(tokens[start]) if tokens[start] < 0 else None
        return piece.tokens if piece is not None else 0

    def whole(self, tokens: Sequence[int], count: int) -> int:
        """The largest number up to `count` at which no piece of a picture is cut."""
        if not 0 < count < len(tokens) or tokens[count] >= 0:
            return count
        first = count
        while first and tokens[first - 1] == tokens[count]:
            first -= 1
        size = self.places_at(tokens, first)
        return first + (count - first) // size * size if size else first

    def positions(self, tokens: Sequence[int]) -> int:
        """The position that follows these tokens, which cut no picture: with M-RoPE, one takes fewer positions than
        places.
        """
        if self._context is None or not multimodal().mtmd_decode_use_mrope(self._context):
            return len(tokens)  # this is asked for each token
        seen = self._pieces.keys() & set(tokens)
        pieces = [(self._pieces[number], tokens.count(number)) for number in seen]
        return len(tokens) - sum(count // piece.tokens * (piece.tokens - piece.positions) for piece, count in pieces)

    def process(
        self, context: Any, tokens: Sequence[int], start: int, position: int, sequence: int, cancelled: threading.Event
    ) -> int:
        """Encode the piece that begins at `start` and decode it in this sequence; returns its number of places.

        Raises Cancelled if it was stopped; then nothing of it may count as processed.
        """
        native, piece = multimodal(), self._pieces[tokens[start]]
        with self._chunks(piece.content, placeholder=False) as chunks:
            chunk = [each for each in _each(chunks) if native.mtmd_input_chunk_get_type(each) != _TEXT][piece.index]
            self._cancelled = cancelled
            status = native.mtmd_encode_chunk(self._opened(), chunk)
            if cancelled.is_set():
                raise Cancelled
            if status == 0:
                after = ctypes.c_int32(0)
                status = native.mtmd_helper_decode_image_chunk(
                    self._opened(),
                    context,
                    chunk,
                    native.mtmd_get_output_embd(self._opened()),
                    position,
                    sequence,
                    self._batch_tokens,
                    ctypes.byref(after),
                    native.mtmd_helper_post_decode_callback(),
                    None,
                )
        if status == _ABORTED or cancelled.is_set():
            raise Cancelled
        if status != 0:
            raise UserError(
                tr("The engine could not look at this picture (code {status}).", status=status),
                tr("Nothing was lost. Try again, or send the message without the picture."),
            )
        return piece.tokens

    def _counted(self, content: str) -> list[int]:
        native, tokens, pieces = multimodal(), list[int](), 0
        with self._chunks(content, placeholder=True) as chunks:
            for chunk in _each(chunks):
                if native.mtmd_input_chunk_get_type(chunk) == _TEXT:
                    count = ctypes.c_size_t(0)
                    text = native.mtmd_input_chunk_get_tokens_text(chunk, ctypes.byref(count))
                    tokens += text[: count.value]
                    continue
                places = int(native.mtmd_input_chunk_get_n_tokens(chunk))
                piece = _Piece(content, pieces, places, int(native.mtmd_input_chunk_get_n_pos(chunk)))
                self._pieces[piece.number] = piece
                tokens += [piece.number] * places
                pieces += 1
        return tokens

    @contextmanager
    def _chunks(self, content: str, *, placeholder: bool) -> Iterator[Any]:
        """The picture cut as the model wants it; a placeholder has no pixels and is enough for counting."""
        native, path = multimodal(), self._files[content]
        try:
            data = _read(path)
        except OSError as error:
            raise _gone(path) from error
        if size_of(data) is None:
            raise UserError(
                tr("{name} is not a picture the app can read.", name=path.name),
                tr("Nothing was lost. Take it out of the message, and send it again."),
            )
        context = self._opened()
        buffer = (ctypes.c_uint8 * len(data)).from_buffer_copy(data)
        bitmap = native.mtmd_helper_bitmap_init_from_buf(context, buffer, len(data), placeholder)
        chunks = native.mtmd_input_chunks_init()
        try:
            marker = native.mtmd_default_marker()
            text = native.mtmd_input_text(marker, len(marker), False, True)
            bitmaps = (ctypes.c_void_p * 1)(bitmap)
            if not bitmap or native.mtmd_tokenize(context, chunks, ctypes.byref(text), bitmaps, 1) != 0:
                raise UserError(
                    tr("The model can't use the picture {name}.", name=path.name),
                    tr("Nothing was lost. Take it out of the message, and send it again."),
                )
            yield chunks
        finally:
            native.mtmd_input_chunks_free(chunks)
            if bitmap:
                native.mtmd_bitmap_free(bitmap)

    def _opened(self) -> Any:
        """The projector; raises ModelFileError if it can't be opened or belongs to another model."""
        if self._context is None:
            native = multimodal()
            settings = native.mtmd_context_params_default()
            settings.use_gpu, settings.print_timings, settings.warmup = self._on_gpu, False, False
            settings.n_threads = self._threads
            callback_type = type(settings.cb_eval)
            settings.cb_eval = self._callback = callback_type(self._on_node)
            native.mtmd_helper_log_set(self._log_callback, None)
            context = native.mtmd_init_from_file(os.fsencode(self._projector), self._model, settings)
            if not context or not native.mtmd_support_vision(context):
                raise ModelFileError(
                    tr("{name} does not fit this model, so it can't see pictures.", name=self._projector.name),
                    tr("Nothing was lost. Get the model again with its own projector, or send the text alone."),
                    details="\n".join(self._log.warnings),
                )
            self._context = context
        return self._context

    def _on_node(self, _tensor: int | None, asks: bool, _data: int | None) -> bool:
        """Called before each step of the encoder ("asks": whether to be called after it too) and after some."""
        if asks:
            self._nodes += 1
            return self._nodes % _NODES_AT_ONCE == 0
        return self._cancelled is None or not self._cancelled.is_set()


def _each(chunks: Any) -> Iterator[Any]:
    native = multimodal()
    return (native.mtmd_input_chunks_get(chunks, index) for index in range(native.mtmd_input_chunks_size(chunks)))


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES)


def _gone(path: Path) -> UserError:
    return UserError(
        tr("The picture {name} can't be read.", name=path.name),
        tr("Nothing was lost. Add it again, or take it out of the message."),
    )
