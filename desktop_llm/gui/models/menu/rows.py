"""The list of the model menu: its models, their order, and how their rows are painted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFontMetrics

from desktop_llm.gui.look import theme
from desktop_llm.gui.look.formats import plain
from desktop_llm.gui.look.list_rows import RowDelegate, RowList, RowPainter
from desktop_llm.gui.look.model_words import fit_line, fit_mark, fit_tip, model_name, size_word
from desktop_llm.gui.look.widgets.painting import draw_box
from desktop_llm.models.library import Model
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.models.fit import Forecast

RowAction = Literal["", "get_again", "show_file", "look"]

MOST_RECENT = 3
_ROW_HEIGHT, _HEADING_HEIGHT = 50, 30
_LEFT, _RIGHT = 34, 10


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model in the menu; `forecast` is None until it is known."""

    model: Model
    forecast: Forecast | None = None
    chosen: bool = False

    @property
    def key(self) -> str:
        """The model's id."""
        return self.model.id

    @property
    def title(self) -> str:
        """The model's name."""
        return model_name(self.model)

    @property
    def tip(self) -> str:
        """The name and quantization; any fault, or the forecast; and the place of the file."""
        lines = [f"{self.title} {self.model.quantization}".strip()]
        if self.model.state != "ok":
            lines.append(self.explained())
        elif self.forecast is not None:
            lines.append(fit_tip(self.forecast))
        return "\n".join([*lines, str(self.model.path)])

    @property
    def usable(self) -> bool:
        """Whether it can be loaded: its file is here, not damaged, and this version can open it."""
        return self.model.state in ("ok", "changed")

    @property
    def action(self) -> RowAction:
        """The action that helps if the model can't be loaded."""
        if self.usable:
            return ""
        if self.model.repo and self.model.state != "unsupported":
            return "get_again"
        return "look" if self.model.state == "missing" else "show_file"

    def line(self) -> str:
        """The second line: any fault in a few words, or size, speed and layers."""
        if self.model.state != "ok":
            return _state_words(self.model.state) or plain(self.model.reason)
        return fit_line(self.model.size_bytes, self.forecast)

    def explained(self) -> str:
        """The second line, with the whole reason if something is wrong."""
        return plain(self.model.explanation) or self.line() if self.model.state != "ok" else self.line()

    def spoken(self) -> str:
        """The row as text for a screen reader."""
        parts = [f"{self.title} {size_word(self.model.quantization)}".strip(), self.model.app]
        parts.append(self.explained())
        if self.usable and self.forecast is not None:
            parts.append(fit_mark(self.forecast.fit).text)
        if self.chosen:
            parts.append(tr("chosen"))
        if self.action:
            parts.append(action_word(self.action))
        return ", ".join(part for part in parts if part)


class ModelList(RowList[ModelRow]):
    """Recent models and all others below their headings."""

    def __init__(self) -> None:
        super().__init__("model_menu_list", tr("Models on this computer"))
        line = self.fontMetrics().height()
        self._delegate = _Delegate(self, max(_ROW_HEIGHT, line * 2 + 12), max(_HEADING_HEIGHT, line + 10))
        self.setItemDelegate(self._delegate)

    def step(self, by: int) -> bool:
        """Move to the next (1) or previous (-1) model; from none, to the first. Returns False if there is none."""
        keys = [row.key for row in self.content.rows()]
        current = self.current_key()
        at = keys.index(current) + by if current else min(by, 0)
        if not 0 <= at < len(keys):
            return False
        self.setCurrentIndex(self.content.index_of(keys[at]))
        if at == 0:
            self.scrollToTop()  # the heading above the first one belongs to it
        return True

    def wanted_height(self) -> int:
        """The height of all rows."""
        return sum(self._delegate.height_of(entry) for entry in self.content.entries)


class _Delegate(RowDelegate[ModelRow]):
    """Paints a row: a tick or warning, the name and tags, the second line, and a pill or button at the end."""

    def paint_row(self, painter: RowPainter, row: ModelRow, *, chosen: bool) -> None:
        """Paint two lines beside the pill or button at the end."""
        place = painter.row
        icon = "alert" if not row.usable else "check" if row.chosen else ""
        if icon:
            ink = "danger_text" if icon == "alert" else "accent_text"
            painter.icon(QRect(place.x() + 10, place.y(), 16, place.height()), icon, ink)
        middle, end = place.center().y(), place.right() + 1 - _RIGHT
        taken = 0
        if row.action:
            taken = _paint_button(painter, end, middle, action_word(row.action)) + 8
        elif row.forecast is not None and row.usable:
            taken = painter.pill(end, middle - 1, fit_mark(row.forecast.fit)) + 8
        room = place.width() - _LEFT - _RIGHT - taken
        tags = [word for word in (size_word(row.model.quantization), plain(row.model.app)) if word]
        painter.name(QRect(place.x() + _LEFT, middle - 18, room, 20), row.title, tags)
        ink = "text_secondary" if row.model.state == "ok" else "danger_text"
        painter.words(QRect(place.x() + _LEFT, middle + 1, room, 18), row.line(), "small", ink)


def _paint_button(painter: RowPainter, end: int, middle: int, words: str) -> int:
    """Paint an outlined button that ends before `end`; a click anywhere in the row presses it. Returns its width."""
    font, colour = theme.current().font("small_strong"), theme.current().colour
    width = QFontMetrics(font).horizontalAdvance(words) + 20
    box = painter.side(QRect(end - width, middle - 12, width, 26))
    draw_box(painter.painter, box, 6, colour("surface"), colour("border"))
    painter.painter.setFont(font)
    painter.painter.setPen(colour("text_primary"))
    painter.painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
    return width


def grouped(
    models: Sequence[Model], query: str, *, chosen: str, forecasts: Mapping[str, Forecast]
) -> list[ModelRow | str]:
    """The models that match every word of the query: recently used ones first, then the others."""
    words = query.casefold().split()
    found = [model for model in models if all(word in _text_of(model) for word in words)]
    used = sorted((model for model in found if model.used_at is not None), key=_last_used, reverse=True)
    recent = [] if words else used[:MOST_RECENT]
    rest = [model for model in found if model not in recent]
    rest.sort(key=lambda model: (model.starter, model_name(model).casefold(), model.size_bytes))
    entries: list[ModelRow | str] = []
    for heading, group in ((tr("Recent"), recent), (tr("All models"), rest)):
        if group:
            entries.append(heading)
            entries += [ModelRow(model, forecasts.get(model.id), model.id == chosen) for model in group]
    return entries


def action_word(action: RowAction) -> str:
    """The text on the button of a row."""
    return {
        "": "",
        "get_again": tr("Get it again"),
        "show_file": tr("Show file"),
        "look": tr("Show"),
    }[action]


def _state_words(state: str) -> str:
    return {
        "missing": tr("The file is not there any more."),
        "damaged": tr("The file is damaged."),
        "unsupported": tr("This version can't open it."),
        "changed": tr("The file was changed since it was checked."),
    }.get(state, "")


def _text_of(model: Model) -> str:
    words = f"{model.display_name} {model.id} {model.quantization} {size_word(model.quantization)} {model.architecture}"
    return f"{words} {model.app}".casefold()


def _last_used(model: Model) -> float:
    return model.used_at or 0.0
