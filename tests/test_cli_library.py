"""Models on the command line: list, import and rm, also for files that are damaged, gone, or another app's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from desktop_llm.cli import run
from desktop_llm.settings import Settings, save
from tests.models.adapter_files import adapter, base_model
from tests.models.gguf_files import model
from tests.models.shelves import lm_studio


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    """The exit status of a command, and its output on stdout and on stderr."""

    def printed(*arguments: str) -> tuple[int, str, str]:
        status = run(arguments, open_window=lambda *_: 2)
        said = capsys.readouterr()
        return status, said.out, said.err

    return printed


def rows(printed: Any) -> dict[str, dict[str, Any]]:
    status, out, _ = printed("list", "--json")
    assert status == 0
    return {row["id"]: row for row in json.loads(out)}


def test_the_list_as_json_holds_what_a_program_needs_and_nothing_else(printed: Any, person_home: Path) -> None:
    path = lm_studio(person_home)
    assert rows(printed)["tiny"] == {
        "id": "tiny",
        "path": str(path),
        "size_bytes": path.stat().st_size,
        "architecture": "llama",
        "quantization": "Q4_K_M",
        "context_length": 2048,
        "kind": "chat",
    }


def test_the_list_for_people_says_whose_a_model_is_and_what_is_wrong_with_it(
    printed: Any, person_home: Path, home: Path, tmp_path: Path
) -> None:
    lm_studio(person_home, "other.gguf")
    printed("import", str(model(tmp_path / "tiny.gguf")))
    (home / "models" / "tiny.gguf").unlink()
    out = printed("list")[1]
    assert "LM Studio" in out
    assert "imported, missing" in out
    assert "Get it again, or put the file back." in out
    assert "tiny" not in rows(printed)


def test_a_model_that_was_damaged_after_its_import_can_be_removed(printed: Any, home: Path, tmp_path: Path) -> None:
    printed("import", str(model(tmp_path / "tiny.gguf")))
    file = home / "models" / "tiny.gguf"
    file.write_bytes(b"GGUF, once upon a time")
    assert "tiny" in rows(printed)
    status, out, _ = printed("rm", "tiny", "--json")
    assert (status, json.loads(out)["sha256"], file.exists()) == (0, None, False)
    assert printed("rm", "tiny")[0] == 1


def test_removing_another_app_s_model_says_that_its_file_stays(printed: Any, person_home: Path) -> None:
    path = lm_studio(person_home)
    status, out, err = printed("rm", "tiny")
    assert (status, out, path.exists()) == (0, "tiny\n", True)
    assert "belongs to LM Studio. Its file stays" in err
    assert "tiny" not in rows(printed)


def test_rm_leaves_nothing_behind(printed: Any, home: Path, tmp_path: Path) -> None:
    source = model(tmp_path / "tiny.gguf")
    imported = json.loads(printed("import", str(source), "--json")[1])
    removed = json.loads(printed("rm", "tiny", "--json")[1])
    assert removed == {**imported, "bytes_transferred": 0}
    assert list((home / "models").iterdir()) == []
    assert source.exists()


def test_models_in_folders_of_the_settings_are_listed(printed: Any, home: Path, tmp_path: Path) -> None:
    rows(printed)  # makes the folders
    (tmp_path / "more").mkdir()
    path = model(tmp_path / "more" / "tiny.gguf")
    save(home / "data" / "settings.json", Settings(model_folders=(str(tmp_path / "more"),)))
    assert rows(printed)["tiny"]["path"] == str(path)


class TestAdapters:
    """Adapters on the command line."""

    WEIGHT = "blk.0.attn_q.weight"

    def test_one_is_imported_listed_with_its_base_and_removed(self, printed: Any, home: Path, tmp_path: Path) -> None:
        printed("import", str(base_model(tmp_path / "tiny.gguf")))
        path = adapter(tmp_path / "cheerful.gguf", {self.WEIGHT: (16, 8)}, rank=3)
        status, out, err = printed("import", str(path), "--json")
        assert (status, err) == (0, "Cheerful changes Tiny.\n")
        assert json.loads(out)["id"] == "cheerful"
        assert rows(printed)["cheerful"]["kind"] == "adapter"
        assert json.loads(printed("adapter", "list", "--json")[1]) == [
            {
                "id": "cheerful",
                "path": str(home / "models" / "cheerful.gguf"),
                "base": "tiny",
                "rank": 3,
                "size_bytes": path.stat().st_size,
            }
        ]
        assert "rank 3" in printed("adapter", "list")[1]
        assert printed("adapter", "rm", "tiny")[0] == 1
        assert printed("adapter", "rm", "cheerful")[0] == 0
        assert "tiny" in rows(printed)
        assert "cheerful" not in rows(printed)

    def test_one_whose_base_is_not_here_is_kept_and_that_is_said(self, printed: Any, tmp_path: Path) -> None:
        status, _, err = printed("import", str(adapter(tmp_path / "cheerful.gguf", {self.WEIGHT: (16, 8)})))
        assert (status, err) == (0, "Cheerful was made for Tiny, which is not here. It is kept.\n")
        assert json.loads(printed("adapter", "list", "--json")[1])[0]["base"] == "Tiny"

    def test_a_damaged_one_is_refused_in_a_sentence(self, printed: Any, tmp_path: Path) -> None:
        path = adapter(tmp_path / "cheerful.gguf", {self.WEIGHT: (16, 8)})
        path.write_bytes(path.read_bytes()[:-200])
        status, _, err = printed("import", str(path))
        assert status == 1
        assert err.startswith("cheerful.gguf ends too early")
        assert "cheerful" not in rows(printed)
