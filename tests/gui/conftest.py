"""What tests of the window share: the theme on the application, and reading what a message shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from PySide6.QtWidgets import QApplication

from desktop_llm.gui import theme


@dataclass(frozen=True, slots=True)
class StandInCitation:
    """A citation as the stores make them, as far as a message shows it."""

    number: int
    document: str = "/documents/Lease_2024_signed.pdf"
    page: int | None = 4
    text: str = "Either party may end this tenancy by giving three months’ notice in writing."
    verified: bool = True


def pytest_configure(config: pytest.Config) -> None:
    """Offscreen windows have no manager to tell size limits to; Qt warns about each."""
    config.addinivalue_line("qt_log_ignore", "This plugin does not support")


@pytest.fixture(scope="session")
def _light_theme(qapp: QApplication) -> None:
    theme.apply(qapp, theme.Theme("light"))


@pytest.fixture(autouse=True)
def light_theme(qapp: QApplication, _light_theme: None) -> Iterator[None]:
    """Every test starts in the light theme, whatever the one before left."""
    yield
    if theme.current().mode != "light":
        theme.apply(qapp, theme.Theme("light"))
