"""The transcript of a chat: a scroll area with a layout of its own, made for thousands of messages.

The window places a `Transcript` and gives it `MessageView`s and progress. All else in this folder is internal.
"""

from desktop_llm.gui.chat.transcript.transcript import Transcript
from desktop_llm.gui.chat.transcript.view_model import MessageView, ReadingProgress, WaitingInLine, foot_words
from desktop_llm.gui.look import highlight, markdown

__all__ = ["MessageView", "ReadingProgress", "Transcript", "WaitingInLine", "foot_words", "warm_up"]


def warm_up() -> None:
    """Import the Markdown parser and the lexers before the first message needs them; may be called in any thread."""
    markdown.parse("`x`")
    highlight.spans("x = 1", "python")
