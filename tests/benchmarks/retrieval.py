"""How well questions find their documents: nDCG@10 and recall@5 for each collection of a folder.

    python -m tests.benchmarks.retrieval FOLDER [NAME …] [--documents 1500] [--queries 100] [--cache DIR] [--misses]

FOLDER holds a folder for each collection: corpus.jsonl {"id", "title", "text"}, queries.jsonl {"id", "text"} and
qrels.tsv (query, document, grade, with a header line). Each document is written to a file and read by our own code. The
product's search stands beside keywords alone, the nearest vectors alone, and both fused by reciprocal rank (k = 60).
Then runs of 3, 5 and 8 words are taken from passages: how often their passage is the first, beside keywords alone. At
last, how many of the questions and runs lie below the line under which nothing is said to be found, and how many
questions of another collection do, which should. Vectors are kept in the cache between runs.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import math
import random
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from desktop_llm.knowledge import candidates
from desktop_llm.knowledge.embed import DIMENSIONS, Embedder, Vectors, starter_files
from desktop_llm.knowledge.indexing import Controls, Indexing
from desktop_llm.knowledge.keywords import query_words
from desktop_llm.knowledge.retrieve import Retriever
from desktop_llm.knowledge.spaces import Spaces
from desktop_llm.knowledge.store import Store
from desktop_llm.knowledge.suspects import Suspects
from desktop_llm.message import Citation

RUNS = (3, 5, 8)
RUNS_EACH = 40
PASSAGES = 30  # of which the first ten documents count
METHODS = ("keywords", "vectors", "fused", "search")
BUDGET = 1000

Ranking = list[str]


@dataclass(frozen=True)
class Collection:
    """Documents (title and text by id), questions by id, and each question's grades by document."""

    name: str
    documents: dict[str, str]
    questions: dict[str, str]
    grades: dict[str, dict[str, int]]


def main() -> None:
    """Print a line for each collection, and the means."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("names", nargs="*")
    options.add_argument("--documents", type=int, default=1500)
    options.add_argument("--queries", type=int, default=100)
    options.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "retrieval-benchmark")
    options.add_argument("--misses", action="store_true", help="show the questions that fare worse than by one method")
    chosen = options.parse_args()
    chosen.cache.mkdir(parents=True, exist_ok=True)
    embedder = Remembering(chosen.cache / "vectors.db")
    folders = [path for path in sorted(chosen.folder.iterdir()) if (path / "corpus.jsonl").exists()]
    collections = [read(path, chosen.documents, chosen.queries) for path in folders]
    print(
        f"{'':24}" + "".join(f"{method:>16}" for method in METHODS) + "  of best     ms   runs first (keywords)  below"
    )
    ratios = []
    for collection, stranger in zip(collections, collections[1:] + collections[:1], strict=True):
        if not chosen.names or collection.name in chosen.names:
            ratios.append(measure(collection, stranger, embedder, misses=chosen.misses))
    print(f"of the best single method: {np.mean(ratios):.3f} on average, {min(ratios):.3f} at least")


def read(folder: Path, documents: int, queries: int) -> Collection:
    """The collection, cut to so many questions, their documents, and as many others as fit."""
    grades: dict[str, dict[str, int]] = {}
    with (folder / "qrels.tsv").open(encoding="utf-8", newline="") as file:
        for question, document, grade in list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]:
            if int(grade) > 0:
                grades.setdefault(question, {})[document] = int(grade)
    asked = [row for row in _rows(folder / "queries.jsonl") if row["id"] in grades]
    asked = asked[:: max(1, len(asked) // queries)][:queries]
    wanted = {document for row in asked for document in grades[row["id"]]}
    rows = list(_rows(folder / "corpus.jsonl"))
    others = [row["id"] for row in rows if row["id"] not in wanted]
    room = max(0, documents - len(wanted))
    wanted.update(random.Random(5).sample(others, min(room, len(others))))
    texts = {row["id"]: f"{row.get('title') or ''}\n\n{row['text']}".strip() for row in rows if row["id"] in wanted}
    return Collection(folder.name, texts, {row["id"]: row["text"] for row in asked}, grades)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        yield from (json.loads(line) for line in file if line.strip())


class Remembering(Embedder):
    """The starter embedding model; keeps the vector of every text in a file."""

    def __init__(self, path: Path) -> None:
        super().__init__(starter_files(), threads=2)
        self._kept = sqlite3.connect(path, isolation_level=None)
        self._kept.execute("CREATE TABLE IF NOT EXISTS vector(key BLOB PRIMARY KEY, data BLOB) WITHOUT ROWID")

    def embed_batch(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (len(texts), DIMENSIONS)."""
        keys = [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
        rows = [self._kept.execute("SELECT data FROM vector WHERE key = ?", (key,)).fetchone() for key in keys]
        missing = [position for position, row in enumerate(rows) if row is None]
        if missing:
            for position, vector in zip(missing, super().embed_batch([texts[at] for at in missing]), strict=True):
                rows[position] = (vector.tobytes(),)
                self._kept.execute("INSERT OR REPLACE INTO vector VALUES(?, ?)", (keys[position], vector.tobytes()))
        return np.frombuffer(b"".join(row[0] for row in rows), np.float32).reshape(-1, DIMENSIONS)


class Indexed:
    """A collection that our own code read from files, one for each document."""

    def __init__(self, collection: Collection, embedder: Embedder, home: Path) -> None:
        self._embedder = embedder
        self.store = Store(home / "knowledge.db")
        spaces = Spaces(self.store, home / "index", embedder)
        self._nearest = spaces.starter.nearest
        self._number = self.store.create_collection(collection.name)
        self._ids: dict[str, str] = {}
        folder = home / "documents"
        folder.mkdir()
        for number, (name, text) in enumerate(collection.documents.items()):
            path = folder / f"{number:06}.txt"
            path.write_text(text, "utf-8", errors="replace", newline="")
            self._ids[str(path)] = name
        run = Indexing(
            self.store,
            self._nearest,
            embedder,
            Controls(threads=2),
            self._number,
            suspects=Suspects(home / "in-hand.json"),
        )
        for step in (run.find([folder]), run.steps(), run.late_steps()):
            for _ in step:
                pass
        query = "SELECT chunk.id, path, text FROM chunk JOIN document USING(source)"
        rows = [(chunk, self._ids[path.decode()], text) for chunk, path, text in self.store.rows(query)]
        self._of_chunk = {chunk: name for chunk, name, _ in rows}
        self.texts = {chunk: text for chunk, _, text in rows}
        query = "SELECT chunk, data FROM vector ORDER BY chunk"
        vectors = self.store.rows(query)
        self._order = [chunk for chunk, _ in vectors]
        stored = np.frombuffer(b"".join(data for _, data in vectors), np.float16).reshape(-1, DIMENSIONS)
        self._vectors = stored.astype(np.float32)
        self.retriever = Retriever(self.store, spaces)

    def close(self) -> None:
        """Close the files."""
        self._nearest.close()
        self.store.close()

    def search(self, query: str) -> Ranking:
        """What the product finds."""
        return _distinct(self._ids[each.document] for each in self.passages(query))

    def passages(self, query: str) -> list[Citation]:
        """The product's passages."""
        return self.retriever.search([self._number], query, PASSAGES)

    def retrieve(self, query: str) -> list[Citation]:
        """What a model would get."""
        return self.retriever.retrieve([self._number], query, BUDGET)

    def keyword_chunks(self, query: str) -> list[int]:
        """Chunks by keywords alone."""
        words = candidates.weighed(self.store, query_words(query))
        found = candidates.by_keywords(self.store, candidates.Scope([self._number]), words, PASSAGES)
        return sorted(found, key=lambda chunk: -found[chunk])

    def keywords(self, query: str) -> Ranking:
        """What keywords alone find."""
        return _distinct(self._of_chunk[chunk] for chunk in self.keyword_chunks(query))

    def vectors(self, query: str) -> Ranking:
        """What the nearest vectors alone find."""
        similarity = self._vectors @ self._embedder.embed([query])[0]
        best = np.argsort(-similarity)[:PASSAGES]
        return _distinct(self._of_chunk[self._order[position]] for position in best)

    def fused(self, query: str) -> Ranking:
        """Both, fused by reciprocal rank."""
        scores: dict[str, float] = {}
        for ranking in (self.keywords(query), self.vectors(query)):
            for place, name in enumerate(ranking, 1):
                scores[name] = scores.get(name, 0.0) + 1 / (60 + place)
        return sorted(scores, key=lambda name: -scores[name])


def _distinct(names: Iterable[str]) -> Ranking:
    return list(dict.fromkeys(names))


def measure(collection: Collection, stranger: Collection, embedder: Embedder, *, misses: bool) -> float:
    """Print the collection's line; its nDCG@10 as a share of the best single method's."""
    with tempfile.TemporaryDirectory() as place:
        indexed = Indexed(collection, embedder, Path(place))
        methods: dict[str, Callable[[str], Ranking]] = {name: getattr(indexed, name) for name in METHODS}
        gains: dict[str, list[float]] = {name: [] for name in METHODS}
        recalls: dict[str, list[float]] = {name: [] for name in METHODS}
        seconds = 0.0
        for question, text in collection.questions.items():
            embedder.embed([text])
            for name, method in methods.items():
                started = time.perf_counter()
                ranking = method(text)
                seconds += (time.perf_counter() - started) * (name == "search")
                gains[name].append(gain(ranking, collection.grades[question]))
                recalls[name].append(recall(ranking, collection.grades[question]))
        means = {name: float(np.mean(values)) for name, values in gains.items()}
        ratio = means["search"] / max(means["keywords"], means["vectors"])
        figures = "".join(f"{means[name]:>9.3f} /{float(np.mean(recalls[name])):.3f}" for name in METHODS)
        ms = 1000 * seconds / len(collection.questions)
        print(f"{collection.name:24}{figures}{ratio:>9.3f}{ms:>7.1f}  ", end="", flush=True)
        print(runs_first(indexed), below(indexed, collection, stranger), flush=True)
        if misses:
            for at, text in enumerate(collection.questions.values()):
                if gains["search"][at] + 0.1 < max(gains["keywords"][at], gains["vectors"][at]):
                    print("   ", *(f"{gains[name][at]:.2f}" for name in METHODS), text[:150].replace("\n", " "))
        indexed.close()
    return ratio


def gain(ranking: Ranking, grades: dict[str, int]) -> float:
    """NDCG@10."""
    found = sum(grades.get(name, 0) / math.log2(place + 1) for place, name in enumerate(ranking[:10], 1))
    best = sum(grade / math.log2(place + 1) for place, grade in enumerate(sorted(grades.values())[::-1][:10], 1))
    return found / best


def recall(ranking: Ranking, grades: dict[str, int]) -> float:
    """The share of the relevant documents among the first five."""
    return len(grades.keys() & set(ranking[:5])) / len(grades)


def runs_first(indexed: Indexed) -> str:
    """How often a run of words finds its own passage first, beside keywords alone; and how often it finds nothing."""
    figures, nothing = [], 0
    for length in RUNS:
        first = by_keywords = 0
        runs = list(_runs(indexed.texts, length))
        for run in runs:
            passages = indexed.passages(run)
            first += bool(passages) and run in passages[0].text
            chunks = indexed.keyword_chunks(run)
            by_keywords += bool(chunks) and run in indexed.texts[chunks[0]]
            nothing += not any(run in passage.text for passage in indexed.retrieve(run))
        figures.append(f"{first / len(runs):.2f} ({by_keywords / len(runs):.2f})")
    return f"{'  '.join(figures)}  {nothing}"


def _runs(texts: dict[int, str], length: int) -> Iterator[str]:
    dice = random.Random(length)
    chunks = sorted(texts)
    for _ in range(RUNS_EACH):
        text = texts[dice.choice(chunks)]
        words = list(re.finditer(r"\S+", text))
        if len(words) >= length:
            at = dice.randrange(len(words) - length + 1)
            yield text[words[at].start() : words[at + length - 1].end()]


def below(indexed: Indexed, collection: Collection, stranger: Collection) -> str:
    """How many of 100 questions get no passage: its own, and another collection's."""
    shares = []
    for each in (collection, stranger):
        questions = list(each.questions.values())[:60]
        shares.append(sum(not indexed.retrieve(text) for text in questions) / len(questions))
    return f"own {shares[0]:.2f}, others' {shares[1]:.2f}"


if __name__ == "__main__":
    main()
