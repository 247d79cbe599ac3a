"""What is said above the documents: the offer to go on with a reading that was cut off, and one notice at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout

from desktop_llm.gui.documents import words
from desktop_llm.gui.widgets import Action, Banner
from desktop_llm.gui.widgets.banner import BannerKind
from desktop_llm.gui.widgets.painting import RING_MARGIN
from desktop_llm.words import tr

NoticeKind = BannerKind | Literal["success"]


class Banners(QVBoxLayout):
    """A column that the banners stand on top of. Signal: `resume_requested` for each collection to go on with."""

    resume_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setContentsMargins(0, 0, RING_MARGIN, 0)
        self.setSpacing(12)
        self._interrupted: tuple[str, ...] = ()
        self._offer: Banner | None = None
        self._notice: Banner | None = None

    def set_interrupted(self, names: Sequence[str]) -> None:
        """Offer to go on with these collections; an empty list takes the offer away."""
        self._interrupted = tuple(names)
        banner = None
        if names:
            actions = (
                Action("resume", self.tr("Resume"), "play", "primary"),
                Action("dismiss", self.tr("Not now"), kind="quiet"),
            )
            text = self.tr("{names} can go on where it stopped. What has been read is kept.")
            title = self.tr("Reading was interrupted.")
            banner = Banner(title, text.format(names=_listed(names)), actions, object_name="documents_interrupted")
            banner.action_triggered.connect(self._on_offer_action)
        self._offer = self._exchange(self._offer, banner)

    def set_notice(self, title: str, text: str, kind: NoticeKind) -> None:
        """Say something until it is dismissed; an empty title takes it away."""
        banner = None
        if title:
            dismiss = (Action("dismiss", self.tr("Dismiss"), kind="quiet"),)
            look: BannerKind = "info" if kind == "success" else kind
            icon = "check" if kind == "success" else ""
            banner = Banner(title, text, dismiss, kind=look, icon=icon, object_name="documents_notice")
            banner.action_triggered.connect(self._on_notice_action)
        self._notice = self._exchange(self._notice, banner)

    def _exchange(self, old: Banner | None, new: Banner | None) -> Banner | None:
        """Take one banner away and put another at the top."""
        if old is not None:
            self.removeWidget(old)
            old.hide()
            old.deleteLater()
        if new is not None:
            self.insertWidget(0, new)
        return new

    def _on_offer_action(self, action: str) -> None:
        names = self._interrupted
        self.set_interrupted(())
        if action == "resume":
            for name in names:
                self.resume_requested.emit(name)

    def _on_notice_action(self, _action: str) -> None:
        self._notice = self._exchange(self._notice, None)


def _listed(names: Sequence[str]) -> str:
    """ "House & lease", "House & lease and 2 more"."""
    first = words.isolated(words.plain(names[0]))
    if len(names) == 1:
        return first
    return tr("{name} and {count} more").format(name=first, count=len(names) - 1)
