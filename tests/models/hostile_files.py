"""Model files like those that once broke llama.cpp or template engines, each with the reason for its refusal.

Sources: CVE-2024-21802, -21825, -21836, -23496, -23605 (GGUF of 2024), CVE-2025-49847 (token text), CVE-2025-53630 and
CVE-2026-27940 (sizes that overflow), CVE-2026-33298 (tensors of exabytes), and fixes without a number; CVE-2024-34359,
CVE-2024-56326 and CVE-2025-27516 for templates.
"""

from __future__ import annotations

import struct

from tests.models.gguf_files import CHAT, Entry, gguf, tensor, text, value

TENSOR = tensor("token_embd.weight", [16, 16])
_STRING, _ARRAY, _U32 = 8, 9, 4


def _head(tensors: int, entries: int) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, entries)


def _one_entry(key: str, kind: int, data: bytes) -> bytes:
    return _head(0, 1) + text(key) + struct.pack("<I", kind) + data + bytes(64)


def _array(kind: int, count: int, data: bytes = b"") -> bytes:
    return struct.pack("<IQ", kind, count) + data


def _with(**entries: Entry) -> bytes:
    named = {key.replace("__", "."): entry for key, entry in entries.items()}
    return gguf({**CHAT, **named}, [TENSOR], data_bytes=1_024)


def _tensors(*tensors: bytes) -> bytes:
    return gguf(CHAT, tensors, data_bytes=4_096)


def _raw_value(key: str, kind: int, data: bytes) -> bytes:
    """A chat model whose last property has exactly this type and these bytes."""
    others = {name: entry for name, entry in CHAT.items() if name != key}
    body = _head(1, len(others) + 1) + b"".join(text(name) + value(entry) for name, entry in others.items())
    body += text(key) + struct.pack("<I", kind) + data + TENSOR
    return body + bytes(-len(body) % 32 + 1_024)


MAX = (1 << 64) - 1

HOSTILE: dict[str, tuple[bytes, str]] = {
    "CVE-2024-23496, a text whose length overflows": (
        _head(0, 1) + struct.pack("<Q", MAX) + bytes(64),
        "text of absurd length",
    ),
    "CVE-2024-23605, properties whose count overflows": (_head(0, MAX // 48 + 2) + bytes(64), "number of entries"),
    "CVE-2024-21836, tensors whose count overflows": (_head(MAX // 64 + 1, 0) + bytes(64), "number of tensors"),
    "CVE-2024-21802, a tensor of more dimensions than there is room for": (
        _tensors(text("w") + struct.pack("<I", 5) + struct.pack("<5Q", 1, 1, 1, 1, 1) + struct.pack("<IQ", 0, 0)),
        "tensor without a shape",
    ),
    "CVE-2024-21825, a list whose size overflows": (
        _one_entry("a", _ARRAY, _array(_STRING, MAX // 16 + 1)),
        "number of items in one list",
    ),
    "a list of a list": (_one_entry("a", _ARRAY, _array(_ARRAY, 2)), "list of unknown type"),
    "a property of no type": (_one_entry("a", 99, b""), "unknown type"),
    "CVE-2025-49847, a token longer than a signed number counts": (
        _one_entry("tokenizer.ggml.tokens", _ARRAY, _array(_STRING, 1, struct.pack("<Q", 1 << 31))),
        "text of absurd length",
    ),
    "CVE-2025-53630, tensors whose sizes add up past the end of numbers": (
        _tensors(*(tensor(f"w{index}", [1 << 59], 24, index << 59) for index in range(4))),
        "absurd size",
    ),
    "CVE-2026-27940, the same with a remainder that looks small": (
        _tensors(tensor("a", [(1 << 61) - 32], 24), tensor("b", [(1 << 61) + 64], 24, (1 << 61) - 32)),
        "absurd size",
    ),
    "CVE-2026-33298, a tensor of exabytes in a buffer of megabytes": (
        _tensors(tensor("w", [1 << 22, 1 << 22, 1 << 20])),
        "tensor of absurd size",
    ),
    "a tensor without rows": (_tensors(tensor("w", [16, 0])), "tensor of absurd size"),
    "a tensor with a length below zero": (_tensors(tensor("w", [MAX, 2])), "tensor of absurd size"),
    "a row that is no whole number of blocks": (_tensors(tensor("w", [48, 256], 12)), "out of place"),
    "two tensors on one place": (_tensors(TENSOR, tensor("w", [16, 16])), "out of place"),
    "a tensor beyond the end of the file": (_tensors(tensor("w", [16, 1 << 20])), "ends too early"),
    "a tensor of an unknown number format": (_tensors(tensor("w", [256], 200)), "number format"),
    "two tensors of one name": (_tensors(TENSOR, tensor("token_embd.weight", [16, 16], 0, 1_024)), "tensor twice"),
    "an alignment of zero": (_with(general__alignment=0), "absurd alignment"),
    "an alignment that is no power of two": (_with(general__alignment=48), "absurd alignment"),
    "an alignment of gigabytes": (_with(general__alignment=1 << 31), "absurd alignment"),
    "an alignment that is a text": (_with(general__alignment="32"), "wrong type"),
    "layers beyond llama.cpp's tables": (_with(llama__block_count=513), "claims 513 layers"),
    "layers below zero": (_raw_value("llama.block_count", 5, struct.pack("<i", -1)), "claims -1 layers"),
    "experts beyond llama.cpp's tables": (_with(llama__expert_count=1_025), "absurd size"),
    "more experts used than there are": (_with(llama__expert_count=4, llama__expert_used_count=8), "use 8 of 4"),
    "heads that multiply past the end of numbers": (_with(llama__attention__head_count=1 << 31), "absurd size"),
    "an embedding longer than memory": (_with(llama__embedding_length=0xFFFFFFFF), "absurd size"),
    "a byte token below zero": (
        _with(tokenizer__ggml__tokens=["<0x-1>"], tokenizer__ggml__scores=[0.0], tokenizer__ggml__token_type=[6]),
        "byte token",
    ),
    "a byte token of no digits": (
        _with(tokenizer__ggml__tokens=["<0xZZ>"], tokenizer__ggml__scores=[0.0], tokenizer__ggml__token_type=[6]),
        "byte token",
    ),
    "scores that are texts": (_with(tokenizer__ggml__scores=["a", "b", "c"]), "vocabulary of the wrong type"),
    "token types that are fractions": (_with(tokenizer__ggml__token_type=[1.0, 1.0, 1.0]), "wrong type"),
    "tokens that are numbers": (_with(tokenizer__ggml__tokens=[1, 2, 3]), "vocabulary of the wrong type"),
    "tokens that are no list": (_with(tokenizer__ggml__tokens=3), "wrong type"),
    "merges that are numbers": (_with(tokenizer__ggml__merges=[1, 2]), "vocabulary of the wrong type"),
    "fewer scores than tokens": (_with(tokenizer__ggml__scores=[0.0]), "lists differ in length"),
    "fewer token types than tokens": (_with(tokenizer__ggml__token_type=[1, 1]), "lists differ in length"),
    "one property twice": (
        _head(0, 2) + 2 * (text("general.name") + struct.pack("<I", _STRING) + text("a")) + bytes(64),
        "one property twice",
    ),
    "an architecture that is a number": (_with(general__architecture=7), "wrong type"),
    "a part that counts beyond all": (_with(split__no=5, split__count=3), "part 6 of 3"),
    "more parts than anybody has": (_with(split__no=0, split__count=60_000), "part 1 of 60000"),
}

# Published escapes from a template's sandbox, for jinja and for libraries that build on it.
ESCAPING_TEMPLATES = (
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__.os.popen('id').read() }}",
    "{{ namespace.__init__.__globals__.os.popen('id').read() }}",
    "{{ self.__init__.__globals__.__builtins__.__import__('os').popen('id').read() }}",
    "{{ self._TemplateReference__context.cycler.__init__.__globals__.os }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ().__class__.__base__.__subclasses__()[132].__init__.__globals__['popen']('id') }}",
    "{{ [].__class__.__bases__[0].__subclasses__() }}",
    "{{ {}['__class__'] }}",
    "{{ messages['__class__'] }}",
    "{{ ''|attr('__class__') }}",
    "{{ ''|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}",
    "{{ ''['\\u005f\\u005fclass\\u005f\\u005f'] }}",
    "{{ ''['\\137\\137class\\137\\137'] }}",
    "{{ messages|map(attribute='__class__')|list }}",
    "{{ (messages|attr)('append') }}",
    "{{ '{0.__class__}'.format(messages) }}",
    "{{ '%s'.__mod__.__self__ }}",
    "{% set f = raise_exception.__globals__ %}{{ f }}",
    "{{ raise_exception.__code__.co_consts }}",
    "{{ (messages|select).gi_frame.f_globals }}",
    "{{ strftime_now.__self__ }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% for c in [].__class__.__base__.__subclasses__() %}{{ c.__name__ }}{% endfor %}",
)


def with_template(template: str) -> bytes:
    """A chat model that is fine except for its template."""
    return gguf({**CHAT, "tokenizer.chat_template": template}, [TENSOR], data_bytes=1_024)
