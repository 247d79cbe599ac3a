"""The house rules, kept by reading every import of every module."""

from __future__ import annotations

import ast
import functools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "desktop_llm"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Who alone may import a library; prefixes of module names below desktop_llm.
LIBRARIES = {
    "PySide6": ("gui",),
    "llama_cpp": ("engine.backends", "engine.inference", "engine.sampling", "engine.state", "engine.native"),
    "chromadb": ("knowledge.index",),
    "onnxruntime": ("knowledge.embed",),
    "tokenizers": ("knowledge.embed",),
    "pypdfium2": ("knowledge.readers",),
    "selectolax": ("knowledge.readers",),
    "jinja2": ("engine.templates",),
    "huggingface_hub": ("models.hub",),
    "httpx2": ("net",),
    "httpcore2": ("net",),
    "truststore": ("net",),
    "socket": ("net", "gui.ending"),  # the latter for a pair that wakes the event loop
    "keyring": ("models.hub.token",),
    "sqlite3": ("chats", "knowledge", "models.facts", "models.ledger"),
    "threading": (
        "workers",
        "gui.mishaps",  # the hook for what ends a thread
        "gui.tasks",
        "instance",
        "net",
        "models.download.downloads",
        "models.download.hashing",
        "models.facts",  # locks, for files that are made at the first question
        "models.ledger",
        "models.hub.calls",
        "engine.client",  # locks, for those who ask at once
        "engine.choice",
        "engine.loading",
        "engine.inference",
        "knowledge.readahead",
        "knowledge.client",
    ),
    "subprocess": ("workers.process", "gui.open_outside"),
    "multiprocessing": ("instance",),
}
# What runs in a child is started by command line, never imported by the app process.
CHILD_SIDE = {
    "engine": {"client", "shapes", "events"},
    "knowledge": {"client", "shapes"},
}
SHARED_ROOTS = {"errors", "paths", "files", "hardware", "steps", "words"}


def name_of(module: Path) -> str:
    return ".".join(module.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


KNOWN = {name_of(path) for path in MODULES}


@functools.cache
def imports_of(module: Path) -> tuple[str, ...]:
    return tuple(_imports_of(module))


def _imports_of(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@functools.cache
def own_imports(module: Path) -> frozenset[str]:
    found = {name.removeprefix("desktop_llm.") for name in imports_of(module) if name.startswith("desktop_llm.")}
    return frozenset(found & KNOWN)


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_library_is_imported_only_in_its_room(module: Path) -> None:
    for name in imports_of(module):
        rooms = LIBRARIES.get(name.split(".")[0])
        assert rooms is None or name_of(module).startswith(rooms), f"{name_of(module)} imports {name}"


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_the_app_process_never_imports_a_child(module: Path) -> None:
    here = name_of(module)
    for name in own_imports(module):
        room, _, inner = name.partition(".")
        if room not in CHILD_SIDE or not inner or here.split(".")[0] == room or here == "__main__":
            continue
        assert inner in CHILD_SIDE[room], f"{here} imports {name}, which runs in a child"


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_front_ends_do_not_know_each_other(module: Path) -> None:
    front_ends = {"gui": "gui", "cli": "cli", "commands": "cli"}
    here = front_ends.get(name_of(module).split(".")[0])
    for name in own_imports(module):
        there = front_ends.get(name.split(".")[0])
        assert here is None or there in (None, here), f"{name_of(module)} imports {name}"
        assert here or there is None or name_of(module) == "__main__", f"{name_of(module)} imports {name}"


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_child_imports_its_own_room_and_the_foundation_only(module: Path) -> None:
    room, _, inner = name_of(module).partition(".")
    if room not in CHILD_SIDE or not inner or inner in CHILD_SIDE[room]:
        return
    for name in own_imports(module):
        allowed = name.split(".")[0] in {room, "workers", *SHARED_ROOTS}
        assert allowed, f"{room}.{inner} imports {name}"


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_no_module_outgrows_five_hundred_lines(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= 500


def test_every_room_says_what_it_is() -> None:
    for module in MODULES:
        assert ast.get_docstring(ast.parse(module.read_text())), f"{name_of(module)} has no docstring"


def test_the_app_process_brings_in_no_heavy_library() -> None:
    plain = [
        f"desktop_llm.{name_of(path)}"
        for path in MODULES
        if (parts := name_of(path).split("."))[0] not in {"gui", "__main__"}
        and not (parts[0] in CHILD_SIDE and len(parts) > 1 and ".".join(parts[1:]) not in CHILD_SIDE[parts[0]])
    ]
    loaded = loaded_after(plain)
    heavy = {"PySide6", "llama_cpp", "chromadb", "onnxruntime", "huggingface_hub", "tokenizers", "numpy", "jinja2"}
    assert not heavy & loaded


def test_the_window_brings_in_no_heavy_library() -> None:
    window = [f"desktop_llm.{name_of(path)}" for path in MODULES if name_of(path).startswith("gui.")]
    heavy = {"llama_cpp", "chromadb", "onnxruntime", "huggingface_hub", "tokenizers", "numpy", "jinja2", "pypdfium2"}
    assert not heavy & loaded_after(window)


def loaded_after(modules: list[str]) -> set[str]:
    code = "import importlib, json, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\n"
    code += "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    out = subprocess.run([sys.executable, "-c", code, *modules], check=True, capture_output=True, text=True).stdout
    return set(json.loads(out))
