"""Opens files, folders and links in other programs after the person clicked."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from desktop_llm.errors import UserError
from desktop_llm.gui.look.formats import file_name
from desktop_llm.gui.look.small_dialog import SmallDialog
from desktop_llm.gui.look.widgets import Label
from desktop_llm.gui.work.addresses import Address, read_address
from desktop_llm.words import tr

# The kinds that a usual program shows and does not run. Everything else that can be cited (scripts, source code, web
# pages, which run scripts, documents with macros) is shown in its folder.
_DOCUMENTS = frozenset(
    {".pdf", ".docx", ".txt", ".text", ".log", ".md", ".markdown", ".mdown", ".mkd", ".rst", ".adoc", ".asciidoc"}
    | {".srt", ".vtt", ".csv", ".tsv", ".tab", ".pptx", ".xlsx", ".rtf", ".epub"}
)
# Folders that macOS runs as programs.
_BUNDLES = frozenset(
    {".app", ".bundle", ".pkg", ".mpkg", ".workflow", ".action", ".prefpane", ".saver", ".scptd", ".plugin"}
)
_EXECUTABLE = 0o111


def is_document(path: str) -> bool:
    """Whether a file's name is one of a document that opens in its usual program."""
    name = Path(path).name
    # What follows a colon on Windows is a part of the file before it, which may be a program.
    return Path(name).suffix.lower() in _DOCUMENTS and not (sys.platform == "win32" and ":" in name)


def open_file(parent: QWidget, path: str) -> None:
    """Open a document with the system's program for it; show any other file in its folder, because it might be run."""
    if _may_open(path):
        QDesktopServices.openUrl(QUrl.fromLocalFile(path))
        return
    if not show_folder(path):
        text = tr("It was moved, renamed or deleted. What was read from it stays here.")
        _Told(parent, tr("{name} is no longer there.", name=file_name(path)), text).open()
    elif is_document(path):  # the button of any other file already says that it shows the folder
        text = tr("Its folder was opened instead: it may be a program, or it is no longer there.")
        _Told(parent, tr("{name} was not opened.", name=file_name(path)), text).open()


def _may_open(path: str) -> bool:
    try:
        target = Path(path).resolve(strict=True)  # a link may have another name than what it leads to
        return (
            is_document(path)
            and is_document(str(target))
            and target.is_file()
            and not target.stat().st_mode & _EXECUTABLE
        )
    except (OSError, ValueError):
        return False


def show_folder(path: str) -> bool:
    """Open the folder that holds a file, or the folder itself; returns False if it is not there."""
    place = Path(path)
    if not place.is_dir():
        place = place.parent
    while any(part.suffix.lower() in _BUNDLES for part in (place, *place.parents)):
        place = place.parent
    # Without the slash, Windows may run a program that has the folder's name and a suffix.
    return place.is_dir() and QDesktopServices.openUrl(QUrl.fromLocalFile(f"{place}/"))


def open_link(parent: QWidget, link: str) -> None:
    """Ask whether to open a web or e-mail address, as it may lead anywhere; say why any other link is not opened."""
    try:
        LinkDialog(parent, read_address(link)).open()
    except UserError as error:
        _Told(parent, error.title, error.text).open()


class LinkDialog(SmallDialog):
    """Shows where a link leads and asks whether to open it; Enter cancels."""

    def __init__(self, parent: QWidget, address: Address) -> None:
        if address.is_mail:
            people = address.place
            title = tr("Write an e-mail to {people}?", people=people) if people else tr("Write an e-mail?")
            action = tr("Open e-mail program")
        else:
            title = tr("Open {host} in your browser?", host=address.place)
            action = tr("Open in browser")
        super().__init__(parent, "", "link_dialog", title, address.shown, action)
        self._url = address.url
        for number, warning in enumerate(address.warnings):
            self.body.insertWidget(2 + number, Label(warning, "ui", "warning_text", wrap=True))
        self.cancel.setDefault(True)
        self.cancel.setFocus()

    def _on_confirmed(self) -> None:
        QDesktopServices.openUrl(self._url)
        self.accept()


class _Told(SmallDialog):
    """Says why something was not opened."""

    def __init__(self, parent: QWidget, title: str, text: str) -> None:
        super().__init__(parent, "", "not_opened", title, text, tr("OK"))
        self.cancel.hide()
