"""The options of `chat` and `bench` that say how a model is loaded."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from desktop_llm.engine.client import KV_TYPES, ROPE_SCALINGS, LoadSettings
from desktop_llm.models.templates import FORMATS
from desktop_llm.words import tr

KvTypes = tuple[str, str]


def add_load_flags(parser: ArgumentParser, *, several: bool = False) -> None:
    """Add the options. With `several`, `--threads` and `--kv-type` take a list to compare."""
    load = parser.add_argument_group("how the model is loaded")
    load.add_argument("--context-length", type=_count, metavar="N", help="tokens that it can keep in mind")
    threads = "processor threads (one per core)"
    kinds = f"format of the KV cache: {', '.join(KV_TYPES)}, or KEYS/VALUES (f16)"
    if several:
        load.add_argument("--threads", type=_counts, default=[], metavar="N,…", help=f"{threads}; several to compare")
        load.add_argument("--kv-type", type=_several_kv_types, default=[], metavar="T,…", help=f"{kinds}; several too")
    else:
        load.add_argument("--threads", type=_count, metavar="N", help=threads)
        load.add_argument("--kv-type", type=_kv_types, metavar="T", help=kinds)
    load.add_argument("--gpu-layers", type=_count_or_none, metavar="N", help="layers on the GPU (as many as fit)")
    load.add_argument("--cpu-moe", type=_count_or_none, metavar="N", help="layers whose experts stay in main memory")
    load.add_argument("--flash-attention", choices=("auto", "on", "off"), default="auto")
    load.add_argument("--batch", type=_count, metavar="N", help="tokens of a prompt processed at once (512)")
    load.add_argument(
        "--rope-scaling",
        choices=ROPE_SCALINGS,
        help="linear or yarn: a longer context than the model was made for (may get worse)",
    )
    load.add_argument(
        "--chat-template",
        type=_template,
        metavar="FILE or NAME",
        help=f"a chat format in place of the file's own: a Jinja file, or {', '.join(FORMATS)}",
    )
    load.add_argument("--rope-factor", type=_number, metavar="X", help="how much longer (as the context length needs)")
    load.add_argument("--rope-base", type=_number, metavar="X", help="RoPE base frequency (the model's own)")


def load_settings(options: Namespace, *, threads: int | None, kv_types: KvTypes | None) -> LoadSettings:
    """The settings that the options ask for; None is left to the app's settings."""
    keys, values = kv_types or (None, None)
    return LoadSettings(
        context_length=options.context_length,
        threads=threads,
        gpu_layers=options.gpu_layers,
        kv_type_k=keys,
        kv_type_v=values,
        flash_attention={"on": True, "off": False}.get(options.flash_attention),
        batch=options.batch,
        template=options.chat_template,
        rope_scaling=options.rope_scaling,
        rope_factor=options.rope_factor,
        rope_base=options.rope_base,
        cpu_moe_layers=options.cpu_moe,
    )


def _kv_types(text: str) -> KvTypes:
    keys, _, values = text.partition("/")
    for kind in (keys, values or keys):
        if kind not in KV_TYPES:
            raise ArgumentTypeError(
                tr("there is no KV cache type “{kind}”; choose from {kinds}", kind=kind, kinds=", ".join(KV_TYPES))
            )
    return keys, values or keys


def _several_kv_types(text: str) -> list[KvTypes]:
    return [_kv_types(item) for item in text.split(",")]


def _counts(text: str) -> list[int]:
    return [_count(item) for item in text.split(",")]


def _count(text: str) -> int:
    return _whole(text, 1)


def _count_or_none(text: str) -> int:
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    if not text.strip().isdecimal() or int(text) < least:
        raise ArgumentTypeError(tr("{text} is not a whole number from {least} on", text=text, least=least))
    return int(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ArgumentTypeError(tr("{text} is not a number", text=text)) from None


def _template(text: str) -> str:
    """The template of a format's name, or of a file."""
    named = {name.casefold(): template for name, template in FORMATS.items()}
    if (template := named.get(text.casefold())) is not None:
        return template
    try:
        return Path(text).read_text(encoding="utf-8-sig")
    except (OSError, ValueError):
        names = ", ".join(FORMATS)
        raise ArgumentTypeError(tr("{text} is neither a file nor one of {names}", text=text, names=names)) from None
