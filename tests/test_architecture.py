"""Checks the house rules by reading every import of every module. The table of rooms is in ARCHITECTURE.md."""

from __future__ import annotations

import ast
import functools
import json
import re
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "desktop_llm"
ARCHITECTURE = PACKAGE.parent / "ARCHITECTURE.md"

# The only modules that may import a library; prefixes of module names below desktop_llm.
LIBRARIES = {
    "PySide6": ("gui",),
    "llama_cpp": ("engine.native",),
    "chromadb": ("knowledge.index",),
    "onnxruntime": ("knowledge.embed",),
    "tokenizers": ("knowledge.embed",),
    "pypdfium2": ("knowledge.readers",),
    "watchfiles": ("knowledge.watching",),
    "selectolax": ("knowledge.readers",),
    "PIL": ("pictures.decoding", "knowledge.readers.image"),
    "rapidocr": ("knowledge.readers.ocr",),
    "jinja2": ("engine.templates",),
    "huggingface_hub": ("models.hub",),
    "httpx2": ("net",),
    "httpcore2": ("net",),
    "truststore": ("net",),
    # the last two stay on this computer: a socket pair that wakes the event loop, the Unix socket of the owner
    "socket": ("net", "gui.work.quit_on_signal", "channel"),
    "keyring": ("models.hub.token",),
    "sqlite3": ("sqlite_files", "chats", "knowledge", "models.facts", "net.ledger"),
    "threading": (
        "workers",
        "gui.work.crash_log",  # the hook for exceptions that end a thread
        "gui.work.tasks",
        "channel",
        "commands.documents",  # a lock: the chats of several commands are saved one after the other
        "instance",
        "net",
        "models.download.downloads",
        "models.download.part_file",
        "models.library.library",  # a lock, for threads that look at the same time
        "models.facts",  # locks, for files that are created when first needed
        "net.ledger",
        "engine.client",  # a lock, for threads that load at the same time
        "engine.engines",  # a lock, for threads that take engines
        "engine.installation",  # locks, for threads that ask at the same time
        "knowledge.suspects",  # a lock: one thread reads ahead while another embeds
        "engine.choice",
        "engine.crashes",
        "engine.paces",
        "engine.spinning",
        "engine.loading",
        "engine.rendering",
        "engine.inference",
        "engine.vision",
        "engine.answer",  # the event of its cancel
        "engine.evaluation",  # the same
        "knowledge.readahead",
        "knowledge.watch",
        "knowledge.client",
    ),
    "subprocess": ("workers.process", "commands.starter"),
    "multiprocessing": ("channel",),
}
# The app process may import only these modules of the rooms whose inside runs in a child process.
CLIENT_SIDE = {
    "engine": {"client", "engines", "installation", "shapes", "events", "forms", "grammar", "json_schema"},
    "knowledge": {"client", "shapes"},
    "pictures": {"client"},
}
HEAVY = {"llama_cpp", "chromadb", "onnxruntime", "huggingface_hub", "tokenizers", "numpy", "jinja2", "pypdfium2", "PIL"}


def name_of(module: Path) -> str:
    return ".".join(module.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


MODULES = {
    name_of(path): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name != "__init__.py" or path.parent != PACKAGE
}


@functools.cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


@functools.cache
def imports_of(module: str) -> frozenset[str]:
    """Every name that a module imports, with a statement or with `importlib.import_module`."""
    found = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "import_module":
            found |= {str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)}
    return frozenset(found)


@functools.cache
def own_imports(module: str) -> frozenset[str]:
    """The modules of ours that a module imports; a package counts only if a name of its own is taken from it."""
    found = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name.removeprefix("desktop_llm.") for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "desktop_llm":
            base = node.module.removeprefix("desktop_llm").removeprefix(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".removeprefix(".")
                found.add(inner if inner in MODULES else base)
    return frozenset((found & MODULES.keys()) - {module})


def is_within(module: str, rooms: frozenset[str]) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


@functools.cache
def table() -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """ARCHITECTURE.md's rows by name: the modules of a row, and the modules they may import.

    A cell names modules in backticks and other rows in *italics*.
    """
    lines = ARCHITECTURE.read_text(encoding="utf-8").splitlines()
    cells = [found.groups() for line in lines if (found := re.fullmatch(r"\| \*(.+?)\* (.*?)\|(.*?)\|", line))]
    rows = {name: (frozenset(re.findall(r"`([\w.]+)`", who)), may) for name, who, may in cells}
    known = {name: who for name, (who, _) in rows.items()}

    def allowed(may: str) -> frozenset[str]:
        named = re.findall(r"\*(.+?)\*", may)
        return frozenset(re.findall(r"`([\w.]+)`", may)).union(*(known[name] for name in named))

    return {name: (who, who | allowed(may) | known["foundation"]) for name, (who, may) in rows.items()}


def row_of(module: str) -> str:
    """The row with the longest prefix of a module's name."""
    found = [
        (len(room), name)
        for name, (rooms, _) in table().items()
        for room in rooms
        if is_within(module, frozenset({room}))
    ]
    assert found, f"{module} is in no row of ARCHITECTURE.md's table"
    return max(found)[1]


def test_the_table_names_only_what_exists() -> None:
    assert len(table()) > 5
    for who, may in table().values():
        for room in who | may:
            assert any(is_within(module, frozenset({room})) for module in MODULES), f"there is no {room}"
    for library, rooms in LIBRARIES.items():
        for room in rooms:
            inside = [module for module in MODULES if is_within(module, frozenset({room}))]
            used = any(name.split(".")[0] == library for module in inside for name in imports_of(module))
            assert used, f"{room} does not import {library}"


def test_every_module_imports_only_what_its_row_allows() -> None:
    wrong = [
        f"{module} imports {name}"
        for module in MODULES
        for name in sorted(own_imports(module))
        if row_of(name) != row_of(module) and not is_within(name, table()[row_of(module)][1])
    ]
    assert not wrong, "\n".join(wrong)


def test_a_page_of_the_window_knows_no_other_page() -> None:
    pages = table()["pages"][0]
    wrong = [
        f"{module} imports {name}"
        for module in MODULES
        for name in own_imports(module)
        for page in pages
        if is_within(module, frozenset({page})) and is_within(name, frozenset(pages - {page}))
    ]
    assert not wrong, "\n".join(wrong)


def test_no_two_files_import_each_other_in_a_circle() -> None:
    @functools.cache
    def reached(module: str) -> frozenset[str]:
        seen: set[str] = set()
        todo = [module]
        while todo:
            for name in own_imports(todo.pop()) - seen:
                seen.add(name)
                todo.append(name)
        return frozenset(seen)

    circles = {
        frozenset({module, *(name for name in reached(module) if module in reached(name))})
        for module in MODULES
        if module in reached(module)
    }
    assert not circles, [sorted(circle) for circle in circles]


def test_a_library_is_imported_only_in_its_room() -> None:
    wrong = [
        f"{module} imports {name}"
        for module in MODULES
        for name in imports_of(module)
        if not is_within(module, frozenset(LIBRARIES.get(name.split(".")[0], (module,))))
    ]
    assert not wrong, "\n".join(wrong)


def test_only_the_process_and_the_builder_know_the_main_window() -> None:
    knowing = {module for module in MODULES if "gui.frame.window" in own_imports(module)}
    assert knowing <= {"gui.app", "gui.build", "gui.pages"}


def test_at_most_five_files_lie_in_the_window_s_folder_itself() -> None:
    assert len(list((PACKAGE / "gui").glob("*.py"))) <= 5


def test_a_signal_says_what_it_carries() -> None:
    bare = [
        f"{module}:{node.lineno}"
        for module in MODULES
        if module.startswith("gui")
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Signal"
        and any(isinstance(argument, ast.Name) and argument.id == "object" for argument in node.args)
    ]
    assert not bare, "\n".join(bare)


def test_no_module_outgrows_five_hundred_lines() -> None:
    long = {
        module: lines
        for module, path in MODULES.items()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 500
    }
    assert not long


def test_every_module_says_what_it_is() -> None:
    assert not [module for module in MODULES if not ast.get_docstring(tree_of(module))]


def test_the_app_process_brings_in_no_heavy_library() -> None:
    plain = [
        module
        for module in MODULES
        if (parts := module.split("."))[0] not in {"gui", "__main__"}
        and not (parts[0] in CLIENT_SIDE and len(parts) > 1 and parts[1] not in CLIENT_SIDE[parts[0]])
    ]
    assert not (HEAVY | {"PySide6"}) & loaded_after(plain)


def test_the_window_brings_in_no_heavy_library() -> None:
    assert not HEAVY & loaded_after([module for module in MODULES if module.startswith("gui.")])


def loaded_after(modules: list[str]) -> set[str]:
    """The top-level names that a fresh interpreter has loaded after importing these modules."""
    code = "import importlib, json, sys\nfor name in sys.argv[1:]: importlib.import_module(f'desktop_llm.{name}')\n"
    code += "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    out = subprocess.run([sys.executable, "-c", code, *modules], check=True, capture_output=True, text=True).stdout
    return set(json.loads(out))
