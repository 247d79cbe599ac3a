"""The libraries are at least as new as docs/security.md asks for; where SQLite is older, one connection writes."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import os
import re
import sqlite3
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from desktop_llm.chats.store import ChatStore
from desktop_llm.sqlite_files import connect_read_only

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "desktop_llm"


def lowest() -> dict[str, Version]:
    """The table "Lowest versions" of the page: package and version."""
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w.-]+)` \| ([\d.]+) \|", page, re.MULTILINE)
    return {name: Version(version) for name, version in rows}


@pytest.mark.parametrize("name", lowest())
def test_a_library_has_the_version_in_which_its_holes_are_closed(name: str) -> None:
    assert Version(importlib.metadata.version(name)) >= lowest()[name]


def test_nothing_older_can_be_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = {(found := Requirement(each)).name.lower(): found for each in project["project"]["dependencies"]}
    pinned = {(found := Requirement(each)).name: found for each in project["tool"]["uv"]["constraint-dependencies"]}
    for name, version in lowest().items():
        bounds = asked.get(name.lower()) or pinned[name.lower()]
        assert all(bound.version for bound in bounds.specifier)
        least = min(Version(bound.version) for bound in bounds.specifier if bound.operator in (">=", "=="))
        assert least >= version, f"{name} may be as old as {least}"


def test_no_library_that_reports_home_is_installed() -> None:
    assert importlib.util.find_spec("posthog") is None


def test_nothing_of_ours_runs_code_that_a_file_brings() -> None:
    dangerous = re.compile(r"\bpickle\b|\btorch\.load|trust_remote_code|\bmarshal\b|\bshelve\b|yaml\.(unsafe_)?load\b")
    assert [path.name for path in PACKAGE.rglob("*.py") if dangerous.search(path.read_text(encoding="utf-8"))] == []


# SQLite before 3.51.3 can damage a database in WAL mode if two connections write or checkpoint at the same instant
# (https://sqlite.org/wal.html#walresetbug). Many systems have such a one, so that instant must not come.


def test_each_database_with_a_write_ahead_log_is_opened_for_writing_in_one_place() -> None:
    with_log, opening = set(), set()
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        texts = {
            each.value for each in ast.walk(tree) if isinstance(each, ast.Constant) and isinstance(each.value, str)
        }
        if any(re.search(r"journal_mode\s*=\s*WAL", text) for text in texts):
            with_log.add(module)
        called = {ast.unparse(each.func) for each in ast.walk(tree) if isinstance(each, ast.Call)}
        opening |= {f"{module} {name}" for name in called & {"ChatStore", "Store", "schema.connect"}}
    assert with_log == {"chats.schema", "knowledge.store"}
    assert opening == {
        "chats.store schema.connect",
        "gui.work.store_lane ChatStore",  # the window: one task at a time
        "commands.documents ChatStore",  # a command that owns the data folder; others send it what they save
        "knowledge.service Store",  # one process, which holds a lock
        "knowledge.store Store",  # instead of the one that could only read, once the disk can be written
    }


KILLED = """
import os, signal, sys
from pathlib import Path
from desktop_llm.chats.store import ChatStore
ChatStore(Path(sys.argv[1])).create(title="Kept in the log alone")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name != "posix", reason="a process is killed")
def test_a_reader_never_moves_the_log_into_the_database(tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    ChatStore(path).close()
    subprocess.run([sys.executable, "-c", KILLED, path], cwd=ROOT)
    log = path.with_name("chats.db-wal")
    before = path.read_bytes(), log.read_bytes()
    assert len(before[1]) > 0
    reader = connect_read_only(path)
    assert reader.execute("SELECT title FROM conversation").fetchall() == [("Kept in the log alone",)]
    with pytest.raises(sqlite3.OperationalError):
        reader.execute("DELETE FROM conversation")
    reader.close()
    assert (path.read_bytes(), log.read_bytes()) == before
