"""A language for tests: brackets and 40 % more length for every sentence show cut and untranslated text."""

from __future__ import annotations

from PySide6.QtCore import QTranslator

LONGER = 0.4


def pseudo(text: str) -> str:
    """The sentence in brackets, with its placeholders untouched and more letters at its end."""
    return f"⟦{text}{'·' * round(len(text) * LONGER)}⟧"


class PseudoLanguage(QTranslator):
    """Install it on the application before the window is built."""

    def translate(self, context: str, source: str, disambiguation: str | None = None, n: int = -1) -> str:
        """Translate every sentence of ours; Qt's own dialogs stay as they are."""
        return pseudo(source) if not context else ""

    def isEmpty(self) -> bool:
        """Say no, because Qt does not install an empty translator."""
        return False
