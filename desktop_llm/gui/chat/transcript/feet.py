"""The buttons of a message: two rows of real widgets, one for the last answer, one for the message in use."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop_llm.gui.chat.transcript.bubble_part import BubblePart
from desktop_llm.gui.chat.transcript.message_layout import MessageLayout
from desktop_llm.gui.chat.transcript.view_model import MessageView
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.widgets import IconButton, Label
from desktop_llm.words import tr


class FootRow(QWidget):
    """Copy, Try again, Edit, More and the branch switcher; those that the message has are shown."""

    copy_clicked = Signal(str)
    retry_clicked = Signal(str)
    edit_clicked = Signal(str)
    more_clicked = Signal(str)
    branch_clicked = Signal(str, int)
    choices_clicked = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("message_foot")
        self._id = ""
        self._copy = self._button("copy", tr("Copy"), "message_copy", "C")
        self._retry = self._button("retry", tr("Try again"), "message_retry", "Ctrl+R")
        self._edit = self._button("pencil", tr("Edit"), "message_edit")
        self._choices = self._button("target", tr("Word choices"), "answer_word_choices", "Alt+Down")
        self._choices.setCheckable(True)
        self._more = self._button("more", tr("More"), "message_more")
        self._back = self._button("left", tr("Previous version"), "message_branch_back", "Alt+Left")
        self._branch = Label("", "figures", "text_secondary", object_name="message_branch")
        self._forth = self._button("right", tr("Next version"), "message_branch_forth", "Alt+Right")
        self._widgets = (
            *(self._copy, self._retry, self._edit, self._choices, self._more),
            *(self._back, self._branch, self._forth),
        )
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for widget in self._widgets:
            row.addWidget(widget)
        self._copy.clicked.connect(self._on_copy)
        self._retry.clicked.connect(self._on_retry)
        self._edit.clicked.connect(self._on_edit)
        self._choices.clicked.connect(self._on_choices)
        self._more.clicked.connect(self._on_more)
        self._back.clicked.connect(self._on_back)
        self._forth.clicked.connect(self._on_forth)
        self.hide()

    def _button(self, icon: str, words: str, name: str, key: str = "") -> IconButton:
        tip = f"{words} ({key})" if key else words
        button = IconButton(icon, words, tip, object_name=name, side=22, parent=self)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the transcript moves the focus inside a message
        return button

    @property
    def message_id(self) -> str:
        """The id of the message that the buttons act on."""
        return self._id

    def menu_position(self) -> QPoint:
        """The point on the screen where the menu of "More" opens."""
        return self._more.mapToGlobal(self._more.rect().bottomLeft())

    def buttons(self) -> list[IconButton]:
        """The buttons shown for this message, from left to right."""
        return [button for button in self._widgets if isinstance(button, IconButton) and not button.isHidden()]

    def show_for(self, view: MessageView, tip: str = "") -> None:
        """Show the buttons of this message and act on it."""
        self._id = view.id
        set_tip(self, tip)
        asked = view.role == "user"
        self._retry.setVisible(not asked)
        self._more.setVisible(not asked)
        self._choices.setVisible(not asked and bool(view.text))
        self._choices.setChecked(view.choices is not None)
        self._edit.setVisible(asked)
        for widget in (self._back, self._branch, self._forth):
            widget.setVisible(view.branches > 1)
        self._branch.setText(tr("{branch} of {branches}", branch=view.branch, branches=view.branches))
        self._back.setEnabled(view.branch > 1)
        self._forth.setEnabled(view.branch < view.branches)
        self._row.activate()

    def _on_copy(self) -> None:
        self.copy_clicked.emit(self._id)

    def _on_retry(self) -> None:
        self.retry_clicked.emit(self._id)

    def _on_edit(self) -> None:
        self.edit_clicked.emit(self._id)

    def _on_choices(self) -> None:
        self.choices_clicked.emit(self._id)

    def _on_more(self) -> None:
        self.more_clicked.emit(self._id)

    def _on_back(self) -> None:
        self.branch_clicked.emit(self._id, -1)

    def _on_forth(self) -> None:
        self.branch_clicked.emit(self._id, 1)


class Feet:
    """Two rows of buttons, moved to the messages that need them."""

    def __init__(self, viewport: QWidget) -> None:
        self.rows = (FootRow(viewport), FootRow(viewport))

    def row_of(self, message_id: str) -> FootRow | None:
        """The row that is shown for a message, or None."""
        return next((row for row in self.rows if not row.isHidden() and row.message_id == message_id), None)

    def buttons(self, message_id: str) -> list[IconButton]:
        """The buttons shown for a message, from left to right."""
        row = self.row_of(message_id)
        return row.buttons() if row is not None else []

    def place(self, number: int, layout: MessageLayout | None, corner: QPoint) -> None:
        """Put a row into the space that a message keeps for it; None hides the row."""
        row = self.rows[number]
        if layout is None or layout.view.status == "streaming" or not layout.is_finished():
            row.hide()
            return
        row.show_for(layout.view, layout.view.foot_tip)
        size = row.sizeHint()
        row.setGeometry(QRect(corner + _place_in(layout, size.width(), size.height()), size))
        row.show()
        row.raise_()


def _place_in(layout: MessageLayout, width: int, height: int) -> QPoint:
    """The place of the buttons: in the message's foot, or left of the bubble of a question without one."""
    asked = layout.view.role == "user"
    foot = layout.foot_index()
    if foot is not None:
        y = layout.tops[foot] + (layout.parts[foot].height - height) / 2
        return QPoint(round(layout.width) - width if asked else -3, round(y))
    last = max((index for index, part in enumerate(layout.parts) if isinstance(part, BubblePart)), default=0)
    bubble = layout.parts[last]
    box = bubble.box() if isinstance(bubble, BubblePart) else bubble.widget_rect().toRectF()
    x = max(4.0, box.left() - width - 2)
    return QPoint(round(x), round(layout.tops[last] + box.bottom() - height - 2))
