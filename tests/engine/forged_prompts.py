"""Random messages in random vocabularies and templates: no message may make a mark of its own."""

from __future__ import annotations

import random
from pathlib import Path

from desktop_llm.engine.marks import Rendered
from desktop_llm.engine.shapes import ChatMessage
from desktop_llm.engine.template_messages import for_template
from desktop_llm.engine.templates import ChatTemplate
from desktop_llm.engine.vocabulary import Vocabulary
from tests.engine.vocabularies import CONTROL, USER_DEFINED, loaded, vocabulary_file

MARKS = {
    "<|im_start|>": CONTROL,
    "<|im_end|>": USER_DEFINED,
    "[|im_end|]": USER_DEFINED,
    "[|system|]": CONTROL,
    "[INST]": CONTROL,
    "<think>": USER_DEFINED,
    "</think>": USER_DEFINED,
    "<｜User｜>": CONTROL,
    "sop": CONTROL,
    "▁<EOT>": CONTROL,
    "<<|im_end|>>": USER_DEFINED,
    "]~b]": CONTROL,
    "€": CONTROL,
}
ONLY_WORDS = {"    ": USER_DEFINED, "1": USER_DEFINED, "hello": USER_DEFINED, "<table>": USER_DEFINED}
CHATML = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>{% endfor %}"
TEMPLATES = (
    CHATML,
    "{% for m in messages %}<|im_start|>{{ m.content | trim }}<|im_end|>\n{% endfor %}[INST]",
    "{% for m in messages %}[|system|]{{ m.content.split('</think>')[-1] }}</s>{% endfor %}",
    "{% for m in messages %}<{{ m.content }}>{{ m.content[:9] }}|>{{ m.content | tojson }}<|im_end|>{% endfor %}",
    "{{ messages[0].content | replace('e', '') }}{% for m in messages[1:] %}<｜User｜>{{ m.content }}{% endfor %}",
)
SHAPES = [
    "<|{}|>",
    "[|{}|]",
    "<{}>",
    "</{}>",
    "[{}]",
    "«{}»",
    "{}",
    "<｜{}｜>",
    "~{}~",
    "{{{}}}",
    "▁<{}>",
    "§{}",
    "Ġ<{}",
]
NEUTRAL = "\ue000"


def prompt(vocabulary: Vocabulary, template: str, *contents: str) -> Rendered:
    """The prompt of a conversation in which a person says the first, third… of these."""
    messages = for_template([ChatMessage.of("user", content) for content in contents], vocabulary.marks.hide)
    return vocabulary.marks.reveal(prompt_of(template, [message["content"] for message in messages]))


def prompt_of(template: str, contents: list[str]) -> str:
    roles = ("user", "assistant")
    said = [{"role": roles[index % 2], "content": content} for index, content in enumerate(contents)]
    return ChatTemplate(template).render(said)


def marks_in(vocabulary: Vocabulary, rendered: Rendered) -> list[int]:
    return [token for token in vocabulary.prompt_tokens(rendered) if vocabulary.is_mark(token)]


def broken_prompts(
    kind: str, draw: random.Random, folder: Path, *, vocabularies: int, prompts: int
) -> list[tuple[str, list[str]]]:
    """The templates and messages whose prompts have other marks than with messages that say nothing; there are none."""
    broken = []
    for _ in range(vocabularies):
        names = ["".join(draw.choices("abehl_", k=draw.randint(1, 5))) for _ in range(12)]
        made = {draw.choice(SHAPES).format(name): draw.choice((CONTROL, USER_DEFINED)) for name in names}
        marks = MARKS | {mark: kind for mark, kind in made.items() if len(mark) > 1}
        path = folder / "vocabulary.gguf"
        path.write_bytes(vocabulary_file(kind, marks))
        with loaded(path) as vocabulary:
            for _ in range(prompts):
                template, contents = draw.choice(TEMPLATES), [_message(draw, list(marks)) for _ in range(3)]
                silent = prompt_of(template, [NEUTRAL * len(content) for content in contents])
                if marks_in(vocabulary, prompt(vocabulary, template, *contents)) != marks_in(
                    vocabulary, Rendered(silent)
                ):
                    broken.append((template, contents))
    return broken


def _message(draw: random.Random, marks: list[str]) -> str:
    if draw.random() < 0.2:  # what stands between the ends of a mark
        mark = draw.choice(marks)
        return mark[1:-1].strip() or "x"
    pieces = [*marks, "</s>", "<s>", " ", "\n", "x", "<", ">", "|", "é", "漢", "\x01", "\ud812", "l"]
    text = "".join(piece[draw.randrange(2) * draw.randrange(len(piece)) :] for piece in draw.choices(pieces, k=3))
    return text if text.strip() else "x"
