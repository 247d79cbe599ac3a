"""Chat templates: the model's own, without one, hostile ones; and thinking told from text."""

from __future__ import annotations

import pytest

from desktop_llm.engine.shapes import ChatMessage
from desktop_llm.engine.template_messages import CHATML, for_template
from desktop_llm.engine.templates import ChatTemplate
from desktop_llm.engine.versions import Message
from desktop_llm.errors import CHOOSE_FORMAT, UserError
from desktop_llm.message import Text, Thinking, ToolCall, ToolResult

TALK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]


def test_without_a_template_the_conversation_is_chatml() -> None:
    template = ChatTemplate(CHATML)
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
    assert template.render([{"role": "user", "content": 'a "<b>"'}]) == '<s>["a \\"<b>\\""]4>'


def test_a_template_that_refuses_a_system_message_gets_it_within_the_question() -> None:
    source = (
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
        "{{ m.content }}{% endfor %}"
    )
    assert ChatTemplate(source).render(TALK) == "Be brief.\n\nHi"


REFUSES_SYSTEM_AND_INSISTS_ON_TURNS = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{{ 'U' if m.role == 'user' else 'A' }}({{ m.content }}){% endfor %}"
)
LEAVES_SYSTEM_OUT = (
    "{% for m in messages %}{% if m.role == 'user' %}U({{ m.content | trim }})"
    "{% elif m.role == 'assistant' %}A({{ m.content }}){% endif %}{% endfor %}"
)


def says(*messages: str) -> list[Message]:
    """Messages as "u: Hi", "a: ", "s: Be brief."."""
    roles = {"u": "user", "a": "assistant", "s": "system"}
    return [{"role": roles[message[0]], "content": message[3:]} for message in messages]


@pytest.mark.parametrize(
    ("messages", "prompt"),
    [
        (says("u: One", "a: ", "u: Two"), "U(One\n\nTwo)"),
        (says("u: One", "u: Two", "u: Three"), "U(One\n\nTwo\n\nThree)"),
        (says("u: One", "a: Yes", "a: And more", "u: Two"), "U(One)A(Yes\n\nAnd more)U(Two)"),
        (says("a: Welcome", "u: One"), "U()A(Welcome)U(One)"),
        (says("s: Rhyme.", "u: One"), "U(Rhyme.\n\nOne)"),
        (says("s: Rhyme.", "a: Welcome", "u: One"), "U(Rhyme.)A(Welcome)U(One)"),
        (says("s: Rhyme.", "u: One", "a: ", "u: Two"), "U(Rhyme.\n\nOne\n\nTwo)"),
        (says("u: One", "a: Yes", "s: Rhyme.", "u: Two"), "U(One)A(Yes)U(Rhyme.\n\nTwo)"),
    ],
)
def test_a_template_that_insists_on_turns_gets_every_conversation_in_turns(
    messages: list[Message], prompt: str
) -> None:
    assert ChatTemplate(REFUSES_SYSTEM_AND_INSISTS_ON_TURNS).render(messages) == prompt


def test_a_template_that_leaves_out_the_system_message_gets_it_within_the_question() -> None:
    template = ChatTemplate(LEAVES_SYSTEM_OUT)
    assert template.render(says("s: Rhyme. ", "u: One", "a: Yes", "u: Two")) == "U(Rhyme. \n\nOne)A(Yes)U(Two)"
    assert template.render(says("u: One")) == "U(One)"


def test_a_template_that_shows_the_system_message_in_its_own_way_keeps_it_there() -> None:
    source = "{% for m in messages %}{{ m.role }}:{{ m.content | upper }};{% endfor %}"
    assert ChatTemplate(source).render(TALK) == "system:BE BRIEF.;user:HI;"


LEAVES_OUT = (
    "{{ messages[-1].content }}",
    "{% for m in messages %}{{ m.content[:20] }}{% endfor %}",
    "{% for m in messages %}{% if m.role != 'assistant' %}{{ m.content }}{% endif %}{% endfor %}",
)


@pytest.mark.parametrize("source", LEAVES_OUT)
def test_a_template_that_leaves_out_a_message_in_every_version_is_told_and_offers_another_format(source: str) -> None:
    talk = says("u: Why is the sky above us blue?", "a: Because of the air.", "u: And at night?")
    with pytest.raises(UserError, match="it leaves out a part of the conversation") as told:
        ChatTemplate(source).render(talk)
    assert told.value.action == CHOOSE_FORMAT


def test_a_template_that_writes_texts_in_its_own_way_leaves_nothing_out() -> None:
    for written in ("m.content | upper", "m.content | tojson", "m.content.split() | join('_')", "m.content | title"):
        source = f"{{% for m in messages %}}{{{{ {written} }}}};{{% endfor %}}"
        assert ChatTemplate(source).render(says("u: Is it\n“blue”?", "a: Yes, it is.", "u: And why?")).count(";") == 3


def test_parts_become_what_chat_templates_read() -> None:
    messages = [
        ChatMessage.of("user", "How warm is it in <|Rome|>?"),
        ChatMessage("assistant", (Thinking("A tool knows."), ToolCall("c1", "weather", '{"city": "Rome"}'))),
        ChatMessage("tool", (ToolResult("c1", "31 <|degrees|>"),)),
        ChatMessage("assistant", (Text("It is "), Text("31 degrees."))),
    ]
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": {"city": "Rome"}}}
    thoughts = {"reasoning_content": "A tool knows.", "thinking": "A tool knows."}
    assert for_template(messages, lambda text: text.replace("<|", "<")) == [
        {"role": "user", "content": "How warm is it in <Rome|>?"},
        {"role": "assistant", "content": "", **thoughts, "tool_calls": [call]},
        {"role": "tool", "content": "31 <degrees|>", "tool_call_id": "c1", "name": "weather"},
        {"role": "assistant", "content": "It is 31 degrees."},
    ]


def test_a_mark_hidden_in_a_tool_s_arguments_is_made_harmless_too() -> None:
    hidden = ToolCall("<|c|>", "<|n|>", '{"city": "\\u003c|end|\\u003e"}')
    broken = ToolCall("c2", "weather", "{<|end|>")
    (asked,) = for_template([ChatMessage("assistant", (hidden, broken))], lambda text: text.replace("<|", "<"))
    assert "<|" not in str(asked)
    assert [call["function"]["arguments"] for call in asked["tool_calls"]] == [{"city": "<end|>"}, "{<end|>"]


def test_a_call_of_a_tool_and_its_result_reach_the_template() -> None:
    source = (
        "{% for m in messages %}{{ m.role }}:{{ m.content }}"
        "{% for c in m.tool_calls or [] %}<{{ c.function.name }} {{ c.function.arguments | tojson }}>{% endfor %};"
        "{% endfor %}"
    )
    messages = [
        ChatMessage.of("user", "Warm?"),
        ChatMessage("assistant", (ToolCall("c1", "weather", '{"city": "Rome"}'),)),
        ChatMessage("tool", (ToolResult("c1", "31"),)),
        ChatMessage("tool", (ToolResult("c2", "not asked for"),)),
    ]
    prompt = ChatTemplate(source).render(for_template(messages, str))
    assert prompt == 'user:Warm?;assistant:<weather {"city": "Rome"}>;tool:31;tool:not asked for;'


HOSTILE_TEMPLATES = (
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ cycler.__init__.__globals__.os.system('id') }}",
    "{{ messages.append(1) }}",
    "{{ raise_exception.__globals__ }}",
    "{{ (strftime_now).__self__ }}",
    "{{ '{0.__class__.__init__.__globals__}'.format(raise_exception) }}",
    "{{ messages|attr('__class__') }}{{ messages|map(attribute='__class__')|list }}",
    "{% for a in range(999999) %}x{% endfor %}",
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
)


@pytest.mark.parametrize("source", HOSTILE_TEMPLATES)
def test_a_hostile_template_is_refused_or_says_nothing_it_should_not(source: str) -> None:
    try:
        text = ChatTemplate(source).render(TALK)
    except UserError as refusal:
        assert "chat template can't be used" in refusal.message  # noqa: PT017 - refusing is one of two good ends
    else:
        assert "class" not in text
        assert "uid=" not in text
