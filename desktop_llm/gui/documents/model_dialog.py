"""The sheet that asks which models search a collection: the one that embeds it, and the reranker of all searches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from desktop_llm.gui.look import formats
from desktop_llm.gui.look.small_dialog import SmallDialog
from desktop_llm.gui.look.widgets import Label, Select
from desktop_llm.models.fit.search_models import SEARCH_MODELS, SearchModel
from desktop_llm.models.library import Model
from desktop_llm.words import tr


@dataclass(frozen=True, slots=True)
class SearchChoice:
    """What was chosen for a collection. None: as before; a SearchModel is to be downloaded first; "" is the model that
    came with the app, or no reranker.
    """

    collection: str
    embedding: Model | SearchModel | str | None
    reranker: Model | SearchModel | str | None


class SearchModelsDialog(SmallDialog):
    """Asks which models search a collection. Signal: `chosen`."""

    chosen = Signal(SearchChoice)

    def __init__(self, parent: QWidget, collection: str, now: tuple[str, str], models: Sequence[Model]) -> None:
        """`now` has the names of the collection's model and of the reranker ("": none)."""
        title = tr("Find across languages")
        text = tr(
            "The model that came with the app understands English. Another one finds answers in documents of other "
            "languages, and embeds all passages again in the background; until it has, the one before answers."
        )
        super().__init__(parent, collection, "search_models", title, text, tr("Use"))
        self._collection = collection
        self._embedding = self._add_choice(
            "search_models_embedding", tr("Model of this collection"), "embedding", models, now[0]
        )
        self._reranker = self._add_choice(
            "search_models_reranker", tr("Reranker of all searches"), "reranker", models, now[1]
        )

    @classmethod
    def ask(
        cls,
        parent: QWidget,
        collection: str,
        now: tuple[str, str],
        models: Sequence[Model],
        then: Callable[[SearchChoice], None],
    ) -> SearchModelsDialog:
        """Ask which models search a collection, and call `then` with the choice."""
        dialog = cls(parent, collection, now, models)
        dialog.chosen.connect(then)
        dialog.open()
        return dialog

    def _add_choice(self, name: str, label: str, kind: str, models: Sequence[Model], now: str) -> Select:
        select = Select(object_name=name, accessible_name=label)
        none = tr("Came with the app (English)") if kind == "embedding" else tr("None")
        select.addItem(none, "")
        here = [model for model in models if model.kind == kind and not model.starter and model.state == "ok"]
        for model in here:
            select.addItem(formats.plain(model.display_name), model)
        files = {model.file.lower() or model.path.name.lower() for model in here}
        for each in SEARCH_MODELS:
            if each.kind == kind and each.file.lower() not in files:
                size = formats.size(each.size_bytes)
                select.addItem(tr("Download {name} ({size})", name=each.name, size=size), each)
                select.setItemData(select.count() - 1, each.text, _TIP)
        names = ["", *(model.display_name for model in here)]
        select.setCurrentIndex(names.index(now) if now in names else 0)
        select.setProperty("first", select.currentIndex())
        at = self.body.count() - 1  # before the buttons
        self.body.insertWidget(at, Label(label, "small", "text_secondary"))
        self.body.insertWidget(at + 1, select)
        return select

    def _on_confirmed(self) -> None:
        self.chosen.emit(SearchChoice(self._collection, _chosen(self._embedding), _chosen(self._reranker)))
        self.accept()


_TIP = 3  # Qt.ItemDataRole.ToolTipRole


def _chosen(select: Select) -> Model | SearchModel | str | None:
    """What was chosen, None if that is as it was."""
    if select.currentIndex() == select.property("first"):
        return None
    chosen = select.currentData()
    assert isinstance(chosen, Model | SearchModel | str)
    return chosen
