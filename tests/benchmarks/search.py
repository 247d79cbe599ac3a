"""Searches over 10,000 chunks in the knowledge worker, with the query's embedding: median and 95th percentile.

    python -m tests.benchmarks.search [--chunks 10000] [--queries 100]

The chunks' vectors are made up (their content does not change the time); the queries are really embedded.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from pathlib import Path

import numpy as np

from desktop_llm.knowledge.client import Knowledge
from desktop_llm.knowledge.embed import DIMENSIONS, starter_files
from desktop_llm.knowledge.readahead import version_of
from desktop_llm.knowledge.sources import ChunkRow, PageRow, SourceRow
from desktop_llm.knowledge.store import Store
from desktop_llm.paths import Folders, folders
from tests.benchmarks.made_text import prose, vocabulary

CHUNKS_A_SOURCE = 100
WORDS_A_CHUNK = 150


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--chunks", type=int, default=10_000)
    options.add_argument("--queries", type=int, default=100)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        home = folders(Path(place))
        words = vocabulary(random.Random(7))
        fill(home, chosen.chunks, words)
        times = searched(home, chosen.queries, words)
    figures = {"chunks": chosen.chunks, "median_ms": times[len(times) // 2], "p95_ms": times[int(len(times) * 0.95)]}
    print(json.dumps({name: round(value, 1) for name, value in figures.items()}, indent=2))


def fill(home: Folders, chunks: int, words: list[str]) -> None:
    """Fill a store with one collection of this many chunks."""
    store, dice = Store(home.knowledge_db), np.random.default_rng(7)
    collection, chance = store.create_collection("benchmark"), random.Random(8)
    for number in range(chunks // CHUNKS_A_SOURCE):
        pages = [PageRow(page + 1, prose(chance, words, WORDS_A_CHUNK)) for page in range(CHUNKS_A_SOURCE)]
        vectors = dice.standard_normal((CHUNKS_A_SOURCE, DIMENSIONS))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        rows = [
            ChunkRow(page, 0, len(pages[page].text), "", vector.astype(np.float16).tobytes())
            for page, vector in enumerate(vectors)
        ]
        path = f"/made/{number}.txt".encode()
        source = SourceRow(f"{number:064}", version_of(path), "Text", "", CHUNKS_A_SOURCE, pages, rows)
        store.add_document(collection, path, 1, 1, source, starter_files().fingerprint)
    store.close()


def searched(home: Folders, queries: int, words: list[str]) -> list[float]:
    """The milliseconds of each search, sorted; measured at the client, with the wire."""
    client, chance, times = Knowledge(home), random.Random(9), []
    client.search(["benchmark"], "warm up")
    for _ in range(queries):
        query = "what is the " + " ".join(chance.choices(words[:2000], k=6)) + " of the report?"
        started = time.perf_counter()
        client.search(["benchmark"], query)
        times.append((time.perf_counter() - started) * 1000)
    client.close()
    return sorted(times)


if __name__ == "__main__":
    main()
