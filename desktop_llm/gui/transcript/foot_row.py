"""The buttons of one message: a single row of real widgets, moved to the message that is hovered or focused."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop_llm.gui.transcript.view_model import MessageView
from desktop_llm.gui.widgets import IconButton, Label


class FootRow(QWidget):
    """Copy, try again, edit, more, and the branch switcher, as far as the message has them."""

    copy_clicked = Signal(str)
    retry_clicked = Signal(str)
    edit_clicked = Signal(str)
    more_clicked = Signal(str)
    branch_clicked = Signal(str, int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("message_foot")
        self._id = ""
        self._copy = self._button("copy", self.tr("Copy"), "message_copy", "C")
        self._retry = self._button("retry", self.tr("Try again"), "message_retry", "Ctrl+R")
        self._edit = self._button("pencil", self.tr("Edit"), "message_edit")
        self._more = self._button("more", self.tr("More"), "message_more")
        self._back = self._button("left", self.tr("Previous version"), "message_branch_back", "Alt+Left")
        self._branch = Label("", "figures", "text_secondary", object_name="message_branch")
        self._forth = self._button("right", self.tr("Next version"), "message_branch_forth", "Alt+Right")
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for widget in (self._copy, self._retry, self._edit, self._more, self._back, self._branch, self._forth):
            row.addWidget(widget)
        self._copy.clicked.connect(self._on_copy)
        self._retry.clicked.connect(self._on_retry)
        self._edit.clicked.connect(self._on_edit)
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
        """The message the buttons act on."""
        return self._id

    def menu_position(self) -> QPoint:
        """Where the menu of "More" opens, on the screen."""
        return self._more.mapToGlobal(self._more.rect().bottomLeft())

    def buttons(self) -> list[IconButton]:
        """What can be pressed for this message, left to right."""
        all_of_them = (self._copy, self._retry, self._edit, self._more, self._back, self._forth)
        return [button for button in all_of_them if not button.isHidden()]

    def show_for(self, view: MessageView, tip: str = "") -> None:
        """Act on this message from now on."""
        self._id = view.id
        self.setToolTip(tip)
        asked = view.role == "user"
        self._retry.setVisible(not asked)
        self._more.setVisible(not asked)
        self._edit.setVisible(asked)
        for widget in (self._back, self._branch, self._forth):
            widget.setVisible(view.branches > 1)
        self._branch.setText(self.tr("{branch} of {branches}").format(branch=view.branch, branches=view.branches))
        self._back.setEnabled(view.branch > 1)
        self._forth.setEnabled(view.branch < view.branches)
        self._row.activate()

    def _on_copy(self) -> None:
        self.copy_clicked.emit(self._id)

    def _on_retry(self) -> None:
        self.retry_clicked.emit(self._id)

    def _on_edit(self) -> None:
        self.edit_clicked.emit(self._id)

    def _on_more(self) -> None:
        self.more_clicked.emit(self._id)

    def _on_back(self) -> None:
        self.branch_clicked.emit(self._id, -1)

    def _on_forth(self) -> None:
        self.branch_clicked.emit(self._id, 1)
