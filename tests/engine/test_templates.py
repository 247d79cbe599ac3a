"""Chat templates: the model's own, without one, hostile ones; and thinking told from text."""

from __future__ import annotations

import itertools
import random

import pytest

from desktop_llm.engine.templates import ChatTemplate, ThinkingSplitter
from desktop_llm.errors import UserError

TALK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]


def test_without_a_template_the_conversation_is_chatml() -> None:
    template = ChatTemplate(None)
    assert not template.own
    assert template.render(TALK) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_the_model_s_own_template_gets_what_such_templates_expect() -> None:
    source = (
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'tool' %}{% continue %}{% endif %}"
        "{% generation %}[{{ m['content'] | tojson }}]{% endgeneration %}{% endfor %}"
        "{{ strftime_now('%Y') | length }}{% if add_generation_prompt %}>{% endif %}"
    )
    template = ChatTemplate(source, bos="<s>")
    assert template.own
    assert template.render([{"role": "user", "content": 'a "<b>"'}]) == '<s>["a \\"<b>\\""]4>'


def test_a_template_that_refuses_a_system_message_gets_it_within_the_question() -> None:
    source = (
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
        "{{ m.content }}{% endfor %}"
    )
    assert ChatTemplate(source).render(TALK) == "Be brief.\n\nHi"


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ lipsum.__globals__['os'].popen('id').read() }}",
        "{{ cycler.__init__.__globals__.os.system('id') }}",
        "{{ messages.append(1) }}",
        "{{ raise_exception.__globals__ }}",
        "{{ (strftime_now).__self__ }}",
        "{{ '{0.__class__.__init__.__globals__}'.format(raise_exception) }}",
        "{{ messages|attr('__class__') }}{{ messages|map(attribute='__class__')|list }}",
        "{% for a in range(999999) %}x{% endfor %}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in range(9999) %}{{ 'x' * 9999 }}{% endfor %}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}{{ os.system('id') }}",
        "{% extends messages %}",
        "{% if %}",
        "{{ self.__init__.__globals__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ request.application.__globals__ }}",
        "{{ config.__class__.__init__.__globals__['os'].popen('id').read() }}",
        "{{ joiner.__init__.__globals__.os.popen('id').read() }}",
        "{{ namespace.__init__.__globals__.os.popen('id').read() }}",
        "{{ dict.mro()[1].__subclasses__() }}",
        "{{ ().__class__.__base__.__subclasses__()[104].__init__.__globals__ }}",
        "{{ (messages|first).__class__.__mro__ }}",
        "{{ ''['__cl' ~ 'ass__']['__mro__'] }}",
        "{{ ''|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
        "{{ ['{0.__class__}']|map('format', raise_exception)|list }}",
        "{{ '%s'|format(raise_exception.__code__) }}",
        "{{ raise_exception.__code__.co_consts }}",
        "{{ tojson.__globals__ }}",
        "{{ strftime_now.__call__.__self__ }}",
        "{% set x = [] %}{% for i in range(9) %}{{ x.append(x) }}{% endfor %}",
        "{{ messages[0].update({'content': 'class'}) }}",
        "{{ '%20000000d' % 1 }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    ],
)
def test_a_hostile_template_is_refused_or_says_nothing_it_should_not(source: str) -> None:
    try:
        text = ChatTemplate(source).render(TALK)
    except UserError as refusal:
        assert "chat template can't be used" in refusal.message  # noqa: PT017 - refusing is one of two good ends
    else:
        assert "class" not in text
        assert "uid=" not in text


def split(prompt: str, pieces: list[str]) -> tuple[str, str]:
    splitter = ThinkingSplitter(prompt)
    parts = [part for piece in pieces for part in splitter.feed(piece)] + list(splitter.finish())
    thinking = "".join(text for kind, text in parts if kind == "thinking")
    return thinking, "".join(text for kind, text in parts if kind == "text")


@pytest.mark.parametrize(
    ("prompt", "answer", "thinking", "text"),
    [
        ("", "Paris.", "", "Paris."),
        ("", "<think>\nFrance…\n</think>\n\nParis.", "France…", "Paris."),
        ("<think>\n", "France…\n</think>\n\nParis.", "France…", "Paris."),
        ("", "<think></think>Paris.", "", "Paris."),
        ("", "<think>it never ends", "it never ends", ""),
        ("", "In HTML <think> is no tag.", "", "In HTML <think> is no tag."),
        ("", "<thin ice>", "", "<thin ice>"),
        ("", "<think>a < b </thi b</think>c", "a < b </thi b", "c"),
        ("", "  ", "", "  "),
    ],
)
def test_thinking_is_told_from_text_wherever_the_pieces_are_cut(
    prompt: str, answer: str, thinking: str, text: str
) -> None:
    draw = random.Random(3)
    for _ in range(50):
        cuts = sorted(draw.sample(range(len(answer) + 1), min(4, len(answer))))
        edges = [0, *cuts, len(answer)]
        pieces = [answer[start:end] for start, end in itertools.pairwise(edges)]
        found_thinking, found_text = split(prompt, pieces)
        assert (found_thinking.rstrip(), found_text) == (thinking, text)
