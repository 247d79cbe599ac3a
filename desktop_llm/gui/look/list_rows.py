"""Lists of rows below headings: the model, the painting and the view shared by the lists of chats and models.

A row is plain data with a key, and a delegate paints it, so that 20,000 rows are as quick as twenty.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.literal import tip_text
from desktop_llm.gui.look.widgets.labels import Mark, paint_pill, paint_tag, pill_width, tag_width
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names

Index = QModelIndex | QPersistentModelIndex

_NO_PARENT = QModelIndex()
_BAR = 3
_OPENING = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
_TEXT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading | Qt.TextFlag.TextSingleLine
# The share of the line kept for the name before tags get any, and the smallest useful width of a tag.
_NAME_PART, _NARROWEST_TAG = 0.6, 48
_TAG_GAP, _TAG_HEIGHT = 8, 18
_MIDDLE = Qt.TextElideMode.ElideMiddle


class Row(Protocol):
    """The data that a list needs of a row."""

    @property
    def key(self) -> str:
        """A unique key, which signals carry."""

    @property
    def title(self) -> str:
        """The row's title."""

    @property
    def tip(self) -> str:
        """The tooltip; empty for none."""

    def spoken(self) -> str:
        """The whole row as text for a screen reader."""


R = TypeVar("R", bound=Row)


class ListRows(QAbstractListModel, Generic[R]):
    """Rows and headings in one sequence; a heading is a string."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.entries: list[R | str] = []
        self._numbers: dict[str, int] = {}

    def set_entries(self, entries: Sequence[R | str]) -> bool:
        """Replace the entries. Returns False if only contents changed and no row was added, removed or moved."""
        same = [_key(entry) for entry in entries] == [_key(entry) for entry in self.entries]
        if not same:
            self.beginResetModel()
        self.entries = list(entries)
        if same and entries:
            self.dataChanged.emit(self.index(0), self.index(len(entries) - 1))
        elif not same:
            self._number_rows()
            self.endResetModel()
        return not same

    def append(self, rows: Sequence[R]) -> None:
        """Add rows at the end."""
        first = len(self.entries)
        if rows:
            self.beginInsertRows(_NO_PARENT, first, first + len(rows) - 1)
            self.entries.extend(rows)
            self._numbers.update({row.key: first + place for place, row in enumerate(rows)})
            self.endInsertRows()

    def replace(self, row: R) -> None:
        """Replace the row with the same key, if there is one."""
        index = self.index_of(row.key)
        if index.isValid():
            self.entries[index.row()] = row
            self.dataChanged.emit(index, index)

    def remove(self, key: str) -> None:
        """Remove the row with this key, if there is one."""
        index = self.index_of(key)
        if index.isValid():
            self.beginRemoveRows(_NO_PARENT, index.row(), index.row())
            del self.entries[index.row()]
            self._number_rows()
            self.endRemoveRows()

    def rows(self) -> list[R]:
        """All rows, without the headings."""
        return [entry for entry in self.entries if not isinstance(entry, str)]

    def row_at(self, index: Index) -> R | None:
        """The row at an index; None for a heading or an invalid index."""
        entry = self.entries[index.row()] if index.isValid() else ""
        return None if isinstance(entry, str) else entry

    def key_at(self, index: Index) -> str:
        """The key of the row at an index; empty for a heading or an invalid index."""
        row = self.row_at(index)
        return row.key if row is not None else ""

    def index_of(self, key: str) -> QModelIndex:
        """The index of a row; invalid if it is not listed."""
        number = self._numbers.get(key)
        return QModelIndex() if number is None else self.index(number)

    def _number_rows(self) -> None:
        self._numbers = {entry.key: place for place, entry in enumerate(self.entries) if not isinstance(entry, str)}

    def rowCount(self, parent: Index = _NO_PARENT) -> int:
        """Rows and headings."""
        return 0 if parent.isValid() else len(self.entries)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Only rows can be selected, not headings."""
        return super().flags(index) if self.row_at(index) is not None else Qt.ItemFlag.NoItemFlags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The title, tooltip or spoken text, or the entry itself for the delegate."""
        entry = self.entries[index.row()]
        match role:
            case Qt.ItemDataRole.UserRole:
                return entry
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.EditRole:
                return entry if isinstance(entry, str) else entry.title
            case Qt.ItemDataRole.AccessibleTextRole:
                return entry if isinstance(entry, str) else entry.spoken()
            case Qt.ItemDataRole.ToolTipRole:
                return None if isinstance(entry, str) or not entry.tip else tip_text(entry.tip)
        return None


class RowPainter:
    """Paints the parts of one row. Places are given for left-to-right text and mirrored in a right-to-left window."""

    def __init__(self, painter: QPainter, row: QRect, direction: Qt.LayoutDirection) -> None:
        self.painter, self.row, self._direction = painter, row, direction

    def side(self, place: QRect) -> QRect:
        """A place of this row, mirrored if need be."""
        return QStyle.visualRect(self._direction, self.row, place)

    def words(
        self,
        place: QRect,
        words: str,
        type_name: str,
        colour: str,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> int:
        """Paint text from the start of a place, shortened to fit; returns the width it took."""
        self.painter.setFont(theme.current().font(type_name))
        self.painter.setPen(theme.current().colour(colour))
        metrics = self.painter.fontMetrics()
        shown = metrics.elidedText(words, mode, place.width())
        width = metrics.horizontalAdvance(shown)
        self.painter.drawText(self.side(QRect(place.x(), place.y(), width + 1, place.height())), _TEXT, shown)
        return width

    def icon(self, place: QRect, name: str, colour: str, size: int = 16) -> None:
        """Paint an icon in the middle of a place."""
        icons.paint_icon(self.painter, name, colour, self.side(place), size)

    def pill(self, right: int, middle: int, mark: Mark) -> int:
        """Paint a pill that ends before `right`, centred on the line `middle`; returns its width."""
        width = pill_width(mark.text, mark.icon)
        paint_pill(self.painter, self.side(QRect(right - width, middle - 9, width, 20)), mark)
        return width

    def name(self, place: QRect, name: str, tags: Sequence[str]) -> None:
        """Paint a model's name followed by tags. If there is too little room, tags are dropped first, then the name is
        cut."""
        full = QFontMetrics(theme.current().font("ui_strong")).horizontalAdvance(name)
        left = place.width() - min(full, round(place.width() * _NAME_PART))  # for the tags
        widths = []
        for tag in tags:
            width = min(tag_width(tag), left - _TAG_GAP)
            if width < min(tag_width(tag), _NARROWEST_TAG):
                break
            widths.append(width)
            left -= width + _TAG_GAP
        room = place.width() - sum(width + _TAG_GAP for width in widths)
        x = place.x() + self.words(
            QRect(place.x(), place.y(), room, place.height()), name, "ui_strong", "text_primary", _MIDDLE
        )
        for tag, width in zip(tags, widths, strict=False):
            box = QRect(x + _TAG_GAP, place.center().y() - _TAG_HEIGHT // 2 + 1, width, _TAG_HEIGHT)
            paint_tag(self.painter, self.side(box), tag)
            x += width + _TAG_GAP


class RowDelegate(QStyledItemDelegate, Generic[R]):
    """Paints headings and the background of rows (hovered, chosen, focused); a subclass paints the contents.

    `edge` pixels at the end of each row stay empty beside the scroll bar; `hover` is the colour under the mouse;
    headings are indented by `indent` pixels and painted `drop` pixels below the middle.
    """

    edge, hover, indent, drop = 0, "hover", 8, 0

    def __init__(self, view: QListView, row_height: int, heading_height: int) -> None:
        super().__init__(view)
        self.row_height, self.heading_height = row_height, heading_height

    def height_of(self, entry: R | str) -> int:
        """The height of a row or a heading in pixels."""
        return self.heading_height if isinstance(entry, str) else self.row_height

    def is_chosen(self, _row: R, option: QStyleOptionViewItem) -> bool:
        """Whether the row is marked with a fill and a bar."""
        return bool(option.state & QStyle.StateFlag.State_Selected)

    def paint_row(self, painter: RowPainter, row: R, *, chosen: bool) -> None:
        """Paint the contents of a row."""
        raise NotImplementedError

    def sizeHint(self, _option: QStyleOptionViewItem, index: Index) -> QSize:
        """The size of a row or heading; all rows have the same height."""
        return QSize(160, self.height_of(index.data(Qt.ItemDataRole.UserRole)))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one row or heading."""
        entry: R | str = index.data(Qt.ItemDataRole.UserRole)
        place = QStyle.visualRect(option.direction, option.rect, option.rect.adjusted(0, 0, -self.edge, 0))
        row_painter = RowPainter(painter, place, option.direction)
        painter.save()
        if isinstance(entry, str):
            inside = place.adjusted(self.indent, self.drop, -self.indent, 0)
            row_painter.words(inside, entry, "small_strong", "text_tertiary")
        else:
            chosen = self.is_chosen(entry, option)
            self._paint_ground(row_painter, option, chosen=chosen)
            self.paint_row(row_painter, entry, chosen=chosen)
        painter.restore()

    def _paint_ground(self, painter: RowPainter, option: QStyleOptionViewItem, *, chosen: bool) -> None:
        colour, row = theme.current().colour, painter.row
        if chosen or option.state & QStyle.StateFlag.State_MouseOver:
            draw_box(painter.painter, row, 6, colour("selected" if chosen else self.hover))
        if chosen:
            bar = QRect(row.x(), row.y() + 8, _BAR, row.height() - 16)
            draw_box(painter.painter, painter.side(bar), 1.5, colour("accent"))
        if option.state & QStyle.StateFlag.State_HasFocus:
            draw_box(painter.painter, row, 6, None, colour("focus_ring"), 2)


class RowList(QListView, Generic[R]):
    """Signals with the key of a row: `opened` on a click, Enter or Space; `moved` when the person moves to another
    row."""

    opened = Signal(str)
    moved = Signal(str)

    def __init__(self, object_name: str, accessible_name: str, content: ListRows[R] | None = None) -> None:
        super().__init__()
        set_names(self, object_name, accessible_name)
        self._filling = False  # the rows changed; the person did not move
        self.content: ListRows[R] = ListRows(self) if content is None else content
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.viewport().setAutoFillBackground(False)
        self.setModel(self.content)
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        repaint_on_theme(self)

    def set_entries(self, entries: Sequence[R | str]) -> bool:
        """Show these entries, keeping the scroll position and the current row. Returns whether rows were added, removed
        or moved."""
        current, at = self.current_key(), self.verticalScrollBar().value()
        self._filling = True
        delegate = self.itemDelegate()
        one_height = isinstance(delegate, RowDelegate) and delegate.row_height == delegate.heading_height
        self.setUniformItemSizes(one_height or not any(isinstance(entry, str) for entry in entries))  # much quicker
        moved = self.content.set_entries(entries)
        if moved:
            self._go_to(current)
            if at:
                self.doItemsLayout()
                self.verticalScrollBar().setValue(at)
        self._filling = False
        return moved

    def select(self, key: str) -> None:
        """Make a row current without sending a signal; with an unknown key no row is current."""
        self._filling = True
        self._go_to(key)
        self._filling = False
        self.viewport().update()

    def current_key(self) -> str:
        """The key of the current row; empty if there is none."""
        return self.content.key_at(self.currentIndex())

    def focus_first(self) -> None:
        """Take the focus, on the current row or else the first one."""
        if not self.currentIndex().isValid() and (rows := self.content.rows()):
            self.setCurrentIndex(self.content.index_of(rows[0].key))
        self.setFocus(Qt.FocusReason.TabFocusReason)

    def _go_to(self, key: str) -> None:
        index = self.content.index_of(key)
        if index.isValid():
            self.selectionModel().setCurrentIndex(index, self.selectionCommand(index))
        else:
            self.selectionModel().clear()

    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid() and not self._filling and self.isVisible():
            self.moved.emit(self.content.key_at(current))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open the current row on Enter or Space."""
        editing = self.state() == QAbstractItemView.State.EditingState
        if event.key() in _OPENING and self.current_key() and not editing:
            self.opened.emit(self.current_key())
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Open a row on a click."""
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index.isValid() and index == self.currentIndex():
            self.opened.emit(self.current_key())


def _key(entry: Row | str) -> str:
    """A key that can't be mistaken for that of a heading."""
    return entry if isinstance(entry, str) else f"\0{entry.key}"
