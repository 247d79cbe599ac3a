"""Checks a projector (mmproj): the file that turns pictures and sounds into what a language model reads.

llama.cpp's `tools/mtmd/clip.cpp` (of the commit named in `tables`) ends its process on values of another type than it
expects, divides by some of these numbers without looking, and takes memory in proportion to others. What it refuses
itself with a reason, such as an unknown projector type or a missing tensor, is left to it.
"""

from __future__ import annotations

import math
import re

from desktop_llm.models.gguf.reader import Contents, Value, damaged
from desktop_llm.models.names import printable
from desktop_llm.words import tr

ARCHITECTURE = "clip"
_ENCODERS = ("clip.has_vision_encoder", "clip.has_audio_encoder")
_MOST_PATCHES = 1 << 16  # of one picture; attention takes memory by their square
_MOST_PIXELS = 1 << 26
_MOST = 1 << 20  # of any other number
_BETWEEN = {
    "embedding_length": (1, 1 << 16),
    "block_count": (0, 512),
    "attention.head_count": (0, 1 << 10),
    "attention.head_count_kv": (0, 1 << 10),
    "image_size": (0, 8_192),
    "patch_size": (1, 1 << 10),
    "spatial_merge_size": (1, 64),
    "projector.scale_factor": (1, 64),
    "image_min_pixels": (0, _MOST_PIXELS),
    "image_max_pixels": (0, _MOST_PIXELS),
    "preproc_image_size": (0, 8_192),
    "preproc_min_tiles": (0, 256),
    "preproc_max_tiles": (0, 256),
    "window_size": (0, 4_096),
    "num_mel_bins": (1, 1_024),
    "projector.stack_factor": (1, 64),
    "chunk_size": (1, 8_192),
    "conv_kernel_size": (1, 1_024),
}
_ABOVE_ZERO = re.compile(r"layer_norm_epsilon$|rope\.freq_base$")
# Tensors that are added to the computed values, which ggml does in F32 only.
_VECTOR = re.compile(r"[\w.]*\.(?:bias|(?:ln\d?|pre_ln|post_ln|\w*norm)\.weight)")
_LAYER = re.compile(r"v\.blk\.\d+\.(attn_[qkv]|attn_qkv|ffn_up|ffn_down|ln[12])\.weight")


def is_projector(contents: Contents) -> bool:
    """Whether this file gives a language model eyes or ears."""
    return contents.architecture == ARCHITECTURE and any(contents.properties.get(key) is True for key in _ENCODERS)


def check_projector(contents: Contents, name: str) -> None:
    """Raise ModelFileError if the engine should not open this projector; `name` appears in the message."""
    for key, value in contents.properties.items():
        if key.startswith("clip."):
            _check_number(key, value, name)
    for kind in ("vision", "audio"):
        _check_encoder(contents, f"clip.{kind}.", name)
    _check_tensors(contents, name)


def _check_number(key: str, value: Value, name: str) -> None:
    if isinstance(value, float):
        if not math.isfinite(value) or (_ABOVE_ZERO.search(key) and value <= 0):
            raise damaged(name, tr("has a number that can't be ({key}: {value})", key=key, value=str(value)))
        return
    least, most = next((limits for part, limits in _BETWEEN.items() if key.endswith(f".{part}")), (-1, _MOST))
    for item in value if isinstance(value, tuple) else (value,):
        if isinstance(item, int) and not isinstance(item, bool) and not least <= item <= most:
            raise damaged(name, tr("claims an absurd size ({key}: {value:,})", key=key, value=item))


def _check_encoder(contents: Contents, prefix: str, name: str) -> None:
    def whole(key: str) -> int:
        value = contents.properties.get(prefix + key)
        return value if isinstance(value, int) else 0

    width, heads = whole("embedding_length"), whole("attention.head_count")
    if width and whole("block_count") and (not heads or (width % heads and not whole("attention.head_dim"))):
        raise damaged(name, tr("claims {heads:,} attention heads for a width of {width:,}", heads=heads, width=width))
    size, patch = whole("image_size"), whole("patch_size")
    if size and patch and not 0 < (size // patch) ** 2 <= _MOST_PATCHES:
        raise damaged(name, tr("claims an absurd size ({key}: {value:,})", key=f"{prefix}patch_size", value=patch))
    if whole("image_max_pixels") and whole("image_max_pixels") < whole("image_min_pixels"):
        smallest = whole("image_min_pixels")
        raise damaged(
            name, tr("claims an absurd size ({key}: {value:,})", key=f"{prefix}image_min_pixels", value=smallest)
        )


def _check_tensors(contents: Contents, name: str) -> None:
    width = contents.properties.get("clip.vision.embedding_length")
    for tensor in contents.tensors:
        if tensor.format != "F32" and len(tensor.shape) == 1 and _VECTOR.fullmatch(tensor.name):
            raise damaged(
                name,
                tr(
                    "has weights in a number format that can't be computed with ({tensor}: {format})",
                    tensor=printable(tensor.name)[:60],
                    format=tensor.format,
                ),
            )
        if isinstance(width, int) and _LAYER.fullmatch(tensor.name) and width not in tensor.shape[:2]:
            raise damaged(name, tr("has weights of the wrong size ({tensor})", tensor=printable(tensor.name)[:60]))
