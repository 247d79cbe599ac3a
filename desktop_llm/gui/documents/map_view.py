"""The map of a collection: the picture at the left, a question and the topics at the right, what is pointed at on a
card.

Everything in the picture can be reached from the list beside it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from desktop_llm.gui.documents.map_canvas import MapCanvas
from desktop_llm.gui.look import formats, theme
from desktop_llm.gui.look.widgets import Action, Button, ElidedLabel, EmptyState, IconButton, Label, SearchField
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.knowledge.client import CollectionMap, FoundOnMap, Topic
from desktop_llm.message import Citation
from desktop_llm.words import plural, tr

_Index = QModelIndex | QPersistentModelIndex
_ROW_HEIGHT = 50

FEWEST = 30
"""Below so many passages the knowledge room draws no map."""
_EXCERPT = 220
_CARD_WIDTH = 300
_GAP = 14


class MapCard(QWidget):
    """The passage that is pointed at: its file, its page, its first words."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._room = parent
        set_names(self, "map_card", tr("The passage pointed at"))
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFixedWidth(_CARD_WIDTH)
        self._name = ElidedLabel("", "ui_strong", mode=Qt.TextElideMode.ElideMiddle, object_name="map_card_name")
        self._place = Label("", "small", "text_secondary", object_name="map_card_place")
        self._text = Label("", "small", wrap=True, object_name="map_card_text")
        self._foot = Label(tr("Enter or a click opens it"), "small", "text_secondary")
        top = QHBoxLayout()
        top.addWidget(self._name, 1)
        top.addWidget(self._place)
        column = QVBoxLayout(self)
        column.setContentsMargins(13, 10, 13, 10)
        column.setSpacing(6)
        column.addLayout(top)
        column.addWidget(self._text)
        column.addWidget(self._foot)
        repaint_on_theme(self)
        self.hide()

    def show_passage(self, passage: Citation, point: QPoint, keep_clear: Sequence[QPoint]) -> None:
        """Show a passage beside a point of the parent, at the side at which it hides the fewest other points."""
        self._name.set_text(formats.file_name(passage.document))
        page = tr("page {number}", number=passage.page) if passage.page is not None else formats.plain(passage.place)
        self._place.setText(page[:24])
        words = " ".join(formats.plain(passage.text).split())
        self._text.setText(words[:_EXCERPT] + ("…" if len(words) > _EXCERPT else ""))
        self.adjustSize()
        self.move(min(self._places(point), key=lambda place: self._hidden(place, keep_clear)))
        self.show()
        self.raise_()

    def _places(self, point: QPoint) -> list[QPoint]:
        """The top left corners of the card at the right, the left, below and above a point, within the parent."""
        wide, high = self.width(), self.height()
        corners = (
            (_GAP, -high // 2),
            (-_GAP - wide, -high // 2),
            (-wide // 2, _GAP),
            (-wide // 2, -_GAP - high),
        )
        right, bottom = self._room.width() - wide - 8, self._room.height() - high - 8
        return [QPoint(max(8, min(right, point.x() + x)), max(8, min(bottom, point.y() + y))) for x, y in corners]

    def _hidden(self, place: QPoint, points: Sequence[QPoint]) -> int:
        box = QRect(place, self.size()).adjusted(-_GAP, -_GAP, _GAP, _GAP)
        return sum(box.contains(point) for point in points)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the card's ground."""
        painter, colour = QPainter(self), theme.current().colour
        draw_box(painter, self.rect(), 8, colour("surface_raised"), colour("border"))
        painter.end()


class MapView(QWidget):
    """Signals: `wanted` when the map is to be drawn (again); `asked` with a question; `pointed` with the chunk whose
    passage the card is to show; `passage_activated` with a passage to open.
    """

    wanted = Signal()
    asked = Signal(str)
    pointed = Signal(int)
    opened = Signal(int)
    passage_activated = Signal(Citation)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("map_view")
        self._map: CollectionMap | None = None
        self._found: Sequence[FoundOnMap] = ()
        self._pointed = -1
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self._make_picture())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._stack, 1)
        column.addLayout(self._make_foot())
        self._empty: EmptyState | None = None

    def clear(self) -> None:
        """Forget the map of another collection."""
        self._map = None
        self._question.clear()
        self._say("map", tr("Placing the passages"), tr("Near will mean alike."), ())

    def is_drawn(self) -> bool:
        """Whether there is a map to be seen."""
        return self._map is not None

    def show_map(self, shown: CollectionMap, documents: int) -> None:
        """Show a map of a collection with so many documents."""
        self._map, self._found = shown, ()
        self._card.hide()
        if not shown.chunks:
            few = tr("Fewer than {least} passages: too few for a map.", least=FEWEST)
            self._say("map", few, tr("Add more documents and it is drawn by itself."), ())
            return
        self._canvas.show_map(shown)
        self._fill_topics()
        outside = sum(label < 0 for label in shown.labels)
        self._note.setText(
            plural("%n passage in no topic.", "%n passages in no topic.", outside)
            + " "
            + tr("Near means alike; far says little.")
        )
        self._about.setText(_about(shown, documents))
        self._stack.setCurrentIndex(0)

    def show_error(self, text: str) -> None:
        """Say why there is no map."""
        self._map = None
        again = Action("again", tr("Draw again"), "retry")
        self._say("warn", tr("The map could not be drawn."), text, (again,))

    def show_found(self, found: Sequence[FoundOnMap]) -> None:
        """Light what a question found."""
        if self._map is None:
            return
        self._found = found
        places = {chunk: place for place, chunk in enumerate(self._map.chunks)}
        lit = [places.get(each.chunk, -1) for each in found]
        self._canvas.show_found(lit)
        self._fill_topics(lit)
        files = len({each.passage.document for each in found})
        passages = plural("%n passage found", "%n passages found", len(found))
        self._result.setText(
            tr("Nothing found") if not found else f"{passages}, {plural('in %n file', 'in %n files', files)}"
        )
        self._result.show()

    def show_passage(self, chunk: int, passage: Citation | None) -> None:
        """Show a passage on the card, if it is still pointed at."""
        if self._map is None or passage is None or self._pointed < 0 or self._map.chunks[self._pointed] != chunk:
            return
        point = self._canvas.at(self._pointed).toPoint()
        self._card.show_passage(passage, point, [point, *self._canvas.pins()])

    def _make_picture(self) -> QWidget:
        whole = QWidget()
        self._canvas = MapCanvas(whole)
        self._canvas.pointed.connect(self._on_pointed)
        self._canvas.opened.connect(self._on_opened)
        self._canvas.question_left.connect(self._on_question_left)
        self._card = MapCard(self._canvas)
        tools = QVBoxLayout(self._canvas)
        tools.setContentsMargins(0, 12, 12, 0)
        tools.setSpacing(0)
        self._zoom_in = IconButton("zoomin", tr("Zoom in"), tr("Zoom in (+)"), object_name="map_zoom_in")
        self._zoom_out = IconButton("zoomout", tr("Zoom out"), tr("Zoom out (−)"), object_name="map_zoom_out")
        self._whole = IconButton("target", tr("Show all"), tr("Show all (0)"), object_name="map_fit")
        self._zoom_in.clicked.connect(self._on_zoom_in)
        self._zoom_out.clicked.connect(self._on_zoom_out)
        self._whole.clicked.connect(self._canvas.fit)
        for button in (self._zoom_in, self._zoom_out, self._whole):
            tools.addWidget(button, 0, Qt.AlignmentFlag.AlignRight)
        tools.addStretch(1)
        row = QHBoxLayout(whole)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(16)
        row.addWidget(self._canvas, 1)
        row.addWidget(self._make_side())
        return whole

    def _make_side(self) -> QWidget:
        side = QWidget()
        side.setFixedWidth(264)
        self._question = SearchField(tr("Ask, to see what is found"), object_name="map_question")
        self._question.search_changed.connect(self._on_question)
        self._result = Label("", "small_strong", object_name="map_result")
        self._result.hide()
        head = Label(tr("Topics, named by their words"), "small", "text_secondary")
        self._topics = TopicList()
        self._topics.chosen.connect(self._canvas.show_topic)
        self._note = Label("", "small", "text_secondary", wrap=True, object_name="map_note")
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for widget in (self._question, self._result, head):
            column.addWidget(widget)
        column.addWidget(self._topics, 1)
        column.addWidget(self._note)
        return side

    def _make_foot(self) -> QHBoxLayout:
        self._about = Label("", "small", "text_secondary", object_name="map_about")
        self._about.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._again = Button(tr("Draw again"), "retry", kind="quiet", object_name="map_again")
        self._again.clicked.connect(self.wanted)
        row = QHBoxLayout()
        row.setContentsMargins(0, 6, 0, 8)
        row.addWidget(self._about, 1)
        row.addWidget(self._again)
        return row

    def _say(self, icon: str, title: str, text: str, actions: tuple[Action, ...]) -> None:
        """Show words in place of the picture."""
        if self._empty is not None:
            self._stack.removeWidget(self._empty)
            self._empty.deleteLater()
        self._empty = EmptyState("layers" if icon == "map" else icon, title, text, actions, object_name="map_empty")
        self._empty.action_triggered.connect(self._on_empty_action)
        self._stack.addWidget(self._empty)
        self._stack.setCurrentWidget(self._empty)
        self._about.setText("")

    def _fill_topics(self, lit: Sequence[int] = ()) -> None:
        assert self._map is not None
        found = [self._map.labels[place] for place in lit if place >= 0]
        self._topics.show_topics(self._map.topics, [found.count(at) for at in range(len(self._map.topics))])

    def _on_pointed(self, place: int) -> None:
        self._pointed = place
        self._card.hide()
        if place < 0 or self._map is None:
            return
        chunk = self._map.chunks[place]
        known = next((each.passage for each in self._found if each.chunk == chunk), None)
        if known is not None:
            self.show_passage(chunk, known)
        else:
            self.pointed.emit(chunk)

    def _on_opened(self, place: int) -> None:
        if self._map is not None:
            self.opened.emit(self._map.chunks[place])

    def _on_question(self, text: str) -> None:
        if question := text.strip():
            self.asked.emit(question)
        else:
            self._forget_question()

    def _on_question_left(self) -> None:
        self._question.clear()
        self._forget_question()

    def _forget_question(self) -> None:
        self._found = ()
        self._result.hide()
        self._canvas.show_found(())
        if self._map is not None:
            self._fill_topics()

    def _on_zoom_in(self) -> None:
        self._canvas.zoom(1)

    def _on_zoom_out(self) -> None:
        self._canvas.zoom(-1)

    def _on_empty_action(self, _action: str) -> None:
        self.wanted.emit()


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    passages: str
    facts: str


class TopicRows(QStyledItemDelegate):
    """Paints a topic: its name and the number of its passages, its files below."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: _Index) -> QSize:
        """Two lines."""
        return QSize(160, _ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Paint one topic; the chosen one has a bar at its left."""
        row: _Row = index.data(Qt.ItemDataRole.UserRole)
        look, state, box = theme.current(), option.state, option.rect
        chosen, over = bool(state & QStyle.StateFlag.State_Selected), bool(state & QStyle.StateFlag.State_MouseOver)
        if chosen or over:
            draw_box(painter, box.adjusted(0, 1, 0, -1), 6, look.colour("selected" if chosen else "hover"))
        if chosen:
            draw_box(painter, QRect(box.left(), box.top() + 8, 3, box.height() - 16), 1, look.colour("accent"))
        inside = box.adjusted(12, 6, -10, -6)
        painter.setFont(look.font("ui"))
        painter.setPen(look.colour("text_secondary"))
        painter.drawText(inside, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight, row.passages)
        width = inside.width() - painter.fontMetrics().horizontalAdvance(row.passages) - 8
        painter.setPen(look.colour("text_primary"))
        name = painter.fontMetrics().elidedText(row.name, Qt.TextElideMode.ElideRight, width)
        painter.drawText(inside, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, name)
        painter.setFont(look.font("small"))
        painter.setPen(look.colour("text_secondary"))
        painter.drawText(inside, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft, row.facts)


class TopicList(QListWidget):
    """The topics, largest first. Signal: `chosen` with the place of a topic, -1 if none is chosen any more."""

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "map_topics", tr("Topics"))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setItemDelegate(TopicRows(self))
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.itemSelectionChanged.connect(self._on_selection)

    def show_topics(self, topics: Sequence[Topic], found: Sequence[int]) -> None:
        """Show topics with how many passages a question found in each; the chosen one stays chosen."""
        row = self.currentRow() if self.selectedItems() else -1
        self.blockSignals(True)
        self.clear()
        for topic, lit in zip(topics, found, strict=True):
            files = plural("%n file", "%n files", topic.files)
            facts = f"{files}, {tr('{count} found', count=lit)}" if lit else files
            shown = _Row(formats.plain(topic.name), formats.number(topic.passages), facts)
            item = QListWidgetItem(f"{shown.name}, {plural('%n passage', '%n passages', topic.passages)}, {facts}")
            item.setData(Qt.ItemDataRole.UserRole, shown)
            self.addItem(item)
        if 0 <= row < self.count():
            self.setCurrentRow(row)
        self.blockSignals(False)
        self._on_selection()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc chooses none."""
        if event.key() == Qt.Key.Key_Escape and self.selectedItems():
            self.clearSelection()
        else:
            super().keyPressEvent(event)

    def _on_selection(self) -> None:
        self.chosen.emit(self.currentRow() if self.selectedItems() else -1)


def _about(shown: CollectionMap, documents: int) -> str:
    passages = plural("%n passage", "%n passages", len(shown.chunks))
    of = tr("{passages} of {documents}", passages=passages, documents=formats.documents(documents))
    if len(shown.chunks) < shown.total:
        return tr("{shown}: an even sample of {total}.", shown=of, total=formats.number(shown.total))
    return f"{of}."
