"""Above the composer: the offer to read every file, and how far that has come."""

from __future__ import annotations

from pathlib import PurePath

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop_llm.conversation.coverage import DONE, EVERY_FILE, PASSAGES, PAUSED, READING, STOPPED, Coverage
from desktop_llm.conversation.events import Offer
from desktop_llm.gui.look import theme
from desktop_llm.gui.look.formats import duration, number, plain
from desktop_llm.gui.look.widgets import Button, Label, ProgressBar, Tick
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.words import plural, tr

_MOST_NAMES = 20


class EveryFileOffer(QWidget):
    """Asks whether every file is to be read. Signal: `chosen` with the way and whether to do the same next time."""

    chosen = Signal(str, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "every_file_offer", tr("This looks like a question about every file."))
        self._title = Label(tr("This looks like a question about every file."), "ui_strong", wrap=True)
        self._text = Label("", "ui", wrap=True, object_name="every_file_offer_text")
        self.read = Button(tr("Read every file"), "library", kind="primary", object_name="every_file_offer_read")
        self.passages = Button(tr("Best passages only"), "quote", object_name="every_file_offer_passages")
        self.remember = Tick(tr("Do the same next time in this chat"))
        set_names(self.remember, "every_file_offer_remember", tr("Do the same next time in this chat"))
        row = QHBoxLayout()
        row.addWidget(self.read)
        row.addWidget(self.passages)
        row.addStretch(1)
        row.addWidget(self.remember)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 11, 16, 11)
        column.setSpacing(6)
        column.addWidget(self._title)
        column.addWidget(self._text)
        column.addLayout(row)
        self.read.clicked.connect(lambda: self._choose(EVERY_FILE))
        self.passages.clicked.connect(lambda: self._choose(PASSAGES))
        repaint_on_theme(self)

    def show_offer(self, offer: Offer) -> None:
        """Say what reading every file would take."""
        first = tr("Reading all {count} files takes a while.", count=number(offer.files))
        if offer.seconds is not None:
            first = tr(
                "Reading all {count} files takes about {time}.",
                count=number(offer.files),
                time=duration(offer.seconds),
            )
        self._text.setText(f"{first} {tr('The best passages come from a few files, so a list could miss some.')}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc takes the best passages."""
        if event.key() == Qt.Key.Key_Escape:
            self._choose(PASSAGES)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the card."""
        painter = QPainter(self)
        draw_box(painter, self.rect(), 8, theme.current().colour("accent_soft"))
        painter.end()

    def _choose(self, way: str) -> None:
        self.chosen.emit(way, self.remember.isChecked())


class CoverageCard(QWidget):
    """How far reading every file has come, and what can be done. Signals: `pause_requested`, `stop_requested`,
    `continue_requested`, `passages_requested` for the best passages instead, and `csv_requested` for the table.
    """

    pause_requested = Signal()
    stop_requested = Signal()
    continue_requested = Signal()
    passages_requested = Signal()
    csv_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "coverage_card", tr("Reading every file"))
        self._has_gaps = False
        self._title = Label("", "ui_strong", wrap=True, object_name="coverage_title")
        self._detail = Label("", "ui", "text_secondary", wrap=True, object_name="coverage_detail")
        self._current = Label("", "small", "text_secondary", object_name="coverage_current")
        self._found = Label("", "small", "text_secondary", object_name="coverage_found")
        self.bar = ProgressBar(object_name="coverage_bar", accessible_name=tr("Share of the text that was read"))
        self.pause = Button(tr("Pause"), "pause", object_name="coverage_pause")
        self.stop = Button(tr("Stop"), "stop", object_name="coverage_stop")
        self.go_on = Button(tr("Continue"), "play", object_name="coverage_continue")
        self.gaps = Button(plural("Show it", "Show the %n", 1), "eye", kind="quiet", object_name="coverage_gaps")
        self.passages = Button(tr("Best passages only"), "quote", kind="quiet", object_name="coverage_passages")
        self.csv = Button(tr("Save as CSV"), "table", kind="quiet", object_name="coverage_csv")
        self._failed = Label("", "small", "text_secondary", wrap=True, object_name="coverage_failed")
        self._failed.hide()
        top = QHBoxLayout()
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._title)
        words.addWidget(self._detail)
        top.addLayout(words, 1)
        for button in (self.gaps, self.passages, self.csv, self.go_on, self.pause, self.stop):
            top.addWidget(button, alignment=Qt.AlignmentFlag.AlignTop)
        below = QHBoxLayout()
        below.addWidget(self._current, 1)
        below.addWidget(self._found)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 11, 14, 11)
        column.setSpacing(6)
        column.addLayout(top)
        column.addWidget(self.bar)
        column.addLayout(below)
        column.addWidget(self._failed)
        self.gaps.clicked.connect(self._on_gaps)
        self.passages.clicked.connect(self.passages_requested)
        self.csv.clicked.connect(self.csv_requested)
        self.pause.clicked.connect(self.pause_requested)
        self.stop.clicked.connect(self.stop_requested)
        self.go_on.clicked.connect(self.continue_requested)
        repaint_on_theme(self)

    def show_coverage(self, coverage: Coverage, *, running: bool, changed: int = 0) -> None:
        """Show this state; `running` while a turn reads. So many of its files have `changed` since they were read."""
        title, detail = words_of(coverage, running=running, changed=changed)
        self._title.setText(title)
        self._detail.setText(detail)
        self._detail.setVisible(bool(detail))
        self.bar.set_fraction(coverage.fraction)
        self.bar.setVisible(running)
        name = plain(PurePath(coverage.current).name)
        part = tr("{file}, part {part} of {parts}", file=name, part=coverage.part, parts=coverage.parts)
        self._current.setText((part if coverage.parts > 1 else name) if running else "")
        without = coverage.done - coverage.found_in
        found = plural("One file with a result", "%n files with a result", coverage.found_in)
        self._found.setText(tr("{found}, {without} without", found=found, without=without))
        self.pause.setVisible(running)
        self.stop.setVisible(running)
        self.go_on.setVisible(not running and (coverage.unread > 0 or changed > 0))
        self.passages.setVisible(not running and coverage.state == DONE and not coverage.results)
        self.csv.setVisible(not running and coverage.results > 0)
        self._show_failed(coverage, running=running)
        if changed and not coverage.unread:
            self.go_on.set_content(plural("Read one again", "Read %n again", changed), "retry")
        elif coverage.state == STOPPED:
            self.go_on.set_content(plural("Read the other file", "Read the other %n", coverage.unread), "play")
        else:
            self.go_on.set_content(tr("Continue"), "play")
        self.setAccessibleDescription(f"{title} {detail}")

    def _show_failed(self, coverage: Coverage, *, running: bool) -> None:
        """Offer the names of the files that could not be read."""
        self._has_gaps = bool(coverage.failed) and not running
        self.gaps.setVisible(self._has_gaps)
        self.gaps.set_content(plural("Show it", "Show the %n", len(coverage.failed)))
        names = [plain(PurePath(path).name) for path in coverage.failed[:_MOST_NAMES]]
        more = len(coverage.failed) - len(names)
        rest = [plural("and one more", "and %n more", more)] if more else []
        self._failed.setText(tr("Could not be read: {names}", names=", ".join([*names, *rest])))
        if not self._has_gaps:
            self._failed.hide()
        self.update()

    def _on_gaps(self) -> None:
        self._failed.setVisible(self._failed.isHidden())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the card; amber if files could not be read."""
        painter, colour = QPainter(self), theme.current().colour
        fill, border = ("warning_bg", "warning_border") if self._has_gaps else ("surface", "border")
        draw_box(painter, self.rect(), 8, colour(fill), colour(border), 1)
        painter.end()


def words_of(coverage: Coverage, *, running: bool, changed: int = 0) -> tuple[str, str]:
    """The two lines of the card: what was read, and what else is to be said."""
    if changed and coverage.state == DONE and not running:
        fresh, total = number(coverage.done - changed), number(coverage.total)
        return tr("{fresh} of {total} files are up to date.", fresh=fresh, total=total), plural(
            "One changed after it was read for this answer.",
            "%n changed after they were read for this answer.",
            changed,
        )
    done, total = number(coverage.done), number(coverage.total)
    results = plural("%n result", "%n results", coverage.results)
    if running:
        left = tr(", about {time} left", time=duration(coverage.seconds_left)) if coverage.seconds_left else ""
        counts = tr("{done} of {total} files, {results} so far", done=done, total=total, results=results)
        return tr("Reading every file"), f"{counts}{left}"
    if coverage.state == PAUSED:
        return tr("Paused at {done} of {total} files. What was found is kept.", done=done, total=total), ""
    if coverage.state == READING:
        cut = tr("Reading was cut off at {done} of {total} files.", done=done, total=total)
        return cut, plural("One result is kept.", "%n results are kept.", coverage.results)
    if coverage.state == STOPPED:
        unread = plural(
            "One file was not read, so the list may be incomplete.",
            "%n were not read, so the list may be incomplete.",
            coverage.unread,
        )
        return tr("Stopped at {done} of {total} files.", done=done, total=total), unread
    assert coverage.state == DONE, coverage.state
    took = duration(coverage.seconds)
    read = tr("{done} of {total} files read", done=done, total=total)
    if coverage.failed:
        return f"{read}.", plural(
            "One could not be read and is not in the list.",
            "%n could not be read and are not in the list.",
            len(coverage.failed),
        )
    if not coverage.results:
        return f"{read}.", tr("None was found to answer this.")
    return read, tr("{results}, {time}", results=results, time=took)


class EveryFileStrip(QWidget):
    """The place above the composer for the offer and the card; empty while there is neither."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("every_file_strip")
        self.offer = EveryFileOffer(self)
        self.card = CoverageCard(self)
        self._column = QVBoxLayout(self)
        self._column.addWidget(self.offer)
        self._column.addWidget(self.card)
        repaint_on_theme(self)
        self.clear()

    def clear(self) -> None:
        """Show nothing."""
        self.offer.hide()
        self.card.hide()
        self.hide()

    def show_offer(self, offer: Offer) -> None:
        """Ask whether every file is to be read."""
        self.offer.show_offer(offer)
        self.card.hide()
        self.offer.show()
        self.show()

    def show_coverage(self, coverage: Coverage, *, running: bool, changed: int = 0) -> None:
        """Show how far reading has come, and how many files have changed since."""
        self.card.show_coverage(coverage, running=running, changed=changed)
        self.offer.hide()
        self.card.show()
        self.show()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the ground of the chat."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.current().colour("surface"))
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Align with the reading column."""
        super().resizeEvent(event)
        tokens = theme.current()
        padding = tokens.length("column", "reading_padding")
        width = min(tokens.length("column", "reading_max"), self.width() - 2 * padding)
        left = max(padding, (self.width() - width) // 2)
        self._column.setContentsMargins(left, 8, max(padding, self.width() - width - left), 8)
