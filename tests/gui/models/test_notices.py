"""Notices about a download that ends while the person is on another page."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import pytest
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from desktop_llm.gui.look.widgets import Banner
from desktop_llm.gui.models.downloads.notices import DownloadNotices
from desktop_llm.gui.work.notices import Notices
from tests.gui.models.room import Room
from tests.gui.samples import find, heard
from tests.hub import status


class Frame(QWidget):
    """A window with an empty page and Models, and the banners above them."""

    def __init__(self, models: QWidget) -> None:
        super().__init__()
        self.pages, column = QStackedWidget(), QVBoxLayout(self)
        self.chats = QWidget()
        for page in (self.chats, models):
            self.pages.addWidget(page)
        column.addWidget(self.pages)

    def show_banner(self, banner: Banner) -> None:
        column = self.layout()
        assert isinstance(column, QVBoxLayout)
        column.insertWidget(0, banner)

    def said(self) -> list[str]:
        """The text of the banners."""
        return [banner.accessibleName() for banner in self.findChildren(Banner, "notice") if banner.parent() is self]


@dataclass
class Elsewhere:
    """A person on another page; `spoken` holds a screen reader's messages, each with whether it interrupts."""

    models: Room
    frame: Frame
    notices: DownloadNotices
    spoken: list[tuple[str, bool]] = field(default_factory=list)

    def press(self, name: str) -> None:
        """Press a button of the banner."""
        find(self.frame, f"notice_{name}").click()

    def get(self, *sizes: str) -> None:
        """Download these sizes, one after the other."""
        repo = self.models.resources.hub.repo("maker/Tiny-GGUF")
        for count, size in enumerate(sizes):
            self.models.transfers.get(repo, repo.file(size))
            self.models.until(functools.partial(self.models.has_ended, count))


@pytest.fixture
def elsewhere(models: Room) -> Elsewhere:
    models.add()
    models.open()
    frame = Frame(models.page)
    models.qtbot.addWidget(frame)
    frame.resize(1208, 752)
    frame.show()
    spoken: list[tuple[str, bool]] = []
    notices = DownloadNotices(
        Notices(frame.show_banner, frame),
        models.jobs,
        models.transfers,
        frame.pages,
        lambda words, at_once: spoken.append((words, at_once)),
    )
    return Elsewhere(models, frame, notices, spoken)


def test_a_model_that_is_ready_can_be_used_from_any_page(elsewhere: Elsewhere) -> None:
    used = heard(elsewhere.models.transfers.use_requested)
    elsewhere.get("Q4_K_M")
    assert elsewhere.frame.said() == ["Tiny Balanced is ready."]
    assert elsewhere.spoken == [("Tiny Balanced is ready.", False)]
    elsewhere.press("use")
    assert len(used) == 1
    assert elsewhere.frame.said() == []


def test_a_failure_says_why_and_offers_what_helps(elsewhere: Elsewhere) -> None:
    elsewhere.models.hub.behave("/maker/*/resolve/*", status(503))
    elsewhere.get("Q4_K_M")
    [said] = elsewhere.frame.said()
    assert said.startswith("The download of Tiny Balanced stopped. 127.0.0.1")
    assert elsewhere.spoken == [(said, True)]
    elsewhere.models.hub.behave_well()
    elsewhere.press("retry")
    assert elsewhere.frame.said() == []
    elsewhere.models.until(lambda: elsewhere.models.stages() == ["done"])
    assert elsewhere.frame.said() == ["Tiny Balanced is ready."]


def test_several_share_one_banner_that_leads_to_them(elsewhere: Elsewhere) -> None:
    shown = heard(elsewhere.notices.page_requested)
    elsewhere.get("Q4_K_M", "Q8_0")
    assert elsewhere.frame.said() == ["2 models are ready."]
    elsewhere.press("show")
    assert len(shown) == 1


def test_what_was_seen_is_not_said_again(elsewhere: Elsewhere) -> None:
    elsewhere.get("Q4_K_M")
    elsewhere.frame.pages.setCurrentWidget(elsewhere.models.page)
    assert elsewhere.frame.said() == []


def test_nothing_is_said_above_the_page_that_shows_it_but_a_screen_reader_hears_it(elsewhere: Elsewhere) -> None:
    elsewhere.frame.pages.setCurrentWidget(elsewhere.models.page)
    elsewhere.get("Q4_K_M")
    assert elsewhere.frame.said() == []
    assert elsewhere.spoken == [("Tiny Balanced is ready.", False)]


def test_a_model_that_is_in_use_already_is_not_offered(elsewhere: Elsewhere) -> None:
    elsewhere.get("Q4_K_M")
    [download] = elsewhere.models.shown.values()
    elsewhere.models.transfers.set_in_use(elsewhere.models.library.find(download.model_id))
    assert elsewhere.frame.said() == []


def test_a_notice_can_be_dismissed(elsewhere: Elsewhere) -> None:
    elsewhere.get("Q4_K_M")
    elsewhere.press("dismiss")
    assert elsewhere.frame.said() == []
