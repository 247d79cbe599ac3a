"""The context menu of a message: what can be copied from it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu

from desktop_llm.gui import icons
from desktop_llm.gui.transcript.code_part import CodePart
from desktop_llm.gui.transcript.parts import Part
from desktop_llm.gui.transcript.table_part import TablePart
from desktop_llm.gui.transcript.view_model import MessageView

if TYPE_CHECKING:
    from desktop_llm.gui.transcript.transcript import Transcript


def message_menu(transcript: Transcript, view: MessageView, part: Part | None, selected: str) -> QMenu:
    """The menu for a message and, if one was hit, a part of it; `selected` are the selected words."""
    menu = QMenu(transcript)
    menu.setObjectName("message_menu")
    menu.aboutToHide.connect(menu.deleteLater)
    tr = transcript.tr
    if selected:
        _add_copy(menu, tr("Copy selected text"), selected)
    copy = menu.addAction(icons.icon("copy"), tr("Copy message"))
    copy.triggered.connect(functools.partial(transcript.copy_requested.emit, view.id))
    if view.role == "assistant":
        _add_copy(menu, tr("Copy as Markdown"), view.text)
    if isinstance(part, TablePart):
        menu.addSeparator()
        _add_copy(menu, tr("Copy table as Markdown"), part.as_markdown())
        _add_copy(menu, tr("Copy table as CSV"), part.as_csv())
    if isinstance(part, CodePart):
        menu.addSeparator()
        _add_copy(menu, tr("Copy code"), part.block.text)
        wrap = menu.addAction(tr("Wrap long lines"), part.toggle_wrap)
        wrap.setCheckable(True)
        wrap.setChecked(part.wrapped)
    return menu


def _add_copy(menu: QMenu, words: str, text: str) -> None:
    menu.addAction(words, functools.partial(QGuiApplication.clipboard().setText, text))
