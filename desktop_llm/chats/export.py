"""A conversation as a Markdown file that reads well anywhere: headings, answers, citations as footnotes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from pathlib import PurePath

from desktop_llm.chats.records import Conversation, StoredCitation, StoredMessage
from desktop_llm.words import tr

# Code is matched first so that an index in it ("a[1]") is never taken for a citation.
_CODE_OR_MARK = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]*`|\[(\d+)\](?!\()", re.DOTALL)


def to_markdown(conversation: Conversation, messages: Iterable[StoredMessage]) -> str:
    """The branch given as Markdown text (valid UTF-8); thinking is left out, each cited passage is a footnote."""
    footnotes: list[StoredCitation] = []
    blocks = [
        f"# {conversation.title or tr('Chat')}",
        time.strftime("%Y-%m-%d", time.localtime(conversation.created_at)),
    ]
    if conversation.system_prompt:
        blocks += [f"## {tr('Instructions')}", conversation.system_prompt]
    for message in messages:
        blocks += _blocks(message, footnotes)
    blocks += [_footnote(number, citation) for number, citation in enumerate(footnotes, start=1)]
    return ("\n\n".join(blocks) + "\n").encode("utf-8", "replace").decode()


def _blocks(message: StoredMessage, footnotes: list[StoredCitation]) -> list[str]:
    heading = (
        tr("You") if message.role == "user" else message.model_name or message.model_id or message.role.capitalize()
    )
    attached = ", ".join(PurePath(path).name for path in message.attachments)
    attachments = tr("Attached: {names}", names=attached) if attached else ""
    found = [f"## {heading}", attachments, _numbered(message, footnotes), _ending(message)]
    return [block for block in found if block]


def _ending(message: StoredMessage) -> str:
    if message.status == "interrupted":
        return f"*{tr('The answer was interrupted here.')}*"
    return f"*{tr('The answer ended with an error.')}*" if message.status == "error" else ""


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
    name, page, quote = PurePath(citation.document).name, citation.page, " ".join(citation.text.split())
    where = name if page is None else tr("{name}, page {page}", name=name, page=page)
    return f"[^{number}]: {where}: “{quote}”"
