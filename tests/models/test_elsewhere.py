"""Models of other apps are found in each app's layout on disk, and no other file is taken for a model."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from desktop_llm.models.library import elsewhere
from desktop_llm.models.library.elsewhere import ModelFile, Places, models_elsewhere

BLOB = "a" * 64


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path, {"OLLAMA_MODELS": str(tmp_path / "ollama")})


def file(path: Path, content: str | dict[str, object] = "GGUF") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def ollama_manifest(folder: Path, name: str, digest: str = f"sha256:{BLOB}") -> None:
    kinds = {"template": "b" * 64, "model": digest, "params": "c" * 64}
    layers = [{"mediaType": f"application/vnd.ollama.image.{kind}", "digest": digest} for kind, digest in kinds.items()]
    file(folder / "manifests" / name, {"schemaVersion": 2, "layers": layers})


def test_a_computer_without_other_apps_has_no_other_models(places: Places) -> None:
    assert list(models_elsewhere(places, [])) == []


@pytest.mark.parametrize("home", [".lmstudio", ".cache/lm-studio"])
def test_lm_studio_keeps_models_by_author_and_repository(places: Places, home: str) -> None:
    path = file(places.home / home / "models" / "bartowski" / "Qwen3-8B-GGUF" / "Qwen3-8B-Q4_K_M.gguf")
    file(path.with_name("config.json"))
    assert list(elsewhere.lm_studio(places)) == [ModelFile(path, repo="bartowski/Qwen3-8B-GGUF", origin="lm_studio")]


def test_lm_studio_s_home_and_its_folder_for_downloads_may_lie_anywhere(places: Places, tmp_path: Path) -> None:
    home, downloads = tmp_path / "disk" / "home", tmp_path / "big" / "downloads"
    file(tmp_path / ".lmstudio-home-pointer", f"{home}\n")
    file(home / "settings.json", {"downloadsFolder": str(downloads)})
    kept, loose = file(home / "models" / "a" / "b" / "kept.gguf"), file(downloads / "loose.gguf")
    assert [(found.path, found.repo) for found in elsewhere.lm_studio(places)] == [(kept, "a/b"), (loose, "")]


@pytest.mark.parametrize("settings", [".config", "Library/Application Support", "AppData/Roaming"])
def test_lm_studio_s_settings_may_lie_where_the_system_keeps_them(
    places: Places, tmp_path: Path, settings: str
) -> None:
    file(tmp_path / settings / "LM Studio" / "settings.json", {"downloadsFolder": str(tmp_path / "big")})
    path = file(tmp_path / "big" / "a" / "b" / "kept.gguf")
    assert list(elsewhere.lm_studio(places)) == [ModelFile(path, repo="a/b", origin="lm_studio")]


def test_an_ollama_manifest_names_the_blob_that_is_the_model(places: Places, tmp_path: Path) -> None:
    blob = file(tmp_path / "ollama" / "blobs" / f"sha256-{BLOB}")
    for name in (
        "registry.ollama.ai/library/qwen3/8b",
        "registry.ollama.ai/mike/tuned/latest",
        "hf.co/a/b-GGUF/Q4_K_M",
    ):
        ollama_manifest(tmp_path / "ollama", name)
    assert {(found.name, found.repo) for found in elsewhere.ollama(places)} == {
        ("qwen3:8b", ""),
        ("mike/tuned:latest", ""),
        ("hf.co/a/b-GGUF:Q4_K_M", "a/b-GGUF"),
    }
    assert {(found.path, found.sha256) for found in elsewhere.ollama(places)} == {(blob, BLOB)}


def test_ollama_without_a_variable_is_looked_for_at_home(tmp_path: Path) -> None:
    blob = file(tmp_path / ".ollama" / "models" / "blobs" / f"sha256-{BLOB}")
    ollama_manifest(tmp_path / ".ollama" / "models", "registry.ollama.ai/library/tiny/latest")
    assert blob in [found.path for found in elsewhere.ollama(Places(tmp_path, {}))]


@pytest.mark.parametrize("digest", ["sha256:../../../secret", "sha256:" + "d" * 64, "", "md5:1"])
def test_an_ollama_manifest_that_names_no_blob_of_its_own_is_passed_over(
    places: Places, tmp_path: Path, digest: str
) -> None:
    file(tmp_path / "ollama" / "blobs" / f"sha256-{BLOB}")
    ollama_manifest(tmp_path / "ollama", "registry.ollama.ai/library/odd/latest", digest)
    file(tmp_path / "ollama" / "manifests" / "registry.ollama.ai" / "library" / "torn" / "latest", '{"layers": [')
    file(tmp_path / "ollama" / "manifests" / "stray")
    assert list(elsewhere.ollama(places)) == []


@pytest.mark.parametrize(
    ("folder", "environ"),
    [
        (".local/share/nomic.ai/GPT4All", {}),
        ("data/nomic.ai/GPT4All", {"XDG_DATA_HOME": "data"}),
        ("Library/Application Support/nomic.ai/GPT4All", {}),
        ("AppData/Local/nomic.ai/GPT4All", {}),
        ("Local/nomic.ai/GPT4All", {"LOCALAPPDATA": "Local"}),
    ],
)
def test_gpt4all_keeps_its_models_in_one_folder(tmp_path: Path, folder: str, environ: dict[str, str]) -> None:
    path = file(tmp_path / folder / "Llama-3.2-1B-Instruct-Q4_0.gguf")
    file(path.with_name("incomplete-Phi-3.gguf"))
    file(path.with_name("localdocs_v3.db"))
    places = Places(tmp_path, {name: str(tmp_path / value) for name, value in environ.items()})
    assert list(elsewhere.gpt4all(places)) == [ModelFile(path, origin="gpt4all")]


def test_gpt4all_s_python_package_keeps_its_models_in_a_cache(places: Places) -> None:
    path = file(places.home / ".cache" / "gpt4all" / "Phi-3-mini.Q4_0.gguf")
    assert list(elsewhere.gpt4all(places)) == [ModelFile(path, origin="gpt4all")]


def test_gpt4all_s_settings_may_name_another_folder(places: Places, tmp_path: Path) -> None:
    path = file(tmp_path / "big disk" / "tiny.gguf")
    file(tmp_path / ".config" / "nomic.ai" / "GPT4All.ini", f"[General]\nchatTheme=Dark\nmodelPath={path.parent}/\n")
    assert [found.path for found in elsewhere.gpt4all(places)] == [path]


@pytest.mark.parametrize(
    "data", [".local/share/Jan/data", "Library/Application Support/Jan/data", "AppData/Roaming/Jan/data", "moved"]
)
def test_jan_lists_each_model_in_a_file_beside_it(places: Places, tmp_path: Path, data: str) -> None:
    file(tmp_path / ".local" / "share" / "Jan" / "settings.json", {"data_folder": str(tmp_path / "moved")})
    folder = tmp_path / data / "llamacpp" / "models"
    path = file(folder / "janhq" / "Jan-v3-4B" / "model.gguf")
    listed = f"embedding: false\nmodel_path: llamacpp/models/janhq/Jan-v3-4B/model.gguf\nmodel_sha256: {BLOB}\n"
    file(path.with_name("model.yml"), f"{listed}name: janhq/Jan-v3-4B\nsize_bytes: 4\n")
    assert list(elsewhere.jan(places)) == [ModelFile(path, "janhq/Jan-v3-4B", sha256=BLOB, origin="jan")]


def test_jan_may_list_a_file_that_lies_elsewhere_or_nowhere(places: Places, tmp_path: Path) -> None:
    path = file(tmp_path / "downloads" / "mine.gguf")
    folder = tmp_path / ".local" / "share" / "Jan" / "data" / "llamacpp" / "models"
    file(folder / "mine" / "model.yml", f"model_path: '{path}'\nname: mine\n")
    file(folder / "gone" / "model.yml", "model_path: llamacpp/models/gone/model.gguf\nname: gone\n")
    file(folder / "odd" / "model.yml", "- just\n- a list\n")
    assert [(found.path, found.name) for found in elsewhere.jan(places)] == [(path, "mine")]


def test_an_old_jan_kept_its_models_in_the_home_folder(places: Places, tmp_path: Path) -> None:
    path = file(tmp_path / "jan" / "models" / "tinyllama-1.1b" / "tinyllama.gguf")
    assert [found.path for found in elsewhere.jan(places)] == [path]


@pytest.mark.parametrize(
    ("hub", "environ"),
    [
        (".cache/huggingface/hub", {}),
        ("cache/huggingface/hub", {"XDG_CACHE_HOME": "cache"}),
        ("hf/hub", {"HF_HOME": "hf"}),
        ("hub", {"HF_HUB_CACHE": "hub", "HF_HOME": "elsewhere"}),
    ],
)
def test_the_hugging_face_cache_links_a_file_to_the_blob_of_its_checksum(
    tmp_path: Path, hub: str, environ: dict[str, str]
) -> None:
    repo = tmp_path / hub / "models--Qwen--Qwen3-8B--GGUF"
    blob = file(repo / "blobs" / BLOB)
    path = repo / "snapshots" / ("c" * 40) / "Q4" / "qwen3.gguf"
    path.parent.mkdir(parents=True)
    path.symlink_to(os.path.relpath(blob, path.parent))
    path.with_name("gone.gguf").symlink_to("../../../blobs/none")
    file(tmp_path / hub / "datasets--a--b" / "snapshots" / "d" / "data.gguf")
    places = Places(tmp_path, {name: str(tmp_path / value) for name, value in environ.items()})
    expected = ModelFile(path, repo="Qwen/Qwen3-8B--GGUF", sha256=BLOB, origin="huggingface")
    assert list(elsewhere.hugging_face(places)) == [expected]


def test_a_blob_that_several_repositories_share_is_no_checksum_by_its_own_name(places: Places, tmp_path: Path) -> None:
    cache = tmp_path / ".cache" / "huggingface" / "hub"
    shared = file(cache / "blobs" / "ab" / ("ab" * 32))  # named by another hash than sha256
    repo = cache / "models--a--b"
    (repo / "blobs").mkdir(parents=True)
    (repo / "blobs" / BLOB).symlink_to(os.path.relpath(shared, repo / "blobs"))
    path = repo / "snapshots" / ("c" * 40) / "tiny.gguf"
    path.parent.mkdir(parents=True)
    path.symlink_to(f"../../blobs/{BLOB}")
    assert [(found.path, found.sha256) for found in elsewhere.hugging_face(places)] == [(path, BLOB)]


def test_a_cache_that_was_copied_without_links_has_no_checksums(places: Places, tmp_path: Path) -> None:
    path = file(tmp_path / ".cache" / "huggingface" / "hub" / "models--a--b" / "snapshots" / "c" / "tiny.gguf")
    assert list(elsewhere.hugging_face(places)) == [ModelFile(path, repo="a/b", origin="huggingface")]


def test_folders_that_the_person_named_are_looked_through_without_going_in_circles(
    places: Places, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    path = file(folder / "deep" / "Tiny.GGUF")
    file(folder / ".trash" / "old.gguf")
    (folder / "deep" / "again").symlink_to(folder)
    (folder / "tiny.gguf").mkdir()
    assert list(models_elsewhere(places, [folder, tmp_path / "nowhere"])) == [ModelFile(path)]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="who may read everything can't be kept out")
def test_a_folder_that_may_not_be_read_is_passed_over(places: Places, tmp_path: Path) -> None:
    path = file(tmp_path / "mine" / "tiny.gguf")
    file(tmp_path / "mine" / "closed" / "secret.gguf").parent.chmod(0)
    assert [found.path for found in models_elsewhere(places, [tmp_path / "mine"])] == [path]
    (tmp_path / "mine" / "closed").chmod(0o700)


def test_nothing_that_is_looked_at_is_changed(places: Places, tmp_path: Path) -> None:
    file(tmp_path / "ollama" / "blobs" / f"sha256-{BLOB}")
    ollama_manifest(tmp_path / "ollama", "registry.ollama.ai/library/tiny/latest")
    file(tmp_path / ".lmstudio" / "models" / "a" / "b" / "tiny.gguf")
    before = {path: path.stat() for path in tmp_path.rglob("*")}
    assert len(list(models_elsewhere(places, []))) == 2
    after = {path: path.stat() for path in tmp_path.rglob("*")}
    assert {path: (seen.st_mtime_ns, seen.st_mode) for path, seen in after.items()} == {
        path: (seen.st_mtime_ns, seen.st_mode) for path, seen in before.items()
    }
