"""The sheet below the header's network state: the offline switch, and every request that left this computer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from desktop_llm.gui.look import theme
from desktop_llm.gui.look.formats import moment, plain, size
from desktop_llm.gui.look.literal import tip_text
from desktop_llm.gui.look.popup import SHADOW, Popup
from desktop_llm.gui.look.setting_rows import SwitchRow
from desktop_llm.gui.look.widgets import Button, Label
from desktop_llm.gui.look.widgets.painting import set_names
from desktop_llm.gui.network.words import purpose, result, went_well, widest_words
from desktop_llm.net.ledger import LedgerEntry
from desktop_llm.words import plural, tr
from desktop_llm.workers.confine import enforced

Index = QModelIndex | QPersistentModelIndex

_WIDTH, _HEIGHT, _SHORTEST = 660, 460, 250
_PADDING, _HOST = 6, 1
_NO_PARENT = QModelIndex()
_LEFT = Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignTrailing | Qt.AlignmentFlag.AlignVCenter
_ALIGNMENT = (_LEFT, _LEFT, _LEFT, _RIGHT, _LEFT)


class NetworkPanel(Popup):
    """Signals: `offline_changed` with the switch; `clear_requested`."""

    offline_changed = Signal(bool)
    clear_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, object_name="network_panel", accessible_name="")
        self.setAccessibleName(tr("Network"))
        self._offline = SwitchRow(tr("Offline"), object_name="network_offline")
        self._count = Label("", "small", "text_secondary", object_name="network_count")
        self._clear = Button(tr("Clear list"), "trash", kind="quiet", height=28, object_name="network_clear")
        self._requests = _Requests(self)
        self._table = self._build_table()
        self._nothing = Label(
            tr("No request from this computer is recorded."), "ui", "text_secondary", object_name="network_nothing"
        )
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._missing = Label("", "small", "text_secondary", wrap=True, object_name="network_missing")
        self._lay_out()
        self._offline.toggled.connect(self._on_offline)
        self._clear.clicked.connect(self.clear_requested)
        self.set_offline(False)
        self.set_entries(())
        self._nothing.hide()  # until the record has been read

    def set_offline(self, offline: bool) -> None:
        """Show the switch on or off without sending the signal."""
        self._offline.set_on(offline)
        self._offline.set_note(
            tr("Nothing can leave this computer. Everything on it works as before.")
            if offline
            else tr("Only requests that you make are sent: a search, a download. None is sent at the start.")
        )

    def set_entries(self, entries: Sequence[LedgerEntry], missing: str = "") -> None:
        """Show the requests, the newest first, and the sentence on what is missing from the record."""
        self._missing.setText(missing)
        self._missing.setVisible(bool(missing))
        self._requests.set_entries(entries)
        self._table.setVisible(bool(entries))
        self._nothing.setVisible(not entries and not missing)
        self._clear.setEnabled(bool(entries))
        received = size(sum(entry.bytes_in for entry in entries))
        counted = plural("%n request", "%n requests", len(entries))
        self._count.setText(tr("{count}, {size} received", count=counted, size=received) if entries else "")
        if self.is_open():
            self.place()

    def first_focus(self) -> QWidget:
        """The switch, which most people come for."""
        return self._offline.switch

    def _build_table(self) -> QTableView:
        table = QTableView()
        set_names(table, "network_requests", tr("Requests"))
        table.setModel(self._requests)
        table.setItemDelegate(_Padded(table))
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        table.setTabKeyNavigation(False)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.viewport().setAutoFillBackground(False)
        rows, columns = table.verticalHeader(), table.horizontalHeader()
        rows.hide()
        rows.setDefaultSectionSize(max(30, table.fontMetrics().height() + 12))
        columns.setHighlightSections(False)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        columns.setSectionResizeMode(_HOST, QHeaderView.ResizeMode.Stretch)
        for column, widest in enumerate(self._requests.widest):  # measuring every row would block the window
            wanted = max(
                table.fontMetrics().horizontalAdvance(each) for each in (widest, self._requests.titles[column])
            )
            columns.resizeSection(column, wanted + 4 * _PADDING)
        return table

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(SHADOW + 16, SHADOW + 14, SHADOW + 16, SHADOW + 10)
        column.setSpacing(8)
        column.addWidget(Label(tr("Network"), "heading"))
        column.addWidget(self._offline)
        column.addSpacing(4)
        column.addWidget(self._missing)
        column.addWidget(self._table, 1)
        column.addWidget(self._nothing, 1)
        foot = QHBoxLayout()
        foot.addWidget(self._count, 1)
        foot.addWidget(self._clear)
        column.addLayout(foot)
        self._promise = Label(
            enforced().in_words(), "small", "text_tertiary", wrap=True, object_name="network_confinement"
        )
        column.addWidget(self._promise)

    def _on_offline(self, on: bool) -> None:
        self.set_offline(on)
        self.offline_changed.emit(on)

    def sizeHint(self) -> QSize:
        """Room for five columns and ten rows."""
        rows = self._requests.rowCount()
        wanted = _SHORTEST + rows * self._table.verticalHeader().defaultSectionSize()
        return QSize(_WIDTH + 2 * SHADOW, min(_HEIGHT, wanted) + 2 * SHADOW)


class _Padded(QStyledItemDelegate):
    """Cells whose text lines up with the column titles."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint the text inside the padding."""
        inner = QStyleOptionViewItem(option)
        inner.rect = option.rect.adjusted(_PADDING, 0, -_PADDING, 0)
        super().paint(painter, inner, index)


class _Requests(QAbstractTableModel):
    """The requests as rows: time, host, purpose, amount and result."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._entries: tuple[LedgerEntry, ...] = ()
        self.titles = (tr("Time"), tr("To"), tr("For"), tr("Received"), tr("Result"))
        self.widest = (tr("today {time}", time="00:00"), "", *widest_words())

    def set_entries(self, entries: Sequence[LedgerEntry]) -> None:
        """Replace the rows if they changed."""
        if tuple(entries) != self._entries:
            self.beginResetModel()
            self._entries = tuple(entries)
            self.endResetModel()

    def rowCount(self, parent: Index = _NO_PARENT) -> int:
        """One row for each request."""
        return 0 if parent.isValid() else len(self._entries)

    def columnCount(self, parent: Index = _NO_PARENT) -> int:
        """Five columns."""
        return 0 if parent.isValid() else len(self.titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The titles of the columns."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.titles[section]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return _ALIGNMENT[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The text of a cell, or the colour of a bad result."""
        entry = self._entries[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._words(entry)[index.column()]
            case Qt.ItemDataRole.TextAlignmentRole:
                return _ALIGNMENT[index.column()]
            case Qt.ItemDataRole.ToolTipRole:
                sent, received = size(entry.bytes_out), size(entry.bytes_in)
                return tip_text(tr("{sent} sent, {received} received", sent=sent, received=received))
            case Qt.ItemDataRole.ForegroundRole:
                last = index.column() == len(self.titles) - 1
                bad = last and not went_well(entry)
                return theme.current().colour("danger_text" if bad else "text_primary" if last else "text_secondary")
        return None

    def _words(self, entry: LedgerEntry) -> tuple[str, ...]:
        return (
            moment(entry.time),
            plain(entry.host),
            purpose(entry),
            size(entry.bytes_in),
            result(entry),
        )
