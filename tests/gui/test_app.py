"""The window's process at its start."""

from __future__ import annotations

import gc

from desktop_llm.gui.app import hold_garbage, keep_what_is_built


def test_no_garbage_is_looked_for_until_the_window_has_settled() -> None:
    try:
        hold_garbage()
        assert not gc.isenabled()
        keep_what_is_built()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
        gc.enable()
