"""The foot of the panel: save the values as a preset, whose name is asked for in place, and undo all changes."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from desktop_llm.conversation import presets
from desktop_llm.errors import BadRequest
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.widgets import Button, Label
from desktop_llm.gui.look.widgets.painting import set_names
from desktop_llm.words import plural, tr

_UNDO_MS = 10_000


class Foot(QWidget):
    """Signals: `undo_requested`; `bring_back_requested` while the undone changes can be brought back, for 10 s;
    `saved` with the name of a new preset; `renamed` with the old and the new name of one.
    """

    undo_requested = Signal()
    bring_back_requested = Signal()
    saved = Signal(str)
    renamed = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self._own: Collection[str] = ()
        self._old_name = ""
        self._count = 0
        self._save = Button(tr("Save as preset…"), "star", kind="quiet", object_name="chat_settings_save_preset")
        self._undo = Button("", "undo", object_name="chat_settings_undo_all")
        self._offer = QTimer(self, singleShot=True, interval=_UNDO_MS)
        self._name = QLineEdit()
        self._name.setMaxLength(presets.MAX_NAME_CHARACTERS)
        self._name.setPlaceholderText(tr("Name of the preset"))
        set_names(self._name, "preset_name", tr("Name of the preset"))
        self._done = Button(tr("Save"), kind="primary", object_name="preset_name_save")
        self._cancel = Button(tr("Cancel"), kind="quiet", object_name="preset_name_cancel")
        self._problem = Label("", "small", "danger_text", wrap=True, object_name="preset_name_problem")
        self._lay_out()
        self._save.clicked.connect(self._on_save)
        self._undo.clicked.connect(self._on_undo)
        self._offer.timeout.connect(self.forget)
        self._done.clicked.connect(self._on_named)
        self._name.returnPressed.connect(self._on_named)
        self._cancel.clicked.connect(self.end_naming)

    def show_changes(self, count: int, *, may_save: bool, own: Collection[str]) -> None:
        """Show how many values differ from the preset; `own` are the names of the person's presets."""
        self._count, self._own = count, own
        if self._offer.isActive():
            self._undo.set_content(tr("Bring the changes back"), "retry")
        else:
            self._undo.set_content(plural("Undo %n change", "Undo %n changes", count), "undo")
        self._undo.setEnabled(bool(count) or self._offer.isActive())
        self._save.setEnabled(may_save)
        set_tip(self._save, "" if may_save else tr("Change something first."))

    def offer_back(self) -> None:
        """Offer for 10 s to bring the undone changes back."""
        self._offer.start()
        self._show()

    def forget(self) -> None:
        """No longer offer to bring anything back."""
        self._offer.stop()
        self._show()

    def begin_naming(self, old_name: str = "") -> None:
        """Ask for the name of a new preset, or for another name of one."""
        self._old_name = old_name
        self._name.setText(old_name)
        self._buttons.hide()
        self._naming.show()
        self._name.setFocus()
        self._name.selectAll()

    def end_naming(self) -> None:
        """Go back to the buttons."""
        self._naming.hide()
        self._problem.hide()
        self._buttons.show()

    def _lay_out(self) -> None:
        self._buttons, self._naming = QWidget(), QWidget()
        buttons = QHBoxLayout(self._buttons)
        buttons.setContentsMargins(0, 0, 0, 0)
        buttons.addWidget(self._save)
        buttons.addStretch(1)
        buttons.addWidget(self._undo)
        naming = QHBoxLayout(self._naming)
        naming.setContentsMargins(0, 0, 0, 0)
        naming.setSpacing(2)
        naming.addWidget(self._name, 1)
        naming.addWidget(self._done)
        naming.addWidget(self._cancel)
        column = QVBoxLayout(self)
        column.setContentsMargins(11, 6, 11, 8)
        column.setSpacing(4)
        for widget in (self._buttons, self._naming, self._problem):
            column.addWidget(widget)
        self._naming.hide()
        self._problem.hide()

    def _show(self) -> None:
        self.show_changes(self._count, may_save=self._save.isEnabled(), own=self._own)

    def _on_undo(self) -> None:
        if self._offer.isActive():
            self.bring_back_requested.emit()
        else:
            self.undo_requested.emit()

    def _on_save(self) -> None:
        self.begin_naming()

    def _on_named(self) -> None:
        try:
            name = presets.checked_name(self._name.text(), self._own, instead_of=self._old_name)
        except BadRequest as error:
            self._problem.setText(error.message)
            self._problem.show()
            return
        self.end_naming()
        if self._old_name:
            self.renamed.emit(self._old_name, name)
        else:
            self.saved.emit(name)
