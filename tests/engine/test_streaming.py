"""What becomes of a model's text while it streams."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop_llm.engine.marks import Rendered
from desktop_llm.engine.streaming import StopTexts, ThinkingSplitter, stop_texts
from desktop_llm.engine.template_messages import CHATML
from desktop_llm.engine.templates import ChatTemplate
from tests.engine.vocabularies import CONTROL, loaded, vocabulary_file

HARMONY = (
    "<|channel|>analysis<|message|>France…<|end|><|start|>assistant<|channel|>final<|message|>Paris<|end|>"
    "<|start|>assistant<|channel|>commentary<|message|>, I think."
)
CALL = (
    "<|channel|>analysis<|message|>Look.<|end|><|start|>assistant<|channel|>commentary to=functions.find "
    '<|constrain|>json<|message|>{"q": 1}'
)


def cut_anywhere(answer: str) -> Iterator[list[str]]:
    """The answer in random pieces, and character by character."""
    draw = random.Random(3)
    for _ in range(50):
        cuts = sorted(draw.sample(range(len(answer) + 1), min(4, len(answer))))
        yield [answer[start:end] for start, end in itertools.pairwise([0, *cuts, len(answer)])]
    yield list(answer)


def split(prompt: str, pieces: list[str]) -> tuple[str, str]:
    splitter = ThinkingSplitter(prompt)
    parts = [part for piece in pieces for part in splitter.feed(piece)] + list(splitter.finish())
    thinking = text = ""
    for kind, piece in parts:
        if kind == "rethink":
            thinking, text = thinking + text, ""
        elif kind == "thinking":
            thinking += piece
        else:
            text += piece
    return thinking.rstrip(), text


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
        ("", "[THINK]France…[/THINK]Paris.", "France…", "Paris."),
        ("[THINK]", "France…[/THINK]Paris.", "France…", "Paris."),
        ("", "<thinking>France…</thinking>\nParis.", "France…", "Paris."),
        ("", "<seed:think>France…</seed:think>Paris.", "France…", "Paris."),
        ("", "◁think▷France…◁/think▷Paris.", "France…", "Paris."),
        ("", "<|channel>thought\nFrance…\n<channel|>Paris.", "France…", "Paris."),
        ("", "<think>One.</think>\n<think>Two.</think>Paris.", "One.Two.", "Paris."),
        # Nothing opened the thinking.
        ("", "It is Paris</think>\n\nThe capital is Paris.", "It is Paris", "The capital is Paris."),
        ("", "Hm.\n[/THINK]Paris.", "Hm.", "Paris."),
        ("", "The tag `</think>` closes it.", "", "The tag `</think>` closes it."),
        ("", "```\n</think>\n```", "", "```\n</think>\n```"),
        ("", "<think>a</think>b </think> c", "a", "b </think> c"),
        ("", "1 < 2 </ 3", "", "1 < 2 </ 3"),
        # Channels, as gpt-oss names them.
        ("<|start|>assistant", HARMONY, "France…", "Paris, I think."),
        ("", "<|channel|>final<|message|>Paris.", "", "Paris."),
        ("", CALL, 'Look.{"q": 1}', ""),
        ("", "<|channel|>analysis<|mess", "", ""),
        ("", "Write <|channel|> first.", "", "Write <|channel|> first."),
    ],
)
def test_thinking_is_told_from_text_wherever_the_pieces_are_cut(
    prompt: str, answer: str, thinking: str, text: str
) -> None:
    for pieces in cut_anywhere(answer):
        assert split(prompt, pieces) == (thinking, text)


@pytest.mark.parametrize(
    ("template", "marks", "expected"),
    [
        (CHATML, {"<|im_end|>", "<|im_start|>"}, ()),
        (CHATML, set(), ("<|im_end|>",)),
        ("{% for m in messages %}[{{ m.role }}] {{ m.content }}</s>{% endfor %}", {"</s>"}, ()),
        ("{% for m in messages %}{{ '\\n### ' + m.role }}:\n{{ m.content }}{% endfor %}", set(), ("\n### user:",)),
        ("{% for m in messages %}{{ m.role|upper }}: {{ m.content }}\n{% endfor %}", set(), ("\nUSER:",)),
        ("{% for m in messages %}{{ m.content }} {% endfor %}", set(), ()),
        ("{{ messages[-1].content }}", set(), ()),
        ("{{ raise_exception('no') }}", set(), ()),
    ],
)
def test_a_turn_ends_at_the_templates_own_mark_if_no_token_ends_it(
    template: str, marks: set[str], expected: tuple[str, ...]
) -> None:
    assert stop_texts(ChatTemplate(template).render, marks) == expected


def test_a_stop_text_ends_the_answer_wherever_the_pieces_are_cut() -> None:
    for pieces in cut_anywhere("Paris is <the> capital.<|im_end|>\n<|im_start|>user\nAnd of Spain?"):
        stops = StopTexts(("<|im_end|>",))
        said = ""
        for piece in pieces:
            said += stops.feed(piece)
            if stops.reached:
                break
        assert (said + stops.finish(), stops.reached) == ("Paris is <the> capital.", True)


def test_the_beginning_of_a_stop_text_is_no_end() -> None:
    for pieces in cut_anywhere("a <|im_ b <|im"):
        stops = StopTexts(("<|im_end|>",))
        assert "".join(map(stops.feed, pieces)) + stops.finish() == "a <|im_ b <|im"


def test_a_control_token_that_marks_thinking_is_text_and_others_are_not(tmp_path: Path) -> None:
    path = tmp_path / "marks.gguf"
    path.write_bytes(vocabulary_file("bpe", {"[THINK]": CONTROL, "<|channel|>": CONTROL, "<|im_end|>": CONTROL}))
    with loaded(path) as vocabulary:
        tokens = vocabulary.prompt_tokens(Rendered("[THINK]hell<|channel|><|im_end|>"))
        assert b"".join(map(vocabulary.piece, tokens)) == b"[THINK]hell<|channel|>"
