"""The pictures of the open chat: those of the message being written, those in messages, and the one shown large."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QBuffer, QObject, QSize
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from desktop_llm.chats.records import StoredMessage
from desktop_llm.conversation.open_chat import OpenChat
from desktop_llm.engine.client import ChatMessage, Engine, LoadedModel
from desktop_llm.errors import UserError
from desktop_llm.gui.chat.composer import Composer
from desktop_llm.gui.chat.picture_chip import THUMB, ShownPicture
from desktop_llm.gui.chat.picture_viewer import PictureViewer
from desktop_llm.gui.chat.transcript import Transcript
from desktop_llm.gui.look.formats import file_name, number
from desktop_llm.gui.look.pictures import read_picture
from desktop_llm.gui.look.widgets import Action
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.resources import Resources
from desktop_llm.message import Image, Text
from desktop_llm.models.library import Model
from desktop_llm.pictures.client import Picture
from desktop_llm.words import plural, tr

_IN_MESSAGE = QSize(640, 480)  # twice the largest size in a message, for dense screens
_LANE = "pictures"


@dataclass(frozen=True, slots=True)
class _Written:
    """A picture of a message being written; `picture` is None while it is read, and if it can't be."""

    key: str
    name: str
    picture: Picture | None = None
    failed: str = ""
    tokens: int = 0
    image: QImage | None = None


class ChatPictures(QObject):
    """Takes pictures in for the message being written, and shows those of messages. Each chat has its own."""

    def __init__(
        self,
        resources: Resources,
        models: ChosenModelController,
        composer: Composer,
        transcript: Transcript,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._resources, self._models = resources, models
        self._composer, self._transcript = composer, transcript
        self._chat: OpenChat | None = None
        self._written: tuple[_Written, ...] = ()
        self._before_edit: tuple[_Written, ...] | None = None
        self._left: list[tuple[OpenChat, tuple[_Written, ...]]] = []  # of chats that are not open
        self._keys = itertools.count(1)
        self._viewer = PictureViewer(window)
        composer.picture_pasted.connect(self.add_image)
        composer.picture_removed.connect(self.remove)
        composer.eyes_requested.connect(self._on_eyes)
        transcript.picture_wanted.connect(self._on_wanted)
        transcript.picture_activated.connect(self._on_activated)
        self._viewer.picture_wanted.connect(self._on_large_wanted)
        models.chosen.connect(self._show)
        models.loaded.connect(self._on_loaded)
        models.listed.connect(self._show)

    def open(self, chat: OpenChat) -> None:
        """Show the pictures of this chat's unsent message."""
        self.leave_edit()
        if self._chat is not None and self._written:
            self._left.append((self._chat, self._written))
        self._chat = chat
        self._written = next((written for left, written in self._left if left.same(chat)), ())
        self._left = [(left, written) for left, written in self._left if not left.same(chat)]
        self._show()

    def add(self, paths: Iterable[str]) -> None:
        """Take these files in."""
        for path in paths:
            self._take(file_name(path), functools.partial(self._resources.pictures.take, Path(path)))

    def add_image(self, image: QImage) -> None:
        """Take in a picture from the clipboard."""
        if not image.isNull():
            name = f"{tr('Pasted picture')}.png"
            self._take(name, functools.partial(_encode_and_take, self._resources, image, name))

    def remove(self, key: str) -> None:
        """Take a picture out of the message being written."""
        self._written = tuple(each for each in self._written if each.key != key)
        self._show()

    def take_out(self) -> tuple[str, ...]:
        """The paths of the pictures to send; they are no longer being written about."""
        paths = tuple(str(each.picture.path) for each in self._written if each.picture is not None)
        self._written, self._before_edit = self._before_edit or (), None
        self._show()
        return paths

    def edit(self, paths: Sequence[str]) -> None:
        """Show the pictures of a message that is edited; those of the draft come back afterwards."""
        if self._before_edit is None:
            self._before_edit = self._written
        self._written = ()
        self.put_back(paths)
        self._show()

    def leave_edit(self) -> None:
        """Show the draft's pictures again."""
        if self._before_edit is not None:
            self._written, self._before_edit = self._before_edit, None
            self._show()

    def put_back(self, paths: Sequence[str]) -> None:
        """Show pictures of a message that was not sent after all, or that is written anew."""
        known = {str(each.picture.path) for each in self._written if each.picture is not None}
        for path in paths:
            if path not in known:
                self._take(file_name(path), functools.partial(_found, self._resources, path))

    # --- the message being written --------------------------------------------------------------------------------

    def _take(self, name: str, work: Callable[[], Picture]) -> None:
        key = str(next(self._keys))
        self._written = (*self._written, _Written(key, name))
        self._show()
        self._resources.tasks.call(
            functools.partial(_with_thumb, work),
            functools.partial(self._on_taken, key),
            functools.partial(self._on_refused, key),
            lane=_LANE,
        )

    def _on_taken(self, key: str, taken: tuple[Picture, QImage]) -> None:
        picture, image = taken
        self._change(key, lambda each: replace(each, name=picture.name, picture=picture, image=image))
        self._count(key, picture)

    def _on_refused(self, key: str, error: UserError) -> None:
        self._change(key, lambda each: replace(each, failed=error.message))

    def _change(self, key: str, change: Callable[[_Written], _Written]) -> None:
        """Change a picture, in whatever chat it is being written about."""
        self._written = tuple(change(each) if each.key == key else each for each in self._written)
        self._left = [
            (chat, tuple(change(each) if each.key == key else each for each in written)) for chat, written in self._left
        ]
        self._show()

    def _count(self, key: str, picture: Picture) -> None:
        """Have the chosen model count the picture's tokens, if it is in memory; it is never loaded for that."""
        engine, loaded = self._models.engine, self._models.in_memory
        if engine is not None and loaded is not None and loaded.sees_pictures:
            self._resources.tasks.call(
                functools.partial(_tokens_of, engine, picture),
                lambda tokens: self._change(key, lambda each: replace(each, tokens=tokens)),
                lambda _: None,  # sending will say why
                lane=_LANE,
            )

    def _on_loaded(self, loaded: LoadedModel | None) -> None:
        for each in self._written:
            if each.picture is not None and not each.tokens and loaded is not None:
                self._count(each.key, each.picture)
        self._show()

    def _show(self, _: object = None) -> None:
        blind = self._models.model is not None and self._models.model.projector is None
        shown = [_shown(each, blind=blind) for each in self._written]
        if not blind or not any(each.state != "failed" for each in shown) or self._models.model is None:
            self._composer.set_pictures(shown)
            return
        words = tr("{model} cannot see pictures. The picture is kept.", model=self._models.model.display_name)
        seeing = self._seeing()
        use = [Action("use", tr("Use {model}", model=seeing.display_name))] if seeing is not None else []
        self._composer.set_pictures(shown, words, (*use, Action("text", tr("Send text only"))))

    def _seeing(self) -> Model | None:
        """The model on this computer that sees pictures, the one used last if there are several."""
        seeing = [model for model in self._models.models if model.projector is not None and model.state == "ok"]
        return max(seeing, key=lambda model: model.used_at or 0.0, default=None)

    def _on_eyes(self, action: str) -> None:
        if action == "text":
            self._composer.submit()
        elif (seeing := self._seeing()) is not None:
            self._models.use(seeing.id)

    # --- the pictures of messages -----------------------------------------------------------------------------------

    def _on_wanted(self, path: str) -> None:
        self._resources.tasks.call(
            functools.partial(read_picture, path, _IN_MESSAGE),
            functools.partial(self._transcript.set_picture, path),
            lane=_LANE,
        )

    def _on_activated(self, paths: tuple[str, ...], at: int) -> None:
        self._viewer.show_pictures(paths, at)

    def _on_large_wanted(self, path: str) -> None:
        self._resources.tasks.call(
            functools.partial(read_picture, path), functools.partial(self._viewer.set_picture, path), lane=_LANE
        )


def pictures_of(message: StoredMessage) -> tuple[str, ...]:
    """The paths of a stored message's pictures."""
    return tuple(part.path for part in message.parts if isinstance(part, Image))


def _shown(written: _Written, *, blind: bool) -> ShownPicture:
    image = written.image or QImage()
    if written.failed:
        return ShownPicture(written.key, written.name, "failed", written.failed)
    if written.picture is None:
        return ShownPicture(written.key, written.name, "reading", tr("Reading"))
    width, height = written.picture.size
    size: str = tr("{width} × {height}", width=number(width), height=number(height))
    if written.picture.shrunk:
        before, after = (number(max(edges)) for edges in (written.picture.original, written.picture.size))
        size = tr("Made smaller: {before} to {after} pixels", before=before, after=after)
    if written.tokens:
        size = f"{size}, {plural('%n token', '%n tokens', written.tokens)}"
    return ShownPicture(written.key, written.name, "ready", size, blind, image)


def _with_thumb(work: Callable[[], Picture]) -> tuple[Picture, QImage]:
    picture = work()
    return picture, read_picture(str(picture.path), THUMB * 4)


def _encode_and_take(resources: Resources, image: QImage, name: str) -> Picture:
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    image.save(buffer, b"PNG")
    return resources.pictures.take_bytes(bytes(buffer.data().data()), name)


def _found(resources: Resources, path: str) -> Picture:
    if (picture := resources.pictures.find(path)) is None:
        raise UserError(tr("The picture {name} is gone.", name=file_name(path)), tr("Add it again."))
    return picture


def _tokens_of(engine: Engine, picture: Picture) -> int:
    with_it, without = (
        engine.measure([ChatMessage("user", (*shown, Text("?")))]).prompt_tokens
        for shown in ((Image(str(picture.path)),), ())
    )
    return with_it - without
