"""One model on the Models page: what it is, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.documents.words import number, plain, size
from desktop_llm.gui.model_words import kind_word, model_name, size_word
from desktop_llm.gui.widgets import Button, ElidedLabel, IconButton, Pill, Tag
from desktop_llm.models.library import Model


class ModelCard(QFrame):
    """Name, tag and facts; Use, Show file, Remove. The signals carry the id, or the path of the file."""

    use_requested = Signal(str)
    show_file_requested = Signal(str)
    remove_requested = Signal(str)

    def __init__(self, model: Model, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self.setProperty("card", True)
        self.setObjectName(f"model_card_{model.id}")
        self.setAccessibleName(f"{model_name(model)}, {facts_of(model)}")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 11, 9, 11)
        row.setSpacing(2)
        row.addLayout(self._words(), 1)
        row.addSpacing(10)
        self._add_buttons(row)

    def set_in_use(self, in_use: bool) -> None:
        """Say that the next message goes to this model; then there is nothing to choose."""
        self._pill.setVisible(in_use)
        self._use.setVisible(self.model.kind == "chat" and not in_use)

    def _words(self) -> QVBoxLayout:
        name = ElidedLabel(model_name(self.model), "ui_strong", mode=Qt.TextElideMode.ElideMiddle)
        title = QHBoxLayout()
        title.setSpacing(8)
        title.addWidget(name)
        for text in (size_word(self.model.quantization), self.tr("Starter") if self.model.starter else ""):
            if text:
                title.addWidget(Tag(text))
        self._pill = Pill(self.tr("In use"), "success", "check")
        self._pill.hide()
        title.addWidget(self._pill)
        title.addStretch(1)
        column = QVBoxLayout()
        column.setSpacing(3)
        column.addLayout(title)
        column.addWidget(ElidedLabel(facts_of(self.model), "small", "text_secondary"))
        return column

    def _add_buttons(self, row: QHBoxLayout) -> None:
        name = model_name(self.model)
        self._use = Button(self.tr("Use"), "play", height=28, object_name="model_use")
        self._use.setAccessibleName(self.tr("Use {name}").format(name=name))
        self._use.setVisible(self.model.kind == "chat")
        show = IconButton("folder", self.tr("Show the file of {name}").format(name=name), object_name="model_show_file")
        remove = IconButton("trash", self.tr("Remove {name}").format(name=name), object_name="model_remove")
        if self.model.starter:
            remove.setEnabled(False)
            remove.setToolTip(self.tr("This model came with the app and stays, so that there is always one."))
        self._use.clicked.connect(self._on_use)
        show.clicked.connect(self._on_show)
        remove.clicked.connect(self._on_remove)
        for button in (self._use, show, remove):
            row.addWidget(button)

    def _on_use(self) -> None:
        self.use_requested.emit(self.model.id)

    def _on_show(self) -> None:
        self.show_file_requested.emit(str(self.model.path))

    def _on_remove(self) -> None:
        self.remove_requested.emit(self.model.id)


def facts_of(model: Model) -> str:
    """ "Chat, 98 MB, Q4_1, llama, 8,192 tokens of context"."""
    parts = [kind_word(model), size(model.size_bytes), model.quantization, plain(model.architecture)]
    if model.context_length:
        context = QCoreApplication.translate("models", "{tokens} tokens of context")
        parts.append(context.format(tokens=number(model.context_length)))
    return ", ".join(part for part in parts if part)
