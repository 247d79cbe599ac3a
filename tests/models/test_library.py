"""What is on disk: import, list, default, remove."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from desktop_llm.errors import ModelFileError, NotFound, UserError
from desktop_llm.models.library import STARTER_EMBEDDING, STARTER_SMALL, Library
from desktop_llm.models.library.elsewhere import Places
from desktop_llm.paths import Folders
from tests.models.gguf_files import CHAT, model


def test_the_starters_are_there_before_anything_is_imported(library: Library) -> None:
    chat, embedding = library.models()
    assert (chat.id, chat.kind, chat.display_name) == (STARTER_SMALL.id, "chat", "SmolLM2 135M")
    assert (embedding.id, embedding.kind) == (STARTER_EMBEDDING.id, "embedding")
    assert library.default() == chat
    assert library.get(embedding.id.upper()).path.name == "model.onnx"


def test_a_starter_can_t_be_removed(library: Library) -> None:
    with pytest.raises(UserError, match="came with this app and stays"):
        library.remove(STARTER_SMALL.id)


def test_an_imported_model_is_listed_and_costs_no_copy(library: Library, tmp_path: Path) -> None:
    source = model(tmp_path / "My Model.Q4_K_M.gguf")
    done = library.import_file(source)
    assert (done.model.id, done.bytes_transferred, done.size_bytes) == ("my model.q4_k_m", 0, source.stat().st_size)
    assert done.model.path.samefile(source)
    assert done.model in library.models()


def test_the_same_content_twice_is_one_model(library: Library, tmp_path: Path) -> None:
    first = library.import_file(model(tmp_path / "tiny.gguf"))
    assert library.import_file(tmp_path / "tiny.gguf").model == first.model
    assert len(library.models()) == 3


def test_a_very_long_name_of_many_bytes_is_cut(library: Library, tmp_path: Path) -> None:
    file = model(tmp_path / f"{'長' * 80}.gguf")
    assert library.import_file(file).model.id == "長" * 66


def test_two_models_of_one_name_stay_apart(library: Library, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    library.import_file(model(tmp_path / "tiny.gguf"))
    second = library.import_file(model(tmp_path / "other" / "Tiny.gguf", {**CHAT, "general.name": "Other"}))
    assert second.model.id == "tiny-2"
    assert second.model.display_name == "Other"


def test_a_part_of_a_model_is_refused_and_nothing_is_left(library: Library, here: Folders, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="can't answer alone"):
        library.import_file(model(tmp_path / "eyes.gguf", {**CHAT, "general.type": "mmproj"}))
    assert list(here.models.iterdir()) == []


@pytest.mark.parametrize("name", ["..", "a/b", "CON", "x\u202efugg", ".hidden", "a" * 240])
def test_a_file_s_name_never_leads_out_of_the_folder(
    library: Library, here: Folders, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "from"
    path = folder / f"{name}.gguf"
    path.parent.mkdir(parents=True, exist_ok=True)
    done = library.import_file(model(path))
    assert done.model.path.parent == here.models
    assert done.model.path.exists()


def test_the_model_used_last_is_the_default(library: Library, here: Folders, places: Places, tmp_path: Path) -> None:
    done = library.import_file(model(tmp_path / "tiny.gguf"))
    library.mark_used(done.model.id)
    assert Library(here, places).default().id == done.model.id
    library.remove(done.model.id)
    assert Library(here, places).default().id == STARTER_SMALL.id


def test_a_removed_model_is_gone_and_an_unknown_one_is_told(library: Library, tmp_path: Path) -> None:
    done = library.import_file(model(tmp_path / "tiny.gguf"))
    assert library.remove(done.model.id) == done.model
    assert not done.model.path.exists()
    with pytest.raises(NotFound, match="There is no model “tiny”"):
        library.get("tiny")


def test_a_file_that_was_damaged_later_says_so_and_can_be_removed(library: Library, tmp_path: Path) -> None:
    done = library.import_file(model(tmp_path / "tiny.gguf"))
    done.model.path.write_bytes(b"GGUF, once")
    damaged = library.find("tiny")
    assert (damaged.state, damaged.name, damaged.architecture) == ("damaged", "Tiny", "llama")
    assert "ends too early" in damaged.reason or "not a GGUF model file" in damaged.reason
    with pytest.raises(ModelFileError, match="GGUF"):
        library.get("tiny")
    library.remove("tiny")
    assert "tiny" not in [known.id for known in library.models()]


def test_damaged_facts_are_measured_again(here: Folders, places: Places, tmp_path: Path) -> None:
    here.facts_db.write_bytes(b"this is no database, but it is long enough to look like one" * 100)
    assert Library(here, places).import_file(model(tmp_path / "tiny.gguf")).model.id == "tiny"


def test_nothing_is_opened_before_something_is_asked(here: Folders, places: Places) -> None:
    library = Library(here, places)
    assert not here.facts_db.exists()
    library.models()
    assert here.facts_db.exists()


def test_a_snapshot_is_made_once_for_all_who_ask_until_something_changes(library: Library, tmp_path: Path) -> None:
    done = library.import_file(model(tmp_path / "tiny.gguf"))
    first = library.snapshot()
    assert library.snapshot() is first
    assert (done.model in first.models, first.hidden, first.space.models_bytes) == (True, (), done.size_bytes)

    library.mark_used(done.model.id)
    used = library.snapshot()
    assert [known.used_at is not None for known in used.models if known.id == done.model.id] == [True]
    library.remove(done.model.id)
    assert done.model.id not in [known.id for known in library.snapshot().models]
    library.restore(done.model.id)
    assert library.snapshot().space.models_bytes == first.space.models_bytes


def test_a_look_sees_what_happened_behind_the_apps_back(library: Library, tmp_path: Path) -> None:
    done = library.import_file(model(tmp_path / "tiny.gguf"))
    before = library.snapshot()
    done.model.path.unlink()
    assert library.snapshot() is before
    assert [known.state for known in library.look().models if known.id == done.model.id] == ["missing"]


def test_after_an_import_everybody_sees_the_look_that_it_made(here: Folders, places: Places, tmp_path: Path) -> None:
    looks = list[int]()

    def folders_of_the_person() -> list[str]:
        looks.append(1)
        return []

    library = Library(here, places, folders_of_the_person)
    done = library.import_file(model(tmp_path / "tiny.gguf"))
    assert all(done.model in library.snapshot().models for _ in range(3))
    assert (library.duplicates(), library.default().kind) == ([], "chat")
    assert len(looks) == 1


def test_many_who_ask_at_once_share_one_look(here: Folders, places: Places) -> None:
    together, looks = threading.Barrier(8), list[int]()

    def folders_of_the_person() -> list[str]:
        looks.append(1)
        return []

    library = Library(here, places, folders_of_the_person)

    def ask() -> None:
        together.wait(10)
        library.snapshot()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(looks) == 1
