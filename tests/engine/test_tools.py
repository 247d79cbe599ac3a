"""Tools on the real engine: tiny models that write calls as real families do, and an answer once they have results."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import pytest

from desktop_llm.conversation.events import TurnState, fold
from desktop_llm.conversation.tools import came_back
from desktop_llm.conversation.turn import answer
from desktop_llm.engine.client import ChatMessage, Engine, LoadSettings, Sampling
from desktop_llm.engine.templates import ChatTemplate
from desktop_llm.engine.tool_prompt import knows_tools, with_tools_described
from desktop_llm.message import Part, ToolCall, ToolResult
from desktop_llm.paths import folders
from desktop_llm.steps import result_of
from tests.engine.script_models import script_model
from tests.engine.test_tool_calls import TOOLS

SUM = '{"name": "calculator", "arguments": {"expression": "3 * '
SCRIPTS: dict[str, Sequence[str]] = {
    "hermes": ("Let me see.", "\n", "<tool_call>", SUM + '1"}}', "</tool_call>", "invented"),
    "mistral": ("[TOOL_CALLS]", " [" + SUM + '2"}}]'),
    "llama": (SUM.replace("arguments", "parameters") + '3"}}',),
    "coder": ("As JSON:\n```json\n" + SUM + '4"}}', "\n```"),
    "plain": ("No tool is needed.",),
    "again": (SUM + '5"}}',),
    "circle": (SUM + '6"}}',),
    "silent": (SUM + '7"}}',),
    "half": (SUM + '8"}}',),
}
# What small models do behind a result as long as their prompt tells of tools.
STUBBORN: dict[str, Sequence[str]] = {
    "again": ('{"name": "calculator", "arguments": {"expression": "3 * 5", "required": ["expression"]}}',),
    "circle": (SUM.replace("3 * ", "18") + '"}}',),
    "silent": (),
    "half": ("<tools>", SUM + "9 ", "+ ", "1 ", "+ "),
}
MARKS = (
    *("<tool_call>", "</tool_call>", "<tools>", "[TOOL_CALLS]", "<|result|>"),
    *(f"<|go-{name}|>" for name in SCRIPTS),
    *(f"<|on-{name}|>" for name in STUBBORN),
)
_RESULT = (
    "".join(
        f"{{% if tools and '{name}' in messages[0].content %}}<|on-{name}|>{{% set on = 1 %}}{{% endif %}}"
        for name in STUBBORN
    )
    + "{% if not on %}<|result|>{% endif %}"
)
TEMPLATE = (
    "{% if tools %}{{ tools | tojson }}{% endif %}"
    "{% for message in messages %}{{ message.role }}: {{ message.content }}{{ message.tool_calls | default('') }}\n"
    "{% endfor %}{% if messages[-1].role == 'tool' %}"
    + _RESULT
    + "{% endif %}"
    + "{% if 'is known' in messages[-1].content %}<|result|>{% else %}"
    + "".join(f"{{% if '{name}' in messages[-1].content %}}<|go-{name}|>{{% endif %}}" for name in SCRIPTS)
    + "{% endif %}"
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("tools")
    scripts = [(f"<|go-{name}|>", *pieces) for name, pieces in SCRIPTS.items()]
    scripts += [(f"<|on-{name}|>", *pieces) for name, pieces in STUBBORN.items()]
    model = script_model(folder / "tools.gguf", TEMPLATE, *scripts, ("<|result|>", "It is 3."), marks=MARKS)
    with contextlib.closing(Engine(folders(folder / "home"))) as engine:
        result_of(engine.load(model, LoadSettings(context_length=2_048, gpu_layers=0)))
        yield engine


def ask(engine: Engine, question: str, tools: Sequence[str] = ("calculator",)) -> TurnState:
    state, sampling = TurnState(), Sampling(temperature=0, max_tokens=40)
    for event in answer(engine, [ChatMessage.of("user", question)], sampling, tools=tools):
        state = fold(state, event)
    return state


def told(parts: Sequence[Part]) -> list[str]:
    calls = [part for part in parts if isinstance(part, ToolCall)]
    return [*(call.arguments for call in calls), *(part.text for part in parts if isinstance(part, ToolResult))]


@pytest.mark.parametrize(
    ("family", "text", "number"),
    [
        ("hermes", "Let me see.\n\nIt is 3.", 1),
        ("mistral", "It is 3.", 2),
        ("llama", "It is 3.", 3),
        ("coder", "As JSON:\n\n\nIt is 3.", 4),
    ],
)
def test_a_call_is_run_and_the_model_goes_on_with_the_result(
    engine: Engine, family: str, text: str, number: int
) -> None:
    state = ask(engine, family)
    assert told(state.parts) == [f'{{"expression": "3 * {number}"}}', str(3 * number)]
    assert state.text == text
    assert state.finished is not None
    assert state.finished.finish_reason == "stop"


@pytest.mark.parametrize(
    ("habit", "results"),
    [
        ("again", ["15", "This was asked before. 15"]),
        ("circle", ["18", "18"]),
        ("silent", ["21"]),
        ("half", ["24"]),
    ],
)
def test_a_model_that_goes_on_calling_answers_once_it_knows_of_no_tools(
    engine: Engine, habit: str, results: list[str]
) -> None:
    state = ask(engine, habit)
    assert state.text == "It is 3."
    assert [came_back(part) for part in state.parts if isinstance(part, ToolResult)] == results
    assert state.finished is not None
    assert state.finished.finish_reason == "stop"


def test_an_answer_without_a_call_and_one_without_tools_are_as_ever(engine: Engine) -> None:
    assert ask(engine, "plain").text == "No tool is needed."
    state = ask(engine, "llama", ())
    assert [part.kind for part in state.parts] == ["text"]
    assert state.text.startswith('{"name": "calculator"')


def test_a_template_that_knows_no_tools_is_told_of_them_in_words() -> None:
    knows, ignores = ChatTemplate(TEMPLATE), ChatTemplate("{% for each in messages %}{{ each.content }}{% endfor %}")
    assert (knows_tools(knows.render), knows_tools(ignores.render)) == (True, False)
    for messages in ([{"role": "user", "content": "Hi"}], [{"role": "system", "content": "Be brief."}]):
        prompt = ignores.render(with_tools_described(messages, TOOLS))
        assert '{"name": "find", "description"' in prompt
        assert "<tool_call>" in prompt
        assert messages[-1]["content"] in prompt
