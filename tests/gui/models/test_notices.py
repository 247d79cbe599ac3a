"""What is said of a download that ends while the person is on another page."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from desktop_llm.gui.download_notices import DownloadNotices
from desktop_llm.gui.notices import Notices
from desktop_llm.gui.widgets import Banner
from tests.gui.models.room import Room
from tests.gui.samples import heard
from tests.hub import status


class Frame(QWidget):
    """A window with the banners above its pages: an empty one, and Models."""

    def __init__(self, models: QWidget) -> None:
        super().__init__()
        self.pages, column = QStackedWidget(), QVBoxLayout(self)
        self.chats = QWidget()
        for page in (self.chats, models):
            self.pages.addWidget(page)
        column.addWidget(self.pages)

    def show_banner(self, banner: Banner) -> None:
        self.layout().insertWidget(0, banner)

    def said(self) -> list[str]:
        """What the banners say."""
        return [banner.accessibleName() for banner in self.findChildren(Banner, "notice") if banner.parent() is self]


@dataclass
class Elsewhere:
    """A person on another page; `spoken` is what a screen reader was told, and whether at once."""

    models: Room
    frame: Frame
    notices: DownloadNotices
    spoken: list[tuple[str, bool]] = field(default_factory=list)

    def press(self, name: str) -> None:
        """Press a button of the banner."""
        self.frame.findChild(QWidget, f"notice_{name}").click()  # type: ignore[attr-defined]

    def get(self, *sizes: str) -> None:
        """Have these sizes got, one after the other."""
        repo = self.models.resources.hub.repo("maker/Tiny-GGUF")
        for count, size in enumerate(sizes):
            self.models.transfers.get(repo, repo.file(size))
            self.models.until(lambda count=count: self.models.stages()[count:] in (["done"], ["failed"]))


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
        Notices(frame),  # type: ignore[arg-type]
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
    finished = heard(elsewhere.models.transfers.finished)
    elsewhere.get("Q4_K_M")
    elsewhere.models.transfers.set_in_use(finished[0])
    assert elsewhere.frame.said() == []


def test_a_notice_can_be_dismissed(elsewhere: Elsewhere) -> None:
    elsewhere.get("Q4_K_M")
    elsewhere.press("dismiss")
    assert elsewhere.frame.said() == []
