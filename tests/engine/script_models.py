"""Tiny models that say what a test wants, token by token: the next token depends on the last one alone.

So a text that is put into the answer's way, such as the end of thinking, leads the model on from where it ends.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from tests.engine.vocabularies import CONTROL, NORMAL, byte_alphabet
from tests.models.gguf_files import ALIGNMENT, Entry, gguf, tensor

_END = "</s>"
_WIDTH, _HEAD = 512, 32


def script_model(
    path: Path,
    template: str,
    *scripts: Sequence[str],
    marks: Iterable[str] = (),
    name: str = "Script",
    context_length: int = 4_096,
) -> Path:
    """A model that says these scripts: each piece follows the one before it, and the end follows the last one.

    A piece is one token, so each text leads on to one other text. Single characters are those that the tokenizer makes
    of any text. A script goes round and round if its last piece stands in it before.
    """
    controls = dict.fromkeys(("<s>", _END, *marks))
    alphabet = byte_alphabet()
    spoken = dict.fromkeys(_written(piece) for script in scripts for piece in script)
    joint = f"{alphabet[32]}t"  # a vocabulary of this kind has at least one merge
    tokens = [
        *alphabet.values(),
        joint,
        *(each for each in spoken if each not in controls and len(each) > 1),
        *controls,
    ]
    ids = {token: index for index, token in enumerate(tokens)}
    assert len(ids) == len(tokens) <= _WIDTH
    follows = {index: ids[_END] for index in range(len(tokens))}
    for script in scripts:
        for piece, following in itertools.pairwise(script):
            follows[ids[_written(piece)]] = ids[_written(following)]
    output = np.zeros((len(tokens), _WIDTH), np.float32)
    for index, next_index in follows.items():
        output[next_index, index] = 1.0
    entries: dict[str, Entry] = {
        "general.architecture": "llama",
        "general.name": name,
        "llama.context_length": context_length,
        "llama.embedding_length": _WIDTH,
        "llama.block_count": 1,
        "llama.feed_forward_length": _HEAD,
        "llama.attention.head_count": 1,
        "llama.attention.head_count_kv": 1,
        "llama.attention.key_length": _HEAD,
        "llama.attention.value_length": _HEAD,
        "llama.rope.dimension_count": _HEAD,
        "llama.attention.layer_norm_rms_epsilon": 1e-6,
        "llama.vocab_size": len(tokens),
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [CONTROL if token in controls else NORMAL for token in tokens],
        "tokenizer.ggml.merges": [" ".join(joint)],
        "tokenizer.ggml.bos_token_id": ids["<s>"],
        "tokenizer.ggml.eos_token_id": ids[_END],
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": template,
    }
    weights = {
        "token_embd.weight": np.eye(len(tokens), _WIDTH, dtype=np.float32),
        "output.weight": output,
        "output_norm.weight": np.ones(_WIDTH, np.float32),
        "blk.0.attn_norm.weight": np.ones(_WIDTH, np.float32),
        "blk.0.ffn_norm.weight": np.ones(_WIDTH, np.float32),
        **{f"blk.0.attn_{part}.weight": np.zeros((_HEAD, _WIDTH), np.float32) for part in "qkv"},
        "blk.0.attn_output.weight": np.zeros((_WIDTH, _HEAD), np.float32),
        "blk.0.ffn_gate.weight": np.zeros((_HEAD, _WIDTH), np.float32),
        "blk.0.ffn_up.weight": np.zeros((_HEAD, _WIDTH), np.float32),
        "blk.0.ffn_down.weight": np.zeros((_WIDTH, _HEAD), np.float32),
    }
    infos, data = [], bytearray()
    for key, array in weights.items():
        data += bytes(-len(data) % ALIGNMENT)
        infos.append(tensor(key, array.shape[::-1], 0, len(data)))
        data += array.astype("<f4").tobytes()
    path.write_bytes(gguf(entries, infos) + data)
    return path


def _written(piece: str) -> str:
    """The piece as a vocabulary of GPT-2's kind writes it; marks stand there as they are."""
    if piece.startswith(("<", "[", "◁")):
        return piece
    alphabet = byte_alphabet()
    return "".join(alphabet[byte] for byte in piece.encode())
