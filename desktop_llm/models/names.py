"""Reads and writes the names and sizes of models.

Names come from untrusted files, so they serve only as labels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from desktop_llm.words import tr

# The names that gguf-split gives to parts, and by which llama.cpp finds them.
_SPLIT = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
# llama.cpp's names for file types (tools/quantize), with the additions of publishers (Q4_K_XL, Q4_0_4_4, UD-…).
_QUANTIZATION = re.compile(
    r"(?:^|[-._/ ])(?P<name>(?:UD[-_])?(?:I?Q[1-8](?:_[0-9A-Z]{1,3})*|TQ[12]_0|MXFP4(?:_MOE)?|NVFP4|BF16|FP?(?:16|32)))"
    r"(?=$|[-._/ ])",
    re.IGNORECASE,
)
_FLOATS = {"FP16": "F16", "FP32": "F32"}
# The formats that GGUF files are converted from. A converted file often still names its old format.
_OTHER_FORMATS = frozenset(
    ["awq", "gptq", "exl2", "exl3", "bnb", "mlx", "onnx", "fp8", "int4", "int8", "4bit", "8bit", "hf"]
)


@dataclass(frozen=True, slots=True)
class SplitName:
    """The name of one file of a split model; `number` counts from 1."""

    stem: str
    number: int
    count: int


def split_name(name: str) -> SplitName | None:
    """Split a name like `big-Q8_0-00001-of-00003.gguf`, with or without folders; None for other names."""
    found = _SPLIT.fullmatch(name)
    return SplitName(found["stem"], int(found["number"]), int(found["count"])) if found else None


def file_names(stem: str, count: int) -> list[str]:
    """The names of a model's files in order, as llama.cpp looks for them."""
    if count == 1:
        return [f"{stem}.gguf"]
    return [f"{stem}-{number:05}-of-{count:05}.gguf" for number in range(1, count + 1)]


def quantization_of(name: str) -> str:
    """The quantization in a file's name, or else in its folder's, as llama.cpp spells it; "" if there is none."""
    for text in reversed(name.split("/")):
        stem = text.removesuffix(".gguf")
        if found := [match["name"] for match in _QUANTIZATION.finditer(stem)]:
            # Take the last one, because a model's own name may contain another ("…-BF16-Q4_K_M").
            label = found[-1].upper().replace("UD_", "UD-")
            return _FLOATS.get(label, label)
    return ""


def plain_word(quantization: str) -> str:
    """Describe a quantization in a word: Small, Balanced, Large, Largest or Full; "" if it is unknown.

    The word depends on the bits per weight: below 4, answers get visibly worse; 4 is the usual compromise; 8 can't be
    told from the original.
    """
    name = quantization.upper().removeprefix("UD-").removeprefix("I")
    if name in ("F16", "BF16", "F32"):
        return tr("Full")
    digit = re.match(r"(?:T?Q|MXFP|NVFP)([1-8])", name)
    if digit is None:
        return ""
    bits = int(digit[1])
    return tr("Small") if bits < 4 else tr("Balanced") if bits == 4 else tr("Large") if bits < 7 else tr("Largest")


def repository_name(repo: str) -> str:
    """The name of a repository's model: "Qwen/Qwen3-8B-GGUF" becomes "Qwen3 8B"."""
    title = repo.rpartition("/")[2]
    name = re.sub(r"[-_.]gguf$", "", title, flags=re.IGNORECASE)
    return re.sub(r"[-_]+", " ", name).strip() or title


def name_of_download(told: str, repo: str, file: str) -> str:
    """The name of a model that came from a repository; people look for it by the name they downloaded.

    `told` is the name in the file's header. If that is the name of a training run, or of the file that this one was
    made from ("… AWQ"), the repository's name is used instead.
    """
    if told and set(re.findall(r"[^\W_]+", told.casefold())) <= set(
        re.findall(r"[^\W_]+", f"{repo} {file}".casefold())
    ):
        return told
    return repository_name(repo)


def name_of_file(told: str, stem: str) -> str:
    """The name of a model that came as a file: the name in its header (`told`), corrected by its file name (`stem`).

    If the two have no word in common ("model.gguf"), the header's name is used. If the file name has further words
    ("…-abliterated"), the file name is used. Otherwise the header's name is used without the words for other formats
    that the file name does not have.
    """
    if not told:
        return stem
    spelled = {word.casefold(): word for word in re.split(r"[-_\s]+", told)}
    seen = [word for word in re.split(r"[-_\s]+", _QUANTIZATION.sub("", stem)) if word]
    if not any(word.casefold() in spelled for word in seen):
        return told
    if all(word.casefold() in spelled for word in seen):
        shown = {word.casefold() for word in seen}
        foreign = [word for word in spelled if word in _OTHER_FORMATS and word not in shown]
        return " ".join(word for word in told.split() if word.casefold() not in foreign) if foreign else told
    return " ".join(spelled.get(word.casefold(), word) for word in seen)


def printable(text: str) -> str:
    """The text without control and bidirectional characters, which a malicious file could use to deceive."""
    return "".join(character for character in text if character.isprintable()).strip()


def size_label(parameters: int) -> str:
    """The usual short form of a parameter count: "135M" for 134515008."""
    for limit, letter in ((10**12, "T"), (10**9, "B"), (10**6, "M")):
        if parameters >= limit:
            value = parameters / limit
            return f"{value:.1f}{letter}" if value < 10 else f"{value:.0f}{letter}"
    return ""


def size_text(size_bytes: int) -> str:
    """A size in decimal units: "4.0 MB"."""
    number, unit = _in_unit_of(size_bytes, size_bytes)
    return f"{number} {unit}"


def size_of_whole(size_bytes: int, whole_bytes: int) -> str:
    """A part and its whole, both in the unit of the whole: "1.0 of 4.0 MB"."""
    number, unit = _in_unit_of(size_bytes, whole_bytes)
    return tr("{part} of {whole} {unit}", part=number, whole=_in_unit_of(whole_bytes, whole_bytes)[0], unit=unit)


def _in_unit_of(size_bytes: int, whole_bytes: int) -> tuple[str, str]:
    for unit, scale in (("GB", 10**9), ("MB", 10**6)):
        if whole_bytes >= scale:
            return f"{size_bytes / scale:.1f}", unit
    return f"{size_bytes:,}", "bytes"
