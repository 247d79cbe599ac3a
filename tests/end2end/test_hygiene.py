"""What a whole session leaves behind and lets be seen: modes of files, secrets, libraries, started programs."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.end2end.private_session import WRITTEN
from tests.hub import LocalHub
from tests.models.downloading import made_model
from tests.sample_documents import write_samples

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is read, and modes of files")

READ = "a-document-90ab3e"  # found wherever a document went
SECRETS = ("hf_0123456789secret", "hf_9876543210older")
# What libraries look for in PATH to find other libraries, or this machine's name and address.
PROGRAMS = (
    "gcc",
    "cc",
    "c99",
    "clang",
    "ld",
    "ldconfig",
    "objdump",
    "uname",
    "hostname",
    "ip",
    "ifconfig",
    "arp",
    "git",
)
WATCH = """
import os, sys
log = os.open({log!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
def hear(event, arguments):
    if event in ("subprocess.Popen", "os.posix_spawn", "os.exec", "os.system", "os.fork", "os.forkpty", "pty.spawn"):
        os.write(log, (event + " " + str(arguments[0] if arguments else "") + "\\n").encode())
sys.addaudithook(hear)
"""


class Session:
    """Runs programs with a token in their environment, and with a PATH in which only traps lie."""

    def __init__(self, folder: Path) -> None:
        self.home, self.marks, self.started = folder / "home", folder / "marks", folder / "started"
        traps, watch = folder / "traps", folder / "watch"
        traps.mkdir()
        watch.mkdir()
        for name in PROGRAMS:
            (traps / name).write_text(f"#!/bin/sh\necho {name} >> '{self.marks}'\n")
            (traps / name).chmod(0o755)
        (watch / "sitecustomize.py").write_text(WATCH.format(log=str(self.started)))
        self.environment: dict[str, str] = {
            "PATH": str(traps),
            "PYTHONPATH": f"{watch}:{Path(__file__).parents[2]}",
            "HOME": str(folder),
            "DESKTOP_LLM_HOME": str(self.home),
            "DESKTOP_LLM_STARTER": os.devnull,
            "QT_QPA_PLATFORM": "offscreen",
            "HF_TOKEN": SECRETS[0],
            "HUGGING_FACE_HUB_TOKEN": SECRETS[1],
        }

    def run(self, *arguments: str, more: Mapping[str, str] | None = None) -> str:
        """Run Python with these arguments; returns its output."""
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            env={**self.environment, **(more or {})},
            capture_output=True,
            text=True,
            timeout=150,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    session = Session(tmp_path_factory.mktemp("private"))
    write_samples(session.home.parent / "House")
    (session.home.parent / "House" / "diary.txt").write_text(f"What nobody else should see is {READ}.")
    mine = session.home.parent / "mine.gguf"
    mine.write_bytes(made_model(Random(2), weights=20_000))
    mine.chmod(0o644)
    with LocalHub() as hub:
        hub.tokens[SECRETS[0]] = "person"
        hub.add("maker/Tiny-GGUF", {"tiny-Q4_1.gguf": made_model(Random(1), weights=20_000)})
        session.run("desktop_llm", "pull", "maker/Tiny-GGUF:Q4_1", more={"HF_ENDPOINT": hub.url})
        assert f"Bearer {SECRETS[0]}" in {seen.headers.get("authorization") for seen in hub.seen}
    session.run("desktop_llm", "import", str(mine))
    return session


@pytest.fixture(scope="module")
def seen(session: Session) -> Any:
    told = session.home.parent / "seen.json"
    session.run("tests.end2end.private_session", str(session.home.parent / "House"), str(told))
    return json.loads(told.read_text())


def test_the_window_holds_none_of_the_libraries_that_may_crash(seen: Any) -> None:
    assert seen["heavy"] == []


def test_no_other_program_can_read_the_window_s_memory(seen: Any) -> None:
    assert seen["dumpable"] == 0


def test_a_token_is_in_no_environment_and_no_command_line(seen: Any) -> None:
    assert seen["variables"] == []
    assert {"engine", "knowledge"} <= set(seen["children"])
    assert [secret for secret in SECRETS if secret in seen["told"]] == []


def test_a_token_is_in_no_file(session: Session, seen: Any) -> None:
    files = [path for path in session.home.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert [path for path in files for secret in SECRETS if secret.encode() in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("text", "places"), [(WRITTEN, ("chats.db", "chats.db-wal")), (READ, ("knowledge.db", "knowledge.db-wal"))]
)
def test_a_text_lies_in_its_database_and_in_no_log_or_cache(
    session: Session, seen: Any, text: str, places: tuple[str, ...]
) -> None:
    files = [path for path in session.home.parent.rglob("*") if path.is_file() and path.name != "diary.txt"]
    found = {path.name for path in files if text.encode() in path.read_bytes()}
    assert found
    assert found <= set(places)


def test_nobody_else_may_open_anything_that_a_session_leaves(session: Session, seen: Any) -> None:
    found = {path: stat.S_IMODE(path.lstat().st_mode) for path in [session.home, *session.home.rglob("*")]}
    assert {path: oct(mode) for path, mode in found.items() if mode & 0o077} == {}
    models = [path for path in found if path.suffix == ".gguf"]
    assert len(models) == 2
    assert {found[path] for path in models} == {0o600}


def test_no_compiler_or_linker_is_started_to_find_a_library(session: Session, seen: Any) -> None:
    assert not seen["backend_scanned"]
    assert not session.marks.exists(), session.marks.read_text()
    started = {line.partition(" ")[2] for line in session.started.read_text().splitlines()}
    assert started == {sys.executable}
