"""The transcript of a chat: own scroll area, own layout, made for thousands of messages.

`Transcript` is what the window places; `MessageView` and `ReadingProgress` are what it is given. Everything else in
this folder is its inside.
"""

from desktop_llm.gui import highlight, markdown
from desktop_llm.gui.transcript.transcript import Transcript
from desktop_llm.gui.transcript.view_model import MessageView, ReadingProgress, foot_words

__all__ = ["MessageView", "ReadingProgress", "Transcript", "foot_words", "warm_up"]


def warm_up() -> None:
    """Import the Markdown parser and the lexers before the first message needs them; any thread may do it."""
    markdown.parse("`x`")
    highlight.spans("x = 1", "python")
