"""Models come into the folder with a finished download or an import, and facts about them are kept."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from desktop_llm.errors import ModelFileError
from desktop_llm.files import sha256_of
from desktop_llm.models.library import STARTER_CHAT, STARTER_SMALL, Library
from desktop_llm.models.library.elsewhere import Places
from desktop_llm.models.library.model_files import publish
from desktop_llm.paths import Folders
from tests.models.gguf_files import CHAT, model, split_model
from tests.models.shelves import ids, lm_studio


def finished(here: Folders, name: str, title: str = "Tiny") -> Path:
    folder = here.models / ".part"
    folder.mkdir(exist_ok=True)
    return model(folder / name, {**CHAT, "general.name": title})


def adopt(library: Library, paths: list[Path], file: str) -> str:
    sha256s = [sha256_of(path) for path in paths]
    return library.adopt(paths, repo="a/b-GGUF", file=file, revision="c0ffee", sha256s=sha256s).id


def test_a_download_is_called_as_its_repository_where_its_file_tells_other_things(
    library: Library, here: Folders
) -> None:
    for told, called in (("Smollm2 8K Mix1 Ep2", "SmolLM2 135M Instruct"), ("Smollm2 135M", "Smollm2 135M")):
        part = finished(here, "one.part", told)
        repo, file = "HuggingFaceTB/SmolLM2-135M-Instruct-GGUF", f"{len(told)}-Q4_1.gguf"
        adopted = library.adopt([part], repo=repo, file=file, revision="c0ffee", sha256s=[sha256_of(part)])
        assert adopted.display_name == called


def test_a_finished_download_is_published_with_where_it_came_from(library: Library, here: Folders) -> None:
    part = finished(here, "one.part")
    sha256 = sha256_of(part)
    assert adopt(library, [part], "Q4/Tiny-Q4_K_M.gguf") == "tiny-q4_k_m"
    done = library.get("tiny-q4_k_m")
    assert done.path == here.models / "Tiny-Q4_K_M.gguf"
    assert (done.origin, done.repo, done.file, done.revision) == ("pulled", "a/b-GGUF", "Q4/Tiny-Q4_K_M.gguf", "c0ffee")
    assert (done.sha256, done.own, part.exists()) == (sha256, True, False)
    if os.name == "posix":
        assert stat.S_IMODE(done.path.stat().st_mode) == 0o600


def test_the_parts_of_a_download_get_the_names_by_which_they_find_each_other(
    library: Library, here: Folders, tmp_path: Path
) -> None:
    parts = [path.rename(here.models / f"{number}.part") for number, path in enumerate(split_model(tmp_path))]
    assert adopt(library, parts, "Q8/Big-Q8_0-00001-of-00003.gguf") == "big-q8_0"
    names = [path.name for path in library.get("big-q8_0").parts]
    assert names == [f"Big-Q8_0-0000{number}-of-00003.gguf" for number in (1, 2, 3)]


def test_the_same_content_again_is_the_same_model(library: Library, here: Folders) -> None:
    first = adopt(library, [finished(here, "one.part")], "Tiny.gguf")
    again = finished(here, "two.part")
    assert adopt(library, [again], "tiny.gguf") == first
    assert (ids(library), again.exists()) == (["tiny"], False)


def test_other_content_of_that_name_gets_a_number(library: Library, here: Folders) -> None:
    adopt(library, [finished(here, "one.part")], "Tiny.gguf")
    assert adopt(library, [finished(here, "two.part", "Another")], "Tiny.gguf") == "tiny-2"


def test_a_name_that_differs_in_case_alone_is_taken_too(library: Library, here: Folders) -> None:
    (here.models / "Tiny.GGUF").write_bytes(b"another")
    assert adopt(library, [finished(here, "one.part")], "tiny.gguf") == "tiny-2"


def test_a_name_that_is_taken_meanwhile_stays_with_its_file(here: Folders) -> None:
    parts = [finished(here, "1.part"), finished(here, "2.part")]
    targets = [here.models / "tiny-00001-of-00002.gguf", here.models / "tiny-00002-of-00002.gguf"]
    targets[0].write_bytes(b"another")
    with pytest.raises(FileExistsError):
        publish(parts, targets)
    assert (targets[0].read_bytes(), targets[1].exists()) == (b"another", False)
    assert all(part.exists() for part in parts)


@pytest.mark.parametrize(
    "file", ["../../evil.gguf", "..", "C:\\x.gguf", "\\\\host\\share\\x.gguf", "NUL.gguf", "x\0.gguf"]
)
def test_a_name_from_the_hub_is_only_a_label(library: Library, here: Folders, file: str) -> None:
    adopt(library, [finished(here, "one.part")], file)
    (path,) = here.models.glob("*.gguf")
    assert path.parent == here.models
    assert path.stem.lower() != "nul"


def test_a_model_that_was_removed_and_pulled_again_is_the_same(library: Library, here: Folders) -> None:
    adopt(library, [finished(here, "one.part")], "Tiny.gguf")
    library.remember("tiny", {"threads": 2})
    library.remove("tiny", undo=False)
    assert adopt(library, [finished(here, "two.part")], "Tiny.gguf") == "tiny"
    assert library.remembered("tiny") == {"threads": 2}


def test_an_import_of_half_a_model_is_refused(library: Library, tmp_path: Path) -> None:
    first, _, last = split_model(tmp_path)
    last.unlink()
    with pytest.raises(ModelFileError, match="big-00003-of-00003"):
        library.import_file(first)
    assert ids(library) == []


def test_what_was_chosen_for_a_model_is_remembered_until_it_is_forgotten(
    library: Library, here: Folders, places: Places
) -> None:
    assert library.remembered(STARTER_SMALL.id) == {}
    library.remember(STARTER_SMALL.id, {"context_length": 4096, "kv_type": "q8_0"})
    assert Library(here, places).remembered(STARTER_SMALL.id) == {"context_length": 4096, "kv_type": "q8_0"}
    library.remember(STARTER_SMALL.id, None)
    assert library.remembered(STARTER_SMALL.id) == {}


def test_models_of_the_same_content_in_two_files_are_told(library: Library, person: Path, tmp_path: Path) -> None:
    copy = lm_studio(person)
    done = library.import_file(model(tmp_path / "mine.gguf")).model
    library.import_file(model(tmp_path / "else.gguf", {**CHAT, "general.name": "Else"}))
    (told,) = library.duplicates()
    assert {(found.id, found.path) for found in told.models} == {("mine", done.path), ("tiny", copy)}
    assert told.spare_bytes == copy.stat().st_size


def test_two_names_of_one_file_are_no_duplicates(library: Library, tmp_path: Path) -> None:
    path = model(tmp_path / "tiny.gguf")
    library.import_file(path)
    library.import_file(path.rename(tmp_path / "again.gguf"))
    assert (len(ids(library)), library.duplicates()) == (2, [])


def test_space_counts_our_own_models_and_those_of_other_apps_apart(
    library: Library, person: Path, tmp_path: Path
) -> None:
    other = lm_studio(person)
    own = library.import_file(model(tmp_path / "own.gguf", {**CHAT, "general.name": "A longer name than that"})).model
    space = library.look().space
    assert (space.models_bytes, space.elsewhere_bytes) == (own.size_bytes, other.stat().st_size)
    assert space.free_bytes > 0


def test_further_folders_are_asked_for_at_every_look(here: Folders, places: Places, tmp_path: Path) -> None:
    named: list[str] = []
    library = Library(here, places, lambda: named)
    (tmp_path / "more").mkdir()
    model(tmp_path / "more" / "tiny.gguf")
    assert ids(library) == []
    named.append(str(tmp_path / "more"))
    assert (ids(library), library.find("tiny").origin) == (["tiny"], "folder")


def test_the_starter_tells_how_it_is_built(library: Library) -> None:
    starter = library.starter()
    assert (starter.origin, starter.layers, starter.shape.layers) == ("starter", 30, 30)


@pytest.mark.parametrize(
    ("name", "id"),
    [("\u202e", "model"), ("x\u202efugg", "xfugg"), ("Long-" * 40, "long-" * 40)],
    ids=["bidi", "mixed", "long"],
)
def test_the_id_of_a_file_is_its_name_as_far_as_it_can_be_seen(
    library: Library, here: Folders, name: str, id: str
) -> None:
    model(here.models / f"{name}.gguf")
    assert ids(library) == [id]


@pytest.mark.parametrize("name", ["", "/", "a/b/", "\udc80", "x" * 500, "a\nb"])
def test_a_list_of_another_app_may_hold_any_name(library: Library, person: Path, name: str) -> None:
    folder = person / ".local" / "share" / "Jan" / "data" / "llamacpp" / "models" / "one"
    folder.mkdir(parents=True)
    model(folder / "model.gguf")
    listed = f"model_path: llamacpp/models/one/model.gguf\nname: {name}\n"
    (folder / "model.yml").write_bytes(listed.encode("utf-8", "surrogateescape"))
    (found,) = [known for known in library.models() if not known.starter]
    assert (found.state, library.get(found.id).path.name) == ("ok", "model.gguf")
    assert found.id.isprintable()
    assert 0 < len(found.id) <= 120


def test_a_file_named_like_a_starter_that_is_not_here_keeps_its_name(library: Library, tmp_path: Path) -> None:
    source = model(tmp_path / f"{STARTER_CHAT.id}.gguf")
    assert STARTER_CHAT.id not in ids(library)
    assert library.import_file(source).model.id == STARTER_CHAT.id
