"""The transcript of a chat: own scroll area, own layout, made for thousands of messages.

`Transcript` is what the window places; `MessageView` and `ReadingProgress` are what it is given. Everything else in
this folder is its inside.
"""

from desktop_llm.gui.transcript.transcript import Transcript
from desktop_llm.gui.transcript.view_model import MessageView, ReadingProgress, foot_words

__all__ = ["MessageView", "ReadingProgress", "Transcript", "foot_words"]
