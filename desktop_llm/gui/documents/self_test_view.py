"""The self-test of a collection: how many of its passages a search finds, document by document, and which it misses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from desktop_llm.gui.look import formats, icons, theme
from desktop_llm.gui.look.widgets import (
    Action,
    Button,
    EmptyState,
    Label,
    Picture,
    PrimaryButton,
    ProgressBar,
    Select,
)
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.knowledge.client import Probe, SelfTest, likely_range
from desktop_llm.words import plural, tr

COUNTS = (20, 60, 200)
_DEPTHS = (1, 5, 10)
_MOST_DOCUMENTS, _MOST_MISSES = 8, 20
_ROW, _MARK, _GAP = 31, 12, 3
_FIGURES_HEIGHT = 96


class SelfTestView(QWidget):
    """Signals: `wanted` with the number of questions to ask; `stopped`; `passage_wanted` with the probe whose passage
    is to be opened.
    """

    wanted = Signal(int)
    stopped = Signal()
    passage_wanted = Signal(Probe)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("selftest_view")
        self._stack = QStackedWidget(self)
        self._empty: EmptyState | None = None
        self._stack.addWidget(self._make_result())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 8)
        column.setSpacing(8)
        column.addLayout(self._make_bar())
        column.addWidget(self._stack, 1)
        self.clear()

    def clear(self) -> None:
        """Show that nothing was tested yet."""
        self._set_running(False)
        self._say(
            tr("Not tested yet."),
            tr(
                "Questions are made from words of this collection's own passages and asked, on this computer. "
                "It shows which passages a search finds, and which not."
            ),
        )

    def show_running(self, asked: int, total: int) -> None:
        """Show how far a test is."""
        self._set_running(True)
        self._about.setText(tr("Asking {done} of {total}", done=min(asked + 1, total), total=total))
        self._bar.set_fraction(asked / total if total else 0.0)

    def show_test(self, found: SelfTest) -> None:
        """Show the outcome of a test."""
        self._set_running(False)
        if not found.probes:
            self._say(tr("There is nothing to ask."), tr("Its passages hold too few words to make questions of."))
            return
        self._figures.show_test(found)
        self._chart.show_test(found)
        self._misses.show_probes([probe for probe in found.probes if probe.rank != 1], self.passage_wanted.emit)
        when = datetime.fromtimestamp(found.made_at).astimezone()
        self._about.setText(
            tr(
                "{questions} from {documents}, {when}, took {seconds:.0f} s.",
                questions=plural("%n question", "%n questions", len(found.probes)),
                documents=formats.documents(found.documents),
                when=when.strftime("%Y-%m-%d %H:%M"),
                seconds=found.seconds,
            )
        )
        self._run.setText(tr("Run again"))
        self._stack.setCurrentIndex(0)

    def show_error(self, text: str) -> None:
        """Say why the test could not be made."""
        self._set_running(False)
        self._say(tr("The test could not be made."), text)

    def _make_bar(self) -> QHBoxLayout:
        self._about = Label("", "small", "text_secondary", object_name="selftest_about")
        self._about.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._bar = ProgressBar(object_name="selftest_progress", accessible_name=tr("Progress of the test"))
        self._bar.setFixedWidth(160)
        self._count = Select(object_name="selftest_count", accessible_name=tr("Number of questions"))
        for count in COUNTS:
            self._count.addItem(plural("%n question", "%n questions", count), count)
        self._count.setCurrentIndex(1)
        self._run = PrimaryButton(tr("Run"), "retry", object_name="selftest_run")
        self._run.clicked.connect(self._on_run)
        self._stop = Button(tr("Stop"), "stop", object_name="selftest_stop")
        self._stop.clicked.connect(self.stopped)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._about, 1)
        for widget in (self._bar, self._count, self._run, self._stop):
            row.addWidget(widget)
        return row

    def _make_result(self) -> QWidget:
        self._figures, self._chart, self._misses = Figures(), DocumentsChart(), Misses()
        page = QWidget()
        page.setProperty("page", True)
        cards = QHBoxLayout()
        cards.setSpacing(16)
        cards.addWidget(self._chart, 1, Qt.AlignmentFlag.AlignTop)
        cards.addWidget(self._misses, 1, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(16)
        column.addWidget(self._figures)
        column.addLayout(cards)
        column.addStretch(1)
        scroll = QScrollArea()
        set_names(scroll, "selftest_result", tr("Outcome of the test"))
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setWidget(page)
        return scroll

    def _set_running(self, running: bool) -> None:
        self._bar.setVisible(running)
        self._stop.setVisible(running)
        self._run.setVisible(not running)
        self._count.setEnabled(not running)

    def _say(self, title: str, text: str) -> None:
        if self._empty is not None:
            self._stack.removeWidget(self._empty)
            self._empty.deleteLater()
        run = Action("run", tr("Run the test"), "play", "primary")
        self._empty = EmptyState("target", title, text, (run,), object_name="selftest_empty")
        self._empty.action_triggered.connect(self._on_empty_action)
        self._stack.addWidget(self._empty)
        self._stack.setCurrentWidget(self._empty)
        self._about.setText("")
        self._run.setText(tr("Run"))

    def _on_run(self) -> None:
        self.wanted.emit(self._count.currentData())

    def _on_empty_action(self, _action: str) -> None:
        self._on_run()


class Figures(QWidget):
    """The shares of passages that came first, among the first 5 and 10, and the same for each way of searching."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "selftest_figures", "")
        self.setFixedHeight(_FIGURES_HEIGHT)
        self._test: SelfTest | None = None
        repaint_on_theme(self)

    def show_test(self, found: SelfTest) -> None:
        """Show the figures of a test; a screen reader gets them in words."""
        self._test = found
        total = len(found.probes)
        words = [tr("{hits} of {total} among the first {n}", hits=found.found(n), total=total, n=n) for n in _DEPTHS]
        self.setAccessibleName(", ".join(words))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint three figures and three bars."""
        painter, look = QPainter(self), theme.current()
        draw_box(painter, self.rect(), 10, look.colour("surface"), look.colour("border"))
        if self._test is not None:
            width = self.width() // 4
            names = (tr("Right passage is first"), tr("Among the first 5"), tr("Among the first 10"))
            for at, (within, name) in enumerate(zip(_DEPTHS, names, strict=True)):
                self._paint_figure(painter, QRect(at * width, 0, width, self.height()), within, name)
            self._paint_ways(painter, QRect(3 * width, 0, self.width() - 3 * width, self.height()))
        painter.end()

    def _paint_figure(self, painter: QPainter, box: QRect, within: int, name: str) -> None:
        assert self._test is not None
        look, total = theme.current(), len(self._test.probes)
        hits = self._test.found(within)
        low, high = likely_range(hits, total)
        inside = box.adjusted(16, 12, -8, -10)
        painter.setPen(look.colour("border_subtle"))
        painter.drawLine(box.right(), 0, box.right(), box.height())
        self._line(painter, inside, 0, "title", "text_primary", tr("{hits} of {total}", hits=hits, total=total))
        shift = painter.fontMetrics().horizontalAdvance(tr("{hits} of {total}", hits=hits, total=total)) + 10
        percent = inside.adjusted(shift, 4, 0, 0)
        self._line(painter, percent, 0, "ui", "text_secondary", tr("{share:.0f} %", share=100 * hits / total))
        self._line(painter, inside, 28, "ui_strong", "text_primary", name)
        likely = tr(
            "recall at {within}, likely {low:.0f} to {high:.0f} %", within=within, low=100 * low, high=100 * high
        )
        self._line(painter, inside, 50, "small", "text_secondary", likely)

    def _paint_ways(self, painter: QPainter, box: QRect) -> None:
        assert self._test is not None
        look, total = theme.current(), len(self._test.probes)
        inside = box.adjusted(16, 12, -14, -8)
        self._line(painter, inside, 0, "small_strong", "text_primary", tr("Among the first 5, by way of searching"))
        ways = (("rank_by_meaning", tr("Meaning")), ("rank_by_words", tr("Words")), ("rank", tr("Both, in use")))
        for at, (way, name) in enumerate(ways):
            share, top = self._test.found(5, way) / total, 20 + 19 * at
            used = way == "rank"
            kind = "small_strong" if used else "small"
            self._line(painter, inside, top, kind, "text_primary" if used else "text_secondary", name)
            percent = tr("{share:.0f} %", share=100 * share)
            row = QRect(inside.left(), inside.top() + top, inside.width(), 18)
            painter.drawText(row, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, percent)
            bar = QRect(inside.left() + inside.width() // 2 - 10, row.center().y() - 2, inside.width() // 2 - 36, 5)
            draw_box(painter, bar, 2, look.colour("meter_track"))
            bar.setWidth(round(bar.width() * share))
            draw_box(painter, bar, 2, look.colour("accent" if used else "text_tertiary"))

    def _line(self, painter: QPainter, box: QRect, top: int, kind: str, colour: str, text: str) -> None:
        look = theme.current()
        painter.setFont(look.font(kind))
        painter.setPen(look.colour(colour))
        row = QRect(box.left(), box.top() + top, box.width(), look.line_height(kind))
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, row.width())
        painter.drawText(row, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)


class DocumentsChart(QWidget):
    """A row for each document, the worst first, with a mark for each question: full if its passage came first, half if
    among the first 5, empty among the first 10, a cross if not found.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "selftest_chart", tr("By document"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._rows: list[tuple[str, list[Probe]]] = []
        self._documents = 0
        repaint_on_theme(self)

    def show_test(self, found: SelfTest) -> None:
        """Show the documents that questions were made from."""
        by_document: defaultdict[str, list[Probe]] = defaultdict(list)
        for probe in sorted(found.probes, key=lambda probe: probe.rank or 99):
            by_document[probe.document].append(probe)

        def badness(item: tuple[str, list[Probe]]) -> tuple[float, int, str]:
            firsts = sum(probe.rank == 1 for probe in item[1])
            return firsts / len(item[1]), -len(item[1]), item[0]

        self._rows = sorted(by_document.items(), key=badness)[:_MOST_DOCUMENTS]
        self._documents = len(by_document)
        words = [
            f"{formats.file_name(path)}: {sum(probe.rank == 1 for probe in probes)} / {len(probes)}"
            for path, probes in self._rows
        ]
        self.setAccessibleDescription(", ".join(words))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """As high as its rows."""
        return QSize(320, 76 + _ROW * (len(self._rows) + 1))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the card with its rows and the legend."""
        painter, look = QPainter(self), theme.current()
        draw_box(painter, self.rect(), 10, look.colour("surface"), look.colour("border"))
        inside = self.rect().adjusted(16, 14, -16, -12)
        painter.setFont(look.font("heading"))
        painter.setPen(look.colour("text_primary"))
        painter.drawText(inside, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, tr("By document"))
        if self._documents > len(self._rows):
            painter.setFont(look.font("small"))
            painter.setPen(look.colour("text_secondary"))
            worst = tr("the {shown} worst of {total}", shown=len(self._rows), total=self._documents)
            painter.drawText(inside, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, worst)
        top = inside.top() + 30
        for path, probes in self._rows:
            self._paint_row(painter, QRect(inside.left(), top, inside.width(), _ROW), path, probes)
            top += _ROW
        self._paint_legend(painter, QRect(inside.left(), top + 8, inside.width(), _ROW))
        painter.end()

    def _paint_row(self, painter: QPainter, box: QRect, path: str, probes: Sequence[Probe]) -> None:
        look = theme.current()
        painter.setPen(look.colour("border_subtle"))
        painter.drawLine(box.left(), box.bottom(), box.right(), box.bottom())
        name_width = min(220, box.width() * 2 // 5)
        painter.setFont(look.font("ui"))
        painter.setPen(look.colour("text_primary"))
        name = painter.fontMetrics().elidedText(formats.file_name(path), Qt.TextElideMode.ElideMiddle, name_width - 12)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRect(box.left(), box.top(), name_width, box.height()), middle, name)
        count = f"{sum(probe.rank == 1 for probe in probes)} / {len(probes)}"
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | middle, count)
        room = (box.width() - name_width - 50) // (_MARK + _GAP)
        for at, probe in enumerate(probes[-room:] if room > 0 else ()):
            left = box.left() + name_width + at * (_MARK + _GAP)
            _paint_mark(painter, QRect(left, box.center().y() - _MARK // 2, _MARK, _MARK), probe.rank)

    def _paint_legend(self, painter: QPainter, box: QRect) -> None:
        look, left = theme.current(), box.left()
        legend = ((1, tr("first")), (3, tr("2nd to 5th")), (7, tr("6th to 10th")), (0, tr("not found")))
        painter.setFont(look.font("small"))
        for rank, words in legend:
            _paint_mark(painter, QRect(left, box.center().y() - _MARK // 2, _MARK, _MARK), rank)
            painter.setFont(look.font("small"))
            painter.setPen(look.colour("text_secondary"))
            painter.drawText(left + _MARK + 6, box.center().y() + 4, words)
            left += _MARK + 6 + painter.fontMetrics().horizontalAdvance(words) + 16


def _paint_mark(painter: QPainter, box: QRect, rank: int) -> None:
    """A question's mark: shape as well as colour says how it went."""
    look = theme.current()
    if rank == 0:
        icons.paint_icon(painter, "x", "danger_text", box.adjusted(-1, -1, 1, 1), _MARK)
        return
    draw_box(painter, box, 2, look.colour("accent" if rank == 1 else "surface"), look.colour("accent"))
    if 1 < rank <= 5:
        lower = box.adjusted(0, box.height() // 2, 0, 0)
        draw_box(painter, lower, 1, look.colour("accent"))
    painter.setPen(QPen())


class Misses(QWidget):
    """The questions whose passage did not come first: the question, the right place, and why."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_names(self, "selftest_misses", tr("Misses"))
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 14, 16, 14)
        self._column.setSpacing(10)
        self._count = Label("", "small", "text_secondary", object_name="selftest_misses_count")
        top = QHBoxLayout()
        top.addWidget(Label(tr("Misses"), "heading"), 1)
        top.addWidget(self._count)
        self._column.addLayout(top)
        self._rows: list[QWidget] = []
        repaint_on_theme(self)

    def show_probes(self, probes: Sequence[Probe], opened: Callable[[Probe], None]) -> None:
        """Show these questions, those not found first; `opened` is called with one whose passage is to be opened."""
        for row in self._rows:
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        ordered = sorted(probes, key=lambda probe: -(probe.rank or 99))
        self._rows = [_Miss(probe, opened) for probe in ordered[:_MOST_MISSES]]
        for row in self._rows:
            self._column.addWidget(row)
        lost = sum(not probe.rank for probe in probes)
        self._count.setText(
            tr("{lost} not found, {late} late", lost=lost, late=len(probes) - lost)
            if probes
            else tr("Every passage came first.")
        )

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the card's ground."""
        painter, look = QPainter(self), theme.current()
        draw_box(painter, self.rect(), 10, look.colour("surface"), look.colour("border"))
        painter.end()


class _Miss(QWidget):
    def __init__(self, probe: Probe, opened: Callable[[Probe], None]) -> None:
        super().__init__()
        self._probe, self._opened = probe, opened
        rank = tr("not found") if not probe.rank else tr("{rank}. place", rank=probe.rank)
        icon, colour = ("arrowdown", "text_secondary") if probe.rank else ("x", "danger_text")
        place = formats.file_name(probe.document)
        if probe.page is not None:
            place = tr("{file}, page {page}", file=place, page=probe.page)
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(Picture(icon, 14, colour))
        head.addWidget(Label(rank, "small", colour), 1)
        show = Button(tr("Show passage"), "external", kind="quiet", object_name="selftest_show_passage")
        show.clicked.connect(self._on_show)
        head.addWidget(show)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(Label(formats.plain(probe.question), "ui", wrap=True))
        column.addWidget(Label(place, "small", "text_secondary", wrap=True))
        column.addWidget(Label(probe.reason, "small", wrap=True))

    def _on_show(self) -> None:
        self._opened(self._probe)
