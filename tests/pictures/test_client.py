"""The app's folder of pictures: what comes in, under which name, and what is swept."""

from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path

import pytest

from desktop_llm.errors import UserError
from desktop_llm.paths import folders
from desktop_llm.pictures.client import Pictures
from tests.pictures.samples import bomb, encoded, scene


@pytest.fixture
def pictures(home: Path) -> Pictures:
    return Pictures(folders(home).pictures)


def test_a_picture_is_kept_by_its_content_under_the_name_that_the_person_knows(
    pictures: Pictures, home: Path, tmp_path: Path
) -> None:
    source = tmp_path / "Küche: Wand?.jpeg"
    source.write_bytes(encoded(scene(), "JPEG"))
    first = pictures.take(source)
    source.unlink()
    assert first.name == "Küche- Wand-.jpg"
    assert first.path.is_relative_to(folders(home).pictures)
    assert pictures.find(str(first.path)) is not None
    if os.name == "posix":
        assert stat.S_IMODE(first.path.stat().st_mode) == 0o600
    again = pictures.take_bytes(encoded(scene(), "JPEG"), "Other name.jpg")
    assert again.path.parent == first.path.parent


def test_files_that_are_no_pictures_are_refused(pictures: Pictures, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="million pixels"):
        pictures.take_bytes(bomb(50_000, 50_000), "bomb.png")
    with pytest.raises(UserError, match="can't be read"):
        pictures.take(tmp_path)
    with pytest.raises(UserError, match="can't be read"):
        pictures.take(tmp_path / "gone.png")


def test_a_picture_that_ends_its_reader_ends_nothing_else(home: Path) -> None:
    dying = [sys.executable, "-c", "import os, sys; sys.stdin.buffer.read(4); os.abort()"]
    with pytest.raises(UserError, match=r"not a picture the app can read\. It was not added"):
        Pictures(folders(home).pictures, command=dying).take_bytes(encoded(scene()), "odd.png")


def test_what_no_message_has_goes_after_a_day(pictures: Pictures) -> None:
    kept, dropped, fresh = (pictures.take_bytes(encoded(scene(60, height)), "a.png") for height in (40, 50, 60))
    yesterday = time.time() - 25 * 3600
    for picture in (kept, dropped):
        os.utime(picture.path, (yesterday, yesterday))
    assert pictures.sweep([str(kept.path)]) == 1
    assert [each.path.exists() for each in (kept, dropped, fresh)] == [True, False, True]
    assert not dropped.path.parent.exists()
