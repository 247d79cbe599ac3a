"""Makes text that looks like prose to a splitter and an index: sentences with frequent and rare words."""

from __future__ import annotations

import itertools
from pathlib import Path
from random import Random

_SOUNDS = "ba con der el fi gra hol in jun ker lo mar ne or pas qui ras sen tor ul ven wir xa yor zen"
_SYLLABLES = _SOUNDS.split()


def vocabulary(random: Random, size: int = 8000) -> list[str]:
    """Made-up words, frequent ones first."""
    return ["".join(random.choices(_SYLLABLES, k=random.choice((1, 2, 2, 3)))) for _ in range(size)]


def prose(random: Random, words: list[str], count: int) -> str:
    """About `count` words in sentences of 8 to 24 and paragraphs of 3 to 7 sentences."""
    shares = list(itertools.accumulate(1 / (rank + 2) for rank in range(len(words))))
    paragraphs: list[str] = []
    while count > 0:
        sentences = []
        for _ in range(random.randint(3, 7)):
            length = random.randint(8, 24)
            count -= length
            sentences.append(" ".join(random.choices(words, cum_weights=shares, k=length)).capitalize() + ".")
        paragraphs.append(" ".join(sentences))
    return "\n\n".join(paragraphs)


def write_files(folder: Path, files: int, words: int, random: Random) -> None:
    """Write text files with this many words each."""
    folder.mkdir(parents=True)
    known = vocabulary(random)
    for number in range(files):
        (folder / f"{number:04}.txt").write_text(prose(random, known, words))
