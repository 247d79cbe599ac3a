"""The welcome page, as a new person reads and uses it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop_llm.gui.welcome.cards import MachineFacts, cpu_name, tiles
from desktop_llm.gui.welcome.page import WelcomePage
from desktop_llm.hardware import Hardware
from desktop_llm.models.fit.catalog import Recommendation
from desktop_llm.models.library import STARTER_SMALL
from tests.gui.samples import GB, a_forecast, a_machine, a_model, find, heard, nameless

QWEN = Recommendation(
    repo="Qwen/Qwen3-8B-GGUF",
    file="Qwen3-8B-Q4_K_M.gguf",
    name="Qwen3 8B",
    title="Best balance",
    text="Writes, reasons and codes well in over 100 languages.",
    size_bytes=5 * GB,
    forecast=a_forecast(memory_bytes=6 * GB, tokens_per_s=38.0),
    license="apache-2.0",
    quantization="Q4_K_M",
)
GEMMA = replace(QWEN, repo="g/gemma-GGUF", file="gemma.gguf", name="Gemma 3 4B", title="Fast", size_bytes=2 * GB)
CODER = replace(QWEN, repo="q/coder-GGUF", file="coder.gguf", name="Qwen2.5 Coder 7B", title="For code")
CPU = Hardware("AMD Ryzen 7 5700X 8-Core Processor", 8, 16 * GB)


def facts(*, gpu: bool = False, cards: tuple[str, ...] = ()) -> MachineFacts:
    return MachineFacts(a_machine(gpu=gpu), CPU, cards, 212 * GB)


@pytest.fixture
def page(qtbot: QtBot) -> WelcomePage:
    page = WelcomePage()
    qtbot.addWidget(page)
    page.resize(1200, 750)
    page.set_machine(facts())
    page.set_model(a_model(), a_forecast(tokens_per_s=210.0))
    page.set_recommendations((QWEN, GEMMA, CODER), "16 GB")
    page.show()
    return page


def press(qtbot: QtBot, page: WelcomePage, name: str) -> None:
    qtbot.mouseClick(find(page, name), Qt.MouseButton.LeftButton)


def test_it_says_what_this_computer_has(page: WelcomePage) -> None:
    said = find(page, "first_run_machine").accessibleDescription()
    assert "AMD Ryzen 7 5700X: 8 cores" in said
    assert "16 GB memory: 9.0 GB free" in said
    assert "This disk: 212 GB free" in said


def test_a_usable_gpu_is_named_with_its_memory() -> None:
    tile = tiles(facts(gpu=True))[0]
    assert (tile.title, tile.line) == ("GeForce RTX 4060", "8.0 GB, 7.0 GB free")


def test_no_graphics_card_is_no_problem(page: WelcomePage) -> None:
    assert tiles(facts())[0].title == "No graphics card"
    assert not page.findChildren(QWidget, "first_run_advice")


def test_a_card_that_is_not_used_says_why_and_what_to_do(page: WelcomePage) -> None:
    page.set_machine(facts(cards=("NVIDIA H100",)))
    advice = find(page, "first_run_advice").accessibleName()
    assert advice.startswith("NVIDIA H100 is not used. ")
    assert "driver" in advice


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("AMD Ryzen 7 5700X 8-Core Processor", "AMD Ryzen 7 5700X"),
        ("Intel(R) Core(TM) i7-8550U CPU @ 1.80GHz", "Intel Core i7-8550U"),
        ("Apple M2", "Apple M2"),
        ("", "Processor"),
    ],
)
def test_processors_are_named_without_trade_marks(given: str, shown: str) -> None:
    assert cpu_name(given) == shown


def test_the_starter_is_ready_and_begins_a_chat(qtbot: QtBot, page: WelcomePage) -> None:
    asked = heard(page.start_requested)
    assert find(page, "first_run_ready_title").text() == "SmolLM2 135M is ready"
    assert "about 210 tokens/s" in find(page, "first_run_ready_line").text()
    press(qtbot, page, "first_run_start")
    assert len(asked) == 1


def test_the_small_starter_says_what_it_is_good_for(page: WelcomePage) -> None:
    page.set_model(a_model(id=STARTER_SMALL.id, starter=True), None)
    assert "only good for trying things out, not for facts" in find(page, "first_run_ready_line").text()


def test_enter_begins_also_where_the_model_was_found_after_the_page(qtbot: QtBot) -> None:
    page = WelcomePage()
    qtbot.addWidget(page)
    with qtbot.waitExposed(page):
        page.show()
    page.activateWindow()
    page.set_model(a_model(), None)
    qtbot.waitUntil(find(page, "first_run_start").hasFocus)


def test_tab_goes_through_the_page_from_top_to_bottom(qtbot: QtBot, page: WelcomePage) -> None:
    page.activateWindow()
    find(page, "first_run_start").setFocus()
    names = []
    for _ in range(4):
        focused = page.focusWidget()
        assert focused is not None
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
        names.append(page.focusWidget().objectName())
    assert names == ["recommended_1_get", "recommended_2_get", "recommended_3_get", "first_run_open_file"]


def test_without_any_model_nothing_can_be_started(page: WelcomePage) -> None:
    page.set_model(None, None)
    assert not find(page, "first_run_start").isEnabled()
    assert "GGUF" in find(page, "first_run_ready_line").text()


def test_three_models_are_recommended_with_what_they_need_here(page: WelcomePage) -> None:
    facts_shown = [find(page, f"recommended_1_fact_{place}").text() for place in range(3)]
    assert facts_shown == ["5.0 GB", "6.0 GB of 16 GB", "about 38 tokens/s"]
    assert find(page, "recommended_3_get").accessibleName() == "Download, Qwen2.5 Coder 7B"


def test_nothing_is_recommended_before_this_machine_was_measured(qtbot: QtBot) -> None:
    page = WelcomePage()
    qtbot.addWidget(page)
    page.show()
    assert "Measuring" in find(page, "first_run_measuring").text()
    assert not find(page, "first_run_source").isVisible()
    page.set_recommendations((QWEN, GEMMA, CODER), "16 GB")
    assert not find(page, "first_run_measuring").isVisible()
    page.set_measuring()  # once more: the recommendations stay
    qtbot.waitUntil(find(page, "recommended_1").isVisible)


def test_download_asks_once_and_then_shows_the_download(qtbot: QtBot, page: WelcomePage) -> None:
    asked, shown = heard(page.download_requested), heard(page.downloads_requested)
    press(qtbot, page, "recommended_2_get")
    press(qtbot, page, "recommended_2_get")
    assert asked == [GEMMA]
    assert len(shown) == 1


def test_a_recommended_model_that_is_here_can_be_used(qtbot: QtBot, page: WelcomePage) -> None:
    used = heard(page.use_requested)
    page.set_models((a_model(), a_model("qwen3", repo=QWEN.repo, file=QWEN.file, origin="pulled")))
    press(qtbot, page, "recommended_1_get")
    assert used == ["qwen3"]


def test_other_apps_are_named_only_when_their_models_were_found(qtbot: QtBot, page: WelcomePage) -> None:
    asked = heard(page.other_apps_requested)
    assert not find(page, "first_run_other_apps").isVisible()
    page.set_models((a_model("one", origin="ollama"), a_model("two", origin="lm_studio")))
    assert find(page, "first_run_other_apps").text() == "Use models of LM Studio and Ollama"
    press(qtbot, page, "first_run_other_apps")
    assert len(asked) == 1


def test_offline_is_said_where_downloads_are_offered(page: WelcomePage) -> None:
    page.set_offline(True)
    assert find(page, "first_run_source").text().startswith("The offline switch is on")


def test_it_fits_into_a_narrow_window(qtbot: QtBot, page: WelcomePage) -> None:
    page.resize(592, 480)
    first, second = find(page, "recommended_1"), find(page, "recommended_2")
    qtbot.waitUntil(lambda: second.y() > first.y())


def test_everything_on_the_page_has_a_name(page: WelcomePage) -> None:
    page.set_models((a_model("one", origin="ollama"),))
    assert not nameless(page)
