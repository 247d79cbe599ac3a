"""`pull` as a person and a script use it: the real program, and a hub on this computer."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.models.downloading import FILE, REPO, made_model
from tests.models.killing_pulls import CountingHub
from tests.models.test_download_plain_hub import PlainHub

MODEL = made_model(Random(1), weights=2_000_000)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingHub]:
    with CountingHub() as hub:
        hub.add(REPO, {FILE: MODEL})
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "desktop_llm", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, encoding="utf-8", env=dict(os.environ))


def run(*arguments: str) -> tuple[int, str, str]:
    with start(*arguments) as program:
        out, complaint = program.communicate(timeout=120)
    return program.returncode, out, complaint


def answer(*arguments: str) -> Any:
    code, out, complaint = run(*arguments, "--json")
    assert code == 0, complaint
    return json.loads(out)


def test_a_pulled_model_is_listed_costs_nothing_again_and_can_be_removed(hub: CountingHub) -> None:
    pulled = answer("pull", f"{REPO}:Q4_K_M")
    assert set(pulled) == {"id", "path", "sha256", "size_bytes", "bytes_transferred", "checked"}
    assert pulled["sha256"] == hashlib.sha256(Path(pulled["path"]).read_bytes()).hexdigest()
    assert pulled["checked"] is True
    assert pulled["bytes_transferred"] == pulled["size_bytes"] == len(MODEL)
    assert answer("pull", f"{REPO}:{FILE}")["bytes_transferred"] == 0
    assert pulled["id"] in [row["id"] for row in answer("list")]
    assert answer("rm", pulled["id"])["id"] == pulled["id"]
    assert not Path(pulled["path"]).exists()


def test_a_pull_that_could_not_be_checked_says_so_to_a_script_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with PlainHub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        assert answer("pull", REPO)["checked"] is False


@pytest.fixture
def _heeds_ctrl_c() -> Iterator[None]:
    """Heed Ctrl+C: a shell makes tests in the background ignore it, and so would the programs they start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name != "posix", reason="Ctrl+C is sent otherwise on Windows")
@pytest.mark.usefixtures("_heeds_ctrl_c")
def test_an_interrupted_pull_says_how_to_go_on_and_gets_only_the_rest(home: Path, hub: CountingHub) -> None:
    hub.limit_bytes = len(MODEL) // 4
    with start("pull", REPO) as program:
        while hub.sent_bytes < hub.limit_bytes:
            assert program.poll() is None
            hub.stopping.wait(0.001)
        program.send_signal(signal.SIGINT)
        _, complaint = program.communicate(timeout=60)
    hub.limit_bytes = None
    assert program.returncode == 130
    assert "The same command resumes it." in complaint
    (part,) = (home / "models" / ".part").glob("*.part")
    there = part.stat().st_size
    assert answer("pull", REPO)["bytes_transferred"] == len(MODEL) - there


def test_progress_is_told_on_stderr(hub: CountingHub) -> None:
    _, out, complaint = run("pull", REPO)
    assert out.splitlines() == ["tiny-q4_k_m"]
    assert f"{FILE}: " in complaint


@pytest.mark.parametrize("named", ["nonsense", "maker/Missing-GGUF", f"{REPO}:Q2_K"])
def test_what_is_not_there_is_one_sentence(hub: CountingHub, named: str) -> None:
    code, out, complaint = run("pull", named)
    assert (code, out) == (1, "")
    assert "Nothing was" in complaint.splitlines()[-1]
    assert "Traceback" not in complaint
