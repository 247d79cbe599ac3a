"""The context menu of a message: what can be copied from it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu

from desktop_llm.gui import icons
from desktop_llm.gui.transcript.code_part import CodePart
from desktop_llm.gui.transcript.mouse import Hit
from desktop_llm.gui.transcript.table_part import TablePart
from desktop_llm.gui.transcript.view_model import MessageView

if TYPE_CHECKING:
    from desktop_llm.gui.transcript.transcript import Transcript


def message_menu(transcript: Transcript, view: MessageView, hit: Hit | None, selected: str) -> QMenu:
    """The menu for a message and the part of it that was hit, if any; `selected` are the selected words."""
    part = hit.part if hit is not None else None
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
        wrap = menu.addAction(tr("Wrap long lines"))
        wrap.triggered.connect(functools.partial(_toggle_wrap, transcript, part, view.id))
        wrap.setCheckable(True)
        wrap.setChecked(part.wrapped)
    return menu


def _add_copy(menu: QMenu, words: str, text: str) -> None:
    menu.addAction(words, functools.partial(QGuiApplication.clipboard().setText, text))


def _toggle_wrap(transcript: Transcript, part: CodePart, message_id: str, _checked: bool) -> None:
    part.toggle_wrap()
    transcript.relayout(transcript.message_ids().index(message_id))
