"""Checks what a model file claims before llama.cpp sees it, because some claims end its process or do worse.

Each rule answers a known fault: integers that overflow in sizes, lists that are shorter than llama.cpp reads them, more
layers than its tables hold, values that its assertions at loading or computing refuse (`llama-model.cpp`,
`llama-vocab.cpp`, `ggml-cpu` of the commit named in `tables`), templates that escape their sandbox or never end. What
llama.cpp refuses itself with a reason is left to it.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterator

from desktop_llm.models.gguf.projector import check_projector, is_projector
from desktop_llm.models.gguf.reader import MAX_LAYERS, Contents, Value, damaged, number, unsupported
from desktop_llm.models.gguf.tables import KNOWN_ARCHITECTURES, ONE_HEAD_LENGTH, PART_ARCHITECTURES
from desktop_llm.models.names import printable
from desktop_llm.words import tr

MAX_EXPERTS = 1_024  # LLAMA_MAX_EXPERTS
# Far larger than in any model, yet small enough that the product of any two fits into 64 bits.
_MAX_LENGTHS = {
    "embedding_length": 1 << 20,
    "feed_forward_length": 1 << 24,
    "attention.head_count": 1 << 16,
    "attention.head_count_kv": 1 << 16,
    "attention.key_length": 1 << 16,
    "attention.value_length": 1 << 16,
    "rope.dimension_count": 1 << 16,
    "expert_count": MAX_EXPERTS,
    "expert_used_count": MAX_EXPERTS,
    "vocab_size": 1 << 24,
    "ssm.inner_size": 1 << 20,
    "ssm.state_size": 1 << 16,
    "ssm.conv_kernel": 1 << 10,
    "ssm.time_step_rank": 1 << 20,
    "ssm.group_count": 1 << 16,
}
_ABOVE_ZERO = re.compile(r"\.(?:attention\.(?:layer_norm|layer_norm_rms|group_norm)_epsilon|rope\.freq_base(?:_swa)?)$")
_NOT_BELOW_ZERO = re.compile(r"\.rope\.(?:scaling\.(?:factor|attn_factor)|scale_linear)$")
_SCALINGS = ("none", "linear", "yarn", "longrope")
_WITHOUT_HEADS = frozenset({"mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"})
_WITHOUT_EXPERTS_IF_ONE = frozenset({"hunyuan_vl", "hunyuan-dense"})
_EXPERTS_NEEDED = frozenset({"bailingmoe2", "glm4moe", "grovemoe", "llada-moe", "smallthinker"})
_HEADS_OF_STATE = frozenset({"mamba2", "falcon-h1", "granitehybrid", "nemotron_h", "nemotron_h_moe"})
_SECTIONS_NEEDED = frozenset({"qwen2vl", "qwen3vl", "qwen3vlmoe", "paddleocr"})
# llama.cpp multiplies with none of these formats, and adds no vectors in others than F32.
_NO_WEIGHTS = frozenset({"I8", "I16", "I32", "I64", "F64", "Q8_1", "Q8_K"})
_MATRIX = re.compile(r"(?:token_embd|output|blk\.\d+\.(?:attn|ffn)_\w+)\.weight")
_VECTOR = re.compile(r"(?:\w+\.)*\w*norm\.weight|(?:\w+\.)*\w+\.bias")

_TYPES, _SCORES, _CHARSMAP = (f"tokenizer.ggml.{name}" for name in ("token_type", "scores", "precompiled_charsmap"))
_BYTE_TYPE, _FLOATS = 6, 6  # llama_token_type, gguf_type
_BYTE_TOKEN = re.compile(rb"<0x[0-9a-fA-F]{2}>")
_LOOKS_LIKE_BYTE = re.compile(rb"<0x..>", re.DOTALL)
_NO_TOKEN = 0xFFFFFFFF
_ENDS = ("bos", "eos", "eot", "eom")

_TEMPLATE = "tokenizer.chat_template"
# The known ways out of a template's sandbox; no honest template needs them.
_ESCAPE = re.compile(
    r"__(?:class|mro|bases?|subclasses|globals|builtins|init|import|getattr|getattribute|getitem|dict|code|call|func"
    r"|self|module|loader|spec|doc|new|name|closure|reduce|reduce_ex|context)__"
    r"|_TemplateReference|\\x5f|\\u005f|\\137|\|\s*attr\b|\b(?:lipsum|cycler|joiner|url_for|get_flashed_messages)\s*[.(|\[]"
    r"|\.(?:mro|gi_frame|gi_code|cr_frame|ag_frame|tb_frame|f_globals|f_builtins|f_back|func_globals)\b"
    r"|\{%[-+]?\s*(?:include|import|extends|from)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.DOTALL)
_HUGE_NUMBER = re.compile(r"(?<![\w.])\d[\d_]{6,}|\brange\s*\([^()]*\d[\d_]{4,}|\*\*\s*\d")


def check(contents: Contents, name: str) -> None:
    """Raise ModelFileError if the engine should not see this file; `name` appears in the message."""
    architecture = contents.architecture
    if architecture not in KNOWN_ARCHITECTURES:
        shown = f"“{printable(architecture)[:40]}”" if architecture else tr("no name")
        raise unsupported(name, tr("has an architecture this version does not know ({name})", name=shown))
    layers = number(contents.properties, f"{architecture}.block_count", 1)
    if not 0 < layers <= MAX_LAYERS and not (layers == 0 and architecture in PART_ARCHITECTURES):
        raise damaged(name, tr("claims {layers:,} layers", layers=layers))
    if is_projector(contents):
        check_projector(contents, name)
    _check_lengths(contents, name)
    if architecture not in PART_ARCHITECTURES:
        _check_numbers(contents, name)
        _check_heads(contents, name)
        _check_states(contents, name)
        _check_experts(contents, name)
        _check_formats(contents, name)
    _check_vocabulary(contents, name)
    _check_charsmap(contents.numbers.get(_CHARSMAP), name)
    for key, value in contents.properties.items():
        if key.startswith(_TEMPLATE) and isinstance(value, str):
            _check_template(value, name)


def _check_lengths(contents: Contents, name: str) -> None:
    for key, limit in _MAX_LENGTHS.items():
        for item in _whole(contents, key):
            if not 0 <= item <= limit:
                raise damaged(name, tr("claims an absurd size ({key}: {value:,})", key=key, value=item))


def _check_numbers(contents: Contents, name: str) -> None:
    """Numbers that make every result of a computation meaningless, or that an assertion refuses."""
    for key, value in contents.properties.items():
        if not key.startswith(f"{contents.architecture}.") or not isinstance(value, float):
            continue
        above, not_below = bool(_ABOVE_ZERO.search(key)), bool(_NOT_BELOW_ZERO.search(key))
        infinite = (above or not_below) and math.isinf(value)
        if math.isnan(value) or infinite or (above and value <= 0) or (not_below and value < 0):
            raise damaged(name, tr("has a number that can't be ({key}: {value})", key=key, value=str(value)))
    scaling = contents.properties.get(f"{contents.architecture}.rope.scaling.type")
    if isinstance(scaling, str) and scaling not in _SCALINGS:
        raise unsupported(
            name,
            tr("stretches its context in a way this version does not know (“{kind}”)", kind=printable(scaling)[:40]),
        )


def _check_heads(contents: Contents, name: str) -> None:
    heads = _whole(contents, "attention.head_count")
    kv_heads = _whole(contents, "attention.head_count_kv") or heads
    if heads and not any(heads) and contents.architecture not in _WITHOUT_HEADS:
        raise damaged(name, tr("claims to have no attention heads"))
    for own, shared in zip(heads * len(kv_heads), kv_heads * len(heads), strict=False) if heads else ():
        if own and shared and own % shared:
            raise damaged(name, tr("claims {heads:,} attention heads that share {shared:,}", heads=own, shared=shared))
    lengths = [
        length
        for key in ("key_length", "key_length_swa", "key_length_mla")
        for length in _whole(contents, f"attention.{key}")
    ]
    width, most = max(_whole(contents, "embedding_length"), default=0), max(heads, default=0)
    if not lengths and width and most:
        if width % most:
            raise damaged(
                name, tr("claims {heads:,} attention heads for a width of {width:,}", heads=most, width=width)
            )
        lengths = [width // most]
    values = _whole(contents, "attention.value_length") or lengths
    rotated_now = _whole(contents, "rope.dimension_count") or lengths
    if contents.architecture in ONE_HEAD_LENGTH and lengths and not set(lengths) == set(values) == set(rotated_now):
        raise damaged(
            name, tr("claims keys of {keys:,} and values of {values:,} numbers", keys=lengths[0], values=values[0])
        )
    for key in ("rope.dimension_count", "rope.dimension_count_swa"):
        for rotated in _whole(contents, key):
            if rotated % 2 or (lengths and rotated > max(lengths)):
                raise damaged(name, tr("claims an absurd size ({key}: {value:,})", key=key, value=rotated))


def _check_states(contents: Contents, name: str) -> None:
    inner = max(_whole(contents, "ssm.inner_size"), default=0)
    for key in ("ssm.group_count", "ssm.time_step_rank") if contents.architecture in _HEADS_OF_STATE else ():
        if any(item and inner % item for item in _whole(contents, key)):
            raise damaged(name, tr("claims an absurd size ({key}: {value:,})", key=key, value=inner))
    if contents.architecture in _SECTIONS_NEEDED and not any(_whole(contents, "rope.dimension_sections")[:3]):
        raise damaged(name, tr("has no sections for the positions of pictures"))


def _check_experts(contents: Contents, name: str) -> None:
    experts = max(_whole(contents, "expert_count"), default=0)
    if experts <= 1 and contents.architecture in _WITHOUT_EXPERTS_IF_ONE:
        return
    used = max(_whole(contents, "expert_used_count"), default=0)
    groups = max(_whole(contents, "expert_group_count"), default=0)
    used_groups = max(_whole(contents, "expert_group_used_count"), default=0)
    if used > experts or (experts and not used) or (not experts and contents.architecture in _EXPERTS_NEEDED):
        raise damaged(name, tr("claims to use {used:,} of {experts:,} experts", used=used, experts=experts))
    uneven = groups > 1 and (experts % groups or not 0 < used_groups < groups)
    if groups and (groups >= experts or uneven):
        raise damaged(name, tr("claims {groups:,} groups of {experts:,} experts", groups=groups, experts=experts))
    layers = number(contents.properties, f"{contents.architecture}.block_count", MAX_LAYERS)
    if any(item > layers for item in _whole(contents, "nextn_predict_layers")):
        raise damaged(name, tr("claims more layers that predict than it has"))


def _check_formats(contents: Contents, name: str) -> None:
    for tensor in contents.tensors:
        matrix = tensor.format in _NO_WEIGHTS and _MATRIX.fullmatch(tensor.name)
        if matrix or (tensor.format != "F32" and len(tensor.shape) == 1 and _VECTOR.fullmatch(tensor.name)):
            raise damaged(
                name,
                tr(
                    "has weights in a number format that can't be computed with ({tensor}: {format})",
                    tensor=printable(tensor.name)[:60],
                    format=tensor.format,
                ),
            )


def _check_vocabulary(contents: Contents, name: str) -> None:
    tokens, kind = contents.tokens, contents.properties.get("tokenizer.ggml.model")
    for key in (_SCORES, _TYPES):
        if key in contents.lists and contents.length(key) < len(tokens):
            raise damaged(name, tr("has a vocabulary whose lists differ in length"))
    # llama.cpp cuts a token at its first zero, and gives an empty one a name.
    read = {token.partition(b"\0")[0] or b"[EMPTY_%d]" % index for index, token in enumerate(tokens)}
    if len(read) != len(tokens):
        raise damaged(name, tr("has a vocabulary with the same token twice"))
    if any(map(_is_no_byte, tokens)):
        raise damaged(name, tr("has a byte token that is no byte"))
    types = array("i", contents.numbers.get(_TYPES, b""))
    for token, token_type in zip(tokens, types, strict=False) if _BYTE_TYPE in types else ():
        if token_type == _BYTE_TYPE and (kind == "bert" or (kind != "rwkv" and not _BYTE_TOKEN.fullmatch(token))):
            raise damaged(name, tr("has a byte token that is no byte"))
    scores = contents.lists.get(_SCORES)
    if scores is not None and scores.kind == _FLOATS and any(map(math.isnan, array("f", contents.numbers[_SCORES]))):
        raise damaged(name, tr("has a vocabulary with a score that is no number"))
    # These tokenizers end the process when a text has a byte that they have no token for.
    if (
        kind == "llama"
        and tokens
        and not all(b"<0x%02X>" % byte in read or bytes([byte]) in read for byte in range(256))
    ):
        raise damaged(name, tr("has a vocabulary that lacks tokens for some characters"))
    if kind == "rwkv" and "rwkv" not in contents.architecture:
        raise damaged(name, tr("has a vocabulary of another kind of model"))
    for end in _ENDS:
        token_id = number(contents.properties, f"tokenizer.ggml.{end}_token_id", _NO_TOKEN)
        if tokens and token_id != _NO_TOKEN and not 0 <= token_id < len(tokens):
            raise damaged(name, tr("names a token that its vocabulary does not have ({id:,})", id=token_id))


def _is_no_byte(token: bytes) -> bool:
    # llama.cpp uses the two digits as an index without checking them.
    return len(token) == 6 and _LOOKS_LIKE_BYTE.fullmatch(token) is not None and _BYTE_TOKEN.fullmatch(token) is None


def _check_charsmap(table: bytes | None, name: str) -> None:
    """Check a table that replaces characters (SentencePiece's, a double array of darts-clone): whatever the text is, it
    must never lead outside.
    """
    if table is None:
        return
    size = int.from_bytes(table[:4], "little")
    units = array("I", table[4 : 4 + size // 4 * 4])
    replacements = table[4 + size :]
    ends = len(table) >= 4 and 0 < size < len(table) - 4 and not size % 1024 and replacements.endswith(b"\0")
    if not ends or not _leads_nowhere_else(units, len(replacements)):
        raise damaged(name, tr("has a vocabulary with a broken table of characters"))


def _leads_nowhere_else(units: array[int], replacements: int) -> bool:
    count = len(units)  # a multiple of 256, so that a character never leads out of its block
    for index, unit in enumerate(units):
        if unit >> 31:  # a value
            continue
        following = index ^ ((unit >> 10) << ((unit & 1 << 9) >> 6))
        if following >= count or (unit >> 8 & 1 and units[following] & 0x7FFFFFFF >= replacements):
            return False
    return True


def _check_template(template: str, name: str) -> None:
    if _ESCAPE.search(template):
        raise unsupported(name, tr("has a chat template that tries to reach beyond the conversation"))
    if any(_HUGE_NUMBER.search(_QUOTED.sub("", code)) for code in _code_in(template)):
        raise unsupported(name, tr("has a chat template that counts beyond all need"))


def _code_in(template: str) -> Iterator[str]:
    """What stands between the template's braces."""
    for begin, end in (("{{", "}}"), ("{%", "%}")):
        at = template.find(begin)
        while at >= 0 and (close := template.find(end, at)) >= 0:
            yield template[at + 2 : close]
            at = template.find(begin, close)


def _whole(contents: Contents, key: str) -> tuple[int, ...]:
    """The whole numbers under this key of the architecture: one, one for each layer, or none."""
    value: Value = contents.properties.get(f"{contents.architecture}.{key}")
    values = value if isinstance(value, tuple) else (value,)
    return tuple(item for item in values if isinstance(item, int) and not isinstance(item, bool))
