"""The screens of pictures: in the composer in every state, in messages, shown large, and with a blind model."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from desktop_llm.gui.build import Wiring
from desktop_llm.gui.chat.transcript.picture_strip import PictureButton
from tests.engine.seeing_models import seeing_model


def photo(path: Path, size: tuple[int, int] = (1_600, 1_200)) -> Path:
    """A wall with a damp spot, in soft light."""
    width, height = size
    picture = Image.new("RGB", size)
    draw = ImageDraw.Draw(picture)
    for y in range(height):
        light = 1 - 0.3 * y / height
        draw.line([(0, y), (width, y)], fill=tuple(round(part * light) for part in (216, 208, 190)))
    for step in range(24, 0, -1):
        reach = step / 24
        middle = (width * 0.42 + 30 * math.sin(step), height * 0.45 + 24 * math.cos(step * 2))
        shade = round(150 - 60 * (1 - reach))
        box = (middle[0] - width * 0.24 * reach, middle[1] - height * 0.3 * reach)
        end = (middle[0] + width * 0.24 * reach, middle[1] + height * 0.3 * reach)
        draw.ellipse([*box, *end], fill=(shade, shade - 14, shade - 40))
    draw.rectangle([0, height * 0.86, width, height], fill=(120, 100, 78))
    picture.save(path, quality=92)
    return path


class PictureScreens:
    """Walks through everything that has to do with pictures; `save` takes a screen, `until` waits, `send` asks."""

    def __init__(
        self,
        wiring: Wiring,
        save: Callable[[str], None],
        until: Callable[[Callable[[], object], float], None],
        send: Callable[[str], None],
    ) -> None:
        self.wiring, self.save, self.until, self.send = wiring, save, until, send

    def walk(self) -> None:
        """All stops."""
        with tempfile.TemporaryDirectory() as folder:
            self.composer(Path(folder))
            self.message()
            self.large()
            self.blind()

    def composer(self, folder: Path) -> None:
        model, _ = seeing_model(folder)
        self.before = self.wiring.models.model
        self.wiring.pages.models_room.local.import_files([str(model)])
        self.until(lambda: self.wiring.models.find("seeing-f32"), 60)
        self.wiring.models.use("seeing-f32")
        self.until(lambda: self.wiring.models.in_memory is not None, 60)
        self.wiring.commands.new()
        self.wiring.show_page("chats")
        self.wiring.conversations.change(sampling={"max_tokens": 40})
        wall = photo(folder / "Kitchen_wall.jpg")
        floor = photo(folder / "Kitchen_floor.jpg", (4_032, 3_024))
        broken = folder / "Kitchen_window.heic"
        broken.write_bytes(b"\0\0\0\x18ftypheic" + bytes(64))
        self.wiring.attachments.add([str(wall), str(floor), str(broken)])
        self.until(self._is_read, 60)
        self.wiring.chats.composer.editor.setPlainText("And this damp spot: who has to pay for it?")
        self.save("pictures-composer")

    def message(self) -> None:
        for shown in list(self.wiring.chats.composer._pictures):
            if shown.state == "failed" or "floor" in shown.name:
                self.wiring.chats.composer.picture_removed.emit(shown.key)
        self.send("Is this damp spot mine to pay for? The landlord says that it was not there when I moved in.")
        self.wiring.chats.transcript.verticalScrollBar().setValue(0)
        self.save("pictures-message")

    def large(self) -> None:
        self.wiring.window.findChildren(PictureButton)[0].click()
        self.until(lambda: not self.wiring.pictures._viewer._image.isNull(), 30)
        self.save("pictures-large")
        QTest.keyClick(self.wiring.pictures._viewer, Qt.Key.Key_Escape)

    def blind(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.wiring.attachments.add([str(photo(Path(folder) / "Kitchen_wall.jpg"))])
            self.until(self._is_read, 60)
        if self.before is not None:
            self.wiring.models.use(self.before.id)
            self.until(lambda: self.wiring.models.in_memory is not None, 120)
        self.save("pictures-blind")
        for shown in list(self.wiring.chats.composer._pictures):
            self.wiring.chats.composer.picture_removed.emit(shown.key)

    def _is_read(self) -> bool:
        return all(shown.state != "reading" for shown in self.wiring.chats.composer._pictures)
