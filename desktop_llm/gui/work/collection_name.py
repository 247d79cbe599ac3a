"""Asks for the name of a collection."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtWidgets import QWidget

from desktop_llm.gui.look import theme
from desktop_llm.gui.look.small_dialog import SmallDialog
from desktop_llm.gui.look.widgets import Label
from desktop_llm.knowledge.client import CHAT_PREFIX
from desktop_llm.words import tr

_LONGEST_NAME = 200


class NameDialog(SmallDialog):
    """Asks for the name of a collection and refuses one that is empty or taken."""

    def __init__(
        self, parent: QWidget, title: str, action: str, taken: Iterable[str], name: str = "", text: str = ""
    ) -> None:
        super().__init__(parent, name, "collection_name", title, text, action)
        self._taken = {other.casefold() for other in taken if other != name}
        self._field = self._add_field("collection_name_field", tr("Name of the collection"))
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
        """Ask for the name of a new collection, or a new one for `name`; call `then` with the old and the new name."""
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
            return tr("There is already a collection with this name.")
        if name.casefold().startswith(CHAT_PREFIX):
            return tr("A name can't start with “{prefix}”.", prefix=CHAT_PREFIX)
        return ""

    def _answer(self) -> str:
        return self._field.text().strip()
