"""What the window says above every page: banners that stay until they are dismissed, each said once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from desktop_llm.errors import UserError
from desktop_llm.gui.tasks import Unexpected
from desktop_llm.gui.widgets import Action, Banner
from desktop_llm.gui.widgets.banner import BannerKind

if TYPE_CHECKING:
    from desktop_llm.gui.main_window import MainWindow


class Notices(QObject):
    """Turns errors and news into banners of the window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._details = ""
        self._said: set[tuple[str, str]] = set()

    def say(self, title: str, text: str, *actions: Action, kind: BannerKind = "info") -> None:
        """A banner above every page, until it is dismissed."""
        if (title, text) in self._said:  # a disk that stays full says so once
            return
        self._said.add((title, text))
        banner = Banner(title, text, (*actions, self._dismiss()), kind=kind, beside=True)
        banner.action_triggered.connect(functools.partial(self._on_action, banner, (title, text)))
        self._window.show_banner(banner)

    def offer(
        self,
        title: str,
        text: str,
        action: Action,
        on_action: Callable[[str], None],
        kind: BannerKind = "info",
        icon: str = "",
    ) -> Banner:
        """A banner with one thing to do; it goes with any button, whose name `on_action` gets, "dismiss" too."""
        banner = Banner(title, text, (action, self._dismiss()), kind=kind, icon=icon, beside=True, object_name="notice")
        banner.action_triggered.connect(functools.partial(self._on_offer, banner, on_action))
        self._window.show_banner(banner)
        return banner

    def take_away(self, banner: Banner) -> None:
        """What it says is so no longer."""
        banner.setParent(None)
        banner.deleteLater()

    def show_error(self, error: UserError) -> None:
        """The sentence of an error; a bug offers its details."""
        if isinstance(error, Unexpected):
            self.say(error.message, "", Action("copy_details", self.tr("Copy details"), "copy"), kind="danger")
            self._details = error.details
        else:
            first, _, rest = error.message.partition(". ")
            self.say(f"{first}." if rest else first, rest, kind="warning")

    def show_bug(self, details: str) -> None:
        """Something that nobody expected happened in this process."""
        self.show_error(Unexpected(details))

    def _dismiss(self) -> Action:
        return Action("dismiss", self.tr("Dismiss"), kind="quiet")

    def _on_offer(self, banner: Banner, on_action: Callable[[str], None], action: str) -> None:
        self.take_away(banner)
        on_action(action)

    def _on_action(self, banner: Banner, said: tuple[str, str], action: str) -> None:
        if action == "copy_details":
            QApplication.clipboard().setText(self._details)
        else:
            self._said.discard(said)
            self.take_away(banner)
