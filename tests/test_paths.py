"""Where the app keeps its files, and who may look there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from desktop_llm.paths import folders


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
def test_own_folders_that_were_open_to_others_are_closed_and_a_linked_one_is_left_alone(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    for folder in (shared, tmp_path / "home" / "data"):
        folder.mkdir(parents=True)
        folder.chmod(0o755)
    (tmp_path / "home" / "models").symlink_to(shared)
    found = folders(tmp_path / "home")
    assert [stat.S_IMODE(each.stat().st_mode) for each in (found.data, found.cache, found.logs)] == [0o700] * 3
    assert stat.S_IMODE(shared.stat().st_mode) == 0o755
