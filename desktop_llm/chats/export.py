"""A conversation as a Markdown file that reads well anywhere: headings, answers, citations as footnotes.

Every message stands by itself: an open fence is closed, and HTML stays visible text, as on screen. Pictures lie in a
folder beside the file, with its name.
"""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from urllib.parse import quote

from desktop_llm.chats.records import Conversation, StoredMessage
from desktop_llm.files import cannot_write, write_atomically
from desktop_llm.message import Citation, File, Image, Part, Text, Thinking, ToolCall, ToolResult, marked_citations
from desktop_llm.words import tr

# Code and autolinks are matched first, so nothing inside them is taken for a citation or for HTML.
_SPECIAL = re.compile(
    r"(?P<kept>(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`)|<[a-zA-Z][a-zA-Z0-9+.-]+:[^\s<>]*>|<[^\s<>@/]+@[^\s<>@]+>|\\.)"
    r"|\[(?P<marks>\d{1,3}(?:\s*,\s*\d{1,3})*)\](?!\()"
    r"|(?P<html><)(?=[a-zA-Z/!?])"
    r"|(?P<footnote>\[)(?=\^)",
    re.DOTALL,
)
_END = "END"


def write_markdown(target: Path, conversation: Conversation, messages: Iterable[StoredMessage]) -> None:
    """Write the given branch to this file, and its pictures to a folder beside it; raises UserError if that fails.

    A picture that is gone is named, like an attached file.
    """
    branch = list(messages)
    folder = target.with_name(f"{target.stem} {tr('pictures')}")
    links: dict[str, str] = {}
    names: set[str] = set()
    for path in dict.fromkeys(part.path for message in branch for part in message.parts if isinstance(part, Image)):
        try:
            data = Path(path).read_bytes()
            folder.mkdir(exist_ok=True)
        except OSError as error:
            if not Path(path).is_file():
                continue
            raise cannot_write(folder, error) from error
        name = _unlike(names, PurePath(path))
        write_atomically(folder / name, data)
        links[path] = f"{folder.name}/{name}"
    write_atomically(target, to_markdown(conversation, branch, links).encode())


def _unlike(names: set[str], path: PurePath) -> str:
    """The file's name, or another one if it is among `names`, to which it is added."""
    numbered = (f"{path.stem} {number}{path.suffix}" for number in itertools.count(2))
    name = next(each for each in itertools.chain([path.name], numbered) if each.casefold() not in names)
    names.add(name.casefold())
    return name


def to_markdown(
    conversation: Conversation, messages: Iterable[StoredMessage], pictures: Mapping[str, str] | None = None
) -> str:
    """The given branch as Markdown text (valid UTF-8), without thinking and with each cited passage as a footnote.

    `pictures` tells the link to a picture by its path; a picture without one is named.
    """
    footnotes: list[Citation] = []
    blocks = [
        f"# {conversation.title or tr('Chat')}",
        time.strftime("%Y-%m-%d", time.localtime(conversation.created_at)),
    ]
    if conversation.system_prompt:
        blocks += [f"## {tr('Instructions')}", _standing_alone(conversation.system_prompt)]
    for message in messages:
        blocks += _message_blocks(message, len(footnotes), pictures or {})
        footnotes += dict.fromkeys(message.citations)
    blocks += [_footnote(number, citation) for number, citation in enumerate(footnotes, start=1)]
    return ("\n\n".join(blocks) + "\n").encode("utf-8", "replace").decode()


def _message_blocks(message: StoredMessage, footnotes_before: int, pictures: Mapping[str, str]) -> Iterator[str]:
    names = {"user": tr("You"), "tool": tr("Tool")}
    yield f"## {names.get(message.role) or message.model_name or message.model_id or message.role.capitalize()}"
    files = [part.path for part in message.parts if isinstance(part, File | Image)]
    attached = ", ".join(PurePath(path).name for path in files if path not in pictures)
    if attached:
        yield tr("Attached: {names}", names=attached)
    for path in files:
        if path in pictures:
            yield f"![{_alternative(PurePath(path).name)}]({quote(pictures[path])})"
    texts = [_Lines(part.text.strip()) for part in message.parts if isinstance(part, Text)]
    marks = iter(marked_citations([number for text in texts for number in text.marks()], message.citations))
    number_of = {each: footnotes_before + at for at, each in enumerate(dict.fromkeys(message.citations), start=1)}
    remaining = iter(texts)
    for part in message.parts:
        block = next(remaining).exported(marks, number_of) if isinstance(part, Text) else _tool_block(part)
        if block:
            yield block
    if message.status == "interrupted":
        yield f"*{tr('The answer was interrupted here.')}*"
    elif message.status == "error":
        yield f"*{tr('The answer ended with an error.')}*"


def _alternative(name: str) -> str:
    """A picture's name as the text in its place."""
    return re.sub(r"([\\\[\]<&*_`!])", r"\\\1", name)


def _tool_block(part: Part) -> str:
    match part:
        case ToolCall(_, name, arguments):
            return f"{tr('Asked the tool {name}:', name=json.dumps(name))}\n\n{_fenced(arguments)}"
        case ToolResult(_, text):
            return f"{tr('The tool answered:')}\n\n{_fenced(text)}"
        case Thinking() | File() | Image() | Text():
            return ""


def _fenced(text: str) -> str:
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def _footnote(number: int, citation: Citation) -> str:
    name, quote = PurePath(citation.document).name, _escaped(" ".join(citation.text.split()))
    if citation.page is not None:
        name = tr("{name}, page {page}", name=name, page=citation.page)
    elif citation.place:
        name = f"{name}, {citation.place}"
    return f"[^{number}]: {name}: “{quote}”"


def _standing_alone(text: str) -> str:
    return _Lines(text.strip()).exported(iter(()), {})


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: f"\\{found[0]}" if found["html"] or found["footnote"] else found[0], text)


class _Lines:
    """A Markdown text, cut into code blocks (left as they are) and everything else."""

    def __init__(self, text: str) -> None:
        from markdown_it import MarkdownIt  # only needed for an export

        parser = MarkdownIt("commonmark", {"html": False}).enable("table")
        lines = text.splitlines(keepends=True)
        blocks = [token for token in parser.parse(text) if token.type in ("fence", "code_block") and token.map]
        in_code = {line for token in blocks if token.map for line in range(*token.map)}
        self._runs: list[tuple[bool, str]] = []
        for number, line in enumerate(lines):
            is_code = number in in_code
            if self._runs and self._runs[-1][0] == is_code:
                self._runs[-1] = (is_code, self._runs[-1][1] + line)
            else:
                self._runs.append((is_code, line))
        # Text appended to a text whose blocks are all closed becomes a paragraph of its own.
        after = parser.parse(f"{text}\n\n{_END}")
        self._open_fence = after[-1].markup if after and after[-1].type == "fence" else ""

    def marks(self) -> list[int]:
        """The numbers of the citation marks, in order."""
        runs = [run for is_code, run in self._runs if not is_code]
        return [number for run in runs for found in _SPECIAL.finditer(run) for number in _numbers(found)]

    def exported(self, marks: Iterator[Citation | None], number_of: dict[Citation, int]) -> str:
        """The text with footnote marks for what `marks` yields, HTML escaped, and the last fence closed."""

        def replaced(found: re.Match[str]) -> str:
            if found["html"] or found["footnote"]:
                return f"\\{found[0]}"
            cited = [next(marks, None) for _ in _numbers(found)]
            if not cited or None in cited:
                return found[0]
            return "".join(f"[^{number_of[each]}]" for each in cited if each)

        text = "".join(run if is_code else _SPECIAL.sub(replaced, run) for is_code, run in self._runs)
        return f"{text}\n{self._open_fence}" if self._open_fence else text


def _numbers(found: re.Match[str]) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", found["marks"] or "")]
