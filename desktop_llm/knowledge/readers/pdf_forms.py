"""What people wrote into a PDF page: filled fields, notes, comments and free text, which are no part of its text.

Each becomes an `Addition`: words with the rectangle they have on the page, and the place in the page's text where they
are read. A field's value stands behind the label beside or above it ("Family name: Castellan"); without one, on a line
of its own after the page's text, behind the field's tooltip or name. Notes follow at the end.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import pypdfium2 as pypdfium
import pypdfium2.raw as pdfium

from desktop_llm.knowledge.readers.pdf_text import Addition, Box, RawPage

_MAX_ANNOTATIONS = 5_000
_MAX_VALUE = 100_000

_UNSEEN = pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW
_PASSWORD_FIELD = 1 << 13  # table 228 of ISO 32000-1
_CHECKS = (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON)
_CHOICES = (pdfium.FPDF_FORMFIELD_COMBOBOX, pdfium.FPDF_FORMFIELD_LISTBOX)
# Marks whose comment people see when they point at them; their pop-up windows repeat it.
_COMMENTED = (
    pdfium.FPDF_ANNOT_TEXT,
    pdfium.FPDF_ANNOT_HIGHLIGHT,
    pdfium.FPDF_ANNOT_UNDERLINE,
    pdfium.FPDF_ANNOT_SQUIGGLY,
    pdfium.FPDF_ANNOT_STRIKEOUT,
    pdfium.FPDF_ANNOT_STAMP,
    pdfium.FPDF_ANNOT_CARET,
    pdfium.FPDF_ANNOT_LINE,
    pdfium.FPDF_ANNOT_SQUARE,
    pdfium.FPDF_ANNOT_CIRCLE,
    pdfium.FPDF_ANNOT_POLYGON,
    pdfium.FPDF_ANNOT_POLYLINE,
    pdfium.FPDF_ANNOT_INK,
    pdfium.FPDF_ANNOT_FILEATTACHMENT,
)
_LEADS = {pdfium.FPDF_ANNOT_FREETEXT: "", **dict.fromkeys(_COMMENTED, "Note: ")}

# Points (1/72 inch): how far from its field a label may be.
_BESIDE, _RIGHT_OF_A_CHECK, _ABOVE = 200.0, 30.0, 14.0

_Get = Callable[[ctypes.Array[ctypes.c_ushort] | None, int], int]


@dataclass(frozen=True, slots=True)
class _Field:
    """A filled field as it is shown: `check` for boxes that are ticked, whose value is "[x]" or "[ ]"."""

    box: Box
    name: str
    value: str
    check: bool


@dataclass(frozen=True, slots=True)
class _Run:
    """Characters `start:end` of the page's raw text that stand side by side, and their rectangle."""

    start: int
    end: int
    box: Box


def additions(page: pypdfium.PdfPage, text: RawPage) -> list[Addition]:
    """The fields and notes of a page, in the order in which they are read."""
    fields: list[_Field] = []
    notes: list[Addition] = []
    env = page.formenv.raw if page.formenv else None
    for annotation in _annotations(page):
        kind = pdfium.FPDFAnnot_GetSubtype(annotation)
        if (box := _box(annotation)) is None or pdfium.FPDFAnnot_GetFlags(annotation) & _UNSEEN:
            continue
        if kind == pdfium.FPDF_ANNOT_WIDGET and env is not None:
            fields += _field(env, annotation, box)
        elif kind in _LEADS and (words := _string(partial(pdfium.FPDFAnnot_GetStringValue, annotation, b"Contents"))):
            notes.append(Addition(len(text.text), f"\n{_LEADS[kind]}{words}", box))
    return [*_placed(fields, text), *notes]


def _annotations(page: pypdfium.PdfPage) -> Iterator[pdfium.FPDF_ANNOTATION]:
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page), _MAX_ANNOTATIONS)):
        if annotation := pdfium.FPDFPage_GetAnnot(page, index):
            try:
                yield annotation
            finally:
                pdfium.FPDFPage_CloseAnnot(annotation)


def _box(annotation: pdfium.FPDF_ANNOTATION) -> Box | None:
    rectangle = pdfium.FS_RECTF()
    if not pdfium.FPDFAnnot_GetRect(annotation, rectangle):
        return None
    left, right = sorted((rectangle.left, rectangle.right))
    bottom, top = sorted((rectangle.bottom, rectangle.top))
    return left, bottom, right, top


def _string(get: _Get) -> str:
    """A string that pdfium writes as UTF-16 into a buffer, without control characters."""
    size = min(get(None, 0), 2 * _MAX_VALUE)
    if size <= 2:
        return ""
    buffer = (ctypes.c_ushort * (size // 2))()
    get(buffer, size)
    text = bytes(buffer).decode("utf-16-le", "replace").split("\0", 1)[0]
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join("".join(letter if letter.isprintable() else " " for letter in line) for line in lines).strip()


def _field(env: pdfium.FPDF_FORMHANDLE, widget: pdfium.FPDF_ANNOTATION, box: Box) -> Iterator[_Field]:
    kind = pdfium.FPDFAnnot_GetFormFieldType(env, widget)

    def ask(function: Callable[..., int]) -> str:
        return _string(partial(function, env, widget))

    name = ask(pdfium.FPDFAnnot_GetFormFieldAlternateName) or ask(pdfium.FPDFAnnot_GetFormFieldName)
    if kind in _CHECKS:
        if kind == pdfium.FPDF_FORMFIELD_RADIOBUTTON and (meant := ask(pdfium.FPDFAnnot_GetFormFieldExportValue)):
            name = f"{name}: {meant}"
        yield _Field(box, name, "[x]" if pdfium.FPDFAnnot_IsChecked(env, widget) else "[ ]", True)
        return
    value = ""
    if kind in _CHOICES:
        value = ", ".join(_chosen(env, widget))
    elif kind != pdfium.FPDF_FORMFIELD_TEXTFIELD or (pdfium.FPDFAnnot_GetFormFieldFlags(env, widget) & _PASSWORD_FIELD):
        return
    if value := value or ask(pdfium.FPDFAnnot_GetFormFieldValue):
        yield _Field(box, name, value, False)


def _chosen(env: pdfium.FPDF_FORMHANDLE, widget: pdfium.FPDF_ANNOTATION) -> Iterator[str]:
    """The labels of the chosen options, as people see them."""
    for index in range(min(pdfium.FPDFAnnot_GetOptionCount(env, widget), _MAX_ANNOTATIONS)):
        if pdfium.FPDFAnnot_IsOptionSelected(env, widget, index):
            yield _string(partial(pdfium.FPDFAnnot_GetOptionLabel, env, widget, index))


def _placed(fields: Sequence[_Field], text: RawPage) -> Iterator[Addition]:
    runs = list(_runs(text)) if fields else []
    for field in sorted(fields, key=lambda field: (-field.box[3], field.box[0])):
        right = _right_of(field, runs) if field.check else None
        if right is not None:
            yield Addition(right.start, f"{field.value} ", field.box)
        elif (label := _label(field, runs)) is not None:
            yield Addition(label.end, f" {field.value}", field.box)
        else:
            words = f"{field.value} {field.name}" if field.check else f"{field.name}: {field.value}"
            yield Addition(len(text.text), f"\n{words}", field.box)


def _right_of(field: _Field, runs: Sequence[_Run]) -> _Run | None:
    beside = [run for run in runs if _on_a_line(run.box, field.box) and run.box[0] - field.box[2] >= -2]
    nearest = min(beside, key=lambda run: run.box[0], default=None)
    return nearest if nearest and nearest.box[0] - field.box[2] < _RIGHT_OF_A_CHECK else None


def _label(field: _Field, runs: Sequence[_Run]) -> _Run | None:
    """The words that say what a field is: left of it on its line, or just above it."""
    left, _, right, top = field.box
    beside = [run for run in runs if _on_a_line(run.box, field.box) and -4 <= left - run.box[2] < _BESIDE]
    above = [
        run
        for run in runs
        if -4 <= run.box[1] - top < _ABOVE and run.box[0] < right and run.box[2] > left and not field.check
    ]
    nearest = max(beside, key=lambda run: run.box[2], default=None)
    over = min(above, key=lambda run: (run.box[1], abs(run.box[0] - left)), default=None)
    if nearest and over:
        return nearest if left - nearest.box[2] < _BESIDE / 4 else over
    return nearest or over


def _on_a_line(run: Box, field: Box) -> bool:
    shared = min(run[3], field[3]) - max(run[1], field[1])
    return shared > 0.5 * min(run[3] - run[1], field[3] - field[1])


def _runs(text: RawPage) -> Iterator[_Run]:
    """The page's text in pieces that no wide gap divides."""
    run: _Run | None = None
    for position, letter in enumerate(text.text):
        if letter in "\r\n":
            if run:
                yield run
            run = None
        if letter.isspace() or (box := text.box(position)) is None:
            continue
        if run and _on_a_line(run.box, box) and -1 <= box[0] - run.box[2] < 1.5 * (box[3] - box[1]):
            old = run.box
            union = (old[0], min(old[1], box[1]), box[2], max(old[3], box[3]))
            run = replace(run, end=position + 1, box=union)
            continue
        if run:
            yield run
        run = _Run(position, position + 1, box)
    if run:
        yield run
