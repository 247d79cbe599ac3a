"""Every key of the app that works, by place; `shortcuts.py` connects those of the whole window."""

from __future__ import annotations

from collections.abc import Sequence

from desktop_llm.words import tr

Keys = Sequence[tuple[str, str]]


def all_keys() -> tuple[tuple[str, Keys], ...]:
    """Places, each with its (key, what it does)."""
    return (
        (tr("Anywhere"), _anywhere()),
        (tr("Chats"), _in_chats()),
        (tr("Writing"), _in_writing()),
        (tr("Messages"), _on_messages()),
        (tr("Answers"), _on_answers()),
    )


def _anywhere() -> Keys:
    return (
        ("Ctrl+N", tr("New chat")),
        ("Ctrl+L", tr("Model menu")),
        ("Ctrl+1", tr("Chats")),
        ("Ctrl+2", tr("Models")),
        ("Ctrl+3", tr("Documents")),
        ("Ctrl+J", tr("Activity")),
        ("Ctrl+,", tr("Settings")),
        ("Ctrl+Shift+,", tr("Settings of this chat")),
        ("Ctrl++", tr("Larger text")),
        ("Ctrl+-", tr("Smaller text")),
        ("Ctrl+0", tr("Usual text size")),
        ("Ctrl+Z", tr("Undo delete")),
        ("F1", tr("All keys")),
    )


def _in_chats() -> Keys:
    return (
        ("Ctrl+B", tr("Show or hide the chats")),
        ("Ctrl+Shift+F", tr("Search chats")),
        ("Ctrl+Tab", tr("Next chat")),
        ("Ctrl+Shift+Tab", tr("Previous chat")),
        ("F2", tr("Rename the chat in the list")),
        ("Del", tr("Delete the chat in the list")),
        ("Ctrl+S", tr("Export this chat")),
        ("Ctrl+E", tr("Evidence panel")),
    )


def _in_writing() -> Keys:
    return (
        ("Return", tr("Send")),
        ("Shift+Return", tr("New line")),
        ("Ctrl+O", tr("Attach files")),
        ("Up", tr("Edit the last message (in an empty field)")),
    )


def _on_messages() -> Keys:
    return (
        ("Up", tr("Message before")),
        ("Down", tr("Next message")),
        ("Return", tr("Into the message: links and citations")),
        ("1", tr("Open citation 1, and so on to 9")),
        ("C", tr("Copy the message")),
        ("Alt+Left", tr("Other version of the answer")),
        ("Ctrl+End", tr("Latest message")),
    )


def _on_answers() -> Keys:
    return (
        ("Ctrl+.", tr("Stop the answer")),
        ("Esc", tr("Close the menu, then the panel, then stop the answer")),
        ("Ctrl+R", tr("Try the last answer again")),
        ("Ctrl+Shift+C", tr("Copy the last answer")),
    )
