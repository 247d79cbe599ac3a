"""How fast a model is on this computer: a chart of the benchmarks, and the button to measure it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop_llm.gui.look import theme
from desktop_llm.gui.look.formats import decimal, moment, number, plain, size
from desktop_llm.gui.look.widgets import Button, Label, ProgressBar
from desktop_llm.gui.look.widgets.painting import draw_box, repaint_on_theme, set_names
from desktop_llm.models.benches import Bench
from desktop_llm.words import plural, tr

_BAR, _GAP, _PADDING = 8, 16, 6


class SpeedCard(QFrame):
    """Signals: `measure_requested` when the person wants it measured, `cancel_requested` while it is."""

    measure_requested = Signal()
    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        set_names(self, "local_speed", tr("Speed on this computer"))
        self._measure = Button(tr("Measure"), "gauge", object_name="model_measure")
        self._cancel = Button(tr("Cancel"), "x", object_name="model_measure_cancel")
        self._state = Label("", "small", "text_secondary", wrap=True, object_name="model_measure_state")
        self._bar = ProgressBar(object_name="model_measure_progress", accessible_name=tr("Measuring"))
        self._chart = SpeedChart()
        self._lay_out()
        self._measure.clicked.connect(self.measure_requested)
        self._cancel.clicked.connect(self.cancel_requested)
        self.show_benches(())

    def show_benches(self, benches: Sequence[Bench]) -> None:
        """Show these results, the latest last; without any, say what measuring does."""
        self._show_measuring(False)
        self._chart.setVisible(bool(benches))
        self._chart.show_bars([bar_of(bench) for bench in benches])
        if not benches:
            self._state.setText(tr("Reads and writes some text, without a chat. It takes less than a minute for most."))
            return
        last = benches[-1]
        amounts = {"read": number(last.prompt_tokens), "written": number(last.tokens), "when": moment(last.at)}
        told = tr("{read} tokens read and {written} written, last measured {when}.", **amounts)
        memory = tr("It took {memory} of main memory.", memory=size(last.peak_rss_bytes))
        self._state.setText(f"{told} {memory}")

    def show_progress(self, words: str, fraction: float | None) -> None:
        """Show what is going on, and how far it is."""
        self._show_measuring(True)
        self._state.setText(words)
        self._bar.set_fraction(fraction or 0.0)

    def show_trouble(self, words: str) -> None:
        """Say why it could not be measured."""
        self._show_measuring(False)
        self._state.setText(words)

    def _show_measuring(self, measuring: bool) -> None:
        self._measure.setVisible(not measuring)
        self._cancel.setVisible(measuring)
        self._bar.setVisible(measuring)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(Label(tr("Speed on this computer"), "ui_strong"), 1)
        head.addWidget(self._measure)
        head.addWidget(self._cancel)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 9, 13, 12)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self._chart)
        column.addWidget(self._bar)
        column.addWidget(self._state)


@dataclass(frozen=True, slots=True)
class SpeedBar:
    """One line of the chart: the settings in words, and tokens per second."""

    label: str
    reading: float
    writing: float


def bar_of(bench: Bench) -> SpeedBar:
    """The line for a result, named by the settings that may differ."""
    same = bench.kv_type_k == bench.kv_type_v
    cache = bench.kv_type_k if same else f"{bench.kv_type_k}/{bench.kv_type_v}"
    words: list[str] = [tr("KV cache {kind}", kind=cache)]
    if bench.gpu_layers:
        words.append(plural("%n GPU layer", "%n GPU layers", bench.gpu_layers))
    if bench.threads:
        words.append(plural("%n thread", "%n threads", bench.threads))
    if bench.adapters:
        words.append(plain(bench.adapters))
    if bench.prompt_tokens != 512:
        words.append(tr("after {count} tokens", count=number(bench.prompt_tokens)))
    return SpeedBar(", ".join(words), bench.prompt_tps, bench.generation_tps)


class SpeedChart(QWidget):
    """Two bars a line: reading and writing, each compared with the fastest of its column."""

    def __init__(self) -> None:
        super().__init__()
        self._bars: Sequence[SpeedBar] = ()
        set_names(self, "local_speed_chart", tr("Tokens per second"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        repaint_on_theme(self)

    def show_bars(self, bars: Sequence[SpeedBar]) -> None:
        """Show these lines."""
        self._bars = bars
        told = [
            tr(
                "{what}: reading {reading}, writing {writing} tokens/s",
                what=bar.label,
                reading=decimal(bar.reading),
                writing=decimal(bar.writing),
            )
            for bar in bars
        ]
        self.setAccessibleDescription("\n".join(told))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """One line for the headings and one for each result."""
        return QSize(320, self._line() * (len(self._bars) + 1))

    def minimumSizeHint(self) -> QSize:
        """As high as all lines; the columns shrink."""
        return QSize(240, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the headings and the lines, from the right in right-to-left languages."""
        painter = QPainter(self)
        names, reading, writing = self._columns()
        self._paint_text(painter, reading, 0, tr("Reading, tokens/s"), "text_secondary")
        self._paint_text(painter, writing, 0, tr("Writing, tokens/s"), "text_secondary")
        for row, bar in enumerate(self._bars, 1):
            self._paint_text(painter, names, row, bar.label, "text_primary")
            self._paint_bar(painter, reading, row, bar.reading, max(each.reading for each in self._bars))
            self._paint_bar(painter, writing, row, bar.writing, max(each.writing for each in self._bars))
        painter.end()

    def _columns(self) -> tuple[QRect, QRect, QRect]:
        """The places of names, reading and writing in the first line."""
        room = self.width() - 2 * _GAP
        bars = room * 3 // 10
        names = room - 2 * bars
        reading = QRect(names + _GAP, 0, bars, self._line())
        places = [QRect(0, 0, names, self._line()), reading, reading.translated(bars + _GAP, 0)]
        if self.isRightToLeft():
            for place in places:
                place.moveRight(self.width() - 1 - place.x())
        return places[0], places[1], places[2]

    def _paint_text(self, painter: QPainter, column: QRect, row: int, text: str, colour: str) -> None:
        painter.setFont(theme.current().font("small"))
        painter.setPen(theme.current().colour(colour))
        place = column.translated(0, row * self._line())
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, int(self._leading() | Qt.AlignmentFlag.AlignVCenter), shown)

    def _paint_bar(self, painter: QPainter, column: QRect, row: int, value: float, most: float) -> None:
        look = theme.current()
        place = column.translated(0, row * self._line())
        room = self._number_width()
        track = QRect(place.x(), place.center().y() - _BAR // 2, max(8, place.width() - room - 8), _BAR)
        end = QRect(place.right() - room + 1, place.y(), room, place.height())
        if self.isRightToLeft():
            track.moveRight(place.right())
            end.moveLeft(place.x())
        filled = QRect(track)
        filled.setWidth(max(_BAR, round(track.width() * value / most)) if most > 0 else 0)
        if self.isRightToLeft():
            filled.moveRight(track.right())
        draw_box(painter, track, _BAR / 2, look.colour("meter_track"))
        draw_box(painter, filled, _BAR / 2, look.colour("meter_fill"))
        painter.setFont(look.font("small"))
        painter.setPen(look.colour("text_primary"))
        painter.drawText(end, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), decimal(value))

    def _number_width(self) -> int:
        metrics = QFontMetrics(theme.current().font("small"))
        values = [value for bar in self._bars for value in (bar.reading, bar.writing)]
        return max((metrics.horizontalAdvance(decimal(value)) for value in values), default=0)

    def _leading(self) -> Qt.AlignmentFlag:
        return Qt.AlignmentFlag.AlignRight if self.isRightToLeft() else Qt.AlignmentFlag.AlignLeft

    @staticmethod
    def _line() -> int:
        return QFontMetrics(theme.current().font("small")).height() + 2 * _PADDING
