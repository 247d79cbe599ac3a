"""The Models page with everything on it, as a person sees and uses it; its signals carry its requests."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtWidgets import QAbstractButton, QApplication, QListView
from pytestqt.qtbot import QtBot

from desktop_llm.errors import TransferError, UserError
from desktop_llm.gui.look import theme
from desktop_llm.gui.look.layouts import CardAction
from desktop_llm.gui.models.find.card_text import CardText, card_blocks
from desktop_llm.gui.models.find.discovery import FoundModel, Search
from desktop_llm.gui.models.find.repository import Advice
from desktop_llm.gui.models.find.sizes import SizeRow
from desktop_llm.gui.models.here.view import FormatDialog
from desktop_llm.gui.models.page import ModelsPage
from desktop_llm.gui.models.rows import TwoLineList, found_row, local_row, recommended_row
from desktop_llm.gui.models.sidebar import LOCAL
from desktop_llm.gui.work.tasks import Unexpected
from desktop_llm.jobs.download import Download
from desktop_llm.jobs.job import Progress
from desktop_llm.models.fit import Fit
from tests.gui.models.room import headings_of
from tests.gui.models.samples import GB, a_forecast, a_hub_model, a_hub_repo, a_recommendation
from tests.gui.samples import a_download, a_model, find, heard, nameless

LEFT = Qt.MouseButton.LeftButton
RUNNING = a_download()


def a_failure(error: UserError) -> Download:
    return a_download(state="failed", progress=Progress(total=6_700_000_000), error=error)


@pytest.fixture
def page(qtbot: QtBot) -> ModelsPage:
    page = ModelsPage()
    qtbot.addWidget(page)
    page.resize(1208, 752)
    page.show()
    return page


def found(repo: str = "Qwen/Qwen3-8B-GGUF", fit: Fit = "fits", **fields: object) -> FoundModel:
    return FoundModel(a_hub_model(repo, **fields), a_forecast(fit=fit))


def show_found(page: ModelsPage, *results: FoundModel) -> None:
    entries = [(found_row(result), result.too_big) for result in results]
    page.sidebar.discover.set_entries(entries, f"{len(entries)} results on Hugging Face")


def show_repository(page: ModelsPage, **of_file: str) -> None:
    """Show the sample repository; the keywords give the state of a quantization."""
    repo = a_hub_repo()
    fits: dict[str, Fit] = {"BF16": "too_big", "Q8_0": "slow"}
    rows = [
        SizeRow(
            file,
            a_forecast(file.size_bytes, fits.get(file.quantization, "fits")),
            recommended=file.quantization == "Q4_K_M",
            state=of_file.get(file.quantization, "get"),  # type: ignore[arg-type]
            fraction=0.58,
        )
        for file in repo.files
    ]
    page.repository.show_model(repo.model)
    page.repository.sizes.set_rows(rows, "RTX 4060, 8.0 GB, context 16,384", on_gpu=True)
    page.show_repository()


def rows_of(page: ModelsPage, name: str = "models_results") -> list[str]:
    return [entry.title for entry in find(page, name, TwoLineList).content.rows()]


def buttons(page: ModelsPage) -> list[str]:
    shown = [button for button in page.repository.findChildren(QAbstractButton) if button.isVisible()]
    return [button.accessibleName() for button in shown if button.objectName().startswith("get_")]


def press(qtbot: QtBot, page: ModelsPage, name: str) -> None:
    qtbot.mouseClick(find(page, name, QAbstractButton), LEFT)


def test_typing_asks_nobody_and_enter_asks(qtbot: QtBot, page: ModelsPage) -> None:
    entered, asked = heard(page.sidebar.entered), heard(page.sidebar.discover.search_requested)
    qtbot.keyClicks(page.sidebar.search, "qwen3")
    assert (entered, asked) == ([], [])
    qtbot.keyClick(page.sidebar.search, Qt.Key.Key_Return)
    assert entered == ["qwen3"]


def test_the_button_asks_and_goes_once_it_was_asked(qtbot: QtBot, page: ModelsPage) -> None:
    asked = heard(page.sidebar.discover.search_requested)
    button = find(page, "models_search_hub")
    assert button.text() == "Show popular models on Hugging Face"
    page.sidebar.discover.set_text("qwen3")
    assert button.text() == "Search Hugging Face"
    qtbot.mouseClick(button, LEFT)
    assert asked == [Search("qwen3")]
    assert not button.isVisible()


def test_another_order_asks_again_only_after_a_search(page: ModelsPage) -> None:
    asked = heard(page.sidebar.discover.search_requested)
    find(page, "models_sort").setCurrentIndex(1)
    assert asked == []
    page.sidebar.discover.ask()
    find(page, "models_sort").setCurrentIndex(2)
    assert [search.sort for search in asked] == ["downloads", "likes"]


def test_filters_are_counted_and_can_be_cleared(qtbot: QtBot, page: ModelsPage) -> None:
    page.sidebar.discover.ask()
    asked = heard(page.sidebar.discover.search_requested)
    press(qtbot, page, "models_filter")
    licence = find(page, "models_filter_license")
    licence.setCurrentIndex(licence.findData("mit"))
    assert asked[-1].license == "mit"
    assert find(page, "models_filter").accessibleName() == "Filters, 1 set"
    size = find(page, "models_filter_size")
    size.setCurrentIndex(size.findText("Medium, 4 to 15 billion"))
    assert (asked[-1].license, asked[-1].size) == ("mit", "medium")
    assert find(page, "models_filter").accessibleName() == "Filters, 2 set"
    qtbot.mouseClick(find(page, "models_filter_clear"), LEFT)
    assert asked[-1] == Search()


def test_what_is_too_big_can_be_hidden(qtbot: QtBot, page: ModelsPage) -> None:
    show_found(page, found(), found("maker/Huge-GGUF", "too_big"))
    tick = find(page, "models_hide_too_big")
    tick.setChecked(True)
    assert rows_of(page) == ["Qwen3-8B-GGUF"]
    page.sidebar.discover.append([(found_row(found("maker/Vast-GGUF", "too_big")), True)], "3 results")
    assert rows_of(page) == ["Qwen3-8B-GGUF"]
    tick.setChecked(False)
    assert rows_of(page) == ["Qwen3-8B-GGUF", "Huge-GGUF", "Vast-GGUF"]


def test_a_row_says_everything_in_words(page: ModelsPage) -> None:
    show_found(page, found())
    row = find(page, "models_results", QListView).model().index(0, 0)
    assert row.data(Qt.ItemDataRole.AccessibleTextRole) == "Qwen3-8B-GGUF, Qwen, 1.9M, 412, Apache 2.0, Fits"


def test_a_model_for_search_says_so_in_place_of_its_fit(page: ModelsPage) -> None:
    mark = found_row(found(task="feature-extraction")).mark
    assert mark is not None
    assert mark.text == "Embedding"


def test_arrows_pass_over_headings(qtbot: QtBot, page: ModelsPage) -> None:
    listed = [(found_row(found("a/One-GGUF")), False)], [(found_row(found("a/Two-GGUF")), False)]
    page.sidebar.discover.set_groups([("First", listed[0]), ("None", []), ("Second", listed[1])])
    rows = find(page, "models_results", TwoLineList)
    assert headings_of(rows) == ("First", "Second")
    opened = heard(page.sidebar.discover.opened)
    page.sidebar.search.setFocus()
    qtbot.keyClick(page.sidebar.search, Qt.Key.Key_Down)
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Down, Qt.Key.Key_Return):
        qtbot.keyClick(rows, key)
    assert opened == ["a/One-GGUF", "a/Two-GGUF"]


def test_twenty_thousand_results_arrive_page_by_page(page: ModelsPage) -> None:
    show_found(page)
    for number in range(200):
        more = [(found_row(found(f"maker/Model-{number}-{each}")), False) for each in range(100)]
        page.sidebar.discover.append(more, f"{(number + 1) * 100} results")
    assert len(rows_of(page)) == 20_000
    assert find(page, "models_results_count").text() == "20000 results"


def test_a_click_opens_a_row_and_arrows_only_look(qtbot: QtBot, page: ModelsPage) -> None:
    show_found(page, found("a/One-GGUF"), found("a/Two-GGUF"))
    opened = heard(page.sidebar.discover.opened)
    rows = find(page, "models_results", TwoLineList)
    page.sidebar.search.setFocus()
    qtbot.keyClick(page.sidebar.search, Qt.Key.Key_Down)
    qtbot.keyClick(rows, Qt.Key.Key_Down)
    assert opened == []
    qtbot.keyClick(rows, Qt.Key.Key_Return)
    qtbot.mouseClick(rows.viewport(), LEFT, pos=rows.visualRect(rows.model().index(0, 0)).center())
    assert opened == ["a/Two-GGUF", "a/One-GGUF"]


def test_a_mirror_is_named(page: ModelsPage) -> None:
    assert not find(page, "models_hub").isVisible()
    page.sidebar.set_endpoint("https://hub.example.org")
    assert find(page, "models_hub").text() == "Results of hub.example.org"
    assert find(page, "models_search_hub").text() == "Show popular models on hub.example.org"


def test_nothing_found_offers_to_clear_the_search(qtbot: QtBot, page: ModelsPage) -> None:
    qtbot.keyClicks(page.sidebar.search, "zzz")
    page.sidebar.discover.set_nothing_found("zzz")
    assert "zzz" in find(page, "models_nothing_found").accessibleName()
    press(qtbot, page, "models_nothing_found_clear")
    assert page.sidebar.search.text() == ""


def test_each_list_keeps_its_own_words(qtbot: QtBot, page: ModelsPage) -> None:
    qtbot.keyClicks(page.sidebar.search, "qwen3")
    page.sidebar.show_segment(LOCAL)
    assert page.sidebar.search.text() == ""
    page.sidebar.show_segment(0)
    assert page.sidebar.search.text() == "qwen3"


def test_one_file_stands_for_each_size_and_the_rest_is_one_click_away(qtbot: QtBot, page: ModelsPage) -> None:
    show_repository(page)
    assert [name.removeprefix("Get ").partition(",")[0] for name in buttons(page)] == [
        "Small Q3_K_M",
        "Balanced Q4_K_M",
        "Large Q6_K",
        "Largest Q8_0",
        "Full BF16",
    ]
    more = find(page, "repository_more_files")
    assert more.text() == "3 more files"
    qtbot.mouseClick(more, LEFT)
    qtbot.waitUntil(lambda: len(buttons(page)) == 8)
    qtbot.mouseClick(more, LEFT)
    qtbot.waitUntil(lambda: len(buttons(page)) == 5)


def test_get_says_which_file(qtbot: QtBot, page: ModelsPage) -> None:
    show_repository(page)
    asked = heard(page.repository.sizes.get_requested)
    press(qtbot, page, "get_qwen3_8b_q6_k_gguf")
    assert [file.name for file in asked] == ["Qwen3-8B-Q6_K.gguf"]


def test_tab_goes_by_the_places_on_the_page(qtbot: QtBot, page: ModelsPage) -> None:
    page.downloads.show_downloads([RUNNING])
    show_repository(page)
    qtbot.waitUntil(lambda: len(buttons(page)) == 5 and find(page, "download_card").isVisible())
    page.activateWindow()
    find(page, "repository_page").setFocus()
    names = []
    for _ in range(10):
        focused = page.focusWidget()
        assert focused is not None
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
        names.append(page.focusWidget().objectName())
    assert [name.startswith("get_qwen3_8b") for name in names] == [True] * 5 + [False] * 5
    downloads = ["downloads_pause_all", "downloads_close", "download_pause", "download_cancel"]
    assert names[5:] == ["repository_more_files", *downloads]
    qtbot.keyClick(find(page, "download_cancel"), Qt.Key.Key_Backtab)
    assert page.focusWidget().objectName() == "download_pause"


def test_what_is_here_or_on_its_way_has_no_button(page: ModelsPage) -> None:
    show_repository(page, Q4_K_M="here", Q6_K="running")
    assert not any("Q4_K_M" in name or "Q6_K" in name for name in buttons(page))
    names = [widget.accessibleName() for widget in find(page, "sizes_table").children() if widget.isWidgetType()]
    assert "Balanced Q4_K_M, 5.0 GB, Fits, Recommended, Here" in names
    assert "Large Q6_K, 6.7 GB, Fits, 58 %" in names


def test_a_file_that_was_named_is_in_the_table(page: ModelsPage) -> None:
    repo = a_hub_repo()
    rows = [SizeRow(file, named=file.quantization == "Q2_K") for file in repo.files]
    page.repository.show_model(repo.model)
    page.repository.sizes.set_rows(rows, "")
    page.show_repository()
    assert buttons(page)[0].startswith("Get Small Q2_K")


def test_a_gated_repository_says_what_to_do(qtbot: QtBot, page: ModelsPage) -> None:
    page.repository.show_model(a_hub_model("google/gemma-3-12b", gated=True, license="gemma"))
    page.repository.set_gated()
    page.show_repository()
    actions = heard(page.repository.notice_action)
    press(qtbot, page, "repository_notice_open_page")
    press(qtbot, page, "repository_notice_add_token")
    assert actions == ["open_page", "add_token"]


def test_a_card_is_text_without_pictures_and_html(page: ModelsPage) -> None:
    card = (
        '# Title\n<div align="center"><img src="https://x/y.png"></div>\n\n![logo](https://x/z.png) Good **words**.\n'
    )
    card += "\n```html\n<b>kept</b>\n```\n[a page](https://example.org) [a file](file:///etc/passwd)"
    page.repository.show_model(a_hub_model())
    page.repository.card.set_card(card_blocks(card))
    page.show_repository()
    shown = find(page, "model_card", CardText)
    assert shown.toPlainText().split("\n")[0] == "Good words."
    assert "<b>kept</b>" in shown.toPlainText()
    assert "img" not in shown.toHtml()
    assert "file:" not in shown.toHtml()


def test_a_table_of_a_card_stays_a_table(page: ModelsPage) -> None:
    page.repository.card.set_card(card_blocks("Words.\n\n| Name | Score |\n|---|---|\n| MMLU | 76.9 |\n\nMore words."))
    shown = find(page, "model_card", CardText)
    assert "<table" in shown.toHtml()
    assert [line for line in shown.toPlainText().split("\n") if line] == [
        "Words.",
        "Name",
        "Score",
        "MMLU",
        "76.9",
        "More words.",
    ]


def test_a_link_of_a_card_is_asked_for_and_not_opened(page: ModelsPage) -> None:
    links = heard(page.repository.card.text.link_requested)
    page.repository.card.set_card(card_blocks("[a page](https://example.org)"), ("Qwen/Qwen3-8B",))
    assert find(page, "repository_base_models").text() == "Made from Qwen/Qwen3-8B."
    find(page, "model_card", CardText).anchorClicked.emit(QUrl("https://example.org"))
    assert links == ["https://example.org"]


def test_a_recommendation_needs_nobody_to_be_shown(qtbot: QtBot, page: ModelsPage) -> None:
    page.sidebar.discover.set_entries([(recommended_row("r", a_recommendation()), False)], "Recommended")
    page.recommendation.show_recommendation(a_recommendation())
    page.show_recommendation()
    got, sizes = heard(page.recommendation.get_requested), heard(page.recommendation.sizes_requested)
    press(qtbot, page, "recommendation_get")
    press(qtbot, page, "recommendation_sizes")
    assert (len(got), len(sizes)) == (1, 1)
    page.recommendation.set_state("Here")
    assert not find(page, "recommendation_get").isVisible()


def test_a_download_says_how_far_it_is(page: ModelsPage) -> None:
    page.downloads.show_downloads([RUNNING])
    assert find(page, "download_amount").text() == "3.9 of 6.7 GB, 18 MB/s"
    assert find(page, "download_left").text() == "2 min left"
    assert find(page, "download_pause").accessibleName() == "Pause download of Qwen3 8B Large"


def test_a_download_that_tries_again_says_why_it_waits(page: ModelsPage) -> None:
    why = "huggingface.co hung up without an answer."
    page.downloads.show_downloads([a_download(progress=Progress(GB, 2 * GB, stage="waiting", reason=why))])
    assert find(page, "download_reason").text() == why
    assert find(page, "download_left").text() == "Trying again"
    assert why in find(page, "download_card").accessibleName()


def test_a_download_is_paused_resumed_and_cancelled_from_its_card(qtbot: QtBot, page: ModelsPage) -> None:
    page.downloads.show_downloads([RUNNING])
    asked = heard(page.downloads.acted)
    press(qtbot, page, "download_pause")
    page.downloads.show_downloads([a_download(state="paused")])
    press(qtbot, page, "download_pause")
    press(qtbot, page, "download_cancel")
    assert asked == [CardAction("pause", "a"), CardAction("resume", "a"), CardAction("cancel", "a")]


def test_what_is_done_can_be_used_now(qtbot: QtBot, page: ModelsPage) -> None:
    page.downloads.show_downloads([a_download(state="done", model_id="qwen3")])
    asked = heard(page.downloads.acted)
    press(qtbot, page, "download_use")
    assert asked == [CardAction("use", "a")]
    assert not find(page, "downloads_pause_all").isVisible()


@pytest.mark.parametrize(
    ("cause", "main", "said"),
    [
        ("offline_switch", "go_online", "The offline switch is on, so nothing was sent."),
        ("no_connection", "retry", "Hugging Face cannot be reached."),
        ("gated", "open_page", "The publisher asks you to accept terms first."),
        ("unauthorized", "add_token", "Hugging Face wants a token that may read this."),
        ("not_found", "open_repository", "Hugging Face does not have this file any more."),
        ("rate_limited", "retry", "Hugging Face asks to wait a few minutes."),
        ("wrong_hash", "retry", "The file that arrived is not the one that was published. It was not used."),
        ("not_gguf", "open_repository", "What arrived is not a model file. It was not used."),
        ("disk_full", "free_space", "There is not enough room on this disk for the 6.7 GB still to come."),
        ("changed", "open_repository", "The file on Hugging Face was replaced by another one."),
        ("", "retry", "Something of {this} kind."),
    ],
)
def test_a_failed_download_says_why_in_one_sentence_and_offers_what_helps(
    qtbot: QtBot, page: ModelsPage, cause: str, main: str, said: str
) -> None:
    error = TransferError("Something of {this} kind.", "Nothing was lost. Do that.", cause=cause, details="HTTP 418")
    page.downloads.show_downloads([a_failure(error)])
    asked = heard(page.downloads.acted)
    assert find(page, "download_error").text() == said
    press(qtbot, page, f"download_{main}")
    assert asked == [CardAction(main, "a")]


def test_a_failed_download_says_what_is_kept(page: ModelsPage) -> None:
    error = TransferError("It broke.", cause="disk_full")
    page.downloads.show_downloads([replace(a_failure(error), progress=Progress(6_200_000_000, 14 * GB))])
    said = "There is not enough room on this disk for the 7.8 GB still to come. The 6.2 GB already here are kept."
    assert find(page, "download_error").text() == said
    assert said in find(page, "download_card").accessibleName()


def test_the_whole_story_of_a_failure_is_behind_details(qtbot: QtBot, page: ModelsPage) -> None:
    error = TransferError("The hub is overloaded.", "Nothing was lost. Wait.", cause="server", details="HTTP 503")
    page.downloads.show_downloads([a_failure(error)])
    qtbot.waitUntil(find(page, "download_error").isVisible)
    details = find(page, "download_details_text")
    assert not details.isVisible()
    press(qtbot, page, "download_details")
    assert details.isVisible()
    assert details.text() == "The hub is overloaded. Nothing was lost. Wait.\nHTTP 503"
    press(qtbot, page, "download_details")
    assert not details.isVisible()


def test_a_bug_in_a_download_offers_its_details_to_copy(qtbot: QtBot, page: ModelsPage) -> None:
    page.downloads.show_downloads([a_failure(Unexpected("Traceback"))])
    assert "Traceback" not in find(page, "download_details_text").text()
    asked = heard(page.downloads.acted)
    press(qtbot, page, "download_copy_details")
    assert asked == [CardAction("copy_details", "a")]


def test_the_disk_is_told_at_the_foot(page: ModelsPage) -> None:
    page.downloads.set_space(17_900_000_000, 9_100_000_000)
    assert find(page, "downloads_disk").text() == "18 GB, 9.1 GB free"


def test_a_narrow_page_shows_one_thing_at_a_time(qtbot: QtBot, page: ModelsPage) -> None:
    page.resize(852, 552)
    show_found(page, found())
    assert page.sidebar.isVisible()
    show_repository(page)
    assert not page.sidebar.isVisible()
    press(qtbot, page, "models_back")
    assert page.sidebar.isVisible()
    assert not page.repository.isVisible()


def test_escape_goes_back_to_the_list_where_it_is_hidden(qtbot: QtBot, page: ModelsPage) -> None:
    page.resize(852, 552)
    show_repository(page)
    qtbot.keyClick(page, Qt.Key.Key_Escape)
    assert page.sidebar.isVisible()


def test_the_focus_stays_in_the_middle_when_that_changes(page: ModelsPage) -> None:
    show_repository(page)
    page.activateWindow()
    page.repository.setFocus()
    page.show_recommendation()
    assert page.focusWidget() is page.recommendation


def test_each_list_has_its_own_middle(page: ModelsPage) -> None:
    show_repository(page)
    page.sidebar.show_segment(LOCAL)
    assert not page.repository.isVisible()
    page.local.show_model(a_model("coder"), in_use=False)
    page.show_local()
    page.sidebar.show_segment(0)
    assert page.repository.isVisible()
    page.sidebar.show_segment(LOCAL)
    assert page.local.isVisible()


def test_a_page_of_two_columns_folds_the_downloads_into_a_line(qtbot: QtBot, page: ModelsPage) -> None:
    page.resize(1000, 652)
    page.bar.show_downloads([RUNNING])
    assert not page.downloads.isVisible()
    assert find(page, "downloads_open").text() == "Downloads, 1"
    assert find(page, "downloads_bar_words").text() == "3.9 of 6.7 GB, 18 MB/s"
    press(qtbot, page, "downloads_open")
    assert page.downloads.isVisible()
    qtbot.keyClick(page, Qt.Key.Key_Escape)
    assert not page.downloads.isVisible()
    page.resize(1208, 752)
    assert page.downloads.isVisible()


def test_a_narrow_page_leaves_the_downloads_to_activity(qtbot: QtBot, page: ModelsPage) -> None:
    page.resize(852, 552)
    page.bar.show_downloads([RUNNING])
    asked = heard(page.activity_requested)
    page.show_downloads()
    assert not page.downloads.isVisible()
    press(qtbot, page, "downloads_open")
    assert (page.downloads.isVisible(), len(asked)) == (False, 1)


def test_a_narrow_page_says_how_many_downloads_stopped(page: ModelsPage) -> None:
    stopped = a_download("b", state="failed", error=TransferError("No way out.", cause="no_connection"))
    page.bar.show_downloads([RUNNING, stopped])
    assert "Downloads, 1 stopped" in [button.text() for button in page.bar.findChildren(QAbstractButton)]


def test_a_model_here_says_where_it_is_from(page: ModelsPage) -> None:
    model = a_model("coder", quantization="Q6_K", origin="ollama")
    assert local_row(model).second == "98 MB, Ollama"
    page.local.show_model(model, in_use=False)
    page.show_local()
    assert find(page, "model_remove").text() == "Hide here"
    assert "belongs to Ollama" in find(page, "model_remove").toolTip()


def test_a_starter_stays_and_says_why(page: ModelsPage) -> None:
    page.local.show_model(a_model(origin="starter"), in_use=False)
    page.show_local()
    assert not find(page, "model_remove").isEnabled()
    assert "came with the app" in find(page, "model_remove").toolTip()


def test_a_model_for_document_search_can_not_be_chatted_with(page: ModelsPage) -> None:
    page.local.show_model(a_model("minilm", kind="embedding"), in_use=False)
    page.show_local()
    assert not find(page, "model_use").isVisible()


def test_the_model_in_use_needs_no_use_button(page: ModelsPage) -> None:
    page.show_local()
    page.local.show_model(a_model("coder"), in_use=True)
    assert not find(page, "model_use").isVisible()
    page.local.show_model(a_model("coder"), in_use=False)
    assert find(page, "model_use").isVisible()


def test_a_missing_model_can_be_got_again(qtbot: QtBot, page: ModelsPage) -> None:
    model = a_model("coder", state="missing", reason="The file is not where it was.", repo="maker/Coder-GGUF")
    page.local.show_model(model, in_use=False)
    page.show_local()
    asked = heard(page.local.get_again_requested)
    press(qtbot, page, "local_state_get_again")
    assert asked == ["coder"]
    assert not find(page, "model_use").isVisible()


@pytest.mark.parametrize("template", ["different", "missing"])
def test_a_doubtful_chat_format_can_be_replaced(qtbot: QtBot, page: ModelsPage, template: str) -> None:
    page.local.show_model(a_model("coder", template=template), in_use=False)
    page.show_local()
    asked = heard(page.local.format_requested)
    press(qtbot, page, "local_format_format")
    assert asked == ["coder"]


def test_the_likely_format_is_proposed_where_a_model_has_none_and_its_own_where_it_has_one(page: ModelsPage) -> None:
    def proposed(template: str) -> str:
        dialog = FormatDialog(page, a_model("coder", architecture="gemma3", template=template))
        return str(find(dialog, "chat_format_choice").currentText())

    assert proposed("missing") == "Gemma"
    assert proposed("different") == "The model's own"


def test_the_same_file_twice_is_told(page: ModelsPage) -> None:
    page.local.show_model(a_model("coder"), in_use=False, twin="Coder copy")
    assert "Coder copy" in find(page, "local_twin").accessibleName()


def test_a_refused_file_is_told_until_dismissed(qtbot: QtBot, page: ModelsPage) -> None:
    page.set_notice("That did not work.", "broken.gguf ends too early. Nothing was changed.")
    assert "ends too early" in find(page, "models_notice").accessibleName()
    banner = find(page, "models_notice")
    press(qtbot, page, "models_notice_dismiss")
    assert not banner.isVisible()


def test_everything_on_the_page_has_a_name(page: ModelsPage) -> None:
    show_found(page, found())
    show_repository(page)
    page.repository.set_advice(Advice("Balanced fits."))
    page.repository.card.set_card(card_blocks("A [page](https://example.org)."))
    page.recommendation.show_recommendation(a_recommendation())
    page.local.show_model(a_model("coder", template="missing"), in_use=False)
    page.sidebar.local.set_entries([local_row(a_model("coder"))], "1 model", "")
    page.downloads.show_downloads([RUNNING])
    assert not nameless(page)


def test_the_page_paints_itself_in_the_dark(qapp: QApplication, page: ModelsPage) -> None:
    show_found(page, found())
    show_repository(page)
    light = page.grab().toImage()

    theme.apply(qapp, theme.Theme("dark"))
    dark = page.grab().toImage()
    assert dark.pixelColor(700, 740).lightness() < 60 < light.pixelColor(700, 740).lightness()
