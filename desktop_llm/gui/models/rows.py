"""The rows of the Models page: a model or a repository on two lines, and their list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect
from PySide6.QtGui import QFontMetrics

from desktop_llm.gui.look import theme
from desktop_llm.gui.look.formats import moment, plain, size
from desktop_llm.gui.look.list_rows import RowDelegate, RowList, RowPainter
from desktop_llm.gui.look.model_words import base_word, fit_mark, model_name, size_word
from desktop_llm.gui.look.widgets.labels import Mark
from desktop_llm.gui.models import hub_words
from desktop_llm.models.hub import HubModel
from desktop_llm.models.library import Model
from desktop_llm.words import tr

if TYPE_CHECKING:
    from desktop_llm.gui.models.find.discovery import FoundModel
    from desktop_llm.models.fit import Forecast
    from desktop_llm.models.fit.catalog import Recommendation

_HEADING_HEIGHT, _ROW_HEIGHT, _PADDING = 32, 54, 12
_ICON, _GAP = 14, 4
# Models that are not for chat; their pill says what they are for, not how well they fit.
_NO_CHAT = ("feature-extraction", "sentence-similarity", "text-ranking")


@dataclass(frozen=True, slots=True)
class TwoLineRow:
    """Title with tag, lock and pill above; words and small facts (icon or "", text) below."""

    key: str
    title: str
    second: str = ""
    tag: str = ""
    mark: Mark | None = None
    facts: tuple[tuple[str, str], ...] = ()
    locked: bool = False
    tip: str = ""

    def spoken(self) -> str:
        """The whole row as text for a screen reader."""
        parts = (self.title, self.tag, self.second, *(text for _, text in self.facts), self.mark and self.mark.text)
        return ", ".join(part for part in parts if part)


class TwoLineList(RowList[TwoLineRow]):
    """A list of the Models page."""

    def __init__(self, object_name: str, accessible_name: str) -> None:
        super().__init__(object_name, accessible_name)
        line = QFontMetrics(theme.current().font("ui")).height()
        self.setItemDelegate(_Delegate(self, max(_ROW_HEIGHT, line * 2 + 16), max(_HEADING_HEIGHT, line + 12)))


class _Delegate(RowDelegate[TwoLineRow]):
    edge, hover, indent, drop = 8, "hover_sidebar", _PADDING, 6

    def paint_row(self, painter: RowPainter, row: TwoLineRow, *, chosen: bool) -> None:
        """Paint the title, tag, lock and pill, and the words and facts below."""
        place = painter.row.adjusted(_PADDING, 8, -_PADDING, -8)
        half = place.height() // 2
        title = QRect(place.x(), place.y(), place.width(), half)
        right = place.right() + 1
        if row.mark is not None:
            right -= painter.pill(right, title.center().y(), row.mark) + 8
        if row.locked:
            painter.icon(QRect(right - _ICON, title.y(), _ICON, half), "lock", "text_secondary", _ICON)
            right -= _ICON + 6
        painter.name(QRect(title.x(), title.y(), right - title.x(), half), row.title, [row.tag] if row.tag else [])
        self._paint_second(painter, row, QRect(place.x(), place.y() + half, place.width(), half))

    def _paint_second(self, painter: RowPainter, row: TwoLineRow, place: QRect) -> None:
        metrics = QFontMetrics(theme.current().font("small"))
        right = place.right() + 1
        for icon, text in reversed(row.facts):
            width = metrics.horizontalAdvance(text)
            painter.words(QRect(right - width, place.y(), width + 1, place.height()), text, "small", "text_secondary")
            right -= width + _GAP
            if icon:
                painter.icon(QRect(right - _ICON, place.y(), _ICON, place.height()), icon, "text_secondary", 13)
                right -= _ICON
            right -= 10
        room = right - place.x()
        if room > 24:
            painter.words(QRect(place.x(), place.y(), room, place.height()), row.second, "small", "text_secondary")


def found_row(found: FoundModel) -> TwoLineRow:
    """A repository of the hub; its key is its id."""
    model = found.model
    mark = fit_mark(found.forecast.fit) if found.forecast is not None else None
    if model.task in _NO_CHAT:
        mark = Mark(tr("Embedding") if model.task != "text-ranking" else tr("Ranking"))
    facts = []
    if model != HubModel(model.repo):  # otherwise only the name is known, as it was never opened
        facts = [("download", hub_words.amount(model.downloads)), ("heart", hub_words.amount(model.likes))]
    if model.license:
        facts.append(("", hub_words.licence(model.license)))
    return TwoLineRow(
        model.repo,
        hub_words.repository_title(model.repo),
        plain(model.author),
        mark=mark,
        facts=tuple(facts),
        locked=model.gated,
    )


def recommended_row(key: str, recommendation: Recommendation) -> TwoLineRow:
    """A model of the catalogue."""
    return TwoLineRow(
        key,
        plain(recommendation.name),
        plain(recommendation.title),
        tag=size_word(recommendation.quantization),
        mark=fit_mark(recommendation.forecast.fit),
        facts=(("", size(recommendation.size_bytes)),),
    )


def local_row(model: Model, *, in_use: bool = False, forecast: Forecast | None = None, base: str = "") -> TwoLineRow:
    """A model on this computer, or an adapter for `base`; its key is "local " and its id."""
    about = [size(model.size_bytes), origin_word(model)]
    if model.adapter is not None:
        about = [base_word(base), tr("rank {rank}", rank=model.adapter.rank), size(model.size_bytes)]
    return TwoLineRow(
        f"local {model.id}",
        model_name(model),
        ", ".join(filter(None, about)),
        tag=size_word(model.quantization) if model.kind != "adapter" else "",
        mark=_local_mark(model, forecast, in_use=in_use),
        facts=(("", moment(model.used_at)),) if model.used_at is not None else (),
    )


def origin_word(model: Model) -> str:
    """The origin of the model in words."""
    own = {
        "starter": tr("came with this app"),
        "imported": tr("added from a file"),
        "pulled": "Hugging Face",
        "folder": tr("a folder of yours"),
    }
    return own.get(model.origin) or model.app


def _local_mark(model: Model, forecast: Forecast | None, *, in_use: bool) -> Mark | None:
    states = {
        "missing": Mark(tr("Missing"), "danger", "alert"),
        "damaged": Mark(tr("Damaged"), "danger", "alert"),
        "unsupported": Mark(tr("Not supported"), "danger", "alert"),
        "changed": Mark(tr("Changed"), "warning", "warn"),
    }
    if model.state != "ok":
        return states[model.state]
    if in_use:
        return Mark(tr("In use"), "success", "check")
    if forecast is not None:
        return fit_mark(forecast.fit)
    kinds = {"embedding": Mark(tr("Embedding")), "reranker": Mark(tr("Reranker")), "adapter": Mark(tr("Adapter"))}
    return kinds.get(model.kind)
