"""Characters that act on the screen that shows them: they move its cursor, colour it, end its line, reorder its words.

Names of files and models, documents, answers and the words of template errors may hold them. A terminal obeys them, so
they are made visible, or left out, on their way there.
"""

from __future__ import annotations

import re

_LINE_ENDS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")  # C0 but tab and the ends of lines, delete, C1
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # Unicode's Bidi_Control
_NOT_IN_A_SENTENCE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e]+")  # the window isolates names, so isolates may stay
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def without_controls(text: str) -> str:
    """Text of several lines for a terminal: control characters become `\\x1b`, marks of direction are left out."""
    text = _LINE_ENDS.sub("\n", text)
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", _BIDI.sub("", text))


def one_line(text: object) -> str:
    """A name for a terminal: as `without_controls`, and on one line, so that it can't pretend to be another line."""
    return " ".join(without_controls(str(text)).split("\n")).replace("\t", " ")


def in_a_sentence(name: str) -> str:
    """A name as a part of a sentence on any screen: on one line, and without overrides of direction."""
    return _NOT_IN_A_SENTENCE.sub(" ", name)


def escaped_in_json(document: str) -> str:
    """A JSON document in which such characters, and halves of surrogate pairs, are written as escapes."""
    return _UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", document)
