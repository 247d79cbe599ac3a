"""The models on this computer: adding, showing, removing, bringing back, getting again."""

from __future__ import annotations

import threading
from pathlib import Path

from PySide6.QtWidgets import QDialog

from desktop_llm.gui.models.here.view import FormatDialog
from desktop_llm.models.fit import Machine
from tests.gui.models.room import Room
from tests.gui.samples import find, heard
from tests.models import gguf_files
from tests.models.adapter_files import adapter, base_model, peft


def import_one(models: Room, folder: Path, name: str = "coder") -> str:
    """Add a small model file; returns its id."""
    models.local.import_files([str(gguf_files.model(folder / f"{name}.gguf"))])
    models.until(lambda: name in [model.id for model in models.shelf.now.models])
    return name


def test_an_added_file_is_listed_and_shown(models: Room, tmp_path: Path) -> None:
    import_one(models, tmp_path)
    assert "was added" in models.says("models_notice")
    assert "Tiny" in models.results("models_local_list")
    models.until(lambda: models.says("models_summary").startswith("3 models, "))


def test_a_file_that_is_no_model_is_one_sentence(models: Room, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF")
    models.local.import_files([str(broken)])
    models.until(lambda: "broken.gguf" in models.says("models_notice"))
    assert find(models.page, "models_add").isEnabled()


def test_an_adapter_and_a_peft_folder_are_added_and_tell_their_base_and_rank(models: Room, tmp_path: Path) -> None:
    name = "base_model.model.model.layers.0.self_attn.q_proj.lora_"
    tensors = {f"{name}A.weight": ((2, 16), bytes(128)), f"{name}B.weight": ((8, 2), bytes(64))}
    base = base_model(tmp_path / "base.gguf", llama__attention__head_count=2, llama__embedding_length=8)
    models.local.import_files([str(base), str(peft(tmp_path / "Polite", tensors))])
    models.until(lambda: "polite" in [model.id for model in models.shelf.now.models])
    models.local.import_files([str(adapter(tmp_path / "cheerful.gguf", {"blk.0.attn_q.weight": (16, 8)}, rank=3))])
    models.until(lambda: "cheerful" in [model.id for model in models.shelf.now.models])
    models.until(lambda: "settings of each chat with its model" in models.says("models_notice"))
    models.local.open("cheerful")
    facts = find(models.page, "local_facts").accessibleDescription()
    assert "Made for: Tiny\n" in facts
    assert "Rank: 3\n" in facts
    assert not models.shows("model_use")


def test_files_that_came_and_went_behind_the_window_are_seen_when_its_page_is_shown(
    models: Room, tmp_path: Path
) -> None:
    gone = import_one(models, tmp_path)
    models.page.hide()
    next(model.path for model in models.shelf.now.models if model.id == gone).unlink()
    gguf_files.model(models.folders.models / "come.gguf")
    models.page.show()
    models.until(lambda: "come" in [model.id for model in models.shelf.now.models])
    assert [model.state for model in models.shelf.now.models if model.id == gone] == ["missing"]


def test_a_removed_model_can_be_brought_back_until_the_window_closes(models: Room, tmp_path: Path) -> None:
    name = import_one(models, tmp_path)
    models.local.open(name)
    models.press("model_remove")
    models.until(lambda: models.says("models_undo") == "Tiny removed.")
    models.until(lambda: name not in [model.id for model in models.shelf.now.models])
    models.page.undo.hide()
    models.press("models_restore")
    models.until(lambda: name in [model.id for model in models.shelf.now.models])
    assert not models.shows("models_restore")


def test_the_list_waits_for_no_forecast(models: Room, tmp_path: Path) -> None:
    known, machine = threading.Event(), models.machine

    def ask() -> Machine:
        known.wait(10)
        return machine()

    models.machine = ask
    name = import_one(models, tmp_path)
    models.local.open(name)
    assert models.says("models_summary").startswith("3 models, ")
    models.press("model_remove")
    models.until(lambda: name not in [model.id for model in models.shelf.now.models])
    known.set()


def test_use_says_which_model(models: Room, tmp_path: Path) -> None:
    name = import_one(models, tmp_path)
    used = heard(models.page.local.use_requested)
    models.local.open(name)
    models.press("model_use")
    assert used == [name]
    models.local.set_in_use(next(model for model in models.shelf.now.models if model.id == name))
    assert not models.shows("model_use")


def test_a_model_whose_file_vanished_can_be_got_again(models: Room) -> None:
    models.add()
    models.open()
    models.get()
    models.until(lambda: models.stages() == ["done"])
    model = next(iter(models.shown.values())).model_id
    models.until(lambda: model in [each.id for each in models.shelf.now.models])
    path = next(each.path for each in models.shelf.now.models if each.id == model)
    path.unlink()
    models.shelf.look()
    models.until(lambda: any(each.state == "missing" for each in models.shelf.now.models))
    models.local.open(model)
    models.press("local_state_get_again")
    models.until(lambda: path.exists() and models.stages() == ["done"])


def test_a_chat_format_can_be_chosen(models: Room, tmp_path: Path) -> None:
    name = import_one(models, tmp_path)
    chosen = heard(models.local.format_chosen)
    models.page.local.format_requested.emit(name)
    dialog = find(models.page, "chat_format", FormatDialog)
    assert isinstance(dialog, QDialog)
    choice = find(dialog, "chat_format_choice")
    choice.setCurrentIndex(choice.count() - 1)
    find(dialog, "chat_format_confirm").click()
    assert chosen == [(name, choice.currentData())]


def test_searching_here_narrows_the_list(models: Room, tmp_path: Path) -> None:
    import_one(models, tmp_path)
    models.qtbot.keyClicks(models.page.sidebar.search, "tiny")
    models.until(lambda: models.results("models_local_list") == ["Tiny"])
    models.qtbot.keyClicks(models.page.sidebar.search, "zzz")
    models.until(lambda: "tinyzzz" in models.says("models_empty"))


def test_a_model_of_another_app_is_hidden_and_can_be_shown_again(models: Room, home: Path) -> None:
    folder = home / "nobody" / ".cache" / "lm-studio" / "models" / "maker" / "Coder-GGUF"
    folder.mkdir(parents=True)
    path = gguf_files.model(folder / "coder.gguf")
    models.shelf.look()
    models.until(lambda: any(model.origin == "lm_studio" for model in models.shelf.now.models))
    name = next(model.id for model in models.shelf.now.models if model.origin == "lm_studio")
    models.local.open(name)
    assert find(models.page, "model_remove").text() == "Hide here"
    models.press("model_remove")
    models.until(lambda: models.says("models_show_hidden") == "Show 1 hidden model")
    assert path.exists()
    models.press("models_show_hidden")
    models.until(lambda: name in [model.id for model in models.shelf.now.models])


def test_a_model_is_measured_and_its_speed_is_kept_for_the_next_window(models: Room, tmp_path: Path) -> None:
    name = import_one(models, tmp_path)
    wanted = heard(models.local.measuring.memory_wanted)
    models.local.open(name)
    models.until(lambda: "without a chat" in models.says("model_measure_state"))
    models.press("model_measure")
    models.until(lambda: "512 tokens read and 128 written" in models.says("model_measure_state"))
    assert len(wanted) == 1
    told = "KV cache f16: reading 100.0, writing 10.0 tokens/s"
    assert find(models.page, "local_speed_chart").accessibleDescription() == told
    models.reopen()
    models.local.open(name)
    models.until(lambda: find(models.page, "local_speed_chart").accessibleDescription() == told)


def test_a_model_that_can_not_be_measured_says_why(models: Room, tmp_path: Path) -> None:
    name = import_one(models, tmp_path)
    models.settings.change(context_length=512)
    models.local.open(name)
    models.press("model_measure")
    models.until(lambda: "don't fit" in models.says("model_measure_state"))
    assert find(models.page, "model_measure").isVisible()
