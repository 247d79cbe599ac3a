"""Removing models: with undo, at once, or only from the list if the file is another app's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from desktop_llm.errors import NotFound, UserError
from desktop_llm.models.library import Library
from desktop_llm.models.library.elsewhere import Places
from desktop_llm.paths import Folders
from tests.models.gguf_files import CHAT, model, split_model
from tests.models.shelves import ids, lm_studio


def test_a_removed_model_comes_back_as_it_was(library: Library, tmp_path: Path) -> None:
    done = library.import_file(model(tmp_path / "tiny.gguf"))
    library.remove("tiny")
    assert (ids(library), done.model.path.exists()) == ([], False)
    assert library.restore("tiny") == done.model


def test_all_parts_go_and_come_back(library: Library, here: Folders) -> None:
    paths = split_model(here.models)
    library.remove("big")
    assert list(here.models.glob("*.gguf")) == []
    assert library.restore("BIG").parts == tuple(paths)


def test_an_emptied_trash_gives_nothing_back_but_the_name(library: Library, here: Folders, tmp_path: Path) -> None:
    library.import_file(model(tmp_path / "tiny.gguf"))
    library.remove("tiny")
    library.empty_trash()
    assert list(here.models.iterdir()) == []
    with pytest.raises(NotFound, match="can't be brought back"):
        library.restore("tiny")
    gone = library.known("tiny")
    assert gone is not None
    assert (gone.name, gone.state, gone.reason[:17]) == ("Tiny", "missing", "Tiny was removed.")
    assert library.known("never here") is None


def test_what_a_kill_left_in_the_trash_goes_at_the_next_start(
    library: Library, here: Folders, places: Places, tmp_path: Path
) -> None:
    library.import_file(model(tmp_path / "tiny.gguf"))
    library.remove("tiny")
    next_start = Library(here, places)
    next_start.empty_trash()
    assert list(here.models.iterdir()) == []
    assert ids(next_start) == []


def test_a_place_that_was_taken_meanwhile_is_kept(library: Library, tmp_path: Path) -> None:
    library.import_file(model(tmp_path / "tiny.gguf"))
    library.remove("tiny")
    (tmp_path / "other").mkdir()
    library.import_file(model(tmp_path / "other" / "tiny.gguf", {**CHAT, "general.name": "Another"}))
    with pytest.raises(UserError, match=r"another file of that name now. Nothing was changed"):
        library.restore("tiny")
    assert library.get("tiny").display_name == "Another"


def test_removing_without_undo_deletes_at_once(library: Library, here: Folders, tmp_path: Path) -> None:
    library.import_file(model(tmp_path / "tiny.gguf"))
    library.remove("tiny", undo=False)
    assert list(here.models.iterdir()) == []


def test_another_app_s_model_is_only_hidden_and_its_file_stays(library: Library, person: Path) -> None:
    path = lm_studio(person)
    assert library.remove("tiny").app == "LM Studio"
    assert (ids(library), path.exists()) == ([], True)
    assert [hidden.id for hidden in library.look().hidden] == ["tiny"]
    assert library.restore("tiny").id == "tiny"
    assert (ids(library), library.look().hidden) == (["tiny"], ())


def test_a_hidden_model_can_still_be_loaded_by_an_old_conversation(library: Library, person: Path) -> None:
    path = lm_studio(person)
    library.remove(library.models()[-1].id)
    assert library.get("tiny").path == path


def test_half_a_copy_that_a_killed_import_left_goes_too(library: Library, here: Folders) -> None:
    left, growing = here.models / "left.gguf.part", here.models / "growing.gguf.part"
    for path in (left, growing):
        path.write_bytes(b"GGUF")
    os.utime(left, (1, 1))
    library.empty_trash()
    assert list(here.models.iterdir()) == [growing]


def test_a_missing_model_that_was_taken_off_the_list_comes_back_too(library: Library, tmp_path: Path) -> None:
    library.import_file(model(tmp_path / "tiny.gguf")).model.path.unlink()
    library.remove("tiny")
    assert ids(library) == []
    assert library.restore("tiny").state == "missing"
    assert ids(library) == ["tiny"]
    library.remove("tiny")
    library.import_file(tmp_path / "tiny.gguf")
    library.remove("tiny")
    assert library.restore("tiny").state == "ok"
