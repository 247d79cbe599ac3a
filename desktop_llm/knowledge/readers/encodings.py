"""Bytes to text for every format that is text: byte order marks, wide characters, UTF-8, the declared encoding, then a
guess.

For languages with other letters than Latin ones the guess is ours, by their most frequent letters: a few words are
enough. All else is charset-normalizer's, corrected for its known faults: a few letters of Western Europe
look as likely in half a dozen code pages.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from itertools import pairwise

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

_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_WIDE_SAMPLE = 8_000
# A letter of an alphabet is a byte and the number of the alphabet, so half of the bytes are no text by themselves.
_LEAST_ZEROS, _LEAST_EVERYWHERE = 0.25, 0.005
# Blanks and signs that every text has: in the wrong order of bytes, they are other characters.
_EVERYWHERE = frozenset(" \n\r\t.,、。，・\u3000")
_NO_LETTERS = frozenset({"Cn", "Co", "Cs", "Cc"})
_CONTROL_BYTES = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")

# Encodings, the most frequent letters of their language, and the share of a text that these make up.
_RUSSIAN = frozenset("оеаинтсрвлкмдпу")
_CHINESE = "的一是不了在人有我他中上大和地到以就出也你而子那得于着下自之年作里用道行所然家成方可能生日月三文"
_SIMPLIFIED = frozenset(_CHINESE + "这个们来为国说时要会对过发后种事")
_TRADITIONAL = frozenset(_CHINESE + "這個們來為國說時要會對過發後種事於裡著")
_KANA = frozenset(map(chr, range(0x3041, 0x30FF)))
_KOREAN = frozenset("이다는을의에가하고지한로사기도은리를서인대어자나시정있해그것수")
_LIKELY = (
    ("cp1251", _RUSSIAN, 0.79),
    ("koi8-r", _RUSSIAN, 0.79),
    ("cp866", _RUSSIAN, 0.79),
    ("iso8859_5", _RUSSIAN, 0.79),
    ("mac_cyrillic", _RUSSIAN, 0.79),
    ("cp1253", frozenset("αοιετσνηυρπκμλςάίόέή"), 0.85),
    ("cp1255", frozenset("יוהלאברתמשנ"), 0.75),
    ("cp1256", frozenset("الينمتوربعده"), 0.75),
    ("cp874", frozenset("านรอกเงมยลวดทส่้"), 0.7),
    ("cp932", _KANA, 0.5),
    ("euc-jp", _KANA, 0.5),
    ("gb18030", _SIMPLIFIED, 0.35),
    ("big5", _TRADITIONAL, 0.35),
    ("cp949", _KOREAN, 0.4),
)
_LEAST_LIKELY = 0.5  # of that share
_LEAST_RUN = 2.0  # letters of Western Europe stand alone between others
_FOREIGN = re.compile(r"[^\x00-\x7f]+")


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
    if (wide := _wide(data)) is not None:
        return data.decode(wide, "replace")
    declared = _MEANT.get((declared or "").strip().lower(), declared)
    if not declared and any(mark in data for mark in _JAPANESE_SHIFT):
        declared = "iso2022_jp_ext"
    first = declared if declared and _SHIFTING.match(declared) else "utf-8"
    for candidate in (first, "utf-8", declared, _likely(data)):
        if candidate and (text := _strictly(data, candidate)) is not None:
            return text
    return _guess(data)


def _wide(data: bytes) -> str | None:
    """The encoding with two or four bytes for a character that a text without a mark is in."""
    sample = data[:_WIDE_SAMPLE]
    controls = len(_CONTROL_BYTES.findall(sample)) / max(1, len(sample))
    if controls <= (_MAX_CONTROL_SHARE if _strictly(data, "utf-8") is None else _LEAST_ZEROS):
        return None
    shares = {encoding: _share_everywhere(sample, encoding) for encoding in _WIDE}
    best = max(shares, key=lambda encoding: shares[encoding])
    return best if shares[best] > _LEAST_EVERYWHERE else None


def _share_everywhere(sample: bytes, encoding: str) -> float:
    """The share of blanks and usual signs; 0 if the bytes are no text in this encoding."""
    text = _strictly(sample[: len(sample) // 4 * 4], encoding)
    if not text:
        return 0.0
    wrong = sum(unicodedata.category(each) in _NO_LETTERS and each not in "\n\r\t\f" for each in text)
    return 0.0 if wrong > len(text) * _MAX_CONTROL_SHARE else sum(map(_EVERYWHERE.__contains__, text)) / len(text)


def _likely(data: bytes) -> str | None:
    """The encoding in which the text has the most frequent letters of its language."""
    sample = data[:_SAMPLE_BYTES]
    shares = {encoding: _share_of(sample, encoding, letters) / usual for encoding, letters, usual in _LIKELY}
    best = max(shares, key=lambda encoding: shares[encoding])
    return best if shares[best] >= _LEAST_LIKELY else None


def _share_of(sample: bytes, encoding: str, letters: frozenset[str]) -> float:
    """The share of these letters in what is not ASCII, less what is written as in no language: "dOG"."""
    # The sample may end within a character.
    text = next((found for cut in range(4) if (found := _strictly(sample[: len(sample) - cut], encoding))), "")
    runs: list[str] = _FOREIGN.findall(text)
    length = sum(map(len, runs))
    if length < _LEAST_RUN * len(runs) or not runs:
        return 0.0
    odd = sum(one.islower() and other.isupper() for run in runs for one, other in pairwise(run))
    return (sum(each in letters for run in runs for each in run.lower()) - odd) / length


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
