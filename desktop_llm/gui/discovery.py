"""What the Models page asks of the hub and the forecaster: generators for tasks, never for the window's thread."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from desktop_llm.errors import UserError
from desktop_llm.gui import markdown
from desktop_llm.gui.measured import learn_speeds
from desktop_llm.gui.models.card_text import card_blocks
from desktop_llm.gui.models.filters import Search
from desktop_llm.gui.resources import Resources
from desktop_llm.models.fit import Forecast, Machine, best_size, this_machine
from desktop_llm.models.fit.catalog import Recommendation, recommended
from desktop_llm.models.gguf import Header
from desktop_llm.models.hub import HubFile, HubModel, HubRepo

USUAL_CONTEXT = 8192
# More than anyone reads; a page of 25 is one request.
MOST_RESULTS = 300
# Of a Q4_K_M file, the size that most people take: 4.85 bits a weight (llama.cpp, tools/quantize).
_BALANCED_BYTES = 4.85 / 8


@dataclass(frozen=True, slots=True)
class Found:
    """A repository that a search found, and what its balanced size would need here, once that is known."""

    model: HubModel
    forecast: Forecast | None

    @property
    def too_big(self) -> bool:
        """Whether even its balanced size has no room."""
        return self.forecast is not None and self.forecast.fit == "too_big"


@dataclass(frozen=True, slots=True)
class Opened:
    """A repository's files; forecasts follow, by their sizes at first and then from a header."""

    repo: HubRepo
    outlook: Outlook


@dataclass(frozen=True, slots=True)
class Outlook:
    """Forecasts by file name, the recommended quantization, and for which machine and context they are."""

    forecasts: Mapping[str, Forecast]
    recommended: str | None
    machine: Machine
    context_length: int

    def verdict(self, repo: HubRepo) -> Forecast | None:
        """What the size to take would need, or the smallest where none has room; None while nothing is known."""
        wanted = next((file for file in repo.files if file.quantization == self.recommended), None)
        return self.forecasts.get((wanted or repo.files[0]).name) if repo.files else None


@dataclass(frozen=True, slots=True)
class Card:
    """The model card."""

    blocks: tuple[markdown.Block, ...]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that could not be asked, while the rest goes on."""

    error: UserError


Reading = Opened | Outlook | Card | Trouble


class Discovery:
    """Asks; keeps nothing."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def recommended(self) -> list[Recommendation]:
        """The models of the catalogue that suit this computer; asks nobody outside."""
        return recommended(self._resources.forecaster, self._resources.folders.data)

    def find(self, search: Search) -> Generator[list[HubModel], None, None]:
        """What a search finds, page by page as the hub answers; `forecast` may have to wait for the list of GPUs."""
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

    def forecast(self, models: Sequence[HubModel]) -> list[Found]:
        """These repositories with what their balanced size would need here; asks nobody outside."""
        return [Found(model, self._rough(model)) for model in models]

    def read(self, repo_id: str, revision: str | None) -> Generator[Reading, None, None]:
        """A repository: its files first, then its card, then exact forecasts from the header of one file."""
        hub = self._resources.hub
        repo = hub.measured(hub.repo(repo_id, revision))
        # Which GPUs there are takes some seconds to find out, once for each machine; the sizes need not wait for it.
        yield Opened(repo, Outlook({}, None, this_machine([]), self._context(repo.model)))
        rough = self._outlook(repo, {file.name: self._rough_file(repo, file) for file in repo.files})
        yield rough
        try:
            yield Card(tuple(card_blocks(hub.card(repo.model.repo, repo.revision))))
        except UserError as error:
            yield Trouble(error)
        if (file := _usual_file(repo, rough.recommended)) is None:
            return
        try:
            yield self._outlook(repo, self._exact(repo, file))
            if self._resources.forecaster.speeds is None:  # once for each machine: tokens a second follow
                learn_speeds(self._resources)
                yield self._outlook(repo, self._exact(repo, file))
        except UserError as error:
            yield Trouble(error)

    def _rough(self, model: HubModel) -> Forecast | None:
        if not model.parameters:
            return None
        size_bytes = round(model.parameters * _BALANCED_BYTES)
        return self._resources.forecaster.rough(size_bytes, model.parameters, self._context(model))

    def _rough_file(self, repo: HubRepo, file: HubFile) -> Forecast:
        parameters = repo.model.parameters or round(file.size_bytes / _BALANCED_BYTES)
        return self._resources.forecaster.rough(file.size_bytes, parameters, self._context(repo.model))

    def _exact(self, repo: HubRepo, file: HubFile) -> dict[str, Forecast]:
        """Files of one repository share their build, so that one header does for all of them."""
        header = self._resources.hub.header(repo, file)
        context = self._context(repo.model)
        forecast = self._resources.forecaster.forecast
        headers = {each.name: _as_quantized(header, file, each) for each in repo.files}
        return {each.name: forecast(headers[each.name], each.size_bytes, context_length=context) for each in repo.files}

    def _outlook(self, repo: HubRepo, forecasts: Mapping[str, Forecast]) -> Outlook:
        forecaster = self._resources.forecaster
        sizes = [(file.quantization, forecasts[file.name]) for file in repo.files]
        return Outlook(forecasts, best_size(sizes), forecaster.machine(), self._context(repo.model))

    def _context(self, model: HubModel) -> int:
        wanted = self._resources.settings.current.context_length or USUAL_CONTEXT
        return min(wanted, model.context_length) if model.context_length else wanted


def _as_quantized(header: Header, seen: HubFile, file: HubFile) -> Header:
    """The header of another file of the repository, as far as that of one tells it."""
    if file.quantization == seen.quantization:
        return header
    alike = header.shape  # of a split model, which is scaled where it is forecast
    shape = alike if header.parts > 1 else alike.quantized(seen.size_bytes, file.size_bytes, file.quantization)
    return replace(header, shape=shape, quantization=file.quantization)


def _usual_file(repo: HubRepo, quantization: str | None) -> HubFile | None:
    named = (file for file in repo.files if file.quantization == quantization)
    return next(named, repo.files[0] if repo.files else None)
