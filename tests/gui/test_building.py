"""The cost of building a page: Qt's style sheet looks at a widget again each time one above it gets a parent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.activity.page import ActivityPage
from desktop_llm.gui.chat.evidence.panel import EvidencePanel
from desktop_llm.gui.chat.page import ChatsPage
from desktop_llm.gui.documents.page import DocumentsPage
from desktop_llm.gui.models.menu.menu import ModelMenu
from desktop_llm.gui.models.page import ModelsPage
from desktop_llm.gui.settings.page import SettingsPage
from desktop_llm.gui.welcome.page import WelcomePage

LOOKS = 3  # at each widget, on average; pages built from the leaves up took four to five


class Looks(QObject):
    """Counts how often the style sheet looked at any widget."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.StyleChange
        return False


@pytest.mark.parametrize(
    "build",
    [ActivityPage, ChatsPage, DocumentsPage, EvidencePanel, WelcomePage, ModelMenu, ModelsPage, SettingsPage],
)
def test_a_page_is_built_where_it_stands(qtbot: QtBot, qapp: QObject, build: Callable[[QWidget], QWidget]) -> None:
    window, looks = QWidget(), Looks()
    qtbot.addWidget(window)
    qapp.installEventFilter(looks)
    page = build(window)
    qapp.removeEventFilter(looks)
    assert 0 < looks.count <= LOOKS * len(page.findChildren(QWidget))
