"""The choice of a chat format for a model that has none, or whose own differs from the published one."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.documents.words import isolated
from desktop_llm.gui.model_words import model_name
from desktop_llm.gui.widgets import Button, Label, PrimaryButton, Select
from desktop_llm.models.library import Model
from desktop_llm.models.templates import FORMATS, suggested_format


class FormatDialog(QDialog):
    """Signal: `chosen` with the model's id and the name of a format, "" for the model's own."""

    chosen = Signal(str, str)

    def __init__(self, parent: QWidget, model: Model) -> None:
        super().__init__(parent)
        self._model_id = model.id
        title = self.tr("Chat format of {name}").format(name=isolated(model_name(model)))
        self.setObjectName("chat_format")
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFixedWidth(min(theme.current().length("column", "dialog"), max(320, parent.window().width() - 32)))
        self._choice = Select(object_name="chat_format_choice", accessible_name=self.tr("Chat format"))
        for name in FORMATS:
            self._choice.addItem(name, name)
        if model.template == "missing":
            self._choice.setCurrentIndex(self._choice.findData(suggested_format(model.architecture, model.name)))
        else:
            self._choice.insertItem(0, self.tr("The model's own"), "")
            self._choice.setCurrentIndex(0)
        words = self.tr("It says how questions and answers are told apart. The publisher's page names the right one.")
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 21, 17)
        column.setSpacing(8)
        column.addWidget(Label(title, "heading", wrap=True))
        column.addWidget(Label(words, "ui", "text_secondary", wrap=True))
        column.addWidget(self._choice)
        column.addLayout(self._buttons())

    def _buttons(self) -> QHBoxLayout:
        cancel = Button(self.tr("Cancel"), object_name="chat_format_cancel")
        confirm = PrimaryButton(self.tr("Use this format"), "check", object_name="chat_format_confirm")
        cancel.clicked.connect(self.reject)
        confirm.clicked.connect(self._on_confirmed)
        row = QHBoxLayout()
        row.setContentsMargins(0, 12, 0, 0)
        row.setSpacing(2)
        row.addStretch(1)
        row.addWidget(cancel)
        row.addWidget(confirm)
        return row

    def _on_confirmed(self) -> None:
        self.chosen.emit(self._model_id, self._choice.currentData())
        self.accept()
