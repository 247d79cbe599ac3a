"""Banners above every page: they stay until they are dismissed, and none is shown twice at once."""

from __future__ import annotations

import functools
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication

from desktop_llm.errors import FREE_SPACE, UserError
from desktop_llm.gui.look.widgets import Action, Banner
from desktop_llm.gui.look.widgets.banner import BannerKind
from desktop_llm.gui.work.tasks import Unexpected
from desktop_llm.words import tr


class Notices(QObject):
    """Turns errors and notices into banners, which `show_banner` puts above every page.

    Signal: `disk_refused` with the error of a write that a full or read-only disk refused; it gets no banner here.
    """

    disk_refused = Signal(UserError)

    def __init__(self, show_banner: Callable[[Banner], None], parent: QObject) -> None:
        super().__init__(parent)
        self._show_banner = show_banner
        self._details = ""
        self._said: set[tuple[str, str]] = set()

    def say(self, title: str, text: str, *actions: Action, kind: BannerKind = "info") -> None:
        """Show a banner above every page until it is dismissed."""
        if (title, text) in self._said:  # report a disk that stays full only once
            return
        self._said.add((title, text))
        banner = Banner(title, text, (*actions, self._dismiss()), kind=kind, beside=True)
        banner.action_triggered.connect(functools.partial(self._on_action, banner, (title, text)))
        self._show_banner(banner)

    def offer(
        self,
        title: str,
        text: str,
        action: Action,
        on_action: Callable[[str], None],
        kind: BannerKind = "info",
        icon: str = "",
    ) -> Banner:
        """Show a banner with one action. Any button removes it and calls `on_action` with its name, which may be
        "dismiss"."""
        banner = Banner(title, text, (action, self._dismiss()), kind=kind, icon=icon, beside=True, object_name="notice")
        banner.action_triggered.connect(functools.partial(self._on_offer, banner, on_action))
        self._show_banner(banner)
        return banner

    def take_away(self, banner: Banner) -> None:
        """Remove a banner that no longer applies."""
        banner.setParent(None)
        banner.deleteLater()

    def show_error(self, error: UserError) -> None:
        """Show an error; for a bug, offer to copy the details."""
        if isinstance(error, Unexpected):
            self.say(error.message, "", Action("copy_details", tr("Copy details"), "copy"), kind="danger")
            self._details = error.details
        elif error.action == FREE_SPACE:
            self.disk_refused.emit(error)
        else:
            self.say(error.title, error.text, kind="warning")

    def show_bug(self, details: str) -> None:
        """Report a bug of this process."""
        self.show_error(Unexpected(details))

    def _dismiss(self) -> Action:
        return Action("dismiss", tr("Dismiss"), kind="quiet")

    def _on_offer(self, banner: Banner, on_action: Callable[[str], None], action: str) -> None:
        self.take_away(banner)
        on_action(action)

    def _on_action(self, banner: Banner, said: tuple[str, str], action: str) -> None:
        if action == "copy_details":
            QApplication.clipboard().setText(self._details)
        else:
            self._said.discard(said)
            self.take_away(banner)
