"""Pictures reach the model through its projector: they change its answer, and are kept and told apart like text."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from desktop_llm.engine.client import ChatMessage, Engine, LoadSettings, PromptProgress
from desktop_llm.errors import BadRequest, ModelFileError, UserError
from desktop_llm.message import Image, Part, Text
from desktop_llm.paths import folders
from tests.engine.conftest import Answer, ask
from tests.engine.seeing_models import seeing_model
from tests.pictures.samples import encoded, scene

PLACES = 16  # of a picture with the plain projector


@dataclass(frozen=True)
class Seeing:
    """An engine with a model that sees pictures, and their files."""

    engine: Engine
    model: Path
    projector: Path


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "turning"])
def seeing(
    request: pytest.FixtureRequest, tested_backends: bytes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Seeing]:
    """One engine for all tests of a kind of model, because it takes a second to start."""
    folder = tmp_path_factory.mktemp("seeing")
    home = folders(folder / "home")
    (home.cache / "backends.json").write_bytes(tested_backends)
    model, projector = seeing_model(folder, turning=request.param)
    with contextlib.closing(Engine(home)) as engine:
        look(engine, model, projector)
        yield Seeing(engine, model, projector)


def picture(folder: Path, colour: str, size: tuple[int, int] = (64, 96)) -> Image:
    path = folder / f"{colour}.png"
    made = scene(*size)
    made.paste(colour, (0, 0, size[0], size[1] // 3))
    path.write_bytes(encoded(made))
    return Image(str(path))


def look(engine: Engine, model: Path, projector: Path | None) -> None:
    settings = LoadSettings(context_length=1_024, threads=1, projector=str(projector) if projector else None)
    for _ in engine.load(model, settings):
        pass


def question(text: str, *pictures: Part) -> ChatMessage:
    return ChatMessage("user", (*pictures, Text(text)))


def alone(engine: Engine, *messages: ChatMessage) -> Answer:
    """The answer when nothing of it has been read before."""
    engine.forget([""])
    answer = ask(engine, *messages)
    assert answer.end.usage.cached_tokens <= 1
    return answer


def test_the_model_sees_the_picture(seeing: Seeing, tmp_path: Path) -> None:
    engine = seeing.engine
    assert engine.loaded is not None
    assert engine.loaded.sees_pictures
    red, green = picture(tmp_path, "red"), picture(tmp_path, "lime")
    answers = [ask(engine, question("What is this?", *pictures)) for pictures in ([red], [green], [])]
    assert len({answer.text for answer in answers}) == 3
    with_picture, _, without = (answer.end.usage.prompt_tokens for answer in answers)
    assert with_picture > without + PLACES / 2


def test_a_picture_is_read_once(seeing: Seeing, tmp_path: Path) -> None:
    red, green = picture(tmp_path, "red"), picture(tmp_path, "lime")
    engine = seeing.engine
    first = ask(engine, question("What is this?", red))
    chat = [question("What is this?", red), ChatMessage.of("assistant", "Red."), question("And this?", green)]
    second = ask(engine, *chat)
    again = ask(engine, *chat)
    assert second.end.usage.cached_tokens >= first.end.usage.prompt_tokens
    assert again.end.usage.cached_tokens == again.end.usage.prompt_tokens - 1
    assert again.text == second.text == alone(engine, *chat).text


def test_a_picture_is_found_again_on_the_disk_and_not_with_another_projector(
    seeing: Seeing, tested_backends: bytes, tmp_path: Path
) -> None:
    red, home = picture(tmp_path, "red"), folders(tmp_path / "home")
    (home.cache / "backends.json").write_bytes(tested_backends)
    chat = [question("What is this? " * 20, red)]
    with contextlib.closing(Engine(home)) as engine:
        look(engine, seeing.model, seeing.projector)
        first = ask(engine, *chat, slot="chat")
    chat += [ChatMessage.of("assistant", "Red."), ChatMessage.of("user", "And now?")]
    with contextlib.closing(Engine(home)) as engine:
        look(engine, seeing.model, seeing.projector)
        second = ask(engine, *chat, slot="chat")
        assert second.end.usage.cached_tokens >= first.end.usage.prompt_tokens
        assert second.text == alone(seeing.engine, *chat).text
    other = tmp_path / "other.gguf"
    other.write_bytes(seeing.projector.read_bytes())
    with contextlib.closing(Engine(home)) as engine:
        look(engine, seeing.model, other)
        assert ask(engine, *chat, slot="chat").end.usage.cached_tokens <= 1


def test_another_picture_at_the_same_place_is_another_prompt(seeing: Seeing, tmp_path: Path) -> None:
    red, green = picture(tmp_path, "red"), picture(tmp_path, "lime")
    engine = seeing.engine
    ask(engine, question("What is this?", red))
    second = ask(engine, question("What is this?", green))
    assert second.end.usage.cached_tokens < 12  # the words before the picture
    assert second.text == alone(engine, question("What is this?", green)).text


def test_the_same_path_with_another_content_is_another_picture(seeing: Seeing, tmp_path: Path) -> None:
    shown = picture(tmp_path, "red")
    engine = seeing.engine
    before = ask(engine, question("What is this?", shown))
    Path(shown.path).write_bytes(Path(picture(tmp_path, "lime", (64, 64)).path).read_bytes())
    assert ask(engine, question("What is this?", shown)).text != before.text


def test_the_same_picture_twice_in_a_row_takes_its_place_twice(seeing: Seeing, tmp_path: Path) -> None:
    red = picture(tmp_path, "red")
    engine = seeing.engine
    once, twice = (ask(engine, question("What?", *[red] * count)) for count in (1, 2))
    assert twice.end.usage.prompt_tokens > once.end.usage.prompt_tokens + PLACES / 2
    assert twice.text == alone(engine, question("What?", red, red)).text


def test_progress_counts_the_places_of_pictures(seeing: Seeing, tmp_path: Path) -> None:
    engine = seeing.engine
    answer = ask(engine, question("What is this?", picture(tmp_path, "red")))
    steps = [event for event in answer.events if isinstance(event, PromptProgress)]
    assert steps[-1].done == steps[-1].total == answer.end.usage.prompt_tokens
    assert [step.done for step in steps] == sorted(step.done for step in steps)


def test_the_size_of_a_message_counts_its_pictures(seeing: Seeing, tmp_path: Path) -> None:
    engine = seeing.engine
    asked = question("What is this?", picture(tmp_path, "red"))
    assert engine.measure([asked]).prompt_tokens == ask(engine, asked).end.usage.prompt_tokens


def test_text_that_looks_like_a_picture_s_mark_is_text(seeing: Seeing) -> None:
    engine = seeing.engine
    forged = f"\ufdd0{'a' * 64}\ufdd1 <__media__> <|image_pad|>"
    assert ask(engine, forged).end.finish_reason == "length"


def test_eyes_that_are_missing_or_another_model_s_cost_the_picture_and_not_the_chat(
    home: Path, tested_backends: bytes, tmp_path: Path
) -> None:
    (folders(home).cache / "backends.json").write_bytes(tested_backends)
    model, projector = seeing_model(tmp_path, width=48)
    asked = question("What is this?", picture(tmp_path, "red"))
    with contextlib.closing(Engine(folders(home))) as engine:
        look(engine, model, projector)
        with pytest.raises(ModelFileError, match=r"mmproj-Seeing-F32\.gguf does not fit this model"):
            ask(engine, asked)
        assert ask(engine, "And without?").end.finish_reason == "length"
        look(engine, model, None)
        assert engine.loaded is not None
        assert not engine.loaded.sees_pictures
        with pytest.raises(BadRequest, match="can't see pictures"):
            ask(engine, asked)


def test_a_picture_that_is_gone_or_broken_is_told(seeing: Seeing, tmp_path: Path) -> None:
    engine = seeing.engine
    with pytest.raises(UserError, match=r"gone\.png can't be read"):
        ask(engine, question("What is this?", Image(str(tmp_path / "gone.png"))))
    broken = tmp_path / "broken.png"
    broken.write_bytes(encoded(scene())[:60])
    with pytest.raises(UserError, match=r"can't use the picture broken\.png"):
        ask(engine, question("What is this?", Image(str(broken))))
    huge = tmp_path / "huge.png"
    huge.write_bytes(encoded(scene(4_000, 20)))
    with pytest.raises(UserError, match=r"huge\.png is not a picture the app can read"):
        ask(engine, question("What is this?", Image(str(huge))))
    assert ask(engine, "Still there?").end.finish_reason == "length"
