"""The header: one bar above all pages with the model, its device, the context, the network and a menu of commands.

Setters give it data; every press goes out as a signal. Parts fold by the width class of the window, and commands that
are folded away are in the "more" menu.
"""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QRect, Signal
from PySide6.QtGui import QAction, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from desktop_llm.engine.client import InLine, LoadedModel, Loading
from desktop_llm.errors import UserError
from desktop_llm.gui.frame.device_sheet import DeviceSheet
from desktop_llm.gui.frame.model_button import ModelButton
from desktop_llm.gui.frame.network_state import NetworkState
from desktop_llm.gui.look import icons, theme
from desktop_llm.gui.look.formats import number
from desktop_llm.gui.look.literal import set_tip
from desktop_llm.gui.look.model_state import step_words
from desktop_llm.gui.look.model_words import device_words
from desktop_llm.gui.look.widgets import Button, ElidedLabel, IconButton, Label, Meter
from desktop_llm.gui.look.widgets.painting import repaint_on_theme, set_names
from desktop_llm.models.library import Model
from desktop_llm.words import tr

_NEARLY_FULL = 0.92
_WIDEST = "88,888 / 888,888"


class ContextMeter(QWidget):
    """Shows how much of the context length the open chat uses: a bar, figures, and a whole sentence as the tooltip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("context_meter")
        self._used, self._total, self._short = 0, 0, False
        self._bar = Meter(object_name="context_meter_bar")
        self._figures = Label("", "figures", "text_secondary", object_name="context_meter_figures")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self._bar)
        row.addWidget(self._figures)
        self.set_short(False)
        self.set_context(0, 0)

    def set_context(self, used: int, total: int) -> None:
        """Show `used` of `total` tokens; without a total no model is loaded, and the meter is hidden."""
        self._used, self._total = used, total
        self.setVisible(total > 0)
        if total <= 0:
            return
        self._bar.set_amount(used, total)
        percent = tr("{percent} %", percent=min(100, round(100 * used / total)))
        self._figures.setText(percent if self._short else f"{number(used)} / {number(total)}")
        name = tr("Context, {used} of {total} tokens used", used=number(used), total=number(total))
        self.setAccessibleName(name)
        self._bar.setAccessibleName(name)
        set_tip(self, self._sentence())

    def set_short(self, short: bool) -> None:
        """Show "24 %" instead of the counts."""
        self._short = short
        metrics = QFontMetrics(self._figures.font())
        widest = tr("{percent} %", percent=100) if short else _WIDEST
        self._figures.setFixedWidth(metrics.horizontalAdvance(widest) + 2)
        self.set_context(self._used, self._total)

    def figures(self) -> str:
        """The figures as shown."""
        return self._figures.text()

    def _sentence(self) -> str:
        counts = tr(
            "This chat uses {used} of the {total} tokens that the model can keep in mind.",
            used=number(self._used),
            total=number(self._total),
        )
        if self._used >= self._total * _NEARLY_FULL:
            rest = tr("The oldest messages are left out from now on; they stay saved.")
        else:
            left = number(self._total - self._used)
            rest = tr("{left} are left for the next message and its answer.", left=left)
        return f"{counts}\n{rest}"


class Slot(QWidget):
    """The left end of the header: the page's title and, above the chat list, the button for a new chat."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._over_list = True
        self.title = ElidedLabel(title, "heading", object_name="header_title")
        self.new_chat = IconButton("plus", tr("New chat"), tr("New chat (Ctrl+N)"), object_name="new_chat")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 8, 0)
        row.setSpacing(4)
        row.addWidget(self.title, 1)
        row.addWidget(self.new_chat)
        self.setFixedWidth(theme.current().length("column", "list") + 1)
        repaint_on_theme(self)

    def set_page(self, over_list: bool) -> None:
        """Look like part of the chat list if that is below, otherwise like part of the header."""
        self._over_list = over_list
        self.new_chat.setVisible(over_list)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the list's background, up to its edge."""
        if not self._over_list:
            return
        painter, colour = QPainter(self), theme.current().colour
        painter.fillRect(self.rect(), colour("bg_sidebar"))
        edge = 0 if self.isRightToLeft() else self.width() - 1
        painter.fillRect(QRect(edge, 0, 1, self.height()), colour("border_subtle"))
        painter.end()


class Rule(QWidget):
    """A short upright hairline between groups."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(1, 20)
        repaint_on_theme(self)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the line."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.current().colour("border_subtle"))
        painter.end()


WidthClass = Literal["wide", "medium", "compact", "narrow"]

_NARROW_BELOW = 760


def width_class(width: int) -> WidthClass:
    """The width class of a window that is this many pixels wide."""
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
        set_names(self, "header", tr("Header"))
        self._width_class: WidthClass = "wide"
        self._page, self._device_words, self._has_chat = "chats", "", False
        self._slot = Slot(tr("Chats"))
        self._list_button = IconButton("panelleft", tr("Show chats"), tr("Chats (Ctrl+B)"), object_name="list_button")
        self.model_button = ModelButton()
        self._device = Button("", "cpu", kind="quiet", height=28, object_name="device")
        self._sheet: DeviceSheet | None = None
        self._loaded: LoadedModel | None = None
        self._rule = Rule()
        self.context_meter = ContextMeter()
        self.network_state = NetworkState()
        self._panel_rule = Rule()
        self._panel_button = IconButton(
            "panelright", tr("Evidence panel"), tr("Evidence (Ctrl+E)"), object_name="panel_button"
        )
        self._panel_button.setCheckable(True)
        self._new_chat_right = IconButton(
            "plus", tr("New chat"), tr("New chat (Ctrl+N)"), object_name="new_chat_compact"
        )
        self.more_button = IconButton("more", tr("More"), object_name="more_button")
        self._lay_out()
        self._build_menu()
        self._connect()
        self._fold()
        repaint_on_theme(self)
        theme.notifier().changed.connect(self._tint_menu)

    def set_page(self, name: str, title: str) -> None:
        """Set the page that is shown; only "chats" has a button for a new chat and a right panel."""
        self._page = name
        self._slot.title.set_text(title)
        self._fold()

    def set_slot_width(self, width: int) -> None:
        """Follow the width of the list below, so that the slot's hairline meets the list's handle."""
        self._slot.setFixedWidth(width + 1)

    def set_width_class(self, name: WidthClass) -> None:
        """Fold for a window of this width class."""
        self._width_class = name
        self._fold()

    def show_model(self, model: Model | None) -> None:
        """Show the chosen model, or ask to choose one."""
        self.model_button.set_model(model.display_name if model else "", model.quantization if model else "")
        self.model_button.set_state("idle")

    def show_loading(self, step: InLine | Loading) -> None:
        """Show how far loading is, or that it has to wait."""
        if isinstance(step, InLine):
            self.model_button.set_state("waiting", tip=step_words(step))
        else:
            self.model_button.set_state("loading", step.fraction)

    def show_loaded(self, loaded: LoadedModel | None) -> None:
        """Show what the model in memory runs on; None if there is no such model."""
        self.model_button.set_state("ready" if loaded else "idle")
        self._loaded = loaded
        self._show_device(device_words(loaded) if loaded else "")

    def show_stopped(self, error: UserError) -> None:
        """Show that the engine died or could not load the model; the tooltip says why."""
        self.model_button.set_state("stopped", tip=error.message)
        self._loaded = None
        self._show_device(tr("Stopped"))

    def set_context(self, used: int, total: int) -> None:
        """Show how much of the context length is used."""
        self.context_meter.set_context(used, total)
        self._fold_rule()

    def set_panel_open(self, is_open: bool) -> None:
        """Show the panel button pressed while the panel is open."""
        self._panel_button.setChecked(is_open)

    def set_has_chat(self, has_chat: bool) -> None:
        """Say whether there is a stored chat to rename, export and delete."""
        self._has_chat = has_chat
        for action in (self._rename, self._export, self._delete):
            action.setEnabled(has_chat and self._page == "chats")

    def _show_device(self, words: str) -> None:
        self._device_words = words
        self.model_button.set_device(words)
        self._fold()

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
        """The words and rule of the device, which are shown and hidden together."""
        self._device_box = QWidget()
        row = QHBoxLayout(self._device_box)
        row.setContentsMargins(2, 0, 7, 0)
        row.setSpacing(0)
        row.addWidget(self._device)
        row.addSpacing(8)
        row.addWidget(self._rule)
        return self._device_box

    def _build_menu(self) -> None:
        self._menu = QMenu(self)
        self._menu.setObjectName("more_menu")
        self._settings = self._add(tr("Settings of this chat"), "sliders", "Ctrl+Shift+,", "chat_settings")
        self._rename = self._add(tr("Rename chat"), "pencil", "", "rename")
        self._export = self._add(tr("Export chat…"), "upload", "Ctrl+S", "export")
        self._delete = self._add(tr("Delete chat"), "trash", "", "delete")
        self._menu.addSeparator()
        self._welcome = self._add(tr("Welcome page"), "info", "", "welcome")
        self._keys = self._add(tr("All keys"), "keyboard", "F1", "keys")
        self.more_button.setMenu(self._menu)
        self._tint_menu()

    def _add(self, text: str, icon: str, key: str, name: str) -> QAction:
        """Add a line to the menu. The key is only shown: the window handles the shortcut."""
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
        self._slot.new_chat.clicked.connect(self.new_chat_requested)
        self._new_chat_right.clicked.connect(self.new_chat_requested)
        self._list_button.clicked.connect(self.list_toggled)
        self.model_button.clicked.connect(self.model_menu_requested)
        self.model_button.cancel_requested.connect(self.load_cancel_requested)
        self._device.clicked.connect(self._on_device)
        self._panel_button.clicked.connect(self.panel_toggled)
        self._settings.triggered.connect(self.chat_settings_requested)
        self._rename.triggered.connect(self.rename_requested)
        self._export.triggered.connect(self.export_requested)
        self._delete.triggered.connect(self.delete_requested)
        self._keys.triggered.connect(self.keys_requested)
        self._welcome.triggered.connect(self.welcome_requested)

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
        self._device.set_content(words)
        self._device.setAccessibleName(tr("Device, {words}", words=self._device_words))
        self._device.setEnabled(self._loaded is not None)
        set_tip(self._device, self._device_words)
        self._device_box.setVisible(bool(words) and name != "narrow")
        self._fold_rule()

    def _on_device(self) -> None:
        if self._loaded is None:
            return
        if self._sheet is None:
            self._sheet = DeviceSheet(self)
            self._sheet.settings_requested.connect(self.model_menu_requested)
        self._sheet.show_loaded(self._loaded)
        self._sheet.show_below(self._device)

    def _fold_rule(self) -> None:
        self._rule.setVisible(not self.context_meter.isHidden())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the background and the hairline below."""
        painter, colour = QPainter(self), theme.current().colour
        painter.fillRect(self.rect(), colour("surface"))
        painter.fillRect(QRect(0, self.height() - 1, self.width(), 1), colour("border_subtle"))
        painter.end()
