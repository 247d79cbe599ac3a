"""The few ways out of the window to other programs; each is something the person just clicked."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMessageBox, QWidget

from desktop_llm.words import tr

_WEB = ("http", "https", "mailto")


def show_file(path: str) -> None:
    """Open a document with the program that the system has for it."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(path))


def show_folder(path: str) -> None:
    """Open the folder that holds a file, or the folder itself."""
    place = Path(path)
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(place if place.is_dir() else place.parent)))


def open_link(parent: QWidget, link: str) -> bool:
    """Open a link of an answer in the browser, after asking; links of other kinds are never opened."""
    url = QUrl(link)
    if url.scheme() not in _WEB or not ask_to_open(parent, link):
        return False
    return QDesktopServices.openUrl(url)


def ask_to_open(parent: QWidget, link: str) -> bool:
    """Show where a link leads and ask; the model wrote it, so it may lead anywhere."""
    box = QMessageBox(parent)
    box.setObjectName("link_dialog")
    box.setWindowTitle(tr("Open a link"))
    box.setText(tr("Open this address in your browser?"))
    box.setInformativeText(link)
    box.setStandardButtons(QMessageBox.StandardButton.Open | QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(QMessageBox.StandardButton.Cancel)
    return box.exec() == QMessageBox.StandardButton.Open
