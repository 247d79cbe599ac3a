"""Files made to break a reader: small ones that grow, loop, nest, lie or never end. Each is made by one function.

`BOMBS` names them all; `write` puts one into a folder. The benchmark `tests.benchmarks.bombs` reads every one, the
tests a tenth of them.
"""

from __future__ import annotations

from pathlib import Path

from tests.knowledge.bombs.letters import LETTERS
from tests.knowledge.bombs.making import Bombs
from tests.knowledge.bombs.packed import PACKED
from tests.knowledge.bombs.pdf import PDFS
from tests.knowledge.bombs.places import PLACES
from tests.knowledge.bombs.texts import TEXTS
from tests.knowledge.bombs.word import WORD_FILES

BOMBS: Bombs = {**PDFS, **WORD_FILES, **PACKED, **LETTERS, **TEXTS, **PLACES}


def write(name: str, folder: Path) -> Path:
    """Make a bomb in the folder; returns its path."""
    path = folder / name
    content = BOMBS[name](path)
    if content is not None:
        path.write_bytes(content)
    return path
