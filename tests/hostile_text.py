"""Texts that would do something if a screen obeyed them, and a file that notices whether anybody opened it.

They stand for names of models, files, chats and hosts, for documents, answers and the words of templates. All are made
here: forms that refer to something, times ways to refer to it; then control sequences, marks of direction, and links.
"""

from __future__ import annotations

import ctypes
import io
import itertools
import json
import os
import re
import struct
from pathlib import Path
from typing import Self

from desktop_llm.characters import escaped_in_json, one_line
from desktop_llm.commands.terminal import Screen

# What a terminal obeys: C0 but newline and tab, delete, C1, the separators of lines, and Unicode's Bidi_Control.
ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

# One red pixel.
_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef"
    "0000000049454e44ae426082"
)
# `{}` is what they refer to.
_MARKUP = (
    '<img src="{}">',
    "<IMG SRC='{}' width=9>",
    "<img src={}>",
    '<p>text</p><img alt="x" src="{}"/>',
    '<table background="{}"><tr><td>x</td></tr></table>',
    '<table><tr><td background="{}">x</td></tr></table>',
    '<body background="{}">x</body>',
    '<p style="background-image:url({})">x</p>',
    '<ul style="list-style-image:url({})"><li>x</ul>',
    '<link rel="stylesheet" href="{}"><b>x</b>',
    "<style>@import url({});</style><b>x</b>",
    '<html><head><meta http-equiv="refresh" content="0;url={}"></head><b>x</b>',
    '<object data="{}"></object><iframe src="{}"></iframe>',
    '<video src="{}" poster="{}"></video><audio src="{}"></audio>',
    '<svg><image href="{}"/></svg>',
    '<qt><img src="{}"></qt>',
    "![picture]({})",
    "[![picture]({})]({})",
    "![picture][ref]\n\n[ref]: {}",
    "[text]({})",
    "<{}>",
    "{}",
    '&lt;img src="{}"&gt;',
    '<a href="{}">https://huggingface.co</a>',
)
_CONTROL = (
    *("\x1b[2J", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x1b]8;;https://evil.example\x1b\\x\x1b]8;;\x1b\\"),
    *("\x1b]52;c;ZWNobyBoaQ==\x07", "\x1bP1$r\x1b\\", "\x1bc", "\x1b[6n", "\x1b[?1049h", "\x1b(0", "\x1b#8"),
    *("\x9b31mred", "\x9d0;title\x9c", "\x90x\x9c", "\x85next line", "\x84", "\x8d", "\x07", "\x08\x08\x08ok", "\x7f"),
    *("\x00nul", "one\rtwo", "one\r\ntwo", "one\x0btwo\x0cthree", "\x1c\x1d\x1e\x1f", "\x0e\x0f", "\x05", "\x18\x1a"),
    *("line\u2028two", "paragraph\u2029two", "half \udce9 byte", "half \ud83d pair", "\x1b", "\x1b["),
)
_MARKS = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e\u200f\u061c"
_DIRECTION = tuple(f"invoice{mark}fdp.exe{mark}" for mark in _MARKS)
_SIGNS = ("Q&A", "&File", "a && b", "[*]", "%n %1 %s {name} {0}", "a\tCtrl+Q", "name\nError: all is lost", "\n<b>x</b>")
_LINKS = (
    *("https://huggingface.co@evil.example/{}", "https://evil.example\\@huggingface.co/{}", "https://аpple.com/{}"),
    *("https://xn--pple-43d.com/{}", "https:evil.example/{}", "https:///evil.example/{}", "http://2130706433/{}"),
    *("file:///etc/{}", "FILE:///etc/{}", "smb://host/{}", "\\\\host\\{}", "//host/{}", "ms-msdt:/id {}"),
    *("javascript:alert({})", "data:text/html,{}", "vscode://file/{}", "search-ms:query={}", "ftp://evil.example/{}"),
    *("mailto:a@b.example?attach=/etc/{}", "mailto:a@b.example?Attachment=file:///{}", "mailto:?%61ttach=/{}"),
    *("mailto:?%2561ttach=/{}", "mailto:a@b?subject=x%0D%0Aattach:/{}", "mailto:?subject=x&amp;attach=/{}"),
)


class Canary:
    """A picture that nobody has a reason to open; Linux tells whether somebody does."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.file = folder / "canary.png"
        self.file.write_bytes(_PNG)
        self._libc = ctypes.CDLL(None, use_errno=True)

    def __enter__(self) -> Self:
        self._watch = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        opened, read = 0x20, 0x1
        assert self._libc.inotify_add_watch(self._watch, os.fsencode(self.file.parent), opened | read) >= 0
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._watch)

    def was_opened(self) -> bool:
        """Whether somebody opened the file since this was asked last."""
        try:
            events = os.read(self._watch, 65_536)
        except BlockingIOError:
            return False
        names, at = set(), 0
        while at < len(events):
            *_, length = struct.unpack_from("iIII", events, at)
            names.add(events[at + 16 : at + 16 + length].rstrip(b"\0"))
            at += 16 + length
        return os.fsencode(self.file.name) in names

    def references(self) -> tuple[str, ...]:
        """Ways to name the file; one looks like the share of another machine, and three have no slash in them."""
        path = str(self.file)
        slashless = path.replace("/", "&#47;")
        return f"file://{path}", path, f"file:{slashless}", f"/{path}", f"file:&#x2f;{path}", slashless, self.file.name


def payloads(canary: Canary) -> list[str]:
    """The whole corpus; any tenth of it, taken in steps, has some of each kind."""
    markup = [form.replace("{}", to) for form, to in itertools.product(_MARKUP, canary.references())]
    signed = zip(_MARKUP, itertools.cycle(_SIGNS), strict=False)
    mixed = [f"Llama {form.replace('{}', str(canary.file))} {sign}" for form, sign in signed]
    links = [each.format(number) for number, each in enumerate(_LINKS)]
    in_text = [f"[see here]({each.replace(' ', '%20')})" for each in links]
    screens = [f"name {each} end" for each in _CONTROL]
    return [*markup, *mixed, *links, *in_text, *_CONTROL, *screens, *_DIRECTION, *_SIGNS]


def printed_controls(text: str) -> list[str]:
    """The control characters and marks of direction that reach a terminal when a command prints `text` in two pieces
    and as JSON."""
    raw = io.StringIO()
    screen = Screen(raw)
    screen.writelines([text[: len(text) // 2], text[len(text) // 2 :]])
    document = escaped_in_json(json.dumps({text: text}, ensure_ascii=False))
    assert json.loads(document) == {text: text}
    return ACTING.findall(raw.getvalue() + one_line(text) + document)
