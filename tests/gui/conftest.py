"""Gives tests of the window the theme on the application."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from desktop_llm.gui.look import theme


def pytest_configure(config: pytest.Config) -> None:
    """Filter Qt's warnings that offscreen windows have no manager to tell size limits to."""
    config.addinivalue_line("qt_log_ignore", "This plugin does not support")


@pytest.fixture(scope="session")
def _light_theme(qapp: QApplication) -> None:
    theme.apply(qapp, theme.Theme("light"))


@pytest.fixture(autouse=True)
def light_theme(qapp: QApplication, _light_theme: None) -> Iterator[None]:
    """Start every test in the light theme, whatever theme the last test left."""
    yield
    if theme.current().mode != "light":
        theme.apply(qapp, theme.Theme("light"))
