"""Templates of files are rendered in a process that is ended when it takes too much."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from desktop_llm.engine import rendering
from desktop_llm.engine.rendering import LimitedTemplate, Renderer
from desktop_llm.engine.templates import ChatTemplate
from desktop_llm.errors import UserError
from tests.engine.bombs import BOMBS

TALK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi \ud812 \U0001f600"}]
PLAIN = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"


@pytest.fixture
def renderer() -> Iterator[Renderer]:
    renderer = Renderer()
    yield renderer
    renderer.close()


def test_a_template_of_a_file_writes_the_same_as_in_this_process(renderer: Renderer) -> None:
    assert LimitedTemplate(PLAIN, renderer).render(TALK) == ChatTemplate(PLAIN).render(TALK)
    with pytest.raises(UserError, match="can't be used: no roles"):
        LimitedTemplate("{{ raise_exception('no roles') }}", renderer).render(TALK)
    with pytest.raises(UserError, match="can't be used"):
        LimitedTemplate("{% if %}", renderer)


def test_a_template_that_takes_everything_is_ended_with_a_sentence(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "RENDER_LIMIT_S", 0.4)
    for bomb in (BOMBS[0], BOMBS[4], BOMBS[10], BOMBS[28], BOMBS[32], BOMBS[36]):
        with pytest.raises(UserError, match="chat template can't be used: it ") as told:
            LimitedTemplate(bomb, renderer).render(TALK)
        assert "Nothing was lost" in told.value.text, bomb
    monkeypatch.setattr(rendering, "RENDER_LIMIT_S", 60.0)
    assert LimitedTemplate(PLAIN, renderer).render(TALK).startswith("system: Be brief.")


def test_what_took_too_much_twice_is_not_tried_again(renderer: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "RENDER_LIMIT_S", 0.2)
    template = LimitedTemplate(BOMBS[28], renderer)
    for _ in range(2):
        with pytest.raises(UserError, match="it does not end"):
            template.render(TALK)
    monkeypatch.setattr(rendering, "RENDER_LIMIT_S", 600.0)
    with pytest.raises(UserError, match="it does not end"):
        template.render(TALK)
