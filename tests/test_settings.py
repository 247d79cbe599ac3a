"""Settings survive a broken value, a broken file and a disk that can't be written."""

import json
import os
import random
from collections.abc import Callable
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
    default_collection="Papers",
    offline=True,
    endpoint="https://mirror.example",
    model_folders=("/models/more",),
    presets={"Letters": {"temperature": 0.3, "stop": ["###"]}},
    model_presets={"tiny": "Letters"},
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
        ("default_collection", " "),
        ("offline", "yes"),
        ("endpoint", "http://mirror.example"),
        ("endpoint", "http://localhost.mirror.example"),
        ("endpoint", "ftp://mirror.example"),
        ("model_folders", "/models"),
        ("model_folders", [1]),
        ("presets", {"Letters": 1}),
        ("presets", {" ": {}}),
        ("model_presets", {"tiny": 3}),
        ("window", [1]),
        ("window", {"panes": [[1]]}),
        ("default_collection", "a\ud800"),
        ("model_folders", ["/models\0"]),
    ],
)
def test_a_value_that_makes_no_sense_becomes_the_default_of_that_field(path: Path, name: str, value: object) -> None:
    settings.save(path, MINE)
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    loaded, problem = settings.load(path)
    assert problem == f"Some settings made no sense, so their defaults are used: {name}."
    assert getattr(loaded, name) == getattr(Settings(), name)
    others = [other for other in Settings.__slots__ if other != name]
    assert [getattr(loaded, other) for other in others] == [getattr(MINE, other) for other in others]


def test_the_file_of_a_newer_version_is_read_as_far_as_it_is_understood(path: Path) -> None:
    path.write_text(json.dumps({"version": 99, "theme": "dark", "hologram": True}))
    assert settings.load(path) == (Settings(theme="dark"), settings.load(path)[1])
    assert "another version" in str(settings.load(path)[1])


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null", b"[" * 100_000, b"\0" * 50])
def test_a_broken_file_gives_defaults_and_is_kept(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    loaded, problem = settings.load(path)
    assert (loaded, problem) == (Settings(), "The settings were damaged, so the defaults are used.")
    said = settings.keep_aside(path, loaded)
    (kept,) = path.parent.glob("settings.old-*.json")
    assert kept.read_bytes() == content
    assert str(kept) in said
    assert settings.load(path) == (Settings(), None)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path)])
def test_what_is_no_file_gives_defaults_and_is_moved_aside(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    loaded, problem = settings.load(path)
    assert loaded == Settings()
    assert problem is not None
    settings.keep_aside(path, loaded)
    assert settings.load(path) == (Settings(), None)
    assert len(list(path.parent.iterdir())) == 2


def test_a_mutated_file_never_stops_the_app_or_its_next_save(path: Path) -> None:
    settings.save(path, MINE)
    good = path.read_bytes()
    for number in range(200):
        path.write_bytes(mutated(good, random.Random(number)))
        loaded, _ = settings.load(path)
        settings.keep_aside(path, loaded)
        assert settings.load(path) == (loaded, None), number


def mutated(content: bytes, chance: random.Random) -> bytes:
    """The content with up to eight bytes changed, cut out or put in, or with its end cut off."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(changed))
        match chance.randrange(4):
            case 0:
                changed[at] = chance.randrange(256)
            case 1:
                del changed[at : at + chance.randint(1, 9)]
            case 2:
                changed[at:at] = chance.choice([b"null", b"[", b"9" * 20, b'"', b"\\ud800", b"\\u0000", b"{}", b"-"])
            case _:
                del changed[max(1, len(changed) - chance.randint(1, 40)) :]
    return bytes(changed)


def test_a_folder_that_is_gone_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="could not be written"):
        settings.save(tmp_path / "gone" / "settings.json", Settings())
