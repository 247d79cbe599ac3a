"""Places the passages of a collection in a plane by what they mean, and groups them into topics.

Topics are groups of similar vectors (k-means on unit vectors, so by cosine similarity), each named by the words that
are typical of it. The plane shows the topics where the first two principal components of their centres put them,
pushed apart until they do not overlap, and each passage around the centre of its topic by the components of that topic
alone. So near means alike, and far says little: hundreds of numbers do not fit into two. The same passages give the
same picture.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from desktop_llm.knowledge.embed import Vectors, stacked
from desktop_llm.knowledge.keywords import folded
from desktop_llm.knowledge.shapes import Topic
from desktop_llm.knowledge.stop_words import EMPTY_WORDS
from desktop_llm.knowledge.store import Store

FEWEST = 30
"""A collection with fewer passages has no map: topics of two or three passages mean nothing."""
MOST = 20_000
"""Of a larger collection, so many passages are drawn: an even sample, always the same."""

_SEED = 7
_MOST_TOPICS = 12
_PASSAGES_A_TOPIC = 40  # about as many as one can still take in as one group
_ROUNDS = 25
_DIRECTIONS, _TURNS = 6, 12
# A passage that is less like its topic than this many standard deviations below the mean belongs to none.
_OUTSIDE = 1.6
_NAMED_BY = 300  # passages of a topic whose words are counted
_WORDS_IN_A_NAME = 3
_WORD = re.compile(r"[^\W\d_]{3,}|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2}")

Points = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Placed:
    """`chunks` (n,) int64 with their `points` (n, 2) in the plane, within about -1 to 1, and `labels` (n,): the place
    of each one's topic in `topics`, -1 for none. `total` passages are in the collection.
    """

    chunks: npt.NDArray[np.int64]
    points: Points
    labels: Labels
    topics: tuple[Topic, ...]
    total: int


def placed(store: Store, collection: int, fingerprint: str) -> Generator[None, None, Placed]:
    """Place a collection's passages, in steps of well under a second each."""
    total, chunks, sources, vectors = _sample(store, collection, fingerprint)
    yield None
    if len(chunks) < FEWEST:
        return Placed(np.zeros(0, np.int64), np.zeros((0, 2), np.float32), np.zeros(0, np.int16), (), total)
    labels, centres = yield from _topics(vectors)
    points = np.zeros((len(chunks), 2), np.float32)
    sizes = np.bincount(labels, minlength=len(centres)).astype(np.float32)
    radii = 0.75 * np.sqrt(sizes / sizes.sum())
    middles = _apart(_plane(centres), radii)
    for topic, middle in enumerate(middles):
        mine = labels == topic
        points[mine] = middle + radii[topic] * _spread(vectors[mine])
        yield None
    low, high = points.min(axis=0), points.max(axis=0)
    points = 2 * (points - low) / np.maximum(high - low, 1e-6) - 1  # axes without a meaning may each be stretched
    outside = _outside(vectors, labels, centres)
    labels[outside] = -1
    names = yield from _names(store, chunks, labels, len(centres))
    topics = tuple(
        Topic(names[topic], int((labels == topic).sum()), len(set(sources[labels == topic])))
        for topic in range(len(centres))
    )
    return Placed(chunks, points, labels, topics, total)


def _sample(
    store: Store, collection: int, fingerprint: str
) -> tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int64], Vectors]:
    mine = "chunk.source IN (SELECT source FROM document WHERE collection = ?)"
    query = (
        "SELECT chunk.id, chunk.source FROM chunk JOIN vector ON vector.chunk = chunk.id AND fingerprint = ? "
        f"WHERE {mine} ORDER BY chunk.id"
    )
    known = store.rows(query, fingerprint, collection)
    total = len(known)
    if total > MOST:
        kept = np.sort(np.random.default_rng(_SEED).choice(total, MOST, replace=False))
        known = [known[place] for place in kept]
    chunks = np.array([chunk for chunk, _ in known], np.int64)
    parts: list[Vectors] = []
    for start in range(0, len(known), 500):
        part = [int(chunk) for chunk in chunks[start : start + 500]]
        marks = ",".join("?" * len(part))
        query = f"SELECT data FROM vector WHERE fingerprint = ? AND chunk IN ({marks}) ORDER BY chunk"
        parts.append(stacked(data for (data,) in store.rows(query, fingerprint, *part)))
    vectors = np.concatenate(parts) if parts else stacked(())
    return total, chunks, np.array([source for _, source in known], np.int64), vectors


def _topics(vectors: Vectors) -> Generator[None, None, tuple[Labels, Vectors]]:
    """The topic of each vector and the topics' centres (k, dimensions), the largest topic first."""
    count = max(2, min(_MOST_TOPICS, len(vectors) // _PASSAGES_A_TOPIC))
    centres = _first_centres(vectors, count)
    labels = np.zeros(len(vectors), np.int16)
    for turn in range(_ROUNDS):
        nearest = np.argmax(vectors @ centres.T, axis=1).astype(np.int16)
        if turn and (nearest == labels).all():
            break
        labels = nearest
        for topic in range(count):
            if (mine := labels == topic).any():
                centre = vectors[mine].mean(axis=0)
                centres[topic] = centre / (np.linalg.norm(centre) or 1.0)
        yield None
    sizes = np.bincount(labels, minlength=count)
    order = [topic for topic in np.argsort(-sizes, kind="stable") if sizes[topic]]
    renamed = np.full(count, -1, np.int16)
    renamed[order] = np.arange(len(order), dtype=np.int16)
    return renamed[labels], centres[order]


def _first_centres(vectors: Vectors, count: int) -> Vectors:
    """k-means++: each next centre is far from those chosen already, by chance with a fixed seed."""
    chance = np.random.default_rng(_SEED)
    chosen = [vectors[chance.integers(len(vectors))]]
    nearest = np.full(len(vectors), -1.0, np.float32)
    while len(chosen) < count:
        nearest = np.maximum(nearest, vectors @ chosen[-1])
        distance = np.clip(1.0 - nearest, 1e-9, None).astype(np.float64) ** 2
        chosen.append(vectors[chance.choice(len(vectors), p=distance / distance.sum())])
    return np.array(chosen, np.float32)


def _plane(vectors: Vectors) -> Points:
    """The first two principal components (n, 2); the sign of each is fixed, so that pictures do not flip.

    Found by subspace iteration: a whole decomposition of 384 x 384 numbers takes seconds on a busy machine, and which
    of two nearly equal directions comes first does not matter here.
    """
    centred = vectors - vectors.mean(axis=0)
    axes = np.random.default_rng(_SEED).standard_normal((vectors.shape[1], _DIRECTIONS)).astype(np.float32)
    for _ in range(_TURNS):
        axes = np.linalg.qr(centred.T @ (centred @ axes))[0]
    found = centred @ axes
    _, turned = np.linalg.eigh(found.T @ found)
    found = found @ turned[:, [-1, -2]]
    signs = np.sign(found[np.abs(found).argmax(axis=0), range(2)])
    return np.asarray(found * np.where(signs == 0, 1, signs), np.float32)


def _spread(vectors: Vectors) -> Points:
    """Places of a topic's passages around its centre: most of them within a disc of radius 1."""
    if len(vectors) < 3:
        return np.linspace(-0.3, 0.3, 2 * len(vectors), dtype=np.float32).reshape(-1, 2)
    found = _plane(vectors)
    found /= np.maximum(np.sqrt((found**2).mean(axis=0)), 1e-6) * 2.0
    far = np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(found * (np.tanh(far) / np.maximum(far, 1e-6)), np.float32)


def _apart(middles: Points, radii: npt.NDArray[np.float32]) -> Points:
    """The middles of discs of these radii, moved apart until none overlaps."""
    found = middles / np.maximum(np.abs(middles).max(axis=0), 1e-6)
    for _ in range(300):
        for one in range(len(found)):
            for other in range(one):
                gap = found[one] - found[other]
                away = float(np.linalg.norm(gap))
                missing = 1.15 * float(radii[one] + radii[other]) - away
                if missing > 0:
                    # Two in the same place part to fixed sides.
                    angle = 2.4 * (one * len(found) + other)
                    way = gap / away if away > 1e-6 else np.array([math.cos(angle), math.sin(angle)], np.float32)
                    found[one] += way * missing / 2
                    found[other] -= way * missing / 2
    return np.asarray(found, np.float32)


def _outside(vectors: Vectors, labels: Labels, centres: Vectors) -> npt.NDArray[np.bool_]:
    likeness = (vectors * centres[labels]).sum(axis=1)
    limit = np.zeros(len(vectors), np.float32)
    for topic in range(len(centres)):
        mine = labels == topic
        limit[mine] = likeness[mine].mean() - _OUTSIDE * likeness[mine].std()
    return np.asarray(likeness < limit)


def _names(
    store: Store, chunks: npt.NDArray[np.int64], labels: Labels, count: int
) -> Generator[None, None, Sequence[str]]:
    """Three words for each topic: those that are common in it and rare in the others (class-based TF-IDF)."""
    words: list[Counter[str]] = []
    for topic in range(count):
        mine = chunks[labels == topic]
        part = [int(chunk) for chunk in mine[:: max(1, len(mine) // _NAMED_BY)][:_NAMED_BY]]
        query = f"SELECT text FROM chunk WHERE id IN ({','.join('?' * len(part))})"
        found: Counter[str] = Counter()
        for (text,) in store.rows(query, *part):
            # Once a passage: a word that one passage repeats does not speak for a topic.
            found.update({word for word in _WORD.findall(folded(text).casefold()) if word not in EMPTY_WORDS})
        words.append(found)
        yield None
    everywhere = sum(words, Counter[str]())
    mean = sum(everywhere.values()) / max(1, count)

    names = []
    for counted in words:
        whole = max(1, counted.total())
        weighed = sorted((-n / whole * math.log(1 + mean / everywhere[word]), word) for word, n in counted.items())
        names.append(", ".join(_unlike([word for _, word in weighed])))
    return names


def _unlike(words: Sequence[str]) -> list[str]:
    """The first words of which none begins like another: "key, keys" says one thing twice."""
    chosen: list[str] = []
    for word in words:
        if not any(word[:4] == other[:4] for other in chosen):
            chosen.append(word)
        if len(chosen) == _WORDS_IN_A_NAME:
            break
    return chosen
