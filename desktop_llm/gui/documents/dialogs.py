"""The few questions that interrupt: a name, a password, files to add, and whether to remove a collection.

Each opens without blocking; `ask` builds one, connects it and shows it. The answer comes back with the subject it is
about, so that a bound method can take it: a closure here would keep the page alive through its own child.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from desktop_llm.gui import theme
from desktop_llm.gui.documents import words
from desktop_llm.gui.widgets import Button, Label
from desktop_llm.knowledge.client import CHAT_PREFIX
from desktop_llm.words import tr

_LONGEST_NAME = 200


class _Question(QDialog):
    """A small sheet over its window: a title, one sentence, perhaps a field, Cancel and the action."""

    answered = Signal(object, str)

    def __init__(self, parent: QWidget, subject: object, object_name: str, title: str, text: str, action: str) -> None:
        super().__init__(parent)
        self._subject = subject
        self.setObjectName(object_name)
        self.setAccessibleName(title)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFixedWidth(min(theme.current().length("column", "dialog"), max(320, parent.window().width() - 32)))
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(24, 20, 21, 17)
        self.body.setSpacing(8)
        self.body.addWidget(Label(title, "heading", wrap=True))
        self.body.addWidget(Label(text, "ui", "text_secondary", wrap=True))
        self.body.addLayout(self._buttons(object_name, action))

    def _buttons(self, object_name: str, action: str) -> QHBoxLayout:
        self.cancel = Button(self.tr("Cancel"), object_name=f"{object_name}_cancel")
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
        """What the person filled in."""
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
        """As high as the sentences need at this width."""
        self.setFixedHeight(self.body.totalHeightForWidth(self.width()))
        super().showEvent(event)


class NameDialog(_Question):
    """Asks for the name of a collection and refuses one that is empty or taken."""

    def __init__(
        self, parent: QWidget, title: str, action: str, taken: Iterable[str], name: str = "", text: str = ""
    ) -> None:
        super().__init__(parent, name, "collection_name", title, text, action)
        self._taken = {other.casefold() for other in taken if other != name}
        self._field = self._add_field("collection_name_field", self.tr("Name of the collection"))
        self._field.setMaxLength(_LONGEST_NAME)
        self._problem = Label("", "small", "danger_text", wrap=True, object_name="collection_name_problem")
        self._problem.setMinimumHeight(theme.current().line_height("small"))
        self.body.insertWidget(3, self._problem)
        self._field.textChanged.connect(self._check)
        self._field.setText(name)
        self._field.selectAll()
        self._check(name)

    @classmethod
    def ask(
        cls,
        parent: QWidget,
        then: Callable[[str, str], None],
        *,
        taken: Iterable[str],
        name: str = "",
        title: str = "",
        action: str = "",
    ) -> NameDialog:
        """Ask for the name of a new collection, or another one for `name`; `then` gets the old and the new name."""
        title = title or (tr("Rename collection") if name else tr("New collection"))
        action = action or (tr("Rename") if name else tr("Create"))
        text = tr("A collection is a set of documents that you can ask about.")
        dialog = cls(parent, title, action, taken, name, text)
        dialog.answered.connect(then)
        dialog.open()
        return dialog

    def _check(self, text: str) -> None:
        problem = self._problem_with(text.strip())
        self._problem.setText(problem)
        self._field.setProperty("invalid", bool(problem))
        self._field.style().unpolish(self._field)
        self._field.style().polish(self._field)
        self.confirm.setEnabled(bool(text.strip()) and not problem)

    def _problem_with(self, name: str) -> str:
        if name.casefold() in self._taken:
            return self.tr("There is a collection with this name already.")
        if name.casefold().startswith(CHAT_PREFIX):
            return self.tr("A name can't start with “{prefix}”.").format(prefix=CHAT_PREFIX)
        return ""

    def _answer(self) -> str:
        return self._field.text().strip()


class PasswordDialog(_Question):
    """Asks for the password of one document; it is used for this reading and not kept."""

    def __init__(self, parent: QWidget, subject: object, document: str) -> None:
        name = words.isolated(words.file_name(document))
        text = tr("{document} is protected. The password is used to read it now and is not stored.")
        super().__init__(
            parent,
            subject,
            "document_password",
            tr("Give the password"),
            text.format(document=name),
            tr("Read"),
        )
        self._field = self._add_field("document_password_field", self.tr("Password"))
        self._field.setEchoMode(QLineEdit.EchoMode.Password)
        self._field.textChanged.connect(self._check)
        self._check("")

    @classmethod
    def ask(
        cls, parent: QWidget, collection: str, document: str, then: Callable[[tuple[str, str], str], None]
    ) -> PasswordDialog:
        """Ask for the password of `document` (a path); `then` gets (collection, document) and the password."""
        dialog = cls(parent, (collection, document), document)
        dialog.answered.connect(then)
        dialog.open()
        return dialog

    def _check(self, text: str) -> None:
        self.confirm.setEnabled(bool(text))

    def _answer(self) -> str:
        return self._field.text()


class RemoveDialog(_Question):
    """Asks before a collection is removed, and says what stays."""

    @classmethod
    def ask(cls, parent: QWidget, name: str, then: Callable[[str, str], None]) -> RemoveDialog:
        """Ask whether the collection `name` may go; `then` gets the name (and nothing else) if so."""
        title = tr("Remove {name}?").format(name=words.isolated(words.plain(name)))
        text = tr(
            "What was read from its documents is removed from this app. The files themselves are not touched, and "
            "chats keep their answers."
        )
        dialog = cls(parent, name, "remove_collection", title, text, tr("Remove"))
        dialog.confirm.set_content(tr("Remove"), kind="danger")
        dialog.confirm.setDefault(False)
        dialog.cancel.setFocus()
        dialog.answered.connect(then)
        dialog.open()
        return dialog


class FilesDialog(QFileDialog):
    """The system's dialog for files or a folder to add to a collection."""

    picked = Signal(str, object)

    def __init__(self, parent: QWidget, collection: str) -> None:
        super().__init__(parent, tr("Add to {name}").format(name=words.plain(collection)))
        self._collection = collection
        self.setObjectName("documents_file_dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.filesSelected.connect(self._on_selected)

    @classmethod
    def ask(
        cls, parent: QWidget, collection: str, then: Callable[[str, list[str]], None], *, folder: bool
    ) -> FilesDialog:
        """Ask what to add to `collection`; `then` gets its name and the paths."""
        dialog = cls(parent, collection)
        dialog.setFileMode(QFileDialog.FileMode.Directory if folder else QFileDialog.FileMode.ExistingFiles)
        dialog.picked.connect(then)
        dialog.open()
        return dialog

    def _on_selected(self, paths: list[str]) -> None:
        self.picked.emit(self._collection, paths)
