"""Settings survive a broken value, a broken file and a disk that can't be written."""

import json
from pathlib import Path

import pytest

from desktop_llm import settings
from desktop_llm.errors import UserError
from desktop_llm.settings import Settings

MINE = Settings(
    theme="dark",
    reading_scale=1.25,
    threads=4,
    context_length=8192,
    model_id="smollm2",
    default_collection="Papers",
    offline=True,
    endpoint="https://mirror.example",
    model_folders=("/models/more",),
    window={"geometry": [0, 0, 800, 600], "last": None},
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.json"


def test_settings_come_back_as_they_were_saved(path: Path) -> None:
    settings.save(path, MINE)
    assert settings.load(path) == (MINE, None)


def test_without_a_file_there_are_defaults_and_nothing_to_say(path: Path) -> None:
    assert settings.load(path) == (Settings(), None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("theme", "pink"),
        ("theme", []),
        ("reading_scale", "big"),
        ("reading_scale", 100),
        ("reading_scale", float("nan")),
        ("threads", True),
        ("threads", 0),
        ("threads", 2.5),
        ("context_length", -1),
        ("model_id", 7),
        ("default_collection", " "),
        ("offline", "yes"),
        ("endpoint", "http://mirror.example"),
        ("endpoint", "http://localhost.mirror.example"),
        ("endpoint", "ftp://mirror.example"),
        ("model_folders", "/models"),
        ("model_folders", [1]),
        ("window", [1]),
    ],
)
def test_a_value_that_makes_no_sense_becomes_the_default_of_that_field(path: Path, name: str, value: object) -> None:
    settings.save(path, MINE)
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    loaded, notice = settings.load(path)
    assert notice is None
    assert getattr(loaded, name) == getattr(Settings(), name)
    others = [other for other in Settings.__slots__ if other != name]
    assert [getattr(loaded, other) for other in others] == [getattr(MINE, other) for other in others]


def test_the_file_of_a_newer_version_is_read_as_far_as_it_is_understood(path: Path) -> None:
    path.write_text(json.dumps({"version": 99, "theme": "dark", "hologram": True}))
    assert settings.load(path) == (Settings(theme="dark"), None)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null", b"[" * 100_000, b"\0" * 50])
def test_a_broken_file_gives_defaults_and_is_kept(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    loaded, notice = settings.load(path)
    assert loaded == Settings()
    (kept,) = path.parent.glob("settings.broken-*.json")
    assert kept.read_bytes() == content
    assert notice is not None
    assert str(kept) in notice
    settings.save(path, MINE)
    assert settings.load(path) == (MINE, None)


def test_every_single_changed_byte_still_lets_the_app_start(path: Path) -> None:
    settings.save(path, MINE)
    good = path.read_bytes()
    for place in range(len(good)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 0x15]) + good[place + 1 :])
        loaded, _ = settings.load(path)
        settings.save(path, loaded)


def test_a_folder_that_is_gone_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="could not be written"):
        settings.save(tmp_path / "gone" / "settings.json", Settings())
