"""The question before a model's file is deleted: the one thing here that can't be undone."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.documents.words import isolated, size
from desktop_llm.gui.model_words import model_name
from desktop_llm.gui.widgets import Button, Label
from desktop_llm.models.library import Model


class RemoveModelDialog(QDialog):
    """Signal: `confirmed` with the model's id."""

    confirmed = Signal(str)

    def __init__(self, parent: QWidget, model: Model) -> None:
        super().__init__(parent)
        self._model_id = model.id
        title = self.tr("Remove {name}?").format(name=isolated(model_name(model)))
        self.setObjectName("remove_model")
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFixedWidth(min(theme.current().length("column", "dialog"), max(320, parent.window().width() - 32)))
        words = self.tr(
            "The file {file} ({size}) is deleted from this app's folder on this computer. A copy that you keep "
            "elsewhere is not touched, and chats keep their answers."
        ).format(file=isolated(model.path.name), size=size(model.size_bytes))
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 21, 17)
        column.setSpacing(8)
        column.addWidget(Label(title, "heading", wrap=True))
        column.addWidget(Label(words, "ui", "text_secondary", wrap=True))
        column.addLayout(self._buttons())

    def _buttons(self) -> QHBoxLayout:
        cancel = Button(self.tr("Cancel"), object_name="remove_model_cancel")
        confirm = Button(self.tr("Delete the file"), "trash", kind="danger", object_name="remove_model_confirm")
        cancel.clicked.connect(self.reject)
        confirm.clicked.connect(self._on_confirmed)
        row = QHBoxLayout()
        row.setContentsMargins(0, 12, 0, 0)
        row.setSpacing(2)
        row.addStretch(1)
        row.addWidget(cancel)
        row.addWidget(confirm)
        cancel.setFocus()
        return row

    def _on_confirmed(self) -> None:
        self.confirmed.emit(self._model_id)
        self.accept()
