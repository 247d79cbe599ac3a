"""The header: one bar over all pages with the model, its device, the context, the network and what else there is to do.

It shows what it is told through setters; everything pressed goes out as a signal. The parts fold by the width class of
the window, and what is folded away stays reachable in the "more" menu.
"""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QRect, Signal
from PySide6.QtGui import QAction, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from desktop_llm.gui import icons, theme
from desktop_llm.gui.header_parts import ContextMeter, Rule, Slot, StillIcon
from desktop_llm.gui.model_button import ModelButton, ModelState
from desktop_llm.gui.network_state import NetworkState
from desktop_llm.gui.widgets import IconButton, Label
from desktop_llm.gui.widgets.painting import repaint_on_theme, set_names

WidthClass = Literal["wide", "medium", "compact", "narrow"]

_NARROW_BELOW = 760


def width_class(width: int) -> WidthClass:
    """How a window of this many pixels folds."""
    length = theme.current().length
    if width >= length("column", "break_evidence_overlay"):
        return "wide"
    if width > length("column", "break_list_hidden"):
        return "medium"
    return "compact" if width >= _NARROW_BELOW else "narrow"


class Header(QWidget):
    """Slot with the page's title, model, device, context meter, network, panel button and more."""

    new_chat_requested = Signal()
    list_toggled = Signal()
    model_menu_requested = Signal()
    load_cancel_requested = Signal()
    panel_toggled = Signal()
    chat_settings_requested = Signal()
    rename_requested = Signal()
    export_requested = Signal()
    delete_requested = Signal()
    keys_requested = Signal()
    welcome_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "header", self.tr("Header"))
        self._width_class: WidthClass = "wide"
        self._page, self._device_words, self._has_chat = "chats", "", False
        self._slot = Slot(self.tr("Chats"))
        self._list_button = IconButton(
            "panelleft", self.tr("Show chats"), self.tr("Chats (Ctrl+B)"), object_name="list_button"
        )
        self.model_button = ModelButton()
        self._device = Label("", "ui", "text_secondary", object_name="device")
        self._rule = Rule()
        self.context_meter = ContextMeter()
        self.network_state = NetworkState()
        self._panel_rule = Rule()
        self._panel_button = IconButton(
            "panelright", self.tr("Evidence panel"), self.tr("Evidence (Ctrl+E)"), object_name="panel_button"
        )
        self._panel_button.setCheckable(True)
        self._new_chat_right = IconButton(
            "plus", self.tr("New chat"), self.tr("New chat (Ctrl+N)"), object_name="new_chat_compact"
        )
        self.more_button = IconButton("more", self.tr("More"), object_name="more_button")
        self._lay_out()
        self._build_menu()
        self._connect()
        self._fold()
        repaint_on_theme(self)
        theme.notifier().changed.connect(self._tint_menu)

    def set_page(self, name: str, title: str) -> None:
        """Say which page is shown; only "chats" has a new chat button and a right panel."""
        self._page = name
        self._slot.title.set_text(title)
        self._fold()

    def set_slot_width(self, width: int) -> None:
        """Follow the width of the list below; the slot's hairline goes on in the list's handle."""
        self._slot.setFixedWidth(width + 1)

    def set_width_class(self, name: WidthClass) -> None:
        """Fold for a window of this class."""
        self._width_class = name
        self._fold()

    def set_model(self, name: str, quantization: str = "") -> None:
        """Show the chosen model; an empty name asks to choose one."""
        self.model_button.set_model(name, quantization)

    def set_model_state(self, state: ModelState, fraction: float | None = None, tip: str = "") -> None:
        """Show how the model is; `tip` is the reason it stopped."""
        self.model_button.set_state(state, fraction, tip)

    def set_device(self, words: str) -> None:
        """Say what the model runs on ("CPU, 8 threads"); nothing while nothing is loaded."""
        self._device_words = words
        self.model_button.set_device(words)
        self._fold()

    def set_context(self, used: int, total: int) -> None:
        """Show how much of the context length is used."""
        self.context_meter.set_context(used, total)
        self._fold_rule()

    def set_panel_open(self, is_open: bool) -> None:
        """Show the panel button pressed while the panel is open."""
        self._panel_button.setChecked(is_open)

    def set_has_chat(self, has_chat: bool) -> None:
        """Whether there is a stored chat that can be renamed, exported and deleted."""
        self._has_chat = has_chat
        for action in (self._rename, self._export, self._delete):
            action.setEnabled(has_chat and self._page == "chats")

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 8, 1)
        row.setSpacing(0)
        row.addWidget(self._slot)
        row.addSpacing(9)
        row.addWidget(self._list_button)
        row.addWidget(self.model_button)
        row.addWidget(self._device_group())
        row.addSpacing(9)
        row.addWidget(self.context_meter)
        row.addStretch(1)
        for widget in (self.network_state, self._panel_rule, self._panel_button, self._new_chat_right):
            row.addWidget(widget)
            row.addSpacing(4 if widget is self._panel_rule else 0)
        row.addWidget(self.more_button)
        self.setMinimumHeight(theme.current().length("control", "header"))

    def _device_group(self) -> QWidget:
        """Icon, words and rule, which come and go together."""
        self._device_box = QWidget()
        row = QHBoxLayout(self._device_box)
        row.setContentsMargins(9, 0, 7, 0)
        row.setSpacing(8)
        row.addWidget(StillIcon("cpu"))
        row.addWidget(self._device)
        row.addSpacing(8)
        row.addWidget(self._rule)
        return self._device_box

    def _build_menu(self) -> None:
        self._menu = QMenu(self)
        self._menu.setObjectName("more_menu")
        self._settings = self._add(self.tr("Settings of this chat"), "sliders", "Ctrl+Shift+,", "chat_settings")
        self._rename = self._add(self.tr("Rename chat"), "pencil", "", "rename")
        self._export = self._add(self.tr("Export chat…"), "upload", "Ctrl+S", "export")
        self._delete = self._add(self.tr("Delete chat"), "trash", "", "delete")
        self._menu.addSeparator()
        self._welcome = self._add(self.tr("Welcome page"), "info", "", "welcome")
        self._keys = self._add(self.tr("All keys"), "keyboard", "F1", "keys")
        self.more_button.setMenu(self._menu)
        self._tint_menu()

    def _add(self, text: str, icon: str, key: str, name: str) -> QAction:
        """A line of the menu; the key is only written there, the window owns the shortcut."""
        action = QAction(f"{text}\t{key}" if key else text, self._menu)
        action.setObjectName(f"more_{name}")
        action.setData(icon)
        self._menu.addAction(action)
        return action

    def _tint_menu(self) -> None:
        for action in self._menu.actions():
            if action.data():
                action.setIcon(icons.icon(action.data()))

    def _connect(self) -> None:
        self._slot.new_chat.clicked.connect(self._on_new_chat)
        self._new_chat_right.clicked.connect(self._on_new_chat)
        self._list_button.clicked.connect(self._on_list)
        self.model_button.clicked.connect(self._on_model)
        self.model_button.cancel_requested.connect(self.load_cancel_requested)
        self._panel_button.clicked.connect(self._on_panel)
        self._settings.triggered.connect(self._on_settings)
        self._rename.triggered.connect(self._on_rename)
        self._export.triggered.connect(self._on_export)
        self._delete.triggered.connect(self._on_delete)
        self._keys.triggered.connect(self._on_keys)
        self._welcome.triggered.connect(self._on_welcome)

    def _fold(self) -> None:
        name, chats = self._width_class, self._page == "chats"
        folded = name in ("compact", "narrow")
        self._slot.setVisible(not folded)
        self._slot.set_page(chats)
        self._list_button.setVisible(folded and chats)
        self._new_chat_right.setVisible(folded and chats)
        self._panel_button.setVisible(chats)
        self._panel_rule.setVisible(chats and not folded)
        self._settings.setEnabled(chats)
        self.set_has_chat(self._has_chat)
        self.network_state.set_icon_only(name == "narrow")
        self.context_meter.set_short(name != "wide")
        words = self._device_words if name == "wide" else self._device_words.partition(",")[0]
        self._device.setText(words)
        self._device.setToolTip(self._device_words)
        self._device_box.setVisible(bool(words) and name != "narrow")
        self._fold_rule()

    def _fold_rule(self) -> None:
        self._rule.setVisible(not self.context_meter.isHidden())

    def _on_new_chat(self) -> None:
        self.new_chat_requested.emit()

    def _on_list(self) -> None:
        self.list_toggled.emit()

    def _on_model(self) -> None:
        self.model_menu_requested.emit()

    def _on_panel(self) -> None:
        self.panel_toggled.emit()

    def _on_settings(self) -> None:
        self.chat_settings_requested.emit()

    def _on_rename(self) -> None:
        self.rename_requested.emit()

    def _on_export(self) -> None:
        self.export_requested.emit()

    def _on_delete(self) -> None:
        self.delete_requested.emit()

    def _on_keys(self) -> None:
        self.keys_requested.emit()

    def _on_welcome(self) -> None:
        self.welcome_requested.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The ground and the hairline below."""
        painter, colour = QPainter(self), theme.current().colour
        painter.fillRect(self.rect(), colour("surface"))
        painter.fillRect(QRect(0, self.height() - 1, self.width(), 1), colour("border_subtle"))
        painter.end()
