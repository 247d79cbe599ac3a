"""What a repository's files are, by their names: quantizations in order, with plain words, shards and projectors.

Names come from strangers and are labels only: no file on this computer is named by them, and those that no honest
repository has are left out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

PlainWord = Literal["Small", "Balanced", "Large", "Largest", "Full", ""]

MAX_NAME_BYTES = 1_024
# llama.cpp's names of file types, with the endings that makers add (Q4_K_XL, Q4_0_4_4, UD-…); tools/quantize.
_QUANTIZATION = re.compile(
    r"(?:^|[-._/ ])(?P<name>(?:UD[-_])?(?:I?Q[1-8](?:_[0-9A-Z]{1,3})*|TQ[12]_0|MXFP4(?:_MOE)?|NVFP4|BF16|FP?16|FP?32))"
    r"(?=$|[-._/ ])",
    re.IGNORECASE,
)
_FLOATS = {"FP16": "F16", "FP32": "F32"}
# gguf-split's naming, which llama.cpp finds the other parts by.
_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
# Files that lie beside models and are none: vocabularies for tests, drafts and heads that need another model.
_NO_MODELS = ("ggml-vocab", "mtp-", "dflash-", "eagle3-")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class HubPart:
    """One file in a repository; `sha256` is None where the hub gives none."""

    path: str
    size_bytes: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class HubFile:
    """One model to be had: a file, or all shards of one; `name` and `sha256` are those of the first part."""

    name: str
    quantization: str
    size_bytes: int
    sha256: str | None
    parts: tuple[HubPart, ...]


def plain_word(quantization: str) -> PlainWord:
    """What a person needs to know of a quantization; "" for an unknown one.

    By bits per weight: below 4 quality suffers visibly, 4 is the usual compromise, 8 can't be told from the original.
    """
    name = quantization.upper().removeprefix("UD-").removeprefix("I")
    if name in ("F16", "BF16", "F32"):
        return "Full"
    if name.startswith(("MXFP4", "NVFP4")):
        return "Balanced"
    digit = re.match(r"T?Q([1-8])", name)
    if digit is None:
        return ""
    words: dict[int, PlainWord] = {4: "Balanced", 5: "Large", 6: "Large", 7: "Largest", 8: "Largest"}
    return words.get(int(digit[1]), "Small")


def quantization_of(name: str) -> str:
    """The quantization that a file's name (else its folder's) tells, in llama.cpp's spelling; "" where none."""
    for text in reversed(name.split("/")):
        stem = text.removesuffix(".gguf")
        if found := [match["name"] for match in _QUANTIZATION.finditer(stem)]:
            # The last one: a model's own name may hold another ("…-BF16-Q4_K_M").
            label = found[-1].upper().replace("UD_", "UD-")
            return _FLOATS.get(label, label)
    return ""


def group(parts: Iterable[HubPart]) -> tuple[tuple[HubFile, ...], tuple[HubFile, ...]]:
    """The models and the projectors among a repository's files, each by size; shards of one model are one entry.

    Files of other kinds, sets with missing shards, and names that no honest repository has are left out.
    """
    models: list[HubFile] = []
    projectors: list[HubFile] = []
    for file in _joined([part for part in parts if _is_model(part.path)]):
        (projectors if "mmproj" in file.name.rpartition("/")[2].lower() else models).append(file)
    return by_size(models), by_size(projectors)


def by_size(files: Iterable[HubFile]) -> tuple[HubFile, ...]:
    """From the smallest on."""
    return tuple(sorted(files, key=lambda file: (file.size_bytes, file.name)))


def checked_sha256(value: object) -> str | None:
    """The checksum if it is one."""
    return value if isinstance(value, str) and _SHA256.fullmatch(value) else None


def is_plain(path: str) -> bool:
    """Whether a path is what a repository can hold: relative, printable, no step upwards, not a foreign system's."""
    steps = path.split("/")
    if not path.isprintable() or len(path.encode()) > MAX_NAME_BYTES or "\\" in path:
        return False
    return all(0 < len(step.encode()) <= 255 and step.strip(". ") for step in steps) and ":" not in steps[0]


def _is_model(path: str) -> bool:
    name = path.lower().rpartition("/")[2]
    return is_plain(path) and name.endswith(".gguf") and not name.startswith(_NO_MODELS) and "imatrix" not in name


def _joined(parts: Sequence[HubPart]) -> list[HubFile]:
    """Each single file, and each complete set of shards in order."""
    files = [_file([part]) for part in parts if not _SHARD.fullmatch(part.path)]
    sets: dict[tuple[str, int], dict[int, HubPart]] = defaultdict(dict)
    for part in parts:
        if found := _SHARD.fullmatch(part.path):
            sets[found["stem"], int(found["count"])][int(found["number"])] = part
    for (_, count), shards in sets.items():
        # By number first: a list of many sets that claim 99,999 parts must not cost as many steps for each.
        if count and len(shards) == count and set(shards) == set(range(1, count + 1)):
            files.append(_file([shards[number] for number in range(1, count + 1)]))
    return files


def _file(parts: Sequence[HubPart]) -> HubFile:
    first = parts[0]
    size_bytes = sum(part.size_bytes for part in parts)
    shard = _SHARD.fullmatch(first.path)
    label = shard["stem"] if shard else first.path
    return HubFile(first.path, quantization_of(label), size_bytes, first.sha256, tuple(parts))
