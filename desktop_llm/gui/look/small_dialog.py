"""A small sheet that asks one question: a name, a password, whether to remove something.

It opens without blocking. The answer comes with its subject, so that a bound method can take it: a closure would keep
the page alive through the page's own child.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from desktop_llm.gui.look import theme
from desktop_llm.gui.look.literal import window_title
from desktop_llm.gui.look.widgets import Button, Label
from desktop_llm.words import tr


class SmallDialog(QDialog):
    """A small sheet over its window: a title, one sentence, an optional field, Cancel and the action."""

    answered = Signal(str, str)

    def __init__(self, parent: QWidget, subject: str, object_name: str, title: str, text: str, action: str) -> None:
        super().__init__(parent)
        self._subject = subject
        self.setObjectName(object_name)
        self.setAccessibleName(title)
        self.setWindowTitle(window_title(title))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFixedWidth(min(theme.current().length("column", "dialog"), max(320, parent.window().width() - 32)))
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(24, 20, 21, 17)
        self.body.setSpacing(8)
        for words in (Label(title, "heading", wrap=True), Label(text, "ui", "text_secondary", wrap=True)):
            words.setMinimumWidth(1)  # a long word, such as an address, is broken and must not widen the layout
            self.body.addWidget(words)
        self.body.addLayout(self._buttons(object_name, action))

    def _buttons(self, object_name: str, action: str) -> QHBoxLayout:
        self.cancel = Button(tr("Cancel"), object_name=f"{object_name}_cancel")
        self.confirm = Button(action, kind="primary", object_name=f"{object_name}_confirm")
        self.cancel.clicked.connect(self.reject)
        self.confirm.clicked.connect(self._on_confirmed)
        self.confirm.setDefault(True)
        row = QHBoxLayout()
        row.setContentsMargins(0, 12, 0, 0)
        row.setSpacing(2)
        row.addStretch(1)
        row.addWidget(self.cancel)
        row.addWidget(self.confirm)
        return row

    def _answer(self) -> str:
        """The text that the person entered."""
        return ""

    def _on_confirmed(self) -> None:
        self.answered.emit(self._subject, self._answer())
        self.accept()

    def _add_field(self, name: str, accessible_name: str) -> QLineEdit:
        field = QLineEdit()
        field.setObjectName(name)
        field.setAccessibleName(accessible_name)
        self.body.insertWidget(2, field)
        field.setFocus()
        return field

    def showEvent(self, event: QShowEvent) -> None:
        """Set the height that the sentences need at this width."""
        self.setFixedHeight(self.body.totalHeightForWidth(self.width()))
        super().showEvent(event)
