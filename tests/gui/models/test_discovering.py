"""Finding models: the requests and their times, the display meanwhile, and the sentences if it fails."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import Qt

from desktop_llm.gui.models.rows import TwoLineList
from desktop_llm.models.fit import Machine
from desktop_llm.models.starred import Starred
from tests.gui.models.room import Room, a_machine
from tests.gui.samples import find
from tests.hub import Exchange, status


def count_on(models: Room) -> threading.Event:
    """Delay the list of GPUs until the event is set."""
    known = threading.Event()

    def machine() -> Machine:
        assert known.wait(10)
        return a_machine()

    models.machine = machine
    return known


def marks(models: Room) -> set[str]:
    """The pills of all results."""
    entries = find(models.page, "models_results", TwoLineList).content.rows()
    return {entry.mark.text if entry.mark else "" for entry in entries}


def test_nothing_goes_out_until_a_person_asks(models: Room) -> None:
    models.qtbot.keyClicks(models.page.sidebar.search, "tiny")
    models.until(lambda: not models.results())
    assert models.says("models_search_hub")
    assert models.hub.seen == []


def test_the_catalogue_is_shown_without_asking_anyone(models: Room) -> None:
    assert models.headings() == ("Recommended for this computer",)
    assert len(models.results()) == 3
    models.open_row()
    assert models.says("recommendation_get").startswith("Get ")
    assert models.hub.seen == []


def test_typing_finds_what_is_here(models: Room) -> None:
    models.qtbot.keyClicks(models.page.sidebar.search, "smollm2")
    models.until(lambda: models.results() == ["SmolLM2 135M"])
    assert models.headings() == ("On this computer",)


def test_what_an_earlier_search_found_is_not_said_to_be_here(models: Room) -> None:
    models.add()
    models.search("tiny")
    models.until(lambda: models.results() == ["Tiny-GGUF"])
    models.qtbot.keyClick(models.page.sidebar.search, Qt.Key.Key_Backspace)
    models.until(lambda: models.headings())
    assert [heading.partition(" 127")[0] for heading in models.headings()] == ["Found before on"]


def test_a_starred_repository_is_found_again_without_asking_anyone(models: Room) -> None:
    models.add()
    models.add("maker/Other-GGUF")
    for repo in ("maker/Tiny-GGUF", "maker/Other-GGUF"):
        models.open(repo)
        models.press("repository_star")
    models.until(lambda: models.results()[3:] == ["Other-GGUF", "Tiny-GGUF"])
    models.reopen()
    asked = len(models.hub.asked("/api/*"))  # the card and a header may still be under way
    models.until(lambda: models.results()[3:] == ["Other-GGUF", "Tiny-GGUF"])
    assert models.headings() == ("Recommended for this computer", "Starred")
    assert len(models.hub.asked("/api/*")) == asked


def test_a_star_that_is_set_before_the_others_are_read_costs_none_of_them(models: Room) -> None:
    models.add()
    models.add("maker/Other-GGUF")
    models.open("maker/Other-GGUF")
    models.press("repository_star")
    slow = threading.Event()
    models.tasks.call(lambda: slow.wait(10), lane="starred")
    models.reopen()
    models.open()
    models.press("repository_star")
    slow.set()
    models.until(lambda: models.results()[3:] == ["Tiny-GGUF", "Other-GGUF"])
    kept = Starred(models.folders.starred)
    models.until(lambda: [model.name for model in kept.read()] == ["Tiny-GGUF", "Other-GGUF"])


def test_a_star_can_be_taken_off_where_it_was_set(models: Room) -> None:
    models.add()
    models.open()
    models.press("repository_star")
    models.until(lambda: "Starred" in models.headings())
    models.open_row(3)
    assert models.says("repository_star") == "Remove the star"
    models.press("repository_star")
    assert models.headings() == ("Recommended for this computer",)


def test_results_are_there_before_it_is_known_what_fits(models: Room) -> None:
    for number in range(30):
        models.add(f"maker/Tiny-{number}-GGUF")
    known = count_on(models)
    models.search("tiny")
    models.until(lambda: len(models.results()) == 30)
    assert marks(models) == {""}
    known.set()
    models.until(lambda: marks(models) == {"Fits"})


def test_what_turns_out_to_be_too_big_goes_where_that_is_hidden(models: Room) -> None:
    models.add("maker/Small-GGUF", gguf={"total": 1_000_000_000, "architecture": "qwen3", "context_length": 8_192})
    models.add("maker/Huge-GGUF", gguf={"total": 671_000_000_000, "architecture": "qwen3", "context_length": 8_192})
    find(models.page, "models_hide_too_big").click()
    known = count_on(models)
    models.search("gguf")
    models.until(lambda: len(models.results()) == 2)
    known.set()
    models.until(lambda: models.results() == ["Small-GGUF"])
    find(models.page, "models_hide_too_big").click()
    models.until(lambda: len(models.results()) == 2)
    assert marks(models) == {"Fits", "Too big"}


def test_a_list_says_of_an_open_repository_what_its_page_says(models: Room) -> None:
    models.add(gguf={"total": 671_000_000_000, "architecture": "qwen3", "context_length": 8_192})
    models.search("tiny")
    models.until(lambda: marks(models) == {"Too big"})
    models.open_row()
    models.until(lambda: marks(models) == {"Fits"})


def test_what_was_forecast_for_an_earlier_search_changes_no_later_one(models: Room) -> None:
    models.add("maker/Alpha-GGUF")
    models.add("maker/Beta-GGUF")
    known = count_on(models)
    models.search("alpha")
    models.until(lambda: models.results() == ["Alpha-GGUF"])
    models.search("beta")
    models.until(lambda: models.results() == ["Beta-GGUF"])
    known.set()
    models.until(lambda: marks(models) == {"Fits"})
    assert models.results() == ["Beta-GGUF"]


def test_results_of_all_pages_are_listed(models: Room) -> None:
    for number in range(60):
        models.add(f"maker/Tiny-{number}-GGUF", downloads=number)
    models.search("tiny")
    models.until(lambda: len(models.results()) == 60)
    assert "60 results on 127.0.0.1" in models.says("models_results_count")
    assert len(models.hub.asked("/api/models")) == 3


def test_a_new_search_takes_the_place_of_the_one_before(models: Room) -> None:
    models.add("maker/Alpha-GGUF")
    models.add("maker/Beta-GGUF")
    models.search("alpha")
    models.search("beta")
    models.until(lambda: models.results() == ["Beta-GGUF"])


def test_another_order_of_an_asked_search_asks_again(models: Room) -> None:
    models.add("maker/Old-GGUF", downloads=9, likes=1)
    models.add("maker/New-GGUF", downloads=1, likes=9)
    models.search("gguf")
    models.until(lambda: len(models.results()) == 2)
    sort = find(models.page, "models_sort")
    sort.setCurrentIndex(sort.findData("likes"))
    models.until(lambda: models.results() == ["New-GGUF", "Old-GGUF"])
    sort.setCurrentIndex(sort.findData("downloads"))
    models.until(lambda: models.results() == ["Old-GGUF", "New-GGUF"])


def test_a_search_that_finds_nothing_says_so(models: Room) -> None:
    models.search("zzz")
    models.until(lambda: "zzz" in models.says("models_nothing_found"))


def test_emptying_the_field_brings_the_catalogue_back(models: Room) -> None:
    models.add()
    models.search("tiny")
    models.until(lambda: models.results() == ["Tiny-GGUF"])
    models.qtbot.keyClick(models.page.sidebar.search, Qt.Key.Key_Escape)
    models.until(lambda: len(models.results()) == 3)


@pytest.mark.parametrize(
    "pasted", ["maker/Tiny-GGUF", "https://huggingface.co/maker/Tiny-GGUF/blob/main/tiny-Q8_0.gguf"]
)
def test_a_pasted_reference_opens_its_repository(models: Room, pasted: str) -> None:
    models.add()
    models.page.sidebar.search.setText(pasted)
    models.until(lambda: models.shows("get_tiny_q4_k_m_gguf"))
    assert find(models.page, "repository_title").text() == "Tiny-GGUF"


def test_a_reference_typed_by_hand_waits_for_enter(models: Room) -> None:
    models.add()
    models.qtbot.keyClicks(models.page.sidebar.search, "maker/Tiny-GGUF")
    assert models.hub.seen == []
    models.qtbot.keyClick(models.page.sidebar.search, Qt.Key.Key_Return)
    models.until(lambda: models.shows("get_tiny_q4_k_m_gguf"))


def test_an_open_repository_has_forecasts_and_its_card(models: Room) -> None:
    models.add()
    models.open()
    models.until(lambda: find(models.page, "model_card").toPlainText() == "A tiny model.")
    models.until(lambda: "fits into memory" in models.says("repository_advice"))
    assert find(models.page, "repository_machine").text() == "17 GB of memory, context 8,192"


def test_sizes_that_a_mirror_does_not_list_are_looked_up(models: Room) -> None:
    models.add()

    def list_names(exchange: Exchange) -> bool:
        exchange.send_json({"id": "maker/Tiny-GGUF", "siblings": [{"rfilename": "tiny-Q4_K_M.gguf"}]})
        return True

    models.hub.behave("/api/models/maker/*", list_names)
    models.open()
    models.until(lambda: models.shows("get_tiny_q4_k_m_gguf"))
    assert models.says("get_tiny_q4_k_m_gguf") == "Get Balanced Q4_K_M, 201 kB"


def test_the_offline_switch_is_told_and_can_be_lifted_for_one_search(models: Room) -> None:
    models.add()
    models.settings.change(offline=True)
    models.net.offline = True
    models.search("tiny")
    models.until(lambda: "so nothing was sent" in models.says("models_search_notice"))
    assert models.hub.seen == []
    models.press("models_search_notice_go_online")
    models.until(lambda: models.results() == ["Tiny-GGUF"] and models.net.offline)
    models.search("tin")
    models.until(lambda: "so nothing was sent" in models.says("models_search_notice"))


def test_a_repository_can_be_read_with_the_switch_lifted_once(models: Room) -> None:
    models.add()
    models.settings.change(offline=True)
    models.net.offline = True
    models.discover.open_reference("maker/Tiny-GGUF")
    models.until(lambda: "so nothing was sent" in models.says("repository_notice"))
    models.press("repository_notice_go_online")
    models.until(lambda: models.shows("get_tiny_q4_k_m_gguf") and models.net.offline)


def test_what_the_switch_kept_back_is_asked_once_it_is_off(models: Room) -> None:
    models.add()
    models.settings.change(offline=True)
    models.net.offline = True
    models.search("tiny")
    models.until(lambda: models.says("models_search_notice"))
    models.discover.open_reference("maker/Tiny-GGUF")
    models.until(lambda: models.says("repository_notice"))
    models.net.offline = False
    models.settings.change(offline=False)
    models.until(lambda: models.results() == ["Tiny-GGUF"] and models.shows("get_tiny_q4_k_m_gguf"))
    assert not models.shows("repository_notice")
    assert not models.shows("models_search_notice")


def test_a_hub_in_trouble_can_be_asked_again(models: Room) -> None:
    models.add()
    models.hub.behave("/api/models", status(503))
    models.search("tiny")
    models.until(lambda: models.says("models_search_notice"))
    models.hub.behave_well()
    models.press("models_search_notice_retry")
    models.until(lambda: models.results() == ["Tiny-GGUF"])
    assert not models.says("models_search_notice")


def test_a_repository_that_is_not_there_says_so(models: Room) -> None:
    models.discover.open_reference("maker/Gone-GGUF")
    models.until(lambda: models.says("repository_notice"))


def test_a_gated_repository_shows_its_sizes_and_says_what_to_do(models: Room) -> None:
    models.add("maker/Gated-GGUF", gated=True)
    models.open("maker/Gated-GGUF")
    models.until(lambda: "accept terms" in models.says("repository_notice"))
