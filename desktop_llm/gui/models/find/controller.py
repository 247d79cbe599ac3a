"""Finding models: recommended ones, matches on this computer, and results from the hub.

Nothing is sent by itself: the hub is asked when the person presses Enter or a button, changes the order or a filter of
a search, pastes a reference, or opens a row.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from desktop_llm.errors import UserError
from desktop_llm.gui.look.formats import number
from desktop_llm.gui.models import hub_words
from desktop_llm.gui.models.downloads.controller import DownloadsController
from desktop_llm.gui.models.find.discovery import MOST_RESULTS, Discovery, FoundModel, Search
from desktop_llm.gui.models.find.panel import Listed
from desktop_llm.gui.models.find.repository_controller import RepositoryController
from desktop_llm.gui.models.find.starred_controller import StarredController
from desktop_llm.gui.models.here.controller import LocalModelsController
from desktop_llm.gui.models.notices import kept_back, notice_for
from desktop_llm.gui.models.page import ModelsPage
from desktop_llm.gui.models.rows import found_row, local_row, recommended_row
from desktop_llm.gui.models.sidebar import DISCOVER
from desktop_llm.gui.work.download_card import facts_line
from desktop_llm.gui.work.model_shelf import ModelShelf
from desktop_llm.gui.work.offline_pass import let_out
from desktop_llm.gui.work.resources import Resources
from desktop_llm.gui.work.tasks import Task
from desktop_llm.jobs.download import subject_of
from desktop_llm.models.fit.catalog import Recommendation
from desktop_llm.models.hub import HubModel, Reference, parse_reference
from desktop_llm.settings import Settings
from desktop_llm.words import plural, tr

# A text that grows by this much at once was pasted, not typed.
_PASTED = 6


class DiscoverController(QObject):
    """Starts downloads in `downloads` and opens models that are already on this computer in `local`.

    Signal: `token_requested`.
    """

    token_requested = Signal()

    def __init__(
        self,
        resources: Resources,
        shelf: ModelShelf,
        downloads: DownloadsController,
        local: LocalModelsController,
        page: ModelsPage,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._resources, self._shelf, self._downloads, self._local = resources, shelf, downloads, local
        self._page, self._panel = page, page.sidebar.discover
        self._discovery = Discovery(resources)
        self._task: Task | None = None
        self._asked: Search | None = None
        self._found: dict[str, FoundModel] = {}
        self._recommended: dict[str, Recommendation] = {}
        self._starred: dict[str, FoundModel] = {}
        self._shown: Recommendation | None = None
        self._text = ""
        self._kept_back = False
        self.repository = RepositoryController(resources, shelf, downloads, page, parent)
        self._stars = StarredController(resources, page.repository, parent)
        self._connect()
        page.sidebar.set_endpoint(resources.hub.endpoint)

    @property
    def recommendations(self) -> list[Recommendation]:
        """The recommended models, in the order in which they are shown."""
        return list(self._recommended.values())

    def start(self) -> None:
        """Show recommended and starred models; sends nothing out."""
        self._look()
        self._stars.start()

    def search(self, text: str) -> None:
        """Search the hub for these words, or open what they refer to."""
        self._page.sidebar.show_segment(DISCOVER)
        self._text = text  # set, not pasted
        self._page.sidebar.search.setText(text)
        self._on_entered(text)

    def open_reference(self, text: str) -> bool:
        """Open the repository that a text refers to; returns False if it refers to none."""
        reference = parse_reference(text, self._resources.hub.endpoint)
        if reference is None:
            return False
        self._page.sidebar.show_segment(DISCOVER)
        self._open(reference)
        return True

    def close(self) -> None:
        """Stop asking."""
        self._cancel()
        self.repository.close()

    def _connect(self) -> None:
        page, panel, sidebar = self._page, self._panel, self._page.sidebar
        page.shown.connect(self._look)  # in case this machine was measured meanwhile
        sidebar.typed.connect(self._on_typed)
        sidebar.entered.connect(self._on_entered)
        sidebar.search.search_changed.connect(self._on_paused)
        panel.search_requested.connect(self._on_search)
        panel.opened.connect(self._on_opened)
        panel.notice_action.connect(self._on_notice)
        self._resources.settings.changed.connect(self._on_settings)
        self._stars.changed.connect(self._on_starred)
        self.repository.shown.connect(self._stars.look_at)
        self.repository.rated.connect(self._on_rated)
        self._shelf.changed.connect(self._show_recommendation_state)
        self._downloads.changed.connect(self._show_recommendation_state)
        page.recommendation.get_requested.connect(self._on_get_recommended)
        page.recommendation.sizes_requested.connect(self._on_sizes)

    def _look(self) -> None:
        self._resources.tasks.call(self._discovery.recommended, self._on_recommended)

    def _on_starred(self, starred: tuple[FoundModel, ...]) -> None:
        self._starred = {found.model.repo: found for found in starred}
        if self._asked is None:
            self._show_here()

    def _on_recommended(self, found: list[Recommendation]) -> None:
        before = self._recommended_fits()
        self._recommended = {f"recommended {each.repo} {each.file}": each for each in found}
        if self._asked is None and self._recommended_fits() != before:
            self._show_here()

    def _recommended_fits(self) -> list[tuple[str, str]]:
        return [(key, each.forecast.fit) for key, each in self._recommended.items()]

    def _on_typed(self, text: str) -> None:
        if self._page.sidebar.segment() != DISCOVER:
            return
        pasted = len(text) - len(self._text) >= _PASTED
        self._text = text
        self._panel.set_text(text)
        if not text:
            self._leave_search()
        elif pasted:
            self.open_reference(text)

    def _on_paused(self, text: str) -> None:
        """Search what is on this computer as soon as typing pauses, but not the hub."""
        here = self._page.sidebar.segment() == DISCOVER
        if here and text and (self._asked is None or self._asked.text != text):
            self._show_here()

    def _on_entered(self, text: str) -> None:
        if self._page.sidebar.segment() == DISCOVER and not (text and self.open_reference(text)):
            self._panel.ask()

    def _on_search(self, search: Search, *, lift: bool = False) -> None:
        self._cancel()
        self._asked, self._found, self._kept_back = search, {}, False
        self._panel.set_notice("", "", ())
        self._panel.set_entries((), tr("Searching {hub}", hub=self._hub()))
        self._panel.set_loading(True)
        work = functools.partial(self._discovery.find, search)
        self._task = self._resources.tasks.run(
            functools.partial(let_out, self._resources.net, work) if lift else work,
            progress=self._on_found,
            done=self._on_all_found,
            failed=self._on_failed,
        )

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._panel.set_loading(False)

    def _leave_search(self) -> None:
        self._cancel()
        self._asked, self._found, self._kept_back = None, {}, False
        self._panel.reset()
        self._panel.set_notice("", "", ())
        self._show_here()

    def _on_found(self, page: list[HubModel]) -> None:
        new = {model.repo: FoundModel(model, None) for model in page if model.repo not in self._found}
        if not new:  # no model on this page has the requested size
            return
        self._found.update(new)
        self._panel.append(_listed(new.values()), self._heading())
        self._forecast(new.values())

    def _forecast(self, found: Collection[FoundModel]) -> None:
        if not found:
            return
        work = functools.partial(self._discovery.forecast, [each.model for each in found])
        self._resources.tasks.call(work, self._on_forecast, lane="forecasts of a search")

    def _on_rated(self, rated: FoundModel) -> None:
        """Update the row of the open repository, about which more is known now."""
        if (listed := self._found.get(rated.model.repo)) is not None:
            self._on_forecast([FoundModel(listed.model, rated.forecast)])
        if (
            rated.forecast is not None and rated.forecast.tokens_per_s is not None
        ):  # the list may have been made before this machine was measured
            self._forecast([found for found in self._found.values() if _has_no_speed(found)])

    def _on_forecast(self, forecast: list[FoundModel]) -> None:
        still = {each.model.repo: each for each in forecast if each.model.repo in self._found}
        self._found.update(still)
        self._panel.update_entries(_listed(still.values()))

    def _on_all_found(self, _: None) -> None:
        self._end_search()
        if not self._found and self._asked is not None:
            self._panel.set_nothing_found(self._asked.text)

    def _on_failed(self, error: UserError) -> None:
        self._end_search()
        self._kept_back = kept_back(error)
        self._panel.set_notice(*notice_for(error, self._hub(), tr("Turn off for this search")))
        if not self._found:
            self._show_here()

    def _on_settings(self, settings: Settings) -> None:
        """Repeat the search that the offline switch stopped, when it is turned off."""
        if self._kept_back and self._asked is not None and not settings.offline:
            self._on_search(self._asked)

    def _end_search(self) -> None:
        self._task = None
        self._panel.set_loading(False)

    def _heading(self) -> str:
        if (count := len(self._found)) >= MOST_RESULTS:
            return tr("The first {count} results on {hub}", count=number(count), hub=self._hub())
        return plural("%n result on {hub}", "%n results on {hub}", count, hub=self._hub())

    def _hub(self) -> str:
        return hub_words.hub_name(self._resources.hub.endpoint)

    def _show_here(self) -> None:
        """Show the models that are known without asking the hub and match the query, each kind below its heading."""
        text = self._text.casefold().split()
        recommended = [(recommended_row(key, each), False) for key, each in self._recommended.items()]
        starred = _listed(self._starred.values())
        groups = [(tr("Recommended for this computer"), recommended), (tr("Starred"), starred)]
        if text:
            here = [(local_row(model), False) for model in self._shelf.now.models]
            found = _listed(found for repo, found in self._found.items() if repo not in self._starred)
            said = tr("Found before on {hub}", hub=self._hub())
            groups = [(tr("On this computer"), here), *groups, (said, found)]
        self._panel.set_groups([(heading, _matching(entries, text)) for heading, entries in groups])

    def _on_opened(self, key: str) -> None:
        if (recommendation := self._recommended.get(key)) is not None:
            self._shown = recommendation
            self._page.recommendation.show_recommendation(recommendation)
            self._show_recommendation_state()
            self._page.show_recommendation()
        elif key.startswith("local "):
            self._local.open(key.removeprefix("local "))
        else:
            self._open(Reference(key))

    def _open(self, reference: Reference) -> None:
        found = self._found.get(reference.repo) or self._starred.get(reference.repo)
        self._panel.select(reference.repo)
        self.repository.open(reference, found.model if found else None)

    def _on_notice(self, action: str) -> None:
        if action == "add_token":
            self.token_requested.emit()
        elif self._asked is not None:
            self._on_search(self._asked, lift=action == "go_online")

    def _on_get_recommended(self) -> None:
        if self._shown is not None:
            self._downloads.get_recommended(self._shown)

    def _on_sizes(self) -> None:
        if self._shown is not None:
            self._open(Reference(self._shown.repo))

    def _show_recommendation_state(self) -> None:
        if self._shown is None:
            return
        key = subject_of(self._shown.repo, self._shown.file)
        here = any(
            subject_of(model.repo, model.file) == key and model.state == "ok" for model in self._shelf.now.models
        )
        download = self._downloads.by_subject.get(key)
        if here or (download is not None and download.state == "done"):
            self._page.recommendation.set_state(tr("Here"))
        elif download is not None and download.state != "failed":
            self._page.recommendation.set_state(", ".join(facts_line(download)), "download")
        else:
            self._page.recommendation.set_state("")


def _has_no_speed(found: FoundModel) -> bool:
    return found.forecast is not None and found.forecast.fit != "too_big" and found.forecast.tokens_per_s is None


def _listed(found: Iterable[FoundModel]) -> list[Listed]:
    return [(found_row(each), each.too_big) for each in found]


def _matching(entries: Sequence[Listed], words_: Sequence[str]) -> list[Listed]:
    """The rows that contain every word."""
    return [(entry, big) for entry, big in entries if all(word in entry.spoken().casefold() for word in words_)]
