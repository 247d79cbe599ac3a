"""Downloads in the window: from Get to "Use now", with everything that can happen in between."""

from __future__ import annotations

import functools
import threading
from random import Random

from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.look.layouts import CardAction
from desktop_llm.gui.look.widgets import UndoBar
from desktop_llm.gui.models.downloads.panel import DownloadsPanel
from desktop_llm.gui.work.transfer_failures import cause_of
from desktop_llm.models.download import Unfinished
from tests.gui.models.room import MODEL, Room, half
from tests.gui.samples import a_download, a_model, find, heard
from tests.hub import status
from tests.models.downloading import made_model


def unfinished(models: Room) -> list[Unfinished]:
    return models.downloads.unfinished()


def test_a_model_is_got_and_can_be_used_at_once(models: Room) -> None:
    models.add()
    models.open()
    used = heard(models.transfers.use_requested)
    models.get()
    models.until(lambda: models.stages() == ["done"])
    [download] = models.shown.values()
    got = models.library.find(download.model_id)
    assert download.title == got.display_name == "Tiny"
    models.press("download_use")
    assert used == [got.id]
    models.transfers.set_in_use(got)
    assert (models.shows("download_use"), models.says("download_in_use")) == (False, "In use")
    models.transfers.set_in_use(None)
    assert models.shows("download_use")
    models.until(lambda: got.id in [model.id for model in models.shelf.now.models])
    models.until(lambda: not models.shows("get_tiny_q4_k_m_gguf"))


def test_a_paused_download_goes_on_where_it_stopped(models: Room) -> None:
    models.add()
    models.open()
    models.hub.behave("/cdn/*", half)
    models.get()
    models.until(models.received)
    models.press("download_pause")
    assert models.stages() == ["paused"]
    models.hub.behave_well()
    models.press("download_pause")
    models.until(lambda: models.stages() == ["done"])
    assert "bytes=" in models.hub.asked("/cdn/*")[-1].headers["range"]


def test_what_was_removed_can_be_got_again_and_used_no_more(models: Room) -> None:
    models.add()
    models.open()
    models.get()
    models.until(lambda: models.stages() == ["done"])
    models.until(lambda: not models.shows("get_tiny_q4_k_m_gguf"))
    models.local.remove(models.shown["maker/Tiny-GGUF/tiny-Q4_K_M.gguf"].model_id)
    models.until(lambda: models.shows("get_tiny_q4_k_m_gguf"))
    assert not models.shows("download_use")


def test_three_run_and_the_others_wait(models: Room) -> None:
    for number in range(5):
        models.add(f"maker/Tiny-{number}-GGUF")
    models.hub.behave("/cdn/*", half)
    for number in range(5):
        repo = models.resources.hub.repo(f"maker/Tiny-{number}-GGUF")
        models.transfers.get(repo, repo.files[number % 3])
    assert models.stages() == ["running"] * 3 + ["waiting"] * 2
    models.press("downloads_pause_all")
    assert models.stages() == ["paused"] * 5


def test_cancelling_can_be_undone(models: Room) -> None:
    models.add()
    models.open()
    models.hub.behave("/cdn/*", half)
    models.get()
    models.until(models.received)
    models.press("download_cancel")
    assert models.stages() == []
    models.press("downloads_undo_undo")
    assert models.stages() == ["paused"]
    assert len(unfinished(models)) == 1


def test_each_page_takes_back_what_was_cancelled_on_it(models: Room) -> None:
    models.add()
    models.hub.add("maker/Other-GGUF", {"other-Q8_0.gguf": made_model(Random(2), 50_000)})
    models.hub.behave("/cdn/*", half)
    other = QWidget()
    models.qtbot.addWidget(other)
    bar = UndoBar(other, object_name="other_undo")
    models.transfers.offer_undo_at(bar)
    for name in ("maker/Tiny-GGUF", "maker/Other-GGUF"):
        repo = models.resources.hub.repo(name)
        models.transfers.get(repo, repo.files[0])
    models.until(lambda: all(download.progress.done for download in models.shown.values()))
    first, second = models.shown
    models.transfers.act(CardAction("cancel", first))
    models.page.hide()
    other.show()
    models.transfers.act(CardAction("cancel", second))
    models.page.downloads_undo.closed.emit()
    models.until(lambda: [each.repo for each in unfinished(models)] == ["maker/Other-GGUF"])
    find(other, "other_undo_undo").click()
    assert (list(models.shown), models.stages()) == ([second], ["paused"])


def test_a_cancelled_download_leaves_nothing_behind(models: Room) -> None:
    models.add()
    models.open()
    models.hub.behave("/cdn/*", half)
    models.get()
    models.until(models.received)
    models.press("download_cancel")
    models.page.downloads_undo.closed.emit()
    models.until(lambda: not unfinished(models))


def test_a_cancelled_download_that_is_got_again_is_cancelled_no_more(models: Room) -> None:
    models.add()
    models.open()
    models.hub.behave("/cdn/*", half)
    models.get()
    models.until(models.received)
    models.press("download_cancel")
    models.get()
    models.until(lambda: models.stages() == ["running"])
    models.page.downloads_undo.closed.emit()
    models.transfers.pause_all()
    done: list[None] = []
    models.tasks.call(lambda: None, done.append, lane="download maker/Tiny-GGUF/tiny-Q4_K_M.gguf")
    models.until(lambda: done)
    assert (models.stages(), len(unfinished(models))) == (["paused"], 1)


def test_a_model_that_another_app_got_is_chosen_anew_in_its_repository(models: Room) -> None:
    models.add()
    models.transfers.get_again(a_model("theirs", origin="lm_studio", repo="maker/Tiny-GGUF", state="missing"))
    models.until(lambda: models.shows("get_tiny_q4_k_m_gguf"))
    assert models.stages() == []


def test_what_a_quit_interrupted_is_listed_as_paused(models: Room) -> None:
    models.add()
    models.open()
    models.hub.behave("/cdn/*", half)
    models.get()
    models.until(models.received)
    models.transfers.pause_all()
    models.reopen()
    asked = len(models.hub.seen)
    models.until(lambda: models.stages() == ["paused"] and models.shows("download_pause"))
    assert len(models.hub.seen) == asked
    models.hub.behave_well()
    models.press("download_pause")
    models.until(lambda: models.stages() == ["done"])


def test_the_offline_switch_stops_a_download_and_can_be_lifted_for_it(models: Room) -> None:
    models.add()
    models.open()
    models.settings.change(offline=True)
    models.net.offline = True
    models.get()
    models.until(lambda: models.stages() == ["failed"])
    models.press("download_go_online")
    models.until(lambda: models.stages() == ["done"])
    assert models.net.offline


def test_each_action_that_was_let_out_goes_on_when_another_one_ends(models: Room) -> None:
    models.add()
    models.open()
    models.settings.change(offline=True)
    models.net.offline = True
    models.get()
    models.search("tiny")
    models.until(lambda: models.stages() == ["failed"] and models.shows("models_search_notice_go_online"))
    received = threading.Event()
    models.hub.behave("/cdn/*", half)
    models.hub.behave("/api/models", lambda _: not received.wait(10))
    models.press("models_search_notice_go_online")
    models.press("download_go_online")
    models.until(models.received)
    received.set()
    models.until(lambda: models.results() == ["Tiny-GGUF"])
    assert (models.stages(), models.net.offline) == (["running"], True)


def test_what_was_let_out_and_waits_stays_here_when_the_switch_is_turned_on_anew(models: Room) -> None:
    names = [f"maker/Tiny-{number}-GGUF" for number in range(4)]
    for number, name in enumerate(names):
        models.hub.add(name, {"tiny-Q4_K_M.gguf": made_model(Random(number), 50_000)})
    models.hub.behave("/cdn/*", half)
    repos = [models.resources.hub.repo(name) for name in names]
    models.settings.change(offline=True)
    models.net.offline = True
    for repo in repos:
        models.transfers.get(repo, repo.files[0])
    models.until(lambda: models.stages() == ["failed"] * 4)
    for key in list(models.shown):
        models.transfers.act(CardAction("go_online", key))
    models.until(lambda: sum(download.progress.done > 0 for download in models.shown.values()) == 3)
    for offline in (False, True):
        models.net.offline = offline
        models.settings.change(offline=offline)
    models.until(lambda: models.stages() == ["failed"] * 4)
    assert {cause_of(each.error) for each in models.shown.values() if each.error} == {"offline_switch"}


def test_a_search_is_refused_while_a_download_was_let_out(models: Room) -> None:
    models.add()
    models.open()
    models.settings.change(offline=True)
    models.net.offline = True
    models.get()
    models.until(lambda: models.stages() == ["failed"])
    models.hub.behave("/cdn/*", half)
    models.press("download_go_online")
    models.until(models.received)
    models.search("tiny")
    models.until(lambda: "so nothing was sent" in models.says("models_search_notice"))
    assert models.stages() == ["running"]
    assert models.hub.asked("/api/models") == []


def test_what_the_offline_switch_stopped_goes_on_when_it_is_off_again(models: Room) -> None:
    models.add()
    models.open()
    models.settings.change(offline=True)
    models.net.offline = True
    models.get()
    models.until(lambda: models.stages() == ["failed"])
    models.net.offline = False
    models.settings.change(offline=False)
    models.until(lambda: models.stages() == ["done"])


def test_terms_that_were_accepted_meanwhile_let_a_download_be_tried_again(models: Room) -> None:
    models.add()
    models.open()
    models.hub.behave("/maker/*/resolve/*", status(403, headers={"X-Error-Code": "GatedRepo"}))
    models.get()
    models.until(lambda: models.stages() == ["failed"])
    models.hub.behave_well()
    models.press("download_retry")
    models.until(lambda: models.stages() == ["done"])


def test_a_failure_is_told_and_can_be_tried_again(models: Room) -> None:
    models.add()
    models.open()
    models.hub.behave("/maker/*/resolve/*", status(503))
    models.get()
    models.until(lambda: models.stages() == ["failed"])
    assert find(models.page, "download_error").text()
    models.hub.behave_well()
    models.press("download_retry")
    models.until(lambda: models.stages() == ["done"])


def test_a_recommended_model_is_got_with_one_click(models: Room) -> None:
    recommendation = models.discover.recommendations[0]
    models.hub.add(recommendation.repo, {recommendation.file: MODEL})
    models.open_row()
    models.press("recommendation_get")
    models.until(lambda: models.stages() == ["done"])
    assert models.says("recommendation_state") == "Here"


def test_a_recommended_file_that_is_gone_leads_to_its_repository(models: Room) -> None:
    recommendation = models.discover.recommendations[0]
    models.hub.add(recommendation.repo, {"other-Q4_0.gguf": MODEL})
    models.open_row()
    models.press("recommendation_get")
    models.until(lambda: models.stages() == ["failed"])
    assert (
        find(models.page, "download_error").text()
        == f"{models.hub.url.removeprefix('http://')} does not have this file any more."
    )
    models.press("download_open_repository")
    models.until(lambda: models.shows("get_other_q4_0_gguf"))


def test_what_is_done_leaves_the_list_with_one_click(models: Room) -> None:
    models.add()
    models.open()
    for count, size in enumerate(("q4_k_m", "q8_0")):
        models.until(functools.partial(models.shows, f"get_tiny_{size}_gguf"))
        models.get(size)
        models.until(functools.partial(models.are_done, count + 1))
    models.press("downloads_clear")
    assert models.stages() == []


def test_where_one_came_without_a_checksum_nothing_says_that_all_are_checked(qtbot: QtBot) -> None:
    panel = DownloadsPanel()
    qtbot.addWidget(panel)
    panel.show()
    line = find(panel, "downloads_checked")
    seen = []
    for checked in (True, False):
        panel.show_downloads([a_download("a"), a_download("b", state="done", checked=checked)])
        seen.append(line.isVisible())
    assert seen == [True, False]
