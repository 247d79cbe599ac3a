"""Compares reading a folder with the embedding model alone on the same chunks, in one run; prints the ratio.

python -m tests.benchmarks.indexing [--files 60] [--words 1500]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from pathlib import Path

from desktop_llm.knowledge.client import Knowledge
from desktop_llm.knowledge.embed import Embedder, starter_files
from desktop_llm.knowledge.store import Store
from desktop_llm.paths import Folders, folders
from tests.benchmarks.made_text import write_files

THREADS = max(1, min(8, os.cpu_count() or 1))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=60)
    options.add_argument("--words", type=int, default=1500)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        write_files(Path(place) / "documents", chosen.files, chosen.words, random.Random(7))
        home = folders(Path(place) / "home")
        reading_s = read(home, Path(place) / "documents")
        texts = stored_texts(home)
        alone_s = embed_alone(texts)
    print(
        json.dumps(
            {
                "files": chosen.files,
                "chunks": len(texts),
                "reading_chunks_per_s": round(len(texts) / reading_s, 2),
                "embedding_alone_chunks_per_s": round(len(texts) / alone_s, 2),
                "ratio": round(alone_s / reading_s, 3),
            },
            indent=2,
        )
    )


def read(home: Folders, folder: Path) -> float:
    """Seconds from the first request to the report; the worker has started and warmed up before."""
    client = Knowledge(home)
    warm = folder.parent / "warm.txt"
    warm.write_text("One short text, so that everything is loaded.")
    for _ in client.index("warm", [warm]):
        pass
    started = time.perf_counter()
    for _ in client.index("benchmark", [folder]):
        pass
    seconds = time.perf_counter() - started
    client.remove("warm")
    client.close()
    return seconds


def stored_texts(home: Folders) -> list[str]:
    store = Store(home.knowledge_db)
    texts = [text for (text,) in store.rows("SELECT text FROM chunk ORDER BY id")]
    store.close()
    return texts


def embed_alone(texts: list[str]) -> float:
    embedder = Embedder(starter_files(), threads=THREADS)
    embedder.embed(texts[:8])
    started = time.perf_counter()
    embedder.embed(texts)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
