"""The Models page: the models on this computer, and adding a GGUF file to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import QMimeData, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.documents.words import number, size
from desktop_llm.gui.model_card import ModelCard
from desktop_llm.gui.remove_model import RemoveModelDialog
from desktop_llm.gui.scrolled import scrolled_column
from desktop_llm.gui.widgets import Action, Banner, EmptyState, Label, PrimaryButton, SearchField, Spinner
from desktop_llm.gui.widgets.painting import RING_MARGIN, draw_box
from desktop_llm.models.library import Model

NoticeKind = Literal["danger", "success"]


class ModelsPage(QWidget):
    """Signals: `add_requested`; `files_dropped` with paths; `use_requested`, `remove_requested` with an id;
    `show_file_requested` with a path."""

    add_requested = Signal()
    files_dropped = Signal(list)
    use_requested = Signal(str)
    remove_requested = Signal(str)
    show_file_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("models_page")
        self.setAccessibleName(self.tr("Models"))
        self.setAcceptDrops(True)
        self._models: tuple[Model, ...] = ()
        self._cards: dict[str, ModelCard] = {}
        self._in_use = ""
        self._notice: Banner | None = None
        self._empty: EmptyState | None = None
        self._dragging = False
        self.search = SearchField(self.tr("Search models on this computer"), object_name="models_search")
        self.search.setMaximumWidth(320)
        self._add = PrimaryButton(self.tr("Add a GGUF file…"), "plus", object_name="models_add")
        self._summary = Label("", "small", "text_secondary", object_name="models_summary")
        self._busy_spinner, self._busy = Spinner(), Label("", "ui", "text_secondary", object_name="models_busy")
        self._list = QVBoxLayout()
        self._lay_out()
        self._add.clicked.connect(self._on_add)
        self.search.textChanged.connect(self._on_search)
        self.set_busy("")
        self.set_models(())

    def set_models(self, models: Sequence[Model]) -> None:
        """Show these; a card that is there already stays where it is."""
        self._models = tuple(models)
        wanted = {model.id: model for model in models}
        for model_id in [known for known, card in self._cards.items() if wanted.get(known) != card.model]:
            card = self._cards.pop(model_id)
            self._list.removeWidget(card)
            card.setParent(None)
            card.deleteLater()
        for place, model in enumerate(models):
            if model.id not in self._cards:
                self._cards[model.id] = self._card(model)
                self._list.insertWidget(place, self._cards[model.id])
        self._filter()

    def set_in_use(self, model_id: str | None) -> None:
        """Mark the model that the next message goes to."""
        self._in_use = model_id or ""
        for key, card in self._cards.items():
            card.set_in_use(key == self._in_use)

    def set_busy(self, words: str) -> None:
        """Say what is going on ("Adding …"); empty when it is over."""
        self._busy.setText(words)
        self._busy.setVisible(bool(words))
        self._busy_spinner.setVisible(bool(words))
        self._add.setEnabled(not words)
        self._add.setToolTip(words)

    def set_notice(self, title: str, text: str, kind: NoticeKind = "danger") -> None:
        """Say how something ended, until it is dismissed or the next thing ends."""
        self._remove_notice()
        banner = Banner(
            title,
            text,
            (Action("dismiss", self.tr("Dismiss"), kind="quiet"),),
            kind="danger" if kind == "danger" else "info",
            icon="" if kind == "danger" else "check",
            object_name="models_notice",
        )
        banner.action_triggered.connect(self._on_notice_action)
        self._notice = banner
        self._notices.addWidget(banner)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, -RING_MARGIN, 0)  # the button's box ends where the cards do
        head.setSpacing(12)
        head.addWidget(self.search, 1)
        head.addStretch(1)
        head.addWidget(self._busy_spinner)
        head.addWidget(self._busy)
        head.addWidget(self._add)
        self._notices = QVBoxLayout()
        self._list.setSpacing(8)
        column = scrolled_column(self, theme.current().length("column", "page_max"))
        column.setSpacing(12)
        column.addLayout(head)
        column.addLayout(self._notices)
        column.addWidget(self._summary)
        column.addLayout(self._list)
        column.addStretch(1)
        hint = self.tr("A model is one GGUF file. Drop it here to add it.")
        column.addWidget(Label(hint, "small", "text_secondary", wrap=True, object_name="models_hint"))

    def _card(self, model: Model) -> ModelCard:
        card = ModelCard(model)
        card.set_in_use(model.id == self._in_use)
        card.use_requested.connect(self.use_requested)
        card.show_file_requested.connect(self.show_file_requested)
        card.remove_requested.connect(self._on_remove)
        return card

    def _filter(self) -> None:
        words = self.search.text().casefold().split()
        shown = [model for model in self._models if all(word in _text_of(model) for word in words)]
        ids = {model.id for model in shown}
        for model_id, card in self._cards.items():
            card.setVisible(model_id in ids)
        total = size(sum(model.size_bytes for model in shown))
        count = self.tr("1 model") if len(shown) == 1 else self.tr("{count} models").format(count=number(len(shown)))
        self._summary.setText(self.tr("{count} on this computer, {size}").format(count=count, size=total))
        self._summary.setVisible(bool(shown))
        self._show_empty(bool(words) and not shown)

    def _show_empty(self, empty: bool) -> None:
        if self._empty is not None:
            self._list.removeWidget(self._empty)
            self._empty.setParent(None)
            self._empty.deleteLater()
            self._empty = None
        if empty:
            text = self.tr("No model on this computer matches “{query}”.").format(query=self.search.text().strip())
            self._empty = EmptyState("search", self.tr("Nothing found"), text, object_name="models_empty")
            self._list.addWidget(self._empty)

    def _remove_notice(self) -> None:
        if self._notice is not None:
            self._notices.removeWidget(self._notice)
            self._notice.setParent(None)
            self._notice.deleteLater()
            self._notice = None

    def _on_notice_action(self, _name: str) -> None:
        self._remove_notice()

    def _on_add(self) -> None:
        self.add_requested.emit()

    def _on_search(self, _text: str) -> None:
        self._filter()

    def _on_remove(self, model_id: str) -> None:
        model = next(model for model in self._models if model.id == model_id)
        dialog = RemoveModelDialog(self, model)
        dialog.confirmed.connect(self.remove_requested)
        dialog.open()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """GGUF files can be dropped here; anything else is the window's."""
        if _gguf_paths(event.mimeData()):
            event.acceptProposedAction()
            self._set_dragging(True)
        else:
            event.ignore()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """They left again."""
        self._set_dragging(False)
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Add them."""
        self._set_dragging(False)
        event.acceptProposedAction()
        self.files_dropped.emit(_gguf_paths(event.mimeData()))

    def _set_dragging(self, dragging: bool) -> None:
        self._dragging = dragging
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The frame that says "here" while files are over the page."""
        if self._dragging:
            painter, colour = QPainter(self), theme.current().colour
            draw_box(painter, self.rect().adjusted(8, 8, -8, -8), 10, colour("accent_soft"), colour("accent"), 2)
            painter.end()


def _text_of(model: Model) -> str:
    return f"{model.display_name} {model.id} {model.quantization} {model.architecture} {model.kind}".casefold()


def _gguf_paths(data: QMimeData) -> list[str]:
    paths = [url.toLocalFile() for url in data.urls() if url.isLocalFile()]
    return [path for path in paths if path.lower().endswith(".gguf")]
