"""A model on this computer in the middle of the page: its facts, its state and its actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.gui.look import theme
from desktop_llm.gui.look.formats import isolated, moment, number, plain, size
from desktop_llm.gui.look.layouts import empty_layout, scrolled_column
from desktop_llm.gui.look.literal import set_tip, window_title
from desktop_llm.gui.look.model_words import kind_word, model_name, per_second, size_word
from desktop_llm.gui.look.widgets import Action, Banner, Button, ElidedLabel, Label, Pill, PrimaryButton, Select, Tag
from desktop_llm.gui.look.widgets.banner import BannerKind
from desktop_llm.gui.look.widgets.painting import RING_MARGIN, set_names
from desktop_llm.gui.models.here.speed_card import SpeedCard
from desktop_llm.gui.models.rows import origin_word
from desktop_llm.models.library import Model
from desktop_llm.models.templates import FORMATS, suggested_format
from desktop_llm.words import plural, tr

if TYPE_CHECKING:
    from desktop_llm.models.fit import Forecast


class LocalView(QWidget):
    """`speed` shows how fast it is.

    Signals, each with the model's id: `use_requested`, `show_file_requested`, `remove_requested`,
    `get_again_requested`, `format_requested`.
    """

    use_requested = Signal(str)
    show_file_requested = Signal(str)
    remove_requested = Signal(str)
    get_again_requested = Signal(str)
    format_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "models_local_model", tr("Model on this computer"))
        self._model: Model | None = None
        self._title = ElidedLabel("", "title", mode=Qt.TextElideMode.ElideMiddle, object_name="local_title")
        self._tag, self._in_use = Tag(""), Pill(tr("In use"), "success", "check")
        self._use = PrimaryButton(tr("Use"), "play", object_name="model_use")
        self._show = Button(tr("Show file"), "folder", object_name="model_show_file")
        self._remove = Button(tr("Remove"), "trash", kind="quiet", object_name="model_remove")
        self._notices = QVBoxLayout()
        self._facts = _Facts()
        self.speed = SpeedCard()
        self._lay_out()
        self._use.clicked.connect(lambda: self.use_requested.emit(self._id()))
        self._show.clicked.connect(lambda: self.show_file_requested.emit(self._id()))
        self._remove.clicked.connect(lambda: self.remove_requested.emit(self._id()))

    def show_model(
        self, model: Model, *, in_use: bool, twin: str = "", forecast: Forecast | None = None, base: str = ""
    ) -> None:
        """Show a model; `twin` names another model with the very same content, and `base` what an adapter is for."""
        self._model = model
        name = model_name(model)
        self.setAccessibleName(tr("Model {name}", name=name))
        self._title.set_text(name)
        self._tag.set_text(size_word(model.quantization))
        self._tag.setVisible(model.kind != "adapter")
        self._in_use.setVisible(in_use)
        self._use.setVisible(model.kind == "chat" and not in_use and model.state in ("ok", "changed"))
        self._use.setAccessibleName(tr("Use {name}", name=name))
        self._show.setVisible(model.state != "missing")
        self._show.setAccessibleName(tr("Show the file of {name}", name=name))
        self._name_remove(model)
        self._show_notices(model, twin)
        self._facts.set_facts(facts_of(model, forecast, base))

    def _name_remove(self, model: Model) -> None:
        own = model.own or model.state == "missing"
        self._remove.setEnabled(not model.starter)
        self._remove.set_content(tr("Remove") if own else tr("Hide here"), "trash" if own else "x")
        self._remove.setAccessibleName(tr("Remove {name}", name=model_name(model)))
        if model.starter:
            tip = tr("This model came with the app and can't be removed, so that there is always one.")
        elif own:
            tip = tr("You can undo this until the window is closed.")
        else:
            tip = tr("Its file belongs to {app} and is not touched.", app=origin_word(model))
        set_tip(self._remove, tip)

    def _show_notices(self, model: Model, twin: str) -> None:
        empty_layout(self._notices)
        for banner in notices_of(model, twin):
            banner.action_triggered.connect(self._on_notice)
            self._notices.addWidget(banner)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._title)
        head.addWidget(self._tag)
        head.addWidget(self._in_use)
        head.addStretch(1)
        buttons = QHBoxLayout()
        buttons.setSpacing(2)
        for button in (self._use, self._show, self._remove):
            buttons.addWidget(button)
        buttons.addStretch(1)
        self._notices.setSpacing(8)
        head.setContentsMargins(RING_MARGIN, 0, RING_MARGIN, 0)
        body = QVBoxLayout()
        body.setContentsMargins(RING_MARGIN, 0, RING_MARGIN, 0)
        body.setSpacing(12)
        body.addLayout(self._notices)
        body.addWidget(self._facts)
        body.addWidget(self.speed)
        column = scrolled_column(self, 720)
        column.setContentsMargins(20 - RING_MARGIN, 18, 20 - RING_MARGIN, 24)
        column.setSpacing(12)
        column.addLayout(head)
        column.addLayout(buttons)
        column.addLayout(body)
        column.addStretch(1)

    def _id(self) -> str:
        return self._model.id if self._model is not None else ""

    def _on_notice(self, name: str) -> None:
        signals = {
            "get_again": self.get_again_requested,
            "format": self.format_requested,
            "remove": self.remove_requested,
        }
        signals[name].emit(self._id())


class _Facts(QFrame):
    """Names at the left, values behind them, one fact a line."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("card", True)
        set_names(self, "local_facts", tr("Facts"))
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(16, 12, 16, 12)
        self._grid.setHorizontalSpacing(24)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(1, 1)

    def set_facts(self, facts: list[tuple[str, str]]) -> None:
        """Show these."""
        empty_layout(self._grid)
        for row, (name, value) in enumerate(facts):
            self._grid.addWidget(Label(name, "ui", "text_secondary"), row, 0)
            self._grid.addWidget(ElidedLabel(value, "ui", mode=Qt.TextElideMode.ElideMiddle), row, 1)
        self.setAccessibleDescription("\n".join(f"{name}: {value}" for name, value in facts))


def facts_of(model: Model, forecast: Forecast | None = None, base: str = "") -> list[tuple[str, str]]:
    """What is known about a model, or an adapter for `base`, in the order in which people ask."""
    facts = [(tr("For"), kind_word(model)), (tr("Size"), size(model.size_bytes))]
    if model.kind == "adapter":
        facts[0] = (tr("Made for"), plain(base) or tr("an unknown model"))
    if model.adapter is not None:
        weights = plural("%n weight of the model", "%n weights of the model", len(model.adapter.weights))
        facts += [(tr("Rank"), number(model.adapter.rank)), (tr("Changes"), weights)]
    if len(model.parts) > 1:
        facts.append((tr("Files"), number(len(model.parts))))
    if forecast is not None:
        facts.append((tr("Memory"), size(forecast.memory_bytes)))
        if forecast.tokens_per_s is not None:
            facts.append((tr("Speed"), tr("{rate} tokens/s", rate=per_second(forecast.tokens_per_s))))
    facts.append((tr("Quantization"), plain(model.quantization)))
    facts.append((tr("Architecture"), plain(model.architecture)))
    if model.context_length:
        facts.append((tr("Context"), tr("{count} tokens", count=number(model.context_length))))
    facts.append((tr("From"), origin_word(model)))
    if model.repo:
        facts.append((tr("Repository"), plain(model.repo)))
    if model.kind != "adapter":
        facts.append((tr("Last used"), moment(model.used_at)))
    facts.append((tr("File"), plain(str(model.path))))
    return [(name, value) for name, value in facts if value]


def notices_of(model: Model, twin: str) -> list[Banner]:
    """What a person should know before using a model: its file, its chat format, its twin."""
    banners = []
    if model.state != "ok":
        banners.append(_state_notice(model))
    choose = (Action("format", tr("Choose a chat format"), "chat"),)
    if model.kind == "chat" and model.state in ("ok", "changed"):
        if model.template == "missing":
            title = tr("This model has no chat format of its own.")
            banners.append(Banner(title, tr("Answers may be odd."), choose, kind="warning", object_name="local_format"))
        elif model.template == "different":
            title = tr("Its chat format differs from the one that its makers published.")
            text = tr("A chat format is a small program; whoever changed it can change the text that the model gets.")
            banners.append(Banner(title, text, choose, kind="warning", object_name="local_format"))
    if twin:
        title = tr("The same file is here twice.")
        text = tr("{name} has the very same content.", name=plain(twin))
        banners.append(Banner(title, text, object_name="local_twin"))
    return banners


def _state_notice(model: Model) -> Banner:
    titles = {
        "missing": tr("The file of this model is gone."),
        "changed": tr("The file of this model has changed."),
        "damaged": tr("The file of this model is damaged."),
        "unsupported": tr("This version can't open this model."),
    }
    remove = Action("remove", tr("Remove from the list"), "trash", "quiet")
    again = model.repo and model.state in ("missing", "damaged")
    actions = [Action("get_again", tr("Get again"), "download")] if again else []
    if model.state == "missing":
        actions.append(remove)
    kind: BannerKind = "warning" if model.state == "changed" else "danger"
    return Banner(titles[model.state], model.explanation, tuple(actions), kind=kind, object_name="local_state")


class FormatDialog(QDialog):
    """Signal: `chosen` with the model's id and the name of a format, "" for the model's own."""

    chosen = Signal(str, str)

    def __init__(self, parent: QWidget, model: Model) -> None:
        super().__init__(parent)
        self._model_id = model.id
        title = tr("Chat format of {name}", name=isolated(model_name(model)))
        self.setObjectName("chat_format")
        self.setWindowTitle(window_title(title))
        self.setAccessibleName(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFixedWidth(min(theme.current().length("column", "dialog"), max(320, parent.window().width() - 32)))
        self._choice = Select(object_name="chat_format_choice", accessible_name=tr("Chat format"))
        for name in FORMATS:
            self._choice.addItem(name, name)
        if model.template == "missing":
            self._choice.setCurrentIndex(self._choice.findData(suggested_format(model.architecture, model.name)))
        else:
            self._choice.insertItem(0, tr("The model's own"), "")
            self._choice.setCurrentIndex(0)
        words = tr("It says how questions and answers are told apart. The publisher's page names the right one.")
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 21, 17)
        column.setSpacing(8)
        column.addWidget(Label(title, "heading", wrap=True))
        column.addWidget(Label(words, "ui", "text_secondary", wrap=True))
        column.addWidget(self._choice)
        column.addLayout(self._buttons())

    def _buttons(self) -> QHBoxLayout:
        cancel = Button(tr("Cancel"), object_name="chat_format_cancel")
        confirm = PrimaryButton(tr("Use this format"), "check", object_name="chat_format_confirm")
        cancel.clicked.connect(self.reject)
        confirm.clicked.connect(self._on_confirmed)
        row = QHBoxLayout()
        row.setContentsMargins(0, 12, 0, 0)
        row.setSpacing(2)
        row.addStretch(1)
        row.addWidget(cancel)
        row.addWidget(confirm)
        return row

    def _on_confirmed(self) -> None:
        self.chosen.emit(self._model_id, self._choice.currentData())
        self.accept()
