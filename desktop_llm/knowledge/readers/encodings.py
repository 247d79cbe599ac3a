"""Bytes to text for every format that is text: byte order marks, UTF-8, the declared encoding, then a guess.

A guess is charset-normalizer's, corrected for its known faults: a few letters of Western Europe look as likely
in half a dozen code pages.
"""

from __future__ import annotations

import codecs
import re

from desktop_llm.errors import DocumentError
from desktop_llm.words import tr

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Tab, line ends, form feed and escape (terminal colours in logs) are text; other control characters are not.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_MAX_CONTROL_SHARE = 0.02
_WESTERN = frozenset("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüÿŒœ“”„‘’‚«»–—…•€£§©®°·×\xa0¡¿ªº½²³µ´")
_LATIN_GUESSES = re.compile(r"cp125[0247]|latin|iso8859|mac_|cp775|cp85|cp437|hp_roman")
_SAMPLE_BYTES = 1_000_000
# Encodings whose text may be ASCII alone, so they can't be told from it and are tried first if they are declared.
_SHIFTING = re.compile(r"iso-?2022|utf-?7|hz|utf-?16|utf-?32", re.IGNORECASE)
_JAPANESE_SHIFT = (b"\x1b$B", b"\x1b$@")
# What is declared, and the larger set that is meant (the Encoding standard of the WHATWG does the same).
_MEANT = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "iso-8859-1": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "us-ascii": "cp1252",
}


def decode(data: bytes, declared: str | None = None) -> str:
    """The text of `data`, line ends as \\n and without NULs; `declared` is the encoding that the file names.

    Raises DocumentError "Not text" for binary content and "Empty" for nothing but white space.
    """
    text = _without_controls(_decode(data, declared).replace("\r\n", "\n").replace("\r", "\n"))
    if not text.strip():
        raise DocumentError(tr("Empty"), cause="empty")
    return text


def _without_controls(text: str) -> str:
    cleaned, removed = _CONTROL.subn("", text)
    if removed > max(1, len(text) * _MAX_CONTROL_SHARE):
        raise DocumentError(tr("Not text"), cause="format")
    return cleaned


def _decode(data: bytes, declared: str | None) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    declared = _MEANT.get((declared or "").strip().lower(), declared)
    if not declared and any(mark in data for mark in _JAPANESE_SHIFT):
        declared = "iso2022_jp_ext"
    first = declared if declared and _SHIFTING.match(declared) else "utf-8"
    for candidate in (first, "utf-8", declared):
        if candidate and (text := _strictly(data, candidate)) is not None:
            return text
    return _guess(data)


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError, ValueError):
        return None


def _guess(data: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(data[:_SAMPLE_BYTES]).best()
    if best is None:
        return _mostly_utf8(data)
    western = data.decode("cp1252", "replace")
    if _LATIN_GUESSES.match(best.encoding) and all(letter in _WESTERN for letter in western if letter > "\x7f"):
        return western
    return data.decode(best.encoding, "replace")


def _mostly_utf8(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    if text.count("�") > max(1, len(text) * _MAX_CONTROL_SHARE):
        raise DocumentError(tr("Not text"), cause="format")
    return text
