"""Queries to the hub and the forecaster. They block, so they run in tasks and never in the window's thread."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from desktop_llm.errors import UserError
from desktop_llm.gui.look import markdown
from desktop_llm.gui.models.find.card_text import card_blocks
from desktop_llm.gui.work.forecasts import learn_speeds
from desktop_llm.gui.work.resources import Resources
from desktop_llm.models.fit import Forecast, Machine, Setup, best_size, this_machine
from desktop_llm.models.fit.catalog import Recommendation, recommended
from desktop_llm.models.fit.repositories import RoughForecasts
from desktop_llm.models.gguf import Header
from desktop_llm.models.hub import HubFile, HubModel, HubRepo, Sort
from desktop_llm.models.hub.repositories import Size

# More than anyone reads; 25 results are one request.
MOST_RESULTS = 300


@dataclass(frozen=True, slots=True)
class Search:
    """A search of the hub: words, order, and filters (empty for any)."""

    text: str = ""
    sort: Sort = "trending"
    size: Size = ""
    license: str = ""
    task: str = ""
    language: str = ""

    def filters(self) -> int:
        """The number of filters that are set."""
        return sum(map(bool, (self.size, self.license, self.task, self.language)))


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A repository from the hub, with the forecast of its balanced size once that is known."""

    model: HubModel
    forecast: Forecast | None

    @property
    def too_big(self) -> bool:
        """Whether even its balanced size is too big for this computer."""
        return self.forecast is not None and self.forecast.fit == "too_big"


@dataclass(frozen=True, slots=True)
class Opened:
    """A repository's files. Forecasts follow: first by file size, then from the header of one file."""

    repo: HubRepo
    outlook: Outlook


@dataclass(frozen=True, slots=True)
class Outlook:
    """Forecasts by file name and the recommended quantization, for this machine and context length."""

    forecasts: Mapping[str, Forecast]
    recommended: str | None
    machine: Machine
    context_length: int

    def verdict(self, repo: HubRepo) -> Forecast | None:
        """The forecast of the recommended size, or of the smallest if none fits; None while nothing is known."""
        wanted = next((file for file in repo.files if file.quantization == self.recommended), None)
        return self.forecasts.get((wanted or repo.files[0]).name) if repo.files else None


@dataclass(frozen=True, slots=True)
class Card:
    """The model card, and the models that it says this one was made from."""

    blocks: tuple[markdown.Block, ...]
    base_models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trouble:
    """The error of one query; the others continue."""

    error: UserError


Reading = Opened | Outlook | Card | Trouble


class Discovery:
    """Sends the queries; it has no state of its own."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def recommended(self) -> list[Recommendation]:
        """The models of the catalogue that suit this computer; sends nothing out."""
        return recommended(self._resources.forecaster, self._resources.folders.data)

    def find(self, search: Search) -> Generator[list[HubModel], None, None]:
        """Models that match, page by page as the hub answers; without forecasts, which may wait for the GPUs."""
        pages = self._resources.hub.search(
            search.text,
            sort=search.sort,
            license=search.license,
            task=search.task,
            language=search.language,
            size=search.size,
            limit=MOST_RESULTS,
        )
        with closing(pages):
            yield from pages

    def forecast(self, models: Sequence[HubModel]) -> list[FoundModel]:
        """These repositories with forecasts of their balanced sizes; sends nothing out."""
        rough = self._rough()
        return [FoundModel(model, rough.of_model(model)) for model in models]

    def read(self, repo_id: str, revision: str | None) -> Generator[Reading, None, None]:
        """A repository: its files first, then its card, then exact forecasts from the header of one file."""
        hub = self._resources.hub
        repo = hub.measured(hub.repo(repo_id, revision))
        # Finding the GPUs takes some seconds the first time; the sizes need not wait for it.
        yield Opened(repo, Outlook({}, None, this_machine([]), self._rough().context_of(repo.model)))
        by_size = self._rough()
        rough = self._outlook(repo, {file.name: by_size.of_file(repo.model, file) for file in repo.files})
        yield rough
        try:
            card = hub.card(repo.model.repo, repo.revision)
            yield Card(tuple(card_blocks(card.text)), card.base_models)
        except UserError as error:
            yield Trouble(error)
        if (file := _usual_file(repo, rough.recommended)) is None:
            return
        try:
            yield self._outlook(repo, self._exact(repo, file))
            if self._resources.forecaster.speeds is None:  # after the first measurement, speeds are known too
                learn_speeds(self._resources)
                yield self._outlook(repo, self._exact(repo, file))
        except UserError as error:
            yield Trouble(error)

    def _exact(self, repo: HubRepo, file: HubFile) -> dict[str, Forecast]:
        """Forecasts for all files from the header of one: files of one repository have the same layers."""
        header = self._resources.hub.header(repo, file)
        setup = Setup(self._rough().context_of(repo.model))
        forecast = self._resources.forecaster.forecast
        headers = {each.name: _as_quantized(header, file, each) for each in repo.files}
        return {each.name: forecast(headers[each.name], each.size_bytes, setup) for each in repo.files}

    def _outlook(self, repo: HubRepo, forecasts: Mapping[str, Forecast]) -> Outlook:
        forecaster = self._resources.forecaster
        sizes = [(file.quantization, forecasts[file.name]) for file in repo.files]
        return Outlook(forecasts, best_size(sizes), forecaster.machine(), self._rough().context_of(repo.model))

    def _rough(self) -> RoughForecasts:
        return RoughForecasts(self._resources.forecaster, self._resources.settings.current.context_length)


def _as_quantized(header: Header, seen: HubFile, file: HubFile) -> Header:
    """The header that another file of the repository probably has."""
    if file.quantization == seen.quantization:
        return header
    alike = header.shape  # the forecast scales it if the model is split
    shape = alike if header.parts > 1 else alike.quantized(seen.size_bytes, file.size_bytes, file.quantization)
    return replace(header, shape=shape, quantization=file.quantization)


def _usual_file(repo: HubRepo, quantization: str | None) -> HubFile | None:
    named = (file for file in repo.files if file.quantization == quantization)
    return next(named, repo.files[0] if repo.files else None)
