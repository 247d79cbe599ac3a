"""Announcements: a screen reader says them although the focus does not move."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent


def announce(owner: QObject, words: str, at_once: bool) -> None:
    """Have `words` said, at once (assertive) or when there is a pause (polite); silent if no screen reader runs."""
    if not QAccessible.isActive():
        return
    event = QAccessibleAnnouncementEvent(owner, words)
    politeness = QAccessible.AnnouncementPoliteness
    event.setPoliteness(politeness.Assertive if at_once else politeness.Polite)
    QAccessible.updateAccessibility(event)
