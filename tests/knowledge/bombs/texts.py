"""HTML, text, Markdown and tables that are endless, nested, or of characters that cost much."""

from __future__ import annotations

import base64
import random

from tests.knowledge.bombs.making import MB, Bombs, made, text


def _words(count: int) -> str:
    chance = random.Random(9)
    return " ".join("".join(chance.choices("abcdefghijklmnop", k=6)) for _ in range(count))


def _chinese(count: int) -> str:
    chance = random.Random(7)
    return "".join(map(chr, chance.choices(range(0x4E00, 0x9FA5), k=count)))


TEXTS: Bombs = {
    # HTML
    "deep.html": text(lambda: "<div>" * MB + "hello"),
    "unclosed.html": text(lambda: "<b><i><p>x" * 200_000),
    "tables.html": text(lambda: "<table><tr><td>" * 100_000 + "hello"),
    "articles.html": text(lambda: "<article>x" * 20_000),
    "entities.html": text(lambda: "<p>" + "&amp;" * 4 * MB),
    "attributes.html": text(lambda: "<p " + " ".join(f"a{n}=1" for n in range(MB)) + ">hello"),
    "angles.html": text(lambda: "<" * 10 * MB),
    "paragraphs.html": text(lambda: "<p>x" * 2 * MB),
    "headings.html": text(lambda: "<h1>x</h1>" * 500_000),
    "script.html": text(lambda: "<script>" + "x" * 50 * MB),
    "lists.html": text(lambda: "<ul><li><a href=x>x</a>" * 20_000),
    "styles.html": text(lambda: '<p style="' + "display : " * 3 * MB + '">x'),
    "comments.html": text(lambda: "<!-- x --" * 3 * MB + "hello"),
    "columns.html": text(lambda: "<table>" + "<tr>" + "<td>x" * 2 * MB),
    "utf16.html": made(lambda: b"\xff\xfe" + ("<p>x" * 3 * MB).encode("utf-16-le")),
    # Text
    "chinese.txt": text(lambda: _chinese(6 * MB)),
    "flags.txt": text(lambda: "\U0001f1e6" * 4 * MB),
    "hangul.txt": text(lambda: "\u1100" * 6 * MB),
    "thai.txt": text(lambda: "\u0e01\u0e32" * 3 * MB),
    "zero-width.txt": text(lambda: "\u200b" * 6 * MB),
    "spaces.txt": text(lambda: " " * 9 * MB + "hello"),
    "short-lines.txt": text(lambda: "a\n" * 4 * MB),
    "sentences.txt": text(lambda: "a. " * 3 * MB),
    "line-separators.txt": text(lambda: "\u2028" * 6 * MB + "x"),
    "form-feeds.txt": text(lambda: "\f" * 9 * MB + "x"),
    "same.log": text(lambda: "2026-11-30 12:00:00 The harbour master has closed the gate again.\n" * 140_000),
    "numbers.txt": text(lambda: " ".join(map(str, range(MB)))),
    "utf32.txt": made(lambda: ("a " * 2 * MB).encode("utf-32")),
    "half-utf16.txt": made(lambda: b"\xff\xfe" + ("ab" * 2 * MB).encode("utf-16-le") + b"\x00"),
    "other-encoding.txt": made(lambda: bytes(random.Random(4).choices(range(160, 256), k=20 * MB))),
    "run.txt": text(lambda: "Z" * 131_072),
    "base64.txt": made(lambda: base64.b64encode(random.Random(2).randbytes(3 * MB))),
    "newlines.txt": text(lambda: "\n" * 10 * MB + "hello"),
    "one-letter-words.txt": text(lambda: "a " * 4 * MB),
    "joined-emoji.txt": text(lambda: "\U0001f468\u200d" * MB),
    "many-emoji.txt": text(lambda: "\U0001f468 " * 4 * MB),
    "combining.txt": text(lambda: "a" + "\u0301" * 2 * MB),
    "overrides.txt": text(lambda: "\u202e\u202d" * MB),
    "words.txt": made(lambda: _words(MB).encode()),
    "broken-utf8.txt": made(lambda: b"abc \xff\xfe " * MB),
    "wide.txt": made(lambda: b"\xff\xfe" + b"\x00\xd8" * 3 * MB),
    "too-long.txt": text(lambda: "hello " * 10 * MB),
    "punycode.py": text(lambda: "# coding: punycode\n" + "a" * MB + "-" + "b" * 3 * MB + "\xff"),
    "hashes.md": text(lambda: "# a\n" * MB),
    "brackets.md": text(lambda: "# " + "[" * 5 * MB + "\n\n" + "`" * MB),
    "open-comment.md": text(lambda: "<!--" * MB),
    "fences.md": text(lambda: "```\n" * 2 * MB),
    "front-matter.md": text(lambda: "---\n" * 2 * MB),
    "underlines.md": text(lambda: "a\n=\n" * 2 * MB),
    "links.md": text(lambda: "# " + "[a](" * 2 * MB + "\n" + "![" * MB),
    # Tables
    "columns.csv": text(lambda: ",".join(f"c{n}" for n in range(MB)) + "\n" + "1," * MB),
    "quotes.csv": text(lambda: '"",' * 3 * MB),
    "open-quote.csv": text(lambda: 'a,b\n"' + "x,y\n" * MB),
    "one-line.csv": text(lambda: "a," * 5 * MB),
    "endless.csv": text(lambda: "name,age\n" + "Ann,7\n" * 1_500_000),
    "rows.csv": made(lambda: "".join(f"{n},{n * 7 % 1000}\n" for n in range(700_000)).encode()),
    "cell.csv": text(lambda: "a,b\n" + "x" * 3 * MB + ",y\n"),
}
