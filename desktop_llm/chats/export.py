"""A conversation as a Markdown file that reads well anywhere: headings, answers, citations as footnotes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from pathlib import PurePath

from desktop_llm.chats.records import Conversation, StoredCitation, StoredMessage

# Code is matched first so that an index in it ("a[1]") is never taken for a citation.
_CODE_OR_MARK = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]*`|\[(\d+)\](?!\()", re.DOTALL)
_ENDINGS = {"interrupted": "*The answer was interrupted here.*", "error": "*The answer ended with an error.*"}


def to_markdown(conversation: Conversation, messages: Iterable[StoredMessage]) -> str:
    """The branch given as Markdown text (valid UTF-8); thinking is left out, each cited passage is a footnote."""
    footnotes: list[StoredCitation] = []
    blocks = [f"# {conversation.title or 'Chat'}", time.strftime("%Y-%m-%d", time.localtime(conversation.created_at))]
    if conversation.system_prompt:
        blocks += ["## Instructions", conversation.system_prompt]
    for message in messages:
        blocks += _blocks(message, footnotes)
    blocks += [_footnote(number, citation) for number, citation in enumerate(footnotes, start=1)]
    return ("\n\n".join(blocks) + "\n").encode("utf-8", "replace").decode()


def _blocks(message: StoredMessage, footnotes: list[StoredCitation]) -> list[str]:
    heading = "You" if message.role == "user" else message.model_name or message.model_id or message.role.capitalize()
    attached = ", ".join(PurePath(path).name for path in message.attachments)
    ending = _ENDINGS.get(message.status, "")
    found = [f"## {heading}", f"Attached: {attached}" if attached else "", _numbered(message, footnotes), ending]
    return [block for block in found if block]


def _numbered(message: StoredMessage, footnotes: list[StoredCitation]) -> str:
    """The text with each `[n]` that is a citation turned into a footnote mark, counted through the whole file."""
    first = len(footnotes)
    marks = {citation.number: first + place for place, citation in enumerate(message.citations, start=1)}
    footnotes += message.citations

    def mark(found: re.Match[str]) -> str:
        number = marks.get(int(found[1])) if found[1] else None
        return found[0] if number is None else f"[^{number}]"

    return _CODE_OR_MARK.sub(mark, message.text.strip())


def _footnote(number: int, citation: StoredCitation) -> str:
    place = f", page {citation.page}" if citation.page is not None else ""
    return f"[^{number}]: {PurePath(citation.document).name}{place}: “{' '.join(citation.text.split())}”"
