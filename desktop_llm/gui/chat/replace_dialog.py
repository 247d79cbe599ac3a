"""Asks whether an export may replace a file."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from desktop_llm.gui.look import formats
from desktop_llm.gui.look.small_dialog import SmallDialog
from desktop_llm.words import tr


class ReplaceDialog(SmallDialog):
    """Asks for confirmation before a file is replaced."""

    @classmethod
    def ask(cls, parent: QWidget, path: str, then: Callable[[str, str], None]) -> ReplaceDialog:
        """Ask whether to replace the file at `path`; call `then` with the path if the person agrees."""
        name = formats.isolated(formats.file_name(path))
        text = tr("There is a file named {name} already. What is in it now will be lost.", name=name)
        dialog = cls(parent, path, "replace_file", tr("Replace this file?"), text, tr("Replace"))
        dialog.confirm.set_content(tr("Replace"), kind="danger")
        dialog.confirm.setDefault(False)
        dialog.cancel.setFocus()
        dialog.answered.connect(then)
        dialog.open()
        return dialog
