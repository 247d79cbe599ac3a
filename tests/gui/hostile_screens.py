"""The window's screens with a text from outside in every place that shows one, and a mouse that goes over all of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Self, TypeVar

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPoint, QRect, Qt, QUrl, Slot
from PySide6.QtGui import QAction, QDesktopServices, QHelpEvent, QTextCursor
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QLabel,
    QScrollArea,
    QTableView,
    QToolTip,
    QWidget,
)

from desktop_llm.errors import TransferError, UserError
from desktop_llm.gui.activity.page import ActivityPage
from desktop_llm.gui.chat.chat_list import ChatList
from desktop_llm.gui.chat.chips import Attachment
from desktop_llm.gui.chat.composer import Composer
from desktop_llm.gui.chat.evidence.panel import EvidencePanel
from desktop_llm.gui.chat.settings import ChatSettings
from desktop_llm.gui.chat.transcript import MessageView, Transcript
from desktop_llm.gui.documents.dialogs import RemoveDialog
from desktop_llm.gui.documents.page import DocumentsPage
from desktop_llm.gui.frame.drop.sheet import DropZone, ZoneTile
from desktop_llm.gui.frame.header import Header
from desktop_llm.gui.look import markdown, theme
from desktop_llm.gui.look.model_state import ModelState
from desktop_llm.gui.look.rich_text import DocumentWriter, Typography, new_document
from desktop_llm.gui.look.small_dialog import SmallDialog
from desktop_llm.gui.look.widgets import Banner, Button, ElidedLabel, EmptyState, IconButton, Tick, UndoBar
from desktop_llm.gui.models.find.card_text import card_blocks
from desktop_llm.gui.models.find.discovery import FoundModel
from desktop_llm.gui.models.find.sizes import SizeRow
from desktop_llm.gui.models.menu.menu import ModelMenu
from desktop_llm.gui.models.page import ModelsPage
from desktop_llm.gui.models.rows import found_row, local_row
from desktop_llm.gui.network.panel import NetworkPanel
from desktop_llm.gui.settings.page import SettingsPage
from desktop_llm.gui.welcome.page import WelcomePage
from desktop_llm.gui.work.links import open_link
from desktop_llm.knowledge.client import PageText
from desktop_llm.message import Citation, File, Text, Thinking
from desktop_llm.net.ledger import LedgerEntry
from desktop_llm.settings import Settings
from tests.gui.documents.conftest import collection, document, failure, passage
from tests.gui.models.samples import a_forecast, a_hub_file, a_hub_model, a_recommendation
from tests.gui.samples import a_chat, a_download, a_model, find
from tests.gui.screen_reading import open_tip

W = TypeVar("W", bound=QWidget)
Screen = Callable[[QWidget, str], None]
_ROLES = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole)
_STEP = 14  # pixels from one place of the mouse to the next over a painted surface


def tips_of(root: QWidget) -> Iterator[str]:
    """Paint everything, then rest the mouse on every widget, every cell, and all over messages; yields the tooltips."""
    root.grab()
    for widget in root.findChildren(QWidget):
        if widget.isVisible():
            for place in _places(widget):
                QToolTip.hideText()
                event = QHelpEvent(QEvent.Type.ToolTip, place, widget.mapToGlobal(place))
                QApplication.sendEvent(widget, event)
                if tip := open_tip():
                    yield tip


def words_of(root: QWidget) -> Iterator[str]:
    """What labels, buttons, cells and menus say, and the names that a screen reader says."""
    for widget in root.findChildren(QWidget):
        if widget.inherits("QTipLabel"):
            continue
        yield widget.accessibleName()
        if isinstance(widget, QLabel | QAbstractButton):
            yield widget.text()
        if isinstance(widget, QAbstractItemView):
            yield from (str(index.data(role)) for index in _cells(widget) for role in _ROLES)
    yield from (action.text().replace("&&", "&") for action in root.findChildren(QAction))


class Desktop(QObject):
    """Stands for the desktop while a block lasts: hears what would be opened, and opens nothing."""

    _SCHEMES = ("file", "http", "https", "mailto", "ftp", "smb", "data", "javascript")

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def __enter__(self) -> Self:
        for scheme in self._SCHEMES:
            # Its annotation asks for bytes, which are refused at run time.
            QDesktopServices.setUrlHandler(scheme, self, "open")  # type: ignore[arg-type]
        return self

    def __exit__(self, *_: object) -> None:
        for scheme in self._SCHEMES:
            QDesktopServices.unsetUrlHandler(scheme)

    @Slot(QUrl)
    def open(self, url: QUrl) -> None:
        """Hear it."""
        self.opened.append(url.toString())


def links_opened_by(text: str) -> list[str]:
    """What is opened if a person clicks every link of an answer, and the text as a link, and agrees to everything."""
    document = new_document(Typography(theme.current()), "ui")
    writer = DocumentWriter(QTextCursor(document), Typography(theme.current()))
    writer.write(markdown.parse(text))
    window = QWidget()
    window.show()
    with Desktop() as desktop:
        for link in (*(anchor.href for anchor in writer.anchors), text):
            open_link(window, link)
            dialog = next(each for each in window.findChildren(SmallDialog) if each.isVisible())
            dialog.confirm.click()
    window.close()
    return desktop.opened


def _cells(view: QAbstractItemView) -> list[QModelIndex]:
    model, columns = view.model(), 1
    if isinstance(view, QTableView):
        columns = model.columnCount(view.rootIndex())
    rows = min(model.rowCount(view.rootIndex()), 6) if model is not None else 0
    return [model.index(row, column) for row in range(rows) for column in range(columns)]


def _places(widget: QWidget) -> Iterator[QPoint]:
    above = widget.parentWidget()
    if isinstance(above, QAbstractItemView) and widget is above.viewport():
        yield from (above.visualRect(index).center() for index in _cells(above))
    elif isinstance(above, Transcript) and widget is above.viewport():
        box: QRect = widget.rect()
        yield from (QPoint(x, y) for y in range(0, box.height(), _STEP) for x in range(0, box.width(), 4 * _STEP))
    elif not isinstance(widget, QScrollArea):
        yield widget.rect().center()


def _header(window: QWidget, text: str) -> None:
    header = _placed(Header(window), window)
    header.show_model(a_model("m", name=text, quantization=text))
    header.show_stopped(UserError(text, text))
    header.set_page("chats", text)


def _chats(window: QWidget, text: str) -> None:
    chats = _placed(ChatList(window), window, 160)
    chats.set_conversations([a_chat("a", text), a_chat("b", text, pinned=True)])


def _composer(window: QWidget, text: str) -> None:
    composer = _placed(Composer(window), window)
    composer.set_collections([text, "b"], [text])
    states = (Attachment("/a", text, "ready", text), Attachment("/b", text, "failed", text))
    composer.set_attachments(states)
    composer.set_queued(text)


def _chat_settings(window: QWidget, text: str) -> None:
    button = Button("More", parent=window)
    sheet = ChatSettings(window)
    sheet.set_collections((text,))
    sheet.set_conversation(a_chat("a", text, system_prompt=text, collections=(text,)))
    sheet.show_below(button)


def _answer(window: QWidget, text: str) -> None:
    cited = Citation(1, f"/papers/{text}", None, 0, 9, text, 0.9, place=text, verified=True)
    words = f"{text}\n\nIt says so [1].\n\n| {text.splitlines()[0] if text else ''} | b |\n|---|---|\n| [1] | c |\n"
    transcript = _placed(Transcript(window), window)
    transcript.set_messages(
        [
            MessageView("q", "user", (File(f"/papers/{text}"), Text(text))),
            MessageView("a", "assistant", (Thinking(text), Text(words)), citations=(cited,), foot_tip=text, foot="x"),
            MessageView("b", "assistant", (), "error", sources=(cited,), error=text, error_text=text),
            MessageView("c", "assistant", (Text("x"),), notice=text, notice_text=text),
        ]
    )


def _evidence(window: QWidget, text: str) -> None:
    panel = _placed(EvidencePanel(window), window, 300)
    quote = Citation(1, f"/papers/{text}", None, 0, 3, text, 0.9, place=text, verified=True)
    panel.show_evidence([quote], [replace(quote, number=2)], quote)
    panel.show_text(PageText(text, None, text), quote.document, None, 0, 3)


def _documents(window: QWidget, text: str) -> None:
    page = _placed(DocumentsPage(window), window)
    lost = failure(f"/papers/{text}", text, "password")
    page.show_collections([collection(text, failed=(lost,), formats=((text, 2),))], {})
    page.set_notice(text, text)
    files = _placed(DocumentsPage(window), window)
    files.show_collections([collection(text)], {})
    files.show_files(text)
    files.set_documents(text, [document(f"/papers/{text}"), document(f"/{text}/b", status="failed", reason=text)])
    RemoveDialog.ask(window, text, lambda *_: None)


def _found_passages(window: QWidget, text: str) -> None:
    page = _placed(DocumentsPage(window), window)
    page.show_collections([collection(text)], {})
    find(page, "documents_search").setText("x")
    page.focus_search()
    page.set_search_results("x", [passage(f"/papers/{text}", text, None, text)])


def _models_here(window: QWidget, text: str) -> None:
    page = _placed(ModelsPage(window), window)
    model = a_model("m", name=text, quantization=text, state="damaged", reason=text)
    page.sidebar.local.set_entries([local_row(model)], text, "")
    page.sidebar.local.set_removed(text)
    page.local.show_model(model, in_use=False, twin=text)
    page.show_here()
    page.show_local()
    page.set_notice(text, text)


def _models_found(window: QWidget, text: str) -> None:
    page = _placed(ModelsPage(window), window)
    model = a_hub_model(f"{text}/{text}", license=text, languages=(text,), tags=(text,), architecture=text)
    page.sidebar.discover.set_entries([(found_row(FoundModel(model, a_forecast())), False)], text)
    page.sidebar.discover.set_hub(text)
    page.repository.show_model(model)
    page.repository.sizes.set_rows([SizeRow(a_hub_file(text, name=text), a_forecast())], text, on_gpu=True)
    page.repository.card.set_card(card_blocks(f"# Card\n\n{text}"), (text,))
    page.repository.set_notice(text, text, ())
    page.show_repository()


def _menu(window: QWidget, text: str) -> None:
    button = Button("Model", parent=window)
    menu = ModelMenu(window)
    menu.set_models((a_model(), a_model("m", name=text, quantization=text)), {})
    menu.set_chosen("m")
    menu.show_below(button)


def _network(window: QWidget, text: str) -> None:
    panel = NetworkPanel(window)
    panel.set_entries([LedgerEntry(time.time(), text, text, 1, 1, text)])
    panel.show_below(Button("x", parent=window))


def _activity(window: QWidget, text: str) -> None:
    page = _placed(ActivityPage(window), window)
    error = TransferError(text, text, cause="disk_full", details=text)
    page.show_downloads([a_download("a", text, text), a_download("b", text, text, "failed", error=error)])
    page.show_model(ModelState(a_model("m", name=text), error=UserError(text)))
    page.set_summary(text)


def _settings(window: QWidget, text: str) -> None:
    page = _placed(SettingsPage(window), window)
    page.set_settings(Settings(default_collection=text, model_folders=(f"/{text}",)))
    page.set_collections((text,))


def _welcome(window: QWidget, text: str) -> None:
    page = _placed(WelcomePage(window), window)
    page.set_model(a_model("m", name=text), None)
    page.set_recommendations([replace(a_recommendation(), name=text, title=text, text=text)], "16 GB")
    page.set_other_apps((text,))


def _small_widgets(window: QWidget, text: str) -> None:
    widgets = (
        *(
            Button(text, tooltip=text, parent=window),
            IconButton("x", text, text, parent=window),
            Tick(text, parent=window),
        ),
        *(Banner(text, text, parent=window), EmptyState("chat", text, text, parent=window)),
        *(ElidedLabel(text, parent=window), ZoneTile(DropZone("collection", text), text, window)),
    )
    for number, widget in enumerate(widgets):
        widget.setGeometry(0, 60 * number, 60, 50)
        widget.show()
    UndoBar(window).show_message(text)


def _placed(widget: W, window: QWidget, width: int = 0) -> W:
    widget.setGeometry(0, 0, width or window.width(), window.height())
    widget.show()
    return widget


SCREENS: dict[str, Screen] = {
    "header": _header,
    "chats": _chats,
    "composer": _composer,
    "chat settings": _chat_settings,
    "answer": _answer,
    "evidence": _evidence,
    "documents": _documents,
    "found passages": _found_passages,
    "models here": _models_here,
    "models found": _models_found,
    "menu": _menu,
    "network": _network,
    "activity": _activity,
    "settings": _settings,
    "welcome": _welcome,
    "small widgets": _small_widgets,
}
