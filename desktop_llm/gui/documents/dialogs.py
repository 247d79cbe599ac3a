"""The dialogs of the Documents page: enter a password, confirm that a collection is removed, choose files to add."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QLineEdit, QWidget

from desktop_llm.gui.look import formats
from desktop_llm.gui.look.layouts import CardAction
from desktop_llm.gui.look.small_dialog import SmallDialog
from desktop_llm.words import tr


class PasswordDialog(SmallDialog):
    """Asks for the password of one document, which is used once and not kept. Signal: `given` with the password."""

    given = Signal(CardAction, str)

    def __init__(self, parent: QWidget, action: CardAction) -> None:
        document = action.paths[0]
        text = tr(
            "{document} is protected. The password is used to read it now and is not stored.",
            document=formats.isolated(formats.file_name(document)),
        )
        super().__init__(parent, document, "document_password", tr("Give the password"), text, tr("Read"))
        self._action = action
        self._field = self._add_field("document_password_field", tr("Password"))
        self._field.setEchoMode(QLineEdit.EchoMode.Password)
        self._field.textChanged.connect(self._check)
        self._check("")

    @classmethod
    def ask(cls, parent: QWidget, action: CardAction, then: Callable[[CardAction, str], None]) -> PasswordDialog:
        """Ask for the password of the action's file, then call `then` with the action and the password."""
        dialog = cls(parent, action)
        dialog.given.connect(then)
        dialog.open()
        return dialog

    def _check(self, text: str) -> None:
        self.confirm.setEnabled(bool(text))

    def _on_confirmed(self) -> None:
        self.given.emit(self._action, self._field.text())
        self.accept()


class RemoveDialog(SmallDialog):
    """Asks for confirmation before a collection is removed, and says what is kept."""

    @classmethod
    def ask(cls, parent: QWidget, name: str, then: Callable[[str, str], None]) -> RemoveDialog:
        """Ask whether to remove the collection `name`; call `then` with the name if the person agrees."""
        title = tr("Remove {name}?", name=formats.isolated(formats.plain(name)))
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


class ForgetDialog(SmallDialog):
    """Asks for confirmation before every trace of a file is removed, and says what is kept."""

    @classmethod
    def ask(cls, parent: QWidget, path: str, then: Callable[[str, str], None]) -> ForgetDialog:
        """Ask whether to forget the file at `path`; call `then` with the path if the person agrees."""
        text = tr(
            "The text of {file} is removed from all collections and from older copies of the store, and it is not read "
            "again. The file itself is not touched, and chats keep what they quoted.",
            file=formats.isolated(formats.file_name(path)),
        )
        dialog = cls(parent, path, "forget_file", tr("Forget this file?"), text, tr("Forget"))
        dialog.confirm.set_content(tr("Forget"), kind="danger")
        dialog.confirm.setDefault(False)
        dialog.cancel.setFocus()
        dialog.answered.connect(then)
        dialog.open()
        return dialog


class FilesDialog(QFileDialog):
    """The system's dialog for files or a folder to add to a collection."""

    picked = Signal(str, list)

    def __init__(self, parent: QWidget, collection: str) -> None:
        super().__init__(parent, tr("Add to {name}", name=formats.plain(collection)))
        self._collection = collection
        self.setObjectName("documents_file_dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.filesSelected.connect(self._on_selected)

    @classmethod
    def ask(
        cls, parent: QWidget, collection: str, then: Callable[[str, list[str]], None], *, folder: bool
    ) -> FilesDialog:
        """Ask which files to add to `collection`, then call `then` with its name and the paths."""
        dialog = cls(parent, collection)
        dialog.setFileMode(QFileDialog.FileMode.Directory if folder else QFileDialog.FileMode.ExistingFiles)
        dialog.picked.connect(then)
        dialog.open()
        return dialog

    def _on_selected(self, paths: list[str]) -> None:
        self.picked.emit(self._collection, paths)
