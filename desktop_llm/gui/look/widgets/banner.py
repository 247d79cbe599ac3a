"""Messages in place: the banner, the empty state and the undo message."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt, QTimer, Signal, SignalInstance
from PySide6.QtGui import QEnterEvent, QFont, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.widgets.buttons import Button, Kind
from desktop_llm.gui.look.widgets.labels import Label, Picture
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.words import tr

BannerKind = Literal["info", "warning", "danger"]

_BANNER_LOOK: dict[BannerKind, tuple[str, str, str, str]] = {  # fill, border, icon, icon colour
    "info": ("accent_soft", "", "info", "accent_text"),
    "warning": ("warning_bg", "warning_border", "warn", "warning_text"),
    "danger": ("danger_bg", "danger_border", "alert", "danger_text"),
}


_MARGIN, _WIDEST_WORDS = 16, 400


@dataclass(frozen=True, slots=True)
class Action:
    """An action that a banner offers: `name` is sent in the signal, `text` is on the button."""

    name: str
    text: str
    icon: str = ""
    kind: Kind = "default"


class Banner(QWidget):
    """A message: what happened, what is safe, what to do; the first action is the main one.

    The actions are below the text, or `beside` it if the banner is wide and should be low.
    """

    action_triggered = Signal(str)

    def __init__(
        self,
        title: str,
        text: str = "",
        actions: tuple[Action, ...] = (),
        *,
        kind: BannerKind = "info",
        icon: str = "",
        beside: bool = False,
        object_name: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._kind, self._icon_name = kind, icon or _BANNER_LOOK[kind][2]
        set_names(self, object_name, f"{title} {text}".strip())
        self._title = Label(title, "ui_strong", wrap=True)
        bold = self._title.font()
        bold.setWeight(QFont.Weight.DemiBold)
        self._title.setFont(bold)
        self._text = Label(text, "ui", wrap=True)
        column = QVBoxLayout()
        column.setContentsMargins(0, 11, 0, 11 if beside or not actions else 8)
        column.setSpacing(0)
        column.addWidget(self._title)
        column.addWidget(self._text)
        row = QHBoxLayout(self)
        row.setContentsMargins(42, 0, 16, 0)
        row.setSpacing(16)
        row.addLayout(column, 1)
        self._text.setVisible(bool(text))  # after it has a parent, as without one it would be a window
        if actions and not beside:
            column.addSpacing(4)
        if actions:
            buttons = _action_row(self, actions, self.action_triggered)
            (row if beside else column).addLayout(buttons)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        repaint_on_theme(self)

    def set_words(self, title: str, text: str) -> None:
        """Replace the text."""
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        self.setAccessibleName(f"{title} {text}".strip())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the fill, border and icon."""
        painter, colour = QPainter(self), theme.current().colour
        fill, border, _icon, ink = _BANNER_LOOK[self._kind]
        draw_box(painter, self.rect(), 8, colour(fill), colour(border) if border else None)
        first_line = QRect(14, self._title.y(), 16, min(20, self._title.height()))
        icons.paint_icon(painter, self._icon_name, ink, first_line)
        painter.end()


class EmptyState(QWidget):
    """A place with nothing in it yet: an icon, a title, one sentence and actions."""

    action_triggered = Signal(str)

    def __init__(
        self,
        icon: str,
        title: str,
        text: str = "",
        actions: tuple[Action, ...] = (),
        *,
        object_name: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        set_names(self, object_name, f"{title}. {text}")
        column = QVBoxLayout(self)
        column.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        column.setSpacing(8)
        column.addStretch(1)
        picture = Picture(icon, 40, "text_secondary")
        self._words = (Label(title, "reading_h2", wrap=True), Label(text, "ui", "text_secondary", wrap=True))
        for label in self._words:
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._fit_words()
        for widget in (picture, *self._words):
            column.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        if actions:
            row = _action_row(self, actions, self.action_triggered)
            row.insertStretch(0, 1)
            column.addSpacing(4)
            column.addLayout(row)
        column.addStretch(1)

    def _fit_words(self) -> None:
        """Make the text at most 400 px wide, less in a narrow place, and as high as its lines."""
        for label in self._words:
            natural = label.fontMetrics().horizontalAdvance(label.text()) + 4
            width = max(80, min(_WIDEST_WORDS, natural, self.width() - 2 * _MARGIN))
            label.setFixedSize(width, label.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        """Any width: the text wraps."""
        return QSize(160, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap the text for the new width."""
        super().resizeEvent(event)
        self._fit_words()


class UndoBar(QWidget):
    """A dark line at the bottom of its parent that says what was done and offers to undo it.

    It disappears by itself (after 10 s with undo, 6 s without), but not while hovered or focused. `pane` lies below it.
    """

    undo_requested = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget, *, object_name: str = "undo_bar") -> None:
        super().__init__(parent)
        set_names(self, object_name, "")
        self._text = Label("", "ui", "tooltip_text")
        self._undo = Button(tr("Undo"), kind="inverse", object_name=f"{object_name}_undo", height=28, parent=self)
        self._undo.clicked.connect(self._on_undo)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 2, 6, 2)
        row.setSpacing(12)
        row.addWidget(self._text, 1)
        row.addWidget(self._undo)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._on_timeout)
        self.pane = parent
        parent.installEventFilter(self)
        repaint_on_theme(self)
        self.hide()

    def show_message(self, text: str, *, undo: bool = True) -> None:
        """Show `text`; an earlier message is closed first."""
        if self.isVisible():
            self._close()
        self._text.setText(text)
        self.setAccessibleName(text)
        self._undo.setVisible(undo)
        self._timer.setInterval(theme.current().length("motion", "undo_stay_ms" if undo else "toast_stay_ms"))
        self.show()
        self.raise_()
        self._place()
        self._timer.start()

    def undo(self) -> bool:
        """Undo the action that the bar offers; returns False if there is none."""
        offered = self._undo.isVisible()
        if offered:
            self._on_undo()
        return offered

    def message(self) -> str:
        """The text shown last."""
        return self._text.text()

    def _close(self) -> None:
        self._timer.stop()
        self.hide()
        self.closed.emit()

    def _on_undo(self) -> None:
        self._timer.stop()
        self.hide()
        self.undo_requested.emit()

    def _on_timeout(self) -> None:
        if self.underMouse() or self._undo.hasFocus():
            self._timer.start()
        else:
            self._close()

    def _place(self) -> None:
        parent = self.pane
        width = min(max(280, self.sizeHint().width()), parent.width() - 32)
        self.resize(width, max(40, self.sizeHint().height()))
        self.move(QPoint((parent.width() - width) // 2, parent.height() - self.height() - 16))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay at the bottom centre when the parent is resized."""
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Stay while the mouse is here."""
        self._timer.start()
        super().enterEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the dark box."""
        painter = QPainter(self)
        draw_box(painter, self.rect(), 10, theme.current().colour("tooltip_bg"))
        painter.end()


def _action_row(owner: QWidget, actions: tuple[Action, ...], triggered: SignalInstance) -> QHBoxLayout:
    """A row with the buttons of `actions`; each sends its name through `triggered`."""
    row = QHBoxLayout()
    row.setSpacing(2)
    for action in actions:
        name = f"{owner.objectName()}_{action.name}" if owner.objectName() else action.name
        button = Button(action.text, action.icon, kind=action.kind, object_name=name)
        button.clicked.connect(functools.partial(_send, triggered, action.name))
        row.addWidget(button)
    row.addStretch(1)
    return row


def _send(triggered: SignalInstance, name: str, _checked: bool = False) -> None:
    triggered.emit(name)
